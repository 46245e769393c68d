/** Listing instances and entities: filters and order in SQL. Tags are in the record's text only: SQL narrows the choice, the text decides. */
import type {
  EntityFilter,
  InstanceFilter,
  InstanceQuery,
  ListedEntity,
  ListedInstance,
  PageCursor,
} from "../../core/store/contract.ts";
import { matches } from "../../core/store/memory.ts";
import { SQL_BOUNDS } from "./bounds.ts";
import type { SqlDriver, SqlValue } from "./driver.ts";
import { endOfKeysWith, keyOf, textOf } from "./key-text.ts";
import { readEntity, readRecord } from "./read.ts";
import { isTurnOf } from "./turn-keys.ts";

interface ListedRow extends Record<string, SqlValue> {
  readonly instanceId: string;
  readonly atMs: number;
  readonly lastUpdatedAtMs: number;
  readonly record: string | null;
}

/** One page of instances, in ascending order of the instant asked for and the id. */
export function queryInstances(driver: SqlDriver, hub: number, query: InstanceQuery): ListedInstance[] {
  const { filter, limit } = query;
  const rowsMax = filter.tags ? Math.max(limit, SQL_BOUNDS.scanRowsMin) : limit;
  const found: ListedInstance[] = [];
  for (let after = query.after; found.length < limit; ) {
    const rows = selectRows(driver, hub, { ...query, limit: rowsMax, ...(after && { after }) });
    for (const { instanceId, lastUpdatedAtMs, record: inRow } of rows) {
      const record = readRecord(driver, hub, instanceId, inRow);
      if (!filter.tags || matches(record, filter)) found.push({ record, lastUpdatedAtMs });
      if (found.length === limit) break;
    }
    const last = rows.at(-1);
    if (!last || rows.length < rowsMax) break;
    after = { atMs: last.atMs, instanceId: textOf(last.instanceId) };
  }
  return found;
}

function selectRows(
  driver: SqlDriver,
  hub: number,
  { filter, orderBy, after, limit }: InstanceQuery,
): readonly ListedRow[] {
  const instant = orderBy === "created" ? "createdAtMs" : "completedAtMs";
  const { clauses, params } = conditionsOf(hub, filter, instant, after);
  params.push(limit);
  return driver.all<ListedRow>(
    `SELECT instanceId, ${instant} AS atMs, record, max(
      updatedAtMs,
      coalesce((SELECT atMs FROM holdfast_turns AS t WHERE ${isTurnOf("i", "t")} ORDER BY t.id DESC LIMIT 1), 0),
      coalesce((SELECT max(atMs) FROM holdfast_inbox AS m WHERE m.hub = i.hub AND m.instanceId = i.instanceId), 0)
    ) AS lastUpdatedAtMs
    FROM holdfast_instances AS i WHERE ${clauses.join(" AND ")}
    ORDER BY ${instant}, instanceId LIMIT ?`,
    ...params,
  );
}

/** The filter as SQL. Each clause has a fixed text, so that there are few different statements to prepare. */
function conditionsOf(
  hub: number,
  filter: InstanceFilter,
  instant: "createdAtMs" | "completedAtMs",
  after: PageCursor | undefined,
): { clauses: string[]; params: SqlValue[] } {
  const clauses = ["hub = ?"];
  const params: SqlValue[] = [hub];
  const where = (clause: string, ...values: SqlValue[]): void => {
    clauses.push(clause);
    params.push(...values);
  };
  if (instant === "completedAtMs") where("completedAtMs IS NOT NULL");
  if (after) where(`(${instant}, instanceId) > (?, ?)`, after.atMs, keyOf(after.instanceId));
  if (filter.createdFromMs !== undefined) where("createdAtMs >= ?", filter.createdFromMs);
  if (filter.createdToMs !== undefined) where("createdAtMs <= ?", filter.createdToMs);
  if (filter.completedFromMs !== undefined) where("completedAtMs >= ?", filter.completedFromMs);
  if (filter.completedToMs !== undefined) where("completedAtMs <= ?", filter.completedToMs);
  if (filter.statuses) where("status IN (SELECT value FROM json_each(?))", JSON.stringify(filter.statuses));
  if (filter.names) where("name IN (SELECT value FROM json_each(?))", JSON.stringify(filter.names.map(keyOf)));
  if (filter.tags) {
    // Holds for every record that has the tags, and for few others; those are sorted out afterwards.
    const texts = Object.entries(filter.tags).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
    where("NOT EXISTS (SELECT 1 FROM json_each(?) WHERE instr(record, value) = 0)", JSON.stringify(texts));
  }
  if (filter.instanceIdPrefix !== undefined) {
    const prefix = keyOf(filter.instanceIdPrefix);
    where("instanceId >= ? AND instanceId < ?", prefix, endOfKeysWith(prefix));
  }
  return { clauses, params };
}

/** One page of entities, in ascending order of ids. */
export function queryEntities(driver: SqlDriver, hub: number, filter: EntityFilter): ListedEntity[] {
  const prefix = keyOf(filter.instanceIdPrefix ?? "");
  const clauses = ["hub = ?", "instanceId >= ?", "instanceId < ?"];
  const params: SqlValue[] = [hub, prefix, endOfKeysWith(prefix)];
  const where = (clause: string, value: SqlValue): void => {
    clauses.push(clause);
    params.push(value);
  };
  if (filter.after !== undefined) where("instanceId > ?", keyOf(filter.after));
  if (filter.lastModifiedFromMs !== undefined) where("lastModifiedAtMs >= ?", filter.lastModifiedFromMs);
  if (filter.lastModifiedToMs !== undefined) where("lastModifiedAtMs <= ?", filter.lastModifiedToMs);
  if (!filter.includesTransient) where("hasState = ?", 1);
  const rows = driver.all<{ instanceId: string; entity: string | null; backlogSize: number }>(
    `SELECT instanceId, entity, (
      SELECT count(*) FROM holdfast_inbox AS m WHERE m.hub = e.hub AND m.instanceId = e.instanceId
    ) AS backlogSize FROM holdfast_entities AS e WHERE ${clauses.join(" AND ")} ORDER BY instanceId LIMIT ?`,
    ...params,
    filter.limit,
  );
  return rows.map(({ instanceId, entity, backlogSize }) => ({
    entity: readEntity(driver, hub, instanceId, entity),
    backlogSize,
  }));
}
