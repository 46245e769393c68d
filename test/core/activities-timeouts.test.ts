/** Start-to-close, schedule-to-close and heartbeat timeouts: when they count from, what they end, and what follows. */
import {
  type ActivityOptions,
  defineActivity,
  type FailureDetails,
  MemoryStore,
  type OrchestrationState,
  type Retry,
} from "holdfast";
import type { TestTaskHub } from "holdfast/testing";
import { describe, expect, it } from "vitest";
import { type HeldOptions, held, openAfterCrash, reasonOf, reopen, runOf } from "./held-activity.ts";
import { eventsOf, openHub, run, stateOf } from "./running.ts";
import { type Define, inEveryShape } from "./shapes.ts";

const RETRY: Retry = { maxAttempts: 3, firstRetryInterval: 1_000 };

/** A hub with one orchestration `one` that calls a held activity. */
async function calling(
  define: Define,
  definition: HeldOptions,
  call: ActivityOptions = {},
  store: MemoryStore = new MemoryStore(),
) {
  const { activity, runs } = held(definition);
  const caller = define("caller", function* (ctx) {
    return yield* ctx.callActivity(activity, undefined, call);
  });
  const functions = [caller, activity];
  const hub = await openHub(functions, { store });
  await run(hub, caller, undefined, { instanceId: "one" });
  return { hub, runs, functions, store };
}

/** The failure of the call that failed the orchestration. */
function callFailure(state: OrchestrationState): FailureDetails {
  const failure = state.failure?.innerFailure;
  if (state.runtimeStatus !== "Failed" || !failure) throw new Error(`The orchestration is ${state.runtimeStatus}.`);
  return failure;
}

async function statusOf(hub: TestTaskHub): Promise<string> {
  return (await stateOf(hub, "one")).runtimeStatus;
}

function timedOut(timeoutType: string) {
  return { errorType: "TimeoutError", properties: { code: "timeout", timeoutType } };
}

