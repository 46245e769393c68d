/**
 * A connection to one database that comes back: closed for others who need a newer version or delete it, opened again on the next use.
 *
 * L1. Whoever wants to upgrade or delete the database is never held up: the connection closes at once.
 * L2. Work that fails because the connection is gone is done again over a new one. Work must bear being done twice.
 * L3. Once it has ended it is never opened again, whatever was under way.
 */
import { unwrap, wrap } from "idb";
import { StoreError } from "../../core/errors.ts";
import { isConnectionLost, storeErrorOf } from "./failure.ts";
import { type Database, migrate, SCHEMA_VERSION } from "./schema.ts";

/** Most connections that one piece of work is tried over. */
const ATTEMPTS_MAX = 4;
/** How long an upgrade waits for pages that still have the older version open, in ms; well-behaved ones close within a few. */
const BLOCKED_WAIT_MS = 5_000;

export class Connection {
  readonly #factory: IDBFactory;
  readonly #databaseName: string;
  #database: Promise<Database> | undefined;
  #isEnded = false;

  constructor(factory: IDBFactory, databaseName: string) {
    this.#factory = factory;
    this.#databaseName = databaseName;
  }

  /**
   * Does work over an open connection, again over a new one when it was lost meanwhile.
   * @throws StoreError with a code of `storeErrorOf`; `storeBusy` when another page holds up an upgrade; `storeFailed` once it has ended.
   */
  async use<T>(work: (database: Database) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      if (this.#isEnded) throw endedError(this.#databaseName);
      this.#database ??= this.#open();
      const opening = this.#database;
      try {
        return await work(await opening);
      } catch (error) {
        if (!isConnectionLost(error) || attempt === ATTEMPTS_MAX) throw storeErrorOf(error, this.#databaseName);
        if (this.#database === opening) this.#drop();
      }
    }
  }

  /** Closes the connection once its transactions are done. */
  end(): void {
    this.#isEnded = true;
    this.#drop();
  }

  /** Closes what is open; the next use opens it again. */
  #drop(): void {
    this.#database?.then(
      (database) => database.close(),
      () => {},
    );
    this.#database = undefined;
  }

  #open(): Promise<Database> {
    const opening = openDatabase(this.#factory, this.#databaseName);
    const forget = (): void => {
      if (this.#database === opening) this.#database = undefined;
    };
    opening.then((database) => {
      const native = unwrap(database);
      native.onclose = forget;
      native.onversionchange = () => {
        forget();
        native.close();
      };
    }, forget);
    return opening;
  }
}

function openDatabase(factory: IDBFactory, databaseName: string): Promise<Database> {
  return new Promise((resolve, reject) => {
    const request = factory.open(databaseName, SCHEMA_VERSION);
    let waiting: ReturnType<typeof setTimeout> | undefined;
    let isGivenUp = false;
    request.onupgradeneeded = (event) => {
      const database = wrap(request.result) as unknown as Database;
      migrate(database, event.oldVersion);
      noteLoss(request, event);
    };
    request.onblocked = () => {
      waiting ??= setTimeout(() => {
        isGivenUp = true;
        reject(blockedError(databaseName));
      }, BLOCKED_WAIT_MS);
    };
    request.onsuccess = () => {
      clearTimeout(waiting);
      if (isGivenUp) request.result.close();
      else resolve(wrap(request.result) as unknown as Database);
    };
    request.onerror = () => {
      clearTimeout(waiting);
      reject(request.error);
    };
  });
}

/** Chromium tells a new database when it stands for one that it had to delete; nobody tells it a second time. */
function noteLoss(request: IDBOpenDBRequest, event: IDBVersionChangeEvent): void {
  const { dataLoss, dataLossMessage } = event as { dataLoss?: string; dataLossMessage?: string };
  if (event.oldVersion > 0 || dataLoss !== "total") return;
  const note = { atMs: Date.now(), reason: dataLossMessage || "The browser could not read it and deleted it." };
  request.transaction?.objectStore("losses").put(note, 1);
}

function endedError(databaseName: string): StoreError {
  return new StoreError(
    "storeFailed",
    `The connection to the IndexedDB database '${databaseName}' was closed with its last task hub while this was under way. Open the task hub again.`,
  );
}

function blockedError(databaseName: string): StoreError {
  return new StoreError(
    "storeBusy",
    `The IndexedDB database '${databaseName}' cannot be upgraded while another tab of this site holds its older version open. Close the other tabs of this site and try again.`,
  );
}
