/** States on their way between tabs: what structured cloning would lose (classes, methods) as data, payloads as text of the hub's codec. */
import type { EntityMetadata, OrchestrationState } from "../../../core/client/client.ts";
import type { ScheduleState } from "../../../core/client/schedules.ts";
import type { SyncCodec } from "../../../core/codec/codec.ts";
import { type FailureData, failureDetails } from "../../../core/failure.ts";
import { EntityId } from "../../../core/identity.ts";
import type { PayloadText } from "./protocol.ts";

export type WireState = Omit<OrchestrationState, "input" | "output" | "customStatus" | "failure"> & {
  readonly payloads: Partial<Record<"input" | "output" | "customStatus", string>>;
  readonly failure?: FailureData;
};
export type WireEntity = Omit<EntityMetadata, "id" | "state"> & { readonly id: string; readonly state?: string };
export type WireSchedule = Omit<ScheduleState, "input"> & { readonly input?: string };

/** Writes and reads them. */
export class Wire {
  readonly #codec: SyncCodec;

  constructor(codec: SyncCodec) {
    this.#codec = codec;
  }

  /** @throws PayloadError for a value that cannot be kept. */
  encode(value: unknown): PayloadText {
    return value === undefined ? undefined : this.#codec.encode(value);
  }
  decode(text: PayloadText): unknown {
    return text === undefined ? undefined : this.#codec.decode(text);
  }

  writeState({ input, output, customStatus, failure, ...rest }: OrchestrationState): WireState {
    return {
      ...rest,
      payloads: {
        ...(input !== undefined && { input: this.#codec.encode(input) }),
        ...(output !== undefined && { output: this.#codec.encode(output) }),
        ...(customStatus !== undefined && { customStatus: this.#codec.encode(customStatus) }),
      },
      ...(failure && { failure: JSON.parse(JSON.stringify(failure)) as FailureData }),
    };
  }
  readState<TOutput>({ payloads, failure, ...rest }: WireState): OrchestrationState<TOutput> {
    const values = Object.entries(payloads).map(([field, text]) => [field, this.#codec.decode(text)]);
    return {
      ...rest,
      ...(Object.fromEntries(values) as Partial<OrchestrationState<TOutput>>),
      ...(failure && { failure: failureDetails(failure) }),
    };
  }

  writeEntity({ id, state, ...rest }: EntityMetadata): WireEntity {
    return { ...rest, id: id.toString(), ...(state !== undefined && { state: this.#codec.encode(state) }) };
  }
  readEntity<TState>({ id, state, ...rest }: WireEntity): EntityMetadata<TState> {
    return {
      ...rest,
      id: EntityId.parse(id),
      ...(state !== undefined && { state: this.#codec.decode(state) as TState }),
    };
  }

  writeSchedule({ input, ...rest }: ScheduleState): WireSchedule {
    return { ...rest, ...(input !== undefined && { input: this.#codec.encode(input) }) };
  }
  readSchedule({ input, ...rest }: WireSchedule): ScheduleState {
    return { ...rest, ...(input !== undefined && { input: this.#codec.decode(input) }) };
  }
}
