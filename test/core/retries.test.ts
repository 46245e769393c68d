/** Retries: the order in which the decision is made, the delays, and what each attempt leaves in the history. */
import {
  defineActivity,
  defineOrchestrator,
  type FailureDetails,
  MemoryStore,
  NonRetriableError,
  type Retry,
  type RetryContext,
  type RetryPolicy,
  type TaskFailedError,
  whenAll,
} from "holdfast";
import { describe, expect, it } from "vitest";
import { eventsOf, failureOf, glance, keepingLogger, openHub, outputOf, run, stateOf, throwValue } from "./running.ts";
import { inEveryShape } from "./shapes.ts";

const DAY = { days: 1 };

/** An activity that fails as often as it is told, and notes when it ran. */
function flaky(failures: number, error: () => unknown = () => new RangeError("not yet")) {
  const attempts: { readonly attempt: number; readonly key: string; readonly taskId: number; readonly atMs: number }[] =
    [];
  let clock = (): number => 0;
  const activity = defineActivity("flaky", (ctx, _input: unknown) => {
    attempts.push({ attempt: ctx.attempt, key: ctx.idempotencyKey, taskId: ctx.taskId, atMs: clock() });
    if (attempts.length <= failures) throwValue(error());
    return `done at ${attempts.length}`;
  });
  return {
    activity,
    attempts,
    use: (now: () => Date): void => {
      const start = now().getTime();
      clock = () => now().getTime() - start;
    },
    times: (): number[] => attempts.map(({ atMs }) => atMs),
  };
}

