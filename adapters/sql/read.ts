/** Reading one hub: an instance, its history, what is outstanding. */
import { decodeEvents, type HistoryEvent, reviveEvents } from "../../core/history/events.ts";
import type {
  EntityRecord,
  InboxMessage,
  InstanceRecord,
  StoredInstance,
  StoredTimer,
  TimerKind,
} from "../../core/store/contract.ts";
import type { SqlDriver, SqlRow } from "./driver.ts";
import { keyOf, textOf } from "./key-text.ts";
import type { KnownRows } from "./known-rows.ts";
import { getText } from "./long-text.ts";
import { isTurnOf, TURNS_MAX } from "./turn-keys.ts";

interface LoadedRow extends SqlRow {
  readonly turnsKey: number | null;
  readonly createdAtMs: number;
  readonly completedAtMs: number | null;
  readonly isBusy: number;
  readonly recordAtMs: number | null;
  readonly record: string | null;
  readonly entityAtMs: number | null;
  readonly entity: string | null;
  readonly turnId: number | null;
  readonly turnAtMs: number | null;
  readonly eventCount: number | null;
  readonly hasMessages: number;
}

/** All there is under an id, but its messages. */
const LOAD = `SELECT i.turnsKey, i.createdAtMs, i.completedAtMs, i.isBusy, i.updatedAtMs AS recordAtMs, i.record,
    e.updatedAtMs AS entityAtMs, e.entity, t.id AS turnId, t.atMs AS turnAtMs, t.eventCount,
    EXISTS (SELECT 1 FROM holdfast_inbox AS m WHERE m.hub = ?1 AND m.instanceId = ?2) AS hasMessages
  FROM (SELECT 1) LEFT JOIN holdfast_instances AS i ON i.hub = ?1 AND i.instanceId = ?2
  LEFT JOIN holdfast_entities AS e ON e.hub = ?1 AND e.instanceId = ?2
  LEFT JOIN holdfast_turns AS t ON t.id = (SELECT last.id FROM holdfast_turns AS last WHERE ${isTurnOf("i", "last")} ORDER BY last.id DESC LIMIT 1)`;

/** An instance, or `undefined` when neither a record, an entity nor messages for it are stored. Notes what its row is. */
export function loadInstance(
  driver: SqlDriver,
  hub: number,
  instanceId: string,
  rows: KnownRows,
): StoredInstance | undefined {
  const id = keyOf(instanceId);
  const [row] = driver.all<LoadedRow>(LOAD, hub, id);
  if (!row || (row.turnsKey === null && row.entityAtMs === null && row.hasMessages === 0)) return undefined;
  const messages = row.hasMessages === 0 ? [] : readMessages(driver, hub, id);
  const { turnsKey, createdAtMs, completedAtMs, isBusy, record } = row;
  const turnCount = row.turnId === null ? 0 : (row.turnId % TURNS_MAX) + 1;
  const eventCount = row.eventCount ?? 0;
  if (turnsKey !== null) {
    const isLong = record === null ? 1 : 0;
    rows.set(id, { turnsKey, createdAtMs, completedAtMs, isBusy, isLong, turnCount, eventCount });
  }
  return {
    record: turnsKey === null ? undefined : readRecord(driver, hub, id, record),
    ...(row.entityAtMs !== null && { entity: readEntity(driver, hub, id, row.entity) }),
    lastUpdatedAtMs: Math.max(
      row.recordAtMs ?? 0,
      row.entityAtMs ?? 0,
      row.turnAtMs ?? 0,
      ...messages.map(({ atMs }) => atMs),
    ),
    turnCount,
    eventCount,
    inbox: messages.map(({ sequence, message }) =>
      readMessage(getText(driver, { hub, id, kind: "message", number: sequence }, message)),
    ),
  };
}

interface MessageRow extends SqlRow {
  readonly sequence: number;
  readonly atMs: number;
  readonly message: string | null;
}

function readMessages(driver: SqlDriver, hub: number, id: string): readonly MessageRow[] {
  return driver.all<MessageRow>(
    `SELECT sequence, atMs, message FROM holdfast_inbox WHERE hub = ?1 AND instanceId = ?2 ORDER BY sequence`,
    hub,
    id,
  );
}

/** The record whose row holds `inRow`. */
export function readRecord(driver: SqlDriver, hub: number, id: string, inRow: string | null): InstanceRecord {
  return JSON.parse(getText(driver, { hub, id, kind: "record", number: 0 }, inRow)) as InstanceRecord;
}

/** The entity whose row holds `inRow`. */
export function readEntity(driver: SqlDriver, hub: number, id: string, inRow: string | null): EntityRecord {
  return JSON.parse(getText(driver, { hub, id, kind: "entity", number: 0 }, inRow)) as EntityRecord;
}

function readMessage(text: string): InboxMessage {
  const message = JSON.parse(text) as InboxMessage;
  reviveEvents([message.event]);
  return message;
}

/** All events of the instance's current generation, oldest first. */
export function readHistory(driver: SqlDriver, hub: number, instanceId: string): HistoryEvent[] {
  const id = keyOf(instanceId);
  const turns = driver.all<{ turnId: number; events: string | null }>(
    `SELECT t.id AS turnId, t.events FROM holdfast_instances AS i JOIN holdfast_turns AS t ON ${isTurnOf("i", "t")}
    WHERE i.hub = ?1 AND i.instanceId = ?2 ORDER BY t.id`,
    hub,
    id,
  );
  return turns.flatMap(({ turnId, events }) =>
    decodeEvents(getText(driver, { hub, id, kind: "turn", number: turnId % TURNS_MAX }, events)),
  );
}

/** Ids of the instances that are busy or have messages, in order. */
export function readOpenInstances(driver: SqlDriver, hub: number): string[] {
  const rows = driver.all<{ instanceId: string }>(
    `SELECT instanceId FROM holdfast_instances WHERE hub = ?1 AND isBusy = 1
    UNION SELECT instanceId FROM holdfast_inbox WHERE hub = ?1 ORDER BY instanceId`,
    hub,
  );
  return rows.map(({ instanceId }) => textOf(instanceId));
}

/** Timers due at or before `dueAtMs`, earliest first, at most `limit`. */
export function readDueTimers(driver: SqlDriver, hub: number, dueAtMs: number, limit: number): StoredTimer[] {
  const rows = driver.all<{ instanceId: string; kind: TimerKind; timerId: number; dueAtMs: number }>(
    `SELECT instanceId, kind, timerId, dueAtMs FROM holdfast_timers WHERE hub = ?1 AND dueAtMs <= ?2
    ORDER BY dueAtMs, instanceId, kind, timerId LIMIT ?3`,
    hub,
    dueAtMs,
    limit,
  );
  return rows.map(({ instanceId, ...timer }) => ({ instanceId: textOf(instanceId), ...timer }));
}

/** When the earliest timer is due. */
export function readNextTimerAtMs(driver: SqlDriver, hub: number): number | undefined {
  const [row] = driver.all<{ dueAtMs: number }>(
    `SELECT dueAtMs FROM holdfast_timers WHERE hub = ?1 ORDER BY dueAtMs LIMIT 1`,
    hub,
  );
  return row?.dueAtMs;
}
