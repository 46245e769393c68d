/** The classes of Holdfast's own that users meet, and so put into payloads: a caught failure, the id of an entity. Every codec keeps them. */
import { Failure, type FailureData } from "../failure.ts";
import { EntityId, OWN_PREFIX } from "../identity.ts";
import type { PayloadClass } from "./codec.ts";

export const OWN_CLASSES: Readonly<Record<string, PayloadClass<object>>> = {
  [`${OWN_PREFIX}FailureDetails`]: {
    class: Failure,
    toPayload: (failure) => plainFailure(failure as Failure),
    fromPayload: (data) => new Failure(data as FailureData),
  },
  [`${OWN_PREFIX}EntityId`]: {
    class: EntityId,
    toPayload: String,
    fromPayload: (text) => EntityId.parse(text as string),
  },
};

/** Inner failures are a part of the outer one, not values of their own. */
function plainFailure({ innerFailure, ...failure }: FailureData): FailureData {
  return innerFailure ? { ...failure, innerFailure: plainFailure(innerFailure) } : failure;
}