inEveryShape("a retry policy", (define) => {
  /** Runs one call with a policy, and tells when its attempts ran. */
  async function attempt(retry: Retry | undefined, failures: number, error?: () => unknown) {
    const { activity, attempts, use, times } = flaky(failures, error);
    const caller = define("caller", function* (ctx) {
      return yield* ctx.callActivity(activity, undefined, retry === undefined ? {} : { retry });
    });
    const hub = await openHub([caller, activity]);
    use(() => hub.now);
    const state = await run(hub, caller, undefined, { advance: { days: 30 } });
    return { state, attempts, times: times(), history: await hub.getOrchestrationHistory(state.instanceId) };
  }

  it("is not needed for a call that succeeds: nothing is scheduled twice", async () => {
    const { state, times } = await attempt({ maxAttempts: 5, firstRetryInterval: 1_000 }, 0);
    expect(state.output).toBe("done at 1");
    expect(times).toEqual([0]);
  });

  it("is absent unless it is given: a call fails with its first failure", async () => {
    const { state, times } = await attempt(undefined, 1);
    expect(state.runtimeStatus).toBe("Failed");
    expect(times).toEqual([0]);
  });

  it("tries again until an attempt succeeds, after the first interval each time", async () => {
    const { state, times } = await attempt({ maxAttempts: 5, firstRetryInterval: { seconds: 2 } }, 3);
    expect(state).toMatchObject({ runtimeStatus: "Completed", output: "done at 4" });
    expect(times).toEqual([0, 2_000, 4_000, 6_000]);
  });

  it("stops after maxAttempts attempts, the first included, with the last failure", async () => {
    let n = 0;
    const { state, times } = await attempt(
      { maxAttempts: 3, firstRetryInterval: 1_000 },
      99,
      () => new Error(`no ${++n}`),
    );
    expect(times).toEqual([0, 1_000, 2_000]);
    expect(state.runtimeStatus).toBe("Failed");
    expect(state.failure?.errorMessage).toContain("no 3");
    expect(state.failure?.errorMessage).not.toContain("no 1");
  });

  it("of one attempt never tries again", async () => {
    const { state, times } = await attempt({ maxAttempts: 1, firstRetryInterval: 1_000 }, 1);
    expect(state.runtimeStatus).toBe("Failed");
    expect(times).toEqual([0]);
  });

  it("multiplies the delay by its backoff coefficient", async () => {
    const { times } = await attempt({ maxAttempts: 5, firstRetryInterval: 1_000, backoffCoefficient: 2 }, 99);
    expect(times).toEqual([0, 1_000, 3_000, 7_000, 15_000]);
  });

  it("takes a backoff coefficient that is no whole number", async () => {
    const { times } = await attempt({ maxAttempts: 4, firstRetryInterval: 1_000, backoffCoefficient: 1.5 }, 99);
    expect(times).toEqual([0, 1_000, 2_500, 4_750]);
  });

  it("never waits longer than maxRetryInterval", async () => {
    const { times } = await attempt(
      { maxAttempts: 5, firstRetryInterval: 1_000, backoffCoefficient: 10, maxRetryInterval: { seconds: 15 } },
      99,
    );
    expect(times).toEqual([0, 1_000, 11_000, 26_000, 41_000]);
  });

  it("never waits longer than an hour unless it says so", async () => {
    const minute = 60_000;
    const first = await attempt({ maxAttempts: 4, firstRetryInterval: { minutes: 30 }, backoffCoefficient: 3 }, 99);
    expect(first.times).toEqual([0, 30 * minute, 90 * minute, 150 * minute]);
  });

  it("waits longer than an hour when it says so", async () => {
    const hour = 3_600_000;
    const { times } = await attempt(
      { maxAttempts: 3, firstRetryInterval: { hours: 5 }, maxRetryInterval: { days: 1 }, backoffCoefficient: 2 },
      99,
    );
    expect(times).toEqual([0, 5 * hour, 15 * hour]);
  });

  it("begins no attempt when its retryTimeout has passed", async () => {
    const { state, times } = await attempt({ maxAttempts: 99, firstRetryInterval: 1_000, retryTimeout: 3_500 }, 99);
    expect(times).toEqual([0, 1_000, 2_000, 3_000]);
    expect(state.runtimeStatus).toBe("Failed");
    expect(state.completedAt?.getTime()).toBe(state.createdAt.getTime() + 3_000);
  });

  it("still begins the attempt that falls on its retryTimeout", async () => {
    const { times } = await attempt({ maxAttempts: 99, firstRetryInterval: 1_000, retryTimeout: 3_000 }, 99);
    expect(times).toEqual([0, 1_000, 2_000, 3_000]);
  });

  it("gives up at once when the next delay would pass its retryTimeout", async () => {
    const { state, times } = await attempt(
      { maxAttempts: 99, firstRetryInterval: 1_000, backoffCoefficient: 10, retryTimeout: 5_000 },
      99,
    );
    expect(times).toEqual([0, 1_000]);
    expect(state.completedAt?.getTime()).toBe(state.createdAt.getTime() + 1_000);
  });

  it("stops at a NonRetriableError, whatever else it says", async () => {
    const { state, times } = await attempt(
      { maxAttempts: 9, firstRetryInterval: 1_000, handleFailure: () => true },
      99,
      () => new NonRetriableError("pointless"),
    );
    expect(times).toEqual([0]);
    expect(state.failure?.isCausedBy("NonRetriableError")).toBe(true);
    expect(state.failure?.errorMessage).toContain("pointless");
  });

  it("does not ask handleFailure about what cannot be tried again", async () => {
    let asked = 0;
    await attempt(
      { maxAttempts: 9, firstRetryInterval: 1_000, handleFailure: () => ++asked > 0 },
      99,
      () => new NonRetriableError("pointless"),
    );
    expect(asked).toBe(0);
  });

  it("asks handleFailure with the failure, and stops when it says false", async () => {
    const seen: [string, string, boolean][] = [];
    const handleFailure = (failure: FailureDetails): boolean => {
      seen.push([failure.errorType, failure.errorMessage, failure.isCausedBy("TypeError")]);
      return seen.length < 3;
    };
    const { state, times } = await attempt(
      { maxAttempts: 9, firstRetryInterval: 1_000, handleFailure },
      99,
      () => new RangeError("too far", { cause: new TypeError("inside") }),
    );
    expect(times).toEqual([0, 1_000, 2_000]);
    expect(seen).toEqual(Array.from({ length: 3 }, () => ["RangeError", "too far", true]));
    expect(state.runtimeStatus).toBe("Failed");
    expect(state.failure?.isCausedBy("RangeError")).toBe(true);
  });

  it("decides by the type of the error through handleFailure", async () => {
    let n = 0;
    const errors = [() => new RangeError("again"), () => new TypeError("no more")];
    const { times } = await attempt(
      { maxAttempts: 9, firstRetryInterval: 1_000, handleFailure: ({ errorType }) => errorType === "RangeError" },
      99,
      () => errors[n++]?.(),
    );
    expect(times).toEqual([0, 1_000]);
  });

  it("asks handleFailure before it counts attempts", async () => {
    let asked = 0;
    await attempt({ maxAttempts: 1, firstRetryInterval: 1_000, handleFailure: () => ++asked > 0 }, 99);
    expect(asked).toBe(1);
  });

  it("stops with the original failure when handleFailure throws", async () => {
    const { state, times } = await attempt(
      {
        maxAttempts: 9,
        firstRetryInterval: 1_000,
        handleFailure: () => throwValue(new Error("a bug in the handler")),
      },
      99,
    );
    expect(times).toEqual([0]);
    expect(state.failure?.isCausedBy("RangeError")).toBe(true);
    expect(state.failure?.errorMessage).toContain("not yet");
  });

  it("makes a timer and a call with numbers of their own for every further attempt, and resumes no code in between", async () => {
    const { history } = await attempt({ maxAttempts: 3, firstRetryInterval: 1_000 }, 2);
    expect(glance(history)).toEqual([
      "OrchestratorStarted",
      "ExecutionStarted#0",
      "TaskScheduled#1",
      "OrchestratorStarted",
      "TaskFailed",
      "TimerCreated#2",
      "OrchestratorStarted",
      "TimerFired",
      "TaskScheduled#3",
      "OrchestratorStarted",
      "TaskFailed",
      "TimerCreated#4",
      "OrchestratorStarted",
      "TimerFired",
      "TaskScheduled#5",
      "OrchestratorStarted",
      "TaskCompleted",
      "ExecutionCompleted#6",
    ]);
  });

  it("makes no timer after the last attempt", async () => {
    const { history } = await attempt({ maxAttempts: 2, firstRetryInterval: 1_000 }, 99);
    expect(eventsOf(history, "TimerCreated")).toHaveLength(1);
  });

  it("counts attempts from 1, and gives all of them one idempotency key and task ids of their own", async () => {
    const { attempts } = await attempt({ maxAttempts: 4, firstRetryInterval: 1_000 }, 3);
    expect(attempts.map((one) => one.attempt)).toEqual([1, 2, 3, 4]);
    expect(new Set(attempts.map((one) => one.key)).size).toBe(1);
    expect(attempts.map((one) => one.taskId)).toEqual([1, 3, 5, 7]);
  });

  it("gives each of two calls a key of its own, for all of its attempts", async () => {
    const { activity, attempts } = flaky(2);
    const caller = define("caller", function* (ctx) {
      const retry = { maxAttempts: 3, firstRetryInterval: 1_000 };
      yield whenAll([ctx.callActivity(activity, 1, { retry }), ctx.callActivity(activity, 2, { retry })]);
    });
    const hub = await openHub([caller, activity]);
    expect((await run(hub, caller, undefined, { advance: DAY })).runtimeStatus).toBe("Completed");
    expect(attempts).toHaveLength(4);
    const keys = attempts.map(({ key }) => key);
    expect(new Set(keys).size).toBe(2);
    expect(keys.slice(0, 2).toSorted()).toEqual(keys.slice(2).toSorted());
  });

  it("of the definition is used, and one given at the call wins", async () => {
    const attempts: string[] = [];
    const stubborn = defineActivity({
      name: "stubborn",
      retry: { maxAttempts: 2, firstRetryInterval: 1_000 },
      run: (_ctx, who: string): string => {
        attempts.push(who);
        throw new Error("no");
      },
    });
    const caller = define("caller", function* (ctx) {
      for (const options of [
        undefined,
        { retry: { maxAttempts: 4, firstRetryInterval: 1 } },
        { retry: { maxAttempts: 1, firstRetryInterval: 1 } },
      ]) {
        try {
          yield ctx.callActivity(stubborn, String(options?.retry.maxAttempts), options);
        } catch {}
      }
    });
    const hub = await openHub([caller, stubborn]);
    expect((await run(hub, caller, undefined, { advance: DAY })).runtimeStatus).toBe("Completed");
    expect(attempts).toEqual(["undefined", "undefined", "4", "4", "4", "4", "1"]);
  });

  it("of the definition is used for a call by name, too", async () => {
    let attempts = 0;
    const stubborn = defineActivity({
      name: "stubborn",
      retry: { maxAttempts: 3, firstRetryInterval: 1_000 },
      run: () => (++attempts < 3 ? throwValue(new Error("no")) : attempts),
    });
    const caller = define("caller", function* (ctx) {
      return yield* ctx.callActivity<number>("stubborn");
    });
    const hub = await openHub([caller, stubborn]);
    expect(await outputOf(hub, caller, undefined, { advance: DAY })).toBe(3);
  });

  it("goes on where it was when the hub is closed and opened between two attempts", async () => {
    const { activity, attempts } = flaky(2);
    const caller = define("caller", function* (ctx) {
      return yield* ctx.callActivity(activity, undefined, { retry: { maxAttempts: 3, firstRetryInterval: 60_000 } });
    });
    const store = new MemoryStore();
    let hub = await openHub([caller, activity], { store });
    await run(hub, caller, undefined, { instanceId: "i" });
    for (let round = 0; round < 2; round++) {
      await hub.close();
      hub = await openHub([caller, activity], { store, startAt: hub.now });
      await hub.advance(59_999);
      expect(attempts).toHaveLength(round + 1);
      await hub.advance(1);
    }
    expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: "done at 3" });
    expect(attempts.map((one) => [one.attempt, one.taskId])).toEqual([
      [1, 1],
      [2, 3],
      [3, 5],
    ]);
  });

  it("is stopped by termination: no further attempt begins", async () => {
    const { activity, attempts } = flaky(99);
    const caller = define("caller", function* (ctx) {
      yield ctx.callActivity(activity, undefined, { retry: { maxAttempts: 99, firstRetryInterval: 1_000 } });
    });
    const hub = await openHub([caller, activity]);
    await run(hub, caller, undefined, { instanceId: "i", advance: 1_500 });
    await hub.terminateOrchestration("i");
    await hub.advance(DAY);
    expect(attempts).toHaveLength(2);
  });

  it("leaves its task open until the last attempt, so that whenAny does not see a failure before", async () => {
    const { activity } = flaky(1);
    const caller = define("caller", function* (ctx) {
      const task = ctx.callActivity(activity, undefined, { retry: { maxAttempts: 2, firstRetryInterval: 10_000 } });
      yield ctx.createTimer(5_000);
      const look = [task.isCompleted, task.isFailed, task.error];
      return [...look, yield* task];
    });
    const hub = await openHub([caller, activity]);
    expect(await outputOf(hub, caller, undefined, { advance: DAY })).toEqual([false, false, undefined, "done at 2"]);
  });
});

