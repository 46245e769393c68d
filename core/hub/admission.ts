/**
 * Which messages of an instance make its next turn, and what becomes of the others. Everything that can be wrong with a message is found here,
 * against the instance as it is now, before anything changes.
 *
 * D1. A message for an instance that is missing, finished or in another generation is refused or dropped; it never enters a history.
 * D2. A start begins a turn of its own generation; a message that comes with effects of its own (purge, start) is never mixed into a turn.
 * D3. While a scheduled start is waiting, events are kept in the stored inbox, in order.
 */
import {
  FunctionNotRegisteredError,
  InstanceNotFoundError,
  InstanceNotRunningError,
  InvalidInstanceStateError,
  OrchestrationAlreadyExistsError,
} from "../errors.ts";
import type { ExecutionStartedEvent, HistoryEvent } from "../history/events.ts";
import { SEEN_EVENT_IDS_MAX, TURN_EVENTS_MAX } from "../limits.ts";
import type { InstanceRecord, StoredTimer } from "../store/contract.ts";
import { unreachable } from "../unreachable.ts";
import type { EnginePorts } from "./engine-ports.ts";
import { keepHeartbeats } from "./heartbeats.ts";
import type { LiveInstance } from "./live-instance.ts";
import {
  type EventMessage,
  isCommand,
  isFinal,
  type Message,
  type PurgeMessage,
  type ReleaseMessage,
  type StartMessage,
} from "./message.ts";
import { keepCommand, storeMessage } from "./parking.ts";
import { refuseChild } from "./refused-child.ts";
import { isForAnotherChild, isRepeated, isSettled, isStale, isSuspendedAfter, settle } from "./repetition.ts";
import { hasOpenLocks } from "./rewind.ts";
import { releaseLocks } from "./staging.ts";
import { Turn } from "./turn.ts";
import { versionMismatch } from "./versioning.ts";

/** What to do with a message. `wait`: leave it, and what follows, for later. `unhold`: take what was held, before this message. */
type Verdict = "take" | "done" | "wait" | "unhold";

/** Takes the messages of the next turn out of the inbox; `undefined` when there is nothing to run. */
export function admit(live: LiveInstance, ports: EnginePorts): Turn | undefined {
  const now = new Date(Math.max(ports.options.host.now(), live.updatedAtMs));
  const taken: Message[] = [];
  let index = 0;
  for (; index < live.inbox.length && taken.length < TURN_EVENTS_MAX; index++) {
    const message = live.inbox[index] as Message;
    // What comes after a rewind finds the instance running.
    if (taken.length > 0 && (message.kind !== "event" || isRewind(taken.at(-1)))) break;
    const verdict = judge(live, message, taken, now, ports);
    if (verdict === "wait") break;
    if (verdict === "unhold") {
      taken.push(...(live.held ?? []));
      live.held = undefined;
    }
    const isRecorded = verdict === "unhold" && (isTermination(message) || isRewind(message));
    if (verdict === "take" || isRecorded) taken.push(message);
  }
  if (index > 0) live.inbox = index === live.inbox.length ? [] : live.inbox.slice(index);
  if (taken.length === 0) return undefined;
  const draft = ports.group.draft(live, now.getTime());
  const fresh: HistoryEvent[] = [{ type: "OrchestratorStarted", eventId: -1, timestamp: now }];
  for (const message of taken) {
    draft.take(message);
    if (message.kind === "event" || message.kind === "start") fresh.push(message.event);
  }
  const refusal = live.run ? undefined : versionMismatch(live.record?.version ?? "", ports.options.versioning);
  return new Turn(live, taken, fresh, now, refusal);
}

function isTermination(message: Message): boolean {
  return message.kind === "event" && message.event.type === "ExecutionTerminated";
}

function isRewind(message: Message | undefined): boolean {
  return message?.kind === "event" && message.event.type === "ExecutionRewound";
}

