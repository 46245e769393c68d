/**
 * From decision to data: what a turn adds to the history, what becomes of the record, and which effects follow its commit. Pure.
 *
 * O1. Events of a turn: what was waiting, the notes, the ends of cancelled activities, one event per action in order of ids, and the completion last.
 * O2. A finished or continued generation has no open timers and no outstanding activities.
 * O3. A cancelled activity is recorded as failed by the turn that cancelled it, so that a history tells what is outstanding.
 */

import { TaskCanceledError } from "../errors.ts";
import type { FailureData } from "../failure.ts";
import type {
  CarriedEvent,
  CompleteOrchestrationAction,
  OrchestratorAction,
  ScheduleTaskAction,
  SendEntityMessageAction,
  TurnDecision,
} from "../history/actions.ts";
import type {
  ActionEvent,
  CompletionStatus,
  EventRaisedEvent,
  ExecutionStartedEvent,
  HistoryEvent,
  SubOrchestrationInstanceCreatedEvent,
  TaskScheduledEvent,
} from "../history/events.ts";
import type { Mutable } from "../mutable.ts";
import type { InstanceRecord, OrchestrationStatus, StoredTimer } from "../store/contract.ts";
import { unreachable } from "../unreachable.ts";

/** A message to another instance. */
export type Outgoing =
  | { readonly type: "start"; readonly event: ExecutionStartedEvent }
  | {
      readonly type: "event";
      readonly instanceId: string;
      readonly executionId?: string;
      readonly event: HistoryEvent;
    };

/** The next generation after `continueAsNew`. */
export interface Continuation {
  readonly started: ExecutionStartedEvent;
  readonly carryover: readonly CarriedEvent[];
}

export interface TurnOutcome {
  readonly events: readonly HistoryEvent[];
  readonly record: InstanceRecord;
  readonly timersAdded: readonly StoredTimer[];
  readonly activities: readonly TaskScheduledEvent[];
  /** Sequence ids of outstanding activities that this turn cancelled. */
  readonly canceledTasks: readonly number[];
  readonly outgoing: readonly Outgoing[];
  readonly continuation?: Continuation;
}

/** What a turn was given beside the decision. */
export interface TurnFacts {
  readonly record: InstanceRecord;
  /** The turn's own events, `OrchestratorStarted` first. */
  readonly fresh: readonly HistoryEvent[];
  readonly now: Date;
  readonly isSuspended: boolean;
  /** Activities that are outstanding when the turn's own are left out. */
  readonly openTasks: ReadonlySet<number>;
  newExecutionId(): string;
  /** Knows the version a child gets when its call names none. */
  readonly registry: { defaultVersion(name: string): string };
}

const STATUS: Readonly<Record<CompletionStatus, OrchestrationStatus>> = {
  ORCHESTRATION_STATUS_COMPLETED: "Completed",
  ORCHESTRATION_STATUS_FAILED: "Failed",
  ORCHESTRATION_STATUS_TERMINATED: "Terminated",
  ORCHESTRATION_STATUS_CANCELED: "Canceled",
  ORCHESTRATION_STATUS_CONTINUED_AS_NEW: "Running",
};

export function outcomeOf(decision: TurnDecision, facts: TurnFacts): TurnOutcome {
  const canceledTasks = decision.canceledTasks.filter((id) => facts.openTasks.has(id));
  const events: HistoryEvent[] = [...facts.fresh, ...decision.notes];
  for (const id of canceledTasks) events.push(canceledEvent(id, facts.now));
  const timersAdded: StoredTimer[] = [];
  const activities: TaskScheduledEvent[] = [];
  const outgoing: Outgoing[] = [];
  let completion: CompleteOrchestrationAction | undefined;
  for (const action of decision.actions) {
    const event = eventOf(action, facts.now);
    events.push(event);
    switch (action.kind) {
      case "scheduleTask":
        activities.push(event as TaskScheduledEvent);
        break;
      case "createTimer":
        timersAdded.push({
          instanceId: facts.record.instanceId,
          kind: "timer",
          timerId: action.id,
          dueAtMs: action.fireAtMs,
        });
        break;
      case "createSubOrchestration":
        outgoing.push({
          type: "start",
          event: childStart(
            event as SubOrchestrationInstanceCreatedEvent,
            facts.record,
            facts.now,
            facts.newExecutionId(),
            facts.registry.defaultVersion(action.name),
          ),
        });
        break;
      case "sendEvent":
        outgoing.push({
          type: "event",
          instanceId: action.instanceId,
          event: raised(action.name, action.input, facts.now),
        });
        break;
      case "sendEntityMessage":
        outgoing.push(toEntity(action, event, facts));
        break;
      case "completeOrchestration":
        completion = action;
        break;
      default:
        unreachable(action);
    }
  }
  if (completion) return endOf(completion, decision, facts, { events, canceledTasks, outgoing });
  const isBusy = facts.openTasks.size > canceledTasks.length || activities.length > 0;
  const record = openRecord(decision, facts, isBusy);
  return { events, record, timersAdded, activities, canceledTasks, outgoing };
}