inEveryShape("a retry handler", (define) => {
  async function attempt(retry: Retry, failures: number, error?: () => unknown) {
    const { activity, use, times } = flaky(failures, error);
    const logger = keepingLogger();
    const caller = define("caller", function* (ctx) {
      return yield* ctx.callActivity(activity, undefined, { retry });
    });
    const hub = await openHub([caller, activity], { logger });
    use(() => hub.now);
    const state = await run(hub, caller, undefined, { advance: { days: 30 } });
    return { state, times: times(), history: await hub.getOrchestrationHistory(state.instanceId), logger };
  }

  it("that says true has the call tried again at once, without a timer", async () => {
    const { state, times, history } = await attempt(({ lastAttemptNumber }) => lastAttemptNumber < 3, 99);
    expect(times).toEqual([0, 0, 0]);
    expect(state.runtimeStatus).toBe("Failed");
    expect(glance(history)).toEqual([
      "OrchestratorStarted",
      "ExecutionStarted#0",
      "TaskScheduled#1",
      "OrchestratorStarted",
      "TaskFailed",
      "TaskScheduled#2",
      "OrchestratorStarted",
      "TaskFailed",
      "TaskScheduled#3",
      "OrchestratorStarted",
      "TaskFailed",
      "ExecutionCompleted#4",
    ]);
  });

  it("that says a duration has the call tried again after it", async () => {
    const { state, times } = await attempt(
      ({ lastAttemptNumber }) => (lastAttemptNumber === 1 ? 2_000 : { seconds: 5 }),
      2,
    );
    expect(state.output).toBe("done at 3");
    expect(times).toEqual([0, 2_000, 7_000]);
  });

  it("that says 0 has the call tried again at once", async () => {
    const { state, times } = await attempt(() => 0, 1);
    expect(state.output).toBe("done at 2");
    expect(times).toEqual([0, 0]);
  });

  it.each<[string, unknown]>([
    ["false", false],
    ["undefined", undefined],
    ["null", null],
    ["NaN", Number.NaN],
    ["Infinity", Number.POSITIVE_INFINITY],
    ["a text", "again"],
  ])("that says %s stops with the original failure", async (_what, answer) => {
    const { state, times } = await attempt(() => answer as boolean, 99);
    expect(times).toEqual([0]);
    expect(state.runtimeStatus).toBe("Failed");
    expect(state.failure?.isCausedBy("RangeError")).toBe(true);
  });

  it("that throws stops with the original failure", async () => {
    const { state, times } = await attempt(() => throwValue(new Error("a bug in the handler")), 99);
    expect(times).toEqual([0]);
    expect(state.failure?.isCausedBy("RangeError")).toBe(true);
    expect(state.failure?.errorMessage).not.toContain("a bug in the handler");
  });

  it("hears of the attempt, the failure, the time since the first call and the orchestration", async () => {
    const heard: unknown[] = [];
    await attempt((retry: RetryContext) => {
      const { lastAttemptNumber, lastFailure, totalRetryTimeMs, orchestrationContext } = retry;
      heard.push([
        lastAttemptNumber,
        lastFailure.errorType,
        lastFailure.errorMessage,
        totalRetryTimeMs,
        orchestrationContext.name,
      ]);
      return lastAttemptNumber < 3 && 1_500;
    }, 99);
    expect(heard).toEqual([
      [1, "RangeError", "not yet", 0, "caller"],
      [2, "RangeError", "not yet", 1_500, "caller"],
      [3, "RangeError", "not yet", 3_000, "caller"],
    ]);
  });

  it("is not asked about what cannot be tried again", async () => {
    let asked = 0;
    const { times } = await attempt(
      () => ++asked > 0,
      99,
      () => new NonRetriableError("pointless"),
    );
    expect(times).toEqual([0]);
    expect(asked).toBe(0);
  });

  it("is asked about sub-orchestrations, too", async () => {
    let runs = 0;
    const child = define("child", function* (ctx) {
      yield ctx.createTimer(0);
      if (++runs < 3) throw new Error("again");
      return runs;
    });
    const parent = define("parent", function* (ctx) {
      return yield* ctx.callSubOrchestrator(child, undefined, {
        retry: ({ lastAttemptNumber }) => lastAttemptNumber < 5,
      });
    });
    const hub = await openHub([parent, child]);
    expect(await outputOf(hub, parent, undefined, { advance: 1_000 })).toBe(3);
  });
});

