/** Termination in memory; the same scenarios run in a Durable Object (../worker/scenarios.test.ts). */
import { inMemory } from "../scenarios/place.ts";
import { terminationScenarios } from "../scenarios/terminate.ts";

terminationScenarios(inMemory);
