/** One group commit in the making: the changes of many instances that will be written together, and what follows once they are. */

import type { HistoryEvent } from "../history/events.ts";
import type { Mutable } from "../mutable.ts";
import type { EntityRecord, InboxMessage, InstanceChange, InstanceRecord, StoredTimer } from "../store/contract.ts";
import type { Cancellation } from "./activities.ts";
import type { ActivityJob } from "./activity-attempt.ts";
import type { LiveInstance } from "./live-instance.ts";
import type { Message } from "./message.ts";
import type { DueTimer } from "./timer-watch.ts";

const NONE: readonly never[] = [];

/** Adds to a list that is made when it gets its first item. */
function append<T>(list: T[] | undefined, item: T): T[] {
  if (!list) return [item];
  list.push(item);
  return list;
}

/** Takes the first item that fits out of a list; false when there is none. */
function takeOut<T>(list: T[] | undefined, isIt: (item: T) => boolean): boolean {
  const at = list?.findIndex(isIt) ?? -1;
  if (at >= 0) list?.splice(at, 1);
  return at >= 0;
}

/** The changes of one instance, collected over the turns it has in this group. */
export class Draft {
  readonly live: LiveInstance;
  readonly #change: Mutable<InstanceChange>;
  #turns: (readonly HistoryEvent[])[] | undefined;
  // Made when first needed: most changes are a turn and nothing else.
  #timersAdded: StoredTimer[] | undefined;
  #timersRemoved: StoredTimer[] | undefined;
  #timersLeft: DueTimer[] | undefined;
  #inboxAdded: InboxMessage[] | undefined;
  #inboxRemoved: number[] | undefined;
  /** The record with new heartbeat details and no other change. */
  #heartbeats: InstanceRecord | undefined;
  #isNews = false;
  #isOfKnown = false;
  #visible: InstanceRecord | undefined;
  /** True when activities of the instance are among the group's jobs. */
  hasJobs = false;

  constructor(live: LiveInstance, atMs: number) {
    this.live = live;
    this.#change = { instanceId: live.instanceId, atMs };
  }

