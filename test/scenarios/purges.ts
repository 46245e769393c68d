/** Purges: of one instance by its id, and of many by criteria. */
import { defineActivity, defineOrchestrator } from "holdfast";
import { describe, expect } from "vitest";
import { errorOf, ILLEGAL_IDS, run, stateOf } from "../core/running.ts";
import { FUNCTIONS, oneOfEach, quick } from "./every-status.ts";
import { each, idsOf, type Scenario } from "./place.ts";

export function purgeScenarios(it: Scenario): void {
  describe("purging one instance", () => {
    each(it, ["Completed", "Failed", "Terminated"])("deletes one that is %s, and reports 1", async (place, id) => {
      const hub = await oneOfEach(place);
      expect(await hub.purgeOrchestration(id)).toMatchObject({ deletedInstanceCount: 1 });
      expect(await hub.getOrchestrationState(id)).toBeUndefined();
      expect(await hub.getOrchestrationHistory(id)).toEqual([]);
      expect(await hub.purgeOrchestration(id)).toMatchObject({ deletedInstanceCount: 0 });
      expect(await errorOf(() => hub.raiseOrchestrationEvent(id, "x"))).toMatchObject({ code: "instanceNotFound" });
    });

    each(it, ["Running", "Pending", "Suspended"])("leaves one that is %s alone, and reports 0", async (place, id) => {
      const hub = await oneOfEach(place);
      const state = await stateOf(hub, id);
      expect(await hub.purgeOrchestration(id)).toMatchObject({ deletedInstanceCount: 0 });
      expect(await stateOf(hub, id)).toEqual(state);
    });

    it("that is missing deletes 0", async (place) => {
      const hub = await place.open(FUNCTIONS);
      expect(await hub.purgeOrchestration("nobody")).toMatchObject({ deletedInstanceCount: 0 });
    });

    each(it, ILLEGAL_IDS)("with an id %s is refused", async (place, _rule, id) => {
      const hub = await place.open(FUNCTIONS);
      expect(await errorOf(() => hub.purgeOrchestration(id))).toMatchObject({ code: "invalidInstanceId" });
    });

    it("cancels its timers, and no others", async (place) => {
      const sleeper = defineOrchestrator("sleeper", async (ctx) => ctx.createTimer(1_000));
      const hub = await place.open([sleeper]);
      await run(hub, sleeper, undefined, { instanceId: "a" });
      await run(hub, sleeper, undefined, { instanceId: "b" });
      await hub.terminateOrchestration("a");
      await hub.purgeOrchestration("a");
      await hub.advance(2_000);
      expect(await hub.getOrchestrationState("a")).toBeUndefined();
      expect((await stateOf(hub, "b")).runtimeStatus).toBe("Completed");
    });

    it("drops what an activity of it brings later", async (place) => {
      let finish = (): void => {};
      const slow = defineActivity("slow", () => new Promise<void>((resolve) => (finish = resolve)));
      const busy = defineOrchestrator("busy", async (ctx) => ctx.callActivity(slow));
      const hub = await place.open([busy, slow]);
      await run(hub, busy, undefined, { instanceId: "i" });
      await hub.terminateOrchestration("i");
      await hub.purgeOrchestration("i");
      finish();
      await hub.runUntilIdle();
      expect(await hub.getOrchestrationState("i")).toBeUndefined();
      expect(await hub.getOrchestrationHistory("i")).toEqual([]);
    });

    it("is durable once it is acknowledged", async (place) => {
      const first = await place.open(FUNCTIONS);
      await run(first, quick, 1, { instanceId: "i" });
      await first.purgeOrchestration("i");
      const second = await place.open(FUNCTIONS);
      expect(await second.getOrchestrationState("i")).toBeUndefined();
    });
  });

  describe("purging by criteria", () => {
    it("deletes all that is finished, and nothing else", async (place) => {
      const hub = await oneOfEach(place);
      expect(await hub.purgeOrchestration({})).toEqual({ deletedInstanceCount: 3, isComplete: true });
      expect((await idsOf(hub.queryOrchestrations())).toSorted()).toEqual(["Pending", "Running", "Suspended"]);
    });

    it("deletes by status", async (place) => {
      const hub = await oneOfEach(place);
      expect(await hub.purgeOrchestration({ statuses: ["Failed", "Running"] })).toEqual({
        deletedInstanceCount: 1,
        isComplete: true,
      });
      expect(await hub.getOrchestrationState("Failed")).toBeUndefined();
      expect((await stateOf(hub, "Running")).runtimeStatus).toBe("Running");
    });

    it("deletes by time of creation, bounds included", async (place) => {
      const hub = await place.open(FUNCTIONS);
      const times: Date[] = [];
      for (let n = 0; n < 6; n++) {
        times.push(hub.now);
        await run(hub, quick, n, { instanceId: String(n), advance: 1_000 });
      }
      const [, from, , to] = times;
      if (!from || !to) throw new Error("six instants were noted");
      expect(await hub.purgeOrchestration({ createdFrom: from, createdTo: to })).toMatchObject({
        deletedInstanceCount: 3,
      });
      expect(await idsOf(hub.queryOrchestrations())).toEqual(["0", "4", "5"]);
    });

    it("deletes more than a page", async (place) => {
      const hub = await place.open(FUNCTIONS);
      await Promise.all(Array.from({ length: 350 }, (_, n) => hub.scheduleNewOrchestration(quick, n)));
      await hub.runUntilIdle();
      expect(await hub.purgeOrchestration({})).toEqual({ deletedInstanceCount: 350, isComplete: true });
      expect(await idsOf(hub.queryOrchestrations())).toEqual([]);
    });

    it("says when its time ran out before it was done", async (place) => {
      const hub = await oneOfEach(place);
      expect(await hub.purgeOrchestration({ timeoutMs: 0 })).toMatchObject({ isComplete: false });
      expect(await hub.purgeOrchestration({ timeoutMs: 60_000 })).toMatchObject({ isComplete: true });
    });

    each<[string, object]>(it, [
      ["a status that does not exist", { statuses: ["Runing"] }],
      ["a date that is none", { createdFrom: new Date(Number.NaN) }],
      ["a timeout that is none", { timeoutMs: -1 }],
    ])("refuses %s, and deletes nothing", async (place, _what, criteria) => {
      const hub = await oneOfEach(place);
      await expect(hub.purgeOrchestration(criteria)).rejects.toThrow();
      expect(await hub.getOrchestrationState("Completed")).toBeDefined();
    });
  });
}
