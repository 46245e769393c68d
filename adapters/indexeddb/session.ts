/**
 * One hub's view of an IndexedDB database.
 *
 * P1. The row of a hub holds the epoch of its newest session. Every commit looks at it in its own transaction and is undone when
 *     it finds another: the session is fenced for good.
 * P2. The row also holds the number of the last commit, written with it. A commit whose outcome was lost with the connection is
 *     tried again; when its number stands there under the session's own epoch, it has been applied already, and is not applied twice.
 * P3. A database that no longer holds the hub as it was made is another one: the session ends with `StorageLostError`.
 */
import { unwrap } from "idb";
import { HubClosedError, HubFencedError } from "../../core/errors.ts";
import type { HistoryEvent } from "../../core/history/events.ts";
import type {
  EntityFilter,
  InstanceChange,
  InstanceQuery,
  ListedEntity,
  ListedInstance,
  StoredInstance,
  StoredTimer,
  StoreSession,
} from "../../core/store/contract.ts";
import type { Connection } from "./connection.ts";
import { StorageLostError } from "./loss.ts";
import {
  loadInstance,
  queryEntities,
  queryInstances,
  type Reading,
  readDueTimers,
  readHistory,
  readNextTimerAtMs,
  readOpenInstances,
} from "./read.ts";
import { COMMIT_STORES, type Database, type HubRow } from "./schema.ts";
import { writeAll } from "./transaction.ts";
import { writeChanges } from "./write.ts";

/** What a session works with. */
export interface SessionPort {
  readonly connection: Connection;
  readonly databaseName: string;
  readonly durability: "strict" | "relaxed";
  closed(): void;
}

/** What the look at the hub's row ends a commit with when it has been applied before. */
const APPLIED: unique symbol = Symbol("applied");

export class IndexedDbSession implements StoreSession {
  readonly epoch: number;
  /** The hub's row as this session has claimed it. */
  readonly row: HubRow;
  readonly #name: string;
  readonly #port: SessionPort;
  /** The connection over which the hub was seen last. */
  #seenOver: Database | undefined;
  #commitNumber = 0;
  #isFenced = false;
  #isClosed = false;

  constructor(name: string, port: SessionPort, row: HubRow) {
    this.#name = name;
    this.#port = port;
    this.row = row;
    this.epoch = row.epoch;
  }

  get isFenced(): boolean {
    return this.#isFenced;
  }

  /** Notes that a newer session has the hub now. */
  fence(): void {
    this.#isFenced = true;
  }

  /**
   * @throws HubFencedError when a newer session has opened the hub. @throws HubClosedError after `close`.
   * @throws StorageLostError when the database was deleted meanwhile. @throws HoldfastError with the codes of `Connection.use`.
   */
  async commit(changes: readonly InstanceChange[]): Promise<void> {
    if (this.#isClosed) throw new HubClosedError(this.#name);
    if (this.#isFenced) throw new HubFencedError(this.#name);
    if (changes.length === 0) return;
    const commit = ++this.#commitNumber;
    await this.#port.connection.use((database) => this.#write(database, commit, changes));
  }

  load(instanceId: string): Promise<StoredInstance | undefined> {
    return this.#read((reading, hub) => loadInstance(reading, hub, instanceId));
  }
  history(instanceId: string): Promise<readonly HistoryEvent[]> {
    return this.#read((reading, hub) => readHistory(reading, hub, instanceId));
  }
  openInstances(): Promise<readonly string[]> {
    return this.#read(readOpenInstances);
  }
  dueTimers(dueAtMs: number, limit: number): Promise<readonly StoredTimer[]> {
    return this.#read((reading, hub) => readDueTimers(reading, hub, dueAtMs, limit));
  }
  nextTimerAtMs(): Promise<number | undefined> {
    return this.#read(readNextTimerAtMs);
  }
  query(query: InstanceQuery): Promise<readonly ListedInstance[]> {
    return this.#read((reading, hub) => queryInstances(reading, hub, query));
  }
  queryEntities(filter: EntityFilter): Promise<readonly ListedEntity[]> {
    return this.#read((reading, hub) => queryEntities(reading, hub, filter));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#port.closed();
  }

  async #write(database: Database, commit: number, changes: readonly InstanceChange[]): Promise<void> {
    const { durability } = this.#port;
    const transaction = unwrap(database).transaction(COMMIT_STORES, "readwrite", { durability });
    const stores = new Map(COMMIT_STORES.map((name) => [name, transaction.objectStore(name)]));
    const store = (name: (typeof COMMIT_STORES)[number]): IDBObjectStore =>
      stores.get(name) ?? transaction.objectStore(name);
    try {
      await writeAll(transaction, ({ abort }) => {
        const found: IDBRequest<HubRow | undefined> = store("hubs").get(this.#name);
        store("hubs").put({ ...this.row, commit }, this.#name);
        const goesOn = writeChanges({ store, hub: this.row.hub }, changes);
        found.onsuccess = () => {
          const refusal = this.#refusalOf(found.result) ?? (found.result?.commit === commit && APPLIED);
          if (refusal) abort(refusal);
          else if (!goesOn) transaction.commit();
        };
      });
    } catch (error) {
      if (error !== APPLIED) throw error;
    }
  }

  /** Why the hub whose row this is cannot be written to by this session; `undefined` when it can. */
  #refusalOf(row: HubRow | undefined): HubFencedError | StorageLostError | undefined {
    if (row?.creationId !== this.row.creationId) return this.#lost();
    if (row.epoch === this.epoch) return undefined;
    this.#isFenced = true;
    return new HubFencedError(this.#name);
  }

  #lost(): StorageLostError {
    return new StorageLostError({
      databaseName: this.#port.databaseName,
      hub: this.#name,
      createdAt: new Date(this.row.createdAtMs),
      reason: "the database was deleted while the hub was open.",
    });
  }

  async #read<T>(read: (reading: Reading, hub: number) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new HubClosedError(this.#name);
    return await this.#port.connection.use(async (database) => {
      const reading = database.transaction(COMMIT_STORES, "readonly");
      // A transaction that ends early fails its requests too, and those are awaited.
      reading.done.catch(() => {});
      if (this.#seenOver !== database) {
        const row = await reading.objectStore("hubs").get(this.#name);
        if (row?.creationId !== this.row.creationId) throw this.#lost();
        this.#seenOver = database;
      }
      return await read(reading, this.row.hub);
    });
  }
}