/** True for the answer of an entity to a call of an instance that has failed since: a rewind takes it. */
function isLateAnswer({ event: { type } }: EventMessage, record: InstanceRecord | undefined): boolean {
  return record?.status === "Failed" && (type === "EntityOperationCompleted" || type === "EntityOperationFailed");
}

/** True when the hub leaves instances of this version to another. */
function isForAnotherHub(version: string, { options: { versioning } }: EnginePorts): boolean {
  return versioning.onMismatch !== "fail" && versionMismatch(version, versioning) !== undefined;
}

function judge(
  live: LiveInstance,
  message: Message,
  taken: readonly Message[],
  now: Date,
  ports: EnginePorts,
): Verdict {
  switch (message.kind) {
    case "event":
      if (isForAnotherChild(live.record, message)) {
        drop(live, message, now, ports);
        return "done";
      }
      if (message.event.type === "ExecutionRewound") return judgeRewind(live, message, now, ports);
      return live.held && !(live.record && isFinal(live.record.status))
        ? judgeHeld(live, message, now, ports)
        : judgeEvent(live, message, taken, now, ports);
    case "start":
      return judgeStart(live, message, now, ports);
    case "release":
      return release(live, message, now, ports);
    case "purge":
      return purge(live, message, now, ports);
    case "heartbeats":
      keepHeartbeats(live, message, now, ports);
      return "done";
    case "nudge":
      return live.run && live.record && !isFinal(live.record.status) ? "take" : "done";
    default:
      return unreachable(message);
  }
}

function judgeEvent(
  live: LiveInstance,
  message: EventMessage,
  taken: readonly Message[],
  now: Date,
  ports: EnginePorts,
): Verdict {
  const { record } = live;
  if (isRepeated(record, message)) {
    drop(live, message, now, ports);
    ports.group.answer(message);
    return "done";
  }
  if (isLateAnswer(message, record) && !isStale(record as InstanceRecord, message)) {
    storeMessage(message, ports.group.draft(live, now.getTime()), ports);
    live.held = [...(live.held ?? []), message];
    return "done";
  }
  if (!record || isFinal(record.status) || (!message.timer && isStale(record, message))) {
    drop(live, message, now, ports);
    if (!record) ports.group.refuse(message, new InstanceNotFoundError(live.instanceId));
    else ports.group.refuse(message, new InstanceNotRunningError(live.instanceId, record.status));
    return "done";
  }
  const { type } = message.event;
  // Of an instance that is parked only the history knows whether a person has suspended it too.
  const mayChangeNothing = isCommand(message) && record.failure === undefined;
  if (mayChangeNothing && isSuspendedAfter(record, taken) === (type === "ExecutionSuspended")) {
    drop(live, message, now, ports);
    ports.group.answer(message);
    return "done";
  }
  const mustWait = !live.run && type !== "ExecutionTerminated" && isForAnotherHub(record.version, ports);
  // What comes with its termination ends with it.
  if (mustWait && !taken.some(isTermination)) {
    live.held = [];
    return judgeHeld(live, message, now, ports);
  }
  if (!ports.ensurePast(live)) return "wait";
  if (isSettled(live, message)) {
    drop(live, message, now, ports);
    return "done";
  }
  remember(live, message, now, ports);
  settle(live, message.event);
  if (message.timer) ports.group.draft(live, now.getTime()).removeTimer(message.timer);
  return "take";
}

/** A rewind: only of what has failed, and not while it would believe to hold locks that were released when it failed. */
function judgeRewind(live: LiveInstance, message: EventMessage, now: Date, ports: EnginePorts): Verdict {
  const { record } = live;
  const refuse = (why?: string): Verdict => {
    drop(live, message, now, ports);
    const { instanceId } = live;
    const refusal = `The instance '${instanceId}' ${why}`;
    const error = why ? new InvalidInstanceStateError(refusal) : new InstanceNotFoundError(instanceId);
    ports.group.refuse(message, error);
    // When nobody asked it is for a parent that was rewound, and waits for it again.
    if (!message.ack && record?.status === "Failed" && record.parent)
      refuseChild(record.name, record.parent, error, now, ports);
    return "done";
  };
  if (!record) return refuse();
  if (record.status !== "Failed")
    return refuse(`is ${record.status} and does not allow a rewind: only failed instances do. Its state is unchanged.`);
  if (message.ack && isForAnotherHub(record.version, ports))
    return refuse(`is of version '${record.version}', which is for another hub. Rewind it there.`);
  if (!ports.ensurePast(live)) return "wait";
  if (!hasOpenLocks(live.past ?? [])) return "unhold";
  return refuse(
    "failed inside a critical section, whose locks were released then; it does not allow a rewind. Restart it instead.",
  );
}

