/** The scenarios of activities inside a Durable Object, over its own storage. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { it } from "vitest";
import { DurableObjectStore } from "../../adapters/durable-objects/index.ts";
import { activityScenarios } from "../scenarios/activities.ts";
import { playIn } from "../scenarios/place.ts";

/** Each running activity is waited for with timers of the platform; many such tests share one processor. */
const TIMEOUT_MS = 60_000;

let objectCount = 0;

activityScenarios((title, play) =>
  it(
    title,
    () =>
      runInDurableObject(env.TASK_HUBS.getByName(`activities-${++objectCount}`), (_, { storage }) =>
        playIn(() => new DurableObjectStore(storage), play),
      ),
    TIMEOUT_MS,
  ),
);
