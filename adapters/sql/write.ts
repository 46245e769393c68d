/**
 * Writing one change. Runs inside the transaction of its commit.
 *
 * W1. A change that has only turns writes one row for each turn, and no other.
 * W2. A column that an index covers is written only when its value changes: writing it costs a row for the index even when
 *     the value stays the same.
 */
import type { HistoryEvent } from "../../core/history/events.ts";
import type {
  EntityRecord,
  InboxMessage,
  InstanceChange,
  InstanceRecord,
  StoredTimer,
} from "../../core/store/contract.ts";
import { SQL_BOUNDS } from "./bounds.ts";
import type { SqlDriver, SqlRow } from "./driver.ts";
import { keyOf } from "./key-text.ts";
import type { IndexedColumns, KnownRow, KnownRows } from "./known-rows.ts";
import { dropChunks, putText } from "./long-text.ts";
import type { TurnKeys } from "./turn-keys.ts";
import { dropTurns, writeTurn } from "./turns.ts";

/** Where a session writes. */
export interface Writer {
  readonly driver: SqlDriver;
  readonly hub: number;
  readonly rows: KnownRows;
  readonly keys: TurnKeys;
}

/** Whose rows are written. */
export interface Target extends Writer {
  /** Key of the instance. */
  readonly id: string;
  readonly atMs: number;
}

/** Writes everything a change says, in the order of its fields. */
export function applyChange({ driver, hub, rows, keys }: Writer, change: InstanceChange): void {
  const target: Target = { driver, hub, rows, keys, id: keyOf(change.instanceId), atMs: change.atMs };
  const { record, entity, turns = [], timersRemoved, timersAdded = [], inboxRemoved, inboxAdded = [] } = change;
  if (change.isPurge || change.isReset) dropGeneration(target);
  if (change.isPurge) dropInstance(target);
  if (record) writeRecord(target, record);
  if (entity) writeEntity(target, entity);
  else if (entity === null) dropEntity(target);
  if (turns.length > 0) writeTurns(target, change.firstTurn ?? 0, turns, timersAdded);
  if (timersRemoved) for (const timer of timersRemoved) dropTimer(target, timer);
  for (const timer of timersAdded) addTimer(target, timer, turns.length === 0);
  if (inboxRemoved) for (const sequence of inboxRemoved) dropMessage(target, sequence);
  for (const message of inboxAdded) addMessage(target, message);
  const leavesItsInstant = record || entity !== undefined || turns.length > 0 || inboxAdded.length > 0;
  if (!change.isPurge && !leavesItsInstant) touch(target);
}

/** Drops the history and the timers. */
function dropGeneration(target: Target): void {
  const { driver, hub, id } = target;
  const row = rowOf(target);
  if (row) {
    for (const [dueAtMs, kind, timerId] of dropTurns(driver, row))
      driver.run(DELETE_TIMER, hub, dueAtMs, id, kind, timerId);
  }
  driver.run(`DELETE FROM holdfast_timers WHERE hub = ?1 AND instanceId = ?2 AND isLoose = 1`, hub, id);
  driver.run(`DELETE FROM holdfast_chunks WHERE hub = ?1 AND instanceId = ?2 AND kind = 'turn'`, hub, id);
}

function writeTurns(
  target: Target,
  firstTurn: number,
  turns: readonly (readonly HistoryEvent[])[],
  timersAdded: readonly StoredTimer[],
): void {
  const row = rowOf(target);
  if (!row) throw new TypeError(`A change has turns of '${target.id}', which has no record.`);
  turns.forEach((events, index) => {
    writeTurn(target, row, firstTurn + index, events, index === 0 ? timersAdded : []);
  });
}

/** Drops what `dropGeneration` leaves. */
function dropInstance({ driver, hub, rows, id }: Target): void {
  rows.delete(id);
  driver.run(`DELETE FROM holdfast_instances WHERE hub = ?1 AND instanceId = ?2`, hub, id);
  driver.run(`DELETE FROM holdfast_entities WHERE hub = ?1 AND instanceId = ?2`, hub, id);
  driver.run(`DELETE FROM holdfast_inbox WHERE hub = ?1 AND instanceId = ?2`, hub, id);
  driver.run(`DELETE FROM holdfast_chunks WHERE hub = ?1 AND instanceId = ?2`, hub, id);
}

/** What the row of the instance is; `undefined` when there is none. */
function rowOf({ driver, hub, rows, id }: Target): KnownRow | undefined {
  const known = rows.get(id);
  if (known) return known;
  const [row] = driver.all<KnownRow & SqlRow>(
    `SELECT turnsKey, createdAtMs, completedAtMs, isBusy, record IS NULL AS isLong FROM holdfast_instances
    WHERE hub = ?1 AND instanceId = ?2`,
    hub,
    id,
  );
  if (row) rows.set(id, row);
  return row;
}

