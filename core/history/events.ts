/**
 * The history of an orchestration instance: what happened to it, in order. Replaying a history through the
 * orchestrator's code gives its state back; nothing else about an orchestrator is ever stored.
 *
 * The events and their fields are those of the Durable Task history (`HistoryEvent` of the Durable Task protocol).
 *
 * H1. Every turn begins with `OrchestratorStarted`; then the events that were waiting, what the engine notes, and one event per action the turn took, in order of their ids.
 * H2. An event that records an action carries the action's sequence id as `eventId`; `ExecutionStarted` carries 0; every other event −1.
 * H3. Payloads (`input`, `result`, `output`, `lastHeartbeat`) are stored text; an absent field is `undefined`.
 * H4. Events are data: plain, immutable, shared freely between hub, store and executor.
 */
import type { FailureData } from "../failure.ts";

/** Fields of every event. */
interface EventBase {
  /** Sequence id of the action it records; 0 for `ExecutionStarted`; −1 otherwise. */
  readonly eventId: number;
  readonly timestamp: Date;
}

/** Free-form labels of an instance or a call. */
export type Tags = Readonly<Record<string, string>>;

/** The instance that started a sub-orchestration, and the id of its call. */
export interface ParentInstance {
  readonly name: string;
  readonly instanceId: string;
  readonly executionId: string;
  readonly taskScheduledId: number;
}

export interface OrchestratorStartedEvent extends EventBase {
  readonly type: "OrchestratorStarted";
}
export interface ExecutionStartedEvent extends EventBase {
  readonly type: "ExecutionStarted";
  readonly name: string;
  readonly version?: string;
  readonly input?: string;
  readonly orchestrationInstance: { readonly instanceId: string; readonly executionId: string };
  readonly parentInstance?: ParentInstance;
  readonly scheduledStartTimestamp?: Date;
  readonly tags?: Tags;
}
/** How a generation ended, in the words of the Durable Task protocol. */
export type CompletionStatus =
  | "ORCHESTRATION_STATUS_COMPLETED"
  | "ORCHESTRATION_STATUS_FAILED"
  | "ORCHESTRATION_STATUS_TERMINATED"
  | "ORCHESTRATION_STATUS_CANCELED"
  | "ORCHESTRATION_STATUS_CONTINUED_AS_NEW";
export interface ExecutionCompletedEvent extends EventBase {
  readonly type: "ExecutionCompleted";
  readonly orchestrationStatus: CompletionStatus;
  readonly result?: string;
  readonly failureDetails?: FailureData;
}
export interface ExecutionTerminatedEvent extends EventBase {
  readonly type: "ExecutionTerminated";
  readonly input?: string;
  readonly recurse: boolean;
}
export interface ExecutionSuspendedEvent extends EventBase {
  readonly type: "ExecutionSuspended";
  readonly input?: string;
}
export interface ExecutionResumedEvent extends EventBase {
  readonly type: "ExecutionResumed";
  readonly input?: string;
}
export interface ExecutionRewoundEvent extends EventBase {
  readonly type: "ExecutionRewound";
  readonly reason?: string;
  readonly parentExecutionId?: string;
}
/** What a call of an activity asks for beyond its input. Durations in milliseconds. */
export interface ActivityCallOptions {
  readonly timeoutMs?: number;
  /** Counted from the event it stands in: a further attempt gets what is left of the call's time. */
  readonly scheduleToCloseTimeoutMs?: number;
  readonly heartbeatTimeoutMs?: number;
}
export interface TaskScheduledEvent extends EventBase {
  readonly type: "TaskScheduled";
  readonly name: string;
  readonly version?: string;
  readonly input?: string;
  readonly tags?: Tags;
  /** Which attempt of a call with a retry policy, from 1; absent for the first. */
  readonly attempt?: number;
  /** Sequence id of the first attempt; absent for the first itself. */
  readonly firstAttemptId?: number;
  /** Details of the last heartbeat of the attempts before this one; absent when they gave none. */
  readonly lastHeartbeat?: string;
  readonly options?: ActivityCallOptions;
}
export interface TaskCompletedEvent extends EventBase {
  readonly type: "TaskCompleted";
  readonly taskScheduledId: number;
  readonly result?: string;
}
/** An attempt failed, or its call was cancelled by the orchestrator (`errorType` `"TaskCanceledError"`): then it stands in the turn that cancelled it. */
export interface TaskFailedEvent extends EventBase {
  readonly type: "TaskFailed";
  readonly taskScheduledId: number;
  readonly failureDetails: FailureData;
  /** Details of the attempt's last heartbeat, for the attempt after it. */
  readonly lastHeartbeat?: string;
}
export interface SubOrchestrationInstanceCreatedEvent extends EventBase {
  readonly type: "SubOrchestrationInstanceCreated";
  readonly instanceId: string;
  readonly name: string;
  readonly version?: string;
  readonly input?: string;
  readonly tags?: Tags;
}
export interface SubOrchestrationInstanceCompletedEvent extends EventBase {
  readonly type: "SubOrchestrationInstanceCompleted";
  readonly taskScheduledId: number;
  readonly result?: string;
}
export interface SubOrchestrationInstanceFailedEvent extends EventBase {
  readonly type: "SubOrchestrationInstanceFailed";
  readonly taskScheduledId: number;
  readonly failureDetails: FailureData;
}
export interface TimerCreatedEvent extends EventBase {
  readonly type: "TimerCreated";
  readonly fireAt: Date;
}
export interface TimerFiredEvent extends EventBase {
  readonly type: "TimerFired";
  readonly fireAt: Date;
  readonly timerId: number;
}
export interface EventSentEvent extends EventBase {
  readonly type: "EventSent";
  readonly instanceId: string;
  readonly name: string;
  readonly input?: string;
}
export interface EventRaisedEvent extends EventBase {
  readonly type: "EventRaised";
  readonly name: string;
  readonly input?: string;
  /** Chosen by the sender so that sending twice counts once. */
  readonly dedupeId?: string;
}
/** Facts the engine notes for itself: which in-code patches an instance has taken, which versions of its code ran. */
export interface GenericEvent extends EventBase {
  readonly type: "GenericEvent";
  readonly data?: string;
}
/** On a message to an entity: the orchestration that sent it. Absent in histories, where it is the instance itself. */
interface FromOrchestration {
  readonly parentInstanceId?: string;
  readonly parentExecutionId?: string;
}
export interface EntityOperationSignaledEvent extends EventBase {
  readonly type: "EntityOperationSignaled";
  readonly requestId: string;
  readonly operation: string;
  readonly targetInstanceId: string;
  readonly scheduledTime?: Date;
  readonly input?: string;
}
export interface EntityOperationCalledEvent extends EventBase, FromOrchestration {
  readonly type: "EntityOperationCalled";
  readonly requestId: string;
  readonly operation: string;
  readonly targetInstanceId: string;
  readonly input?: string;
}
export interface EntityOperationCompletedEvent extends EventBase {
  readonly type: "EntityOperationCompleted";
  readonly requestId: string;
  readonly output?: string;
}
export interface EntityOperationFailedEvent extends EventBase {
  readonly type: "EntityOperationFailed";
  readonly requestId: string;
  readonly failureDetails: FailureData;
}
export interface EntityLockRequestedEvent extends EventBase, FromOrchestration {
  readonly type: "EntityLockRequested";
  readonly criticalSectionId: string;
  readonly lockSet: readonly string[];
  readonly position: number;
}
export interface EntityLockGrantedEvent extends EventBase {
  readonly type: "EntityLockGranted";
  readonly criticalSectionId: string;
}
export interface EntityUnlockSentEvent extends EventBase, FromOrchestration {
  readonly type: "EntityUnlockSent";
  readonly criticalSectionId: string;
  readonly targetInstanceId: string;
}