/** True for a start that stands for a call which started the instance already: its parent was rewound, and waits for it again. */
function isSameCall({ parentInstance: caller }: ExecutionStartedEvent, { parent }: InstanceRecord): boolean {
  return (
    caller !== undefined &&
    caller.executionId === parent?.executionId &&
    caller.taskScheduledId === parent.taskScheduledId
  );
}

/** The parent of a child was rewound: a child that failed is rewound too, and one that runs goes on. */
function rewindChild(live: LiveInstance, message: StartMessage, now: Date, ports: EnginePorts): Verdict {
  drop(live, message, now, ports);
  if (live.record?.status === "Failed") {
    const reason = "The parent was rewound.";
    const event: HistoryEvent = { type: "ExecutionRewound", eventId: -1, timestamp: now, reason };
    const rewind: Message = { kind: "event", event, isPromised: true };
    // Ahead of what waits behind the call: a purge would delete what is to go on.
    ports.group.promiseFirst(live, [rewind]);
    live.inbox.splice(live.inbox.indexOf(message) + 1, 0, rewind);
  }
  return "done";
}

/** Notes the id of an event, so that raising it again has no effect. */
function remember(live: LiveInstance, { event }: EventMessage, now: Date, ports: EnginePorts): void {
  if (event.type !== "EventRaised" || event.dedupeId === undefined) return;
  const record = live.record as InstanceRecord;
  if (record.seenEventIds?.includes(event.dedupeId)) return;
  live.record = {
    ...record,
    seenEventIds: [...(record.seenEventIds ?? []), event.dedupeId].slice(-SEEN_EVENT_IDS_MAX),
  };
  ports.group.draft(live, now.getTime()).setRecord(live.record);
}

/** Forgets a message, and what is stored of it. */
function drop(live: LiveInstance, message: Message, now: Date, ports: EnginePorts): void {
  message.isTaken = true;
  const timer = message.kind === "event" ? message.timer : undefined;
  if (message.sequence === undefined && !timer) return;
  const draft = ports.group.draft(live, now.getTime());
  draft.take(message);
  if (timer && live.openTimers.has(timer.timerId)) draft.leaveTimer(timer);
  else if (timer) draft.removeTimer(timer);
}

