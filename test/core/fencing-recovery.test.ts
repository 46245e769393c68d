/** One writer per hub, and what comes back after it stopped: closing, crashing, being taken over, opening again. */
import {
  type ActivityContext,
  defineActivity,
  defineOrchestrator,
  type HubStore,
  type InstanceChange,
  MemoryStore,
  type StoreSession,
  TaskHub,
  whenAll,
} from "holdfast";
import { describe, expect, it, vi } from "vitest";
import { CrashingStore } from "./crashing-store.ts";
import { errorOf, eventsOf, failureOf, openHub, run, stateOf } from "./running.ts";
import { inEveryShape } from "./shapes.ts";

const echo = defineActivity("echo", (_ctx, value: unknown) => value);

/** An activity whose runs the test ends, one by one. */
function held() {
  const runs: { readonly ctx: ActivityContext; finish(value: unknown): void }[] = [];
  const activity = defineActivity(
    "held",
    (ctx, _input: unknown) => new Promise<unknown>((finish) => runs.push({ ctx, finish })),
  );
  return { activity, runs };
}

inEveryShape("after closing and opening again", (define) => {
  it("a start that was acknowledged runs, although the hub closed at once", async () => {
    const store = new MemoryStore();
    const quick = define("quick", function* (ctx, n: number) {
      return yield* ctx.callActivity(echo, n);
    });
    const first = await openHub([quick, echo], { store });
    const id = await first.scheduleNewOrchestration(quick, 5);
    await first.close();
    const second = await openHub([quick, echo], { store });
    expect(await second.waitForOrchestrationCompletion(id)).toMatchObject({ runtimeStatus: "Completed", output: 5 });
  });

  it("an event that was acknowledged is there, although the hub closed at once", async () => {
    const store = new MemoryStore();
    const waiter = define("waiter", function* (ctx) {
      return yield* ctx.waitForExternalEvent("x");
    });
    const first = await openHub([waiter], { store });
    await run(first, waiter, undefined, { instanceId: "i" });
    await first.raiseOrchestrationEvent("i", "x", "kept");
    await first.close();
    const second = await openHub([waiter], { store });
    await second.runUntilIdle();
    expect((await stateOf(second, "i")).output).toBe("kept");
  });

  it("activities that were running run again, each with its own key, attempt and number", async () => {
    const store = new MemoryStore();
    const { activity, runs } = held();
    const fan = define("fan", function* (ctx) {
      const results = yield* whenAll([1, 2, 3].map((n) => ctx.callActivity(activity, n)));
      return results;
    });
    const first = await openHub([fan, activity], { store });
    await run(first, fan, undefined, { instanceId: "i" });
    runs[1]?.finish("second");
    await first.runUntilIdle();
    await first.close();
    const second = await openHub([fan, activity], { store });
    await second.runUntilIdle();
    const told = runs.map(({ ctx }) => [ctx.taskId, ctx.attempt, ctx.idempotencyKey]);
    expect(told.slice(3)).toEqual([told[0], told[2]]);
    runs[3]?.finish("first");
    runs[4]?.finish("third");
    await second.runUntilIdle();
    expect(await stateOf(second, "i")).toMatchObject({
      runtimeStatus: "Completed",
      output: ["first", "second", "third"],
    });
    expect(eventsOf(await second.getOrchestrationHistory("i"), "TaskCompleted")).toHaveLength(3);
  });

  it("what an activity of the first opening brings late is dropped", async () => {
    const store = new MemoryStore();
    const { activity, runs } = held();
    const caller = define("caller", function* (ctx) {
      return yield* ctx.callActivity(activity);
    });
    const first = await openHub([caller, activity], { store });
    await run(first, caller, undefined, { instanceId: "i" });
    await first.close();
    const second = await openHub([caller, activity], { store });
    await second.runUntilIdle();
    runs[0]?.finish("from the first opening");
    await second.runUntilIdle();
    expect((await stateOf(second, "i")).runtimeStatus).toBe("Running");
    runs[1]?.finish("from the second opening");
    await second.runUntilIdle();
    expect(await stateOf(second, "i")).toMatchObject({ output: "from the second opening" });
  });

  it("activities that had ended do not run again", async () => {
    const store = new MemoryStore();
    let runs = 0;
    const count = defineActivity("count", () => ++runs);
    const caller = define("caller", function* (ctx) {
      const results = [yield* ctx.callActivity(count), yield* ctx.callActivity(count)];
      yield ctx.waitForExternalEvent("go");
      return [...results, yield* ctx.callActivity(count)];
    });
    let hub = await openHub([caller, count], { store });
    await run(hub, caller, undefined, { instanceId: "i" });
    for (let round = 0; round < 3; round++) {
      await hub.close();
      hub = await openHub([caller, count], { store });
      await hub.runUntilIdle();
    }
    await hub.raiseOrchestrationEvent("i", "go");
    await hub.runUntilIdle();
    expect((await stateOf(hub, "i")).output).toEqual([1, 2, 3]);
  });

  it("finished instances are there to be read, and to be purged", async () => {
    const store = new MemoryStore();
    const quick = define("quick", function* (ctx, n: number) {
      ctx.setCustomStatus({ n });
      return yield* ctx.callActivity(echo, n);
    });
    const first = await openHub([quick, echo], { store });
    const before = await run(first, quick, 7, { instanceId: "i", tags: { a: "b" } });
    const history = await first.getOrchestrationHistory("i");
    await first.close();
    const second = await openHub([quick, echo], { store, startAt: new Date(first.now.getTime() + 1e6) });
    expect(await stateOf(second, "i")).toEqual(before);
    expect(await second.getOrchestrationHistory("i")).toEqual(history);
    expect(await second.purgeOrchestration("i")).toMatchObject({ deletedInstanceCount: 1 });
  });

  it("an instance whose orchestrator is no longer registered fails with a clear error instead of hanging", async () => {
    const store = new MemoryStore();
    const gone = define("gone", function* (ctx) {
      yield ctx.waitForExternalEvent("x");
    });
    const first = await openHub([gone], { store });
    await run(first, gone, undefined, { instanceId: "i" });
    await first.close();
    const second = await openHub([], { store });
    await second.raiseOrchestrationEvent("i", "x");
    await second.runUntilIdle();
    expect(await stateOf(second, "i")).toMatchObject({
      runtimeStatus: "Failed",
      failure: { errorType: "FunctionNotRegisteredError" },
    });
  });

  it("a call whose activity is no longer registered fails", async () => {
    const store = new MemoryStore();
    const { activity } = held();
    const caller = define("caller", function* (ctx) {
      yield ctx.callActivity(activity);
    });
    const first = await openHub([caller, activity], { store });
    await run(first, caller, undefined, { instanceId: "i" });
    await first.close();
    const second = await openHub([caller], { store });
    await second.runUntilIdle();
    const { runtimeStatus, failure } = await stateOf(second, "i");
    expect(runtimeStatus).toBe("Failed");
    expect(failure?.isCausedBy("FunctionNotRegisteredError")).toBe(true);
  });
});

