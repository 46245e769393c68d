/** The custom status in memory; the same scenarios run in a Durable Object (../worker/scenarios.test.ts). */
import { customStatusScenarios } from "../scenarios/custom-status.ts";
import { inMemory } from "../scenarios/place.ts";

customStatusScenarios(inMemory);