/** The outcome of a generation's last turn. */
function endOf(
  completion: CompleteOrchestrationAction,
  decision: TurnDecision,
  facts: TurnFacts,
  parts: Pick<TurnOutcome, "events" | "canceledTasks" | "outgoing">,
): TurnOutcome {
  const nothing = { timersAdded: [], activities: [] };
  if (completion.status === "ORCHESTRATION_STATUS_CONTINUED_AS_NEW") {
    const continuation = continuationOf(completion, facts);
    return { ...parts, ...nothing, record: continuedRecord(facts, continuation), continuation };
  }
  const { parent } = facts.record;
  const report: Outgoing[] = parent
    ? [
        {
          type: "event",
          instanceId: parent.instanceId,
          executionId: parent.executionId,
          event: reportTo(parent.taskScheduledId, completion, facts),
        },
      ]
    : [];
  const record = finalRecord(decision, completion, facts);
  return { ...parts, ...nothing, outgoing: [...parts.outgoing, ...report], record };
}

function canceledEvent(taskScheduledId: number, timestamp: Date): HistoryEvent {
  const failureDetails: FailureData = {
    errorType: TaskCanceledError.errorName,
    errorMessage: "The call was cancelled by the orchestrator.",
  };
  return { type: "TaskFailed", eventId: -1, timestamp, taskScheduledId, failureDetails };
}

/** The history event that records an action. */
export function eventOf(action: OrchestratorAction, timestamp: Date): HistoryEvent {
  switch (action.kind) {
    case "scheduleTask":
      return taskScheduled(action, timestamp);
    case "createSubOrchestration": {
      const { kind: _kind, id, ...fields } = action;
      return { type: "SubOrchestrationInstanceCreated", eventId: id, timestamp, ...fields };
    }
    case "createTimer":
      return { type: "TimerCreated", eventId: action.id, timestamp, fireAt: new Date(action.fireAtMs) };
    case "sendEvent": {
      const { kind: _kind, id, ...fields } = action;
      return { type: "EventSent", eventId: id, timestamp, ...fields };
    }
    case "sendEntityMessage":
      return entityEventOf(action, timestamp);
    case "completeOrchestration":
      return {
        type: "ExecutionCompleted",
        eventId: action.id,
        timestamp,
        orchestrationStatus: action.status,
        ...(action.result !== undefined && { result: action.result }),
        ...(action.failure && { failureDetails: action.failure }),
      };
    default:
      return unreachable(action);
  }
}

/** The commonest event of all, field by field: most calls have an input and nothing else. */
function taskScheduled(action: ScheduleTaskAction, timestamp: Date): TaskScheduledEvent {
  const { id, name, version, input, tags, attempt, firstAttemptId, lastHeartbeat, options } = action;
  const event: Mutable<TaskScheduledEvent> = { type: "TaskScheduled", eventId: id, timestamp, name };
  if (version !== undefined) event.version = version;
  if (input !== undefined) event.input = input;
  if (tags) event.tags = tags;
  if (attempt !== undefined) event.attempt = attempt;
  if (firstAttemptId !== undefined) event.firstAttemptId = firstAttemptId;
  if (lastHeartbeat !== undefined) event.lastHeartbeat = lastHeartbeat;
  if (options) event.options = options;
  return event;
}

function entityEventOf({ id, message }: SendEntityMessageAction, timestamp: Date): ActionEvent {
  const base = { eventId: id, timestamp };
  switch (message.type) {
    case "signaled": {
      const { type: _type, scheduledTimeMs, ...fields } = message;
      return {
        type: "EntityOperationSignaled",
        ...base,
        ...fields,
        ...(scheduledTimeMs !== undefined && { scheduledTime: new Date(scheduledTimeMs) }),
      };
    }
    case "called": {
      const { type: _type, ...fields } = message;
      return { type: "EntityOperationCalled", ...base, ...fields };
    }
    case "lockRequested":
      return {
        type: "EntityLockRequested",
        ...base,
        criticalSectionId: message.criticalSectionId,
        lockSet: message.lockSet,
        position: 0,
      };
    case "unlockSent":
      return {
        type: "EntityUnlockSent",
        ...base,
        criticalSectionId: message.criticalSectionId,
        targetInstanceId: message.targetInstanceId,
      };
    default:
      return unreachable(message);
  }
}

/** The same event as a message: it says who sent it, so that the entity can answer. */
function toEntity({ message }: SendEntityMessageAction, event: HistoryEvent, { record }: TurnFacts): Outgoing {
  const instanceId = message.type === "lockRequested" ? (message.lockSet[0] ?? "") : message.targetInstanceId;
  const sent =
    message.type === "signaled"
      ? event
      : { ...event, parentInstanceId: record.instanceId, parentExecutionId: record.executionId };
  return { type: "event", instanceId, event: sent as HistoryEvent };
}

