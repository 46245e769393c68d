/**
 * What the shared SQL stores ask of a SQLite database. Everything is synchronous; nothing here knows which host it runs on.
 *
 * D1. Parameters are positional (`?1`, `?2` …). Numbers may be bound as REAL, so every number goes into an INTEGER column.
 * D2. A statement that fails changes nothing, and neither does a transaction whose work throws.
 * D3. A statement outside a transaction is one of its own, as durable as any.
 */

/** A value that goes into a statement: text, a finite number, or null. Booleans are written as 0 and 1, absent values as null. */
export type SqlValue = string | number | null;

/** One row of an answer, by column name. */
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** A SQLite database, as small as it goes. */
export interface SqlDriver {
  /** The rows of a statement that answers rows. The caller names the columns it selected. */
  all<Row extends SqlRow>(sql: string, ...params: readonly SqlValue[]): readonly Row[];
  /** Runs a statement for its effect: 0 when it changed no row, more than 0 otherwise. */
  run(sql: string, ...params: readonly SqlValue[]): number;
  /** Runs `work` as one transaction that is durable when this returns; a throw undoes all of it. Never nested. */
  transaction<T>(work: () => T): T;
}
