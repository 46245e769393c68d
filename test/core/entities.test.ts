/** Entities: calls, operations, storage. The scenarios are those that run in a Durable Object as well. */
import { entityCallScenarios } from "../scenarios/entities.ts";
import { inMemory } from "../scenarios/place.ts";

entityCallScenarios(inMemory);
