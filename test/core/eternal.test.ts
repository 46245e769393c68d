/** Events with ids, retries and eternal orchestrations in memory; the same scenarios run in a Durable Object (../worker/scenarios.test.ts). */
import { continueAsNewScenarios } from "../scenarios/continue-as-new.ts";
import { eventScenarios } from "../scenarios/events.ts";
import { inMemory } from "../scenarios/place.ts";
import { retryScenarios } from "../scenarios/retries.ts";

eventScenarios(inMemory);
retryScenarios(inMemory);
continueAsNewScenarios(inMemory);