function raised(name: string, input: string | undefined, timestamp: Date): EventRaisedEvent {
  return { type: "EventRaised", eventId: -1, timestamp, name, ...(input !== undefined && { input }) };
}

/** The start of a child, from its call. */
export function childStart(
  call: Pick<SubOrchestrationInstanceCreatedEvent, "name" | "version" | "input" | "tags" | "instanceId" | "eventId">,
  parent: InstanceRecord,
  timestamp: Date,
  executionId: string,
  defaultVersion: string,
): ExecutionStartedEvent {
  const version = call.version ?? defaultVersion;
  return {
    type: "ExecutionStarted",
    eventId: 0,
    timestamp,
    name: call.name,
    ...(version !== "" && { version }),
    ...(call.input !== undefined && { input: call.input }),
    orchestrationInstance: { instanceId: call.instanceId, executionId },
    parentInstance: {
      name: parent.name,
      instanceId: parent.instanceId,
      executionId: parent.executionId,
      taskScheduledId: call.eventId,
    },
    tags: { ...parent.tags, ...call.tags },
  };
}

function reportTo(taskScheduledId: number, completion: CompleteOrchestrationAction, facts: TurnFacts): HistoryEvent {
  const base = { eventId: -1, timestamp: facts.now, taskScheduledId };
  if (completion.status === "ORCHESTRATION_STATUS_COMPLETED") {
    return {
      type: "SubOrchestrationInstanceCompleted",
      ...base,
      ...(completion.result !== undefined && { result: completion.result }),
    };
  }
  const ended: FailureData = {
    errorType: "OrchestrationTerminatedError",
    errorMessage: `The sub-orchestration '${facts.record.instanceId}' was terminated${completion.result === undefined ? "" : `: ${completion.result}`}.`,
  };
  return { type: "SubOrchestrationInstanceFailed", ...base, failureDetails: completion.failure ?? ended };
}

function openRecord(decision: TurnDecision, facts: TurnFacts, isBusy: boolean): InstanceRecord {
  const { record } = facts;
  const status: OrchestrationStatus = facts.isSuspended ? "Suspended" : "Running";
  if (
    record.status === status &&
    record.isBusy === isBusy &&
    record.customStatus === decision.customStatus &&
    record.scheduledStartAtMs === undefined &&
    record.failure === undefined
  )
    return record;
  return { ...withStatus(startedOf(record), decision.customStatus), status, isBusy };
}

function finalRecord(
  decision: TurnDecision,
  completion: CompleteOrchestrationAction,
  facts: TurnFacts,
): InstanceRecord {
  const { heartbeats: _heartbeats, ...record } = withStatus(startedOf(facts.record), decision.customStatus);
  return {
    ...record,
    status: STATUS[completion.status],
    isBusy: false,
    completedAtMs: facts.now.getTime(),
    ...(completion.result !== undefined && { output: completion.result }),
    ...(completion.failure && { failure: completion.failure }),
  };
}

function continuedRecord(facts: TurnFacts, { started }: Continuation): InstanceRecord {
  const {
    customStatus: _status,
    input: _input,
    heartbeats: _heartbeats,
    warning: _warning,
    ...record
  } = startedOf(facts.record);
  return {
    ...record,
    executionId: started.orchestrationInstance.executionId,
    version: started.version ?? "",
    status: facts.isSuspended ? "Suspended" : "Running",
    isBusy: false,
    ...(started.input !== undefined && { input: started.input }),
  };
}

function continuationOf(completion: CompleteOrchestrationAction, facts: TurnFacts): Continuation {
  const { record } = facts;
  const version = completion.newVersion ?? record.version;
  return {
    started: {
      type: "ExecutionStarted",
      eventId: 0,
      timestamp: facts.now,
      name: record.name,
      ...(version !== "" && { version }),
      ...(completion.result !== undefined && { input: completion.result }),
      orchestrationInstance: { instanceId: record.instanceId, executionId: facts.newExecutionId() },
      ...(record.parent && { parentInstance: record.parent }),
      ...(Object.keys(record.tags).length > 0 && { tags: record.tags }),
    },
    carryover: completion.carryover ?? [],
  };
}

/** The record of an instance that runs: it neither waits for its start nor is parked. */
function startedOf(record: InstanceRecord): InstanceRecord {
  const { scheduledStartAtMs: _start, failure: _failure, ...rest } = record;
  return rest;
}

function withStatus(record: InstanceRecord, customStatus: string | undefined): InstanceRecord {
  const { customStatus: _old, ...rest } = record;
  return customStatus === undefined ? rest : { ...rest, customStatus };
}
