/** The scenarios of the programming model, on virtual time inside a Durable Object: the same files that run in Node over memory (../core). */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { DurableObjectStore } from "../../adapters/durable-objects/index.ts";
import { allScenarios } from "../scenarios/all.ts";
import { playIn, type Scenario } from "../scenarios/place.ts";

let objectCount = 0;

const inDurableObject: Scenario = (title, play) =>
  it(title, async () => {
    const stub = env.TASK_HUBS.getByName(`scenario-${++objectCount}`);
    await runInDurableObject(stub, (_, state) => playIn(() => new DurableObjectStore(state.storage), play));
  });

describe("in a Durable Object", () => {
  allScenarios(inDurableObject, "at once");
});
