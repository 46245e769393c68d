/**
 * Rewind: a failed orchestration goes on from where it failed. The failures are taken out of its history, so that what failed is done again
 * and everything else keeps its recorded result.
 * Source: Durable Task rewind; beyond it, calls with retry policies keep their earlier attempts (so that sequence ids still fit), and failures that
 * the code had already handled stay.
 *
 * G1. What replays is decided by replaying: the most failures are taken out with which the history still fits the code.
 */
import type { HistoryEvent, SubOrchestrationInstanceCreatedEvent, TaskScheduledEvent } from "../history/events.ts";

/** Choices that are tried one after the other at most. */
const CHOICES_MAX = 16;

/** A failure that can be taken out, and the events that go with it. */
interface Removable {
  readonly events: readonly HistoryEvent[];
}

/** The histories to try, best first. */
export function rewoundHistories(history: readonly HistoryEvent[]): HistoryEvent[][] {
  const failures = removableFailures(history);
  const choices = Math.min(failures.length, CHOICES_MAX);
  return Array.from({ length: choices + 1 }, (_, index) => {
    const first = index === choices ? failures.length : index;
    const removed = new Set(failures.slice(first).flatMap((failure) => failure.events));
    return history.filter((event) => event.type !== "ExecutionCompleted" && !removed.has(event));
  });
}

/** Children whose outcome a history does not hold. */
export function openChildrenOf(history: readonly HistoryEvent[]): SubOrchestrationInstanceCreatedEvent[] {
  const created = new Map<number, SubOrchestrationInstanceCreatedEvent>();
  for (const event of history) {
    if (event.type === "SubOrchestrationInstanceCreated") created.set(event.eventId, event);
    else if (event.type === "SubOrchestrationInstanceCompleted" || event.type === "SubOrchestrationInstanceFailed")
      created.delete(event.taskScheduledId);
  }
  return [...created.values()];
}

/** Entity locks that a history requests and does not release. */
export function hasOpenLocks(history: readonly HistoryEvent[]): boolean {
  const open = new Map<string, Set<string>>();
  for (const event of history) {
    if (event.type === "EntityLockRequested") open.set(event.criticalSectionId, new Set(event.lockSet));
    else if (event.type === "EntityUnlockSent") open.get(event.criticalSectionId)?.delete(event.targetInstanceId);
  }
  return [...open.values()].some((entities) => entities.size > 0);
}

/** The failures of last attempts, in order. A failed activity goes with its call, which is then made again; a failed child keeps its call. */
function removableFailures(history: readonly HistoryEvent[]): Removable[] {
  const calls = new Map<number, TaskScheduledEvent>();
  const children = new Map<number, SubOrchestrationInstanceCreatedEvent>();
  const operations = new Map<string, HistoryEvent>();
  const lastAttempt = new Map<number, number>();
  const lastChild = new Map<string, number>();
  for (const event of history) {
    if (event.type === "TaskScheduled") {
      calls.set(event.eventId, event);
      lastAttempt.set(event.firstAttemptId ?? event.eventId, event.eventId);
    } else if (event.type === "SubOrchestrationInstanceCreated") {
      children.set(event.eventId, event);
      lastChild.set(event.instanceId, event.eventId);
    } else if (event.type === "EntityOperationCalled") operations.set(event.requestId, event);
  }
  return history.flatMap((event): Removable[] => {
    if (event.type === "TaskFailed") {
      const call = calls.get(event.taskScheduledId);
      return call && lastAttempt.get(call.firstAttemptId ?? call.eventId) === call.eventId
        ? [{ events: [call, event] }]
        : [];
    }
    if (event.type === "SubOrchestrationInstanceFailed") {
      const child = children.get(event.taskScheduledId);
      return child && lastChild.get(child.instanceId) === child.eventId ? [{ events: [event] }] : [];
    }
    const called = event.type === "EntityOperationFailed" ? operations.get(event.requestId) : undefined;
    return called ? [{ events: [called, event] }] : [];
  });
}