describe("closing", () => {
  it("does not wait for activities that ignore their signal", async () => {
    const stubborn = defineActivity("stubborn", () => new Promise(() => {}));
    const caller = defineOrchestrator("caller", async (ctx) => ctx.callActivity(stubborn));
    const hub = await TaskHub.open({ functions: [caller, stubborn] });
    await hub.scheduleNewOrchestration(caller);
    await hub.close();
  });

  it("lets an interrupted attempt be no failure: its retries are not used up", async () => {
    const attempts: number[] = [];
    const polite = defineActivity({
      name: "polite",
      retry: { maxAttempts: 2, firstRetryInterval: 1_000 },
      run: (ctx) => {
        attempts.push(ctx.attempt);
        if (attempts.length > 2) return "finished";
        return new Promise<string>((_resolve, reject) =>
          ctx.signal.addEventListener("abort", () => reject(new Error("interrupted"))),
        );
      },
    });
    const caller = defineOrchestrator("caller", async (ctx) => ctx.callActivity(polite));
    const store = new MemoryStore();
    for (let opening = 0; opening < 2; opening++) {
      const hub = await openHub([caller, polite], { store });
      if (opening === 0) await run(hub, caller, undefined, { instanceId: "i" });
      await hub.runUntilIdle();
      await hub.close();
    }
    const last = await openHub([caller, polite], { store });
    await last.runUntilIdle();
    expect(await stateOf(last, "i")).toMatchObject({ runtimeStatus: "Completed", output: "finished" });
    expect(attempts).toEqual([1, 1, 1]);
  });

  it("leaves no timer running that would keep the process alive", async () => {
    const sleeper = defineOrchestrator("sleeper", async (ctx) => ctx.createTimer({ days: 1 }));
    const hub = await TaskHub.open({ functions: [sleeper] });
    const id = await hub.scheduleNewOrchestration(sleeper);
    await hub.waitForOrchestrationStart(id);
    const wait = errorOf(() => hub.waitForOrchestrationCompletion(id, { timeoutMs: 1e7 }));
    await hub.close();
    expect(await wait).toMatchObject({ code: "hubClosed" });
    expect(process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length).toBeLessThanOrEqual(2);
  });
});

