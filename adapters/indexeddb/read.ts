/** Reading one hub. Every function works in one read transaction and awaits nothing but its requests. */
import type { IDBPTransaction } from "idb";
import type { HistoryEvent } from "../../core/history/events.ts";
import type {
  EntityFilter,
  InstanceQuery,
  ListedEntity,
  ListedInstance,
  StoredInstance,
  StoredTimer,
} from "../../core/store/contract.ts";
import { compareText, matches, matchesEntity } from "../../core/store/memory.ts";
import {
  type HistoryKey,
  type InboxRow,
  type InstanceRow,
  type Schema,
  type StoreName,
  startingWith,
} from "./schema.ts";

/** A read transaction over the stores that a commit writes to. */
export type Reading = IDBPTransaction<Schema, readonly StoreName[], "readonly">;

/** Rows fetched at once when some of them may be left out: fewer, and a listing takes many requests; more, and it reads too much. */
const SCAN_ROWS_MIN = 100;

/** An instance, or `undefined` when neither a record, an entity nor messages for it are stored. */
export async function loadInstance(
  reading: Reading,
  hub: number,
  instanceId: string,
): Promise<StoredInstance | undefined> {
  const [row, entityRow, inbox, keys] = await Promise.all([
    reading.objectStore("instances").get([hub, instanceId]),
    reading.objectStore("entities").get([hub, instanceId]),
    reading.objectStore("inbox").getAll(startingWith(hub, instanceId)),
    reading.objectStore("history").getAllKeys(startingWith(hub, instanceId)),
  ]);
  if (!row && !entityRow && inbox.length === 0) return undefined;
  const last = keys.at(-1);
  const rowsAtMs = Math.max(row?.updatedAtMs ?? 0, entityRow?.updatedAtMs ?? 0);
  return {
    record: row?.record,
    ...(entityRow && { entity: entityRow.entity }),
    lastUpdatedAtMs: latest(rowsAtMs, last, inbox),
    turnCount: last ? last[2] + last[3] : 0,
    eventCount: keys.reduce((count, key) => count + key[4], 0),
    inbox: inbox.map(({ message }) => message),
  };
}

function latest(atMs: number, lastTurn: HistoryKey | undefined, inbox: readonly InboxRow[]): number {
  return inbox.reduce((max, row) => Math.max(max, row.atMs), Math.max(atMs, lastTurn?.[5] ?? 0));
}

/** All events of the instance's current generation, oldest first. */
export async function readHistory(reading: Reading, hub: number, instanceId: string): Promise<HistoryEvent[]> {
  return (await reading.objectStore("history").getAll(startingWith(hub, instanceId))).flat();
}

/** Ids of the instances that are busy or have messages, in order. */
export async function readOpenInstances(reading: Reading, hub: number): Promise<string[]> {
  const [busy, waiting] = await Promise.all([
    reading.objectStore("instances").index("busy").getAllKeys(hub),
    reading.objectStore("inbox").getAllKeys(startingWith(hub)),
  ]);
  return [...new Set([...busy, ...waiting].map(([, instanceId]) => instanceId))].sort(compareText);
}

/** Timers due at or before `dueAtMs`, earliest first, at most `limit`. */
export async function readDueTimers(
  reading: Reading,
  hub: number,
  dueAtMs: number,
  limit: number,
): Promise<StoredTimer[]> {
  const range = IDBKeyRange.bound([hub], [hub, dueAtMs]);
  const rows = await reading.objectStore("timers").index("due").getAll(range, limit);
  return rows.map(({ hub: _, ...timer }) => timer);
}

/** When the earliest timer is due. */
export async function readNextTimerAtMs(reading: Reading, hub: number): Promise<number | undefined> {
  const [first] = await reading.objectStore("timers").index("due").getAll(startingWith(hub), 1);
  return first?.dueAtMs;
}

/** One page of instances, in ascending order of the instant asked for and the id. */
export async function queryInstances(
  reading: Reading,
  hub: number,
  { filter, orderBy, after, limit }: InstanceQuery,
): Promise<ListedInstance[]> {
  const index = reading.objectStore("instances").index(orderBy);
  const instant = orderBy === "created" ? "createdAtMs" : "completedAtMs";
  const [fromMs, toMs] =
    orderBy === "created" ? [filter.createdFromMs, filter.createdToMs] : [filter.completedFromMs, filter.completedToMs];
  const endMs = toMs ?? Number.POSITIVE_INFINITY;
  let startMs = fromMs ?? Number.NEGATIVE_INFINITY;
  let start: IDBValidKey[] = [hub, startMs];
  const startAfter = (atMs: number, instanceId: string): void => {
    startMs = atMs;
    start = [hub, atMs, instanceId];
  };
  if (after && after.atMs >= startMs) startAfter(after.atMs, after.instanceId);
  const found: InstanceRow[] = [];
  for (const count = Math.max(limit, SCAN_ROWS_MIN); found.length < limit && startMs <= endMs; ) {
    const rows = await index.getAll(IDBKeyRange.bound(start, [hub, endMs, []], true), count);
    for (const row of rows) if (found.length < limit && matches(row.record, filter)) found.push(row);
    const last = rows.at(-1)?.record;
    if (!last || rows.length < count) break;
    startAfter(last[instant] ?? 0, last.instanceId);
  }
  return Promise.all(found.map((row) => listed(reading, hub, row)));
}

async function listed(reading: Reading, hub: number, { record, updatedAtMs }: InstanceRow): Promise<ListedInstance> {
  const own = startingWith(hub, record.instanceId);
  const [cursor, inbox] = await Promise.all([
    reading.objectStore("history").openKeyCursor(own, "prev"),
    reading.objectStore("inbox").getAll(own),
  ]);
  return { record, lastUpdatedAtMs: latest(updatedAtMs, cursor?.key, inbox) };
}

/** One page of entities, in ascending order of ids. */
export async function queryEntities(reading: Reading, hub: number, filter: EntityFilter): Promise<ListedEntity[]> {
  const { instanceIdPrefix: prefix = "", after, limit } = filter;
  const found: ListedEntity[] = [];
  let start = after !== undefined && after >= prefix ? after : prefix;
  let isOpen = start === after;
  for (const count = Math.max(limit, SCAN_ROWS_MIN); ; isOpen = true) {
    const rows = await reading
      .objectStore("entities")
      .getAll(IDBKeyRange.bound([hub, start], [hub, []], isOpen), count);
    const chosen = rows.map(({ entity }) => entity).filter((entity) => matchesEntity(entity, filter));
    for (const entity of chosen.slice(0, limit - found.length)) {
      const backlogSize = await reading.objectStore("inbox").count(startingWith(hub, entity.instanceId));
      found.push({ entity, backlogSize });
    }
    const last = rows.at(-1)?.entity.instanceId;
    if (found.length === limit || last === undefined || rows.length < count || !last.startsWith(prefix)) return found;
    start = last;
  }
}
