/** What an orchestrator is, what it gets, and what becomes of its result. */
import { defineActivity, defineOrchestrator, TaskHub, whenAll } from "holdfast";
import { describe, expect, it } from "vitest";
import { FALSY, failureOf, openHub, outputOf, run, stateOf } from "./running.ts";
import { inEveryShape } from "./shapes.ts";

const double = defineActivity("double", (_ctx, n: number) => n * 2);
const echo = defineActivity("echo", (_ctx, value: unknown) => value);
const nothing = defineActivity("nothing", () => {});
const sayHello = defineActivity("sayHello", (_ctx, city: string) => `Hello, ${city}!`);

inEveryShape("an orchestration", (define) => {
  it("runs its activities one after the other and completes with its result", async () => {
    const greet = define("greet", function* (ctx, cities: string[]) {
      const greetings: string[] = [];
      for (const city of cities) greetings.push(yield* ctx.callActivity(sayHello, city));
      return greetings;
    });
    const hub = await openHub([greet, sayHello]);
    const state = await run(hub, greet, ["Tokyo", "London", "Seattle"]);
    expect(state).toMatchObject({
      name: "greet",
      version: "",
      runtimeStatus: "Completed",
      input: ["Tokyo", "London", "Seattle"],
      output: ["Hello, Tokyo!", "Hello, London!", "Hello, Seattle!"],
      tags: {},
      createdAt: hub.now,
      lastUpdatedAt: hub.now,
      completedAt: hub.now,
    });
    expect(state.failure).toBeUndefined();
    expect(state.customStatus).toBeUndefined();
    expect(state.parentInstanceId).toBeUndefined();
  });

  it("goes through a loop of a thousand activities", async () => {
    const sum = define("sum", function* (ctx, steps: number) {
      let total = 0;
      for (let step = 0; step < steps; step++) total += yield* ctx.callActivity(double, step);
      return total;
    });
    const hub = await openHub([sum, double]);
    expect(await outputOf(hub, sum, 1_000)).toBe(999_000);
  });

  it("calls activities by name as well as by definition", async () => {
    const byName = define("byName", function* (ctx, city: string) {
      const greeting: string = yield* ctx.callActivity<string>("sayHello", city);
      return greeting;
    });
    const hub = await openHub([byName, sayHello]);
    expect(await outputOf(hub, byName, "Tokyo")).toBe("Hello, Tokyo!");
  });

  it("gets the plain result where a task is yielded without its type", async () => {
    const plain = define("plain", function* (ctx) {
      const result: unknown = yield ctx.callActivity(double, 21);
      return result;
    });
    const hub = await openHub([plain, double]);
    expect(await outputOf(hub, plain)).toBe(42);
  });

  it("completes at once when it waits for nothing", async () => {
    // biome-ignore lint/correctness/useYield: an orchestrator that never waits.
    const empty = define("empty", function* (_ctx, input: number) {
      return input + 1;
    });
    const hub = await openHub([empty]);
    expect(await outputOf(hub, empty, 1)).toBe(2);
  });

  it.each(FALSY)("keeps %s as input and as result", async (_what, value) => {
    // biome-ignore lint/correctness/useYield: an orchestrator that never waits.
    const same = define("same", function* (_ctx, input: unknown) {
      return { input, isSame: Object.is(input, value) };
    });
    // biome-ignore lint/correctness/useYield: an orchestrator that never waits.
    const give = define("give", function* (_ctx, input: unknown) {
      return input;
    });
    const hub = await openHub([same, give]);
    expect(await outputOf(hub, same, value)).toEqual({ input: value, isSame: true });
    const state = await run(hub, give, value);
    expect(state.runtimeStatus).toBe("Completed");
    expect(state.output).toBe(value);
    expect(state.input).toBe(value);
  });

  it.each(FALSY)("gets %s back from an activity that was given it", async (_what, value) => {
    const through = define("through", function* (ctx, input: unknown) {
      const result = yield* ctx.callActivity(echo, input);
      return Object.is(result, value);
    });
    const hub = await openHub([through, echo]);
    expect(await outputOf(hub, through, value)).toBe(true);
  });

  it("gets undefined from an activity that returns nothing", async () => {
    const seen: unknown[] = [];
    const caller = define("caller", function* (ctx) {
      seen.push(yield* ctx.callActivity(nothing));
    });
    const hub = await openHub([caller, nothing]);
    expect((await run(hub, caller)).runtimeStatus).toBe("Completed");
    expect(seen).toEqual([undefined]);
  });

  it("knows its name, its instance, its version and that it has no parent", async () => {
    // biome-ignore lint/correctness/useYield: an orchestrator that never waits.
    const who = define("who", function* (ctx) {
      return { name: ctx.name, instanceId: ctx.instanceId, version: ctx.version, parent: ctx.parent };
    });
    const hub = await openHub([who]);
    expect(await outputOf(hub, who, undefined, { instanceId: "me" })).toEqual({
      name: "who",
      instanceId: "me",
      version: "",
      parent: undefined,
    });
  });

  it("sees the instant of its turn as current time, however long the turn takes", async () => {
    const clock = define("clock", function* (ctx) {
      const times = [ctx.currentUtcDateTime, ctx.currentUtcDateTime];
      yield ctx.createTimer({ minutes: 5 });
      times.push(ctx.currentUtcDateTime);
      return times;
    });
    const hub = await openHub([clock]);
    const start = hub.now.getTime();
    const times = await outputOf(hub, clock, undefined, { advance: { hours: 1 } });
    expect(times?.map((time) => time.getTime() - start)).toEqual([0, 0, 300_000]);
  });

  it("keeps its idea of the time when it changes the date it was given", async () => {
    // biome-ignore lint/correctness/useYield: an orchestrator that never waits.
    const vandal = define("vandal", function* (ctx) {
      const before = ctx.currentUtcDateTime.getTime();
      ctx.currentUtcDateTime.setTime(0);
      return ctx.currentUtcDateTime.getTime() - before;
    });
    const hub = await openHub([vandal]);
    expect(await outputOf(hub, vandal)).toBe(0);
  });

  it("completes although activities of it still run, and drops what they bring later", async () => {
    let finishActivity = (): void => {};
    const slow = defineActivity(
      "slow",
      () => new Promise<string>((resolve) => (finishActivity = () => resolve("late"))),
    );
    // biome-ignore lint/correctness/useYield: an orchestrator that never waits.
    const hasty = define("hasty", function* (ctx) {
      void ctx.callActivity(slow);
      return "done";
    });
    const hub = await openHub([hasty, slow]);
    const state = await run(hub, hasty);
    expect(state).toMatchObject({ runtimeStatus: "Completed", output: "done" });
    const before = await hub.getOrchestrationHistory(state.instanceId);
    finishActivity();
    await hub.runUntilIdle();
    expect(await hub.getOrchestrationHistory(state.instanceId)).toEqual(before);
    expect(await stateOf(hub, state.instanceId)).toEqual(state);
  });

  it("completes although a timer of it is open, and stays as it is when that would fire", async () => {
    const hasty = define("hasty", function* (ctx) {
      ctx.createTimer({ hours: 1 });
      return yield* ctx.callActivity(double, 4);
    });
    const hub = await openHub([hasty, double]);
    const state = await run(hub, hasty);
    expect(state).toMatchObject({ runtimeStatus: "Completed", output: 8 });
    await hub.advance({ hours: 2 });
    expect(await stateOf(hub, state.instanceId)).toEqual(state);
  });

  it("reads tasks it has not waited for through their properties", async () => {
    const looker = define("looker", function* (ctx) {
      const first = ctx.callActivity(double, 1);
      const before = { isCompleted: first.isCompleted, isFailed: first.isFailed, error: first.error };
      let refusal: unknown;
      try {
        void first.result;
      } catch (error) {
        refusal = error instanceof Error;
      }
      yield ctx.callActivity(double, 2);
      return { before, refusal, isCompleted: first.isCompleted, isFailed: first.isFailed, result: first.result };
    });
    const hub = await openHub([looker, double]);
    expect(await outputOf(hub, looker)).toEqual({
      before: { isCompleted: false, isFailed: false, error: undefined },
      refusal: true,
      isCompleted: true,
      isFailed: false,
      result: 2,
    });
  });

  it("gives the same task's result as often as it is waited for", async () => {
    const again = define("again", function* (ctx) {
      const task = ctx.callActivity(double, 3);
      return [yield* task, yield* task, yield* task];
    });
    const hub = await openHub([again, double]);
    expect(await outputOf(hub, again)).toEqual([6, 6, 6]);
  });

  it("fails with FunctionNotRegisteredError at the call of an activity nobody registered, and is not tried again", async () => {
    const stray = define("stray", function* (ctx) {
      return yield* ctx.callActivity<string>("noSuchActivity", 1, {
        retry: { maxAttempts: 5, firstRetryInterval: 1_000 },
      });
    });
    const hub = await openHub([stray]);
    const failure = await failureOf(hub, stray);
    expect(failure.isCausedBy("FunctionNotRegisteredError")).toBe(true);
    expect(failure.errorMessage).toContain("noSuchActivity");
  });

  it("can catch the failure of a call to what is not registered", async () => {
    const careful = define("careful", function* (ctx) {
      try {
        return yield* ctx.callActivity<string>("noSuchActivity");
      } catch (error) {
        return error instanceof Error ? [error.name, (error as { code?: string }).code] : error;
      }
    });
    const hub = await openHub([careful]);
    expect(await outputOf(hub, careful)).toEqual(["FunctionNotRegisteredError", "functionNotRegistered"]);
  });

  it("takes function names letter by letter: another case is another function", async () => {
    const caller = define("caller", function* (ctx) {
      return yield* ctx.callActivity<number>("DOUBLE", 1);
    });
    const hub = await openHub([caller, double]);
    expect((await failureOf(hub, caller)).isCausedBy("FunctionNotRegisteredError")).toBe(true);
  });

  it("runs beside a thousand others without mixing with them", async () => {
    const square = define("square", function* (ctx, n: number) {
      const doubled = yield* ctx.callActivity(double, n);
      return [ctx.instanceId, doubled];
    });
    const hub = await openHub([square, double]);
    const ids = await Promise.all(
      Array.from({ length: 1_000 }, (_, n) => hub.scheduleNewOrchestration(square, n, { instanceId: `s${n}` })),
    );
    await hub.runUntilIdle();
    const states = await Promise.all(ids.map((id) => hub.waitForOrchestrationCompletion(id)));
    expect(states.map((state) => state.output)).toEqual(ids.map((id, n) => [id, n * 2]));
  });

  it("fans out to ten thousand activities and gathers their results in order", async () => {
    const fan = define("fan", function* (ctx, width: number) {
      const results = yield* whenAll(Array.from({ length: width }, (_, n) => ctx.callActivity(double, n)));
      return results;
    });
    const hub = await openHub([fan, double]);
    expect(await outputOf(hub, fan, 10_000)).toEqual(Array.from({ length: 10_000 }, (_, n) => n * 2));
  });

  it("is asked for with the id it was started with, or with a generated one", async () => {
    // biome-ignore lint/correctness/useYield: an orchestrator that never waits.
    const idle = define("idle", function* () {
      return "ok";
    });
    const hub = await openHub([idle]);
    const generated = await hub.scheduleNewOrchestration(idle);
    const other = await hub.scheduleNewOrchestration(idle);
    expect(generated).not.toBe(other);
    expect(generated.length).toBeGreaterThan(10);
    expect(await hub.scheduleNewOrchestration(idle, undefined, { instanceId: "mine" })).toBe("mine");
  });
});

