/** How an activity is told to stop, why, and what becomes of the call. */
import {
  defineActivity,
  defineOrchestrator,
  HubClosedError,
  HubFencedError,
  type InstanceRecord,
  MemoryStore,
  TaskCanceledError,
  whenAll,
  whenAny,
} from "holdfast";
import { replayHistory, type TestTaskHub } from "holdfast/testing";
import { describe, expect, it } from "vitest";
import { held, openAfterCrash, reasonOf, reopen, runOf } from "./held-activity.ts";
import { eventsOf, glance, openHub, outputOf, run, stateOf } from "./running.ts";
import { inEveryShape } from "./shapes.ts";

/** The record of an instance as it is stored. Closes the hub. */
async function storedRecord(hub: TestTaskHub, store: MemoryStore, id: string): Promise<InstanceRecord> {
  await hub.close();
  const stored = store.open("default").load(id);
  if (!stored?.record) throw new Error(`There is no record of '${id}'.`);
  return stored.record;
}

inEveryShape("a call that its orchestration cancels", (define) => {
  /** Cancels a running call when the event `stop` comes, and goes on when `go` comes. */
  function stopping(activity: ReturnType<typeof held>["activity"]) {
    return define("stopping", function* (ctx) {
      const task = ctx.callActivity(activity);
      yield ctx.waitForExternalEvent("stop");
      task.cancel();
      const seen = { isCanceled: task.isCanceled, isCompleted: task.isCompleted, isFailed: task.isFailed };
      yield ctx.waitForExternalEvent("go");
      try {
        yield task;
      } catch (error) {
        return { ...seen, name: (error as Error).name, code: (error as TaskCanceledError).code };
      }
      return "nothing was thrown";
    });
  }
  const canceled = {
    isCanceled: true,
    isCompleted: false,
    isFailed: false,
    name: "TaskCanceledError",
    code: "taskCanceled",
  };

  async function stopped() {
    const { activity, runs } = held();
    const store = new MemoryStore();
    const stoppable = stopping(activity);
    const functions = [stoppable, activity];
    const hub = await openHub(functions, { store });
    await run(hub, stoppable, undefined, { instanceId: "one" });
    await hub.raiseOrchestrationEvent("one", "stop");
    await hub.runUntilIdle();
    return { hub, runs, functions, store, stoppable };
  }

  it("rejects with TaskCanceledError when it is awaited", async () => {
    const { hub } = await stopped();
    await hub.raiseOrchestrationEvent("one", "go");
    await hub.runUntilIdle();
    expect((await stateOf(hub, "one")).output).toEqual(canceled);
  });

  it("tells the running attempt through its signal, with an error that says why", async () => {
    const { runs } = await stopped();
    const reason = reasonOf(runOf(runs, 0));
    expect(reason).toBeInstanceOf(TaskCanceledError);
    expect(reason.message).toContain("'one' cancelled this call");
  });

  it.each(["a result", "a failure"])("drops %s that comes all the same", async (what) => {
    const { hub, runs } = await stopped();
    if (what === "a result") runOf(runs, 0).resolve("too late");
    else runOf(runs, 0).reject(new Error("too late"));
    await hub.runUntilIdle();
    await hub.raiseOrchestrationEvent("one", "go");
    await hub.runUntilIdle();
    expect((await stateOf(hub, "one")).output).toEqual(canceled);
    expect(JSON.stringify(await hub.getOrchestrationHistory("one"))).not.toContain("too late");
  });

  it("is recorded as failed by the turn that cancelled it", async () => {
    const { hub } = await stopped();
    const history = await hub.getOrchestrationHistory("one");
    expect(glance(history).slice(-3)).toEqual(["OrchestratorStarted", "EventRaised", "TaskFailed"]);
    expect(eventsOf(history, "TaskFailed")).toMatchObject([
      { taskScheduledId: 1, failureDetails: { errorType: "TaskCanceledError" } },
    ]);
  });

  it("leaves an instance that is not busy", async () => {
    const { hub, store } = await stopped();
    expect((await storedRecord(hub, store, "one")).isBusy).toBe(false);
    expect(store.open("default").openInstances()).toEqual([]);
  });

  it.each([
    ["closed", reopen],
    ["abandoned", openAfterCrash],
  ])("is not run again, and ends the same way, after the hub was %s", async (_how, next) => {
    const { hub, runs, functions, store, stoppable } = await stopped();
    const second = await next(hub, functions, store);
    await second.runUntilIdle();
    await second.raiseOrchestrationEvent("one", "go");
    await second.runUntilIdle();
    expect(runs).toHaveLength(1);
    expect((await stateOf(second, "one")).output).toEqual(canceled);
    await replayHistory(stoppable, await second.getOrchestrationHistory("one"));
  });

  it("leaves no trace in the history when it is cancelled in the turn that made it, and never starts", async () => {
    const { activity, runs } = held();
    const hasty = define("hasty", function* (ctx) {
      ctx.callActivity(activity).cancel();
      yield ctx.createTimer(1_000);
      return "done";
    });
    const hub = await openHub([hasty, activity]);
    const { instanceId, output } = await run(hub, hasty, undefined, { advance: 1_000 });
    expect([output, runs.length]).toEqual(["done", 0]);
    const history = await hub.getOrchestrationHistory(instanceId);
    expect(eventsOf(history, "TaskScheduled")).toEqual([]);
    await replayHistory(hasty, history);
  });

  it("never starts when it is cancelled in a later turn of the same commit", async () => {
    const { activity, runs } = held();
    // biome-ignore lint/correctness/useYield: a child that never waits: its result comes within the commit that starts it.
    const child = define("child", function* () {
      return "quick";
    });
    const hasty = define("hasty", function* (ctx) {
      const task = ctx.callActivity(activity);
      yield ctx.callSubOrchestrator(child);
      task.cancel();
      yield ctx.createTimer(1_000);
      return "done";
    });
    const hub = await openHub([hasty, child, activity]);
    expect(await outputOf(hub, hasty, undefined, { advance: 1_000 })).toBe("done");
    expect(runs).toEqual([]);
  });

  it("never starts when it still queues", async () => {
    const { activity, runs } = held({ maxConcurrency: 1 });
    const caller = define("caller", function* (ctx) {
      const [first, second, third] = [1, 2, 3].map((n) => ctx.callActivity(activity, n));
      yield ctx.waitForExternalEvent("stop");
      second?.cancel();
      yield whenAll([first, third].flatMap((task) => task ?? []));
      return second?.isCanceled;
    });
    const hub = await openHub([caller, activity]);
    await run(hub, caller, undefined, { instanceId: "one" });
    await hub.raiseOrchestrationEvent("one", "stop");
    await hub.runUntilIdle();
    runOf(runs, 0).resolve();
    await hub.runUntilIdle();
    runOf(runs, 1).resolve();
    await hub.runUntilIdle();
    expect(runs.map(({ input }) => input)).toEqual([1, 3]);
    expect((await stateOf(hub, "one")).output).toBe(true);
  });

  it("is not tried again when it is cancelled between two attempts, and leaves no timer behind", async () => {
    let attempts = 0;
    const failing = defineActivity("failing", () => {
      attempts++;
      throw new Error("not yet");
    });
    const caller = define("caller", function* (ctx) {
      const task = ctx.callActivity(failing, undefined, { retry: { maxAttempts: 9, firstRetryInterval: 60_000 } });
      yield ctx.waitForExternalEvent("stop");
      task.cancel();
      yield ctx.waitForExternalEvent("go");
      return task.isCanceled;
    });
    const store = new MemoryStore();
    const hub = await openHub([caller, failing], { store });
    await run(hub, caller, undefined, { instanceId: "one", advance: 1_000 });
    await hub.raiseOrchestrationEvent("one", "stop");
    await hub.advance({ hours: 1 });
    await hub.raiseOrchestrationEvent("one", "go");
    await hub.runUntilIdle();
    expect((await stateOf(hub, "one")).output).toBe(true);
    expect(attempts).toBe(1);
    await hub.close();
    expect(store.open("default").nextTimerAtMs()).toBeUndefined();
  });

  it("stays what it is when it has completed or failed before", async () => {
    const work = defineActivity("work", (_ctx, fails: boolean) => {
      if (fails) throw new RangeError("no");
      return "yes";
    });
    const caller = define("caller", function* (ctx) {
      const [good, bad] = [ctx.callActivity(work, false), ctx.callActivity(work, true)];
      yield ctx.createTimer(1_000);
      good.cancel();
      bad.cancel();
      return [good.isCanceled, good.result, bad.isCanceled, bad.isFailed];
    });
    const hub = await openHub([caller, work]);
    expect(await outputOf(hub, caller, undefined, { advance: 1_000 })).toEqual([false, "yes", false, true]);
  });

  it("can be the loser of a race with a timer", async () => {
    const { activity, runs } = held({ heedsSignal: true });
    const race = define("race", function* (ctx) {
      const call = ctx.callActivity(activity);
      const timer = ctx.createTimer(1_000);
      const { index } = yield* whenAny([call, timer]);
      call.cancel();
      yield ctx.createTimer(1_000);
      return index;
    });
    const hub = await openHub([race, activity]);
    const { instanceId, output } = await run(hub, race, undefined, { advance: 2_000 });
    expect(output).toBe(1);
    expect(runOf(runs, 0).ctx.signal.aborted).toBe(true);
    await replayHistory(race, await hub.getOrchestrationHistory(instanceId));
  });

  it("never wins a whenAny, and fails a whenAll", async () => {
    const { activity } = held();
    const caller = define("caller", function* (ctx) {
      const [first, second] = [ctx.callActivity(activity), ctx.createTimer(1_000)];
      const any = whenAny([first, second]);
      const all = whenAll([first, second]);
      first.cancel();
      const { index } = yield* any;
      try {
        yield all;
      } catch (error) {
        return [index, (error as AggregateError).errors.map((e: Error) => e.name)];
      }
      return index;
    });
    const hub = await openHub([caller, activity]);
    expect(await outputOf(hub, caller, undefined, { advance: 1_000 })).toEqual([1, ["TaskCanceledError"]]);
  });

  it("has one outcome in the history although its result comes in the turn that cancels it", async () => {
    const { activity, runs } = held();
    const stoppable = stopping(activity);
    const hub = await openHub([stoppable, activity]);
    await run(hub, stoppable, undefined, { instanceId: "one" });
    const stop = hub.raiseOrchestrationEvent("one", "stop");
    runOf(runs, 0).resolve("just then");
    await stop;
    await hub.runUntilIdle();
    await hub.raiseOrchestrationEvent("one", "go");
    await hub.runUntilIdle();
    const history = await hub.getOrchestrationHistory("one");
    expect((await stateOf(hub, "one")).output).toEqual(canceled);
    expect([...eventsOf(history, "TaskCompleted"), ...eventsOf(history, "TaskFailed")]).toHaveLength(1);
    await replayHistory(stoppable, history);
  });

  it("is cancelled only after the resume while its orchestration is suspended", async () => {
    const { activity, runs } = held();
    const stoppable = stopping(activity);
    const hub = await openHub([stoppable, activity]);
    await run(hub, stoppable, undefined, { instanceId: "one" });
    await hub.suspendOrchestration("one");
    await hub.raiseOrchestrationEvent("one", "stop");
    await hub.runUntilIdle();
    expect(runOf(runs, 0).ctx.signal.aborted).toBe(false);
    await hub.resumeOrchestration("one");
    await hub.runUntilIdle();
    expect(runOf(runs, 0).ctx.signal.aborted).toBe(true);
  });

  it("does not disturb a rewind", async () => {
    const { activity } = held();
    let isFixed = false;
    const flaky = defineActivity("flaky", () => {
      if (!isFixed) throw new Error("broken");
      return "fixed";
    });
    const caller = define("caller", function* (ctx) {
      const task = ctx.callActivity(activity);
      yield ctx.createTimer(1_000);
      task.cancel();
      yield ctx.createTimer(1_000);
      return yield* ctx.callActivity(flaky);
    });
    const hub = await openHub([caller, activity, flaky]);
    expect((await run(hub, caller, undefined, { instanceId: "one", advance: 2_000 })).runtimeStatus).toBe("Failed");
    isFixed = true;
    await hub.rewindOrchestration("one");
    await hub.advance(2_000);
    expect(await stateOf(hub, "one")).toMatchObject({ runtimeStatus: "Completed", output: "fixed" });
  });
});

