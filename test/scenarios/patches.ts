/** patched(): new code for new instances, old code for those that have already passed the place. */
import { defineActivity, type OrchestratorDefinition } from "holdfast";
import { replayHistory } from "holdfast/testing";
import { expect } from "vitest";
import { glance, outputOf, run, stateOf } from "../core/running.ts";
import { inEveryShape } from "../core/shapes.ts";
import { each, type Place, type Scenario } from "./place.ts";

const work = defineActivity("work", (_ctx, value: unknown) => value);

export function patchScenarios(it: Scenario): void {
  inEveryShape("patched", (define) => {
    const old = define("job", function* (ctx) {
      const first = yield* ctx.callActivity(work, "old");
      const event = yield* ctx.waitForExternalEvent("go");
      return [first, event, yield* ctx.callActivity(work, "end")];
    });
    /** The code with a patch before its first step. */
    const early = define("job", function* (ctx) {
      const first = yield* ctx.callActivity(work, ctx.patched("early") ? "new" : "old");
      const event = yield* ctx.waitForExternalEvent("go");
      return [first, event, ctx.patched("early"), yield* ctx.callActivity(work, "end")];
    });
    /** The code with a patch after its wait, which adds a step. */
    const late = define("job", function* (ctx) {
      const first = yield* ctx.callActivity(work, "old");
      const event = yield* ctx.waitForExternalEvent("go");
      const extra = ctx.patched("late") ? yield* ctx.callActivity(work, "extra") : "none";
      yield ctx.waitForExternalEvent("more");
      return [first, event, extra, yield* ctx.callActivity(work, "end")];
    });

    /** Starts an instance with one version of the code, closes, and opens with another. */
    async function moved(
      place: Place,
      before: OrchestratorDefinition<unknown, unknown>,
      after: OrchestratorDefinition<unknown, unknown>,
    ) {
      const first = await place.open([before, work]);
      await run(first, before, undefined, { instanceId: "i" });
      return place.open([after, work]);
    }

    it("is true in an instance that starts with the patched code", async (place) => {
      const hub = await place.open([early, work]);
      await run(hub, early, undefined, { instanceId: "i" });
      await hub.raiseOrchestrationEvent("i", "go", 1);
      await hub.runUntilIdle();
      expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: ["new", 1, true, "end"] });
    });

    it("is false in an instance whose history has passed the place already", async (place) => {
      const hub = await moved(place, old, early);
      await hub.raiseOrchestrationEvent("i", "go", 1);
      await hub.runUntilIdle();
      expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: ["old", 1, false, "end"] });
    });

    it("is true in an instance that comes to the place for the first time with the patched code", async (place) => {
      const hub = await moved(place, old, late);
      await hub.raiseOrchestrationEvent("i", "go", 1);
      await hub.raiseOrchestrationEvent("i", "more");
      await hub.runUntilIdle();
      expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: ["old", 1, "extra", "end"] });
    });

    each(it, [
      ["true in a new instance", early],
      ["true in an instance that came to it", late],
    ])("answers on every replay what it once answered: %s", async (place, _what, code) => {
      let hub = await place.open([code, work]);
      await run(hub, code, undefined, { instanceId: "i" });
      for (const name of ["go", "more"]) {
        hub = await place.open([code, work]);
        if ((await stateOf(hub, "i")).runtimeStatus !== "Running") break;
        await hub.raiseOrchestrationEvent("i", name, 1);
        await hub.runUntilIdle();
      }
      const { output, runtimeStatus } = await stateOf<unknown[]>(hub, "i");
      expect(runtimeStatus).toBe("Completed");
      expect(output).toContain(code === early ? "new" : "extra");
    });

    it("keeps answering false after many replays of an old instance", async (place) => {
      let hub = await moved(place, old, early);

      for (let round = 0; round < 3; round++) {
        hub = await place.open([early, work]);
        await hub.raiseOrchestrationEvent("i", "noise", round);
        await hub.runUntilIdle();
      }
      await hub.raiseOrchestrationEvent("i", "go", 1);
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).output).toEqual(["old", 1, false, "end"]);
    });

    it("knows patches apart", async (place) => {
      const two = define("job", function* (ctx) {
        const [a, b] = [ctx.patched("a"), ctx.patched("b")];
        yield ctx.callActivity(work, 1);
        return [a, b, ctx.patched("a"), ctx.patched("c")];
      });
      const hub = await place.open([two, work]);
      expect(await outputOf(hub, two)).toEqual([true, true, true, true]);
    });

    it("consumes no number", async (place) => {
      const one = define("job", function* (ctx) {
        ctx.patched("a");
        yield ctx.callActivity(work, 1);
      });
      const hub = await place.open([one, work]);
      const { instanceId } = await run(hub, one);
      expect(glance(await hub.getOrchestrationHistory(instanceId))).toEqual(
        expect.arrayContaining(["TaskScheduled#1", "ExecutionCompleted#2"]),
      );
    });

    it("begins anew with every generation", async (place) => {
      const rolling = define("job", function* (ctx, round: number): Generator<
        import("holdfast").Task<unknown>,
        unknown
      > {
        const isNew = ctx.patched("a");
        yield ctx.waitForExternalEvent("go");
        if (round < 1) ctx.continueAsNew(round + 1);
        return [round, isNew];
      });
      const plain = define("job", function* (ctx, round: number) {
        yield ctx.waitForExternalEvent("go");
        if (round < 1) ctx.continueAsNew(round + 1);
        return [round];
      });
      const first = await place.open([plain, work]);
      await run(first, plain, 0, { instanceId: "i" });
      const hub = await place.open([rolling, work]);
      await hub.raiseOrchestrationEvent("i", "go");
      await hub.raiseOrchestrationEvent("i", "go");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).output).toEqual([1, true]);
    });

    it("replays its history outside a hub", async (place) => {
      const hub = await place.open([late, work]);
      await run(hub, late, undefined, { instanceId: "i" });
      for (const name of ["go", "more"]) await hub.raiseOrchestrationEvent("i", name, 1);
      await hub.runUntilIdle();
      await replayHistory(late, await hub.getOrchestrationHistory("i"));
    });

    it("lets old histories replay with patched code", async (place) => {
      const hub = await place.open([old, work]);
      await run(hub, old, undefined, { instanceId: "i" });
      const history = await hub.getOrchestrationHistory("i");
      await replayHistory(early, history);
      await replayHistory(late, history);
    });

    it("needs a name", async (place) => {
      const one = define("job", function* (ctx) {
        ctx.patched("");
        yield ctx.callActivity(work, 1);
      });
      const hub = await place.open([one, work]);
      expect((await run(hub, one)).runtimeStatus).toBe("Failed");
    });
  });
}
