/** `IndexedDbStore` held to the store contract, over an IndexedDB in memory. Chromium's own runs the same suite (../browser). */
import { IDBFactory } from "fake-indexeddb";
import { IndexedDbStore } from "../../adapters/indexeddb/index.ts";
import { withBreakingConnections } from "./indexeddb-faults.ts";
import type { WithDatabase } from "./subject.ts";
import { storeConformance } from "./suite.ts";

const withDatabase: WithDatabase = async (run) => {
  const indexedDB = new IDBFactory();
  const connect = (): IndexedDbStore => new IndexedDbStore({ databaseName: "hubs", indexedDB, marker: null });
  await run({ store: connect(), connect });
};

storeConformance("IndexedDbStore", withDatabase);

storeConformance("IndexedDbStore over connections that break", (run) =>
  withBreakingConnections(() => withDatabase(run)),
);
