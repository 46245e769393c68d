/** The scenarios of the programming model in memory: at once, over a store that answers later, and behind a codec that encrypts. */
import { type HubStore, MemoryStore } from "holdfast";
import type { TestTaskHubOptions } from "holdfast/testing";
import { describe, it } from "vitest";
import { allScenarios } from "../scenarios/all.ts";
import { playIn, type Scenario } from "../scenarios/place.ts";
import { aesGcm } from "./aes-gcm.ts";
import { DeferringStore } from "./deferring-store.ts";

const over =
  (newStore: () => HubStore, options: Pick<TestTaskHubOptions, "codec"> = {}): Scenario =>
  (title, play) =>
    it(title, async () => {
      const store = newStore();
      await playIn(() => store, play, options);
    });

describe("in memory", () => {
  allScenarios(
    over(() => new MemoryStore()),
    "at once",
  );
});

describe("over a store that answers later", () => {
  allScenarios(
    over(() => new DeferringStore()),
    "later",
  );
});

describe("over an encrypting codec", () => {
  allScenarios(
    over(() => new MemoryStore(), { codec: aesGcm }),
    "later",
  );
});