inEveryShape("an activity whose orchestration is over", (define) => {
  const EVENT = "end";
  const endings: readonly (readonly [string, string, (hub: TestTaskHub) => Promise<unknown>])[] = [
    ["completes", "is Completed", (hub) => hub.raiseOrchestrationEvent("one", EVENT, "complete")],
    ["fails", "is Failed", (hub) => hub.raiseOrchestrationEvent("one", EVENT, "fail")],
    ["continues as new", "has continued as new", (hub) => hub.raiseOrchestrationEvent("one", EVENT, "again")],
    ["is terminated", "is Terminated", (hub) => hub.terminateOrchestration("one")],
    [
      "is replaced",
      "was replaced",
      (hub) => hub.scheduleNewOrchestration("leaving", "idle", { instanceId: "one", dedupeStatuses: ["Completed"] }),
    ],
  ];

  /** Calls a running and a queued activity and leaves them behind. */
  function leaving(activity: ReturnType<typeof held>["activity"]) {
    return define("leaving", function* (ctx, mode: string) {
      if (mode === "idle") return yield* ctx.waitForExternalEvent<string>("never");
      ctx.callActivity(activity, "running");
      ctx.callActivity(activity, "queued");
      const how = yield* ctx.waitForExternalEvent<string>(EVENT);
      if (how === "fail") throw new Error("as told");
      if (how === "again") ctx.continueAsNew("idle");
      return how;
    });
  }

  it.each(endings)(
    "is told so, with an error that says why, when it %s; what queues is dropped",
    async (_how, why, end) => {
      const { activity, runs } = held({ maxConcurrency: 1 });
      const leaver = leaving(activity);
      const hub = await openHub([leaver, activity]);
      await run(hub, leaver, "busy", { instanceId: "one" });
      expect(runOf(runs, 0).ctx.signal.aborted).toBe(false);
      await end(hub);
      await hub.runUntilIdle();
      expect(reasonOf(runOf(runs, 0))).toBeInstanceOf(TaskCanceledError);
      expect(reasonOf(runOf(runs, 0)).message).toContain(`'one' ${why}`);
      runOf(runs, 0).resolve("too late");
      await hub.advance({ hours: 1 });
      expect(runs).toHaveLength(1);
      expect(JSON.stringify(await hub.getOrchestrationHistory("one"))).not.toContain("too late");
    },
  );

  it("never starts when it was called in the last turn, or in the same commit", async () => {
    const { activity, runs } = held();
    // biome-ignore lint/correctness/useYield: a child that never waits: its result comes within the commit that starts it.
    const child = define("child", function* () {
      return "quick";
    });
    const careless = define("careless", function* (ctx) {
      ctx.callActivity(activity, "before the child");
      yield ctx.callSubOrchestrator(child);
      ctx.callActivity(activity, "in the last turn");
    });
    const hub = await openHub([careless, child, activity]);
    expect((await run(hub, careless)).runtimeStatus).toBe("Completed");
    expect(runs).toEqual([]);
  });

  it("is not mistaken for one of another instance or generation", async () => {
    const { activity, runs } = held();
    const leaver = leaving(activity);
    const hub = await openHub([leaver, activity]);
    await run(hub, leaver, "busy", { instanceId: "one" });
    await run(hub, leaver, "busy", { instanceId: "one more" });
    await hub.terminateOrchestration("one");
    await hub.runUntilIdle();
    expect(runs.map(({ ctx }) => [ctx.instanceId, ctx.signal.aborted])).toEqual([
      ["one", true],
      ["one", true],
      ["one more", false],
      ["one more", false],
    ]);
  });
});

