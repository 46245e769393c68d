/** Keeps task hubs in a SQLite file, through Node's own `node:sqlite`. */
import { InvalidArgumentError } from "../../core/errors.ts";
import type { HubStore, SyncStoreSession } from "../../core/store/contract.ts";
import { SqlDatabase } from "../sql/database.ts";
import { type Connection, connect, type SqliteStoreOptions } from "./connection.ts";

export type { SqliteStoreOptions } from "./connection.ts";

const BUSY_TIMEOUT_MS = 5_000;

/**
 * A store over one SQLite file, or over memory with the path `:memory:`. Any number of hubs; several processes may share a file,
 * each with hubs of its own. The file is opened with the first hub and released with the last; what is in memory lives as long as
 * the store.
 */
export class SqliteStore implements HubStore {
  readonly #options: Required<SqliteStoreOptions>;
  #open: { readonly connection: Connection; readonly database: SqlDatabase } | undefined;
  #sessionCount = 0;

  /** @throws InvalidArgumentError for an option that makes no sense. Nothing is opened yet. */
  constructor(options: SqliteStoreOptions) {
    const { path, synchronous = "FULL", busyTimeoutMs = BUSY_TIMEOUT_MS } = options;
    if (typeof path !== "string" || path === "") {
      throw new InvalidArgumentError(
        `SqliteStore needs the 'path' of a file, or ":memory:"; got ${JSON.stringify(path)}.`,
      );
    }
    if (synchronous !== "FULL" && synchronous !== "NORMAL") {
      throw new InvalidArgumentError(
        `'synchronous' of SqliteStore is "FULL" or "NORMAL"; got ${JSON.stringify(synchronous)}.`,
      );
    }
    if (!(Number.isInteger(busyTimeoutMs) && busyTimeoutMs >= 0)) {
      throw new InvalidArgumentError(
        `'busyTimeoutMs' of SqliteStore is a whole number of milliseconds from 0; got ${String(busyTimeoutMs)}.`,
      );
    }
    this.#options = { path, synchronous, busyTimeoutMs };
  }

  /**
   * Opens a hub and fences its older sessions, those of other processes too.
   * @throws HoldfastError with the codes of `connect`, and `storeTooNew` when a newer Holdfast has written the file.
   */
  open(hub: string): SyncStoreSession {
    this.#open ??= this.#connect();
    this.#sessionCount++;
    try {
      return this.#open.database.open(hub, () => this.#release());
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  #connect(): { connection: Connection; database: SqlDatabase } {
    const connection = connect(this.#options);
    return { connection, database: new SqlDatabase(connection.driver, "open") };
  }

  #release(): void {
    this.#sessionCount--;
    if (this.#sessionCount > 0 || this.#options.path === ":memory:") return;
    this.#open?.connection.close();
    this.#open = undefined;
  }
}
