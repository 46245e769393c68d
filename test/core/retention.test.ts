/** Retention in memory, over a store that answers at once and one that answers later; the same scenarios run in a Durable Object (../worker/scenarios.test.ts). */
import { describe, it } from "vitest";
import { inMemory, playIn } from "../scenarios/place.ts";
import { retentionScenarios } from "../scenarios/retention.ts";
import { DeferringStore } from "./deferring-store.ts";

retentionScenarios(inMemory);

describe("over a store that answers later:", () => {
  retentionScenarios((title, play) =>
    it(title, async () => {
      const store = new DeferringStore();
      await playIn(() => store, play);
    }),
  );
});
