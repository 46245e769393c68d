/** Keeps task hubs in IndexedDB, in pages and workers of a browser. */
import { type DataLoss, InvalidArgumentError, StorageLostError, StoreError } from "../../core/errors.ts";
import type { Awaitable, HubStore, StoreSession } from "../../core/store/contract.ts";
import { type BrowserStorage, browserStorage } from "./browser-storage.ts";
import { type Claim, claimHub } from "./claim.ts";
import { Connection } from "./connection.ts";
import { Marks, pageMarker, type StorageMarker } from "./loss.ts";
import { IndexedDbSession } from "./session.ts";

/** Options of `IndexedDbStore`. */
export interface IndexedDbStoreOptions {
  readonly databaseName: string;
  /**
   * `"strict"` (the default): a commit survives a loss of power. `"relaxed"`: it survives the end of the browser, and after a loss
   * of power the newest ones may be missing; never a part of one. Several times faster where many small commits follow each other.
   */
  readonly durability?: "strict" | "relaxed";
  /** Remembers outside of IndexedDB which hubs there were; `localStorage` unless given, where there is one. `null` for none. */
  readonly marker?: StorageMarker | null;
  /**
   * Called when a hub that was here is gone, before it is begun anew, empty; when it throws or rejects, the opening does, and
   * the next one tells again. Unless given, opening such a hub rejects with `StorageLostError`.
   */
  readonly onDataLoss?: (loss: DataLoss) => Awaitable<void>;
  /** The database engine; the browser's unless given. */
  readonly indexedDB?: IDBFactory;
}

/**
 * A store over one IndexedDB database. Any number of hubs; any number of tabs and workers may share it, and the last to open a hub
 * has it. The database is opened with the first hub and closed with the last.
 */
export class IndexedDbStore implements HubStore {
  /** How safe the storage of this origin is, and how large. */
  readonly storage: BrowserStorage;
  readonly #databaseName: string;
  readonly #durability: "strict" | "relaxed";
  readonly #marks: Marks;
  readonly #onDataLoss: IndexedDbStoreOptions["onDataLoss"];
  readonly #factory: IDBFactory | undefined;
  #connection: Connection | undefined;
  #sessionCount = 0;
  readonly #newest = new Map<string, IndexedDbSession>();

  /** @throws InvalidArgumentError for an option that makes no sense. Nothing is opened yet. */
  constructor(options: IndexedDbStoreOptions) {
    const { databaseName, durability = "strict", marker = pageMarker(), onDataLoss } = options;
    if (typeof databaseName !== "string" || databaseName === "") {
      throw new InvalidArgumentError(`IndexedDbStore needs a 'databaseName'; got ${JSON.stringify(databaseName)}.`);
    }
    if (durability !== "strict" && durability !== "relaxed") {
      throw new InvalidArgumentError(
        `'durability' of IndexedDbStore is "strict" or "relaxed"; got ${JSON.stringify(durability)}.`,
      );
    }
    this.#databaseName = databaseName;
    this.#durability = durability;
    this.#marks = new Marks(marker ?? undefined, databaseName);
    this.#onDataLoss = onDataLoss;
    this.#factory = options.indexedDB ?? globalThis.indexedDB;
    this.storage = browserStorage(durability);
  }

  /**
   * Opens a hub and fences its older sessions, those of other tabs too.
   * @throws StorageLostError when the hub was here before and is gone, and there is no `onDataLoss`.
   * @throws StoreError with the codes of `Connection.use`: `storeTooNew`, `storeBusy`, `storeFull`, `storeCorrupt`, `storeFailed`.
   */
  async open(hub: string): Promise<StoreSession> {
    this.#connection ??= this.#connect();
    const connection = this.#connection;
    this.#sessionCount++;
    try {
      const claim = await this.#claim(connection, hub);
      const port = {
        connection,
        databaseName: this.#databaseName,
        durability: this.#durability,
        closed: () => this.#release(),
      };
      const session = new IndexedDbSession(hub, port, claim);
      this.#takeOver(hub, session);
      return session;
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  async #claim(connection: Connection, name: string): Promise<Claim> {
    const mark = await this.#marks.read(name);
    const request = { databaseName: this.#databaseName, name, mark };
    let claim: Claim;
    try {
      claim = await connection.use((database) => claimHub(database, { ...request, acceptsLoss: false }));
    } catch (error) {
      if (!(error instanceof StorageLostError && this.#onDataLoss)) throw error;
      await this.#onDataLoss(error.loss);
      claim = await connection.use((database) => claimHub(database, { ...request, acceptsLoss: true }));
    }
    if (claim.row.creationId !== mark?.creationId) await this.#marks.write(name, claim.row);
    return claim;
  }

  /** Sessions of one hub may come to know of their claims in any order; the highest epoch is the newest. */
  #takeOver(hub: string, session: IndexedDbSession): void {
    const known = this.#newest.get(hub);
    if (known?.creationId === session.creationId && known.epoch > session.epoch) session.fence();
    else {
      known?.fence();
      this.#newest.set(hub, session);
    }
  }

  #connect(): Connection {
    if (this.#factory) return new Connection(this.#factory, this.#databaseName);
    throw new StoreError(
      "storeFailed",
      "There is no IndexedDB here. Use another store, or give IndexedDbStore an 'indexedDB'.",
    );
  }

  #release(): void {
    this.#sessionCount--;
    if (this.#sessionCount > 0) return;
    this.#connection?.end();
    this.#connection = undefined;
  }
}
