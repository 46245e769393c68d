/** Methods of the client interface that a hub may not have yet. Their routes answer 501 until it does. */
import type { Pageable } from "../../core/client/client.ts";
import type { EntityId, EntityIdLike } from "../../core/identity.ts";
import { RequestError } from "./request-error.ts";

/** What clients see of an entity. */
export interface EntityState {
  readonly id: EntityId;
  readonly state?: unknown;
  readonly lastModifiedAt: Date;
}

/** Which entities a listing gives. Bounds are inclusive. */
export interface EntityQuery {
  readonly instanceIdPrefix?: string;
  readonly lastModifiedFrom?: Date;
  readonly lastModifiedTo?: Date;
  readonly includeState?: boolean;
  readonly pageSize?: number;
  readonly continuationToken?: string;
}

/** The methods themselves. */
export interface LaterMethods {
  rewindOrchestration(id: string, reason?: string): Promise<void>;
  restartOrchestration(id: string, options?: { readonly newInstanceId?: string | true }): Promise<string>;
  signalEntity(id: EntityIdLike, operation: string, input?: unknown): Promise<void>;
  getEntity(id: EntityIdLike, options?: { readonly includeState?: boolean }): Promise<EntityState | undefined>;
  queryEntities(query?: EntityQuery): Pageable<EntityState>;
}

/**
 * The client, once it has the method.
 * @throws RequestError `notImplemented` until then.
 */
export function clientWith<Method extends keyof LaterMethods>(
  client: Partial<LaterMethods>,
  method: Method,
): Pick<LaterMethods, Method> {
  if (typeof client[method] === "function") return client as Pick<LaterMethods, Method>;
  throw new RequestError("notImplemented", `This task hub does not have ${method} yet.`);
}