describe("opening a hub over a store that another has open", () => {
  const waiter = defineOrchestrator("waiter", async (ctx) => ctx.waitForExternalEvent("x"));
  const sleeper = defineOrchestrator("sleeper", async (ctx) => {
    await ctx.createTimer(1_000);
    return ctx.callActivity(echo, ctx.currentUtcDateTime);
  });

  it("takes it over: the older one rejects, the newer one goes on", async () => {
    const store = new MemoryStore();
    const older = await openHub([waiter], { store });
    await run(older, waiter, undefined, { instanceId: "i" });
    const newer = await openHub([waiter], { store });
    expect(await errorOf(() => older.raiseOrchestrationEvent("i", "x", "old"))).toMatchObject({
      name: "HubFencedError",
      code: "hubFenced",
    });
    await newer.raiseOrchestrationEvent("i", "x", "new");
    await newer.runUntilIdle();
    expect((await stateOf(newer, "i")).output).toBe("new");
  });

  it("leaves nothing of a call that the older one rejected", async () => {
    const store = new MemoryStore();
    const older = await openHub([waiter], { store });
    const newer = await openHub([waiter], { store });
    expect(await errorOf(() => older.scheduleNewOrchestration(waiter, undefined, { instanceId: "i" }))).toMatchObject({
      code: "hubFenced",
    });
    await newer.runUntilIdle();
    expect(await newer.getOrchestrationState("i")).toBeUndefined();
  });

  it("has the older one deliver nothing more: no result, no timer", async () => {
    const store = new MemoryStore();
    const { activity, runs } = held();
    const caller = defineOrchestrator("caller", async (ctx) => ctx.callActivity(activity));
    const older = await openHub([caller, sleeper, activity, echo], { store });
    await run(older, caller, undefined, { instanceId: "call" });
    await run(older, sleeper, undefined, { instanceId: "sleep" });
    const newer = await openHub([caller, sleeper, activity, echo], { store });
    await newer.runUntilIdle();
    runs[0]?.finish("from the older");
    await older.advance({ hours: 1 });
    expect((await stateOf(newer, "call")).runtimeStatus).toBe("Running");
    expect((await stateOf(newer, "sleep")).runtimeStatus).toBe("Running");
    expect(runs).toHaveLength(2);
    expect(runs[1]?.ctx.idempotencyKey).toBe(runs[0]?.ctx.idempotencyKey);
    runs[1]?.finish("from the newer");
    await newer.advance(1_000);
    expect((await stateOf(newer, "call")).output).toBe("from the newer");
    expect((await stateOf(newer, "sleep")).runtimeStatus).toBe("Completed");
  });

  it("lets the older one come to rest, whatever it was doing: activities that end, timers that are due", async () => {
    for (let crashAfter = 1; crashAfter <= 6; crashAfter++) {
      const store = new CrashingStore(crashAfter);
      const ticking = defineOrchestrator("ticking", async (ctx) => {
        await Promise.all([1, 1, 2, 2].map((ms) => ctx.createTimer(ms).then(() => ctx.callActivity(echo, ms))));
      });
      const older = await openHub([ticking, echo], { store });
      await older.scheduleNewOrchestration(ticking, undefined, { instanceId: "i" }).catch(() => {});
      await older.advance(10_000);
      const newer = await openHub([ticking, echo], { store, startAt: older.now });
      await newer.runUntilIdle();
      expect((await stateOf(newer, "i")).runtimeStatus).toBe("Completed");
    }
  });

  it("is not disturbed when the older one is closed afterwards", async () => {
    const store = new MemoryStore();
    const older = await openHub([waiter], { store });
    await run(older, waiter, undefined, { instanceId: "i" });
    const newer = await openHub([waiter], { store });
    await older.close();
    await newer.raiseOrchestrationEvent("i", "x", 1);
    await newer.runUntilIdle();
    expect((await stateOf(newer, "i")).output).toBe(1);
  });

  it("ends the waits of the older one, once it has noticed or is closed", async () => {
    const store = new MemoryStore();
    const older = await openHub([waiter], { store });
    await run(older, waiter, undefined, { instanceId: "i" });
    const wait = errorOf(() => older.waitForOrchestrationCompletion("i"));
    await openHub([waiter], { store });
    await errorOf(() => older.raiseOrchestrationEvent("i", "x"));
    await older.close();
    expect(["hubFenced", "hubClosed"]).toContain((await wait).code);
  });

  it("can happen many times in a row", async () => {
    const store = new MemoryStore();
    const collector = defineOrchestrator("collector", async (ctx) => {
      const taken: number[] = [];
      while (taken.length < 20) taken.push(await ctx.waitForExternalEvent<number>("n"));
      return taken;
    });
    const hubs = [await openHub([collector], { store })];
    await run(hubs[0]!, collector, undefined, { instanceId: "i" });
    for (let n = 0; n < 20; n++) {
      await hubs.at(-1)?.raiseOrchestrationEvent("i", "n", n);
      hubs.push(await openHub([collector], { store }));
    }
    await hubs.at(-1)?.runUntilIdle();
    expect((await stateOf(hubs.at(-1)!, "i")).output).toEqual(Array.from({ length: 20 }, (_, n) => n));
    for (const hub of hubs.slice(0, -1)) {
      expect(await errorOf(() => hub.getOrchestrationState("i"))).toMatchObject({ code: "hubFenced" });
    }
  });

  it("leaves hubs of another name alone", async () => {
    const store = new MemoryStore();
    const orders = await openHub([waiter], { store, name: "orders" });
    await run(orders, waiter, undefined, { instanceId: "i" });
    await openHub([waiter], { store, name: "other" });
    await orders.raiseOrchestrationEvent("i", "x", 1);
    await orders.runUntilIdle();
    expect((await stateOf(orders, "i")).output).toBe(1);
  });

  it("fails no instance by itself", async () => {
    const store = new MemoryStore();
    const failing = defineOrchestrator("failing", async (ctx) => {
      await ctx.createTimer(1_000);
      throw new Error("on purpose");
    });
    const older = await openHub([failing], { store });
    await run(older, failing, undefined, { instanceId: "i" });
    const newer = await openHub([failing], { store });
    await older.advance(5_000);
    expect((await stateOf(newer, "i")).runtimeStatus).toBe("Running");
    await newer.advance(1_000);
    expect((await stateOf(newer, "i")).failure?.errorMessage).toBe("on purpose");
    expect((await failureOf(newer, failing, undefined, { advance: 1_000 })).errorMessage).toBe("on purpose");
  });
});

