/**
 * The store contract: all that a task hub asks of a database.
 *
 * S1. A store holds any number of hubs; a session sees one of them and never another's data.
 * S2. Opening claims the hub: it raises the hub's epoch, and every commit of an older session fails with `HubFencedError` and changes nothing.
 * S3. `commit` is atomic: all changes or none. When it returns (or its promise resolves) they are durable in the store's sense.
 * S4. A store that is synchronous answers without promises; the hub then never waits. One that is not may answer any call with a promise.
 * S5. A store has no policy: it neither looks into payloads nor decides what is due. Whatever it is given it gives back unchanged.
 * S6. Commits of one session come one at a time, in order.
 */
import type { FailureData } from "../failure.ts";
import type { HistoryEvent, ParentInstance, Tags } from "../history/events.ts";

/** A value, or a promise of it. */
export type Awaitable<T> = T | Promise<T>;

/** Where an instance stands, in the words of the public API. */
export const ORCHESTRATION_STATUSES = [
  "Pending",
  "Running",
  "Completed",
  "Failed",
  "Terminated",
  "Canceled",
  "Suspended",
  "ContinuedAsNew",
] as const;
/** One of them. */
export type OrchestrationStatus = (typeof ORCHESTRATION_STATUSES)[number];

/** All that is stored of an instance beside its history. Immutable: a change makes a new record. */
export interface InstanceRecord {
  readonly instanceId: string;
  readonly executionId: string;
  readonly name: string;
  readonly version: string;
  readonly status: OrchestrationStatus;
  readonly createdAtMs: number;
  readonly completedAtMs?: number;
  readonly scheduledStartAtMs?: number;
  readonly input?: string;
  readonly output?: string;
  readonly customStatus?: string;
  readonly failure?: FailureData;
  /** What a person should know about this generation although it goes on: its history has become long. */
  readonly warning?: string;
  readonly tags: Tags;
  readonly parent?: ParentInstance;
  /** True while activities of the instance are outstanding: what a restart must look at. */
  readonly isBusy: boolean;
  /**
   * Details of the last heartbeats of running activities (stored text), by sequence id of the attempt: what the attempt goes on from after a
   * restart. Written every few seconds at most; what no longer runs is left out of the next record that is written for another reason.
   */
  readonly heartbeats?: Readonly<Record<number, string>>;
  /** Ids of events that were raised with an `eventId`, so that raising them again has no effect. Bounded, oldest first. */
  readonly seenEventIds?: readonly string[];
}

/** All that is stored of an entity. Immutable. */
export interface EntityRecord {
  /** `@name@key`. */
  readonly instanceId: string;
  /** Encoded state; absent when the entity has none (it is only locked). */
  readonly state?: string;
  /** Instant of the last change of its state. */
  readonly lastModifiedAtMs: number;
  /** The orchestration that holds it, and the critical section it holds it for. */
  readonly lockedBy?: {
    readonly instanceId: string;
    readonly executionId: string;
    readonly criticalSectionId: string;
    /** The entity of the same section that the request was passed on to; absent for the last one. */
    readonly next?: string;
  };
}

/** An instance as the store gives it back. */
export interface StoredInstance {
  /** Absent while only messages for it are stored: it has not been started yet, or never will be. */
  readonly record: InstanceRecord | undefined;
  /** The entity, when the id is one and it exists. */
  readonly entity?: EntityRecord;
  /** Instant of the last commit that touched it. */
  readonly lastUpdatedAtMs: number;
  /** Number of turns in its history: the index the next one gets. */
  readonly turnCount: number;
  /** Number of events in its history. */
  readonly eventCount: number;
  /** Messages that were committed to it and that no turn has taken yet, oldest first. */
  readonly inbox: readonly InboxMessage[];
}

/** A message on its way to an instance. `sequence` orders the messages of one instance. */
export interface InboxMessage {
  readonly sequence: number;
  readonly event: HistoryEvent;
  /** The generation it is meant for; absent when any will do. */
  readonly executionId?: string;
  /** The generation whose child it is meant for; absent when any instance will do. */
  readonly parentExecutionId?: string;
}

/** What a durable timer does when it is due. */
export type TimerKind = "timer" | "start" | "signal";

/** A durable timer. One instance has at most one of each `kind` and `timerId`: before another is added, or in the same change, the one there was is removed. */
export interface StoredTimer {
  readonly instanceId: string;
  readonly kind: TimerKind;
  readonly timerId: number;
  readonly dueAtMs: number;
}

