/** Policies and checks of determinism in memory; the same scenarios run in a Durable Object (../worker/scenarios.test.ts). */
import { determinismCheckScenarios, suspensionScenarios } from "../scenarios/determinism.ts";
import { inMemory } from "../scenarios/place.ts";

suspensionScenarios(inMemory);
determinismCheckScenarios(inMemory);