describe("the shapes of orchestrators", () => {
  it("lets a plain function that never waits be an orchestrator", async () => {
    const plain = defineOrchestrator("plain", (_ctx, name: string) => `Hello, ${name}!`);
    const hub = await openHub([plain]);
    expect(await outputOf(hub, plain, "Ada")).toBe("Hello, Ada!");
  });

  it("lets a plain function return a task", async () => {
    const plain = defineOrchestrator("plain", (ctx, n: number) => ctx.callActivity(double, n));
    const hub = await openHub([plain, double]);
    expect(await outputOf(hub, plain, 2)).toBe(4);
  });

  it("fails a plain function that throws", async () => {
    const plain = defineOrchestrator("plain", (): string => {
      throw new RangeError("too far");
    });
    const hub = await openHub([plain]);
    expect(await failureOf(hub, plain)).toMatchObject({ errorType: "RangeError", errorMessage: "too far" });
  });

  it("waits for tasks in async helpers of any depth", async () => {
    const deep = defineOrchestrator("deep", async (ctx, depth: number) => {
      const descend = async (level: number): Promise<number> =>
        level === 0
          ? await ctx.callActivity(double, 1)
          : (await descend(level - 1)) + (await ctx.callActivity(double, level));
      return descend(depth);
    });
    const hub = await openHub([deep, double]);
    expect(await outputOf(hub, deep, 20)).toBe(2 + 20 * 21);
  });

  it("waits for tasks in generator helpers of any depth", async () => {
    const deep = defineOrchestrator("deep", function* (ctx, depth: number) {
      type Steps = Generator<import("holdfast").Task<unknown>, number>;
      function* descend(level: number): Steps {
        if (level === 0) return yield* ctx.callActivity(double, 1);
        const below: number = yield* descend(level - 1);
        return below + (yield* ctx.callActivity(double, level));
      }
      return yield* descend(depth);
    });
    const hub = await openHub([deep, double]);
    expect(await outputOf(hub, deep, 20)).toBe(2 + 20 * 21);
  });

  it("lets an async orchestrator await what is already settled, as often as it likes", async () => {
    const busy = defineOrchestrator("busy", async (ctx) => {
      for (let round = 0; round < 2_000; round++) await Promise.resolve(round);
      const first = await ctx.callActivity(double, 1);
      for (let round = 0; round < 2_000; round++) await Promise.resolve();
      return first + (await ctx.callActivity(double, 2));
    });
    const hub = await openHub([busy, double]);
    expect(await outputOf(hub, busy)).toBe(6);
  });

  it("gives the result of a yielded task in an async generator that also awaits tasks", async () => {
    const mixed = defineOrchestrator("mixed", async function* (ctx, n: number) {
      const yielded = (yield ctx.callActivity(double, n)) as number;
      const awaited = await ctx.callActivity(double, yielded);
      return [yielded, awaited];
    });
    const hub = await openHub([mixed, double]);
    expect(await outputOf(hub, mixed, 1)).toEqual([2, 4]);
  });

  it("runs async activities and plain ones alike", async () => {
    const later = defineActivity("later", async (_ctx, n: number) => {
      await new Promise((resolve) => setImmediate(resolve));
      return n + 1;
    });
    const both = defineOrchestrator("both", async (ctx) => [
      await ctx.callActivity(later, 1),
      await ctx.callActivity(double, 1),
    ]);
    const hub = await openHub([both, later, double]);
    expect(await outputOf(hub, both)).toEqual([2, 2]);
  });

  it("runs on the real clock as well", async () => {
    const nap = defineOrchestrator("nap", async (ctx) => {
      await ctx.createTimer(1);
      return ctx.callActivity(double, 1);
    });
    await using hub = await TaskHub.open({ functions: [nap, double] });
    const id = await hub.scheduleNewOrchestration(nap);
    expect(await hub.waitForOrchestrationCompletion(id)).toMatchObject({ runtimeStatus: "Completed", output: 2 });
  });
});

