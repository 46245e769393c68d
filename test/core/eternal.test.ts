/** Events with ids, retries and eternal orchestrations in memory; the same scenarios run in a Durable Object (../worker/scenarios.test.ts). */
import { BETWEEN_STEPS_AT_ONCE, continueAsNewScenarios } from "../scenarios/continue-as-new.ts";
import { eventScenarios } from "../scenarios/events.ts";
import { inMemory } from "../scenarios/place.ts";
import { retryScenarios } from "../scenarios/retries.ts";

eventScenarios(inMemory);
retryScenarios(inMemory);
continueAsNewScenarios(inMemory, BETWEEN_STEPS_AT_ONCE);
