/**
 * What the journal says and the tables do not yet: kept in memory by the session, and laid over what it reads. Pure.
 *
 * J1. Stored state and pending changes together are what was committed, whatever was folded when.
 */
import type { HistoryEvent } from "../../core/history/events.ts";
import type { InboxMessage, InstanceChange, StoredTimer } from "../../core/store/contract.ts";
import { INDEXED_DB_BOUNDS } from "./bounds.ts";
import type { InstanceState } from "./schema.ts";

/** A commit and its place in the journal. */
export interface JournalCommit {
  readonly position: number;
  readonly changes: readonly InstanceChange[];
}

interface PendingChange {
  readonly position: number;
  readonly change: InstanceChange;
}

/** The commits that are pending, by their positions in the journal. */
export class Pending {
  /** In order of their positions. */
  readonly #commits: JournalCommit[] = [];
  readonly #byInstance = new Map<string, PendingChange[]>();
  #changeCount = 0;
  #textUnits = 0;
  /** True when the timers in the tables may not be those that there are. */
  hasTimers = false;

  /** Ids of the instances that have changes. */
  get instanceIds(): Iterable<string> {
    return this.#byInstance.keys();
  }
  get isEmpty(): boolean {
    return this.#commits.length === 0;
  }
  /** True when it is time to fold. */
  get isFull(): boolean {
    return (
      this.#commits.length >= INDEXED_DB_BOUNDS.pendingCommitsMax ||
      this.#byInstance.size >= INDEXED_DB_BOUNDS.pendingInstancesMax ||
      this.#changeCount >= INDEXED_DB_BOUNDS.pendingChangesMax ||
      this.#textUnits >= INDEXED_DB_BOUNDS.pendingTextUnitsMax
    );
  }

  add(commit: JournalCommit): void {
    this.#commits.push(commit);
    for (const change of commit.changes) {
      const pending = { position: commit.position, change };
      const known = this.#byInstance.get(change.instanceId);
      if (known) known.push(pending);
      else this.#byInstance.set(change.instanceId, [pending]);
      this.#changeCount++;
      this.#textUnits += textUnitsOf(change);
      this.hasTimers ||= Boolean(change.isReset || change.isPurge || change.timersAdded || change.timersRemoved);
    }
  }

  /** The changes of an instance at the positions after `folded` and up to `through`, in order. */
  of(instanceId: string, folded: number, through: number = Number.POSITIVE_INFINITY): readonly InstanceChange[] {
    const pending = this.#byInstance.get(instanceId) ?? [];
    const wanted = pending.filter(({ position }) => position > folded && position <= through);
    return wanted.map(({ change }) => change);
  }

  /** What is pending after the position `folded`. */
  after(folded: number): Pending {
    const rest = new Pending();
    for (const commit of this.#commits) if (commit.position > folded) rest.add(commit);
    return rest;
  }
}

/** Most of the text of a change. */
function textUnitsOf({ record, entity, turns = [], inboxAdded = [] }: InstanceChange): number {
  let units = (record?.input?.length ?? 0) + (record?.output?.length ?? 0) + (entity?.state?.length ?? 0);
  for (const events of turns) for (const event of events) units += payloadUnitsOf(event);
  for (const { event } of inboxAdded) units += payloadUnitsOf(event);
  return units;
}

function payloadUnitsOf(event: HistoryEvent): number {
  return ("input" in event ? (event.input?.length ?? 0) : 0) + ("result" in event ? (event.result?.length ?? 0) : 0);
}

/** An instance after its pending changes, and what they do to its rows. */
export interface Folded {
  state: InstanceState;
  /** True when the history and timers in the tables are dropped. */
  isFresh: boolean;
  /** New events, to come after those in the tables, and the index of their first turn. */
  events: HistoryEvent[];
  firstTurn: number;
  /** By kind and number: the timer as it is now, `undefined` when it is gone. */
  timers: Map<string, { readonly timer: StoredTimer; readonly isKept: boolean }>;
}

const NOTHING: InstanceState = {
  record: undefined,
  entity: undefined,
  inbox: [],
  updatedAtMs: 0,
  turnCount: 0,
  eventCount: 0,
};

/** Lays changes over what the tables hold of an instance. */
export function foldOver(stored: InstanceState | undefined, changes: readonly InstanceChange[]): Folded {
  const state = stored ?? NOTHING;
  const folded: Folded = { state, isFresh: false, events: [], firstTurn: state.turnCount, timers: new Map() };
  for (const change of changes) fold(folded, change);
  return folded;
}

/** True when nothing but history and timers can be left of an instance. */
export function isGone({ record, entity, inbox }: InstanceState): boolean {
  return !(record || entity) && inbox.length === 0;
}

/** True for an instance that must be looked at after a restart. */
export function isOpen({ record, inbox }: InstanceState): boolean {
  return record?.isBusy === true || inbox.length > 0;
}

function fold(folded: Folded, change: InstanceChange): void {
  const { turns = [], timersRemoved = [], timersAdded = [] } = change;
  if (change.isReset || change.isPurge) {
    Object.assign(folded, { isFresh: true, events: [], firstTurn: 0 });
    folded.timers.clear();
  }
  folded.state = stateAfter(folded.state, change);
  for (const events of turns) for (const event of events) folded.events.push(event);
  for (const timer of timersRemoved) folded.timers.set(keyOf(timer), { timer, isKept: false });
  for (const timer of timersAdded) folded.timers.set(keyOf(timer), { timer, isKept: true });
}

function stateAfter(state: InstanceState, change: InstanceChange): InstanceState {
  const { turns = [], entity } = change;
  // What is gone leaves nothing behind, whether its row has been dropped by now or not.
  const before = change.isPurge || isGone(state) ? NOTHING : state;
  const { turnCount, eventCount } = change.isReset ? NOTHING : before;
  return {
    record: change.record ?? before.record,
    entity: entity === undefined ? before.entity : (entity ?? undefined),
    inbox: inboxAfter(before.inbox, change),
    updatedAtMs: Math.max(before.updatedAtMs, change.atMs),
    turnCount: turnCount + turns.length,
    eventCount: turns.reduce((count, events) => count + events.length, eventCount),
  };
}

function inboxAfter(
  inbox: readonly InboxMessage[],
  { inboxRemoved, inboxAdded }: InstanceChange,
): readonly InboxMessage[] {
  const kept = inboxRemoved ? inbox.filter(({ sequence }) => !inboxRemoved.includes(sequence)) : inbox;
  return inboxAdded ? [...kept, ...inboxAdded].sort((a, b) => a.sequence - b.sequence) : kept;
}

function keyOf({ kind, timerId }: StoredTimer): string {
  return `${kind} ${timerId}`;
}