inEveryShape("a start-to-close timeout", (define) => {
  it("fails an attempt that takes longer, at that instant and not before", async () => {
    const { hub } = await calling(define, { timeoutMs: 5_000 });
    await hub.advance(4_999);
    expect(await statusOf(hub)).toBe("Running");
    await hub.advance(1);
    expect(callFailure(await stateOf(hub, "one"))).toMatchObject(timedOut("startToClose"));
    expect((await stateOf(hub, "one")).completedAt).toEqual(hub.now);
  });

  it("is not in the way of an attempt that ends in time", async () => {
    const { hub, runs } = await calling(define, { timeoutMs: 5_000 });
    await hub.advance(4_999);
    runOf(runs, 0).resolve("in time");
    await hub.advance(10_000);
    expect(await stateOf(hub, "one")).toMatchObject({ runtimeStatus: "Completed", output: "in time" });
    expect(runOf(runs, 0).ctx.signal.aborted).toBe(false);
  });

  it("tells the attempt through its signal, with an error that says which timeout it was", async () => {
    const { hub, runs } = await calling(define, { timeoutMs: 5_000 });
    await hub.advance(5_000);
    expect(reasonOf(runOf(runs, 0))).toMatchObject({
      name: "TimeoutError",
      code: "timeout",
      timeoutType: "startToClose",
    });
    expect(reasonOf(runOf(runs, 0)).message).toContain("5000 ms");
  });

  it.each(["a result", "a failure"])("is final: %s that comes later is dropped", async (what) => {
    const { hub, runs } = await calling(define, { timeoutMs: 5_000, retry: RETRY });
    await hub.advance(5_000);
    if (what === "a result") runOf(runs, 0).resolve("too late");
    else runOf(runs, 0).reject(new Error("too late"));
    await hub.advance(1_000);
    expect(runs).toHaveLength(2);
    runOf(runs, 1).resolve("second");
    await hub.runUntilIdle();
    expect(await stateOf(hub, "one")).toMatchObject({ output: "second" });
    expect(JSON.stringify(await hub.getOrchestrationHistory("one"))).not.toContain("too late");
  });

  it("can be given at the call, where it wins over the definition's", async () => {
    const { hub } = await calling(define, { timeoutMs: 5_000 }, { timeoutMs: 7_000 });
    await hub.advance(6_999);
    expect(await statusOf(hub)).toBe("Running");
    await hub.advance(1);
    expect(callFailure(await stateOf(hub, "one"))).toMatchObject(timedOut("startToClose"));
  });

  it("is the definition's for a call by name too", async () => {
    const { activity } = held({ timeoutMs: 5_000 });
    const caller = define("caller", function* (ctx) {
      return yield* ctx.callActivity("held");
    });
    const hub = await openHub([caller, activity]);
    await run(hub, caller, undefined, { instanceId: "one", advance: 5_000 });
    expect(callFailure(await stateOf(hub, "one"))).toMatchObject(timedOut("startToClose"));
  });

  it("gives every attempt of a retry policy a time of its own", async () => {
    const { hub, runs } = await calling(define, { timeoutMs: 5_000, retry: RETRY });
    await hub.advance(5_999);
    expect(runs).toHaveLength(1);
    await hub.advance(1);
    expect(runs.map(({ ctx }) => ctx.attempt)).toEqual([1, 2]);
    await hub.advance(4_999);
    expect(runOf(runs, 1).ctx.signal.aborted).toBe(false);
    await hub.advance(1_001);
    expect(runs.map(({ ctx }) => ctx.attempt)).toEqual([1, 2, 3]);
    await hub.advance(5_000);
    expect(callFailure(await stateOf(hub, "one"))).toMatchObject(timedOut("startToClose"));
    expect(runs).toHaveLength(3);
  });

  it("is what a retry handler and handleFailure see as the failure", async () => {
    const seen: unknown[] = [];
    const note = (failure: FailureDetails): boolean => {
      seen.push(failure.errorType, failure.properties?.timeoutType);
      return false;
    };
    const policy = await calling(define, { timeoutMs: 5_000, retry: { ...RETRY, handleFailure: note } });
    await policy.hub.advance(5_000);
    const handler = await calling(define, { timeoutMs: 5_000, retry: ({ lastFailure }) => note(lastFailure) });
    await handler.hub.advance(5_000);
    expect(seen).toEqual(["TimeoutError", "startToClose", "TimeoutError", "startToClose"]);
  });

  it("counts from the start of the attempt, not while it queues", async () => {
    const { activity, runs } = held({ timeoutMs: 5_000, maxConcurrency: 1 });
    const caller = define("caller", function* (ctx) {
      const [first, second] = [ctx.callActivity(activity, 1), ctx.callActivity(activity, 2)];
      yield first;
      return yield* second;
    });
    const hub = await openHub([caller, activity]);
    await run(hub, caller, undefined, { instanceId: "one", advance: 4_000 });
    expect(runs).toHaveLength(1);
    runOf(runs, 0).resolve();
    await hub.advance(4_999);
    expect(await statusOf(hub)).toBe("Running");
    await hub.advance(1);
    expect(callFailure(await stateOf(hub, "one"))).toMatchObject(timedOut("startToClose"));
  });

  it.each([
    ["closed", reopen],
    ["abandoned", openAfterCrash],
  ])("begins anew with the attempt after the hub was %s", async (_how, next) => {
    const { hub, runs, functions, store } = await calling(define, { timeoutMs: 5_000 });
    await hub.advance(4_000);
    const second = await next(hub, functions, store, 60_000);
    await second.advance(4_999);
    expect(runs).toHaveLength(2);
    expect(await statusOf(second)).toBe("Running");
    await second.advance(1);
    expect(callFailure(await stateOf(second, "one"))).toMatchObject(timedOut("startToClose"));
  });

  it("does not stop for a suspended orchestration, which hears of it when it is resumed", async () => {
    const { hub } = await calling(define, { timeoutMs: 5_000 });
    await hub.suspendOrchestration("one");
    await hub.advance(10_000);
    expect(await statusOf(hub)).toBe("Suspended");
    await hub.resumeOrchestration("one");
    await hub.runUntilIdle();
    expect(callFailure(await stateOf(hub, "one"))).toMatchObject(timedOut("startToClose"));
  });

  it("lets a handler that answers at once do so", async () => {
    const quick = defineActivity({ name: "quick", timeoutMs: 1, heartbeatTimeoutMs: 1, run: () => "done" });
    const caller = define("caller", function* (ctx) {
      return yield* ctx.callActivity(quick);
    });
    const hub = await openHub([caller, quick]);
    expect(await run(hub, caller, undefined, { advance: 10 })).toMatchObject({ output: "done" });
  });

  it("can be longer than a timer of the host", async () => {
    const { hub } = await calling(define, { timeoutMs: 90 * 86_400_000 });
    await hub.advance({ days: 89, hours: 23 });
    expect(await statusOf(hub)).toBe("Running");
    await hub.advance({ hours: 1 });
    expect(await statusOf(hub)).toBe("Failed");
  });
});

