/** Which attempts run at once, in which order the others follow, and what they wait for. */
import { defineActivity, defineOrchestrator, type HubStore, MemoryStore, TaskHub, whenAll } from "holdfast";
import { describe, expect, it } from "vitest";
import { held, runOf } from "./held-activity.ts";
import { eventsOf, openHub, outputOf, run, stateOf } from "./running.ts";
import { inEveryShape } from "./shapes.ts";

inEveryShape("activities that queue", (define) => {
  it("start first in first out, whatever activity they are of", async () => {
    const a = held({ name: "a" });
    const b = held({ name: "b" });
    const order: unknown[] = [];
    const caller = define("caller", function* (ctx) {
      yield whenAll(Array.from({ length: 8 }, (_, n) => ctx.callActivity(n % 3 === 0 ? a.activity : b.activity, n)));
    });
    const hub = await openHub([caller, a.activity, b.activity], { maxConcurrentActivities: 1 });
    await run(hub, caller);
    while (order.length < 8) {
      const running = [...a.runs, ...b.runs].filter(({ input }) => !order.includes(input));
      expect(running).toHaveLength(1);
      order.push(running[0]?.input);
      running[0]?.resolve();
      await hub.runUntilIdle();
    }
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it("of a bounded activity hold up no other", async () => {
    const narrow = held({ name: "narrow", maxConcurrency: 1 });
    const wide = held({ name: "wide" });
    const caller = define("caller", function* (ctx) {
      const queued = [1, 2, 3, 4].map((n) => ctx.callActivity(narrow.activity, n));
      yield whenAll([...queued, ctx.callActivity(wide.activity, 5)]);
    });
    const hub = await openHub([caller, narrow.activity, wide.activity], { maxConcurrentActivities: 2 });
    await run(hub, caller);
    expect([narrow.runs.length, wide.runs.length]).toEqual([1, 1]);
  });

  it("share the bound of their activity over all instances of the hub", async () => {
    const { activity, runs } = held({ maxConcurrency: 2 });
    const caller = define("caller", function* (ctx) {
      yield ctx.callActivity(activity, ctx.instanceId);
    });
    const hub = await openHub([caller, activity]);
    for (const instanceId of ["a", "b", "c", "d"]) await run(hub, caller, undefined, { instanceId });
    expect(runs.map(({ input }) => input)).toEqual(["a", "b"]);
    runOf(runs, 1).resolve();
    await hub.runUntilIdle();
    expect(runs.map(({ input }) => input)).toEqual(["a", "b", "c"]);
  });

  it("have a bound for each version", async () => {
    const one = held({ version: "1", maxConcurrency: 1 });
    const two = held({ version: "2", maxConcurrency: 2 });
    const caller = define("caller", function* (ctx) {
      yield whenAll([one, two].flatMap(({ activity }) => [1, 2, 3].map((n) => ctx.callActivity(activity, n))));
    });
    const hub = await openHub([caller, one.activity, two.activity]);
    await run(hub, caller);
    expect([one.runs.length, two.runs.length]).toEqual([1, 2]);
  });

  it("get the place of one that timed out, although its handler ignores the signal", async () => {
    const { activity, runs } = held({ maxConcurrency: 1, timeoutMs: 1_000 });
    const caller = define("caller", function* (ctx) {
      const [first, second] = [ctx.callActivity(activity, 1), ctx.callActivity(activity, 2)];
      try {
        yield first;
      } catch {
        return yield* second;
      }
      return "no timeout";
    });
    const hub = await openHub([caller, activity], { maxConcurrentActivities: 1 });
    const { instanceId } = await run(hub, caller, undefined, { advance: 1_000 });
    runOf(runs, 1).resolve("second");
    await hub.runUntilIdle();
    expect(await stateOf(hub, instanceId)).toMatchObject({ output: "second" });
  });

  it("of handlers that answer at once all get their turn", async () => {
    let now = 0;
    let most = 0;
    const quick = defineActivity({
      name: "quick",
      maxConcurrency: 1,
      run: (_ctx, n: number) => {
        most = Math.max(most, ++now);
        now--;
        return n;
      },
    });
    const caller = define("caller", function* (ctx) {
      return yield* whenAll(Array.from({ length: 50 }, (_, n) => ctx.callActivity(quick, n)));
    });
    const hub = await openHub([caller, quick], { maxConcurrentActivities: 1 });
    expect(await outputOf(hub, caller)).toEqual(Array.from({ length: 50 }, (_, n) => n));
    expect(most).toBe(1);
  });

  it("are what a mock says when it comes while they wait", async () => {
    const { activity, runs } = held({ maxConcurrency: 1 });
    const caller = define("caller", function* (ctx) {
      return yield* whenAll([ctx.callActivity(activity, 1), ctx.callActivity(activity, 2)]);
    });
    const hub = await openHub([caller, activity]);
    const { instanceId } = await run(hub, caller);
    hub.mockActivity(activity, () => "mocked");
    runOf(runs, 0).resolve("real");
    await hub.runUntilIdle();
    expect(await stateOf(hub, instanceId)).toMatchObject({ output: ["real", "mocked"] });
  });

  it("run again after a restart, within the bounds and in the same order", async () => {
    const { activity, runs } = held({ maxConcurrency: 2 });
    const caller = define("caller", function* (ctx) {
      yield whenAll([1, 2, 3, 4].map((n) => ctx.callActivity(activity, n)));
      return "all";
    });
    const store = new MemoryStore();
    const first = await openHub([caller, activity], { store });
    await run(first, caller, undefined, { instanceId: "one" });
    runOf(runs, 0).resolve();
    await first.runUntilIdle();
    await first.close();
    const second = await openHub([caller, activity], { store });
    await second.runUntilIdle();
    expect(runs.map(({ input }) => input)).toEqual([1, 2, 3, 2, 3]);
    runOf(runs, 3).resolve();
    await second.runUntilIdle();
    runOf(runs, 4).resolve();
    runOf(runs, 5).resolve();
    await second.runUntilIdle();
    expect(await stateOf(second, "one")).toMatchObject({ output: "all" });
  });
});

describe("activities that run or queue while a commit fails", () => {
  it("are not started twice, keep their details, and their outcome counts", async () => {
    const memory = new MemoryStore();
    let fails = false;
    const store: HubStore = {
      open: (name) => {
        const session = memory.open(name);
        return new Proxy(session, {
          get: (target, key) => {
            const value: unknown = Reflect.get(target, key, target);
            if (typeof value !== "function") return value;
            return (...args: unknown[]) => {
              if (key === "commit" && fails) throw new Error("The disk is full.");
              return value.apply(target, args);
            };
          },
        });
      },
    };
    const { activity, runs } = held({ maxConcurrency: 1 });
    const caller = defineOrchestrator("caller", async (ctx) =>
      whenAll([ctx.callActivity(activity, 1), ctx.callActivity(activity, 2)]),
    );
    const first = await openHub([caller, activity], { store });
    await run(first, caller, undefined, { instanceId: "one" });
    runOf(runs, 0).ctx.heartbeat("half");
    fails = true;
    await expect(first.raiseOrchestrationEvent("one", "unheard")).rejects.toThrow("The disk is full.");
    await first.runUntilIdle();
    fails = false;
    await first.advance(60_000);
    expect(runs.map(({ input }) => input)).toEqual([1]);
    const second = await openHub([caller, activity], { store, startAt: first.now });
    await second.runUntilIdle();
    expect(runs.map(({ input, lastHeartbeat }) => [input, lastHeartbeat])).toEqual([
      [1, undefined],
      [1, "half"],
    ]);
    runOf(runs, 1).resolve("one");
    await second.runUntilIdle();
    runOf(runs, 2).resolve("two");
    await second.runUntilIdle();
    expect(await stateOf(second, "one")).toMatchObject({ output: ["one", "two"] });
  });
});

describe("activities that are called while a hub still looks what was outstanding", () => {
  it("run once", async () => {
    const memory = new MemoryStore();
    let reads = 0;
    const later: HubStore = {
      open: (name) => {
        const session = memory.open(name);
        return new Proxy(session, {
          get: (target, key) => {
            const value: unknown = Reflect.get(target, key, target);
            if (typeof value !== "function") return value;
            return async (...args: unknown[]) => {
              const turns = key === "history" && reads++ === 0 ? 50 : 1;
              for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
              return value.apply(target, args);
            };
          },
        });
      },
    };
    let count = 0;
    const quick = defineActivity("quick", () => ++count);
    const { activity, runs } = held();
    const caller = defineOrchestrator("caller", async (ctx) => {
      const slow = ctx.callActivity(activity);
      await ctx.waitForExternalEvent("go");
      await ctx.callActivity(quick);
      await ctx.waitForExternalEvent("go");
      return slow;
    });
    const functions = [caller, quick, activity];
    const first = await openHub(functions, { store: memory });
    await run(first, caller, undefined, { instanceId: "one" });
    await first.close();
    const event = { type: "EventRaised", eventId: -1, timestamp: first.now, name: "go" } as const;
    memory.open("default").commit([{ instanceId: "one", atMs: 1, inboxAdded: [{ sequence: 1, event }] }]);
    const second = await openHub(functions, { store: later, startAt: first.now });
    await second.runUntilIdle();
    expect([runs.length, count]).toEqual([2, 1]);
    runOf(runs, 1).resolve("slow");
    await second.raiseOrchestrationEvent("one", "go");
    await second.runUntilIdle();
    expect(await stateOf(second, "one")).toMatchObject({ output: "slow" });
    expect(eventsOf(await second.getOrchestrationHistory("one"), "TaskCompleted")).toHaveLength(2);
  });
});

describe("a long queue", () => {
  it("is gone through in order, with thousands given up on the way", async () => {
    const started: number[] = [];
    const ends: (() => void)[] = [];
    const narrow = defineActivity({
      name: "narrow",
      maxConcurrency: 3,
      run: async (_ctx, n: number) => {
        started.push(n);
        await new Promise<void>((resolve) => ends.push(resolve));
      },
    });
    const caller = defineOrchestrator("caller", async (ctx, count: number) => {
      const tasks = Array.from({ length: count }, (_, n) => ctx.callActivity(narrow, n));
      await ctx.waitForExternalEvent("give up");
      for (const [n, task] of tasks.entries()) if (n % 10 !== 0) task.cancel();
      await whenAll(tasks.filter((_, n) => n % 10 === 0));
    });
    const hub = await openHub([caller, narrow], { limits: { historyEventsMax: 50_000 } });
    await run(hub, caller, 5_000, { instanceId: "one" });
    expect(started).toEqual([0, 1, 2]);
    await hub.raiseOrchestrationEvent("one", "give up");
    while (ends.length > 0) {
      for (const end of ends.splice(0)) end();
      await hub.runUntilIdle();
    }
    expect(await stateOf(hub, "one")).toMatchObject({ runtimeStatus: "Completed" });
    expect(started).toEqual([0, 1, 2, ...Array.from({ length: 499 }, (_, n) => (n + 1) * 10)]);
  });
});

inEveryShape("an activity that requires the network", (define) => {
  async function online(isOnline: boolean, options: Parameters<typeof held>[0] = {}) {
    const fetching = held({ name: "fetching", requires: "network", ...options });
    const local = held({ name: "local" });
    const caller = define("caller", function* (ctx) {
      const fetched = [1, 2].map((n) => ctx.callActivity(fetching.activity, n));
      return yield* whenAll([...fetched, ctx.callActivity(local.activity, 3)]);
    });
    const store = new MemoryStore();
    const hub = await openHub([caller, fetching.activity, local.activity], { store, name: "fetchers" });
    hub.setOnline(isOnline);
    await run(hub, caller, undefined, { instanceId: "one" });
    return { hub, store, fetching: fetching.runs, local: local.runs };
  }

  it("starts at once while the host is online", async () => {
    const { fetching } = await online(true);
    expect(fetching).toHaveLength(2);
  });

  it("waits while the host is offline, holds up no other, and starts in order on reconnect", async () => {
    const { hub, fetching, local } = await online(false);
    await hub.advance({ days: 1 });
    expect([fetching.length, local.length]).toEqual([0, 1]);
    hub.setOnline(true);
    await hub.runUntilIdle();
    expect(fetching.map(({ input }) => input)).toEqual([1, 2]);
    for (const each of [...fetching, ...local]) each.resolve(each.input);
    await hub.runUntilIdle();
    expect(await stateOf(hub, "one")).toMatchObject({ output: [1, 2, 3] });
  });

  it("goes on when the host goes offline, and its next attempt waits", async () => {
    const { hub, fetching } = await online(true, { retry: { maxAttempts: 2, firstRetryInterval: 1_000 } });
    hub.setOnline(false);
    expect(runOf(fetching, 0).ctx.signal.aborted).toBe(false);
    runOf(fetching, 0).reject(new Error("connection lost"));
    await hub.advance(60_000);
    expect(fetching).toHaveLength(2);
    hub.setOnline(true);
    await hub.runUntilIdle();
    expect(runOf(fetching, 2).ctx.attempt).toBe(2);
  });

  it("has its start-to-close time from its start, its schedule-to-close time from the call", async () => {
    const attempt = await online(false, { timeoutMs: 1_000 });
    await attempt.hub.advance(5_000);
    expect(await stateOf(attempt.hub, "one")).toMatchObject({ runtimeStatus: "Running" });
    const call = await online(false, { scheduleToCloseTimeoutMs: 1_000 });
    await call.hub.advance(1_000);
    runOf(call.local, 0).resolve();
    await call.hub.runUntilIdle();
    expect(await stateOf(call.hub, "one")).toMatchObject({ runtimeStatus: "Failed" });
    call.hub.setOnline(true);
    await call.hub.runUntilIdle();
    expect(call.fetching).toEqual([]);
  });

  it("never starts in a hub that was taken over while it waited", async () => {
    const { hub, store, fetching } = await online(false);
    store.open("fetchers");
    hub.setOnline(true);
    await hub.runUntilIdle();
    expect(fetching).toEqual([]);
  });

  it("never starts when its instance ended while it waited", async () => {
    const { hub, fetching } = await online(false);
    await hub.terminateOrchestration("one");
    hub.setOnline(true);
    await hub.runUntilIdle();
    expect(fetching).toEqual([]);
  });
});

describe("a host that knows nothing of networks", () => {
  it("counts as online", async () => {
    const fetching = defineActivity({ name: "fetching", requires: "network", run: () => "fetched" });
    const caller = defineOrchestrator("caller", async (ctx) => ctx.callActivity(fetching));
    await using hub = await TaskHub.open({ functions: [caller, fetching] });
    const id = await hub.scheduleNewOrchestration(caller);
    expect(await hub.waitForOrchestrationCompletion(id)).toMatchObject({ output: "fetched" });
  });
});

describe("bounds that make no sense", () => {
  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "2", null])("are refused: maxConcurrency %s", (value) => {
    const options: object = { maxConcurrency: value };
    expect(() => defineActivity({ name: "work", run: () => 1, ...options })).toThrow(
      expect.objectContaining({ code: "invalidArgument", message: expect.stringContaining("maxConcurrency") }),
    );
  });

  it.each([0, -1, 1.5, Number.NaN, "2", null])("are refused: maxConcurrentActivities %s", async (value) => {
    const options: object = { maxConcurrentActivities: value };
    await expect(TaskHub.open({ functions: [], ...options })).rejects.toMatchObject({ code: "invalidArgument" });
  });

  it.each(["gpu", "", true, null])("are refused: requires %s", (value) => {
    const options: object = { requires: value };
    expect(() => defineActivity({ name: "work", run: () => 1, ...options })).toThrow(
      expect.objectContaining({ code: "invalidArgument", message: expect.stringContaining("requires") }),
    );
  });
});

describe("a result that its schema refuses", () => {
  it("fails the call with ValidationError, which is not tried again", async () => {
    let attempts = 0;
    const issues = [{ message: "must be a number" }];
    const output = { "~standard": { version: 1 as const, vendor: "test", validate: () => ({ issues }) } };
    const work = defineActivity({
      name: "work",
      output,
      retry: { maxAttempts: 5, firstRetryInterval: 1_000 },
      run: () => ++attempts,
    });
    const caller = defineOrchestrator("caller", async (ctx) => ctx.callActivity(work));
    const hub = await openHub([caller, work]);
    const state = await run(hub, caller, undefined, { advance: 60_000 });
    expect(state.failure?.innerFailure).toMatchObject({ errorType: "ValidationError", isNonRetriable: true });
    expect(eventsOf(await hub.getOrchestrationHistory(state.instanceId), "TaskScheduled")).toHaveLength(1);
    expect(attempts).toBe(1);
  });
});
