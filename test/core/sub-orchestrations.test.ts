/** Sub-orchestrations over a store that crashes. */
import { expect, it } from "vitest";
import { threeGenerations, top } from "../scenarios/three-generations.ts";
import { CrashingStore } from "./crashing-store.ts";
import { errorOf, openHub, run } from "./running.ts";

it.each([1, 2])(
  "purge that is recursive, interrupted after commit %i, finishes when it is done again",
  async (commit) => {
    const functions = threeGenerations;
    const store = new CrashingStore(Number.POSITIVE_INFINITY);
    const interrupted = await openHub(functions, { store });
    await run(interrupted, top, undefined, { instanceId: "top" });
    await interrupted.raiseOrchestrationEvent("kid", "go");
    await interrupted.runUntilIdle();
    store.crashAfter = store.commits + commit;
    expect(await errorOf(() => interrupted.purgeOrchestration("top", { recursive: true }))).toMatchObject({
      code: "hubFenced",
    });
    const hub = await openHub(functions, { store });
    await hub.purgeOrchestration("top", { recursive: true });
    for (const id of ["top", "middle", "kid"]) expect(await hub.getOrchestrationState(id)).toBeUndefined();
  },
);
