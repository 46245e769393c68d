/** The databases that worlds run over: every production store, as it is shipped. */
import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { MemoryStore } from "holdfast";
import { IndexedDbStore } from "holdfast/indexeddb";
import { SqlDatabase } from "../../../adapters/sql/database.ts";
import type { SqlDriver } from "../../../adapters/sql/driver.ts";
import { connect } from "../../../adapters/sqlite/connection.ts";
import type { HubStore } from "../../../core/store/contract.ts";
import type { Process } from "./process.ts";
import { type Database, ProcessGone, StoreFailure } from "./store.ts";
import type { World } from "./world.ts";

/** The database of one world, and what lets go of it. */
export interface OpenDatabase extends Database {
  dispose(): void;
}

export function openDatabase(world: World): OpenDatabase {
  const random = world.choices.about("database");
  const isSynchronous = random.chance(0.5);
  const open = random.weighted<() => OpenDatabase>([
    [5, () => memory(isSynchronous)],
    [5, () => sqlite(world, isSynchronous, random.pick(["open", "firstCommit"] as const))],
    [3, indexedDb],
  ]);
  return open();
}

function memory(isSynchronous: boolean): OpenDatabase {
  const kind = isSynchronous ? "at once" : "with promises";
  return {
    name: `memory, answering ${kind}`,
    store: new MemoryStore(),
    isSynchronous,
    during: (_process, work) => work(),
    dispose: () => {},
  };
}

/** The store of browsers. What its engine does takes real time, in which nothing else of the world happens. */
function indexedDb(): OpenDatabase {
  return {
    name: "IndexedDB",
    store: new IndexedDbStore({ databaseName: "simulation", indexedDB: new IDBFactory(), marker: null }),
    isSynchronous: false,
    during: (_process, work) => work(),
    dispose: () => {},
  };
}

/** The SQL store over a connection whose statements fail now and then. */
function sqlite(world: World, isSynchronous: boolean, claimTime: "open" | "firstCommit"): OpenDatabase {
  const { driver, close } = connect({ path: ":memory:", synchronous: "FULL", busyTimeoutMs: 0 });
  let writer: Process | undefined;
  const database = new SqlDatabase(
    brittle(driver, world, () => writer),
    claimTime,
  );
  const store: HubStore = { open: (hub) => database.open(hub) };
  return {
    name: `SQLite (epoch claimed by ${claimTime}), answering ${isSynchronous ? "at once" : "with promises"}`,
    store,
    isSynchronous,
    during: (process, work) => {
      writer = process;
      try {
        return work();
      } finally {
        writer = undefined;
      }
    },
    dispose: close,
  };
}

/** A driver that fails between two statements of a commit, or whose process ends there. */
function brittle(driver: SqlDriver, world: World, writer: () => Process | undefined): SqlDriver {
  const stumble = (): void => {
    const process = writer();
    if (!process) return;
    if (world.choices.fault("F05")) {
      process.die("between two statements of a transaction");
      throw new ProcessGone(`${process.name} is gone`);
    }
    if (world.choices.fault("F08")) throw new StoreFailure("a statement failed");
  };
  return {
    all: (sql, ...params) => {
      stumble();
      return driver.all(sql, ...params);
    },
    run: (sql, ...params) => {
      stumble();
      return driver.run(sql, ...params);
    },
    transaction: (work) => driver.transaction(work),
  };
}
