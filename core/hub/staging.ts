/** Puts what a turn decided into the group commit. */
import { LimitExceededError, type NonDeterminismError } from "../errors.ts";
import { failureFrom } from "../failure.ts";
import type { TurnDecision } from "../history/actions.ts";
import type { ExecutionTerminatedEvent, HistoryEvent } from "../history/events.ts";
import { reportRunEnd } from "../schedules/run-end.ts";
import type { InstanceRecord, StoredTimer } from "../store/contract.ts";
import type { EnginePorts } from "./engine-ports.ts";
import type { Draft, Group } from "./group.ts";
import { withoutEndedHeartbeats } from "./heartbeats.ts";
import { type LiveInstance, outstandingJobs } from "./live-instance.ts";
import { isFinal, type Message } from "./message.ts";
import { type Continuation, childStart, outcomeOf, type TurnOutcome } from "./outcome.ts";
import { park } from "./parking.ts";
import { openChildrenOf } from "./rewind.ts";
import type { Turn } from "./turn.ts";

/** Ends a turn: its events, record, timers and messages become part of the engine's current group. */
export function commitTurn(turn: Turn, engine: EnginePorts): void {
  const { live } = turn;
  const taken = turn.finish();
  const { mismatch } = turn;
  // A rewind that does not fit the code is over: the instance fails again, and may be rewound when its code is back.
  if (mismatch && engine.options.onNonDeterminism === "suspend" && !turn.isRewind) {
    park(turn, mismatch, engine);
    return;
  }
  const decision = bounded(turn, mismatch ? failed(taken, turn, mismatch) : taken, engine);
  if (turn.isRewind) goBack(turn, engine);
  live.track(turn.fresh);
  const record = withoutEndedHeartbeats(live.record as InstanceRecord, live.openTasks, decision.canceledTasks);
  const outcome = outcomeOf(decision, {
    record,
    fresh: turn.fresh,
    now: turn.now,
    isSuspended: live.run?.isSuspended ?? false,
    openTasks: live.openTasks,
    newExecutionId: () => engine.newExecutionId(),
    registry: engine.options.registry,
  });
  const draft = engine.group.draft(live, turn.now.getTime());
  for (const timer of timersOf(live, decision.canceledTimers)) draft.removeTimer(timer);
  for (const timer of outcome.timersAdded) draft.addTimer(timer);
  if (outcome.continuation) draft.reset();
  else draft.addTurn(outcome.events, live.turnCount, turn.now.getTime());
  const next = withWarning(outcome, live.eventCount + outcome.events.length, engine);
  if (next !== record) draft.setRecord(next);
  for (const message of turn.messages) engine.group.answer(message);
  update(live, turn, outcome.events, next);
  if (engine.options.checksDeterminism) live.recorded.push(...outcome.events);
  if (isFinal(outcome.record.status)) {
    for (const timer of timersOf(live, [...live.openTimers.keys()])) draft.removeTimer(timer);
  }
  directActivities(record, outcome, draft, engine.group);
  send(outcome, engine);
  if (turn.termination?.recurse) terminateChildren(live, turn.termination, engine);
  if (isFinal(outcome.record.status) || outcome.continuation) releaseLocks(live, record.executionId, engine);
  if (outcome.continuation) continueWith(live, outcome.continuation, engine);
  if (!isFinal(outcome.record.status)) return;
  reportRunEnd(outcome.record, turn.now, engine);
  live.retire();
}

/** Starts what the turn called, and stops what it cancelled or left behind. */
function directActivities(before: InstanceRecord, outcome: TurnOutcome, draft: Draft, group: Group): void {
  const { instanceId, executionId } = before;
  const cancel = (reason: string, taskId?: number): void =>
    group.cancel({ instanceId, executionId, reason, ...(taskId !== undefined && { taskId }) });
  const { status } = outcome.record;
  const isOver = isFinal(status) || outcome.continuation !== undefined;
  if (isOver && before.isBusy)
    cancel(
      `The orchestration '${instanceId}' ${outcome.continuation ? "has continued as new" : `is ${status}`}; it no longer waits for this activity.`,
    );
  else if (!isOver)
    for (const taskId of outcome.canceledTasks)
      cancel(`The orchestration '${instanceId}' cancelled this call.`, taskId);
  for (const event of outcome.activities) group.start(draft, { instanceId, executionId, event });
}

/** Releases every entity that a generation has locked or asked to lock, and withdraws requests that are still on their way. */
export function releaseLocks(live: LiveInstance, executionId: string, engine: EnginePorts): void {
  const timestamp = new Date(engine.options.host.now());
  for (const [criticalSectionId, entities] of live.openLocks) {
    for (const targetInstanceId of entities) {
      const event: HistoryEvent = {
        type: "EntityUnlockSent",
        eventId: -1,
        timestamp,
        criticalSectionId,
        targetInstanceId,
        parentInstanceId: live.instanceId,
        parentExecutionId: executionId,
      };
      engine.promise(targetInstanceId, { kind: "event", event, isPromised: true });
    }
  }
  live.openLocks.clear();
}

