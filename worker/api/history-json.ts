/**
 * A history as the management API tells it: what was scheduled is folded into what came of it, so that one entry tells one step.
 * Source: `historyEvents` of Durable Functions.
 *
 * J1. `TaskScheduled`, `TimerCreated`, `SubOrchestrationInstanceCreated`, `EntityOperationCalled` and `EntityLockRequested` are no entries;
 *     their completions tell `ScheduledTime`, and with it the function's name and input. What has not completed yet is not told.
 * J2. `OrchestratorStarted` and `GenericEvent` are the engine's own and are not told.
 */
import { type SyncCodec, toJsonForm } from "../../core/codec/codec.ts";
import type { CompletionStatus, ExecutionCompletedEvent, HistoryEvent } from "../../core/history/events.ts";
import { unreachable } from "../../core/unreachable.ts";

/** One step of an orchestration. Which fields there are depends on its type. Instants are ISO 8601, payloads in their JSON form. */
export interface HistoryEntryJson {
  readonly EventType: string;
  readonly Timestamp: string;
  readonly FunctionName?: string;
  /** Name of an event. */
  readonly Name?: string;
  readonly Input?: unknown;
  readonly Result?: unknown;
  /** Why something failed, ended or was held. */
  readonly Reason?: unknown;
  readonly ScheduledTime?: string;
  readonly FireAt?: string;
  readonly OrchestrationStatus?: string;
}

/** Which payloads a history shows. */
export interface HistoryDetail {
  readonly showInput: boolean;
  readonly showOutput: boolean;
}

type Fields = Partial<Record<keyof HistoryEntryJson, unknown>>;
/** What a completion is told with: the name, input and instant of the event that it completes. */
interface Scheduled {
  readonly name?: string | undefined;
  readonly input?: string | undefined;
  readonly at: Date;
}

const STATUS_WORDS: Readonly<Record<CompletionStatus, string>> = {
  ORCHESTRATION_STATUS_COMPLETED: "Completed",
  ORCHESTRATION_STATUS_FAILED: "Failed",
  ORCHESTRATION_STATUS_TERMINATED: "Terminated",
  ORCHESTRATION_STATUS_CANCELED: "Canceled",
  ORCHESTRATION_STATUS_CONTINUED_AS_NEW: "ContinuedAsNew",
};

/** The entries of a history, oldest first. */
export function historyJson(
  history: readonly HistoryEvent[],
  detail: HistoryDetail,
  codec: SyncCodec,
): HistoryEntryJson[] {
  const folding = new Folding(detail, codec);
  const entries: HistoryEntryJson[] = [];
  for (const event of history) {
    const fields = folding.fieldsOf(event);
    if (!fields) continue;
    const shown = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
    entries.push({ EventType: event.type, ...shown, Timestamp: event.timestamp.toISOString() });
  }
  return entries;
}

class Folding {
  readonly #detail: HistoryDetail;
  readonly #codec: SyncCodec;
  /** What is under way: by sequence id for tasks, children and timers, by request id for entity operations and locks. */
  readonly #scheduled: Map<number | string, Scheduled> = new Map();

  constructor(detail: HistoryDetail, codec: SyncCodec) {
    this.#detail = detail;
    this.#codec = codec;
  }

  /** What an event's entry has beside type and timestamp; `undefined` when it is not told. */
  fieldsOf(event: HistoryEvent): Fields | undefined {
    switch (event.type) {
      case "OrchestratorStarted":
      case "GenericEvent":
        return undefined;
      case "TaskScheduled":
      case "SubOrchestrationInstanceCreated":
        return this.#note(event.eventId, { name: event.name, input: event.input, at: event.timestamp });
      case "TimerCreated":
        return this.#note(event.eventId, { at: event.timestamp });
      case "EntityOperationCalled":
        return this.#note(event.requestId, { name: event.operation, input: event.input, at: event.timestamp });
      case "EntityLockRequested":
        return this.#note(event.criticalSectionId, { at: event.timestamp });
      case "TaskCompleted":
      case "SubOrchestrationInstanceCompleted":
        return { ...this.#begun(event.taskScheduledId), Result: this.#output(event.result) };
      case "TaskFailed":
      case "SubOrchestrationInstanceFailed":
        return { ...this.#begun(event.taskScheduledId), Reason: event.failureDetails.errorMessage };
      case "TimerFired":
        return { ...this.#begun(event.timerId), FireAt: event.fireAt.toISOString() };
      case "EntityOperationCompleted":
        return { ...this.#begun(event.requestId), Result: this.#output(event.output) };
      case "EntityOperationFailed":
        return { ...this.#begun(event.requestId), Reason: event.failureDetails.errorMessage };
      case "EntityLockGranted":
        return this.#begun(event.criticalSectionId);
      case "EntityOperationSignaled":
        return { FunctionName: event.operation, Input: this.#input(event.input) };
      case "EntityUnlockSent":
        return {};
      case "EventSent":
      case "EventRaised":
        return { Name: event.name, Input: this.#input(event.input) };
      case "ExecutionStarted":
        return { FunctionName: event.name, Input: this.#input(event.input) };
      case "ExecutionCompleted":
        return this.#ending(event);
      case "ExecutionTerminated":
        return { Reason: this.#value(event.input) };
      case "ExecutionSuspended":
      case "ExecutionResumed":
        return { Reason: event.input };
      case "ExecutionRewound":
        return { Reason: event.reason };
      default:
        return unreachable(event);
    }
  }

  #ending(event: ExecutionCompletedEvent): Fields {
    return {
      OrchestrationStatus: STATUS_WORDS[event.orchestrationStatus],
      Result: this.#output(event.result),
      Reason: event.failureDetails?.errorMessage,
    };
  }

  #note(id: number | string, scheduled: Scheduled): undefined {
    this.#scheduled.set(id, scheduled);
  }

  #begun(id: number | string): Fields {
    const scheduled = this.#scheduled.get(id);
    if (!scheduled) return {};
    return {
      FunctionName: scheduled.name,
      Input: this.#input(scheduled.input),
      ScheduledTime: scheduled.at.toISOString(),
    };
  }

  #input(text: string | undefined): unknown {
    return this.#detail.showInput ? this.#value(text) : undefined;
  }

  #output(text: string | undefined): unknown {
    return this.#detail.showOutput ? this.#value(text) : undefined;
  }

  #value(text: string | undefined): unknown {
    return text === undefined ? undefined : toJsonForm(this.#codec.decode(text));
  }
}
