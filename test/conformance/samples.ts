/** Data for cases: small, readable, and between them every field that a store is given. */
import type { HistoryEvent } from "../../core/history/events.ts";
import type { EntityRecord, InboxMessage, InstanceRecord, StoredTimer } from "../../core/store/contract.ts";

/** A record with the required fields only. */
export function record(instanceId: string, fields: Partial<InstanceRecord> = {}): InstanceRecord {
  return {
    instanceId,
    executionId: `${instanceId}-1`,
    name: "hello",
    version: "",
    status: "Running",
    createdAtMs: 1_000,
    tags: {},
    isBusy: false,
    ...fields,
  };
}

/** A record with every field. */
export function fullRecord(instanceId: string): InstanceRecord {
  return record(instanceId, {
    version: "1.2.0",
    status: "Failed",
    createdAtMs: 1_766_000_000_000,
    completedAtMs: 1_766_000_000_123,
    scheduledStartAtMs: 1_765_999_999_999,
    input: '{"city":"Tokyo"}',
    output: '"none"',
    customStatus: '{"progress":0.5}',
    failure: {
      errorType: "RangeError",
      errorMessage: "too far",
      stackTrace: "RangeError: too far\n    at trip",
      innerFailure: { errorType: "Error", errorMessage: "no road" },
      isNonRetriable: true,
      properties: { km: 12_000.5, via: ["Narita", null], isDirect: false },
    },
    tags: { team: "travel", empty: "" },
    parent: { name: "trips", instanceId: "parent", executionId: "parent-1", taskScheduledId: 7 },
    isBusy: true,
    warning: "Its history has become long.",
    heartbeats: { 3: '{"done":7}', 12: "null" },
    seenEventIds: ["one", "two"],
  });
}

/** An entity, without a state unless one is given. */
export function entity(instanceId: string, fields: Partial<EntityRecord> = {}): EntityRecord {
  return { instanceId, lastModifiedAtMs: 1_000, ...fields };
}

/** The events of a small turn: two. */
export function turn(atMs: number, name: string): HistoryEvent[] {
  const timestamp = new Date(atMs);
  return [
    { type: "OrchestratorStarted", eventId: -1, timestamp },
    { type: "EventRaised", eventId: -1, timestamp, name, input: `"${atMs}"` },
  ];
}

/** A message that raises an event. */
export function message(sequence: number, name: string, input?: string): InboxMessage {
  const timestamp = new Date(1_000 + sequence);
  return {
    sequence,
    event: { type: "EventRaised", eventId: -1, timestamp, name, ...(input !== undefined && { input }) },
  };
}

export function timer(
  instanceId: string,
  timerId: number,
  dueAtMs: number,
  kind: StoredTimer["kind"] = "timer",
): StoredTimer {
  return { instanceId, kind, timerId, dueAtMs };
}

/** Text that trips a store which touches what it is given: quotes, escapes, every plane of Unicode, halves of pairs, no text at all. */
export const AWKWARD_TEXTS: readonly string[] = [
  "",
  " ",
  `'"\`\\`,
  "null",
  "{}",
  "%_*?[a-z]",
  "a\u0000b",
  "\u2028\r\n\t\u007f",
  "é ü ß ﬁ \u0301",
  "日本語",
  "👩‍👩‍👧‍👦",
  "\u{10ffff}\uffff",
  "\ud83d",
  "\ude00\ud83d",
];

/** One event of every type, each with all its fields. */
export function everyEvent(): HistoryEvent[] {
  const timestamp = new Date(1_766_000_000_001);
  const at = new Date(1_766_000_060_000);
  const failureDetails = {
    errorType: "Error",
    errorMessage: "no",
    innerFailure: { errorType: "Error", errorMessage: "inner" },
  };
  const fact = { eventId: -1, timestamp };
  const action = { eventId: 3, timestamp };
  const tags = { team: "travel" };
  return [
    { type: "OrchestratorStarted", ...fact },
    {
      type: "ExecutionStarted",
      eventId: 0,
      timestamp,
      name: "trip",
      version: "1",
      input: "1",
      orchestrationInstance: { instanceId: "a", executionId: "a-1" },
      parentInstance: { name: "trips", instanceId: "p", executionId: "p-1", taskScheduledId: 4 },
      scheduledStartTimestamp: at,
      tags,
    },
    { type: "ExecutionSuspended", ...fact, input: '"pause"' },
    { type: "ExecutionResumed", ...fact, input: '"on"' },
    { type: "ExecutionRewound", ...fact, reason: "fixed", parentExecutionId: "p-1" },
    { type: "ExecutionTerminated", ...fact, input: '"stop"', recurse: true },
    {
      type: "TaskScheduled",
      ...action,
      name: "book",
      version: "2",
      input: "{}",
      tags,
      attempt: 2,
      firstAttemptId: 1,
      lastHeartbeat: '{"done":7}',
      options: { timeoutMs: 1, scheduleToCloseTimeoutMs: 2, heartbeatTimeoutMs: 3 },
    },
    { type: "TaskCompleted", ...fact, taskScheduledId: 3, result: "[]" },
    { type: "TaskFailed", ...fact, taskScheduledId: 3, failureDetails, lastHeartbeat: "null" },
    {
      type: "SubOrchestrationInstanceCreated",
      ...action,
      instanceId: "child",
      name: "leg",
      version: "1",
      input: "1",
      tags,
    },
    { type: "SubOrchestrationInstanceCompleted", ...fact, taskScheduledId: 3, result: "1" },
    { type: "SubOrchestrationInstanceFailed", ...fact, taskScheduledId: 3, failureDetails },
    { type: "TimerCreated", ...action, fireAt: at },
    { type: "TimerFired", ...fact, fireAt: at, timerId: 3 },
    { type: "EventSent", ...action, instanceId: "b", name: "go", input: "1" },
    { type: "EventRaised", ...fact, name: "go", input: "1", dedupeId: "d" },
    { type: "GenericEvent", ...fact, data: "patch:1" },
    {
      type: "EntityOperationSignaled",
      ...action,
      requestId: "r",
      operation: "add",
      targetInstanceId: "@c@k",
      scheduledTime: at,
      input: "1",
    },
    {
      type: "EntityOperationCalled",
      ...action,
      requestId: "r",
      operation: "add",
      targetInstanceId: "@c@k",
      input: "1",
    },
    { type: "EntityOperationCompleted", ...fact, requestId: "r", output: "2" },
    { type: "EntityOperationFailed", ...fact, requestId: "r", failureDetails },
    { type: "EntityLockRequested", ...action, criticalSectionId: "s", lockSet: ["@c@k", "@c@l"], position: 1 },
    { type: "EntityLockGranted", ...fact, criticalSectionId: "s" },
    { type: "EntityUnlockSent", ...action, criticalSectionId: "s", targetInstanceId: "@c@k" },
    {
      type: "ExecutionCompleted",
      ...action,
      orchestrationStatus: "ORCHESTRATION_STATUS_FAILED",
      result: "1",
      failureDetails,
    },
  ];
}
