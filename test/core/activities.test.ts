/** Activities: what they are told, how often they run, and what a call may ask for. */
import { type ActivityContext, defineActivity, MemoryStore, whenAll } from "holdfast";
import { describe, expect, it } from "vitest";
import { eventsOf, failureOf, keepingLogger, onlyEvent, openHub, outputOf, run, stateOf } from "./running.ts";
import { inEveryShape } from "./shapes.ts";

type Seen = Pick<ActivityContext, "instanceId" | "executionId" | "taskId" | "name" | "attempt" | "idempotencyKey">;

function seen(ctx: ActivityContext): Seen {
  const { instanceId, executionId, taskId, name, attempt, idempotencyKey } = ctx;
  return { instanceId, executionId, taskId, name, attempt, idempotencyKey };
}

/** An activity that ends when the test says so. */
function held() {
  const runs: { readonly ctx: ActivityContext; resolve(value: unknown): void; reject(error: unknown): void }[] = [];
  const activity = defineActivity(
    "held",
    (ctx, _input: unknown) => new Promise<unknown>((resolve, reject) => runs.push({ ctx, resolve, reject })),
  );
  return { activity, runs };
}

inEveryShape("an activity", (define) => {
  it("knows the call it serves", async () => {
    const contexts: Seen[] = [];
    const look = defineActivity("look", (ctx) => void contexts.push(seen(ctx)));
    const caller = define("caller", function* (ctx) {
      yield ctx.callActivity(look);
      yield ctx.createTimer(0);
      yield ctx.callActivity(look);
    });
    const hub = await openHub([caller, look]);
    await run(hub, caller, undefined, { instanceId: "one", advance: 1 });
    const started = onlyEvent(await hub.getOrchestrationHistory("one"), "ExecutionStarted");
    const { executionId } = started.orchestrationInstance;
    expect(contexts).toMatchObject([
      { instanceId: "one", executionId, taskId: 1, name: "look", attempt: 1 },
      { instanceId: "one", executionId, taskId: 3, name: "look", attempt: 1 },
    ]);
  });

  it("has an idempotency key that differs from call to call and from instance to instance", async () => {
    const keys: string[] = [];
    const look = defineActivity("look", (ctx) => void keys.push(ctx.idempotencyKey));
    const caller = define("caller", function* (ctx) {
      yield whenAll([ctx.callActivity(look), ctx.callActivity(look)]);
    });
    const hub = await openHub([caller, look]);
    await run(hub, caller);
    await run(hub, caller);
    expect(keys.every((key) => key.length > 0)).toBe(true);
    expect(new Set(keys).size).toBe(4);
  });

  it("has another idempotency key in every generation of an instance", async () => {
    const keys: string[] = [];
    const look = defineActivity("look", (ctx) => void keys.push(ctx.idempotencyKey));
    const again = define("again", function* (ctx, round: number) {
      yield ctx.callActivity(look);
      if (round > 0) ctx.continueAsNew(round - 1);
    });
    const hub = await openHub([again, look]);
    await run(hub, again, 2);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(3);
  });

  it("gets host resources as ctx.env", async () => {
    const look = defineActivity("look", (ctx) => (ctx.env as { answer: number }).answer);
    const caller = define("caller", function* (ctx) {
      return yield* ctx.callActivity(look);
    });
    const hub = await openHub([caller, look], { env: { answer: 42 } });
    expect(await outputOf(hub, caller)).toBe(42);
  });

  it("gets a value of its own: what it changes in its input nobody else sees", async () => {
    const vandal = defineActivity("vandal", (_ctx, input: { list: number[] }) => {
      input.list.push(99);
      return input.list.length;
    });
    const caller = define("caller", function* (ctx) {
      const input = { list: [1] };
      const length = yield* ctx.callActivity(vandal, input);
      return { length, input, again: yield* ctx.callActivity(vandal, input) };
    });
    const hub = await openHub([caller, vandal]);
    expect(await outputOf(hub, caller)).toEqual({ length: 2, input: { list: [1] }, again: 2 });
  });

  it("gets its input as it was at the call", async () => {
    const show = defineActivity("show", (_ctx, input: { n: number }) => input.n);
    const caller = define("caller", function* (ctx) {
      const input = { n: 1 };
      const task = ctx.callActivity(show, input);
      input.n = 2;
      return yield* task;
    });
    const hub = await openHub([caller, show]);
    expect(await outputOf(hub, caller)).toBe(1);
  });

  it("runs at the same time as the others of its instance", async () => {
    const { activity, runs } = held();
    const caller = define("caller", function* (ctx) {
      const results = yield* whenAll([ctx.callActivity(activity, 1), ctx.callActivity(activity, 2)]);
      return results;
    });
    const hub = await openHub([caller, activity]);
    const { instanceId } = await run(hub, caller);
    expect(runs).toHaveLength(2);
    runs[1]?.resolve("second");
    await hub.runUntilIdle();
    expect(await stateOf(hub, instanceId)).toMatchObject({ runtimeStatus: "Running" });
    runs[0]?.resolve("first");
    await hub.runUntilIdle();
    expect(await stateOf(hub, instanceId)).toMatchObject({ runtimeStatus: "Completed", output: ["first", "second"] });
  });

  it("has tags and a version in the history when the call gives them", async () => {
    const work = defineActivity({ name: "work", version: "2", run: () => "v2" });
    const caller = define("caller", function* (ctx) {
      return yield* ctx.callActivity<string>("work", 1, { tags: { team: "blue" }, version: "2" });
    });
    const hub = await openHub([caller, work]);
    const { instanceId, output } = await run(hub, caller);
    expect(output).toBe("v2");
    expect(onlyEvent(await hub.getOrchestrationHistory(instanceId), "TaskScheduled")).toMatchObject({
      name: "work",
      version: "2",
      input: "1",
      tags: { team: "blue" },
    });
  });

  it("is the version that its definition says when there are several", async () => {
    const [one, two] = [1, 2].map((n) => defineActivity({ name: "work", version: String(n), run: () => `v${n}` }));
    if (!one || !two) throw new Error("two definitions were made");
    const caller = define("caller", function* (ctx) {
      return [yield* ctx.callActivity(two), yield* ctx.callActivity(one)];
    });
    const hub = await openHub([caller, one, two]);
    expect(await outputOf(hub, caller)).toEqual(["v2", "v1"]);
  });

  it("runs no more of one kind at once than its definition allows, first come first served", async () => {
    const order: unknown[] = [];
    let now = 0;
    let most = 0;
    const narrow = defineActivity({
      name: "narrow",
      maxConcurrency: 2,
      run: async (_ctx, n: number) => {
        order.push(n);
        most = Math.max(most, ++now);
        await new Promise((resolve) => setImmediate(resolve));
        now--;
        return n;
      },
    });
    const caller = define("caller", function* (ctx) {
      const results = yield* whenAll(Array.from({ length: 9 }, (_, n) => ctx.callActivity(narrow, n)));
      return results;
    });
    const hub = await openHub([caller, narrow]);
    expect(await outputOf(hub, caller)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(most).toBe(2);
  });

  it("runs no more at once than the hub allows", async () => {
    let now = 0;
    let most = 0;
    const work = defineActivity("work", async () => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setImmediate(resolve));
      now--;
    });
    const caller = define("caller", function* (ctx) {
      yield whenAll(Array.from({ length: 20 }, () => ctx.callActivity(work)));
    });
    const hub = await openHub([caller, work], { maxConcurrentActivities: 3 });
    expect((await run(hub, caller)).runtimeStatus).toBe("Completed");
    expect(most).toBe(3);
  });

  it("drops a queued call when its instance has ended", async () => {
    const { activity, runs } = held();
    const caller = define("caller", function* (ctx, name: string) {
      yield whenAll([ctx.callActivity(activity, name), ctx.callActivity(activity, name)]);
    });
    const hub = await openHub([caller, activity], { maxConcurrentActivities: 1 });
    await run(hub, caller, "a", { instanceId: "a" });
    await hub.terminateOrchestration("a");
    runs[0]?.resolve(1);
    await run(hub, caller, "b", { instanceId: "b" });
    expect(runs.map(({ ctx }) => ctx.instanceId)).toEqual(["a", "b"]);
  });

  it("hears through its signal that its orchestration was terminated", async () => {
    const { activity, runs } = held();
    const caller = define("caller", function* (ctx) {
      yield ctx.callActivity(activity);
    });
    const hub = await openHub([caller, activity]);
    const { instanceId } = await run(hub, caller);
    expect(runs[0]?.ctx.signal.aborted).toBe(false);
    await hub.terminateOrchestration(instanceId);
    await hub.runUntilIdle();
    expect(runs[0]?.ctx.signal.aborted).toBe(true);
  });

  it("hears through its signal that the hub closes, and runs again with the same key after the next opening", async () => {
    const { activity, runs } = held();
    const caller = define("caller", function* (ctx) {
      return yield* ctx.callActivity(activity);
    });
    const store = new MemoryStore();
    const first = await openHub([caller, activity], { store });
    const { instanceId } = await run(first, caller);
    runs[0]?.ctx.signal.addEventListener("abort", () => runs[0]?.reject(runs[0].ctx.signal.reason));
    await first.close();
    expect(runs[0]?.ctx.signal.aborted).toBe(true);
    const second = await openHub([caller, activity], { store });
    await second.runUntilIdle();
    expect(runs.map(({ ctx }) => [ctx.attempt, ctx.taskId])).toEqual([
      [1, 1],
      [1, 1],
    ]);
    expect(runs[1]?.ctx.idempotencyKey).toBe(runs[0]?.ctx.idempotencyKey);
    runs[1]?.resolve("after all");
    await second.runUntilIdle();
    expect(await stateOf(second, instanceId)).toMatchObject({ runtimeStatus: "Completed", output: "after all" });
  });

  it("writes to the log, naming itself at least through the message it gives", async () => {
    const logger = keepingLogger();
    const chatty = defineActivity("chatty", (ctx) => ctx.log.info("chatty was here", { n: 1 }));
    const caller = define("caller", function* (ctx) {
      yield ctx.callActivity(chatty);
    });
    const hub = await openHub([caller, chatty], { logger });
    await run(hub, caller);
    expect(logger.lines.filter((line) => line.message === "chatty was here")).toMatchObject([
      { level: "info", fields: { n: 1 } },
    ]);
  });

  it("is recorded once however its result arrives", async () => {
    const { activity, runs } = held();
    const caller = define("caller", function* (ctx) {
      const result = yield* ctx.callActivity(activity);
      yield ctx.waitForExternalEvent("go on");
      return result;
    });
    const hub = await openHub([caller, activity]);
    const { instanceId } = await run(hub, caller);
    runs[0]?.resolve("first");
    runs[0]?.resolve("second");
    await hub.runUntilIdle();
    await hub.raiseOrchestrationEvent(instanceId, "go on");
    await hub.runUntilIdle();
    expect(await stateOf(hub, instanceId)).toMatchObject({ output: "first" });
    expect(eventsOf(await hub.getOrchestrationHistory(instanceId), "TaskCompleted")).toHaveLength(1);
  });

  it("is refused a call with an empty name at the call", async () => {
    const caller = define("caller", function* (ctx) {
      yield ctx.callActivity("");
    });
    const hub = await openHub([caller]);
    const state = await run(hub, caller);
    expect(state.runtimeStatus).toBe("Failed");
    expect(await hub.getOrchestrationHistory(state.instanceId)).not.toContainEqual(
      expect.objectContaining({ type: "TaskScheduled" }),
    );
  });

  it.each([
    ["a negative timeout", { timeoutMs: -1 }],
    ["a timeout that is no number", { timeoutMs: Number.NaN }],
    ["zero attempts", { retry: { maxAttempts: 0, firstRetryInterval: 1_000 } }],
    ["half an attempt", { retry: { maxAttempts: 1.5, firstRetryInterval: 1_000 } }],
    ["endless attempts", { retry: { maxAttempts: Number.POSITIVE_INFINITY, firstRetryInterval: 1_000 } }],
    ["no first interval", { retry: { maxAttempts: 2, firstRetryInterval: 0 } }],
    ["a negative first interval", { retry: { maxAttempts: 2, firstRetryInterval: -1 } }],
    ["a shrinking backoff", { retry: { maxAttempts: 2, firstRetryInterval: 1_000, backoffCoefficient: 0.5 } }],
    ["an endless backoff", { retry: { maxAttempts: 2, firstRetryInterval: 1_000, backoffCoefficient: Infinity } }],
    [
      "a longest interval below the first",
      { retry: { maxAttempts: 2, firstRetryInterval: 1_000, maxRetryInterval: 10 } },
    ],
    ["a negative retry timeout", { retry: { maxAttempts: 2, firstRetryInterval: 1_000, retryTimeout: -1 } }],
  ])("is refused a call with %s at the call, which schedules nothing", async (_what, options) => {
    const work = defineActivity("work", () => 1);
    const caller = define("caller", function* (ctx) {
      try {
        yield ctx.callActivity(work, undefined, options);
      } catch (error) {
        return error instanceof Error ? "refused" : "odd";
      }
      return "taken";
    });
    const hub = await openHub([caller, work]);
    const { output, instanceId } = await run(hub, caller);
    expect(output).toBe("refused");
    expect(eventsOf(await hub.getOrchestrationHistory(instanceId), "TaskScheduled")).toEqual([]);
  });
});

