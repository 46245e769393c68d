/** The scenarios of activities in memory; the same run inside a Durable Object (../worker/activities.test.ts). */
import { activityScenarios } from "../scenarios/activities.ts";
import { inMemory } from "../scenarios/place.ts";

activityScenarios(inMemory);
