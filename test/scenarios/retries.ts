/** Retries on a moving clock and over restarts. */
import { defineActivity, NonRetriableError } from "holdfast";
import { expect } from "vitest";
import { run, stateOf } from "../core/running.ts";
import { inEveryShape } from "../core/shapes.ts";
import type { Scenario } from "./place.ts";

export function retryScenarios(it: Scenario): void {
  inEveryShape("a retried call", (define) => {
    it("waits longer each time, up to its bound, and gives up after its attempts, over a restart as well", async (place) => {
      const at: number[] = [];
      let nowMs = () => 0;
      const work = defineActivity("work", () => {
        at.push(nowMs());
        throw new Error("never");
      });
      const retries = define("retries", function* (ctx) {
        const retry = { maxAttempts: 5, firstRetryInterval: 1000, backoffCoefficient: 3, maxRetryInterval: 5000 };
        return yield* ctx.callActivity(work, undefined, { retry });
      });
      let hub = await place.open([retries, work]);
      const start = hub.now.getTime();
      nowMs = () => hub.now.getTime() - start;
      await run(hub, retries, undefined, { instanceId: "i", advance: 2500 });
      hub = await place.open([retries, work]);
      await hub.advance({ minutes: 1 });
      expect(at).toEqual([0, 1000, 4000, 9000, 14_000]);
      expect((await stateOf(hub, "i")).failure?.errorMessage).toContain("never");
    });

    it("stops for what is not to be tried again, and goes on after what is", async (place) => {
      let attempts = 0;
      const work = defineActivity("work", (ctx, isFinal: boolean) => {
        attempts++;
        if (isFinal) throw new NonRetriableError("for good");
        if (ctx.attempt < 3) throw new Error("for now");
        return ctx.attempt;
      });
      const retries = define("retries", function* (ctx, isFinal: boolean) {
        return yield* ctx.callActivity(work, isFinal, { retry: { maxAttempts: 9, firstRetryInterval: 10 } });
      });
      const hub = await place.open([retries, work]);
      expect((await run(hub, retries, false, { advance: 100 })).output).toBe(3);
      attempts = 0;
      expect((await run(hub, retries, true, { advance: 100 })).runtimeStatus).toBe("Failed");
      expect(attempts).toBe(1);
    });
  });
}
