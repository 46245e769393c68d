/** The databases that worlds run over: every production store, as it is shipped, with everything that goes wrong in it. */
import { MemoryStore } from "holdfast";
import { SqliteStore } from "holdfast/sqlite";
import { chooseBounds } from "./bounds.ts";
import { indexedDb } from "./indexeddb-database.ts";
import { objectStorage, sqlite } from "./sql-databases.ts";
import type { Database } from "./store.ts";
import type { World } from "./world.ts";

/** The database of one world, and what lets go of it. */
export interface OpenDatabase extends Database {
  /** What it keeps although nobody can come by it any more. Asked when everything rests. */
  leftovers(): Promise<string[]>;
  dispose(): void;
}

/** What databases need of the world around them. */
export interface DatabasePorts {
  readonly world: World;
  /** True while there is no room. */
  isFull(): boolean;
  /** The process that all hubs lived in is gone: epochs that it had told nobody but them are given again. */
  forgetEpochs(): void;
}

export function openDatabase(ports: DatabasePorts): OpenDatabase {
  const random = ports.world.choices.about("database");
  const isSynchronous = random.chance(0.5);
  const open = random.weighted<() => OpenDatabase>([
    [4, () => memory(isSynchronous)],
    [4, () => sqlite(ports, isSynchronous)],
    [1, () => oneSqliteStore(isSynchronous)],
    [3, () => objectStorage(ports)],
    [4, () => indexedDb(ports)],
  ]);
  const restoreBounds = chooseBounds(ports.world.choices.about("bounds"));
  const database = open();
  return {
    ...database,
    dispose: () => {
      database.dispose();
      restoreBounds();
    },
  };
}

function memory(isSynchronous: boolean): OpenDatabase {
  return shared("memory", new MemoryStore(), isSynchronous);
}

/** A store that several hubs use in one process. */
function oneSqliteStore(isSynchronous: boolean): OpenDatabase {
  return shared("SQLite, one store", new SqliteStore({ path: ":memory:" }), isSynchronous);
}

function shared(name: string, store: MemoryStore | SqliteStore, isSynchronous: boolean): OpenDatabase {
  return {
    name: `${name}, answering ${isSynchronous ? "at once" : "with promises"}`,
    isSynchronous,
    isOutspoken: false,
    knowsItsRoom: false,
    connect: () => store,
    leftovers: async () => [],
    dispose: () => {},
  };
}