/** Everything one or several turns changed about one instance. Applied in the order of the fields: what is dropped first, then what is written. */
export interface InstanceChange {
  readonly instanceId: string;
  /** Instant of the change: the instance's new `lastUpdatedAtMs`, unless a part of it that stays is from a later one (clocks go back). */
  readonly atMs: number;
  /** Drop the history and the timers there were; turns count from 0 again (continue-as-new, restart, rewind, replacement). The inbox stays. */
  readonly isReset?: boolean;
  /** Drop everything, the inbox too. Without a `record` beside it the instance is gone afterwards. */
  readonly isPurge?: boolean;
  /** The new record; absent when nothing in it changed. */
  readonly record?: InstanceRecord;
  /** The entity as it is now; `null` when it is no more. Absent when nothing in it changed. */
  readonly entity?: EntityRecord | null;
  /** Events of new turns, one array a turn; the first gets the index `firstTurn`. Only an instance with a record has turns. */
  readonly turns?: readonly (readonly HistoryEvent[])[];
  readonly firstTurn?: number;
  readonly timersRemoved?: readonly StoredTimer[];
  readonly timersAdded?: readonly StoredTimer[];
  /** Sequences of inbox messages that were taken. */
  readonly inboxRemoved?: readonly number[];
  readonly inboxAdded?: readonly InboxMessage[];
}

/** Which instances a query wants. Bounds are inclusive, in ms. */
export interface InstanceFilter {
  readonly statuses?: readonly OrchestrationStatus[];
  readonly names?: readonly string[];
  readonly createdFromMs?: number;
  readonly createdToMs?: number;
  readonly completedFromMs?: number;
  readonly completedToMs?: number;
  readonly instanceIdPrefix?: string;
  readonly tags?: Tags;
}

/** A position in an ordered listing: the instant and id of the last row that was given. */
export interface PageCursor {
  readonly atMs: number;
  readonly instanceId: string;
}

/** One page of instances in ascending order of (creation or completion instant, id). */
export interface InstanceQuery {
  readonly filter: InstanceFilter;
  readonly orderBy: "created" | "completed";
  readonly after?: PageCursor;
  readonly limit: number;
}

/** Which entities a query wants, in ascending order of ids. Bounds are inclusive, in ms. */
export interface EntityFilter {
  readonly instanceIdPrefix?: string;
  readonly lastModifiedFromMs?: number;
  readonly lastModifiedToMs?: number;
  /** Entities without a state too: those that are only locked. */
  readonly includesTransient: boolean;
  /** The id after which the page begins. */
  readonly after?: string;
  readonly limit: number;
}

/** An entity in a listing. */
export interface ListedEntity {
  readonly entity: EntityRecord;
  /** Messages in its inbox. */
  readonly backlogSize: number;
}

/** An instance in a listing. */
export interface ListedInstance {
  readonly record: InstanceRecord;
  readonly lastUpdatedAtMs: number;
}

/** One hub's view of a store, from `open` to `close`. */
export interface StoreSession {
  /** Raised by one with each opening of this hub. */
  readonly epoch: number;
  /** True when the hub has been taken over by a newer session, as far as is known without asking the database. */
  readonly isFenced: boolean;
  /**
   * Asks the database whether a newer session has opened the hub. Absent where `isFenced` tells at once.
   * @throws HubFencedError when one has.
   */
  checkFence?(): Awaitable<void>;
  /** @throws HubFencedError when a newer session has opened the hub. */
  commit(changes: readonly InstanceChange[]): Awaitable<void>;
  /** An instance, or `undefined` when neither a record nor messages for it are stored. */
  load(instanceId: string): Awaitable<StoredInstance | undefined>;
  /** The whole history of the instance's current generation, oldest event first; empty when there is none. */
  history(instanceId: string): Awaitable<readonly HistoryEvent[]>;
  /** Instances that must be looked at after a restart: busy ones, and those with messages in their inbox. */
  openInstances(): Awaitable<readonly string[]>;
  /** Timers due at or before `dueAtMs`, earliest first (then by instance id, kind and timer id), at most `limit`. */
  dueTimers(dueAtMs: number, limit: number): Awaitable<readonly StoredTimer[]>;
  /** When the earliest timer is due. */
  nextTimerAtMs(): Awaitable<number | undefined>;
  query(query: InstanceQuery): Awaitable<readonly ListedInstance[]>;
  queryEntities(filter: EntityFilter): Awaitable<readonly ListedEntity[]>;
  /** Gives the hub up; the store can be opened again. From then on every other call fails with `HubClosedError`; closing again does nothing. */
  close(): Awaitable<void>;
}

/** A session that answers at once. */
export type SyncStoreSession = {
  readonly [K in keyof StoreSession]: StoreSession[K] extends (...args: infer A) => infer R
    ? (...args: A) => Exclude<R, Promise<unknown>>
    : StoreSession[K];
};

/** A database that hubs can be kept in. It outlives the hubs opened over it. */
export interface HubStore {
  open(hub: string): Awaitable<StoreSession>;
}

/** True for a promise: how the hub tells an asynchronous answer from a synchronous one. */
export function isPromise<T>(value: Awaitable<T>): value is Promise<T> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}
