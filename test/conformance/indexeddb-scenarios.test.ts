/** The scenarios of the programming model over an IndexedDB in memory. Chromium's own plays them too (../browser/in-page/scenarios.test.ts). */
import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { IndexedDbStore } from "holdfast/indexeddb";
import { describe, it } from "vitest";
import { activityScenarios } from "../scenarios/activities.ts";
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

/** It counts the turns of tight loops between two steps of another instance; here a commit lies between those, which is as long as many turns. */
const COUNTS_TURNS = "takes turns with others, however many there are";

const overIndexedDb: Scenario = (title, play) =>
  it.skipIf(title === COUNTS_TURNS)(title, async () => {
    const indexedDB = new IDBFactory();
    await playIn(() => new IndexedDbStore({ databaseName: "hubs", indexedDB, marker: null }), play);
  });

describe("over IndexedDB", () => {
  activityScenarios(overIndexedDb);
  entityCallScenarios(overIndexedDb);
  entityOperationScenarios(overIndexedDb);
  entityStorageScenarios(overIndexedDb);
  lockScenarios(overIndexedDb);
  eventScenarios(overIndexedDb);
  retryScenarios(overIndexedDb);
  continueAsNewScenarios(overIndexedDb);
  rewindScenarios(overIndexedDb);
  versionScenarios(overIndexedDb);
  queryScenarios(overIndexedDb);
  watchScenarios(overIndexedDb);
});
