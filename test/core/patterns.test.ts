/** The application patterns in memory; the same scenarios run in a Durable Object (../worker/scenarios.test.ts). */
import { patternScenarios } from "../scenarios/patterns.ts";
import { inMemory } from "../scenarios/place.ts";

patternScenarios(inMemory);
