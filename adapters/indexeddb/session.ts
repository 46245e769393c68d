/**
 * One hub's view of an IndexedDB database.
 *
 * P1. A commit adds one row at the next position of the journal. A newer session has taken that position with its claim: then
 *     nothing is written, and the session is fenced for good.
 * P2. A commit whose outcome was lost with the connection is looked for at its position before anything else is done: what has been
 *     applied is not applied twice.
 * P3. Every read of the database looks at the hub's row in its own transaction: it says up to where the tables hold the journal, and so which of the
 *     pending changes come on top.
 * P4. A database that no longer holds the hub as it was made is another one: the session ends with `StorageLostError`.
 */
import { unwrap } from "idb";
import { HubClosedError, HubFencedError, StorageLostError, StoreError } from "../../core/errors.ts";
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
import { INDEXED_DB_BOUNDS } from "./bounds.ts";
import type { Claim } from "./claim.ts";
import type { Connection } from "./connection.ts";
import { isConnectionLost, isPositionTaken } from "./failure.ts";
import { foldJournal } from "./fold.ts";
import { foldOver, isGone, isOpen, type JournalCommit, type Pending } from "./pending.ts";
import {
  queryEntities,
  queryInstances,
  readDueTimers,
  readHistory,
  readInstance,
  readNextTimerAtMs,
  readOpenInstances,
} from "./read.ts";
import {
  type Database,
  type HubRow,
  type InstanceState,
  type JournalRow,
  READ_STORES,
  type Reading,
} from "./schema.ts";
import type { StoredIds } from "./stored-ids.ts";
import { writeAll } from "./transaction.ts";

/** What a session works with. */
export interface SessionPort {
  readonly connection: Connection;
  readonly databaseName: string;
  readonly durability: "strict" | "relaxed";
  closed(): void;
}

/** A read transaction that calls of the same moment share. */
interface SharedReading {
  readonly database: Database;
  readonly reading: Reading;
  /** The hub's row as the transaction sees it. */
  readonly row: Promise<HubRow>;
}

/** A commit on its way into the journal. */
interface Attempt extends JournalCommit {
  isApplied: boolean;
}

/** What a read found in the tables, and the position up to which they held the journal then. */
interface Found<T> {
  readonly found: T;
  readonly folded: number;
}

type Read<T> = (reading: Reading, hub: number) => Promise<T>;

export class IndexedDbSession implements StoreSession {
  readonly epoch: number;
  /** Tells this hub from one of the same name that was begun after this one was lost. */
  readonly creationId: string;
  readonly #name: string;
  readonly #port: SessionPort;
  readonly #row: HubRow;
  #pending: Pending;
  /** Position up to which this session knows the journal to be in the tables. */
  #folded: number;
  #claims: ReadonlyMap<number, JournalRow>;
  /** When it was last certain that no newer session had the hub, in ms. */
  #seenAtMs: number;
  readonly #storedIds: StoredIds;
  /** The last position that is taken. */
  #position: number;
  /** A commit that may have been applied or not. */
  #uncertain: Attempt | undefined;
  /** The connection over which the hub was seen last. */
  #seenOver: Database | undefined;
  #shared: SharedReading | undefined;
  /** Settles when the last fold has ended, one way or the other. */
  #folds: Promise<void> = Promise.resolve();
  #isFoldDue = false;
  #isFenced = false;
  #isClosed = false;

  constructor(name: string, port: SessionPort, claim: Claim) {
    this.#name = name;
    this.#port = port;
    this.#row = claim.row;
    this.epoch = claim.row.epoch;
    this.creationId = claim.row.creationId;
    this.#pending = claim.pending;
    this.#folded = claim.row.folded;
    this.#claims = claim.claims;
    this.#storedIds = claim.storedIds;
    this.#position = claim.position;
    this.#seenAtMs = claim.atMs;
  }