describe("the functions of a hub", () => {
  const run1 = (): number => 1;

  it("refuses two orchestrators of one name and version", async () => {
    const [a, b] = [defineOrchestrator("twin", run1), defineOrchestrator("twin", run1)];
    await expect(openHub([a, b])).rejects.toThrow(/twin/);
  });

  it("refuses two activities of one name and version", async () => {
    const [a, b] = [defineActivity("twin", run1), defineActivity("twin", run1)];
    await expect(openHub([a, b])).rejects.toThrow(/twin/);
  });

  it("takes an orchestrator and an activity of one name, and names that differ in case", async () => {
    const twin = defineOrchestrator("twin", async (ctx) => [
      await ctx.callActivity<string>("twin"),
      await ctx.callActivity<string>("TWIN"),
    ]);
    const hub = await openHub([twin, defineActivity("twin", () => "small"), defineActivity("TWIN", () => "large")]);
    expect(await outputOf(hub, twin)).toEqual(["small", "large"]);
  });

  it("takes two versions of one name, and starts the one that was asked for", async () => {
    const one = defineOrchestrator({ name: "job", version: "1", run: (ctx) => ctx.version });
    const two = defineOrchestrator({ name: "job", version: "2", run: (ctx) => ctx.version });
    const hub = await openHub([one, two]);
    expect(await outputOf(hub, one)).toBe("1");
    expect(await outputOf(hub, two)).toBe("2");
  });

  it("refuses an empty name, and what is no function", () => {
    expect(() => defineActivity("", run1)).toThrow();
    expect(() => defineOrchestrator("", run1)).toThrow();
    expect(() => defineOrchestrator({ name: "", run: run1 })).toThrow();
    // @ts-expect-error a number cannot be run.
    expect(() => defineActivity("x", 5)).toThrow();
    // @ts-expect-error there is nothing to run.
    expect(() => defineOrchestrator("x")).toThrow();
  });

  it.each([
    ["a negative timeout", { timeoutMs: -1 }],
    ["an endless timeout", { timeoutMs: Number.POSITIVE_INFINITY }],
    ["a timeout that is no number", { scheduleToCloseTimeoutMs: Number.NaN }],
    ["a negative heartbeat timeout", { heartbeatTimeoutMs: -5 }],
    ["a concurrency of zero", { maxConcurrency: 0 }],
    ["a fractional concurrency", { maxConcurrency: 1.5 }],
    ["zero attempts", { retry: { maxAttempts: 0, firstRetryInterval: 1 } }],
  ])("refuses an activity with %s", (_what, options) => {
    expect(() => defineActivity({ name: "x", run: run1, ...options })).toThrow();
  });
});