inEveryShape("a schedule-to-close timeout", (define) => {
  it("fails a call whose attempt is still running, at that instant and not before", async () => {
    const { hub, runs } = await calling(define, { scheduleToCloseTimeoutMs: 5_000 });
    await hub.advance(4_999);
    expect(await statusOf(hub)).toBe("Running");
    await hub.advance(1);
    expect(callFailure(await stateOf(hub, "one"))).toMatchObject(timedOut("scheduleToClose"));
    expect(reasonOf(runOf(runs, 0))).toMatchObject({ name: "TimeoutError", timeoutType: "scheduleToClose" });
  });

  it("fails a call that is still in the queue, which then never starts", async () => {
    const { activity, runs } = held({ scheduleToCloseTimeoutMs: 5_000, maxConcurrency: 1 });
    const blocker = define("blocker", function* (ctx) {
      return yield* ctx.callActivity(activity, "blocker", { scheduleToCloseTimeoutMs: 60_000 });
    });
    const caller = define("caller", function* (ctx) {
      return yield* ctx.callActivity(activity, "caller");
    });
    const hub = await openHub([blocker, caller, activity]);
    await run(hub, blocker);
    await run(hub, caller, undefined, { instanceId: "one", advance: 4_999 });
    expect(await statusOf(hub)).toBe("Running");
    await hub.advance(1);
    expect(callFailure(await stateOf(hub, "one"))).toMatchObject(timedOut("scheduleToClose"));
    runOf(runs, 0).resolve();
    await hub.runUntilIdle();
    expect(runs.map(({ input }) => input)).toEqual(["blocker"]);
  });

  it("fails a call between two attempts at that instant, with the last failure as its cause", async () => {
    const { hub, runs } = await calling(define, {
      scheduleToCloseTimeoutMs: 5_000,
      retry: { maxAttempts: 9, firstRetryInterval: 60_000 },
    });
    await hub.advance(1_000);
    runOf(runs, 0).reject(new RangeError("first"));
    await hub.advance(3_999);
    expect(await statusOf(hub)).toBe("Running");
    await hub.advance(1);
    const failure = callFailure(await stateOf(hub, "one"));
    expect(failure).toMatchObject({ ...timedOut("scheduleToClose"), innerFailure: { errorType: "RangeError" } });
    await hub.advance({ hours: 1 });
    expect(runs).toHaveLength(1);
  });

  it("counts retries in: what is left for the last attempt is what the ones before left", async () => {
    const { hub, runs } = await calling(define, { scheduleToCloseTimeoutMs: 5_000, retry: RETRY });
    await hub.advance(1_500);
    runOf(runs, 0).reject(new Error("first"));
    await hub.advance(1_000);
    expect(runs).toHaveLength(2);
    await hub.advance(2_499);
    expect(await statusOf(hub)).toBe("Running");
    await hub.advance(1);
    expect(callFailure(await stateOf(hub, "one"))).toMatchObject(timedOut("scheduleToClose"));
    await hub.advance({ hours: 1 });
    expect(runs).toHaveLength(2);
  });

  it("is not retried, and neither handler is asked", async () => {
    let asked = 0;
    const ask = (): boolean => {
      asked++;
      return true;
    };
    const policy = await calling(define, {
      scheduleToCloseTimeoutMs: 5_000,
      retry: { ...RETRY, handleFailure: ask },
    });
    await policy.hub.advance({ hours: 1 });
    expect(callFailure(await stateOf(policy.hub, "one"))).toMatchObject(timedOut("scheduleToClose"));
    const handler = await calling(define, { scheduleToCloseTimeoutMs: 5_000, retry: ask });
    await handler.hub.advance({ hours: 1 });
    expect(callFailure(await stateOf(handler.hub, "one"))).toMatchObject(timedOut("scheduleToClose"));
    expect([asked, policy.runs.length, handler.runs.length]).toEqual([0, 1, 1]);
  });

  it("ends the retries of a handler that wants to go on for ever", async () => {
    const failing = defineActivity({
      name: "failing",
      scheduleToCloseTimeoutMs: 5_000,
      retry: () => 2_000,
      run: () => {
        throw new Error("again");
      },
    });
    const caller = define("caller", function* (ctx) {
      return yield* ctx.callActivity(failing);
    });
    const hub = await openHub([caller, failing]);
    await run(hub, caller, undefined, { instanceId: "one", advance: 4_999 });
    expect(await statusOf(hub)).toBe("Running");
    await hub.advance(1);
    expect(callFailure(await stateOf(hub, "one"))).toMatchObject(timedOut("scheduleToClose"));
    expect(eventsOf(await hub.getOrchestrationHistory("one"), "TaskScheduled")).toHaveLength(3);
  });

  it("does not hide a failure that ends the call before", async () => {
    const { hub, runs } = await calling(define, { scheduleToCloseTimeoutMs: 5_000 });
    runOf(runs, 0).reject(new RangeError("mine"));
    await hub.advance(10_000);
    expect(callFailure(await stateOf(hub, "one")).errorType).toBe("RangeError");
  });

  it("can be given at the call, where it wins over the definition's", async () => {
    const { hub } = await calling(define, { scheduleToCloseTimeoutMs: 5_000 }, { scheduleToCloseTimeoutMs: 1_000 });
    await hub.advance(1_000);
    expect(callFailure(await stateOf(hub, "one"))).toMatchObject(timedOut("scheduleToClose"));
  });

  it.each([
    ["closed", reopen],
    ["abandoned", openAfterCrash],
  ])("counts on from the call after the hub was %s", async (_how, next) => {
    const { hub, runs, functions, store } = await calling(define, { scheduleToCloseTimeoutMs: 5_000 });
    await hub.advance(2_000);
    const second = await next(hub, functions, store, 1_000);
    await second.advance(1_999);
    expect(runs).toHaveLength(2);
    expect(await statusOf(second)).toBe("Running");
    await second.advance(1);
    expect(callFailure(await stateOf(second, "one"))).toMatchObject(timedOut("scheduleToClose"));
  });

  it("that passed while the hub was closed fails the call when it opens, without another run", async () => {
    const { hub, runs, functions, store } = await calling(define, { scheduleToCloseTimeoutMs: 5_000 });
    const second = await reopen(hub, functions, store, 60_000);
    await second.runUntilIdle();
    expect(callFailure(await stateOf(second, "one"))).toMatchObject(timedOut("scheduleToClose"));
    expect(runs).toHaveLength(1);
  });

  it.each([
    ["closed", reopen],
    ["abandoned", openAfterCrash],
  ])("ends a retry delay after the hub was %s in it", async (_how, next) => {
    const { hub, runs, functions, store } = await calling(define, {
      scheduleToCloseTimeoutMs: 5_000,
      retry: { maxAttempts: 9, firstRetryInterval: 60_000 },
    });
    runOf(runs, 0).reject(new RangeError("first"));
    await hub.advance(1_000);
    const second = await next(hub, functions, store, 1_000);
    await second.advance(2_999);
    expect(await statusOf(second)).toBe("Running");
    await second.advance(1);
    expect(callFailure(await stateOf(second, "one"))).toMatchObject(timedOut("scheduleToClose"));
    expect(runs).toHaveLength(1);
  });

  it("leaves a later attempt what is left of it after a restart", async () => {
    const { hub, runs, functions, store } = await calling(define, { scheduleToCloseTimeoutMs: 5_000, retry: RETRY });
    runOf(runs, 0).reject(new Error("first"));
    await hub.advance(2_000);
    const second = await openAfterCrash(hub, functions, store, 1_000);
    await second.advance(1_999);
    expect(runs.map(({ ctx }) => ctx.attempt)).toEqual([1, 2, 2]);
    expect(await statusOf(second)).toBe("Running");
    await second.advance(1);
    expect(callFailure(await stateOf(second, "one"))).toMatchObject(timedOut("scheduleToClose"));
  });

  it("and a start-to-close timeout end a call by whichever comes first", async () => {
    const attempt = await calling(define, { timeoutMs: 2_000, scheduleToCloseTimeoutMs: 5_000 });
    await attempt.hub.advance(2_000);
    expect(callFailure(await stateOf(attempt.hub, "one"))).toMatchObject(timedOut("startToClose"));
    const call = await calling(define, { timeoutMs: 9_000, scheduleToCloseTimeoutMs: 5_000, retry: RETRY });
    await call.hub.advance(5_000);
    expect(callFailure(await stateOf(call.hub, "one"))).toMatchObject(timedOut("scheduleToClose"));
  });
});