  /** True when the claim of a newer session may have been deleted by now, whichever way the clock has gone. */
  get #isStale(): boolean {
    return Math.abs(Date.now() - this.#seenAtMs) > INDEXED_DB_BOUNDS.claimKeptMs / 2;
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
   * @throws StorageLostError when the database was deleted meanwhile. @throws StoreError with the codes of `Connection.use`.
   */
  async commit(changes: readonly InstanceChange[]): Promise<void> {
    if (this.#isClosed) throw new HubClosedError(this.#name);
    if (this.#isFenced) throw new HubFencedError(this.#name);
    if (changes.length === 0) return;
    let attempt: Attempt | undefined;
    await this.#port.connection.use(async (database) => {
      if (this.#seenOver !== database || this.#uncertain) await this.#look(database);
      if (attempt?.isApplied) return;
      if (this.#isFenced) throw new HubFencedError(this.#name);
      attempt = { position: this.#position + 1, changes, isApplied: false };
      await this.#append(database, attempt);
    });
    if (this.#pending.isFull && !this.#isFoldDue) {
      this.#isFoldDue = true;
      // When it fails, the journal stays as it is, and is folded after a later commit.
      this.#fold().catch(() => {});
    }
  }

  /** @throws HubFencedError when a newer session has opened the hub. */
  async checkFence(): Promise<void> {
    await this.#read(async () => {});
  }

  async load(instanceId: string): Promise<StoredInstance | undefined> {
    const read: Read<InstanceState | undefined> = (reading, hub) => readInstance(reading, hub, instanceId);
    const { found, folded } = await this.#readOf(instanceId, read, undefined);
    const { state } = foldOver(found, this.#pending.of(instanceId, folded));
    if (isGone(state)) return undefined;
    const { record, entity, updatedAtMs, turnCount, eventCount, inbox } = state;
    return { record, ...(entity && { entity }), lastUpdatedAtMs: updatedAtMs, turnCount, eventCount, inbox };
  }

  async history(instanceId: string): Promise<readonly HistoryEvent[]> {
    const read: Read<HistoryEvent[]> = (reading, hub) => readHistory(reading, hub, instanceId);
    const { found, folded } = await this.#readOf(instanceId, read, []);
    const { isFresh, events } = foldOver(undefined, this.#pending.of(instanceId, folded));
    return isFresh ? events : [...found, ...events];
  }

  /** Also where there is no room to fold: a full hub is opened all the same, to be read and to go on. */
  openInstances(): Promise<readonly string[]> {
    return this.#readFolded(readOpenInstances).catch((error: unknown) => {
      if (error instanceof StoreError && error.code === "storeFull") return this.#openInstancesUnfolded();
      throw error;
    });
  }
  dueTimers(dueAtMs: number, limit: number): Promise<readonly StoredTimer[]> {
    return this.#readTimers((reading, hub) => readDueTimers(reading, hub, dueAtMs, limit));
  }
  nextTimerAtMs(): Promise<number | undefined> {
    return this.#readTimers(readNextTimerAtMs);
  }
  query(query: InstanceQuery): Promise<readonly ListedInstance[]> {
    return this.#readFolded((reading, hub) => queryInstances(reading, hub, query));
  }
  queryEntities(filter: EntityFilter): Promise<readonly ListedEntity[]> {
    return this.#readFolded((reading, hub) => queryEntities(reading, hub, filter));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#folds;
    this.#port.closed();
  }

  // ---- writing

  async #append(database: Database, attempt: Attempt): Promise<void> {
    const { durability } = this.#port;
    const isStale = this.#isStale;
    const transaction = unwrap(database).transaction(isStale ? ["journal", "hubs"] : "journal", "readwrite", {
      durability,
    });
    const row = { epoch: this.epoch, changes: attempt.changes };
    const add = (): void => {
      transaction.objectStore("journal").add(row, [this.#row.hub, attempt.position]);
      transaction.commit();
    };
    try {
      await writeAll(transaction, (answered) => {
        if (!isStale) add();
        else
          answered(transaction.objectStore("hubs").get(this.#name), (found: HubRow | undefined) => {
            this.#checked(found);
            add();
          });
      });
    } catch (error) {
      if (isConnectionLost(error)) this.#uncertain = attempt;
      if (!isPositionTaken(error)) throw error;
      await this.#look(database);
      throw this.#isFenced ? new HubFencedError(this.#name) : error;
    }
    this.#applied(attempt);
  }

  #applied(attempt: Attempt): void {
    attempt.isApplied = true;
    this.#seenAtMs = Date.now();
    this.#position = attempt.position;
    this.#pending.add(attempt);
  }

  /** Folds all that is pending now, after the folds that are under way. */
  #fold(): Promise<void> {
    const fold = this.#folds.then(() => this.#foldNow());
    this.#folds = fold.catch(() => {});
    return fold;
  }

  async #foldNow(): Promise<void> {
    this.#isFoldDue = false;
    if (this.#uncertain) await this.#port.connection.use((database) => this.#look(database));
    if (this.#pending.isEmpty || this.#isClosed) return;
    const [pending, through] = [this.#pending, this.#position];
    const absent = new Set([...pending.instanceIds].filter((instanceId) => !this.#storedIds.mayHave(instanceId)));
    const request = { name: this.#name, hub: this.#row.hub, pending, through, claims: this.#claims, absent };
    const check = (row: HubRow | undefined): HubRow => this.#checked(row);
    // Before they are there: a fold whose outcome is not known may have taken place.
    this.#storedIds.add(pending.instanceIds);
    await this.#port.connection.use((database) => foldJournal(database, { ...request, check }));
    this.#folded = through;
    this.#pending = this.#pending.after(through);
    this.#claims = new Map([...this.#claims].filter(([position]) => position > through));
  }

  // ---- the hub's row

  /** The hub's row, when this session may go on with it. */
  #checked(row: HubRow | undefined): HubRow {
    if (row?.creationId !== this.creationId) throw this.#lost();
    if (row.epoch === this.epoch) return row;
    this.#isFenced = true;
    throw new HubFencedError(this.#name);
  }

  /** Finds out whose the hub is, and what became of an uncertain commit. Several calls may do so at once. */
  async #look(database: Database): Promise<void> {
    const uncertain = this.#uncertain;
    const transaction = database.transaction(["hubs", "journal"]);
    transaction.done.catch(() => {});
    const [row, entry] = await Promise.all([
      transaction.objectStore("hubs").get(this.#name),
      uncertain && transaction.objectStore("journal").get([this.#row.hub, uncertain.position]),
    ]);
    if (row?.creationId !== this.creationId) throw this.#lost();
    if (row.epoch !== this.epoch) this.#isFenced = true;
    this.#seenOver = database;
    if (!uncertain || this.#uncertain !== uncertain) return;
    this.#uncertain = undefined;
    // A position that a newer session has left empty was this session's: it folded the commit. Claims stay, long enough.
    if (entry ? entry.epoch === this.epoch : this.#isFenced && !this.#isStale) this.#applied(uncertain);
  }

  #lost(): StorageLostError {
    return new StorageLostError({
      databaseName: this.#port.databaseName,
      hub: this.#name,
      createdAtMs: this.#row.createdAtMs,
      reason: "the database was deleted while the hub was open.",
    });
  }

  // ---- reading

  /** Reads tables that nothing must be laid over. */
  async #readFolded<T>(read: Read<T>): Promise<T> {
    if (!this.#pending.isEmpty || this.#uncertain) await this.#fold();
    return (await this.#read(read)).found;
  }

  async #readTimers<T>(read: Read<T>): Promise<T> {
    if (this.#pending.hasTimers || this.#uncertain) await this.#fold();
    return (await this.#read(read)).found;
  }

  async #openInstancesUnfolded(): Promise<readonly string[]> {
    for (;;) {
      const { found, folded } = await this.#read(async (reading, hub) => {
        const ids = [...this.#pending.instanceIds];
        const read = async (id: string) => [id, await readInstance(reading, hub, id)] as const;
        const [open, stored] = await Promise.all([readOpenInstances(reading, hub), Promise.all(ids.map(read))]);
        return { open, stored: new Map(stored) };
      });
      // What was committed meanwhile may have been to instances that were not read.
      if ([...this.#pending.instanceIds].some((id) => !found.stored.has(id))) continue;
      const open = new Set(found.open);
      for (const [id, state] of found.stored) {
        if (isOpen(foldOver(state, this.#pending.of(id, folded)).state)) open.add(id);
        else open.delete(id);
      }
      return [...open];
    }
  }

  /** Like `#read`, without asking the database for an instance that it does not hold. */
  async #readOf<T>(instanceId: string, read: Read<T>, nothing: T): Promise<Found<T>> {
    if (this.#isClosed || this.#uncertain || this.#storedIds.mayHave(instanceId)) return await this.#read(read);
    return { found: nothing, folded: this.#folded };
  }

  async #read<T>(read: Read<T>): Promise<Found<T>> {
    if (this.#isClosed) throw new HubClosedError(this.#name);
    for (;;) {
      const [found, { folded }] = await this.#port.connection.use(async (database) => {
        if (this.#uncertain) await this.#look(database);
        const { reading, row } = this.#reading(database);
        return await Promise.all([read(reading, this.#row.hub), row]);
      });
      // Otherwise it saw the tables as they were before a fold whose changes are pending no longer.
      if (folded >= this.#folded) return { found, folded };
    }
  }

  /** A read transaction for the calls of this moment: making one for each would cost more than their requests. */
  #reading(database: Database): SharedReading {
    if (this.#shared?.database === database) return this.#shared;
    const reading = database.transaction(READ_STORES, "readonly");
    const row = reading
      .objectStore("hubs")
      .get(this.#name)
      .then((found) => this.#checked(found));
    const shared: SharedReading = { database, reading, row };
    // A transaction that ends early fails its requests too, and those are awaited.
    reading.done.catch(() => {});
    row.catch(() => {});
    this.#shared = shared;
    queueMicrotask(() => {
      this.#shared = undefined;
    });
    return shared;
  }
}