function writeRecord(target: Target, record: InstanceRecord): void {
  const { driver, hub, rows, id, atMs } = target;
  const place = { hub, id, kind: "record", number: 0 } as const;
  // A long input comes first: it never changes, so neither do its chunks.
  const isInputLong = record.input !== undefined && record.input.length * 3 > SQL_BOUNDS.rowTextBytesMax;
  const text = putText(driver, place, JSON.stringify(isInputLong ? { input: record.input, ...record } : record));
  const { status, createdAtMs, completedAtMs = null } = record;
  const now = { createdAtMs, completedAtMs, isBusy: record.isBusy ? 1 : 0, isLong: text === null ? 1 : 0 };
  const columns = [status, keyOf(record.name), atMs, text];
  if (!rows.get(id)) {
    const row: KnownRow = { ...now, turnsKey: target.keys.take(), turnCount: 0, eventCount: 0 };
    const isNew = driver.run(
      INSERT_INSTANCE,
      hub,
      id,
      ...columns,
      createdAtMs,
      completedAtMs,
      now.isBusy,
      row.turnsKey,
    );
    if (isNew > 0) {
      rows.set(id, row);
      return;
    }
  }
  const old = rowOf(target) as KnownRow;
  rows.set(id, { ...old, ...now });
  const changed = INDEXED.filter((column) => old[column] !== now[column]);
  driver.run(updateOf(changed), ...columns, ...changed.map((column) => now[column]), hub, id);
  if (old.isLong && text !== null) dropChunks(driver, place);
}

const INSERT_INSTANCE = `INSERT INTO holdfast_instances
  (hub, instanceId, status, name, updatedAtMs, record, createdAtMs, completedAtMs, isBusy, turnsKey)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (hub, instanceId) DO NOTHING`;

const INDEXED: readonly (keyof IndexedColumns)[] = ["createdAtMs", "completedAtMs", "isBusy"];

/** One text for each set of columns, made once. */
const UPDATES = new Map<string, string>();

/** The statement that writes a record's row, of the columns that indexes cover only those given. */
function updateOf(indexed: readonly (keyof IndexedColumns)[]): string {
  const key = indexed.join();
  const known = UPDATES.get(key);
  if (known !== undefined) return known;
  const columns = ["status", "name", "updatedAtMs", "record", ...indexed].map((column) => `${column} = ?`);
  const sql = `UPDATE holdfast_instances SET ${columns.join(", ")} WHERE hub = ? AND instanceId = ?`;
  UPDATES.set(key, sql);
  return sql;
}

function writeEntity({ driver, hub, id, atMs }: Target, entity: EntityRecord): void {
  const place = { hub, id, kind: "entity", number: 0 } as const;
  // The state comes first: locking and unlocking leave it, and its chunks when it is long.
  const text = putText(driver, place, JSON.stringify({ state: entity.state, ...entity }));
  driver.run(
    `INSERT OR REPLACE INTO holdfast_entities (hub, instanceId, lastModifiedAtMs, hasState, updatedAtMs, entity)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)`,
    hub,
    id,
    entity.lastModifiedAtMs,
    entity.state === undefined ? 0 : 1,
    atMs,
    text,
  );
  if (text !== null) dropChunks(driver, place);
}

function dropEntity({ driver, hub, id }: Target): void {
  driver.run(`DELETE FROM holdfast_entities WHERE hub = ?1 AND instanceId = ?2`, hub, id);
  dropChunks(driver, { hub, id, kind: "entity", number: 0 });
}

const DELETE_TIMER = `DELETE FROM holdfast_timers WHERE hub = ?1 AND dueAtMs = ?2 AND instanceId = ?3 AND kind = ?4 AND timerId = ?5`;

function dropTimer({ driver, hub, id }: Target, { dueAtMs, kind, timerId }: StoredTimer): void {
  driver.run(DELETE_TIMER, hub, dueAtMs, id, kind, timerId);
}

function addTimer({ driver, hub, id }: Target, { dueAtMs, kind, timerId }: StoredTimer, isLoose: boolean): void {
  driver.run(
    `INSERT OR REPLACE INTO holdfast_timers (hub, dueAtMs, instanceId, kind, timerId, isLoose) VALUES (?1, ?2, ?3, ?4, ?5, ?6)`,
    hub,
    dueAtMs,
    id,
    kind,
    timerId,
    isLoose ? 1 : 0,
  );
}

function dropMessage({ driver, hub, id }: Target, sequence: number): void {
  driver.run(`DELETE FROM holdfast_inbox WHERE hub = ?1 AND instanceId = ?2 AND sequence = ?3`, hub, id, sequence);
  dropChunks(driver, { hub, id, kind: "message", number: sequence });
}

function addMessage({ driver, hub, id, atMs }: Target, message: InboxMessage): void {
  driver.run(
    `INSERT OR REPLACE INTO holdfast_inbox (hub, instanceId, sequence, atMs, message) VALUES (?1, ?2, ?3, ?4, ?5)`,
    hub,
    id,
    message.sequence,
    atMs,
    putText(driver, { hub, id, kind: "message", number: message.sequence }, JSON.stringify(message)),
  );
}

/** Notes the instant of a change that leaves no row of its own with the instance, when there is one. */
function touch({ driver, hub, id, atMs }: Target): void {
  driver.run(`UPDATE holdfast_instances SET updatedAtMs = ?1 WHERE hub = ?2 AND instanceId = ?3`, atMs, hub, id);
}
