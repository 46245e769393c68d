/**
 * IndexedDB in memory: a process dies before each of its transactions, at each of their writes, and after them. What it has not ended by then is
 * undone, as browsers do for a page that is gone.
 */
import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { HubFencedError } from "holdfast";
import { IndexedDbStore } from "../../adapters/indexeddb/index.ts";
import { interposed } from "./interposed.ts";
import type { Medium } from "./media.ts";
import type { MortalProcess } from "./mortal-process.ts";

const WRITES = ["add", "put", "delete", "clear"] as const;

/** One database, empty at first. */
export function indexedDbMedium(): Medium {
  const factory = new IDBFactory();
  return {
    connect(process) {
      const indexedDB = mortalFactory(factory, process);
      const store = new IndexedDbStore({ databaseName: "hubs", indexedDB, marker: null });
      return {
        async open(hub) {
          const session = await store.open(hub);
          return interposed(
            session,
            (_name, perform) => unlessDead(process, hub, perform()),
            () => process.isDead,
          );
        },
      };
    },
  };
}

/** The answer, unless the process has died meanwhile. */
async function unlessDead(process: MortalProcess, hub: string, answer: unknown): Promise<unknown> {
  const [outcome] = await Promise.allSettled([answer]);
  if (process.isDead) throw new HubFencedError(hub);
  if (outcome.status === "rejected") throw outcome.reason;
  return outcome.value;
}

/** The factory as one process has it. */
function mortalFactory(factory: IDBFactory, process: MortalProcess): IDBFactory {
  return new Proxy(factory, {
    get: (target, key) => {
      if (key !== "open") return Reflect.get(target, key);
      return (name: string, version?: number) => {
        process.pass("before the database is opened");
        const request = target.open(name, version);
        // Before the store's own handlers: they are set later.
        request.addEventListener("upgradeneeded", () => observe(request.transaction, process));
        request.addEventListener("success", () => observeDatabase(request.result, process));
        return request;
      };
    },
  });
}

function observeDatabase(database: IDBDatabase, process: MortalProcess): void {
  const begin = database.transaction.bind(database);
  database.transaction = (...args) => {
    process.pass(`before a transaction on ${[args[0]].flat().join(", ")}`);
    const transaction = begin(...args);
    observe(transaction, process);
    return transaction;
  };
}

function observe(transaction: IDBTransaction | null, process: MortalProcess): void {
  if (!transaction) return;
  let isOver = false;
  transaction.addEventListener("complete", () => {
    isOver = true;
    process.reach("after a transaction");
  });
  process.whenDead(() => {
    try {
      if (!isOver) transaction.abort();
    } catch {
      // It has ended already.
    }
  });
  // A hint that costs nothing to ignore: until the transaction is complete, a death must be able to undo it.
  transaction.commit = () => {};
  const objectStore = transaction.objectStore.bind(transaction);
  transaction.objectStore = (name) => {
    const store = objectStore(name);
    if (!Object.hasOwn(store, "put")) for (const write of WRITES) observeWrite(store, write, process);
    return store;
  };
}

function observeWrite(store: IDBObjectStore, write: (typeof WRITES)[number], process: MortalProcess): void {
  const perform = store[write].bind(store) as (...args: unknown[]) => IDBRequest;
  Object.assign(store, {
    [write]: (...args: unknown[]) => {
      process.pass(`inside, before ${write} in ${store.name}`);
      return perform(...args);
    },
  });
}