describe("an activity whose hub goes away", () => {
  async function interrupted(heedsSignal: boolean) {
    const { activity, runs } = held({ heedsSignal });
    const caller = defineOrchestrator("caller", async (ctx) => ctx.callActivity(activity));
    const store = new MemoryStore();
    const functions = [caller, activity];
    const hub = await openHub(functions, { store });
    await run(hub, caller, undefined, { instanceId: "one" });
    return { hub, runs, functions, store };
  }

  it("hears HubClosedError when it is closed; its rejection is an interruption, and it runs again", async () => {
    const { hub, runs, functions, store } = await interrupted(true);
    await hub.close();
    expect(reasonOf(runOf(runs, 0))).toBeInstanceOf(HubClosedError);
    const second = await openHub(functions, { store });
    await second.runUntilIdle();
    expect(await stateOf(second, "one")).toMatchObject({ runtimeStatus: "Running" });
    expect(runs.map(({ ctx }) => [ctx.attempt, ctx.taskId])).toEqual([
      [1, 1],
      [1, 1],
    ]);
    expect(runOf(runs, 1).ctx.idempotencyKey).toBe(runOf(runs, 0).ctx.idempotencyKey);
    runOf(runs, 1).resolve("after all");
    await second.runUntilIdle();
    expect(await stateOf(second, "one")).toMatchObject({ output: "after all" });
  });

  it("is not waited for when it ignores its signal, and its result does not count", async () => {
    const { hub, runs, functions, store } = await interrupted(false);
    await hub.close();
    runOf(runs, 0).resolve("too late");
    const second = await openHub(functions, { store });
    await second.runUntilIdle();
    expect(await stateOf(second, "one")).toMatchObject({ runtimeStatus: "Running" });
    expect(runs).toHaveLength(2);
  });

  it("hears HubFencedError when another hub takes over, and its result does not count", async () => {
    const { hub, runs, functions, store } = await interrupted(false);
    const second = await openHub(functions, { store });
    runOf(runs, 0).resolve("from before");
    await expect(hub.getOrchestrationState("one")).rejects.toBeInstanceOf(HubFencedError);
    await second.runUntilIdle();
    expect(await stateOf(second, "one")).toMatchObject({ runtimeStatus: "Running" });
    runOf(runs, 1).resolve("from the new hub");
    await second.runUntilIdle();
    expect(await stateOf(second, "one")).toMatchObject({ output: "from the new hub" });
  });

  it("hears it although it looks at its signal only then", async () => {
    const { hub, runs } = await interrupted(false);
    await hub.close();
    expect(runOf(runs, 0).ctx.signal.aborted).toBe(true);
    expect(() => runOf(runs, 0).ctx.signal.throwIfAborted()).toThrow(HubClosedError);
  });
});
