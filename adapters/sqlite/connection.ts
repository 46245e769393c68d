/** One connection to a SQLite file: statements prepared once, transactions, and errors that say what to do. */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { SqlDriver, SqlRow, SqlValue } from "../sql/driver.ts";
import { storeErrorOf } from "./failure.ts";

/** Options of `SqliteStore`. */
export interface SqliteStoreOptions {
  /** The database file, made when it is missing; or `:memory:`. */
  readonly path: string;
  /**
   * `"FULL"` (the default): a commit survives a loss of power. `"NORMAL"`: a commit survives the end of the process, and after
   * a loss of power the newest ones may be missing; never a part of one. Several times faster.
   */
  readonly synchronous?: "FULL" | "NORMAL";
  /** How long a commit waits while another process writes, in ms; it blocks this one meanwhile. 5,000 by default. */
  readonly busyTimeoutMs?: number;
}

/** An open connection. */
export interface Connection {
  readonly driver: SqlDriver;
  /** Releases the file. */
  close(): void;
}

/**
 * Opens the file.
 * @throws HoldfastError with a code of `storeErrorOf`.
 */
export function connect({ path, synchronous, busyTimeoutMs }: Required<SqliteStoreOptions>): Connection {
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw storeErrorOf(error, path);
    }
  };
  const db = guarded(() => new DatabaseSync(path));
  try {
    // The wait comes first: turning the log on may have to wait, too.
    guarded(() =>
      db.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}; PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}`),
    );
    return { driver: driverOf(db, guarded), close: () => db.close() };
  } catch (error) {
    db.close();
    throw error;
  }
}

function driverOf(db: DatabaseSync, guarded: <T>(work: () => T) => T): SqlDriver {
  // The statements of the stores are a fixed number of texts, so the map is bounded.
  const statements = new Map<string, StatementSync>();
  const prepared = (sql: string): StatementSync => {
    const known = statements.get(sql);
    if (known) return known;
    const statement = db.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  const run = (sql: string, ...params: readonly SqlValue[]): number =>
    guarded(() => Number(prepared(sql).run(...params).changes));
  return {
    all: <Row extends SqlRow>(sql: string, ...params: readonly SqlValue[]) =>
      guarded(() => prepared(sql).all(...params) as unknown as Row[]),
    run,
    transaction: (work) => {
      run("BEGIN IMMEDIATE");
      try {
        const result = work();
        run("COMMIT");
        return result;
      } catch (error) {
        // SQLite has undone it already after some errors (a full disk, say).
        if (db.isTransaction) run("ROLLBACK");
        throw error;
      }
    },
  };
}