  setRecord(record: InstanceRecord): void {
    this.#change.record = record;
  }
  /** The record changes in its heartbeat details, which is no change that clients see: by itself it leaves the instant of the last one. */
  setHeartbeats(record: InstanceRecord): void {
    this.#heartbeats = record;
    if (this.#change.record) this.#change.record = record;
  }
  setEntity(entity: EntityRecord | null): void {
    this.#change.entity = entity;
  }
  addTurn(events: readonly HistoryEvent[], index: number, atMs: number): void {
    this.#change.atMs = atMs;
    if (this.#turns) this.#turns.push(events);
    else {
      this.#turns = [events];
      this.#change.firstTurn = index;
    }
  }
  /** Forgets the history and timers there were, those of this group too. */
  reset(): void {
    this.#change.isReset = true;
    this.#turns = undefined;
    delete this.#change.firstTurn;
    this.#timersAdded = undefined;
  }
  purge(): void {
    this.reset();
    this.#change.isPurge = true;
    delete this.#change.record;
    this.#heartbeats = undefined;
    this.#inboxAdded = undefined;
  }
  addTimer(timer: StoredTimer): void {
    this.#timersAdded = append(this.#timersAdded, timer);
  }
  removeTimer(timer: StoredTimer): void {
    const isSame = ({ kind, timerId }: StoredTimer): boolean => kind === timer.kind && timerId === timer.timerId;
    // It may have been handed out all the same: when an earlier generation stored one of the same id for the same instant.
    if (takeOut(this.#timersAdded, isSame)) this.leaveTimer(timer);
    else this.#timersRemoved = append(this.#timersRemoved, timer);
  }
  /** What was due is done with, and nothing stored is to be removed for it: another timer has its id, or it was none. */
  leaveTimer(timer: DueTimer): void {
    this.#timersLeft = append(this.#timersLeft, timer);
  }
  /** Notes that a stored message has been taken. */
  take(message: Message): void {
    message.isTaken = true;
    const { sequence } = message;
    if (sequence === undefined) return;
    const isIt = (kept: InboxMessage): boolean => kept.sequence === sequence;
    if (!takeOut(this.#inboxAdded, isIt)) this.#inboxRemoved = append(this.#inboxRemoved, sequence);
  }
  /** Undoes `take`. A message that this group has stored itself is stored again. */
  putBack(message: InboxMessage): void {
    const isIt = (sequence: number): boolean => sequence === message.sequence;
    if (!takeOut(this.#inboxRemoved, isIt)) this.#inboxAdded = append(this.#inboxAdded, message);
  }
  keep(message: InboxMessage): void {
    this.#inboxAdded = append(this.#inboxAdded, message);
  }

  get timersAdded(): readonly StoredTimer[] {
    return this.#timersAdded ?? NONE;
  }
  /** Timers that are done with, removed or left. */
  get timersDone(): readonly DueTimer[] {
    const removed = this.#timersRemoved ?? NONE;
    return this.#timersLeft ? [...removed, ...this.#timersLeft] : removed;
  }
  get atMs(): number {
    return this.#change.atMs;
  }
  /** True unless the instance was still being read when the change was finished: then it adds messages only, and `visible` says nothing. */
  get isOfKnown(): boolean {
    return this.#isOfKnown;
  }
  /** The record as the finished change leaves it, whatever later turns have made of it. */
  get visible(): InstanceRecord | undefined {
    return this.#visible;
  }
  /** True when the finished change is one that clients could see. */
  get isNews(): boolean {
    return this.#isNews;
  }

  /** The commit is done, one way or the other. */
  end(): void {
    if (--this.live.pendingCommits === 0) this.live.awaitsCommit = false;
  }

  /** The finished change, or `undefined` when nothing is left of it. */
  change(): InstanceChange | undefined {
    const change = this.#change;
    this.#isOfKnown = this.live.isKnown;
    this.#visible = this.live.record;
    if (this.#turns) change.turns = this.#turns;
    if (this.#timersAdded?.length) change.timersAdded = this.#timersAdded;
    if (this.#timersRemoved?.length) change.timersRemoved = this.#timersRemoved;
    if (this.#inboxAdded?.length) change.inboxAdded = this.#inboxAdded;
    if (this.#inboxRemoved?.length) change.inboxRemoved = this.#inboxRemoved;
    this.#isNews = Object.keys(change).length > 2;
    if (!this.#heartbeats) return this.#isNews ? change : undefined;
    if (!this.#isNews) change.atMs = this.live.updatedAtMs;
    change.record ??= this.#heartbeats;
    return change;
  }
}

/** What a cancellation is for: a generation, or one call of it. */
function scopeOf(instanceId: string, executionId: string, taskId: number | undefined): string {
  return `${instanceId} ${executionId} ${taskId ?? ""}`;
}

/** What the caller of a message is told once the commit is done. */
export type Ack = { readonly message: Message } & ({ readonly value: unknown } | { readonly refusal: Error });

export class Group {
  readonly drafts: Map<string, Draft> = new Map();
  readonly #jobs: ActivityJob[] = [];
  /** By scope: how many of the jobs there were when those it is for were cancelled. */
  readonly #canceledJobs = new Map<string, number>();
  readonly #cancellations: Cancellation[] = [];
  /** Callers to tell once the commit is done, and those before it. */
  readonly acks: Ack[] = [];
  /** Messages between instances that were promised in this group. */
  readonly promised: { readonly live: LiveInstance; readonly message: Message }[] = [];
  turnCount = 0;
  roundCount = 0;
  /** The only instance that has a turn in it, with the messages of that turn; `undefined` when any may. */
  apart: { readonly live: LiveInstance; messages: readonly Message[] } | undefined;
  /** Why the last turn of that instance was refused, when it is no turn but says so. */
  notice: Error | undefined;

  draft(live: LiveInstance, atMs: number): Draft {
    const known = this.drafts.get(live.instanceId);
    if (known) return known;
    const draft = new Draft(live, atMs);
    this.drafts.set(live.instanceId, draft);
    live.pendingCommits++;
    return draft;
  }
  /** Activities to start once the commit is done. */
  get jobs(): readonly ActivityJob[] {
    const canceled = this.#canceledJobs;
    if (canceled.size === 0) return this.#jobs;
    const countOf = ({ instanceId, executionId }: ActivityJob, taskId?: number): number =>
      canceled.get(scopeOf(instanceId, executionId, taskId)) ?? 0;
    return this.#jobs.filter((job, at) => at >= countOf(job) && at >= countOf(job, job.event.eventId));
  }
  /** Activities to stop once the commit is done. */
  get cancellations(): readonly Cancellation[] {
    return this.#cancellations;
  }
  /** Starts an activity once the commit is done, unless a later turn of the group cancels it. */
  start(draft: Draft, job: ActivityJob): void {
    draft.hasJobs = true;
    this.#jobs.push(job);
  }
  /** Stops activities once the commit is done; those that the same group would start never begin. */
  cancel(cancellation: Cancellation): void {
    this.#cancellations.push(cancellation);
    const { instanceId, executionId, taskId } = cancellation;
    if (this.drafts.get(instanceId)?.hasJobs)
      this.#canceledJobs.set(scopeOf(instanceId, executionId, taskId), this.#jobs.length);
  }
  /** Promises an instance messages that come before all others it has not taken yet. */
  promiseFirst(live: LiveInstance, messages: readonly Message[]): void {
    const isLater = ({ live: receiver, message }: Group["promised"][number]): boolean =>
      receiver === live && !message.isTaken && message.sequence === undefined;
    const at = live.inbox.length === 0 ? -1 : this.promised.findIndex(isLater);
    this.promised.splice(at < 0 ? this.promised.length : at, 0, ...messages.map((message) => ({ live, message })));
  }
  answer(message: Message, value?: unknown): void {
    if (message.ack) this.acks.push({ message, value });
  }
  /** Refuses a message. It is told after the commit too: what the refusal rests on may be a change that is not durable before. */
  refuse(message: Message, refusal: Error): void {
    if (message.ack) this.acks.push({ message, refusal });
  }
  /** Tells the callers, once the commit is done. */
  tell(): void {
    for (const told of this.acks) {
      if ("refusal" in told) told.message.ack?.reject(told.refusal);
      else told.message.ack?.resolve(told.value);
    }
  }
  /** Finishes the drafts: what is to be written. */
  changes(): InstanceChange[] {
    const changes: InstanceChange[] = [];
    for (const draft of this.drafts.values()) {
      const change = draft.change();
      if (change) changes.push(change);
    }
    return changes;
  }
  get isEmpty(): boolean {
    return this.drafts.size === 0 && this.acks.length === 0;
  }
}
