/** The scenarios of the programming model, on virtual time over IndexedDB: the same list that is played in Node over memory (../../core). */
import { IndexedDbStore } from "holdfast/indexeddb";
import { describe, it } from "vitest";
import { allScenarios } from "../../scenarios/all.ts";
import { playIn } from "../../scenarios/place.ts";

let databaseCount = 0;

describe("over IndexedDB", () => {
  allScenarios(
    (title, play) =>
      it(title, async () => {
        const databaseName = `scenario-${++databaseCount}`;
        await playIn(() => new IndexedDbStore({ databaseName, durability: "relaxed" }), play);
      }),
    "later",
  );
});
