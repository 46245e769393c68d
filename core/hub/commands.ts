/** What clients may do to orchestrations: each call becomes a message, and is answered by the commit that takes it. */
import type { PurgeCriteria, PurgeResult, StartOrchestrationOptions } from "../client/client.ts";
import type { OrchestratorDefinition } from "../definition/definitions.ts";
import { checkTimeout } from "../duration.ts";
import {
  FunctionNotRegisteredError,
  InstanceNotFoundError,
  InvalidArgumentError,
  InvalidInstanceStateError,
} from "../errors.ts";
import type { ExecutionStartedEvent, HistoryEvent } from "../history/events.ts";
import { checkInstanceId, checkName } from "../identity.ts";
import { type InstanceRecord, isPromise, type OrchestrationStatus } from "../store/contract.ts";
import type { ClientPorts } from "./engine-ports.ts";
import { timeOrderedId } from "./host.ts";
import { isFinal } from "./message.ts";
import { checkStatus, instant } from "./pages.ts";
import { findInstance, listInstances } from "./views.ts";

/** Statuses of instances that would have to be terminated to be replaced. */
const OPEN_STATUSES: readonly OrchestrationStatus[] = ["Pending", "Running", "Suspended"];

/**
 * Refuses statuses that do not exist, and a choice that contradicts itself: replacing what runs terminates it, which must then be replaceable too.
 * @throws InvalidArgumentError
 */
function checkDedupeStatuses(statuses: readonly OrchestrationStatus[]): void {
  for (const status of statuses) checkStatus(status);
  if (!statuses.includes("Terminated") || OPEN_STATUSES.every((status) => statuses.includes(status))) return;
  throw new InvalidArgumentError(
    `Invalid reusable statuses: cannot exclude 'Terminated' while also allowing reuse of running instances, which are terminated first. List ${OPEN_STATUSES.join(", ")} in dedupeStatuses too, or leave Terminated out.`,
  );
}

/** @throws InvalidArgumentError for tags that are not texts by name. */
function checkTags(tags: unknown): void {
  const isTable = typeof tags === "object" && tags !== null && !Array.isArray(tags);
  if (isTable && Object.values(tags).every((tag) => typeof tag === "string")) return;
  throw new InvalidArgumentError("The tags of a start must be an object whose members are texts.");
}

/** Starts an orchestration; gives its id. */
export function start(
  engine: ClientPorts,
  orchestrator: OrchestratorDefinition<never, unknown> | string,
  input: unknown,
  options: StartOrchestrationOptions,
): Promise<string> {
  const { registry, payloads, host } = engine.options;
  const name = typeof orchestrator === "string" ? orchestrator : orchestrator?.name;
  checkName(name, "The name of the orchestrator to start");
  if (options.version !== undefined && typeof options.version !== "string")
    throw new InvalidArgumentError(`The version of a start must be a text; got ${typeof options.version}.`);
  const version =
    options.version ?? (typeof orchestrator === "string" ? registry.defaultVersion(name) : orchestrator.version);
  const definition = registry.orchestrator(name, version);
  if (!definition) throw new FunctionNotRegisteredError("orchestrator", name, version);
  if (options.instanceId !== undefined) checkInstanceId(options.instanceId);
  if (options.dedupeStatuses) checkDedupeStatuses(options.dedupeStatuses);
  if (options.tags) checkTags(options.tags);
  const scheduledAtMs = options.startAt && instant(options.startAt, "startAt");
  const instanceId = options.instanceId ?? timeOrderedId(host);
  const post = (checked: unknown): Promise<string> => {
    const payload = payloads.encodeOptional(checked);
    const event: ExecutionStartedEvent = {
      type: "ExecutionStarted",
      eventId: 0,
      timestamp: new Date(host.now()),
      name,
      ...(version !== "" && { version }),
      ...(payload !== undefined && { input: payload }),
      orchestrationInstance: { instanceId, executionId: engine.newExecutionId() },
      ...(scheduledAtMs !== undefined && { scheduledStartTimestamp: new Date(scheduledAtMs) }),
      ...(options.tags && { tags: { ...options.tags } }),
    };
    const { dedupeStatuses } = options;
    return engine
      .send(instanceId, {
        kind: "start",
        event,
        hasNewId: options.instanceId === undefined,
        ...(dedupeStatuses && { dedupeStatuses }),
      })
      .then(() => instanceId);
  };
  const checked = payloads.checkInput(definition, input);
  return isPromise(checked) ? checked.then(post) : post(checked);
}

/** Raises an external event; with an `eventId` raising it again has no effect. */
export async function raiseEvent(
  engine: ClientPorts,
  id: string,
  name: string,
  data: unknown,
  eventId: string | undefined,
): Promise<void> {
  checkInstanceId(id);
  checkName(name, "The name of the event to raise");
  if (eventId !== undefined) checkName(eventId, "The eventId");
  await send(engine, id, "EventRaised", {
    name,
    ...payloadOf(engine, data),
    ...(eventId !== undefined && { dedupeId: eventId }),
  });
}

