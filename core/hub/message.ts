/** What waits for an instance: events of clients, activities, timers and other instances, and commands of clients. */
import type { ExecutionStartedEvent, HistoryEvent } from "../history/events.ts";
import type { InboxMessage, InstanceRecord, OrchestrationStatus, StoredTimer } from "../store/contract.ts";
import type { Receipt } from "./receipts.ts";
import type { DueTimer } from "./timer-watch.ts";

/** Who waits for the commit of a message. */
export interface Ack {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

interface MessageBase {
  readonly ack?: Ack;
  /** Noted as done by the commit that answers it; once, even if a later turn answers it again. */
  receipt?: Receipt | undefined;
  /** Its place in the stored inbox, once it has one. */
  sequence?: number;
  /** True once a turn has taken it. */
  isTaken?: boolean;
  /** True once it was promised by a commit: it must reach the store when no turn of the same commit takes it. */
  readonly isPromised?: boolean;
}
export interface EventMessage extends MessageBase {
  readonly kind: "event";
  readonly event: HistoryEvent;
  /** The generation it is meant for; any when absent. */
  executionId?: string;
  /** The generation whose child it is meant for; absent when it is for whoever has the id. */
  readonly parentExecutionId?: string;
  /** The durable timer that fired; removed with the turn that takes the message. */
  readonly timer?: StoredTimer;
}
export interface StartMessage extends MessageBase {
  readonly kind: "start";
  readonly event: ExecutionStartedEvent;
  /** Statuses of an existing instance that forbid its replacement. */
  readonly dedupeStatuses?: readonly OrchestrationStatus[];
  /** The next generation of the same instance, rather than a start from outside. */
  readonly isContinuation?: boolean;
  /** The id was made up for this start: there is nothing of that instance yet, and the store need not be asked. */
  readonly hasNewId?: boolean;
}
/** The time of a scheduled start has come. */
export interface ReleaseMessage extends MessageBase {
  readonly kind: "release";
  readonly timer: StoredTimer;
}
/** Delete the instance if it is finished. */
export interface PurgeMessage extends MessageBase {
  readonly kind: "purge";
  /** Set when nobody asks for it but its time is over. */
  readonly timer?: DueTimer;
  /** As it was when it was chosen: what has taken its id since, or has ended otherwise, stays. */
  readonly chosen?: InstanceRecord;
}
/** Heartbeat details of running activities, to be kept with the instance. */
export interface HeartbeatsMessage extends MessageBase {
  readonly kind: "heartbeats";
  readonly executionId: string;
  /** Stored text by sequence id of the attempt. */
  readonly details: Readonly<Record<number, string>>;
}
/** A turn without events, so that a broken rule fails the instance. */
export interface NudgeMessage extends MessageBase {
  readonly kind: "nudge";
}

export type Message = EventMessage | StartMessage | ReleaseMessage | PurgeMessage | HeartbeatsMessage | NudgeMessage;

/** A stored message, back in memory. */
export function messageOf(message: InboxMessage): Message {
  const { event, sequence } = message;
  if (event.type === "ExecutionStarted") return { kind: "start", event, sequence, isContinuation: true };
  return { kind: "event", ...message };
}

/** True for what a person commands: that an instance holds, or goes on. */
export function isCommand(message: Message): message is EventMessage {
  if (message.kind !== "event") return false;
  return message.event.type === "ExecutionSuspended" || message.event.type === "ExecutionResumed";
}

/** Statuses that are final. */
export function isFinal(status: OrchestrationStatus): boolean {
  return status === "Completed" || status === "Failed" || status === "Terminated" || status === "Canceled";
}

/** What a durable timer that is due sends. */
export function timerMessage(due: DueTimer, record: InstanceRecord | undefined, nowMs: number): Message {
  if (due.kind === "retention") return { kind: "purge", timer: due };
  const timer: StoredTimer = { ...due, kind: due.kind };
  if (timer.kind !== "timer") return { kind: "release", timer };
  const event: HistoryEvent = {
    type: "TimerFired",
    eventId: -1,
    // The clock may have gone back since the timer was found to be due.
    timestamp: new Date(Math.max(nowMs, timer.dueAtMs)),
    fireAt: new Date(timer.dueAtMs),
    timerId: timer.timerId,
  };
  return { kind: "event", event, timer, ...(record && { executionId: record.executionId }) };
}
