/**
 * Every bound of the IndexedDB store in one place, with its unit and its reason. Read where it is used: the simulation runs with tiny ones, so that each
 * is met.
 *
 * Folding more at once saves rows, because changes of one instance become one; it also holds up the commit that comes next, by some tenths of a second at
 * these bounds, and the opening after a crash.
 */
export const INDEXED_DB_BOUNDS = {
  /** Commits, instances and changes that are pending at most. */
  pendingCommitsMax: 2_000,
  pendingInstancesMax: 2_000,
  pendingChangesMax: 10_000,
  /** Length of the texts that are pending at most, in UTF-16 units. */
  pendingTextUnitsMax: 4_000_000,
  /** Ids of stored instances kept in memory at most, about a megabyte; with more the database is asked. */
  storedIdsMax: 10_000,
  /** Rows fetched at once when some of them may be left out: fewer, and a listing takes many requests; more, and it reads too much. */
  scanRowsMin: 100,
  /** How long a claim is kept, in ms: an hour, so that pages that are loaded again and again leave no more rows than an hour of loading. */
  claimKeptMs: 3_600_000,
};
