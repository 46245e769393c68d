/**
 * What a turn of an orchestrator asks for, as data. The hub turns each action into a history event and, after the commit, into an effect.
 * The kinds are those of the Durable Task protocol (`OrchestratorAction`).
 *
 * A1. An action's `id` is the sequence id its call consumed; actions of a turn come in ascending order of ids.
 */
import type { FailureData } from "../failure.ts";
import type {
  ActivityCallOptions,
  CompletionStatus,
  EventRaisedEvent,
  ExecutionResumedEvent,
  ExecutionSuspendedEvent,
  HistoryEvent,
  Tags,
} from "./events.ts";

export interface ScheduleTaskAction {
  readonly kind: "scheduleTask";
  readonly id: number;
  readonly name: string;
  readonly version?: string;
  readonly input?: string;
  readonly tags?: Tags;
  readonly attempt?: number;
  readonly firstAttemptId?: number;
  readonly lastHeartbeat?: string;
  readonly options?: ActivityCallOptions;
}
export interface CreateSubOrchestrationAction {
  readonly kind: "createSubOrchestration";
  readonly id: number;
  readonly instanceId: string;
  readonly name: string;
  readonly version?: string;
  readonly input?: string;
  readonly tags?: Tags;
}
export interface CreateTimerAction {
  readonly kind: "createTimer";
  readonly id: number;
  readonly fireAtMs: number;
}
export interface SendEventAction {
  readonly kind: "sendEvent";
  readonly id: number;
  readonly instanceId: string;
  readonly name: string;
  readonly input?: string;
}
export interface SendEntityMessageAction {
  readonly kind: "sendEntityMessage";
  readonly id: number;
  readonly message:
    | {
        readonly type: "signaled";
        readonly requestId: string;
        readonly targetInstanceId: string;
        readonly operation: string;
        readonly input?: string;
        readonly scheduledTimeMs?: number;
      }
    | {
        readonly type: "called";
        readonly requestId: string;
        readonly targetInstanceId: string;
        readonly operation: string;
        readonly input?: string;
      }
    | { readonly type: "lockRequested"; readonly criticalSectionId: string; readonly lockSet: readonly string[] }
    | { readonly type: "unlockSent"; readonly criticalSectionId: string; readonly targetInstanceId: string };
}
/** The end of a generation. With `ORCHESTRATION_STATUS_CONTINUED_AS_NEW` the next one starts with `result` as its input. */
export interface CompleteOrchestrationAction {
  readonly kind: "completeOrchestration";
  readonly id: number;
  readonly status: CompletionStatus;
  readonly result?: string;
  readonly failure?: FailureData;
  readonly newVersion?: string;
  /** What was received and not used, for the next generation, oldest first. */
  readonly carryover?: readonly CarriedEvent[];
}

/** What a generation that has ended leaves to the next: events nobody took, and commands about the instance as a whole. */
export type CarriedEvent = EventRaisedEvent | ExecutionSuspendedEvent | ExecutionResumedEvent;

/** True for events that outlive the generation they were sent to. */
export function isCarried(event: HistoryEvent): event is CarriedEvent {
  return event.type === "EventRaised" || event.type === "ExecutionSuspended" || event.type === "ExecutionResumed";
}

/** One action of an orchestrator. */
export type OrchestratorAction =
  | ScheduleTaskAction
  | CreateSubOrchestrationAction
  | CreateTimerAction
  | SendEventAction
  | SendEntityMessageAction
  | CompleteOrchestrationAction;

/** What one turn of an orchestrator decided. */
export interface TurnDecision {
  /** In ascending order of ids; a completion comes last. */
  readonly actions: readonly OrchestratorAction[];
  /** Facts to note in the history beside the actions. */
  readonly notes: readonly HistoryEvent[];
  /** Sequence ids of timers that earlier turns created and this one cancelled. */
  readonly canceledTimers: readonly number[];
  /** Sequence ids of activities that earlier turns scheduled and this one cancelled. */
  readonly canceledTasks: readonly number[];
  /** The custom status as it stands now (encoded); `undefined` when none is set. */
  readonly customStatus: string | undefined;
}
