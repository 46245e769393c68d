/** The custom status: what clients may see of an orchestration's progress. */
import { defineActivity, defineOrchestrator } from "holdfast";
import { describe, expect } from "vitest";
import { failureOf, outputOf, run, stateOf } from "../core/running.ts";
import { inEveryShape } from "../core/shapes.ts";
import type { Scenario } from "./place.ts";

const work = defineActivity("work", (_ctx, value: unknown) => value);

export function customStatusScenarios(it: Scenario): void {
  inEveryShape("the custom status", (define) => {
    const setter = define("setter", function* (ctx, values: unknown[]) {
      for (const value of values) ctx.setCustomStatus(value);
      yield ctx.waitForExternalEvent("end");
      return "ended";
    });

    it("is absent unless it is set", async (place) => {
      const hub = await place.open([setter]);
      const state = await run(hub, setter, []);
      expect(state.customStatus).toBeUndefined();
    });

    const VALUES: readonly (readonly [string, unknown])[] = [
      ["a text", "half way"],
      ["the empty text", ""],
      ["0", 0],
      ["false", false],
      ["an object", { done: 3, of: 10, since: new Date(5) }],
      ["an array", [1, [2]]],
      ["a map", new Map([["a", 1n]])],
    ];
    for (const [what, value] of VALUES) {
      it(`is seen by clients as it was set: ${what}`, async (place) => {
        const hub = await place.open([setter]);
        const { instanceId, customStatus } = await run(hub, setter, [value]);
        expect(customStatus).toEqual(value);
        await hub.raiseOrchestrationEvent(instanceId, "end");
        await hub.runUntilIdle();
        expect((await stateOf(hub, instanceId)).customStatus).toEqual(value);
      });
    }

    it("is the last one of a turn", async (place) => {
      const hub = await place.open([setter]);
      expect((await run(hub, setter, [1, 2, 3])).customStatus).toBe(3);
    });

    const CLEARING: readonly (readonly [string, unknown])[] = [
      ["null", null],
      ["undefined", undefined],
    ];
    for (const [what, value] of CLEARING) {
      it(`is cleared by ${what}`, async (place) => {
        const hub = await place.open([setter]);
        expect((await run(hub, setter, ["set", value])).customStatus ?? undefined).toBeUndefined();
      });
    }

    it("is cleared in a later turn, too", async (place) => {
      const clearing = define("clearing", function* (ctx) {
        ctx.setCustomStatus("set");
        yield ctx.createTimer(1_000);
        ctx.setCustomStatus(null);
        yield ctx.waitForExternalEvent("never");
      });
      const hub = await place.open([clearing]);
      const { instanceId, customStatus } = await run(hub, clearing);
      expect(customStatus).toBe("set");
      await hub.advance(1_000);
      expect((await stateOf(hub, instanceId)).customStatus ?? undefined).toBeUndefined();
    });

    it("changes with every turn, and is seen between turns", async (place) => {
      const seen: unknown[] = [];
      const look = defineActivity(
        "look",
        async (ctx) => void seen.push((await hub.getOrchestrationState(ctx.instanceId))?.customStatus),
      );
      const steps = define("steps", function* (ctx) {
        for (const step of ["one", "two", "three"]) {
          ctx.setCustomStatus(step);
          yield ctx.callActivity(look);
        }
      });
      const hub = await place.open([steps, look]);
      await run(hub, steps);
      expect(seen).toEqual(["one", "two", "three"]);
    });

    it("stays when later turns do not set it, over replay as well", async (place) => {
      const once = define("once", function* (ctx) {
        ctx.setCustomStatus({ step: 1 });
        yield ctx.waitForExternalEvent("a");
        yield ctx.waitForExternalEvent("b");
      });
      const first = await place.open([once]);
      await run(first, once, undefined, { instanceId: "i" });
      const second = await place.open([once]);
      expect((await stateOf(second, "i")).customStatus).toEqual({ step: 1 });
      await second.raiseOrchestrationEvent("i", "a");
      await second.runUntilIdle();
      expect((await stateOf(second, "i")).customStatus).toEqual({ step: 1 });
    });

    it("is captured when it is set", async (place) => {
      const mutating = define("mutating", function* (ctx) {
        const status = { n: 1 };
        ctx.setCustomStatus(status);
        status.n = 2;
        yield ctx.waitForExternalEvent("never");
      });
      const hub = await place.open([mutating]);
      expect((await run(hub, mutating)).customStatus).toEqual({ n: 1 });
    });

    it("set in the last turn is kept with the result", async (place) => {
      const last = define("last", function* (ctx) {
        yield ctx.callActivity(work);
        ctx.setCustomStatus("finished");
        return 1;
      });
      const hub = await place.open([last, work]);
      expect(await run(hub, last)).toMatchObject({ runtimeStatus: "Completed", output: 1, customStatus: "finished" });
    });

    it("that cannot be stored is refused at the call, and the old one stays", async (place) => {
      const odd = define("odd", function* (ctx) {
        ctx.setCustomStatus("fine");
        let refused: unknown;
        try {
          ctx.setCustomStatus({ f: () => {} });
        } catch (error) {
          refused = error instanceof Error && [error.name, (error as { path?: string }).path];
        }
        yield ctx.callActivity(work);
        return refused;
      });
      const hub = await place.open([odd, work]);
      expect(await run(hub, odd)).toMatchObject({ output: ["PayloadError", "$.f"], customStatus: "fine" });
    });

    it("larger than its limit is refused at the call", async (place) => {
      const large = define("large", function* (ctx, size: number) {
        ctx.setCustomStatus("x".repeat(size));
        yield ctx.callActivity(work);
      });
      const hub = await place.open([large, work]);
      expect((await run(hub, large, 65_534)).runtimeStatus).toBe("Completed");
      expect((await failureOf(hub, large, 65_536)).errorType).toBe("PayloadError");
      const small = await place.open([large, work], { limits: { customStatusBytesMax: 10 } });
      expect((await failureOf(small, large, 20)).errorType).toBe("PayloadError");
    });

    it("consumes no number", async (place) => {
      const hub = await place.open([setter]);
      await run(hub, setter, [1, 2], { instanceId: "i" });
      await hub.raiseOrchestrationEvent("i", "end");
      await hub.runUntilIdle();
      expect((await hub.getOrchestrationHistory("i")).at(-1)).toMatchObject({ type: "ExecutionCompleted", eventId: 1 });
    });
  });

  describe("the custom status and clients", () => {
    it("is left out with the other payloads when they are not asked for", async (place) => {
      const setter = defineOrchestrator("setter", async (ctx, _input: string) => {
        ctx.setCustomStatus("here");
        return "output";
      });
      const hub = await place.open([setter]);
      expect(await outputOf(hub, setter, "input", { instanceId: "i" })).toBe("output");
      const state = await hub.getOrchestrationState("i", { fetchPayloads: false });
      expect(state).toMatchObject({ instanceId: "i", runtimeStatus: "Completed" });
      expect(state?.customStatus).toBeUndefined();
      expect(state?.input).toBeUndefined();
      expect(state?.output).toBeUndefined();
    });
  });
}