inEveryShape("a heartbeat timeout", (define) => {
  it("fails an attempt that is silent for longer, at that instant and not before", async () => {
    const { hub, runs } = await calling(define, { heartbeatTimeoutMs: 2_000 });
    await hub.advance(1_999);
    expect(await statusOf(hub)).toBe("Running");
    await hub.advance(1);
    expect(callFailure(await stateOf(hub, "one"))).toMatchObject(timedOut("heartbeat"));
    expect(reasonOf(runOf(runs, 0))).toMatchObject({ name: "TimeoutError", timeoutType: "heartbeat" });
  });

  it("counts from the last heartbeat, with details or without", async () => {
    const { hub, runs } = await calling(define, { heartbeatTimeoutMs: 2_000 });
    const { ctx } = runOf(runs, 0);
    for (let beat = 0; beat < 5; beat++) {
      await hub.advance(1_500);
      ctx.heartbeat(beat % 2 === 0 ? undefined : { beat });
    }
    await hub.advance(1_999);
    expect(await statusOf(hub)).toBe("Running");
    await hub.advance(1);
    expect(callFailure(await stateOf(hub, "one"))).toMatchObject(timedOut("heartbeat"));
  });

  it("is retried, and can be given at the call", async () => {
    const { hub, runs } = await calling(
      define,
      { heartbeatTimeoutMs: 2_000 },
      { heartbeatTimeoutMs: 500, retry: RETRY },
    );
    await hub.advance(1_500);
    expect(runs.map(({ ctx }) => ctx.attempt)).toEqual([1, 2]);
    runOf(runs, 1).resolve("second");
    await hub.runUntilIdle();
    expect(await stateOf(hub, "one")).toMatchObject({ output: "second" });
  });

  it("and a start-to-close timeout end an attempt by whichever comes first", async () => {
    const { hub, runs } = await calling(define, { heartbeatTimeoutMs: 2_000, timeoutMs: 5_000 });
    for (let beat = 0; beat < 3; beat++) {
      await hub.advance(1_500);
      runOf(runs, 0).ctx.heartbeat();
    }
    await hub.advance(500);
    expect(callFailure(await stateOf(hub, "one"))).toMatchObject(timedOut("startToClose"));
  });

  it("begins anew with the attempt after a restart", async () => {
    const { hub, functions, store } = await calling(define, { heartbeatTimeoutMs: 2_000 });
    await hub.advance(1_500);
    const second = await openAfterCrash(hub, functions, store, 60_000);
    await second.advance(1_999);
    expect(await statusOf(second)).toBe("Running");
    await second.advance(1);
    expect(callFailure(await stateOf(second, "one"))).toMatchObject(timedOut("heartbeat"));
  });
});

