/** Suspending and resuming in memory; the same scenarios run in a Durable Object (../worker/scenarios.test.ts). */
import { inMemory } from "../scenarios/place.ts";
import { suspendResumeScenarios } from "../scenarios/suspend-resume.ts";

suspendResumeScenarios(inMemory);
