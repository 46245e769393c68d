/** What is compared of the actions in a history. */
import type { HistoryEvent } from "../../../core/history/events.ts";
import type { TimeLimits } from "../programs/activities.ts";
import type { ActivityInput } from "../programs/interpret.ts";
import type { ProgramInput } from "../programs/program.ts";

/** What a turn must have recorded about one action. */
export type Expected = Readonly<Record<string, unknown>>;

/** Decodes a payload as the hub does. */
export type Decode = (text: string) => unknown;

/** Limits of one call, as they are compared. */
export function limitsOf(limits: TimeLimits = {}): readonly (number | undefined)[] {
  return [limits.timeoutMs, limits.scheduleToCloseTimeoutMs, limits.heartbeatTimeoutMs];
}

export function described(event: HistoryEvent, decode: Decode): Expected {
  switch (event.type) {
    case "TaskScheduled":
      return {
        activity: event.name,
        call: (decode(event.input ?? "null") as ActivityInput).call,
        attempt: event.attempt,
        first: event.firstAttemptId,
        beat: event.lastHeartbeat,
        limits: limitsOf(event.options),
      };
    case "TimerCreated":
      return { timer: event.fireAt.getTime() };
    case "SubOrchestrationInstanceCreated":
      return {
        child: event.name,
        run: (decode(event.input ?? "null") as ProgramInput).run,
        id: event.instanceId,
        tags: event.tags,
      };
    case "EventSent":
      return { send: event.name, to: event.instanceId };
    case "EntityOperationSignaled":
      return { signal: event.operation, to: event.targetInstanceId, input: decode(event.input ?? "null") };
    case "EntityOperationCalled":
      return { call: event.operation, to: event.targetInstanceId, input: decode(event.input ?? "null") };
    case "EntityLockRequested":
      return { lock: event.lockSet.join() };
    case "EntityUnlockSent":
      return { unlock: event.targetInstanceId };
    default:
      return { event: event.type };
  }
}
