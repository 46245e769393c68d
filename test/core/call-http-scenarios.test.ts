/** `callHttp` in memory; the same scenarios run in a Durable Object (../worker/scenarios.test.ts). */
import { callHttpScenarios } from "../scenarios/call-http.ts";
import { inMemory } from "../scenarios/place.ts";

callHttpScenarios(inMemory);