/** An event for an instance whose start is still to come, or that must not run for now. */
function judgeHeld(live: LiveInstance, message: EventMessage, now: Date, ports: EnginePorts): Verdict {
  const held = live.held as Message[];
  const record = live.record as InstanceRecord;
  const draft = () => ports.group.draft(live, now.getTime());
  // Only the start's own time is judged here when the instance is for another hub: the rest waits with it, in order.
  const isForeign = record.scheduledStartAtMs === undefined && isForAnotherHub(record.version, ports);
  const isKnown = !isForeign || live.turnCount === 0;
  const { type } = message.event;
  if (!isForeign && live.turnCount > 0 && isCommand(message)) return keepCommand(live, message, now, ports);
  switch (isForeign && type !== "ExecutionTerminated" ? undefined : type) {
    case "ExecutionTerminated":
      if (!ports.ensurePast(live)) return "wait";
      if (!isKnown) live.held = held.filter((waiting) => isOpenStill(live, waiting, now, ports));
      if (record.scheduledStartAtMs !== undefined)
        draft().removeTimer(startTimer(live.instanceId, record.scheduledStartAtMs));
      return "unhold";
    case "ExecutionSuspended":
      drop(live, message, now, ports);
      if (record.status !== "Suspended" && record.scheduledStartAtMs !== undefined) {
        const sequence = (held[0]?.sequence ?? 1) - 1;
        draft().keep({ sequence, event: message.event });
        held.unshift({ kind: "event", event: message.event, sequence });
        setStatus(live, "Suspended", now, ports);
      }
      break;
    case "ExecutionResumed": {
      drop(live, message, now, ports);
      const suspension = held[0];
      if (record.scheduledStartAtMs === undefined && record.status === "Suspended") {
        if (suspension?.kind === "event" && suspension.event.type === "ExecutionSuspended") {
          held.shift();
          draft().take(suspension);
        }
        ports.group.answer(message);
        return "unhold";
      }
      if (record.status === "Suspended" && suspension) {
        held.shift();
        draft().take(suspension);
        setStatus(live, "Pending", now, ports);
      }
      break;
    }
    default:
      // Before its start an instance has no timers: one that rings is of the instance it has replaced. Later only the history knows.
      if (isRepeated(record, message) || isStale(record, message) || (isKnown && isSettled(live, message))) {
        drop(live, message, now, ports);
        break;
      }
      remember(live, message, now, ports);
      if (isKnown) settle(live, message.event);
      storeMessage(message, draft(), ports);
      held.push(message);
  }
  ports.group.answer(message);
  return "done";
}

/** Judges what was kept while the history was not known. */
function isOpenStill(live: LiveInstance, message: Message, now: Date, ports: EnginePorts): boolean {
  if (message.kind !== "event") return true;
  const isOver = isSettled(live, message);
  if (isOver) drop(live, message, now, ports);
  else settle(live, message.event);
  return !isOver;
}

function setStatus(live: LiveInstance, status: "Pending" | "Suspended", now: Date, ports: EnginePorts): void {
  live.record = { ...(live.record as InstanceRecord), status };
  live.updatedAtMs = now.getTime();
  ports.group.draft(live, now.getTime()).setRecord(live.record);
}

function judgeStart(live: LiveInstance, message: StartMessage, now: Date, ports: EnginePorts): Verdict {
  const { event } = message;
  const { record } = live;
  const { executionId } = event.orchestrationInstance;
  if (record?.executionId === executionId) {
    if (live.turnCount === 0 && !live.run && !live.held)
      return isForAnotherHub(record.version, ports) ? holdStart(live, message, now, ports) : "take";
    drop(live, message, now, ports);
    return "done";
  }
  if (record && isSameCall(event, record) && (record.status === "Failed" || !isFinal(record.status)))
    return rewindChild(live, message, now, ports);
  const refusal = refusalOf(message, record, ports);
  if (refusal) {
    drop(live, message, now, ports);
    ports.group.refuse(message, refusal);
    if (event.parentInstance) refuseChild(event.name, event.parentInstance, refusal, event.timestamp, ports);
    else if (!message.ack)
      ports.options.logger.warn(`A start of '${event.name}' was dropped. ${refusal.message}`, {
        instanceId: live.instanceId,
      });
    return "done";
  }
  // Only the history tells which locks an instance that is replaced while it runs still holds.
  if (record && !isFinal(record.status) && !ports.ensurePast(live)) return "wait";
  const draft = ports.group.draft(live, now.getTime());
  if (record) {
    const { instanceId, executionId: replaced } = record;
    const reason = `The orchestration '${instanceId}' was replaced by a new one; nobody waits for this activity any more.`;
    if (record.isBusy) ports.group.cancel({ instanceId, executionId: replaced, reason });
    draft.reset();
    releaseLocks(live, record.executionId, ports);
    live.reset();
    // What waited for the start that is replaced goes with it; its own start among that would begin a second run.
    for (const waiting of live.held ?? []) draft.take(waiting);
    live.held = undefined;
  }
  const startAtMs = event.scheduledStartTimestamp?.getTime() ?? 0;
  const isLater = startAtMs > now.getTime();
  live.record = newRecord(event, now, isLater ? startAtMs : undefined);
  live.updatedAtMs = now.getTime();
  draft.setRecord(live.record);
  if (!isLater) return isForAnotherHub(live.record.version, ports) ? holdStart(live, message, now, ports) : "take";
  storeMessage(message, draft, ports);
  draft.addTimer(startTimer(live.instanceId, startAtMs));
  live.held = [message];
  ports.group.answer(message);
  return "done";
}

