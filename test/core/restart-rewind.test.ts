/** Rewind, restart and recursive commands in memory; the same scenarios run in a Durable Object (../worker/scenarios.test.ts). */
import { inMemory } from "../scenarios/place.ts";
import { rewindScenarios } from "../scenarios/rewind.ts";

rewindScenarios(inMemory);
