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
import type { SqlDriver } from "./driver.ts";
import { keyOf, textOf } from "./key-text.ts";
import { getText } from "./long-text.ts";

/** An instance, or `undefined` when neither a record, an entity nor messages for it are stored. */
export function loadInstance(driver: SqlDriver, hub: number, instanceId: string): StoredInstance | undefined {
  const id = keyOf(instanceId);
  const [row] = driver.all<{ updatedAtMs: number; record: string | null }>(
    `SELECT updatedAtMs, record FROM holdfast_instances WHERE hub = ?1 AND instanceId = ?2`,
    hub,
    id,
  );
  const messages = driver.all<{ sequence: number; atMs: number; message: string | null }>(
    `SELECT sequence, atMs, message FROM holdfast_inbox WHERE hub = ?1 AND instanceId = ?2 ORDER BY sequence`,
    hub,
    id,
  );
  const [entity] = driver.all<{ updatedAtMs: number; entity: string | null }>(
    `SELECT updatedAtMs, entity FROM holdfast_entities WHERE hub = ?1 AND instanceId = ?2`,
    hub,
    id,
  );
  if (!row && !entity && messages.length === 0) return undefined;
  const [last] = driver.all<{ turn: number; atMs: number; eventCount: number }>(
    `SELECT turn, atMs, eventCount FROM holdfast_history WHERE hub = ?1 AND instanceId = ?2 ORDER BY turn DESC LIMIT 1`,
    hub,
    id,
  );
  const rowsAtMs = Math.max(row?.updatedAtMs ?? 0, entity?.updatedAtMs ?? 0, last?.atMs ?? 0);
  return {
    record: row && readRecord(driver, hub, id, row.record),
    ...(entity && { entity: readEntity(driver, hub, id, entity.entity) }),
    lastUpdatedAtMs: messages.reduce((latest, { atMs }) => Math.max(latest, atMs), rowsAtMs),
    turnCount: last ? last.turn + 1 : 0,
    eventCount: last?.eventCount ?? 0,
    inbox: messages.map(({ sequence, message }) => {
      return readMessage(getText(driver, { hub, id, kind: "message", number: sequence }, message));
    }),
  };
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
  const turns = driver.all<{ turn: number; events: string | null }>(
    `SELECT turn, events FROM holdfast_history WHERE hub = ?1 AND instanceId = ?2 ORDER BY turn`,
    hub,
    id,
  );
  return turns.flatMap(({ turn, events }) =>
    decodeEvents(getText(driver, { hub, id, kind: "turn", number: turn }, events)),
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
