/** Rewinding what failed and restarting what ended. */
import {
  defineActivity,
  defineEntity,
  defineOrchestrator,
  type OrchestrationContext,
  type Task,
  whenAll,
  whenAny,
} from "holdfast";
import { replayHistory, type TestTaskHub } from "holdfast/testing";
import { describe, expect } from "vitest";
import { errorOf, eventsOf, run, stateOf, typesOf } from "../core/running.ts";
import { inEveryShape } from "../core/shapes.ts";
import { box, counter } from "./entity-kinds.ts";
import type { Scenario } from "./place.ts";

/** Work that fails while its name is on a list, and remembers how often it was done. */
function workshop() {
  const broken = new Set<string>();
  const done: string[] = [];
  const work = defineActivity("work", (_ctx, name: string) => {
    done.push(name);
    if (broken.has(name)) throw new Error(`${name} is broken`);
    return `${name} done`;
  });
  return { broken, done, work };
}

/** Work that lasts until its orchestration ends, the first time, and remembers how often it was begun. */
function longWork() {
  const begun: number[] = [];
  const long = defineActivity("long", ({ attempt, signal }) => {
    begun.push(attempt);
    if (begun.length > 1) return "at last";
    return new Promise<string>((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error));
    });
  });
  return { begun, long };
}

const waiting = defineOrchestrator("waiting", async (ctx, input: unknown) => [
  input,
  await ctx.waitForExternalEvent("go"),
]);
const failing = defineOrchestrator("failing", async () => {
  throw new Error("always");
});

