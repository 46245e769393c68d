/**
 * Keeps task hubs in the SQLite storage of a Durable Object. The object is the only one that reaches its storage, so a hub is
 * claimed by the first commit, and the tables are made then: opening and reading an empty object writes nothing.
 *
 * A commit is on the disk at the end of its turn of the event loop. Until then the runtime holds back whatever leaves the object, and resets the
 * object when the writing fails; so a commit may be taken for done when it returns. (Not so inside `storage.transaction`: what leaves does not
 * wait for it.)
 */
import type { HubStore, SyncStoreSession } from "../../core/store/contract.ts";
import { SqlDatabase } from "../sql/database.ts";
import type { SqlDriver, SqlRow } from "../sql/driver.ts";

/** What the store uses of `ctx.storage` of a Durable Object whose class is backed by SQLite. */
export interface ObjectStorage {
  readonly sql: {
    exec(
      query: string,
      ...bindings: (string | number | null)[]
    ): { toArray(): unknown[]; readonly rowsWritten: number };
  };
  transactionSync<T>(closure: () => T): T;
}

/** Databases by storage: two stores over one storage see each other's sessions, so that the newer fences the older. */
const DATABASES = new WeakMap<ObjectStorage, SqlDatabase>();

/**
 * A store over the storage of a Durable Object: `new DurableObjectStore(ctx.storage)`. Usually one hub an object.
 * Its tables are named `holdfast_…`; the object may have others beside them.
 */
export class DurableObjectStore implements HubStore {
  readonly #database: SqlDatabase;

  constructor(storage: ObjectStorage) {
    this.#database = DATABASES.get(storage) ?? new SqlDatabase(driverOf(storage), "firstCommit");
    DATABASES.set(storage, this.#database);
  }

  /** @throws StoreError (code `storeTooNew`) when a newer Holdfast has written the storage. */
  open(hub: string): SyncStoreSession {
    return this.#database.open(hub);
  }
}

function driverOf(storage: ObjectStorage): SqlDriver {
  const { sql } = storage;
  return {
    all: <Row extends SqlRow>(statement: string, ...params: (string | number | null)[]) =>
      sql.exec(statement, ...params).toArray() as Row[],
    run: (statement, ...params) => sql.exec(statement, ...params).rowsWritten,
    transaction: (work) => storage.transactionSync(work),
  };
}