describe("an asynchronous retry handler", () => {
  const caller = (retry: Retry, activity: ReturnType<typeof flaky>["activity"]) =>
    defineOrchestrator("caller", async (ctx) => ctx.callActivity(activity, undefined, { retry }));

  it("decides when its promise does", async () => {
    const { activity, attempts } = flaky(2);
    const patient = caller(async ({ lastAttemptNumber }) => {
      await Promise.resolve();
      return lastAttemptNumber < 5 && 1_000;
    }, activity);
    const hub = await openHub([patient, activity]);
    expect(await outputOf(hub, patient, undefined, { advance: DAY })).toBe("done at 3");
    expect(attempts).toHaveLength(3);
  });

  it("stops with the original failure when its promise rejects", async () => {
    const { activity, attempts } = flaky(99);
    const failing = caller(() => Promise.reject(new Error("a bug in the handler")), activity);
    const hub = await openHub([failing, activity]);
    expect((await failureOf(hub, failing, undefined, { advance: DAY })).isCausedBy("RangeError")).toBe(true);
    expect(attempts).toHaveLength(1);
  });

  it("decides the same on replay", async () => {
    const { activity } = flaky(2);
    const store = new MemoryStore();
    const patient = caller(async ({ lastAttemptNumber }) => lastAttemptNumber < 5 && 60_000, activity);
    let hub = await openHub([patient, activity], { store });
    await run(hub, patient, undefined, { instanceId: "i" });
    for (let round = 0; round < 2; round++) {
      await hub.close();
      hub = await openHub([patient, activity], { store, startAt: hub.now });
      await hub.advance(60_000);
    }
    expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: "done at 3" });
  });
});

