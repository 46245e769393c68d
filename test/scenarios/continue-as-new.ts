/** Orchestrations without an end: fair to others, bounded, and warned about when their history grows instead. */
import { defineActivity, defineOrchestrator, whenAll } from "holdfast";
import { describe, expect } from "vitest";
import { keepingLogger, run, stateOf } from "../core/running.ts";
import { inEveryShape } from "../core/shapes.ts";
import type { Scenario } from "./place.ts";

const work = defineActivity("work", (_ctx, n: number) => n + 1);

/** Generations of three tight loops between two steps of somebody else, over a store that answers at once: the rounds of two group commits each. */
export const BETWEEN_STEPS_AT_ONCE = 3 * 2 * 16 + 3;
/** Over a store that answers later: while it writes, a group may grow to its most turns, and a step takes up to three commits. */
export const BETWEEN_STEPS_LATER = 3 * 4_096;

export function continueAsNewScenarios(it: Scenario, betweenStepsMax: number): void {
  inEveryShape("an orchestration without an end", (define) => {
    const spins = define("spins", function* (ctx, n: number) {
      if (n % 10 === 0) yield ctx.createTimer(0);
      ctx.continueAsNew(n + 1);
    });

    it("lets others run beside it, and can be suspended, resumed and terminated", async (place) => {
      const beside = define("beside", function* (ctx) {
        let n = 0;
        for (let i = 0; i < 5; i++) n = yield* ctx.callActivity(work, n);
        return n;
      });
      const tight = define("tight", function* (ctx, n: number) {
        ctx.continueAsNew(n + 1);
        yield ctx.callActivity(work, n);
      });
      const hub = await place.open([tight, beside, work]);
      await hub.scheduleNewOrchestration("tight", 0, { instanceId: "tight" });
      const id = await hub.scheduleNewOrchestration("beside");
      expect((await hub.waitForOrchestrationCompletion(id)).output).toBe(5);
      await hub.suspendOrchestration("tight");
      const held = (await stateOf(hub, "tight")).input as number;
      expect((await stateOf(hub, "tight")).runtimeStatus).toBe("Suspended");
      expect((await hub.getOrchestrationHistory("tight")).length).toBeLessThan(20);
      await hub.resumeOrchestration("tight");
      await hub.scheduleNewOrchestration("beside", undefined, { instanceId: "second" });
      await hub.waitForOrchestrationCompletion("second");
      await hub.terminateOrchestration("tight");
      const { input, runtimeStatus } = await stateOf(hub, "tight");
      expect([runtimeStatus, (input as number) > held]).toEqual(["Terminated", true]);
    });

    it("takes turns with others, however many there are", async (place) => {
      const marks: string[] = [];
      const STEPS = 20;
      const mark = defineActivity("mark", (_ctx, what: string) => void marks.push(what));
      const beside = define("beside", function* (ctx, name: string) {
        for (let i = 0; i < STEPS; i++) yield ctx.callActivity(mark, name);
      });
      const tight = define("tight", function* (ctx, name: string) {
        marks.push(name);
        yield whenAll([]);
        ctx.continueAsNew(name);
      });
      const hub = await place.open([tight, beside, mark]);
      const loops = ["loop 1", "loop 2", "loop 3"];
      for (const name of loops) await hub.scheduleNewOrchestration(tight, name, { instanceId: name });
      const ids = await Promise.all(["a", "b"].map((name) => hub.scheduleNewOrchestration(beside, name)));
      for (const id of ids) await hub.waitForOrchestrationCompletion(id);
      for (const name of loops) await hub.terminateOrchestration(name);
      const firstStep = marks.indexOf("a");
      for (const name of ["a", "b"]) {
        const steps = marks.flatMap((what, index) => (what === name ? [index] : []));
        expect(steps).toHaveLength(STEPS);
        const gaps = steps.slice(1).map((at, index) => at - (steps[index] as number));
        expect(Math.max(...gaps), `most marks between two steps of ${name}`).toBeLessThan(betweenStepsMax);
      }
      const meanwhile = marks.slice(firstStep, marks.lastIndexOf("a"));
      const counts = loops.map((name) => meanwhile.filter((what) => what === name).length);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThan(betweenStepsMax);
    });

    it("keeps a history of one generation, goes on after a restart, and loses no event", async (place) => {
      const counts = define("counts", function* (ctx, total: number) {
        const n = yield* ctx.waitForExternalEvent<number>("add");
        if (n < 0) return total;
        ctx.continueAsNew(total + n);
        return undefined;
      });
      let hub = await place.open([counts, spins]);
      await run(hub, counts, 0, { instanceId: "i" });
      for (let i = 0; i < 100; i++) {
        void hub.raiseOrchestrationEvent("i", "add", 1);
        if (i % 40 === 39) {
          await hub.runUntilIdle();
          hub = await place.open([counts, spins]);
        }
      }
      await hub.runUntilIdle();
      expect((await hub.getOrchestrationHistory("i")).length).toBeLessThan(12);
      await hub.raiseOrchestrationEvent("i", "add", -1);
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).output).toBe(100);
    });
  });

  describe("the warning of a long history", () => {
    const long = defineOrchestrator("long", async (ctx, { rounds, renews }: { rounds: number; renews: boolean }) => {
      for (let i = 0; i < rounds; i++) await ctx.callActivity(work, i);
      await ctx.waitForExternalEvent("go");
      if (renews) ctx.continueAsNew({ rounds: 1, renews: false });
    });

    it("is in the state once the history passes the limit, over a restart, and is logged once", async (place) => {
      const logger = keepingLogger();
      const options = { limits: { historyEventsWarning: 30 }, logger };
      let hub = await place.open([long, work], options);
      await run(hub, long, { rounds: 3, renews: false }, { instanceId: "short" });
      await run(hub, long, { rounds: 20, renews: false }, { instanceId: "long" });
      expect(await stateOf(hub, "short")).not.toHaveProperty("warning");
      const { warning } = await stateOf(hub, "long");
      expect(warning).toContain("long");
      expect(warning).toContain("continueAsNew");
      hub = await place.open([long, work], options);
      await hub.raiseOrchestrationEvent("long", "go");
      await hub.runUntilIdle();
      expect(await stateOf(hub, "long")).toMatchObject({ runtimeStatus: "Completed", warning });
      expect(logger.messages("warn")).toEqual([warning]);
    });

    it("goes with the generation it is about", async (place) => {
      const hub = await place.open([long, work], { limits: { historyEventsWarning: 30 } });
      await run(hub, long, { rounds: 20, renews: true }, { instanceId: "i" });
      expect(await stateOf(hub, "i")).toHaveProperty("warning");
      await hub.raiseOrchestrationEvent("i", "go");
      await hub.runUntilIdle();
      const state = await stateOf(hub, "i");
      expect(state.runtimeStatus).toBe("Running");
      expect(state).not.toHaveProperty("warning");
    });
  });
}
