/** What clients may do with entities: signal them, read their last committed state, list them, clean up after them. */
import type {
  CleanEntityStorageRequest,
  CleanEntityStorageResult,
  EntityMetadata,
  EntityQuery,
  Pageable,
} from "../client/client.ts";
import { type Duration, dueAtMs } from "../duration.ts";
import { FunctionNotRegisteredError } from "../errors.ts";
import type { FailureData } from "../failure.ts";
import type { EntityOperationCompletedEvent, EntityOperationFailedEvent, HistoryEvent } from "../history/events.ts";
import { checkName, EntityId, type EntityIdLike, entityIdOf, foreignEntityIdOf, OWN_PREFIX } from "../identity.ts";
import type { EntityFilter, EntityRecord, ListedEntity } from "../store/contract.ts";
import type { ClientPorts } from "./engine-ports.ts";
import { signalEvent } from "./entity-operation.ts";
import { isFinal } from "./message.ts";
import { instant, pageable } from "./pages.ts";

export async function signalEntity(
  engine: ClientPorts,
  id: EntityIdLike,
  operation: string,
  input: unknown,
  options: { readonly signalTime?: Date | Duration },
): Promise<void> {
  const target = foreignEntityIdOf(id);
  checkName(operation, "The name of the operation to signal");
  const { host, payloads, registry } = engine.options;
  if (!registry.entity(target.name)) throw new FunctionNotRegisteredError("entity", target.name);
  const atMs = options.signalTime === undefined ? undefined : dueAtMs(options.signalTime, host.now(), "signalTime");
  const event = signalEvent(
    target.toString(),
    operation,
    payloads.encodeOptional(input),
    atMs,
    host.randomId(),
    host.now(),
  );
  await engine.send(target.toString(), { kind: "event", event });
}

/** An operation of an entity failed; the entity is as it was. */
export class EntityCallFailure extends Error {
  readonly failure: FailureData;
  constructor(failure: FailureData) {
    super(failure.errorMessage);
    this.failure = failure;
  }
}

/** Calls an operation of one of the hub's own entities; gives its decoded result once it is durable. @throws EntityCallFailure */
export async function callOwnEntity(
  engine: ClientPorts,
  targetInstanceId: string,
  operation: string,
  input: unknown,
): Promise<unknown> {
  const { host, payloads } = engine.options;
  const payload = payloads.encodeOptional(input);
  const event: HistoryEvent = {
    type: "EntityOperationCalled",
    eventId: -1,
    timestamp: new Date(host.now()),
    requestId: host.randomId(),
    targetInstanceId,
    operation,
    ...(payload !== undefined && { input: payload }),
  };
  const answer = (await engine.send(targetInstanceId, { kind: "event", event })) as
    | EntityOperationCompletedEvent
    | EntityOperationFailedEvent;
  if (answer.type === "EntityOperationFailed") throw new EntityCallFailure(answer.failureDetails);
  return payloads.decode(answer.output);
}

export async function getEntity<TState>(
  engine: ClientPorts,
  id: EntityIdLike,
  includeState: boolean,
): Promise<EntityMetadata<TState> | undefined> {
  const stored = await engine.options.session.load(entityIdOf(id).toString());
  return (
    stored?.entity &&
    metadataOf<TState>({ entity: stored.entity, backlogSize: stored.inbox.length }, includeState, engine)
  );
}

export function queryEntities(engine: ClientPorts, query: EntityQuery): Pageable<EntityMetadata> {
  const filter = filterOf(query);
  return pageable(
    query,
    async (after, limit) => foreignEntities(engine, filter, after?.instanceId, limit),
    ({ entity }: ListedEntity) => ({ atMs: 0, instanceId: entity.instanceId }),
    (listed) => metadataOf(listed, query.includeState ?? true, engine),
  );
}

/** What entities of the hub itself begin with, and the first text after all of them (`;` follows `:`). */
const OWN_ENTITIES = `@${OWN_PREFIX}`;
const AFTER_OWN_ENTITIES = `@${OWN_PREFIX.slice(0, -1)};`;

