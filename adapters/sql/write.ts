/**
 * Writing one change. Runs inside the transaction of its commit.
 *
 * W1. A change that has only turns writes one row for each turn, and no other.
 * W2. A column that an index covers is written only when its value changes: writing it costs a row for the index even when
 *     the value stays the same.
 */
import { encodeEvents } from "../../core/history/events.ts";
import type {
  EntityRecord,
  InboxMessage,
  InstanceChange,
  InstanceRecord,
  StoredTimer,
} from "../../core/store/contract.ts";
import type { SqlDriver, SqlRow, SqlValue } from "./driver.ts";
import { keyOf } from "./key-text.ts";
import { dropChunks, putText } from "./long-text.ts";

/** Whose rows are written. */
interface Target {
  readonly driver: SqlDriver;
  readonly hub: number;
  /** Key of the instance. */
  readonly id: string;
  readonly atMs: number;
}

/** Writes everything a change says, in the order of its fields. */
export function applyChange(driver: SqlDriver, hub: number, change: InstanceChange): void {
  const target: Target = { driver, hub, id: keyOf(change.instanceId), atMs: change.atMs };
  const { record, entity, turns = [], timersRemoved, timersAdded = [], inboxRemoved, inboxAdded = [] } = change;
  if (change.isPurge || change.isReset) dropGeneration(target);
  if (change.isPurge) dropInstance(target);
  if (record) writeRecord(target, record);
  if (entity) writeEntity(target, entity);
  else if (entity === null) dropEntity(target);
  turns.forEach((events, index) => {
    writeTurn(
      target,
      (change.firstTurn ?? 0) + index,
      encodeEvents(events),
      events.length,
      index === 0 ? timersAdded : [],
    );
  });
  if (timersRemoved) for (const timer of timersRemoved) dropTimer(target, timer);
  for (const timer of timersAdded) addTimer(target, timer, turns.length === 0);
  if (inboxRemoved) for (const sequence of inboxRemoved) dropMessage(target, sequence);
  for (const message of inboxAdded) addMessage(target, message);
  const leavesItsInstant = record || entity !== undefined || turns.length > 0 || inboxAdded.length > 0;
  if (!change.isPurge && !leavesItsInstant) touch(target);
}

/** Drops the history and the timers. */
function dropGeneration({ driver, hub, id }: Target): void {
  const noted = driver.all<{ timers: string }>(
    `SELECT timers FROM holdfast_history WHERE hub = ?1 AND instanceId = ?2 AND timers IS NOT NULL`,
    hub,
    id,
  );
  for (const { timers } of noted) {
    for (const [dueAtMs, kind, timerId] of JSON.parse(timers) as TimerNote[]) {
      driver.run(DELETE_TIMER, hub, dueAtMs, id, kind, timerId);
    }
  }
  driver.run(`DELETE FROM holdfast_timers WHERE hub = ?1 AND instanceId = ?2 AND isLoose = 1`, hub, id);
  driver.run(`DELETE FROM holdfast_history WHERE hub = ?1 AND instanceId = ?2`, hub, id);
  driver.run(`DELETE FROM holdfast_chunks WHERE hub = ?1 AND instanceId = ?2 AND kind = 'turn'`, hub, id);
}

/** Drops what `dropGeneration` leaves. */
function dropInstance({ driver, hub, id }: Target): void {
  driver.run(`DELETE FROM holdfast_instances WHERE hub = ?1 AND instanceId = ?2`, hub, id);
  driver.run(`DELETE FROM holdfast_entities WHERE hub = ?1 AND instanceId = ?2`, hub, id);
  driver.run(`DELETE FROM holdfast_inbox WHERE hub = ?1 AND instanceId = ?2`, hub, id);
  driver.run(`DELETE FROM holdfast_chunks WHERE hub = ?1 AND instanceId = ?2`, hub, id);
}

function writeRecord(target: Target, record: InstanceRecord): void {
  const { driver, hub, id, atMs } = target;
  const place = { hub, id, kind: "record", number: 0 } as const;
  const [old] = driver.all<IndexedColumns & { isLong: number }>(
    `SELECT createdAtMs, completedAtMs, isBusy, record IS NULL AS isLong FROM holdfast_instances WHERE hub = ?1 AND instanceId = ?2`,
    hub,
    id,
  );
  // The input comes first: it never changes, so neither do its chunks when it is long.
  const text = putText(driver, place, JSON.stringify({ input: record.input, ...record }));
  const columns = { status: record.status, name: keyOf(record.name), updatedAtMs: atMs, record: text };
  const indexed = {
    createdAtMs: record.createdAtMs,
    completedAtMs: record.completedAtMs ?? null,
    isBusy: record.isBusy ? 1 : 0,
  };
  if (old) updateInstance(target, { ...columns, ...changed(old, indexed) });
  else insertInstance(target, { ...columns, ...indexed });
  if (old?.isLong && text !== null) dropChunks(driver, place);
}

/** The columns of an instance that indexes cover. */
type IndexedColumns = Readonly<Record<"createdAtMs" | "completedAtMs" | "isBusy", SqlValue>>;

/** Those of the columns whose value is new. */
function changed(old: IndexedColumns, now: IndexedColumns): Partial<IndexedColumns> {
  return {
    ...(old.createdAtMs !== now.createdAtMs && { createdAtMs: now.createdAtMs }),
    ...(old.completedAtMs !== now.completedAtMs && { completedAtMs: now.completedAtMs }),
    ...(old.isBusy !== now.isBusy && { isBusy: now.isBusy }),
  };
}

function insertInstance({ driver, hub, id }: Target, columns: SqlRow): void {
  const names = Object.keys(columns);
  driver.run(
    `INSERT INTO holdfast_instances (hub, instanceId, ${names.join(", ")}) VALUES (?, ?${", ?".repeat(names.length)})`,
    hub,
    id,
    ...Object.values(columns),
  );
}

function updateInstance({ driver, hub, id }: Target, columns: SqlRow): void {
  const assignments = Object.keys(columns).map((name) => `${name} = ?`);
  driver.run(
    `UPDATE holdfast_instances SET ${assignments.join(", ")} WHERE hub = ? AND instanceId = ?`,
    ...Object.values(columns),
    hub,
    id,
  );
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

function writeTurn(
  { driver, hub, id, atMs }: Target,
  turn: number,
  events: string,
  eventCount: number,
  timersAdded: readonly StoredTimer[],
): void {
  driver.run(
    `INSERT INTO holdfast_history (hub, instanceId, turn, atMs, eventCount, timers, events)
    VALUES (?1, ?2, ?3, ?4, ?5 + coalesce(
      (SELECT eventCount FROM holdfast_history WHERE hub = ?1 AND instanceId = ?2 AND turn = ?3 - 1), 0), ?6, ?7)`,
    hub,
    id,
    turn,
    atMs,
    eventCount,
    timersAdded.length === 0 ? null : JSON.stringify(timersAdded.map(noteOf)),
    putText(driver, { hub, id, kind: "turn", number: turn }, events),
  );
}

/** What a history row keeps of a timer: the rest of its key. */
type TimerNote = [dueAtMs: number, kind: string, timerId: number];

function noteOf({ dueAtMs, kind, timerId }: StoredTimer): TimerNote {
  return [dueAtMs, kind, timerId];
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
