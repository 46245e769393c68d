/**
 * The object stores, and how one version of them becomes the next.
 *
 * B1. Every key begins with the number of the hub, so that hubs in one database never meet. IndexedDB compares texts by UTF-16
 *     units, as the contract does.
 * B2. A row written is the unit of cost. The turns of one change are one row of `history`, and nothing else is rewritten for
 *     them: how long a history is and when it last grew stand in the keys of that row, where counting needs no values.
 * B3. Indexes are sparse: a value that lacks a field of an index is not in it. `busy` is absent unless the instance is busy.
 * B4. Values are structured clones: what is given comes back with its dates.
 */
import type { DBSchema, IDBPDatabase, StoreNames } from "idb";
import type { HistoryEvent } from "../../core/history/events.ts";
import type { EntityRecord, InboxMessage, InstanceRecord, StoredTimer } from "../../core/store/contract.ts";

/** Who has a hub. */
export interface HubRow {
  /** Number of the hub in this database, from 1. */
  readonly hub: number;
  readonly epoch: number;
  /** The last commit of the session that has the epoch, counted by it: by this a session knows whether a commit took effect. */
  readonly commit: number;
  /** Made when the hub was: another one means another hub, begun after the first was lost. */
  readonly creationId: string;
  readonly createdAtMs: number;
}

/** A note that the browser has deleted what the database held, as far as it said so. */
export interface LossNote {
  readonly atMs: number;
  readonly reason: string;
}

export interface InstanceRow {
  readonly hub: number;
  readonly record: InstanceRecord;
  readonly updatedAtMs: number;
  /** The hub's number while the record is busy. */
  readonly busy?: number;
}

export interface EntityRow {
  readonly entity: EntityRecord;
  readonly updatedAtMs: number;
}

export interface InboxRow {
  readonly message: InboxMessage;
  readonly atMs: number;
}

export interface TimerRow extends StoredTimer {
  readonly hub: number;
}

/** Hub, instance, index of the first turn, number of turns, number of events, instant. */
export type HistoryKey = [
  hub: number,
  instanceId: string,
  firstTurn: number,
  turns: number,
  events: number,
  atMs: number,
];

export interface Schema extends DBSchema {
  hubs: { key: string; value: HubRow };
  losses: { key: number; value: LossNote };
  instances: {
    key: [hub: number, instanceId: string];
    value: InstanceRow;
    indexes: {
      created: [hub: number, createdAtMs: number, instanceId: string];
      completed: [hub: number, completedAtMs: number, instanceId: string];
      busy: number;
    };
  };
  entities: { key: [hub: number, instanceId: string]; value: EntityRow };
  history: { key: HistoryKey; value: readonly HistoryEvent[] };
  inbox: { key: [hub: number, instanceId: string, sequence: number]; value: InboxRow };
  timers: {
    key: [hub: number, instanceId: string, kind: string, timerId: number];
    value: TimerRow;
    /** Timers due at the same instant come in the order of their keys. */
    indexes: { due: [hub: number, dueAtMs: number] };
  };
}

export type Database = IDBPDatabase<Schema>;
export type StoreName = StoreNames<Schema>;

/** Stores that a commit writes to. */
export const COMMIT_STORES: readonly StoreName[] = ["hubs", "instances", "entities", "history", "inbox", "timers"];

/** What brings a database from one version to the next; the first makes it from nothing. Never changed once released. */
const MIGRATIONS: readonly ((database: Database) => void)[] = [
  (database) => {
    database.createObjectStore("hubs");
    database.createObjectStore("losses");
    const instances = database.createObjectStore("instances");
    instances.createIndex("created", ["hub", "record.createdAtMs", "record.instanceId"]);
    instances.createIndex("completed", ["hub", "record.completedAtMs", "record.instanceId"]);
    instances.createIndex("busy", "busy");
    database.createObjectStore("entities");
    database.createObjectStore("history");
    database.createObjectStore("inbox");
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
