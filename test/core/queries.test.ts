/** Queries in memory; the same scenarios run in a Durable Object (../worker/scenarios.test.ts). */
import { inMemory } from "../scenarios/place.ts";
import { queryScenarios } from "../scenarios/queries.ts";

queryScenarios(inMemory);