/** A page of entities without the hub's own, unless the query asks for them by their prefix. */
async function foreignEntities(
  { options: { session } }: ClientPorts,
  filter: Omit<EntityFilter, "limit" | "after">,
  after: string | undefined,
  limit: number,
): Promise<readonly ListedEntity[]> {
  const rows = await session.queryEntities({ ...filter, limit, ...(after !== undefined && { after }) });
  const ownAt = filter.instanceIdPrefix?.startsWith(OWN_ENTITIES)
    ? -1
    : rows.findIndex(({ entity }) => entity.instanceId.startsWith(OWN_ENTITIES));
  if (ownAt < 0) return rows;
  const rest = await session.queryEntities({ ...filter, limit: limit - ownAt, after: AFTER_OWN_ENTITIES });
  return [...rows.slice(0, ownAt), ...rest];
}

/** Entities that are nothing but locked go when their lock is released; locks whose owner is no longer running are released. */
export async function cleanEntityStorage(
  engine: ClientPorts,
  request: CleanEntityStorageRequest,
): Promise<CleanEntityStorageResult> {
  const { releaseOrphanedLocks = true } = request;
  let [emptyEntitiesRemoved, orphanedLocksReleased] = [0, 0];
  for (let after: string | undefined, isDone = !releaseOrphanedLocks; !isDone; ) {
    const page = await engine.options.session.queryEntities({
      includesTransient: true,
      limit: CLEAN_PAGE_SIZE,
      ...(after !== undefined && { after }),
    });
    for (const { entity } of page) {
      if (!entity.lockedBy || (await isRunning(entity.lockedBy, engine))) continue;
      await unlock(entity.instanceId, entity.lockedBy, engine);
      orphanedLocksReleased++;
      if (entity.state === undefined) emptyEntitiesRemoved++;
    }
    after = page.at(-1)?.entity.instanceId;
    isDone = page.length < CLEAN_PAGE_SIZE;
  }
  return { emptyEntitiesRemoved, orphanedLocksReleased };
}

/** Entities looked at together. */
const CLEAN_PAGE_SIZE = 500;

async function isRunning(owner: NonNullable<EntityRecord["lockedBy"]>, engine: ClientPorts): Promise<boolean> {
  const stored = await engine.options.session.load(owner.instanceId);
  return (
    stored?.record !== undefined && stored.record.executionId === owner.executionId && !isFinal(stored.record.status)
  );
}

async function unlock(
  targetInstanceId: string,
  { instanceId, executionId, criticalSectionId }: NonNullable<EntityRecord["lockedBy"]>,
  engine: ClientPorts,
): Promise<void> {
  const timestamp = new Date(engine.options.host.now());
  const event: HistoryEvent = {
    type: "EntityUnlockSent",
    eventId: -1,
    timestamp,
    criticalSectionId,
    targetInstanceId,
    parentInstanceId: instanceId,
    parentExecutionId: executionId,
  };
  await engine.send(targetInstanceId, { kind: "event", event });
}

function metadataOf<TState>(
  { entity, backlogSize }: ListedEntity,
  includeState: boolean,
  engine: ClientPorts,
): EntityMetadata<TState> {
  return {
    id: EntityId.parse(entity.instanceId),
    lastModifiedAt: new Date(entity.lastModifiedAtMs),
    backlogQueueSize: backlogSize,
    ...(includeState &&
      entity.state !== undefined && { state: engine.options.payloads.decode(entity.state) as TState }),
    ...(entity.lockedBy && { lockedBy: entity.lockedBy.instanceId }),
  };
}

function filterOf(query: EntityQuery): Omit<EntityFilter, "limit" | "after"> {
  const { instanceIdPrefix, lastModifiedFrom, lastModifiedTo, includeTransient } = query;
  return {
    includesTransient: includeTransient ?? false,
    ...(instanceIdPrefix !== undefined && { instanceIdPrefix: normalizedPrefix(instanceIdPrefix) }),
    ...(lastModifiedFrom && { lastModifiedFromMs: instant(lastModifiedFrom, "lastModifiedFrom") }),
    ...(lastModifiedTo && { lastModifiedToMs: instant(lastModifiedTo, "lastModifiedTo") }),
  };
}

/** `Counter@a` and `@Counter@a` both mean `@counter@a`: names of entities are lower-cased, keys are not. */
function normalizedPrefix(prefix: string): string {
  const text = prefix.startsWith("@") ? prefix : `@${prefix}`;
  const keyAt = text.indexOf("@", 1);
  return keyAt < 0 ? text.toLowerCase() : text.slice(0, keyAt).toLowerCase() + text.slice(keyAt);
}
