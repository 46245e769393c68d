/** Entities in memory; the same scenarios run in a Durable Object (../worker/scenarios.test.ts). */
import { entityCallScenarios } from "../scenarios/entities.ts";
import { entityOperationScenarios } from "../scenarios/entity-operations.ts";
import { entityStorageScenarios } from "../scenarios/entity-storage.ts";
import { inMemory } from "../scenarios/place.ts";

entityCallScenarios(inMemory);
entityOperationScenarios(inMemory);
entityStorageScenarios(inMemory);