export function rewindScenarios(it: Scenario): void {
  inEveryShape("a rewind", (define) => {
    it("does again what failed, and keeps the results of everything else", async (place) => {
      const { broken, done, work } = workshop();
      const steps = define("steps", function* (ctx) {
        const results: string[] = [];
        for (const name of ["a", "b", "c"]) results.push(yield* ctx.callActivity(work, name));
        return results;
      });
      const hub = await place.open([steps, work]);
      broken.add("b");
      const before = await run(hub, steps, undefined, { instanceId: "i" });
      expect(before).toMatchObject({
        runtimeStatus: "Failed",
        failure: { errorMessage: expect.stringContaining("b is broken") },
      });
      broken.clear();
      await hub.rewindOrchestration("i", "b was repaired");
      await hub.runUntilIdle();
      const state = await stateOf(hub, "i");
      expect(state).toMatchObject({ runtimeStatus: "Completed", output: ["a done", "b done", "c done"] });
      expect(state).not.toHaveProperty("failure");
      expect(done).toEqual(["a", "b", "b", "c"]);
      const history = await hub.getOrchestrationHistory("i");
      expect(eventsOf(history, "ExecutionRewound")).toMatchObject([{ reason: "b was repaired" }]);
      expect(eventsOf(history, "TaskFailed")).toEqual([]);
      expect(eventsOf(history, "ExecutionCompleted")).toHaveLength(1);
      await replayHistory(steps, history);
    });

    it("that fails again can be rewound again", async (place) => {
      const { broken, done, work } = workshop();
      const steps = define("steps", function* (ctx) {
        return [yield* ctx.callActivity(work, "a"), yield* ctx.callActivity(work, "b")];
      });
      const hub = await place.open([steps, work]);
      broken.add("a").add("b");
      await run(hub, steps, undefined, { instanceId: "i" });
      for (const repaired of ["none", "a", "b"]) {
        expect((await stateOf(hub, "i")).runtimeStatus).toBe("Failed");
        broken.delete(repaired);
        await hub.rewindOrchestration("i");
        await hub.runUntilIdle();
      }
      expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: ["a done", "b done"] });
      expect(done).toEqual(["a", "a", "a", "b", "b"]);
    });

    it("keeps events, timers and children that are done", async (place) => {
      const { broken, done, work } = workshop();
      const child = define("child", function* (ctx, name: string) {
        return yield* ctx.callActivity(work, name);
      });
      const steps = define("steps", function* (ctx) {
        yield ctx.createTimer({ hours: 1 });
        const event = yield* ctx.waitForExternalEvent("go");
        const inner = yield* ctx.callSubOrchestrator<string>("child", "inner");
        const guid = ctx.newGuid();
        return [event, inner, yield* ctx.callActivity(work, "last"), guid === ctx.newGuid()];
      });
      const hub = await place.open([steps, child, work]);
      broken.add("last");
      await run(hub, steps, undefined, { instanceId: "i", advance: { hours: 1 } });
      await hub.raiseOrchestrationEvent("i", "go", 7);
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Failed");
      broken.clear();
      const at = hub.now;
      await hub.rewindOrchestration("i");
      await hub.runUntilIdle();
      expect(await stateOf(hub, "i")).toMatchObject({ output: [7, "inner done", "last done", false], completedAt: at });
      expect(done).toEqual(["inner", "last", "last"]);
    });

    it("rewinds failed children too, at every depth", async (place) => {
      const { broken, done, work } = workshop();
      const nest = define("nest", function* (ctx, depth: number): Generator<Task<unknown>, unknown, unknown> {
        yield ctx.callActivity(work, `before ${depth}`);
        if (depth === 0) return [depth, yield ctx.callActivity(work, "deep")];
        return [depth, yield ctx.callSubOrchestrator("nest", depth - 1, { instanceId: `nest-${depth - 1}` })];
      });
      const hub = await place.open([nest, work]);
      broken.add("deep");
      await run(hub, nest, 3, { instanceId: "nest-3" });
      for (const depth of [0, 1, 2, 3]) expect((await stateOf(hub, `nest-${depth}`)).runtimeStatus).toBe("Failed");
      broken.clear();
      done.length = 0;
      await hub.rewindOrchestration("nest-3");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "nest-3")).output).toEqual([3, [2, [1, [0, "deep done"]]]]);
      for (const depth of [0, 1, 2, 3]) expect((await stateOf(hub, `nest-${depth}`)).runtimeStatus).toBe("Completed");
      expect(done).toEqual(["deep"]);
    });

    it("of a child alone tells its parent nothing new", async (place) => {
      const { broken, work } = workshop();
      const inner = define("inner", function* (ctx) {
        return yield* ctx.callActivity(work, "inner");
      });
      const outer = define("outer", function* (ctx) {
        const first = ctx.callSubOrchestrator(inner, undefined, { instanceId: "child" });
        yield* whenAny([first]);
        yield* ctx.waitForExternalEvent("go");
        return first.isFailed;
      });
      const hub = await place.open([outer, inner, work]);
      broken.add("inner");
      await run(hub, outer, undefined, { instanceId: "parent" });
      await hub.rewindOrchestration("child");
      await hub.runUntilIdle();
      broken.clear();
      await hub.rewindOrchestration("child");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "child")).output).toBe("inner done");
      await hub.raiseOrchestrationEvent("parent", "go");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "parent")).output).toBe(true);
      const history = await hub.getOrchestrationHistory("parent");
      expect(eventsOf(history, "SubOrchestrationInstanceFailed")).toHaveLength(1);
      expect(eventsOf(history, "SubOrchestrationInstanceCompleted")).toEqual([]);
    });

    it("rewinds failed children although the hub is closed as soon as it is acknowledged", async (place) => {
      const { broken, done, work } = workshop();
      const nest = define("nest", function* (ctx, depth: number): Generator<Task<unknown>, unknown, unknown> {
        yield ctx.callActivity(work, `before ${depth}`);
        if (depth === 0) return yield ctx.callActivity(work, "deep");
        return yield ctx.callSubOrchestrator("nest", depth - 1, { instanceId: `nest-${depth - 1}` });
      });
      let hub = await place.open([nest, work]);
      broken.add("deep");
      await run(hub, nest, 2, { instanceId: "nest-2" });
      broken.clear();
      done.length = 0;
      await hub.rewindOrchestration("nest-2");
      hub = await place.open([nest, work]);
      await hub.runUntilIdle();
      expect((await stateOf(hub, "nest-2")).output).toBe("deep done");
      expect(new Set(done)).toEqual(new Set(["deep"]));
    });

    it("starts a child again that was purged meanwhile", async (place) => {
      const { broken, work } = workshop();
      const child = define("child", function* (ctx) {
        return yield* ctx.callActivity(work, "inner");
      });
      const parent = define("parent", function* (ctx) {
        return yield* ctx.callSubOrchestrator("child", undefined, { instanceId: "child-1" });
      });
      const hub = await place.open([parent, child, work]);
      broken.add("inner");
      await run(hub, parent, undefined, { instanceId: "i" });
      expect((await hub.purgeOrchestration("child-1")).deletedInstanceCount).toBe(1);
      broken.clear();
      await hub.rewindOrchestration("i");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).output).toBe("inner done");
      expect(await stateOf(hub, "child-1")).toMatchObject({ runtimeStatus: "Completed", parentInstanceId: "i" });
    });

    it("starts a child again whose time was over before its parent failed", async (place) => {
      const { broken, work } = workshop();
      const child = define("child", function* (ctx, name: string) {
        return yield* ctx.callActivity(work, name);
      });
      const parent = define("parent", function* (ctx) {
        const [result] = yield* whenAll([
          ctx.callSubOrchestrator<string>("child", "inner", { instanceId: "child-1" }),
          ctx.createTimer({ hours: 2 }),
        ]);
        return result;
      });
      const hub = await place.open([parent, child, work], { retention: { failedMs: 3_600_000 } });
      broken.add("inner");
      await run(hub, parent, undefined, { instanceId: "i", advance: { hours: 2 } });
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Failed");
      expect(await hub.getOrchestrationState("child-1")).toBeUndefined();
      broken.clear();
      await hub.rewindOrchestration("i");
      await hub.runUntilIdle();
      expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: "inner done" });
      expect(await stateOf(hub, "child-1")).toMatchObject({ runtimeStatus: "Completed", input: "inner" });
    });

    it("of several failures in a whenAll does each again, and none of the others", async (place) => {
      const { broken, done, work } = workshop();
      const fans = define("fans", function* (ctx) {
        return yield* whenAll(["a", "b", "c", "d"].map((name) => ctx.callActivity(work, name)));
      });
      const hub = await place.open([fans, work]);
      broken.add("b").add("d");
      const { failure } = await run(hub, fans, undefined, { instanceId: "i" });
      expect(failure?.errorType).toBe("AggregateError");
      broken.clear();
      done.length = 0;
      await hub.rewindOrchestration("i");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).output).toEqual(["a done", "b done", "c done", "d done"]);
      expect(done.toSorted()).toEqual(["b", "d"]);
    });

    it("keeps a failure that the code had handled", async (place) => {
      const { broken, done, work } = workshop();
      const handles = define("handles", function* (ctx) {
        let first: string;
        try {
          first = yield* ctx.callActivity(work, "optional");
        } catch {
          first = yield* ctx.callActivity(work, "instead");
        }
        return [first, yield* ctx.callActivity(work, "needed")];
      });
      const hub = await place.open([handles, work]);
      broken.add("optional").add("needed");
      await run(hub, handles, undefined, { instanceId: "i" });
      broken.clear();
      await hub.rewindOrchestration("i");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).output).toEqual(["instead done", "needed done"]);
      expect(done).toEqual(["optional", "instead", "needed", "needed"]);
    });

    it("of a call that was retried gives it its attempts anew", async (place) => {
      const { broken, done, work } = workshop();
      const retries = define("retries", function* (ctx) {
        const retry = { maxAttempts: 3, firstRetryInterval: { seconds: 1 } };
        return [yield* ctx.callActivity(work, "a", { retry }), yield* ctx.callActivity(work, "b", { retry })];
      });
      const hub = await place.open([retries, work]);
      broken.add("b");
      await run(hub, retries, undefined, { instanceId: "i", advance: { minutes: 1 } });
      expect(done).toEqual(["a", "b", "b", "b"]);
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Failed");
      broken.clear();
      await hub.rewindOrchestration("i");
      await hub.advance({ minutes: 1 });
      expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: ["a done", "b done"] });
      expect(done).toEqual(["a", "b", "b", "b", "b"]);
    });

    it("of code that threw by itself runs that code again", async (place) => {
      let isFixed = false;
      const { done, work } = workshop();
      const throws = define("throws", function* (ctx) {
        const first = yield* ctx.callActivity(work, "a");
        if (!isFixed) throw new Error("a bug");
        return [first, yield* ctx.callActivity(work, "b")];
      });
      const hub = await place.open([throws, work]);
      await run(hub, throws, undefined, { instanceId: "i" });
      isFixed = true;
      await hub.rewindOrchestration("i");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).output).toEqual(["a done", "b done"]);
      expect(done).toEqual(["a", "b"]);
    });

    it("takes up the activities and timers that were open when it failed", async (place) => {
      const { broken, done, work } = workshop();
      const { begun, long } = longWork();
      const steps = define("steps", function* (ctx) {
        const open: Task<unknown>[] = [ctx.createTimer({ hours: 1 }), ctx.callActivity(long)];
        yield* ctx.callActivity(work, "a");
        return yield* whenAll(open);
      });
      let hub = await place.open([steps, work, long]);
      broken.add("a");
      expect((await run(hub, steps, undefined, { instanceId: "i" })).runtimeStatus).toBe("Failed");
      broken.clear();
      await hub.rewindOrchestration("i");
      await hub.runUntilIdle();
      expect(begun).toHaveLength(2);
      hub = await place.open([steps, work, long]);
      await hub.advance({ hours: 1 });
      expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: [undefined, "at last"] });
      expect(done).toEqual(["a", "a"]);
    });

    it("that ends at once starts nothing of what was open", async (place) => {
      const { work } = workshop();
      const { begun, long } = longWork();
      const steps = define("steps", function* (ctx) {
        const open = ctx.callActivity(long);
        yield* ctx.callActivity(work, "a");
        if (!open.isCompleted) throw new Error("a bug");
      });
      const hub = await place.open([steps, work, long]);
      await run(hub, steps, undefined, { instanceId: "i" });
      await hub.rewindOrchestration("i");
      await hub.runUntilIdle();
      expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Failed" });
      expect(begun).toHaveLength(1);
    });

    it("is durable once acknowledged, and goes on after a restart", async (place) => {
      const { broken, work } = workshop();
      const steps = define("steps", function* (ctx) {
        const first = yield* ctx.callActivity(work, "a");
        return [first, yield* ctx.waitForExternalEvent("go")];
      });
      let hub = await place.open([steps, work]);
      broken.add("a");
      await run(hub, steps, undefined, { instanceId: "i" });
      hub = await place.open([steps, work]);
      broken.clear();
      await hub.rewindOrchestration("i");
      hub = await place.open([steps, work]);
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Running");
      hub = await place.open([steps, work]);
      await hub.raiseOrchestrationEvent("i", "go", 1);
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).output).toEqual(["a done", 1]);
    });

    it("of a failed entity call calls the entity again", async (place) => {
      const calls = define("calls", function* (ctx) {
        const sum = yield* ctx.callEntity("@counter@c", "add", 1);
        return [sum, yield* ctx.callEntity("@box@b", "sometimes")];
      });
      let hub = await place.open([calls, box, counter]);
      await run(hub, calls, undefined, { instanceId: "i" });
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Failed");
      const fixed = defineEntity("box", { operations: { sometimes: () => "now" } });
      hub = await place.open([calls, fixed, counter]);
      await hub.rewindOrchestration("i");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).output).toEqual([1, "now"]);
    });
  });

  describe("rewinding what cannot be", () => {
    async function inStates(hub: TestTaskHub): Promise<void> {
      for (const id of ["running", "completed", "terminated", "suspended"])
        await run(hub, waiting, 1, { instanceId: id });
      await hub.raiseOrchestrationEvent("completed", "go");
      await hub.terminateOrchestration("terminated");
      await hub.suspendOrchestration("suspended");
      await hub.scheduleNewOrchestration(waiting, 1, {
        instanceId: "pending",
        startAt: new Date(hub.now.getTime() + 1000),
      });
      await hub.runUntilIdle();
    }
    it("rejects, says the status, and changes nothing", async (place) => {
      const hub = await place.open([waiting]);
      await inStates(hub);
      for (const id of ["running", "completed", "terminated", "suspended", "pending"]) {
        const before = await stateOf(hub, id);
        const error = await errorOf(() => hub.rewindOrchestration(id));
        expect(error, id).toMatchObject({ name: "InvalidInstanceStateError", code: "invalidInstanceState" });
        expect(error.message.toLowerCase()).toContain(id);
        await hub.runUntilIdle();
        expect(await stateOf(hub, id)).toEqual(before);
      }
    });

    it("rejects what is missing, and an empty id", async (place) => {
      const hub = await place.open([waiting]);
      expect(await errorOf(() => hub.rewindOrchestration("missing"))).toMatchObject({ code: "instanceNotFound" });
      const empty = await errorOf(() => hub.rewindOrchestration(""));
      expect(empty).toMatchObject({ code: "invalidInstanceId" });
      expect(empty.message).toContain("instanceId is required");
    });

    it("takes the answers of entities that came after it had failed, once", async (place) => {
      let fails = true;
      const asking = defineOrchestrator("asking", async (ctx) => {
        const calls = [1, 10].map((amount) => ctx.callEntity<number>("@counter@c", "add", amount));
        if (fails) throw new Error("not yet");
        const answers = [await calls[0], await calls[1]];
        return [...answers, await ctx.callEntity<number>("@counter@c", "add", 100)];
      });
      const hub = await place.open([asking, counter]);
      expect(await run(hub, asking, undefined, { instanceId: "i" })).toMatchObject({ runtimeStatus: "Failed" });
      fails = false;
      await hub.rewindOrchestration("i");
      await hub.runUntilIdle();
      expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: [1, 11, 111] });
      await replayHistory(asking, await hub.getOrchestrationHistory("i"));
    });

    it("does not give what is restarted the answers that were for its predecessor", async (place) => {
      let fails = true;
      const asking = defineOrchestrator("asking", async (ctx) => {
        const call = ctx.callEntity<number>("@counter@c", "add", 1);
        if (fails) throw new Error("not yet");
        return call;
      });
      const hub = await place.open([asking, counter]);
      await run(hub, asking, undefined, { instanceId: "i" });
      fails = false;
      await hub.restartOrchestration("i");
      await hub.runUntilIdle();
      expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: 2 });
    });

    it("rejects what failed inside a critical section", async (place) => {
      const locks = defineOrchestrator("locks", async (ctx) => {
        await ctx.lockEntities("@counter@c");
        throw new Error("inside");
      });
      const hub = await place.open([locks, counter]);
      await run(hub, locks, undefined, { instanceId: "i" });
      expect(await errorOf(() => hub.rewindOrchestration("i"))).toMatchObject({ code: "invalidInstanceState" });
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Failed");
    });
  });

  describe("a restart", () => {
    const echo = defineOrchestrator("echo", async (ctx, input: unknown) => [input, ctx.version, ctx.newGuid()]);

    it("under its own id runs again with the same name, input, version and tags", async (place) => {
      const hub = await place.open([echo, defineOrchestrator({ name: "echo", version: "2", run: echo.run })]);
      const tags = { by: "test" };
      await run(hub, echo, { n: 1 }, { instanceId: "i", version: "2", tags });
      const before = await stateOf(hub, "i");
      await hub.advance(1000);
      expect(await hub.restartOrchestration("i")).toBe("i");
      await hub.runUntilIdle();
      const after = await stateOf(hub, "i");
      expect(after).toMatchObject({ name: "echo", version: "2", input: { n: 1 }, tags, runtimeStatus: "Completed" });
      expect(after.output).toMatchObject([{ n: 1 }, "2", expect.anything()]);
      expect(after.createdAt.getTime()).toBeGreaterThan(before.createdAt.getTime());
      expect((after.output as unknown[])[2]).not.toEqual((before.output as unknown[])[2]);
      expect(eventsOf(await hub.getOrchestrationHistory("i"), "ExecutionStarted")).toHaveLength(1);
    });

    it("under a new id leaves the old instance as it is", async (place) => {
      const hub = await place.open([echo, failing, waiting]);
      await run(hub, echo, "in", { instanceId: "i", tags: { a: "b" } });
      const before = await stateOf(hub, "i");
      expect(await hub.restartOrchestration("i", { newInstanceId: "j" })).toBe("j");
      const generated = await hub.restartOrchestration("i", { newInstanceId: true });
      await hub.runUntilIdle();
      expect(generated).toMatch(/^.{10,}$/);
      for (const id of ["j", generated])
        expect(await stateOf(hub, id)).toMatchObject({ input: "in", tags: { a: "b" }, runtimeStatus: "Completed" });
      expect(await stateOf(hub, "i")).toEqual(before);
    });

    it("of what failed or was terminated is allowed, of what runs only under another id", async (place) => {
      const hub = await place.open([failing, waiting]);
      await run(hub, failing, undefined, { instanceId: "failed" });
      await run(hub, waiting, 5, { instanceId: "terminated" });
      await hub.terminateOrchestration("terminated");
      expect(await hub.restartOrchestration("failed")).toBe("failed");
      expect(await hub.restartOrchestration("terminated")).toBe("terminated");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "terminated")).runtimeStatus).toBe("Running");
      for (const make of [undefined, () => hub.suspendOrchestration("terminated")]) {
        await make?.();
        expect(await errorOf(() => hub.restartOrchestration("terminated"))).toMatchObject({
          name: "InvalidInstanceStateError",
          code: "invalidInstanceState",
        });
      }
      await hub.restartOrchestration("terminated", { newInstanceId: "second" });
      await hub.raiseOrchestrationEvent("second", "go", "x");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "second")).output).toEqual([5, "x"]);
      expect((await stateOf(hub, "terminated")).runtimeStatus).toBe("Suspended");
    });

    it("of what is missing, under an illegal id, or one that is in use, is refused", async (place) => {
      const hub = await place.open([echo, waiting]);
      await run(hub, echo, 1, { instanceId: "i" });
      await run(hub, waiting, 1, { instanceId: "taken" });
      expect(await errorOf(() => hub.restartOrchestration("missing"))).toMatchObject({ code: "instanceNotFound" });
      expect(await errorOf(() => hub.restartOrchestration(""))).toMatchObject({ code: "invalidInstanceId" });
      expect(await errorOf(() => hub.restartOrchestration("i", { newInstanceId: "a/b" }))).toMatchObject({
        code: "invalidInstanceId",
      });
      expect(await errorOf(() => hub.restartOrchestration("i", { newInstanceId: "taken" }))).toMatchObject({
        code: "orchestrationAlreadyExists",
      });
      expect((await stateOf(hub, "taken")).runtimeStatus).toBe("Running");
    });

    it("of a child makes it an instance of its own, and its parent hears nothing of it", async (place) => {
      const parent = defineOrchestrator("parent", async (ctx: OrchestrationContext) =>
        ctx.callSubOrchestrator("echo", "in", { instanceId: "child" }),
      );
      const hub = await place.open([parent, echo]);
      await run(hub, parent, undefined, { instanceId: "p" });
      const before = await hub.getOrchestrationHistory("p");
      await hub.restartOrchestration("child");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "child")).runtimeStatus).toBe("Completed");
      expect(typesOf(await hub.getOrchestrationHistory("p"))).toEqual(typesOf(before));
    });

    it("is durable once acknowledged", async (place) => {
      let hub = await place.open([waiting]);
      await run(hub, waiting, 9, { instanceId: "i" });
      await hub.terminateOrchestration("i");
      hub = await place.open([waiting]);
      await hub.restartOrchestration("i");
      hub = await place.open([waiting]);
      await hub.raiseOrchestrationEvent("i", "go", 1);
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).output).toEqual([9, 1]);
    });

    it("of a function that is no longer registered is refused", async (place) => {
      let hub = await place.open([echo]);
      await run(hub, echo, 1, { instanceId: "i" });
      hub = await place.open([waiting]);
      expect(await errorOf(() => hub.restartOrchestration("i"))).toMatchObject({ code: "functionNotRegistered" });
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Completed");
    });
  });

  describe("recursive purge and terminate", () => {
    const tree = defineOrchestrator("tree", async (ctx, depth: number): Promise<unknown> => {
      if (depth === 0) return await ctx.waitForExternalEvent("go");
      return await whenAll(
        ["l", "r"].map((side) =>
          ctx.callSubOrchestrator("tree", depth - 1, { instanceId: `${ctx.instanceId}${side}` }),
        ),
      );
    });
    const LEAVES = ["tll", "tlr", "trl", "trr"];
    const ALL = ["t", "tl", "tr", ...LEAVES];

    it("terminate every child, and theirs, after a restart as well", async (place) => {
      let hub = await place.open([tree]);
      await run(hub, tree, 2, { instanceId: "t" });
      hub = await place.open([tree]);
      await hub.terminateOrchestration("t", { recursive: true, output: "enough" });
      await hub.runUntilIdle();
      for (const id of ALL) expect((await stateOf(hub, id)).runtimeStatus, id).toBe("Terminated");
      expect((await stateOf(hub, "t")).output).toBe("enough");
    });

    it("purge every child, and theirs, and count them; without recursive only one", async (place) => {
      let hub = await place.open([tree]);
      await run(hub, tree, 2, { instanceId: "t" });
      await run(hub, tree, 1, { instanceId: "other" });
      await hub.terminateOrchestration("t", { recursive: true });
      await hub.runUntilIdle();
      expect(await hub.purgeOrchestration("trr")).toMatchObject({ deletedInstanceCount: 1 });
      hub = await place.open([tree]);
      expect(await hub.purgeOrchestration("t", { recursive: true })).toMatchObject({ deletedInstanceCount: 6 });
      for (const id of ALL) expect(await hub.getOrchestrationState(id), id).toBeUndefined();
      for (const id of ["other", "otherl", "otherr"]) expect((await stateOf(hub, id)).runtimeStatus).toBe("Running");
    });

    it("purge by criteria takes children along when it is recursive, and counts each once", async (place) => {
      const hub = await place.open([tree]);
      await run(hub, tree, 2, { instanceId: "t" });
      await hub.terminateOrchestration("t", { recursive: true });
      await hub.runUntilIdle();
      expect(await hub.purgeOrchestration({ statuses: ["Terminated"] }, { recursive: true })).toEqual({
        deletedInstanceCount: 7,
        isComplete: true,
      });
    });
  });
}
