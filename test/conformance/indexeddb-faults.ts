/** Faults of an IndexedDB in memory, as browsers have them: transactions that end otherwise than they should, databases that go. */
import "fake-indexeddb/auto";
import { forceCloseDatabase } from "fake-indexeddb";

/**
 * How a commit ends. `"applied"`, `"undone"`: the connection is lost, with the commit written or not. `"full"`: there is no room.
 */
export type CommitEnd = "applied" | "undone" | "full";

const { transaction: begin } = IDBDatabase.prototype;

/**
 * Lets the next transactions that write commits end so, one after the other, while `run` runs. What happens `meanwhile` happens after
 * the end and before anybody is told.
 */
export async function withCommitEnds<T>(
  ends: readonly CommitEnd[],
  run: () => Promise<T>,
  meanwhile: () => Promise<unknown> = async () => {},
): Promise<T> {
  const left = [...ends];
  IDBDatabase.prototype.transaction = function (stores, mode, options) {
    const transaction = begin.call(this, stores, mode, options);
    const end = stores === "journal" && mode === "readwrite" ? left.shift() : undefined;
    if (end) endWith(transaction, end, meanwhile);
    return transaction;
  };
  const result = await run().finally(() => {
    IDBDatabase.prototype.transaction = begin;
  });
  if (left.length > 0) throw new Error(`These faults did not happen: ${left.join(", ")}.`);
  return result;
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
  if (end !== "applied") transaction.commit = () => transaction.abort();
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