export async function terminate(engine: ClientPorts, id: string, output: unknown, recurse: boolean): Promise<void> {
  checkInstanceId(id);
  await send(engine, id, "ExecutionTerminated", { recurse, ...payloadOf(engine, output) });
}

/** Suspends or resumes. */
export async function hold(
  engine: ClientPorts,
  id: string,
  type: "ExecutionSuspended" | "ExecutionResumed",
  reason: string | undefined,
): Promise<void> {
  checkInstanceId(id);
  await send(engine, id, type, reason === undefined ? {} : { input: reason });
}

/**
 * Starts an instance again with its name, input, version and tags.
 * @throws InstanceNotFoundError, InvalidInstanceStateError when it still runs under the id it would get
 */
export async function restart(
  engine: ClientPorts,
  id: string,
  newInstanceId: string | boolean | undefined,
): Promise<string> {
  checkInstanceId(id);
  if (typeof newInstanceId === "string") checkInstanceId(newInstanceId);
  const found = await findInstance(engine, id);
  if (!found) throw new InstanceNotFoundError(id);
  const { record } = found;
  const target =
    newInstanceId === true
      ? timeOrderedId(engine.options.host)
      : typeof newInstanceId === "string"
        ? newInstanceId
        : id;
  if (target === id && !isFinal(record.status)) {
    throw new InvalidInstanceStateError(
      `The instance '${id}' is ${record.status}, so it cannot be restarted under its own id. Terminate it first, or pass newInstanceId.`,
    );
  }
  if (!engine.options.registry.orchestrator(record.name, record.version))
    throw new FunctionNotRegisteredError("orchestrator", record.name, record.version);
  await engine.send(target, { kind: "start", event: restartEvent(engine, record, target) });
  return target;
}

function restartEvent(engine: ClientPorts, record: InstanceRecord, instanceId: string): ExecutionStartedEvent {
  return {
    type: "ExecutionStarted",
    eventId: 0,
    timestamp: new Date(engine.options.host.now()),
    name: record.name,
    ...(record.version !== "" && { version: record.version }),
    ...(record.input !== undefined && { input: record.input }),
    orchestrationInstance: { instanceId, executionId: engine.newExecutionId() },
    ...(Object.keys(record.tags).length > 0 && { tags: record.tags }),
  };
}

/** Lets a failed orchestration, and its failed children, go on from where they failed. */
export async function rewind(engine: ClientPorts, id: string, reason: string | undefined): Promise<void> {
  checkInstanceId(id);
  await send(engine, id, "ExecutionRewound", reason === undefined ? {} : { reason });
}

/** Deletes finished instances, one or all that fit, with their children when `recursive`. */
export async function purge(
  engine: ClientPorts,
  target: string | PurgeCriteria,
  recursive: boolean,
): Promise<PurgeResult> {
  if (typeof target === "string") {
    checkInstanceId(target);
    return { deletedInstanceCount: await purgeOne(engine, target, recursive), isComplete: true };
  }
  if (typeof target !== "object" || target === null)
    throw new InvalidArgumentError(`What to purge is an instance id, or criteria; got ${String(target)}.`);
  const { timeoutMs, ...query } = target;
  const { host } = engine.options;
  const deadlineMs = timeoutMs === undefined ? Number.POSITIVE_INFINITY : host.now() + checkTimeout(timeoutMs);
  let deletedInstanceCount = 0;
  for await (const { record } of listInstances(engine, query)) {
    if (host.now() >= deadlineMs) return { deletedInstanceCount, isComplete: false };
    if (isFinal(record.status)) deletedInstanceCount += await purgeOne(engine, record.instanceId, recursive, record);
  }
  return { deletedInstanceCount, isComplete: true };
}

/** Children go first: a purge that was interrupted is done again from the parent, which leads to those that are left. */
async function purgeOne(engine: ClientPorts, id: string, recursive: boolean, chosen?: InstanceRecord): Promise<number> {
  let count = 0;
  const record = recursive ? (await findInstance(engine, id))?.record : undefined;
  const isIt = record && isFinal(record.status) && (!chosen || record.executionId === chosen.executionId);
  const history = isIt ? await engine.options.session.history(id) : [];
  for (const event of history) {
    if (event.type !== "SubOrchestrationInstanceCreated") continue;
    const child = await findInstance(engine, event.instanceId);
    if (child?.record.parent?.instanceId === id) count += await purgeOne(engine, event.instanceId, true, child.record);
  }
  return count + ((await engine.send(id, { kind: "purge", ...(chosen && { chosen }) })) as number);
}

function payloadOf(engine: ClientPorts, value: unknown): { input?: string } {
  const input = engine.options.payloads.encodeOptional(value);
  return input === undefined ? {} : { input };
}

function send(engine: ClientPorts, id: string, type: HistoryEvent["type"], fields: object): Promise<unknown> {
  const event = { type, eventId: -1, timestamp: new Date(engine.options.host.now()), ...fields } as HistoryEvent;
  return engine.send(id, { kind: "event", event });
}
