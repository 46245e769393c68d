/** `IndexedDbStore` held to the store contract, over an IndexedDB in memory. Chromium's own runs the same suite (../browser). */
import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { IndexedDbStore } from "../../adapters/indexeddb/index.ts";
import { storeConformance } from "./suite.ts";

storeConformance("IndexedDbStore", async (run) => {
  const indexedDB = new IDBFactory();
  const connect = (): IndexedDbStore => new IndexedDbStore({ databaseName: "hubs", indexedDB, marker: null });
  await run({ store: connect(), connect });
});
