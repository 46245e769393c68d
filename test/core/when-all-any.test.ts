/** whenAll and whenAny in memory; the same scenarios run in a Durable Object (../worker/scenarios.test.ts). */
import { inMemory } from "../scenarios/place.ts";
import { whenAllAnyScenarios } from "../scenarios/when-all-any.ts";

whenAllAnyScenarios(inMemory);
