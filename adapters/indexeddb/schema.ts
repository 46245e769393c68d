/**
 * The object stores, and how one version of them becomes the next.
 *
 * B1. A commit is one row of `journal`: its changes as they were given. IndexedDB takes a few thousand rows a second whatever is in
 *     them, so that a group of a hundred instances costs what one does. Every thousand changes or so the journal is folded into
 *     the tables (`instances`, `history`, `timers`): many changes of an instance become one row of each.
 * B2. Every key begins with the number of the hub, so that hubs in one database never meet. IndexedDB compares texts by UTF-16
 *     units, as the contract does.
 * B3. Journal positions of a hub are taken one after the other, and by one session each: adding at a position that is taken
 *     fails. A session that opens the hub takes the next position for its claim, so that older sessions can add nothing more.
 *     A claim is kept for `claimKeptMs`; a session that has not seen the hub for half of that looks at its row first.
 * B4. Indexes are sparse: a value that lacks a field of an index is not in it.
 * B5. Values are structured clones: what is given comes back with its dates.
 */
import type { DBSchema, IDBPDatabase, IDBPTransaction, StoreNames } from "idb";
import type { HistoryEvent } from "../../core/history/events.ts";
import type {
  EntityRecord,
  InboxMessage,
  InstanceChange,
  InstanceRecord,
  StoredTimer,
} from "../../core/store/contract.ts";

/** Who has a hub. */
export interface HubRow {
  /** Number of the hub in this database, from 1. */
  readonly hub: number;
  /** The epoch of its newest session. */
  readonly epoch: number;
  /** Position up to which the journal is in the tables. */
  readonly folded: number;
  /** Made when the hub was: another one means another hub, begun after the first was lost. */
  readonly creationId: string;
  readonly createdAtMs: number;
}

/** One position of the journal: a commit, or, without changes, the claim of a session. */
export interface JournalRow {
  readonly epoch: number;
  readonly changes: readonly InstanceChange[];
  /** When a claim was made, in ms. */
  readonly atMs?: number;
}

/** A note that the browser has deleted what the database held, as far as it said so. */
export interface LossNote {
  readonly atMs: number;
  readonly reason: string;
}

/** All of an instance but its history and its timers. */
export interface InstanceState {
  readonly record: InstanceRecord | undefined;
  readonly entity: EntityRecord | undefined;
  readonly inbox: readonly InboxMessage[];
  readonly updatedAtMs: number;
  readonly turnCount: number;
  readonly eventCount: number;
}

export interface InstanceRow extends InstanceState {
  readonly hub: number;
  /** The hub's number while the instance must be looked at after a restart; absent otherwise. */
  readonly open?: number;
}

export interface TimerRow extends StoredTimer {
  readonly hub: number;
}

export interface Schema extends DBSchema {
  hubs: { key: string; value: HubRow };
  losses: { key: number; value: LossNote };
  journal: { key: [hub: number, position: number]; value: JournalRow };
  instances: {
    key: [hub: number, instanceId: string];
    value: InstanceRow;
    indexes: {
      created: [hub: number, createdAtMs: number, instanceId: string];
      completed: [hub: number, completedAtMs: number, instanceId: string];
      entities: [hub: number, instanceId: string];
      open: number;
    };
  };
  /** The events of some turns in a row; the key names the first. */
  history: { key: [hub: number, instanceId: string, firstTurn: number]; value: readonly HistoryEvent[] };
  timers: {
    key: [hub: number, instanceId: string, kind: string, timerId: number];
    value: TimerRow;
    /** Timers due at the same instant come in the order of their keys. */
    indexes: { due: [hub: number, dueAtMs: number] };
  };
}

export type Database = IDBPDatabase<Schema>;
export type StoreName = StoreNames<Schema>;

/** What a session reads from. */
export const READ_STORES: readonly StoreName[] = ["hubs", "instances", "history", "timers"];
/** A read transaction over them. */
export type Reading = IDBPTransaction<Schema, typeof READ_STORES, "readonly">;

/** What brings a database from one version to the next; the first makes it from nothing. Never changed once released. */
const MIGRATIONS: readonly ((database: Database) => void)[] = [
  (database) => {
    database.createObjectStore("hubs");
    database.createObjectStore("losses");
    database.createObjectStore("journal");
    const instances = database.createObjectStore("instances");
    instances.createIndex("created", ["hub", "record.createdAtMs", "record.instanceId"]);
    instances.createIndex("completed", ["hub", "record.completedAtMs", "record.instanceId"]);
    instances.createIndex("entities", ["hub", "entity.instanceId"]);
    instances.createIndex("open", "open");
    database.createObjectStore("history");
    database.createObjectStore("timers").createIndex("due", ["hub", "dueAtMs"]);
  },
];

/** Version of the database that this code reads and writes. */
export const SCHEMA_VERSION: number = MIGRATIONS.length;

/** Brings a database of an older version, 0 being none, up to this code's. */
export function migrate(database: Database, oldVersion: number): void {
  for (const step of MIGRATIONS.slice(oldVersion)) step(database);
}

/** All keys that begin with `prefix`: an array comes after every other kind of key. */
export function startingWith(...prefix: readonly IDBValidKey[]): IDBKeyRange {
  return IDBKeyRange.bound([...prefix], [...prefix, []]);
}

/** The positions of a hub's journal after `after`, up to `through`. */
export function positions(hub: number, after: number, through: number): IDBKeyRange {
  return IDBKeyRange.bound([hub, after], [hub, through], true);
}