describe("a commit that is answered after the hub was taken over", () => {
  it("is acknowledged, because it is durable, and starts nothing: that is the newer hub's", async () => {
    const store = new MemoryStore();
    const answers: (() => void)[] = [];
    const slow: HubStore = {
      open(hub) {
        const session = store.open(hub);
        const commit = (changes: readonly InstanceChange[]): Promise<void> => {
          session.commit(changes);
          return new Promise((resolve) => answers.push(resolve));
        };
        return new Proxy<StoreSession>(session, {
          get(target, key) {
            const member: unknown = key === "commit" ? commit : Reflect.get(target, key, target);
            return typeof member === "function" ? member.bind(target) : member;
          },
        });
      },
    };
    const { activity, runs } = held();
    const caller = defineOrchestrator("caller", async (ctx) => ctx.callActivity(activity));
    const older = await openHub([caller, activity], { store: slow });
    const started = older.scheduleNewOrchestration(caller, undefined, { instanceId: "i" });
    await vi.waitFor(() => expect(answers).toHaveLength(1), { timeout: 60_000, interval: 1 });
    await (await openHub([caller, activity], { store })).runUntilIdle();
    expect(runs).toHaveLength(1);
    answers[0]?.();
    expect(await started).toBe("i");
    expect(runs).toHaveLength(1);
  });
});
