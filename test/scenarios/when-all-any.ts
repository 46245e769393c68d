/** Waiting for several tasks: all of them, the first of them, and the combinators JavaScript brings itself. */
import { defineActivity, defineOrchestrator, type OrchestratorDefinition, type Task, whenAll, whenAny } from "holdfast";
import type { TestTaskHub } from "holdfast/testing";
import { describe, expect } from "vitest";
import { failureOf, outputOf, run, stateOf } from "../core/running.ts";
import { inEveryShape } from "../core/shapes.ts";
import { type Place, type Scenario, unhandledRejections } from "./place.ts";

const work = defineActivity("work", (_ctx, value: unknown) => value);
const fail = defineActivity("fail", (_ctx, text: string): string => {
  throw new RangeError(text);
});

async function raise(hub: TestTaskHub, id: string, ...names: string[]): Promise<void> {
  for (const name of names) {
    await hub.raiseOrchestrationEvent(id, name, name);
    await hub.runUntilIdle();
  }
}

export function whenAllAnyScenarios(it: Scenario): void {
  inEveryShape("whenAll", (define) => {
    it("gives the results in argument order, whatever order they arrive in", async (place) => {
      const all = define("all", function* (ctx) {
        const results = yield* whenAll([
          ctx.waitForExternalEvent<string>("a"),
          ctx.waitForExternalEvent<string>("b"),
          ctx.waitForExternalEvent<string>("c"),
        ]);
        return results;
      });
      const hub = await place.open([all]);
      await run(hub, all, undefined, { instanceId: "i" });
      await raise(hub, "i", "c", "a");
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Running");
      await raise(hub, "i", "b");
      expect((await stateOf(hub, "i")).output).toEqual(["a", "b", "c"]);
    });

    it("of no tasks is there at once", async (place) => {
      const all = define("all", function* () {
        const none = whenAll([]);
        return [none.isCompleted, none.isFailed, yield* none];
      });
      const hub = await place.open([all]);
      expect(await outputOf(hub, all)).toEqual([true, false, []]);
    });

    it("of tasks that are all completed is there at once", async (place) => {
      const all = define("all", function* (ctx) {
        const [a, b] = [ctx.callActivity(work, 1), ctx.callActivity(work, 2)];
        yield a;
        yield b;
        const both = whenAll([a, b]);
        return [both.isCompleted, yield* both];
      });
      const hub = await place.open([all, work]);
      expect(await outputOf(hub, all)).toEqual([true, [1, 2]]);
    });

    it("keeps falsy results and undefined at their places", async (place) => {
      const values = [0, "", false, null, undefined, Number.NaN, 0n];
      const all = define("all", function* (ctx) {
        const results = yield* whenAll(values.map((value) => ctx.callActivity(work, value)));
        return results.length === values.length && results.every((result, at) => Object.is(result, values[at]));
      });
      const hub = await place.open([all, work]);
      expect(await outputOf(hub, all)).toBe(true);
    });

    it("takes one task twice", async (place) => {
      const all = define("all", function* (ctx) {
        const task = ctx.callActivity(work, 1);
        const results = yield* whenAll([task, task]);
        return results;
      });
      const hub = await place.open([all, work]);
      expect(await outputOf(hub, all)).toEqual([1, 1]);
    });

    it("waits for all, and fails then with one AggregateError that tells of every failure", async (place) => {
      const all = define("all", function* (ctx) {
        const tasks = [
          ctx.callActivity(fail, "first trouble"),
          ctx.callActivity(work, "fine"),
          ctx.callActivity(fail, "second trouble"),
          ctx.waitForExternalEvent("go"),
        ];
        const all4 = whenAll(tasks);
        try {
          yield all4;
        } catch (error) {
          if (!(error instanceof AggregateError)) return "another error";
          return {
            count: error.errors.length,
            names: error.errors.map((one: Error) => one.name),
            message: error.message,
            states: tasks.map((task) => (task.isFailed ? "failed" : task.isCompleted ? "completed" : "open")),
            own: [all4.isCompleted, all4.isFailed, all4.error === error],
          };
        }
        return "no error";
      });
      const hub = await place.open([all, work, fail]);
      await run(hub, all, undefined, { instanceId: "i" });
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Running");
      await raise(hub, "i", "go");
      expect((await stateOf(hub, "i")).output).toEqual({
        count: 2,
        names: ["TaskFailedError", "TaskFailedError"],
        message: expect.stringMatching(/2 of 4.*first trouble.*second trouble/),
        states: ["failed", "completed", "failed", "completed"],
        own: [true, true, true],
      });
    });

    it("that nobody catches fails the orchestration as AggregateError with every message and no crash of its own", async (place) => {
      const all = define("all", function* (ctx) {
        yield whenAll([ctx.callActivity(fail, "one"), ctx.callActivity(fail, "two"), ctx.callActivity(fail, "three")]);
      });
      const hub = await place.open([all, fail]);
      const failure = await failureOf(hub, all);
      expect(failure.errorType).toBe("AggregateError");
      for (const text of ["one", "two", "three"]) expect(failure.errorMessage).toContain(text);
      expect(failure.errorMessage).not.toMatch(/already completed/i);
      expect(failure.properties?.errors).toHaveLength(3);
      expect(JSON.stringify(failure.properties)).toContain("RangeError");
    });

    it("goes on waiting for the others when one has failed and another fails later", async (place) => {
      const waits = define("waits", function* (ctx, name: string) {
        yield ctx.waitForExternalEvent(name);
        throw new Error(`${name} failed`);
      });
      const all = define("all", function* (ctx) {
        yield whenAll(["a", "b"].map((name) => ctx.callSubOrchestrator(waits, name, { instanceId: name })));
      });
      const hub = await place.open([all, waits]);
      await run(hub, all, undefined, { instanceId: "i" });
      await raise(hub, "b", "b");
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Running");
      await raise(hub, "a", "a");
      const { failure } = await stateOf(hub, "i");
      expect(failure?.errorMessage).toMatch(/a failed.*b failed/s);
    });

    it("fails when one of its tasks was cancelled, once the others are settled", async (place) => {
      const all = define("all", function* (ctx) {
        const timer = ctx.createTimer({ hours: 1 });
        const both = whenAll([timer, ctx.callActivity(work, 1)]);
        timer.cancel();
        try {
          yield both;
        } catch (error) {
          return error instanceof AggregateError && error.errors.map((one: Error) => one.name);
        }
        return "no error";
      });
      const hub = await place.open([all, work]);
      expect(await outputOf(hub, all)).toEqual(["TaskCanceledError"]);
    });

    it("nests in itself and in whenAny", async (place) => {
      const nested = define("nested", function* (ctx) {
        const results = yield* whenAll([
          whenAll([ctx.callActivity(work, 1), ctx.callActivity(work, 2)]),
          whenAny([ctx.waitForExternalEvent("never"), whenAll([ctx.callActivity(work, 3)])]),
        ]);
        const [pair, first] = results;
        return [pair, first.index, first.task.result];
      });
      const hub = await place.open([nested, work]);
      expect(await outputOf(hub, nested)).toEqual([[1, 2], 1, [3]]);
    });

    it("refuses what is not a task, or no array", async (place) => {
      const odd = define("odd", function* (ctx) {
        yield ctx.callActivity(work, 1);
        const refused: boolean[] = [];
        for (const wrong of [[1], [null], [Promise.resolve(1)], "no array", undefined]) {
          try {
            whenAll(wrong as unknown as Task<unknown>[]);
            refused.push(false);
          } catch {
            refused.push(true);
          }
        }
        return refused;
      });
      const hub = await place.open([odd, work]);
      expect(await outputOf(hub, odd)).toEqual([true, true, true, true, true]);
    });

    it("consumes no number", async (place) => {
      const all = define("all", function* (ctx) {
        yield whenAll([ctx.callActivity(work, 1), whenAny([ctx.callActivity(work, 2)])]);
      });
      const hub = await place.open([all, work]);
      const { instanceId } = await run(hub, all);
      const ids = (await hub.getOrchestrationHistory(instanceId)).map((event) => event.eventId).filter((id) => id > 0);
      expect(ids).toEqual([1, 2, 3]);
    });
  });

  inEveryShape("whenAny", (define) => {
    it("gives the winner's place and the winner itself", async (place) => {
      const any = define("any", function* (ctx) {
        const tasks = [ctx.waitForExternalEvent<string>("a"), ctx.waitForExternalEvent<string>("b")] as const;
        const { index, task } = yield* whenAny(tasks);
        return { index, result: task.result, isSame: task === tasks[index], loser: tasks[0].isCompleted };
      });
      const hub = await place.open([any]);
      await run(hub, any, undefined, { instanceId: "i" });
      await raise(hub, "i", "b");
      expect((await stateOf(hub, "i")).output).toEqual({ index: 1, result: "b", isSame: true, loser: false });
    });

    it("does not throw for a winner that failed until its result is read", async (place) => {
      const any = define("any", function* (ctx) {
        const { index, task } = yield* whenAny([ctx.callActivity(fail, "oh"), ctx.waitForExternalEvent("never")]);
        let read: unknown;
        try {
          void task.result;
        } catch (error) {
          read = error instanceof Error && error.name;
        }
        return { index, isFailed: task.isFailed, error: task.error?.name, read };
      });
      const hub = await place.open([any, fail]);
      expect(await outputOf(hub, any)).toEqual({
        index: 0,
        isFailed: true,
        error: "TaskFailedError",
        read: "TaskFailedError",
      });
    });

    it("throws for a winner that failed when it is awaited", async (place) => {
      const any = define("any", function* (ctx) {
        const { task } = yield* whenAny([ctx.callActivity(fail, "oh")]);
        return yield* task;
      });
      const hub = await place.open([any, fail]);
      expect((await failureOf(hub, any)).isCausedBy("RangeError")).toBe(true);
    });

    it("takes the first argument when several are completed already", async (place) => {
      const any = define("any", function* (ctx) {
        const [a, b] = [ctx.callActivity(work, "a"), ctx.callActivity(work, "b")];
        yield b;
        yield a;
        const first = whenAny([a, b]);
        return [first.isCompleted, (yield* first).index];
      });
      const hub = await place.open([any, work]);
      expect(await outputOf(hub, any)).toEqual([true, 0]);
    });

    it("takes an argument that is completed already over one that is open", async (place) => {
      const any = define("any", function* (ctx) {
        const done = ctx.callActivity(work, 1);
        yield done;
        return (yield* whenAny([ctx.waitForExternalEvent("never"), done])).index;
      });
      const hub = await place.open([any, work]);
      expect(await outputOf(hub, any)).toBe(1);
    });

    it("leaves the losers running, to be waited for later", async (place) => {
      const any = define("any", function* (ctx) {
        const [a, b] = [ctx.waitForExternalEvent<string>("a"), ctx.waitForExternalEvent<string>("b")];
        const { index } = yield* whenAny([a, b]);
        return [index, yield* a, yield* b];
      });
      const hub = await place.open([any]);
      await run(hub, any, undefined, { instanceId: "i" });
      await raise(hub, "i", "b", "a");
      expect((await stateOf(hub, "i")).output).toEqual([1, "a", "b"]);
    });

    it("of no tasks is refused at the call", async (place) => {
      const any = define("any", function* (ctx) {
        yield ctx.createTimer(0);
        yield whenAny([]);
      });
      const hub = await place.open([any]);
      expect((await failureOf(hub, any, undefined, { advance: 1 })).errorMessage).toMatch(/at least one task/i);
    });

    it("never names a cancelled task", async (place) => {
      const any = define("any", function* (ctx) {
        const [timer, wait] = [ctx.createTimer({ hours: 1 }), ctx.waitForExternalEvent("never")];
        const first = whenAny([timer, wait, ctx.callActivity(work, 1)]);
        timer.cancel();
        wait.cancel();
        const early = first.isCompleted;
        return [early, (yield* first).index];
      });
      const hub = await place.open([any, work]);
      expect(await outputOf(hub, any)).toEqual([false, 2]);
    });

    it("never names a task that was cancelled before it was asked", async (place) => {
      const any = define("any", function* (ctx) {
        const timer = ctx.createTimer({ hours: 1 });
        timer.cancel();
        return (yield* whenAny([timer, ctx.callActivity(work, 1)])).index;
      });
      const hub = await place.open([any, work]);
      expect(await outputOf(hub, any)).toBe(1);
    });

    it("fails rather than hangs when all its tasks were cancelled", async (place) => {
      const any = define("any", function* (ctx) {
        const timer = ctx.createTimer({ hours: 1 });
        timer.cancel();
        yield whenAny([timer]);
      });
      const hub = await place.open([any]);
      expect((await failureOf(hub, any)).errorType).toBe("TaskCanceledError");
    });

    it("processes a list as results come in, oldest first", async (place) => {
      const stream = define("stream", function* (ctx, names: string[]) {
        const open = names.map((name) => ctx.waitForExternalEvent<string>(name));
        const order: string[] = [];
        while (open.length > 0) {
          const { index, task } = yield* whenAny(open);
          order.push(task.result);
          open.splice(index, 1);
        }
        return order;
      });
      const hub = await place.open([stream]);
      await run(hub, stream, ["a", "b", "c", "d"], { instanceId: "i" });
      await raise(hub, "i", "c", "a", "d", "b");
      expect((await stateOf(hub, "i")).output).toEqual(["c", "a", "d", "b"]);
    });

    it("knows the first of those that completed in one turn", async (place) => {
      const any = define("any", function* (ctx) {
        yield ctx.waitForExternalEvent("begin");
        const [a, b] = [ctx.waitForExternalEvent<string>("a"), ctx.waitForExternalEvent<string>("b")];
        const { index } = yield* whenAny([a, b]);
        return index;
      });
      const hub = await place.open([any]);
      await run(hub, any, undefined, { instanceId: "i" });
      await hub.suspendOrchestration("i");
      await raise(hub, "i", "begin");
      await raise(hub, "i", "b", "a");
      await hub.resumeOrchestration("i");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).output).toBe(1);
    });
  });

  describe("native combinators over tasks", () => {
    async function outcome<T>(place: Place, orchestrator: OrchestratorDefinition<unknown, T>, ...events: string[]) {
      const hub = await place.open([orchestrator, work, fail]);
      await run(hub, orchestrator, undefined, { instanceId: "i" });
      await raise(hub, "i", ...events);
      return stateOf<T>(hub, "i");
    }

    it("Promise.all gathers results in argument order", async (place) => {
      const all = defineOrchestrator("all", async (ctx) =>
        Promise.all([ctx.waitForExternalEvent<string>("a"), ctx.waitForExternalEvent<string>("b")]),
      );
      expect((await outcome(place, all, "b", "a")).output).toEqual(["a", "b"]);
    });

    it("Promise.all fails with the first failure", async (place) => {
      const all = defineOrchestrator("all", async (ctx) => {
        await Promise.all([ctx.callActivity(fail, "oh"), ctx.waitForExternalEvent("never")]);
      });
      const { runtimeStatus, failure } = await outcome(place, all);
      expect(runtimeStatus).toBe("Failed");
      expect(failure?.isCausedBy("RangeError")).toBe(true);
    });

    it("Promise.allSettled tells the outcome of each", async (place) => {
      const settled = defineOrchestrator("settled", async (ctx) => {
        const results = await Promise.allSettled([ctx.callActivity(work, 1), ctx.callActivity(fail, "oh")]);
        return results.map((result) => (result.status === "fulfilled" ? result.value : (result.reason as Error).name));
      });
      expect((await outcome(place, settled)).output).toEqual([1, "TaskFailedError"]);
    });

    it("Promise.race follows the first to settle", async (place) => {
      const race = defineOrchestrator("race", async (ctx) =>
        Promise.race([ctx.waitForExternalEvent<string>("a"), ctx.waitForExternalEvent<string>("b")]),
      );
      expect((await outcome(place, race, "b")).output).toBe("b");
    });

    it("Promise.race fails when the first to settle failed", async (place) => {
      const race = defineOrchestrator("race", async (ctx) =>
        Promise.race([ctx.callActivity(fail, "oh"), ctx.waitForExternalEvent<string>("b")]),
      );
      expect((await outcome(place, race)).runtimeStatus).toBe("Failed");
    });

    it("Promise.any passes over failures", async (place) => {
      const any = defineOrchestrator("any", async (ctx) =>
        Promise.any([ctx.callActivity(fail, "oh"), ctx.waitForExternalEvent<string>("b")]),
      );
      expect((await outcome(place, any, "b")).output).toBe("b");
    });

    it("Promise.any fails with an AggregateError when all fail", async (place) => {
      const any = defineOrchestrator("any", async (ctx) =>
        Promise.any([ctx.callActivity(fail, "oh"), ctx.callActivity(fail, "no")]),
      );
      const { failure } = await outcome(place, any);
      expect(failure?.errorType).toBe("AggregateError");
      expect(failure?.errorMessage).toMatch(/oh.*no/s);
    });

    it("async helpers run side by side, and their steps interleave as results come in", async (place) => {
      const lanes = defineOrchestrator("lanes", async (ctx) => {
        const order: string[] = [];
        const lane = async (name: string): Promise<void> => {
          for (const step of ["1", "2"]) order.push(await ctx.waitForExternalEvent<string>(name + step));
        };
        await Promise.all([lane("a"), lane("b")]);
        return order;
      });
      expect((await outcome(place, lanes, "b1", "a1", "a2", "b2")).output).toEqual(["b1", "a1", "a2", "b2"]);
    });

    it("then, catch and finally of a task behave like those of a promise", async (place) => {
      const chained = defineOrchestrator("chained", async (ctx) => {
        let cleaned = 0;
        const doubled = await ctx.callActivity<number>("work", 4).then((n) => n * 2);
        const caught = await ctx.callActivity(fail, "oh").catch((error) => (error as Error).name);
        const cleanedUp = await ctx.callActivity(work, "x").finally(() => cleaned++);
        return [doubled, caught, cleanedUp, cleaned];
      });
      expect((await outcome(place, chained)).output).toEqual([8, "TaskFailedError", "x", 1]);
    });

    it("whenAll and whenAny can be awaited and mixed with promises", async (place) => {
      const mixed = defineOrchestrator("mixed", async (ctx) => {
        const [pair, first] = await Promise.all([
          whenAll([ctx.callActivity(work, 1), ctx.callActivity(work, 2)]),
          whenAny([ctx.waitForExternalEvent<string>("never"), ctx.waitForExternalEvent<string>("b")]),
        ]);
        return [pair, first.index, await first.task];
      });
      expect((await outcome(place, mixed, "b")).output).toEqual([[1, 2], 1, "b"]);
    });

    it("a failed task in an abandoned combinator is no unhandled rejection", async (place) => {
      const careless = defineOrchestrator("careless", async (ctx) => {
        whenAll([ctx.callActivity(fail, "one")]);
        whenAny([ctx.callActivity(fail, "two")]);
        ctx.callActivity(fail, "three");
        return ctx.callActivity(work, "fine");
      });
      const unhandled = await unhandledRejections(async () => {
        expect((await outcome(place, careless)).output).toBe("fine");
      });
      expect(unhandled).toEqual([]);
    });
  });
}
