/** Failures in memory; the same scenarios run in a Durable Object (../worker/scenarios.test.ts). */
import { failureScenarios } from "../scenarios/failures.ts";
import { inMemory } from "../scenarios/place.ts";

failureScenarios(inMemory);
