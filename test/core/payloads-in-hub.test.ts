/** Payloads on their way through a hub in memory; the same scenarios run in a Durable Object (../worker/scenarios.test.ts). */

import { payloadScenarios } from "../scenarios/payloads.ts";
import { inMemory } from "../scenarios/place.ts";

payloadScenarios(inMemory);
