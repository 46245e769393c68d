/** Durable timers in memory; the same scenarios run in a Durable Object (../worker/scenarios.test.ts). */
import { inMemory } from "../scenarios/place.ts";
import { timerScenarios } from "../scenarios/timers.ts";

timerScenarios(inMemory);
