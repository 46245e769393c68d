/** Reading the tables of one hub. Every function works in one read transaction and awaits nothing but its requests. */
import type { HistoryEvent } from "../../core/history/events.ts";
import type {
  EntityFilter,
  InstanceQuery,
  InstanceRecord,
  ListedEntity,
  ListedInstance,
  StoredTimer,
} from "../../core/store/contract.ts";
import { matches, matchesEntity } from "../../core/store/memory.ts";
import { compareText } from "../../core/store/record-order.ts";
import { INDEXED_DB_BOUNDS } from "./bounds.ts";
import { type InstanceRow, type Reading, startingWith } from "./schema.ts";

/** The row of an instance. */
export function readInstance(reading: Reading, hub: number, instanceId: string): Promise<InstanceRow | undefined> {
  return reading.objectStore("instances").get([hub, instanceId]);
}

/** The events in the tables, oldest first. */
export async function readHistory(reading: Reading, hub: number, instanceId: string): Promise<HistoryEvent[]> {
  return (await reading.objectStore("history").getAll(startingWith(hub, instanceId))).flat();
}

/** Ids of the instances that must be looked at after a restart. */
export async function readOpenInstances(reading: Reading, hub: number): Promise<string[]> {
  const keys = await reading.objectStore("instances").index("open").getAllKeys(hub);
  return keys.map(([, instanceId]) => instanceId);
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
  const instantOf = ({ createdAtMs, completedAtMs = 0 }: InstanceRecord): number =>
    orderBy === "created" ? createdAtMs : completedAtMs;
  const [fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY] =
    orderBy === "created" ? [filter.createdFromMs, filter.createdToMs] : [filter.completedFromMs, filter.completedToMs];
  const count = Math.max(limit, INDEXED_DB_BOUNDS.scanRowsMin);
  const found: ListedInstance[] = [];
  let start: [hub: number, atMs: number, ...instanceId: string[]] =
    after && after.atMs >= fromMs ? [hub, after.atMs, after.instanceId] : [hub, fromMs];
  while (found.length < limit && start[1] <= toMs) {
    const rows = await index.getAll(IDBKeyRange.bound(start, [hub, toMs, []], true), count);
    for (const { record, updatedAtMs: lastUpdatedAtMs } of rows) {
      if (record && found.length < limit && matches(record, filter)) found.push({ record, lastUpdatedAtMs });
    }
    const last = rows.at(-1)?.record;
    if (!last || rows.length < count) break;
    start = [hub, instantOf(last), last.instanceId];
  }
  return found;
}

/** One page of entities, in ascending order of ids. */
export async function queryEntities(reading: Reading, hub: number, filter: EntityFilter): Promise<ListedEntity[]> {
  const { instanceIdPrefix: prefix = "", after, limit } = filter;
  const index = reading.objectStore("instances").index("entities");
  const count = Math.max(limit, INDEXED_DB_BOUNDS.scanRowsMin);
  const found: ListedEntity[] = [];
  let start = after !== undefined && compareText(after, prefix) > 0 ? after : prefix;
  for (let isFirst = true; found.length < limit; isFirst = false) {
    const rows = await index.getAll(IDBKeyRange.bound([hub, start], [hub, []], !isFirst), count);
    for (const { entity, inbox } of rows) {
      if (entity && found.length < limit && matchesEntity(entity, filter))
        found.push({ entity, backlogSize: inbox.length });
    }
    const last = rows.at(-1)?.entity?.instanceId;
    if (last === undefined || rows.length < count || !last.startsWith(prefix)) break;
    start = last;
  }
  return found;
}