/** Leaves a start in the stored inbox, for a hub whose version fits. */
function holdStart(live: LiveInstance, message: StartMessage, now: Date, ports: EnginePorts): Verdict {
  storeMessage(message, ports.group.draft(live, now.getTime()), ports);
  live.held = [message];
  setStatus(live, "Pending", now, ports);
  ports.group.answer(message);
  return "done";
}

function refusalOf(
  message: StartMessage,
  record: InstanceRecord | undefined,
  ports: EnginePorts,
): OrchestrationAlreadyExistsError | FunctionNotRegisteredError | undefined {
  const { event, dedupeStatuses } = message;
  const isTaken = record && (dedupeStatuses ? dedupeStatuses.includes(record.status) : !isFinal(record.status));
  if (isTaken) return new OrchestrationAlreadyExistsError(record.instanceId, record.status);
  const isUnknownChild = event.parentInstance && !ports.options.registry.orchestrator(event.name, event.version ?? "");
  return isUnknownChild ? new FunctionNotRegisteredError("orchestrator", event.name, event.version) : undefined;
}

function newRecord(event: ExecutionStartedEvent, now: Date, scheduledStartAtMs: number | undefined): InstanceRecord {
  return {
    instanceId: event.orchestrationInstance.instanceId,
    executionId: event.orchestrationInstance.executionId,
    name: event.name,
    version: event.version ?? "",
    status: scheduledStartAtMs === undefined ? "Running" : "Pending",
    createdAtMs: now.getTime(),
    tags: event.tags ?? {},
    isBusy: false,
    ...(event.input !== undefined && { input: event.input }),
    ...(event.parentInstance && { parent: event.parentInstance }),
    ...(scheduledStartAtMs !== undefined && { scheduledStartAtMs }),
  };
}

function startTimer(instanceId: string, dueAtMs: number): StoredTimer {
  return { instanceId, kind: "start", timerId: 0, dueAtMs };
}

function release(live: LiveInstance, message: ReleaseMessage, now: Date, ports: EnginePorts): Verdict {
  const draft = ports.group.draft(live, now.getTime());
  const { record } = live;
  if (record?.scheduledStartAtMs !== undefined && record.scheduledStartAtMs !== message.timer.dueAtMs) {
    // It was on its way when the start it is for was replaced.
    draft.leaveTimer(message.timer);
    return "done";
  }
  draft.removeTimer(message.timer);
  if (!live.held || !record) return "done";
  if (!isForAnotherHub(record.version, ports)) return "unhold";
  const { scheduledStartAtMs: _startAt, ...waiting } = record;
  live.record = waiting;
  draft.setRecord(waiting);
  return "done";
}

function purge(live: LiveInstance, message: PurgeMessage, now: Date, ports: EnginePorts): Verdict {
  const { record } = live;
  const dueAtMs = message.timer ? record && ports.options.retention.dueAtMs(record) : 0;
  if (message.timer) ports.group.draft(live, now.getTime()).leaveTimer(message.timer);
  const { chosen } = message;
  const isAnother = chosen && (chosen.executionId !== record?.executionId || chosen.status !== record.status);
  if (!record || !isFinal(record.status) || isAnother || dueAtMs === undefined || dueAtMs > now.getTime()) {
    ports.group.answer(message, 0);
    return "done";
  }
  ports.group.draft(live, now.getTime()).purge();
  live.reset();
  live.record = undefined;
  live.held = undefined;
  ports.group.answer(message, 1);
  return "done";
}
