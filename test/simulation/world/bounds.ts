/** Bounds of the stores as a world has them. Those for real sizes are never met in a small world, so that most worlds have some that are tiny. */
import { INDEXED_DB_BOUNDS } from "../../../adapters/indexeddb/bounds.ts";
import { SQL_BOUNDS } from "../../../adapters/sql/bounds.ts";
import type { Random } from "../replay/random.ts";

/** Passes at once: what is kept for so long, in ms, is not kept at all. */
const NO_TIME_MS = -1;

/** Chooses the bounds; gives what brings back the real ones. */
export function chooseBounds(random: Random): () => void {
  const [sql, indexedDb] = [{ ...SQL_BOUNDS }, { ...INDEXED_DB_BOUNDS }];
  Object.assign(SQL_BOUNDS, {
    turnKeysPerBlock: random.pick([1, 3, sql.turnKeysPerBlock]),
    rowTextBytesMax: random.pick([400, 2_000, sql.rowTextBytesMax, sql.rowTextBytesMax]),
    knownRowsMax: random.pick([1, 3, sql.knownRowsMax]),
    scanRowsMin: random.pick([1, 2, sql.scanRowsMin]),
  } satisfies typeof SQL_BOUNDS);
  Object.assign(INDEXED_DB_BOUNDS, {
    pendingCommitsMax: random.pick([1, 4, indexedDb.pendingCommitsMax, indexedDb.pendingCommitsMax]),
    pendingInstancesMax: random.pick([2, indexedDb.pendingInstancesMax]),
    pendingChangesMax: random.pick([8, indexedDb.pendingChangesMax]),
    pendingTextUnitsMax: random.pick([500, indexedDb.pendingTextUnitsMax]),
    storedIdsMax: random.pick([0, 3, indexedDb.storedIdsMax]),
    scanRowsMin: random.pick([1, 2, indexedDb.scanRowsMin]),
    claimKeptMs: random.pick([NO_TIME_MS, indexedDb.claimKeptMs]),
  } satisfies typeof INDEXED_DB_BOUNDS);
  return () => {
    Object.assign(SQL_BOUNDS, sql);
    Object.assign(INDEXED_DB_BOUNDS, indexedDb);
  };
}