describe("retries and failures", () => {
  const policies: [string, RetryPolicy | undefined][] = [
    ["without retries", undefined],
    ["after retries", { maxAttempts: 2, firstRetryInterval: 1_000 }],
  ];

  it.each(policies)("the task fails with the failure of the last attempt, %s", async (_what, retry) => {
    const { activity, attempts } = flaky(99, () => Object.assign(new RangeError("no"), { attempt: attempts.length }));
    const caller = defineOrchestrator("caller", async (ctx) => {
      try {
        await ctx.callActivity(activity, undefined, retry && { retry });
      } catch (error) {
        const { name, failure } = error as TaskFailedError;
        return [name, failure.errorType, failure.errorMessage, failure.properties];
      }
      return [];
    });
    const hub = await openHub([caller, activity]);
    expect(await outputOf(hub, caller, undefined, { advance: DAY })).toEqual([
      "TaskFailedError",
      "RangeError",
      "no",
      { attempt: retry?.maxAttempts ?? 1 },
    ]);
  });

  it("a failure caught by the code is not tried again by anybody", async () => {
    const { activity, attempts } = flaky(99);
    const caller = defineOrchestrator("caller", async (ctx) => {
      await ctx.callActivity(activity).catch(() => {});
      await ctx.createTimer(1_000);
      return attempts.length;
    });
    const hub = await openHub([caller, activity]);
    expect(await outputOf(hub, caller, undefined, { advance: DAY })).toBe(1);
  });
});
