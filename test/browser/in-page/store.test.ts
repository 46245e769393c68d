/** IndexedDB as the browser has it, held to the store contract. */
import { IndexedDbStore } from "holdfast/indexeddb";
import { storeConformance } from "../../conformance/suite.ts";

let databaseCount = 0;

storeConformance("IndexedDbStore", async (run) => {
  const databaseName = `conformance-${++databaseCount}`;
  const connect = (): IndexedDbStore => new IndexedDbStore({ databaseName, durability: "relaxed" });
  await run({ store: connect(), connect });
  await deleted(databaseName);
});

function deleted(databaseName: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(databaseName);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(request.error);
  });
}
