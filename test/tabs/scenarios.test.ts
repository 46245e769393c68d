/** The scenarios of the programming model, seen from another tab: the same files that run in Node over memory (../core). */
import { MemoryStore } from "holdfast";
import { describe, it } from "vitest";
import { continueAsNewScenarios } from "../scenarios/continue-as-new.ts";
import { entityCallScenarios } from "../scenarios/entities.ts";
import { entityOperationScenarios } from "../scenarios/entity-operations.ts";
import { entityStorageScenarios } from "../scenarios/entity-storage.ts";
import { eventScenarios } from "../scenarios/events.ts";
import { lockScenarios } from "../scenarios/locks.ts";
import { playIn, type Scenario } from "../scenarios/place.ts";
import { queryScenarios } from "../scenarios/queries.ts";
import { retryScenarios } from "../scenarios/retries.ts";
import { rewindScenarios } from "../scenarios/rewind.ts";
import { versionScenarios } from "../scenarios/versions.ts";
import { watchScenarios } from "../scenarios/watches.ts";
import { HubBehindTab } from "./hub-behind-tab.ts";

const fromAnotherTab: Scenario = (title, play) =>
  it(title, async () => {
    const store = new MemoryStore();
    await playIn(
      () => store,
      play,
      {},
      (options) => HubBehindTab.open(options),
    );
  });

describe("from another tab", () => {
  entityCallScenarios(fromAnotherTab);
  entityOperationScenarios(fromAnotherTab);
  entityStorageScenarios(fromAnotherTab);
  lockScenarios(fromAnotherTab);
  eventScenarios(fromAnotherTab);
  retryScenarios(fromAnotherTab);
  continueAsNewScenarios(fromAnotherTab);
  rewindScenarios(fromAnotherTab);
  versionScenarios(fromAnotherTab);
  queryScenarios(fromAnotherTab);
  watchScenarios(fromAnotherTab);
});
