/** One connection to a SQLite file: statements prepared once, transactions, and errors that say what to do. */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { SqlDriver, SqlRow, SqlValue } from "../sql/driver.ts";
import { refuseReadOnly, storeErrorOf } from "./failure.ts";
import { IN_MEMORY, type Settings } from "./options.ts";
import { Place } from "./place.ts";

/** What a connection must know. */
type ConnectionSettings = Pick<Settings, "path" | "synchronous" | "busyTimeoutMs">;

/** An open connection. */
export interface Connection {
  readonly driver: SqlDriver;
  /** Releases the file. */
  close(): void;
}

/** Pages kept in memory, in KiB at most: a group commit that does not fit is written twice. */
const PAGE_CACHE_KIB = 65_536;
/** Pages in the log before they are moved to the database file (32 MB): each move costs a sync, and a page that changed often is moved once. */
const CHECKPOINT_PAGES = 8_000;

/**
 * Opens the file.
 * @throws StoreError as given by `storeErrorOf`.
 */
export function connect({ path, synchronous, busyTimeoutMs }: ConnectionSettings): Connection {
  let db: DatabaseSync | undefined;
  try {
    if (path !== IN_MEMORY) refuseReadOnly(path);
    db = new DatabaseSync(path);
    // The wait comes first: turning the log on may have to wait, too.
    db.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}; PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous};
      PRAGMA cache_size = ${-PAGE_CACHE_KIB}; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    return connectionOf(db, path);
  } catch (error) {
    db?.close();
    throw storeErrorOf(error, path);
  }
}

function connectionOf(db: DatabaseSync, path: string): Connection {
  // The statements of the stores are a fixed number of texts, so the map is bounded.
  const statements = new Map<string, StatementSync>();
  const prepared = (sql: string): StatementSync => {
    const known = statements.get(sql);
    if (known) return known;
    const statement = db.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  const run = (sql: string, ...params: readonly SqlValue[]): number => {
    try {
      return Number(prepared(sql).run(...params).changes);
    } catch (error) {
      throw storeErrorOf(error, path);
    }
  };
  const all = <Row extends SqlRow>(sql: string, ...params: readonly SqlValue[]): readonly Row[] => {
    try {
      return prepared(sql).all(...params) as unknown as Row[];
    } catch (error) {
      throw storeErrorOf(error, path);
    }
  };
  const place = path === IN_MEMORY ? undefined : new Place(path);
  const transaction = <T>(work: () => T): T => {
    place?.check();
    run("BEGIN IMMEDIATE");
    try {
      const result = work();
      run("COMMIT");
      return result;
    } catch (error) {
      // After some errors, a full disk say, SQLite has undone it already.
      if (db.isTransaction) run("ROLLBACK");
      throw error;
    }
  };
  return { driver: { all, run, transaction }, close: () => db.close() };
}
