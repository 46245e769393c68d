/** Critical sections in memory; the same scenarios run in a Durable Object (../worker/scenarios.test.ts). */
import { lockScenarios } from "../scenarios/locks.ts";
import { inMemory } from "../scenarios/place.ts";

lockScenarios(inMemory);