inEveryShape("a call that was prefetched", (define) => {
  const fail = defineActivity("fail", () => {
    throw new RangeError("out of range");
  });
  const work = defineActivity("work", () => "ok");

  it("throws when it is awaited although it failed long before", async () => {
    const prefetch = define("prefetch", function* (ctx) {
      const doomed = ctx.callActivity(fail);
      const result = yield* ctx.callActivity(work);
      const waited = doomed.isFailed;
      try {
        yield doomed;
      } catch (error) {
        return [result, waited, error instanceof Error && error.name];
      }
      return "nothing was thrown";
    });
    const hub = await openHub([prefetch, fail, work]);
    expect(await outputOf(hub, prefetch)).toEqual(["ok", true, "TaskFailedError"]);
  });

  it("fails the orchestration when nobody catches it", async () => {
    const prefetch = define("prefetch", function* (ctx) {
      const doomed = ctx.callActivity(fail);
      yield ctx.callActivity(work);
      yield doomed;
    });
    const hub = await openHub([prefetch, fail, work]);
    const failure = await failureOf(hub, prefetch);
    expect(failure.isCausedBy("RangeError")).toBe(true);
    expect(failure.errorMessage).toContain("out of range");
  });

  it("harms nobody when it failed and is never awaited", async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    try {
      const careless = define("careless", function* (ctx) {
        ctx.callActivity(fail);
        return yield* ctx.callActivity(work);
      });
      const hub = await openHub([careless, fail, work]);
      expect(await outputOf(hub, careless)).toBe("ok");
      await new Promise((resolve) => setImmediate(resolve));
      expect(unhandled).toEqual([]);
    } finally {
      process.off("unhandledRejection", note);
    }
  });
});

describe("mocked activities", () => {
  it("are what the mock says, with the options of the definition", async () => {
    const { activity } = held();
    const flaky = defineActivity({
      name: "flaky",
      retry: { maxAttempts: 3, firstRetryInterval: 1_000 },
      run: (): string => "real",
    });
    const { defineOrchestrator } = await import("holdfast");
    const caller = defineOrchestrator("caller", async (ctx) => ctx.callActivity(flaky));
    const hub = await openHub([caller, flaky, activity]);
    const attempts: number[] = [];
    hub.mockActivity(flaky, (ctx) => {
      attempts.push(ctx.attempt);
      if (ctx.attempt < 3) throw new Error("not yet");
      return "mocked";
    });
    expect(await outputOf(hub, caller, undefined, { advance: 5_000 })).toBe("mocked");
    expect(attempts).toEqual([1, 2, 3]);
  });
});
