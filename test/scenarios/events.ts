/** Events that count exactly once: ids of events, buffers, waits that are given up. */
import { defineOrchestrator } from "holdfast";
import { describe, expect } from "vitest";
import { errorOf, eventsOf, outputOf, run, stateOf } from "../core/running.ts";
import { inEveryShape } from "../core/shapes.ts";
import type { Scenario } from "./place.ts";

export function eventScenarios(it: Scenario): void {
  inEveryShape("an event with an id", (define) => {
    const takes = define("takes", function* (ctx, count: number) {
      const taken: unknown[] = [];
      for (let i = 0; i < count; i++) taken.push(yield* ctx.waitForExternalEvent("e"));
      return taken;
    });

    it("counts once however often it is raised, and events without one count each time", async (place) => {
      const hub = await place.open([takes]);
      await run(hub, takes, 4, { instanceId: "i" });
      for (const [data, eventId] of [["a", "1"], ["a again", "1"], ["b", "2"], ["c"], ["c"], ["a late", "1"]] as const)
        await hub.raiseOrchestrationEvent("i", "e", data, eventId === undefined ? {} : { eventId });
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).output).toEqual(["a", "b", "c", "c"]);
    });

    it("counts once over restarts, whether it was taken before or not", async (place) => {
      let hub = await place.open([takes]);
      await run(hub, takes, 3, { instanceId: "i" });
      for (let round = 0; round < 3; round++) {
        for (const eventId of ["1", "2"]) await hub.raiseOrchestrationEvent("i", "e", eventId, { eventId });
        hub = await place.open([takes]);
      }
      await hub.raiseOrchestrationEvent("i", "e", "last");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).output).toEqual(["1", "2", "last"]);
    });

    it("counts once while the instance is pending or suspended", async (place) => {
      const hub = await place.open([takes]);
      await hub.scheduleNewOrchestration("takes", 3, { instanceId: "i", startAt: new Date(hub.now.getTime() + 1000) });
      for (let round = 0; round < 2; round++) await hub.raiseOrchestrationEvent("i", "e", "pending", { eventId: "1" });
      await hub.advance(2000);
      await hub.suspendOrchestration("i");
      for (let round = 0; round < 2; round++) await hub.raiseOrchestrationEvent("i", "e", "held", { eventId: "2" });
      await hub.resumeOrchestration("i");
      await hub.raiseOrchestrationEvent("i", "e", "end");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).output).toEqual(["pending", "held", "end"]);
    });

    it("counts once across generations", async (place) => {
      const generations = define("generations", function* (ctx, taken: unknown[]) {
        taken.push(yield* ctx.waitForExternalEvent("e"));
        if (taken.length < 3) ctx.continueAsNew(taken);
        return taken;
      });
      let hub = await place.open([generations]);
      await run(hub, generations, [], { instanceId: "i" });
      for (const eventId of ["1", "1", "2", "1", "2"]) {
        await hub.raiseOrchestrationEvent("i", "e", eventId, { eventId });
        await hub.runUntilIdle();
      }
      hub = await place.open([generations]);
      await hub.raiseOrchestrationEvent("i", "e", "1 late", { eventId: "1" });
      await hub.raiseOrchestrationEvent("i", "e", "3", { eventId: "3" });
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).output).toEqual(["1", "2", "3"]);
    });

    it("counts again in an instance that replaces the one that had it", async (place) => {
      const hub = await place.open([takes]);
      for (const round of ["first", "second"]) {
        await run(hub, takes, 1, { instanceId: "i" });
        await hub.raiseOrchestrationEvent("i", "e", round, { eventId: "same" });
        await hub.runUntilIdle();
        expect((await stateOf(hub, "i")).output).toEqual([round]);
      }
    });

    it("stands in the history once", async (place) => {
      const hub = await place.open([takes]);
      await run(hub, takes, 2, { instanceId: "i" });
      for (const _ of [1, 2, 3]) await hub.raiseOrchestrationEvent("i", "e", 1, { eventId: "x" });
      await hub.runUntilIdle();
      expect(eventsOf(await hub.getOrchestrationHistory("i"), "EventRaised")).toHaveLength(1);
    });
  });

  inEveryShape("a wait for an event", (define) => {
    it("that timed out or was given up takes no later event", async (place) => {
      const waits = define("waits", function* (ctx) {
        const seen: string[] = [];
        try {
          yield* ctx.waitForExternalEvent("e", { timeout: { minutes: 1 } });
        } catch (error) {
          seen.push((error as Error).name);
        }
        ctx.waitForExternalEvent("e").cancel();
        return [...seen, yield* ctx.waitForExternalEvent("E")];
      });
      let hub = await place.open([waits]);
      await run(hub, waits, undefined, { instanceId: "i", advance: { minutes: 2 } });
      hub = await place.open([waits]);
      await hub.raiseOrchestrationEvent("i", "e", "kept");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).output).toEqual(["TimeoutError", "kept"]);
    });
  });

  describe("raising an event", () => {
    it("of an instance for another reaches it, and one that is missing drops it", async (place) => {
      const listens = defineOrchestrator("listens", async (ctx) => await ctx.waitForExternalEvent("told"));
      const tells = defineOrchestrator("tells", async (ctx) => {
        ctx.sendEvent("missing", "told", 1);
        ctx.sendEvent("listener", "TOLD", { n: 2 });
        return "told";
      });
      const hub = await place.open([listens, tells]);
      await run(hub, listens, undefined, { instanceId: "listener" });
      expect(await outputOf(hub, tells)).toBe("told");
      expect((await stateOf(hub, "listener")).output).toEqual({ n: 2 });
    });
    it("with an empty name or id is refused", async (place) => {
      const hub = await place.open([]);
      expect(await errorOf(() => hub.raiseOrchestrationEvent("i", ""))).toMatchObject({ code: "invalidArgument" });
      expect(await errorOf(() => hub.raiseOrchestrationEvent("", "e"))).toMatchObject({ code: "invalidInstanceId" });
    });
  });
}