/** One thing that happened to an orchestration instance. */
export type HistoryEvent =
  | OrchestratorStartedEvent
  | ExecutionStartedEvent
  | ExecutionCompletedEvent
  | ExecutionTerminatedEvent
  | ExecutionSuspendedEvent
  | ExecutionResumedEvent
  | ExecutionRewoundEvent
  | TaskScheduledEvent
  | TaskCompletedEvent
  | TaskFailedEvent
  | SubOrchestrationInstanceCreatedEvent
  | SubOrchestrationInstanceCompletedEvent
  | SubOrchestrationInstanceFailedEvent
  | TimerCreatedEvent
  | TimerFiredEvent
  | EventSentEvent
  | EventRaisedEvent
  | GenericEvent
  | EntityOperationSignaledEvent
  | EntityOperationCalledEvent
  | EntityOperationCompletedEvent
  | EntityOperationFailedEvent
  | EntityLockRequestedEvent
  | EntityLockGrantedEvent
  | EntityUnlockSentEvent;

/** Events that record an action of the orchestrator: the join keys between a history and the code. */
export type ActionEvent =
  | TaskScheduledEvent
  | SubOrchestrationInstanceCreatedEvent
  | TimerCreatedEvent
  | EventSentEvent
  | EntityOperationSignaledEvent
  | EntityOperationCalledEvent
  | EntityLockRequestedEvent
  | EntityUnlockSentEvent;

/** Fields with dates that not every event has. */
const OPTIONAL_DATE_FIELDS = ["fireAt", "scheduledStartTimestamp", "scheduledTime"] as const;
const DATE_FIELDS: ReadonlySet<string> = new Set(["timestamp", ...OPTIONAL_DATE_FIELDS]);

/** Writes events as JSON text; dates become ISO text. Stores keep the events of one turn as one such text. */
export function encodeEvents(events: readonly HistoryEvent[]): string {
  return JSON.stringify(events);
}

/** The same as JSON text with dates as ms since 1970: shorter, and written in half the time. `decodeEvents` reads it, too. */
export function compactText(events: readonly HistoryEvent[]): string {
  return JSON.stringify(events.map(compact));
}

function compact(event: HistoryEvent): object {
  const numbered: Record<string, unknown> = { ...event, timestamp: event.timestamp.getTime() };
  for (const field of OPTIONAL_DATE_FIELDS) {
    const value = numbered[field];
    if (value instanceof Date) numbered[field] = value.getTime();
  }
  return numbered;
}

/** Reads what `encodeEvents` or `compactText` wrote. */
export function decodeEvents(text: string): HistoryEvent[] {
  return reviveEvents(JSON.parse(text));
}

/** Gives events that went through JSON (an exported history, say) their dates back. */
export function reviveEvents(events: unknown): HistoryEvent[] {
  if (!Array.isArray(events)) throw new TypeError("A history is an array of events.");
  for (const event of events as Record<string, unknown>[]) {
    for (const key in event) {
      const value = event[key];
      if (DATE_FIELDS.has(key) && (typeof value === "string" || typeof value === "number"))
        event[key] = new Date(value);
    }
  }
  return events as HistoryEvent[];
}