inEveryShape("a timeout that the orchestrator catches", (define) => {
  it("is a TaskFailedError whose failure says which timeout it was", async () => {
    const { activity } = held({ timeoutMs: 1_000 });
    const caller = define("caller", function* (ctx) {
      try {
        return yield* ctx.callActivity(activity);
      } catch (error) {
        const { name, failure } = error as Error & { failure: FailureDetails };
        return [name, failure.errorType, failure.properties?.timeoutType, failure.isCausedBy("TimeoutError")];
      }
    });
    const hub = await openHub([caller, activity]);
    const state = await run(hub, caller, undefined, { advance: 1_000 });
    expect(state.output).toEqual(["TaskFailedError", "TimeoutError", "startToClose", true]);
  });

  it("does not keep its parent from trying the sub-orchestration again", async () => {
    const { activity, runs } = held({ scheduleToCloseTimeoutMs: 1_000 });
    const child = define("child", function* (ctx) {
      return yield* ctx.callActivity(activity);
    });
    const parent = define("parent", function* (ctx) {
      return yield* ctx.callSubOrchestrator(child, undefined, { retry: RETRY });
    });
    const hub = await openHub([parent, child, activity]);
    await run(hub, parent, undefined, { instanceId: "one", advance: 2_000 });
    runOf(runs, 1).resolve("second child");
    await hub.runUntilIdle();
    expect(await stateOf(hub, "one")).toMatchObject({ output: "second child" });
  });
});

