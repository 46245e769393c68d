/** The scenarios of the programming model, seen from another tab: the same list that is played in Node over memory (../core). */
import { MemoryStore } from "holdfast";
import { describe, it } from "vitest";
import { allScenarios } from "../scenarios/all.ts";
import { playIn } from "../scenarios/place.ts";
import { HubBehindTab } from "./hub-behind-tab.ts";

describe("from another tab", () => {
  allScenarios(
    (title, play) =>
      it(title, async () => {
        const store = new MemoryStore();
        await playIn(
          () => store,
          play,
          {},
          (options) => HubBehindTab.open(options),
        );
      }),
    "at once",
  );
});