/** Puts the history that a rewind goes on from in the place of the old one, and takes up what is open in it. */
function goBack({ live, past, now }: Turn, engine: EnginePorts): void {
  const { failure: _failure, output: _output, completedAtMs: _completed, ...record } = live.record as InstanceRecord;
  const { run } = live;
  live.reset();
  live.run = run;
  live.track(past);
  const jobs = outstandingJobs(record, past);
  live.record = { ...record, status: "Running", isBusy: jobs.length > 0 };
  live.turnCount = 1;
  live.eventCount = past.length;
  const draft = engine.group.draft(live, now.getTime());
  draft.reset();
  draft.setRecord(live.record);
  draft.addTurn(past, 0, now.getTime());
  for (const [timerId, dueAtMs] of live.openTimers)
    draft.addTimer({ instanceId: live.instanceId, kind: "timer", timerId, dueAtMs });
  for (const job of jobs) engine.group.start(draft, job);
  for (const child of openChildrenOf(past)) {
    const event = childStart(
      child,
      live.record,
      now,
      engine.newExecutionId(),
      engine.options.registry.defaultVersion(child.name),
    );
    engine.promise(child.instanceId, { kind: "start", event, isPromised: true });
  }
}

function update(live: LiveInstance, turn: Turn, events: readonly HistoryEvent[], record: InstanceRecord): void {
  live.track(events, turn.fresh.length);
  live.record = record;
  live.updatedAtMs = turn.now.getTime();
  live.turnCount++;
  live.eventCount += events.length;
}

/** The record, with a warning once the history of its generation has become long. */
function withWarning(outcome: TurnOutcome, eventCount: number, { options }: EnginePorts): InstanceRecord {
  const { record, continuation } = outcome;
  const { historyEventsWarning, historyEventsMax } = options.limits;
  if (continuation || record.warning !== undefined || eventCount <= historyEventsWarning) return record;
  const { instanceId, name } = record;
  const warning = `The history of '${instanceId}' (${name}) has ${eventCount} events; at ${historyEventsMax} it fails. Keep histories short with continueAsNew or sub-orchestrations.`;
  options.logger.warn(warning, { instanceId, historyEvents: eventCount });
  return { ...record, warning };
}

/** The stored timers of sequence ids, as far as they are still open. */
function timersOf(live: LiveInstance, ids: readonly number[]): StoredTimer[] {
  return ids.flatMap((timerId) => {
    const dueAtMs = live.openTimers.get(timerId);
    live.openTimers.delete(timerId);
    return dueAtMs === undefined ? [] : [{ instanceId: live.instanceId, kind: "timer" as const, timerId, dueAtMs }];
  });
}

function send(outcome: TurnOutcome, engine: EnginePorts): void {
  for (const outgoing of outcome.outgoing) {
    if (outgoing.type === "start") {
      engine.promise(outgoing.event.orchestrationInstance.instanceId, {
        kind: "start",
        event: outgoing.event,
        isPromised: true,
      });
    } else {
      const { executionId, event } = outgoing;
      engine.promise(outgoing.instanceId, {
        kind: "event",
        event,
        isPromised: true,
        ...(executionId !== undefined && { executionId }),
      });
    }
  }
}

function terminateChildren(live: LiveInstance, event: ExecutionTerminatedEvent, engine: EnginePorts): void {
  const parentExecutionId = (live.record as InstanceRecord).executionId;
  for (const childId of live.openChildren.values())
    engine.promise(childId, { kind: "event", event, isPromised: true, parentExecutionId });
}

/** The next generation begins with its own start and the events that were carried over, ahead of whatever else waits. */
function continueWith(live: LiveInstance, { started, carryover }: Continuation, engine: EnginePorts): void {
  live.reset();
  const messages: Message[] = [
    { kind: "start", event: started, isContinuation: true, isPromised: true },
    ...carryover.map((event): Message => ({ kind: "event", event, isPromised: true })),
  ];
  engine.group.promiseFirst(live, messages);
  live.inbox.unshift(...messages);
}

function bounded(turn: Turn, decision: TurnDecision, engine: EnginePorts): TurnDecision {
  const { historyEventsMax } = engine.options.limits;
  const count = turn.live.eventCount + turn.fresh.length + decision.actions.length;
  if (count <= historyEventsMax || decision.actions.at(-1)?.kind === "completeOrchestration") return decision;
  return failed(
    decision,
    turn,
    new LimitExceededError(
      `The history of '${turn.live.instanceId}' would grow to ${count} events; ${historyEventsMax} are allowed. Keep histories short with continueAsNew or sub-orchestrations, or raise limits.historyEventsMax.`,
    ),
  );
}

function failed(
  decision: TurnDecision,
  { lastId }: Turn,
  error: NonDeterminismError | LimitExceededError,
): TurnDecision {
  const id = lastId + 1;
  return {
    ...decision,
    notes: [],
    actions: [
      { kind: "completeOrchestration", id, status: "ORCHESTRATION_STATUS_FAILED", failure: failureFrom(error) },
    ],
  };
}
