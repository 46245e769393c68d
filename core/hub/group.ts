/** One group commit in the making: the changes of many instances that will be written together, and what follows once they are. */
import type { HistoryEvent } from "../history/events.ts";
import type { EntityRecord, InboxMessage, InstanceChange, InstanceRecord, StoredTimer } from "../store/contract.ts";
import type { ActivityJob } from "./activities.ts";
import type { LiveInstance } from "./live-instance.ts";
import type { Message } from "./message.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The changes of one instance, collected over the turns it has in this group. */
export class Draft {
  readonly live: LiveInstance;
  readonly #change: Mutable<InstanceChange>;
  #turns: (readonly HistoryEvent[])[] | undefined;
  #timersAdded: StoredTimer[] = [];
  #timersRemoved: StoredTimer[] = [];
  #inboxAdded: InboxMessage[] = [];
  #inboxRemoved: number[] = [];

  constructor(live: LiveInstance, atMs: number) {
    this.live = live;
    this.#change = { instanceId: live.instanceId, atMs };
  }

  setRecord(record: InstanceRecord): void {
    this.#change.record = record;
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
    this.#timersAdded = [];
  }
  purge(): void {
    this.reset();
    this.#change.isPurge = true;
    delete this.#change.record;
    this.#inboxAdded = [];
  }
  addTimer(timer: StoredTimer): void {
    this.#timersAdded.push(timer);
  }
  removeTimer(timer: StoredTimer): void {
    const added = this.#timersAdded.findIndex((t) => t.kind === timer.kind && t.timerId === timer.timerId);
    if (added >= 0) this.#timersAdded.splice(added, 1);
    else this.#timersRemoved.push(timer);
  }
  /** Notes that a stored message has been taken. */
  take(message: Message): void {
    message.isTaken = true;
    const { sequence } = message;
    if (sequence === undefined) return;
    const added = this.#inboxAdded.findIndex((m) => m.sequence === sequence);
    if (added >= 0) this.#inboxAdded.splice(added, 1);
    else this.#inboxRemoved.push(sequence);
  }
  /** Undoes `take`. */
  putBack(message: Message): void {
    this.#inboxRemoved = this.#inboxRemoved.filter((sequence) => sequence !== message.sequence);
  }
  keep(message: InboxMessage): void {
    this.#inboxAdded.push(message);
  }

  get timersAdded(): readonly StoredTimer[] {
    return this.#timersAdded;
  }
  get timersRemoved(): readonly StoredTimer[] {
    return this.#timersRemoved;
  }
  get atMs(): number {
    return this.#change.atMs;
  }

  /** The finished change, or `undefined` when nothing is left of it. */
  change(): InstanceChange | undefined {
    const change = this.#change;
    if (this.#turns) change.turns = this.#turns;
    if (this.#timersAdded.length > 0) change.timersAdded = this.#timersAdded;
    if (this.#timersRemoved.length > 0) change.timersRemoved = this.#timersRemoved;
    if (this.#inboxAdded.length > 0) change.inboxAdded = this.#inboxAdded;
    if (this.#inboxRemoved.length > 0) change.inboxRemoved = this.#inboxRemoved;
    return Object.keys(change).length > 2 ? change : undefined;
  }
}

export class Group {
  readonly drafts: Map<string, Draft> = new Map();
  /** Effects to start once the commit is done. */
  readonly jobs: ActivityJob[] = [];
  /** Activities to cancel: by instance, or one call of it. */
  readonly cancellations: { readonly instanceId: string; readonly executionId: string; readonly taskId?: number }[] =
    [];
  /** Callers to answer once the commit is done, with what. */
  readonly acks: { readonly message: Message; readonly value: unknown }[] = [];
  /** Messages between instances that were promised in this group. */
  readonly promised: { readonly live: LiveInstance; readonly message: Message }[] = [];
  turnCount = 0;
  roundCount = 0;

  draft(live: LiveInstance, atMs: number): Draft {
    const known = this.drafts.get(live.instanceId);
    if (known) return known;
    const draft = new Draft(live, atMs);
    this.drafts.set(live.instanceId, draft);
    live.pendingCommits++;
    return draft;
  }
  answer(message: Message, value?: unknown): void {
    if (message.ack) this.acks.push({ message, value });
  }
  get isEmpty(): boolean {
    return this.drafts.size === 0 && this.acks.length === 0;
  }
}
