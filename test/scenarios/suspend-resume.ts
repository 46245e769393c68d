/** Suspending and resuming: a suspended instance runs no code and loses nothing. */
import { defineActivity, defineOrchestrator } from "holdfast";
import type { TestTaskHub } from "holdfast/testing";
import { describe, expect } from "vitest";
import { errorOf, eventsOf, ILLEGAL_IDS, onlyEvent, run, stateOf, typesOf } from "../core/running.ts";
import { inEveryShape } from "../core/shapes.ts";
import { each, type Scenario } from "./place.ts";

const work = defineActivity("work", (_ctx, value: unknown) => value);

export function suspendResumeScenarios(it: Scenario): void {
  inEveryShape("a suspended instance", (define) => {
    const collector = define("collector", function* (ctx, count: number) {
      const taken: unknown[] = [];
      while (taken.length < count) {
        taken.push(yield* ctx.waitForExternalEvent("n"));
        ctx.setCustomStatus(taken.length);
      }
      return taken;
    });

    it("says Suspended, and Running again once it is resumed", async (place) => {
      const hub = await place.open([collector]);
      await run(hub, collector, 1, { instanceId: "i" });
      await hub.suspendOrchestration("i", "lunch");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Suspended");
      await hub.resumeOrchestration("i", "back");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Running");
    });

    it("keeps events until it is resumed, and takes them in order then", async (place) => {
      const hub = await place.open([collector]);
      await run(hub, collector, 3, { instanceId: "i" });
      await hub.suspendOrchestration("i");
      for (const n of [1, 2, 3]) await hub.raiseOrchestrationEvent("i", "n", n);
      await hub.runUntilIdle();
      expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Suspended" });
      expect((await stateOf(hub, "i")).customStatus).toBeUndefined();
      await hub.resumeOrchestration("i");
      await hub.runUntilIdle();
      expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: [1, 2, 3], customStatus: 3 });
    });

    it("keeps its custom status", async (place) => {
      const hub = await place.open([collector]);
      await run(hub, collector, 3, { instanceId: "i" });
      await hub.raiseOrchestrationEvent("i", "n", 1);
      await hub.runUntilIdle();
      await hub.suspendOrchestration("i");
      await hub.runUntilIdle();
      expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Suspended", customStatus: 1 });
    });

    it("lets activities run on, and uses their results once it is resumed", async (place) => {
      let finish = (_value: string): void => {};
      const slow = defineActivity("slow", () => new Promise<string>((resolve) => (finish = resolve)));
      const caller = define("caller", function* (ctx) {
        return yield* ctx.callActivity(slow);
      });
      const hub = await place.open([caller, slow]);
      await run(hub, caller, undefined, { instanceId: "i" });
      await hub.suspendOrchestration("i");
      finish("done meanwhile");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Suspended");
      await hub.resumeOrchestration("i");
      await hub.runUntilIdle();
      expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: "done meanwhile" });
    });

    it("lets timers fall due, and sees them fire once it is resumed", async (place) => {
      const sleeper = define("sleeper", function* (ctx) {
        yield ctx.createTimer({ minutes: 1 });
        return ctx.currentUtcDateTime;
      });
      const hub = await place.open([sleeper]);
      await run(hub, sleeper, undefined, { instanceId: "i" });
      await hub.suspendOrchestration("i");
      await hub.advance({ hours: 1 });
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Suspended");
      await hub.resumeOrchestration("i");
      await hub.runUntilIdle();
      expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: hub.now });
    });

    it("hears of its children once it is resumed, and they are not suspended with it", async (place) => {
      const child = define("child", function* (ctx) {
        return yield* ctx.waitForExternalEvent("go");
      });
      const parent = define("parent", function* (ctx) {
        return yield* ctx.callSubOrchestrator(child, undefined, { instanceId: "kid" });
      });
      const hub = await place.open([parent, child]);
      await run(hub, parent, undefined, { instanceId: "mum" });
      await hub.suspendOrchestration("mum");
      await hub.raiseOrchestrationEvent("kid", "go", 5);
      await hub.runUntilIdle();
      expect((await stateOf(hub, "kid")).runtimeStatus).toBe("Completed");
      expect((await stateOf(hub, "mum")).runtimeStatus).toBe("Suspended");
      await hub.resumeOrchestration("mum");
      await hub.runUntilIdle();
      expect(await stateOf(hub, "mum")).toMatchObject({ runtimeStatus: "Completed", output: 5 });
    });

    it("is no different for being suspended twice and resumed twice", async (place) => {
      const hub = await place.open([collector]);
      await run(hub, collector, 1, { instanceId: "i" });
      await hub.suspendOrchestration("i");
      await hub.suspendOrchestration("i");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Suspended");
      await hub.resumeOrchestration("i");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Running");
      await hub.resumeOrchestration("i");
      await hub.raiseOrchestrationEvent("i", "n", 1);
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).output).toEqual([1]);
    });

    it("is suspended when the last of several commands in a row says so", async (place) => {
      const hub = await place.open([collector]);
      await run(hub, collector, 2, { instanceId: "i" });
      await Promise.all([
        hub.suspendOrchestration("i"),
        hub.raiseOrchestrationEvent("i", "n", 1),
        hub.resumeOrchestration("i"),
        hub.suspendOrchestration("i"),
        hub.raiseOrchestrationEvent("i", "n", 2),
      ]);
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Suspended");
      await hub.resumeOrchestration("i");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).output).toEqual([1, 2]);
    });

    it("is terminated like a running one, and takes nothing it had kept", async (place) => {
      const hub = await place.open([collector]);
      await run(hub, collector, 1, { instanceId: "i" });
      await hub.suspendOrchestration("i");
      await hub.raiseOrchestrationEvent("i", "n", 1);
      await hub.terminateOrchestration("i", { output: "over" });
      await hub.runUntilIdle();
      expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Terminated", output: "over" });
    });

    it("stays suspended over a restart, with everything it has kept", async (place) => {
      const first = await place.open([collector]);
      await run(first, collector, 2, { instanceId: "i" });
      await first.suspendOrchestration("i");
      await first.raiseOrchestrationEvent("i", "n", 1);
      const second = await place.open([collector]);
      await second.raiseOrchestrationEvent("i", "n", 2);
      await second.runUntilIdle();
      expect((await stateOf(second, "i")).runtimeStatus).toBe("Suspended");
      await second.resumeOrchestration("i");
      await second.runUntilIdle();
      expect(await stateOf(second, "i")).toMatchObject({ runtimeStatus: "Completed", output: [1, 2] });
    });

    it("is not started when it was suspended before its start, and starts when it is resumed", async (place) => {
      const hub = await place.open([collector]);
      const startAt = new Date(hub.now.getTime() + 60_000);
      await hub.scheduleNewOrchestration(collector, 1, { instanceId: "i", startAt });
      await hub.suspendOrchestration("i");
      await hub.advance({ minutes: 2 });
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Suspended");
      await hub.raiseOrchestrationEvent("i", "n", 1);
      await hub.resumeOrchestration("i");
      await hub.runUntilIdle();
      expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: [1] });
    });

    it("waits for its start time when it is resumed before it", async (place) => {
      const hub = await place.open([collector]);
      const startAt = new Date(hub.now.getTime() + 60_000);
      await hub.scheduleNewOrchestration(collector, 0, { instanceId: "i", startAt });
      await hub.suspendOrchestration("i");
      await hub.runUntilIdle();
      await hub.resumeOrchestration("i");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Pending");
      await hub.advance({ minutes: 1 });
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Completed");
    });

    it("has the reasons of both commands in its history", async (place) => {
      const hub = await place.open([collector]);
      await run(hub, collector, 1, { instanceId: "i" });
      await hub.suspendOrchestration("i", "lunch");
      await hub.resumeOrchestration("i", "back");
      await hub.runUntilIdle();
      const history = await hub.getOrchestrationHistory("i");
      expect(onlyEvent(history, "ExecutionSuspended")).toMatchObject({ eventId: -1, input: "lunch" });
      expect(onlyEvent(history, "ExecutionResumed")).toMatchObject({ eventId: -1, input: "back" });
    });

    it("has no reason in its history where none was given", async (place) => {
      const hub = await place.open([collector]);
      await run(hub, collector, 1, { instanceId: "i" });
      await hub.suspendOrchestration("i");
      await hub.resumeOrchestration("i");
      await hub.runUntilIdle();
      const history = await hub.getOrchestrationHistory("i");
      expect(onlyEvent(history, "ExecutionSuspended").input).toBeUndefined();
      expect(onlyEvent(history, "ExecutionResumed").input).toBeUndefined();
    });

    it("replays to the same end, suspensions and all", async (place) => {
      const ordered = define("ordered", function* (ctx) {
        const order: unknown[] = [];
        order.push(yield* ctx.waitForExternalEvent("n"));
        order.push(yield* ctx.callActivity(work, "activity"));
        order.push(yield* ctx.waitForExternalEvent("n"));
        yield ctx.waitForExternalEvent("end");
        return order;
      });
      const first = await place.open([ordered, work]);
      await run(first, ordered, undefined, { instanceId: "i" });
      await first.suspendOrchestration("i");
      await first.raiseOrchestrationEvent("i", "n", 1);
      await first.raiseOrchestrationEvent("i", "n", 2);
      await first.resumeOrchestration("i");
      await first.runUntilIdle();
      await first.suspendOrchestration("i");
      await first.runUntilIdle();
      const second = await place.open([ordered, work]);
      await second.resumeOrchestration("i");
      await second.raiseOrchestrationEvent("i", "end");
      await second.runUntilIdle();
      expect(await stateOf(second, "i")).toMatchObject({ runtimeStatus: "Completed", output: [1, "activity", 2] });
    });

    it("runs a loop of suspensions inside one burst to its end", async (place) => {
      const hub = await place.open([collector]);
      await run(hub, collector, 20, { instanceId: "i" });
      const commands: Promise<void>[] = [];
      for (let n = 0; n < 20; n++) {
        commands.push(
          hub.suspendOrchestration("i"),
          hub.raiseOrchestrationEvent("i", "n", n),
          hub.resumeOrchestration("i"),
        );
      }
      await Promise.allSettled(commands);
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).output).toEqual(Array.from({ length: 20 }, (_, n) => n));
    });
  });

  describe.each(["suspend", "resume"] as const)("%sOrchestration", (command) => {
    const done = defineOrchestrator("done", () => "ok");
    const waiting = defineOrchestrator("waiting", async (ctx) => ctx.waitForExternalEvent("never"));
    const call = (hub: TestTaskHub, id: string): Promise<void> =>
      command === "suspend" ? hub.suspendOrchestration(id) : hub.resumeOrchestration(id);

    it("rejects with InstanceNotFoundError for an instance that does not exist", async (place) => {
      const hub = await place.open([done]);
      expect(await errorOf(() => call(hub, "nobody"))).toMatchObject({
        name: "InstanceNotFoundError",
        code: "instanceNotFound",
      });
    });

    it("rejects with InstanceNotRunningError for one that has finished, and changes nothing", async (place) => {
      const hub = await place.open([done]);
      const state = await run(hub, done);
      const history = await hub.getOrchestrationHistory(state.instanceId);
      await hub.advance(1_000);
      expect(await errorOf(() => call(hub, state.instanceId))).toMatchObject({
        name: "InstanceNotRunningError",
        code: "instanceNotRunning",
      });
      expect(await stateOf(hub, state.instanceId)).toEqual(state);
      expect(await hub.getOrchestrationHistory(state.instanceId)).toEqual(history);
    });

    each(it, ILLEGAL_IDS)("rejects an id %s", async (place, _rule, id) => {
      const hub = await place.open([done]);
      expect(await errorOf(() => call(hub, id))).toMatchObject({ name: "InvalidInstanceIdError" });
    });

    it("may come at any time: resuming what runs and suspending what is suspended does nothing", async (place) => {
      const hub = await place.open([waiting]);
      await run(hub, waiting, undefined, { instanceId: "i" });
      await hub.resumeOrchestration("i");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Running");
      await hub.suspendOrchestration("i");
      await hub.suspendOrchestration("i");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Suspended");
      expect(eventsOf(await hub.getOrchestrationHistory("i"), "ExecutionSuspended").length).toBeGreaterThan(0);
      expect(typesOf(await hub.getOrchestrationHistory("i"))).not.toContain("ExecutionCompleted");
    });
  });
}