describe("timeouts that make no sense", () => {
  const values: readonly (readonly [string, unknown])[] = [
    ["0", 0],
    ["negative", -1],
    ["NaN", Number.NaN],
    ["infinite", Number.POSITIVE_INFINITY],
    ["a text", "1000"],
    ["a duration in parts", { seconds: 1 }],
    ["null", null],
  ];
  const options = ["timeoutMs", "scheduleToCloseTimeoutMs", "heartbeatTimeoutMs"];
  const table = options.flatMap((option) => values.map(([what, value]) => [option, what, value] as const));

  it.each(table)("are refused where they are given: %s that is %s", (option, _what, value) => {
    const define = () => defineActivity({ name: "work", run: () => 1, [option]: value });
    expect(define).toThrow(
      expect.objectContaining({ code: "invalidArgument", message: expect.stringContaining(option) }),
    );
  });

  inEveryShape("at a call", (define) => {
    it.each(table)("are refused before anything is scheduled: %s that is %s", async (option, _what, value) => {
      const work = defineActivity("work", () => 1);
      const caller = define("caller", function* (ctx) {
        yield ctx.callActivity(work, undefined, { [option]: value });
      });
      const hub = await openHub([caller, work]);
      const state = await run(hub, caller);
      expect(state.failure?.properties?.code).toBe("invalidArgument");
      expect(eventsOf(await hub.getOrchestrationHistory(state.instanceId), "TaskScheduled")).toEqual([]);
    });
  });
});
