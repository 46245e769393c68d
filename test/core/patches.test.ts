/** patched() in memory; the same scenarios run in a Durable Object (../worker/scenarios.test.ts). */

import { patchScenarios } from "../scenarios/patches.ts";
import { inMemory } from "../scenarios/place.ts";

patchScenarios(inMemory);
