/** Tells messages that have no effect any more: repeated ones, late ones, and those to an earlier generation. */
import type { HistoryEvent } from "../history/events.ts";
import type { InstanceRecord } from "../store/contract.ts";
import type { LiveInstance } from "./live-instance.ts";
import { type EventMessage, isCommand, type Message } from "./message.ts";

/**
 * True for the outcome of an activity that is not outstanding (it was recorded before, or the call has been cancelled), for a further outcome of a
 * child (it was rewound by itself), and for a timer that is not open: it was cancelled, or is of an earlier generation, while the store was being
 * asked what is due.
 */
export function isSettled({ openTasks, openChildren, openTimers }: LiveInstance, message: EventMessage): boolean {
  const { event, timer } = message;
  if (timer) return openTimers.get(timer.timerId) !== Math.trunc(timer.dueAtMs);
  switch (event.type) {
    case "TaskCompleted":
    case "TaskFailed":
      return !openTasks.has(event.taskScheduledId);
    case "SubOrchestrationInstanceCompleted":
    case "SubOrchestrationInstanceFailed":
      return !openChildren.has(event.taskScheduledId);
    default:
      return false;
  }
}

/** Notes that an outcome is taken: another one of the same call or timer that waits for the same turn is settled already. */
export function settle({ openTasks, openChildren, openTimers }: LiveInstance, event: HistoryEvent): void {
  switch (event.type) {
    case "TaskCompleted":
    case "TaskFailed":
      openTasks.delete(event.taskScheduledId);
      break;
    case "SubOrchestrationInstanceCompleted":
    case "SubOrchestrationInstanceFailed":
      openChildren.delete(event.taskScheduledId);
      break;
    case "TimerFired":
      openTimers.delete(event.timerId);
      break;
    default:
      break;
  }
}

/** True for a message to another generation. */
export function isStale(record: InstanceRecord, { executionId }: EventMessage): boolean {
  return executionId !== undefined && record.executionId !== executionId;
}

/** True for a message to the child of a generation that has this instance for no child: the id was in use when the child was called. */
export function isForAnotherChild(record: InstanceRecord | undefined, { parentExecutionId }: EventMessage): boolean {
  return parentExecutionId !== undefined && record?.parent?.executionId !== parentExecutionId;
}

/** True for an event that was raised before under the same id. One that was stored or carried over has been found new already. */
export function isRepeated(record: InstanceRecord | undefined, { event, sequence, isPromised }: EventMessage): boolean {
  return (
    sequence === undefined &&
    !isPromised &&
    event.type === "EventRaised" &&
    event.dedupeId !== undefined &&
    (record?.seenEventIds?.includes(event.dedupeId) ?? false)
  );
}

/** Whether the instance is suspended once it has taken what this turn has so far. */
export function isSuspendedAfter(record: InstanceRecord, taken: readonly Message[]): boolean {
  // What comes before a start in its turn was for that start.
  const last = taken.findLast(isCommand);
  if (last) return last.event.type === "ExecutionSuspended";
  return record.status === "Suspended" && !taken.some(({ kind }) => kind === "start");
}
