/** Finished instances go by themselves when their time is over: on time, in portions, over restarts, and nothing else goes with them. */
import { defineActivity, defineOrchestrator } from "holdfast";
import type { TestTaskHub } from "holdfast/testing";
import { describe, expect } from "vitest";
import { errorOf, run, stateOf } from "../core/running.ts";
import { listOf, type Scenario } from "./place.ts";

const HOUR = 3_600_000;
const quick = defineOrchestrator("quick", async (_ctx, input: unknown) => input);
const failing = defineOrchestrator("failing", async () => {
  throw new Error("no");
});
const waiting = defineOrchestrator("waiting", async (ctx) => await ctx.waitForExternalEvent("go"));
const work = defineActivity("work", () => "done");
const sleeper = defineOrchestrator("sleeper", async (ctx) => {
  await ctx.createTimer({ hours: 30 });
  return await ctx.callActivity(work);
});
const FUNCTIONS = [quick, failing, waiting, sleeper, work];

async function idsOf(hub: TestTaskHub): Promise<string[]> {
  return (await listOf(hub.queryOrchestrations())).map(({ instanceId }) => instanceId).sort();
}

export function retentionScenarios(it: Scenario): void {
  describe("retention", () => {
    it("deletes what has finished when its time is over, each status after its own, and nothing before", async (place) => {
      const retention = { completedMs: HOUR, failedMs: 24 * HOUR };
      const hub = await place.open(FUNCTIONS, { retention });
      await run(hub, quick, 1, { instanceId: "completed" });
      await run(hub, failing, undefined, { instanceId: "failed" });
      await run(hub, waiting, undefined, { instanceId: "running" });
      await run(hub, waiting, undefined, { instanceId: "terminated" });
      await hub.terminateOrchestration("terminated");
      await hub.advance(HOUR - 1);
      expect(await idsOf(hub)).toEqual(["completed", "failed", "running", "terminated"]);
      await hub.advance(1);
      expect(await idsOf(hub)).toEqual(["failed", "running", "terminated"]);
      expect(await hub.getOrchestrationHistory("completed")).toEqual([]);
      await hub.advance({ days: 30 });
      expect(await idsOf(hub)).toEqual(["running", "terminated"]);
    });

    it("counts from the completion, over restarts, and for what finished before it was asked for", async (place) => {
      let hub = await place.open(FUNCTIONS);
      await run(hub, quick, 1, { instanceId: "early" });
      await hub.advance(HOUR / 2);
      hub = await place.open(FUNCTIONS, { retention: { completedMs: HOUR } });
      await run(hub, quick, 1, { instanceId: "late" });
      await hub.advance(HOUR / 4);
      hub = await place.open(FUNCTIONS, { retention: { completedMs: HOUR } });
      await hub.advance(HOUR / 4);
      expect(await idsOf(hub)).toEqual(["late"]);
      await hub.advance(HOUR / 2);
      expect(await idsOf(hub)).toEqual([]);
    });

    it("deletes what fell due while the hub was closed as soon as it is open", async (place) => {
      const retention = { completedMs: HOUR };
      let hub = await place.open(FUNCTIONS, { retention });
      await run(hub, quick, 1, { instanceId: "i" });
      const later = new Date(hub.now.getTime() + 2 * HOUR);
      hub = await place.open(FUNCTIONS, { retention, startAt: later });
      await hub.runUntilIdle();
      expect(await idsOf(hub)).toEqual([]);
    });

    it("lets timers and other work go on in between, and deletes any number", async (place) => {
      const hub = await place.open(FUNCTIONS, { retention: { completedMs: 24 * HOUR } });
      await run(hub, sleeper, undefined, { instanceId: "sleeper" });
      for (let i = 0; i < 350; i++) void hub.scheduleNewOrchestration(quick, i);
      await hub.advance(25 * HOUR);
      expect(await idsOf(hub)).toEqual(["sleeper"]);
      await hub.advance(6 * HOUR);
      expect(await stateOf(hub, "sleeper")).toMatchObject({ runtimeStatus: "Completed", output: "done" });
      await hub.advance(24 * HOUR);
      expect(await idsOf(hub)).toEqual([]);
    });

    it("judges an id that is used again by its last run", async (place) => {
      const hub = await place.open(FUNCTIONS, { retention: { completedMs: HOUR } });
      await run(hub, quick, 1, { instanceId: "i" });
      await hub.advance(HOUR / 2);
      await run(hub, quick, 2, { instanceId: "i" });
      await run(hub, waiting, undefined, { instanceId: "j" });
      await hub.advance(HOUR / 2);
      expect((await stateOf(hub, "i")).output).toBe(2);
      await hub.advance(HOUR / 2);
      expect(await idsOf(hub)).toEqual(["j"]);
    });

    it("may be no time at all, and for ever", async (place) => {
      const hub = await place.open(FUNCTIONS, { retention: { completedMs: 0, failedMs: Number.POSITIVE_INFINITY } });
      const id = await hub.scheduleNewOrchestration(quick, 1);
      await hub.scheduleNewOrchestration("failing", undefined, { instanceId: "failed" });
      await hub.runUntilIdle();
      expect(await hub.getOrchestrationState(id)).toBeUndefined();
      await hub.advance({ days: 4_000 });
      expect(await idsOf(hub)).toEqual(["failed"]);
    });

    it("that makes no sense is refused", async (place) => {
      for (const retention of [{ completedMs: -1 }, { failedMs: Number.NaN }, { completed: 1 }, { completedMs: "1" }]) {
        const options = { retention: retention as object };
        expect(await errorOf(() => place.open(FUNCTIONS, options))).toMatchObject({ code: "invalidArgument" });
      }
    });
  });
}
