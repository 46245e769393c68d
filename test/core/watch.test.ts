/** Watches in memory; the same scenarios run in a Durable Object (../worker/scenarios.test.ts). */
import { inMemory } from "../scenarios/place.ts";
import { watchScenarios } from "../scenarios/watches.ts";

watchScenarios(inMemory);
