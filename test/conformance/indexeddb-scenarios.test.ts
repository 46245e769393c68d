/** The scenarios of the programming model over an IndexedDB in memory. Chromium's own plays them too (../browser/in-page/scenarios.test.ts). */
import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { IndexedDbStore } from "holdfast/indexeddb";
import { describe, it } from "vitest";
import { allScenarios } from "../scenarios/all.ts";
import { playIn } from "../scenarios/place.ts";

describe("over IndexedDB", () => {
  allScenarios(
    (title, play) =>
      it(title, async () => {
        const indexedDB = new IDBFactory();
        await playIn(() => new IndexedDbStore({ databaseName: "hubs", indexedDB, marker: null }), play);
      }),
    "later",
  );
});
