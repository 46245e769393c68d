/** Faults of an IndexedDB in memory, as browsers have them: transactions that end otherwise than they should, databases that go. */
import "fake-indexeddb/auto";
import { forceCloseDatabase } from "fake-indexeddb";

/**
 * How a commit ends. `"applied"`, `"undone"`: the connection is lost, with the commit written or not. `"full"`: there is no room.
 */
export type CommitEnd = "applied" | "undone" | "full";

const { transaction: begin } = IDBDatabase.prototype;

/** Decides how a transaction ends; `undefined` for as it would. */
type Ends = (transaction: IDBTransaction) => CommitEnd | undefined;

/** Lets transactions end as `ends` says while `run` runs. What happens `meanwhile` happens after the end and before anybody is told. */
async function withEnds<T>(ends: Ends, run: () => Promise<T>, meanwhile: () => Promise<unknown>): Promise<T> {
  IDBDatabase.prototype.transaction = function (stores, mode, options) {
    const transaction = begin.call(this, stores, mode, options);
    const end = ends(transaction);
    if (end) endWith(transaction, end, meanwhile);
    return transaction;
  };
  return await run().finally(() => {
    IDBDatabase.prototype.transaction = begin;
  });
}

/** Lets the next transactions that write commits end so, one after the other, while `run` runs. */
export async function withCommitEnds<T>(
  ends: readonly CommitEnd[],
  run: () => Promise<T>,
  meanwhile: () => Promise<unknown> = async () => {},
): Promise<T> {
  const left = [...ends];
  const isCommit = ({ mode, objectStoreNames }: IDBTransaction): boolean =>
    mode === "readwrite" && [...objectStoreNames].join() === "journal";
  const result = await withEnds((transaction) => (isCommit(transaction) ? left.shift() : undefined), run, meanwhile);
  if (left.length > 0) throw new Error(`These faults did not happen: ${left.join(", ")}.`);
  return result;
}

/**
 * Lets every third transaction but one that opens a hub lose its connection, half of them after they were applied, while `run` runs.
 * No work is unlucky so often that its store gives up.
 */
export async function withBreakingConnections<T>(run: () => Promise<T>): Promise<T> {
  let count = 0;
  const ends: Ends = ({ objectStoreNames }) => {
    if (objectStoreNames.contains("losses") || ++count % 3 > 0) return undefined;
    return count % 2 === 0 ? "applied" : "undone";
  };
  return await withEnds(ends, run, async () => {});
}

/** Lets every fold find no room while `run` runs. */
export async function withoutRoomToFold<T>(run: () => Promise<T>): Promise<T> {
  const isFold = ({ mode, objectStoreNames }: IDBTransaction): boolean =>
    mode === "readwrite" && objectStoreNames.contains("history");
  return await withEnds(
    (transaction) => (isFold(transaction) ? "full" : undefined),
    run,
    async () => {},
  );
}

const FULL = (): DOMException => new DOMException("The quota has been exceeded.", "QuotaExceededError");
const GONE = (): DOMException => new DOMException("Connection to Indexed Database server lost.", "UnknownError");

function endWith(transaction: IDBTransaction, end: CommitEnd, meanwhile: () => Promise<unknown>): void {
  const { db } = transaction;
  let tell: (event: Event) => void = () => {};
  Object.defineProperty(transaction, "oncomplete", { set: () => {} });
  Object.defineProperty(transaction, "onabort", { set: (handler: typeof tell) => (tell = handler) });
  const ended = async (event: Event): Promise<void> => {
    Object.defineProperty(transaction, "error", { get: end === "full" ? FULL : GONE });
    await meanwhile();
    tell(event);
  };
  transaction.addEventListener(end === "applied" ? "complete" : "abort", (event) => void ended(event));
  if (end === "applied") transaction.addEventListener("abort", (event) => tell(event));
  else {
    transaction.commit = () => transaction.abort();
    // Those that do not end by themselves.
    if ([...transaction.objectStoreNames].length > 1) queueMicrotask(() => transaction.abort());
  }
  if (end !== "full") forceClose(db);
}

/** Ends a connection as the browser does when it must. */
export function forceClose(database: IDBDatabase): void {
  // Its types say the class; it wants a connection.
  (forceCloseDatabase as unknown as (connection: IDBDatabase) => void)(database);
}

/** Deletes a database, as a person who clears site data does. */
export function deleteDatabase(factory: IDBFactory, name: string): Promise<void> {
  return answerOf(factory.deleteDatabase(name)).then(() => {});
}

/** Opens a database by hand. */
export function openByHand(
  factory: IDBFactory,
  name: string,
  version: number | undefined,
  upgrade: (database: IDBDatabase, event: IDBVersionChangeEvent) => void = () => {},
): Promise<IDBDatabase> {
  const request = factory.open(name, version);
  request.onupgradeneeded = (event) => upgrade(request.result, event);
  return answerOf(request);
}

export function answerOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Makes the factory tell every new database that it stands for one that the browser deleted, as Chromium does. */
export function sayingDataLoss(factory: IDBFactory, message: string): void {
  const open = factory.open.bind(factory);
  factory.open = (name, version) => {
    const request = open(name, version);
    request.addEventListener("upgradeneeded", (event) => {
      Object.assign(event, { dataLoss: "total", dataLossMessage: message });
    });
    return request;
  };
}
