/** Takes an entity's messages into a turn, keeps those that must wait, and puts the outcome into the group commit. */
import type { EntityOperationSignaledEvent } from "../history/events.ts";
import { type InboxMessage, isPromise, type StoredTimer } from "../store/contract.ts";
import type { EnginePorts } from "./engine-ports.ts";
import { EntityTurn, isForOwner } from "./entity-turn.ts";
import type { Draft } from "./group.ts";
import type { LiveInstance } from "./live-instance.ts";
import type { EventMessage, Message } from "./message.ts";

/** Runs what an entity has waiting. Its outcome is staged at once, or when its asynchronous operations are done. */
export function admitEntity(live: LiveInstance, engine: EnginePorts): void {
  const inbox = live.inbox;
  live.inbox = [];
  const queue = live.waiting;
  live.waiting = [];
  const waitingCount = queue.length;
  for (const message of inbox) {
    const due = dueMessage(live, message, queue, engine);
    if (due) queue.push(due);
  }
  const { lockedBy } = live.entity ?? {};
  const fresh = queue.slice(waitingCount);
  // What waited before was not to be taken: of a locked entity only the new messages are looked at, however many wait.
  if (lockedBy && !fresh.some(({ event }) => isForOwner(event, lockedBy))) {
    live.waiting = queue;
    for (const [at, message] of fresh.entries()) {
      const kept = withoutTime(live, message, engine);
      queue[waitingCount + at] = kept;
      keepWaiting(live, kept, engine);
    }
    return;
  }
  const { host, payloads, registry, logger, env } = engine.options;
  const turn = new EntityTurn(live.instanceId, live.entity, queue, {
    payloads,
    registry,
    logger,
    env,
    now: () => host.now(),
    newId: () => host.randomId(),
  });
  const done = turn.run();
  if (!isPromise(done)) stage(live, turn, engine);
  else engine.awaitEntity(live, queue, done, () => stage(live, turn, engine));
}

/** Keeps a message in the store, so that its sender need not wait for the entity. A caller that is no orchestration waits for its answer. */
export function keepWaiting(live: LiveInstance, message: Message, engine: EnginePorts): void {
  if (message.kind !== "event" || message.isPromised || message.sequence !== undefined) return;
  if (message.event.type === "EntityOperationCalled" && message.event.parentInstanceId === undefined) return;
  message.sequence = engine.nextSequence();
  const draft = engine.group.draft(live, engine.options.host.now());
  keepUntilDue(draft, { sequence: message.sequence, event: message.event });
  engine.group.answer(message);
}

/** Keeps a message in the stored inbox; a signal for later gets a timer with it, so that it is looked at in time. */
export function keepUntilDue(draft: Draft, message: InboxMessage): void {
  draft.keep(message);
  const { event, sequence } = message;
  if (event.type !== "EntityOperationSignaled" || !event.scheduledTime) return;
  const dueAtMs = event.scheduledTime.getTime();
  draft.addTimer({ instanceId: draft.live.instanceId, kind: "signal", timerId: sequence, dueAtMs });
}

/** The timer of a signal that is stored for later. */
function timerOf({ instanceId }: LiveInstance, { event, sequence }: EventMessage): StoredTimer | undefined {
  const { scheduledTime } = event as EntityOperationSignaledEvent;
  if (!scheduledTime || sequence === undefined) return undefined;
  return { instanceId, kind: "signal", timerId: sequence, dueAtMs: scheduledTime.getTime() };
}

/** A message that has to wait although its time has come is stored anew, as any other: its timer has done its work, and the clock may go back. */
function withoutTime(live: LiveInstance, message: EventMessage, engine: EnginePorts): EventMessage {
  const timer = timerOf(live, message);
  if (!timer) return message;
  const { scheduledTime: _time, ...event } = message.event as EntityOperationSignaledEvent;
  const draft = engine.group.draft(live, engine.options.host.now());
  draft.removeTimer(timer);
  draft.take(message);
  draft.keep({ sequence: timer.timerId, event });
  return { ...message, isTaken: false, event };
}

/** The message, if its time has come; a signal for later is kept in the store with a timer. */
function dueMessage(
  live: LiveInstance,
  message: Message,
  queue: readonly EventMessage[],
  engine: EnginePorts,
): EventMessage | undefined {
  if (message.kind === "release") {
    const { timer } = message;
    const due = live.scheduled.get(timer.timerId);
    live.scheduled.delete(timer.timerId);
    // The timer goes with its signal; alone when there is none any more.
    if (!due && !queue.some(({ sequence }) => sequence === timer.timerId))
      engine.group.draft(live, engine.options.host.now()).removeTimer(timer);
    return due;
  }
  if (message.kind !== "event") return undefined;
  const { scheduledTime } = message.event as EntityOperationSignaledEvent;
  if (!scheduledTime) return message;
  // A stored one that is due may have lost its timer: it was being taken when the hub stopped.
  if (scheduledTime.getTime() <= engine.options.host.now()) return message;
  if (message.sequence === undefined) {
    message.sequence = engine.nextSequence();
    const draft = engine.group.draft(live, engine.options.host.now());
    keepUntilDue(draft, { sequence: message.sequence, event: message.event });
    engine.group.answer(message);
  }
  live.scheduled.set(message.sequence, message);
  return undefined;
}

function stage(live: LiveInstance, turn: EntityTurn, engine: EnginePorts): void {
  const nowMs = engine.options.host.now();
  for (const message of turn.taken) {
    if (message.sequence !== undefined) engine.group.draft(live, nowMs).take(message);
    const timer = timerOf(live, message);
    if (timer) engine.group.draft(live, nowMs).removeTimer(timer);
    message.isTaken = true;
    engine.group.answer(message, turn.answers.get(message.event));
  }
  live.waiting = turn.waiting.map((message) => withoutTime(live, message, engine));
  for (const message of live.waiting) keepWaiting(live, message, engine);
  const before = live.entity;
  const { state, lockedBy } = turn;
  if (turn.hasStateChanged || lockedBy !== before?.lockedBy) {
    const lastModifiedAtMs = turn.hasStateChanged ? nowMs : (before?.lastModifiedAtMs ?? nowMs);
    const isThere = state !== undefined || lockedBy !== undefined;
    live.entity = isThere
      ? {
          instanceId: live.instanceId,
          lastModifiedAtMs,
          ...(state !== undefined && { state }),
          ...(lockedBy && { lockedBy }),
        }
      : undefined;
    engine.group.draft(live, nowMs).setEntity(live.entity ?? null);
  }
  for (const { type, event, ...target } of turn.outgoing) {
    if (type === "start")
      engine.promise(event.orchestrationInstance.instanceId, { kind: "start", event, isPromised: true });
    else {
      const { instanceId, executionId } = target as { instanceId: string; executionId?: string };
      engine.promise(instanceId, {
        kind: "event",
        event,
        isPromised: true,
        ...(executionId !== undefined && { executionId }),
      });
    }
  }
}
