/** Heartbeats: what the next attempt knows of the one before, what a restart leaves of it, and what it costs. */
import {
  defineActivity,
  defineOrchestrator,
  type HubStore,
  type InstanceChange,
  MemoryStore,
  type OrchestrationState,
  type Retry,
  type StoreSession,
} from "holdfast";
import type { TestTaskHub } from "holdfast/testing";
import { describe, expect, it } from "vitest";
import { type HeldOptions, held, openAfterCrash, reopen, runOf } from "./held-activity.ts";
import { eventsOf, openHub, outputOf, run, stateOf } from "./running.ts";
import { inEveryShape } from "./shapes.ts";

const RETRY: Retry = { maxAttempts: 5, firstRetryInterval: 1_000 };
/** Shortest time between two writes of details. */
const WRITE_INTERVAL_MS = 5_000;

inEveryShape("heartbeat details", (define) => {
  async function calling(options: HeldOptions = {}) {
    const { activity, runs } = held(options);
    const caller = define("caller", function* (ctx) {
      return yield* ctx.callActivity(activity);
    });
    const store = new MemoryStore();
    const functions = [caller, activity];
    const hub = await openHub(functions, { store });
    await run(hub, caller, undefined, { instanceId: "one" });
    return { hub, runs, functions, store };
  }

  it("are unknown to the first attempt, and known to the one after a failure", async () => {
    const { hub, runs } = await calling({ retry: RETRY });
    runOf(runs, 0).ctx.heartbeat({ done: 3, at: new Date(0) });
    runOf(runs, 0).reject(new Error("again"));
    await hub.advance(1_000);
    expect(runs.map(({ lastHeartbeat }) => lastHeartbeat)).toEqual([undefined, { done: 3, at: new Date(0) }]);
  });

  it("are the last ones that were given", async () => {
    const { hub, runs } = await calling({ retry: RETRY });
    for (let done = 0; done <= 7; done++) runOf(runs, 0).ctx.heartbeat({ done });
    runOf(runs, 0).reject(new Error("again"));
    await hub.advance(1_000);
    expect(runOf(runs, 1).lastHeartbeat).toEqual({ done: 7 });
  });

  it("are known to the attempt after a timeout", async () => {
    const { hub, runs } = await calling({ retry: RETRY, heartbeatTimeoutMs: 2_000 });
    runOf(runs, 0).ctx.heartbeat("half");
    await hub.advance(3_000);
    expect(runOf(runs, 1).lastHeartbeat).toBe("half");
  });

  it("stay known when a later attempt gives none, or a sign of life without any", async () => {
    const { hub, runs } = await calling({ retry: RETRY });
    runOf(runs, 0).ctx.heartbeat("half");
    runOf(runs, 0).ctx.heartbeat();
    runOf(runs, 0).reject(new Error("again"));
    await hub.advance(1_000);
    runOf(runs, 1).reject(new Error("again"));
    await hub.advance(1_000);
    runOf(runs, 2).ctx.heartbeat(null);
    runOf(runs, 2).reject(new Error("again"));
    await hub.advance(1_000);
    expect(runs.map(({ lastHeartbeat }) => lastHeartbeat)).toEqual([undefined, "half", "half", null]);
  });

  it("of an attempt do not change what it sees itself", async () => {
    const { runs } = await calling();
    runOf(runs, 0).ctx.heartbeat("mine");
    expect(runOf(runs, 0).ctx.lastHeartbeat).toBeUndefined();
  });

  it("are captured at the call", async () => {
    const { hub, runs } = await calling({ retry: RETRY });
    const details = { done: 1 };
    runOf(runs, 0).ctx.heartbeat(details);
    details.done = 99;
    runOf(runs, 0).reject(new Error("again"));
    await hub.advance(1_000);
    expect(runOf(runs, 1).lastHeartbeat).toEqual({ done: 1 });
  });

  it("that cannot be kept, or are too large, are refused at the call, and leave the ones before", async () => {
    const { hub, runs } = await calling({ retry: RETRY });
    const { ctx } = runOf(runs, 0);
    ctx.heartbeat("fine");
    for (const details of [() => 1, Symbol("s"), "x".repeat(70_000)])
      expect(() => ctx.heartbeat(details)).toThrow(expect.objectContaining({ code: "payload" }));
    runOf(runs, 0).reject(new Error("again"));
    await hub.advance(1_000);
    expect(runOf(runs, 1).lastHeartbeat).toBe("fine");
  });

  it("of a handler that fails at once are known to the next attempt too", async () => {
    const seen: unknown[] = [];
    const sync = defineActivity({
      name: "sync",
      retry: RETRY,
      run: (ctx) => {
        seen.push(ctx.lastHeartbeat);
        ctx.heartbeat({ attempt: ctx.attempt });
        if (ctx.attempt < 3) throw new Error("again");
        return "done";
      },
    });
    const caller = define("caller", function* (ctx) {
      return yield* ctx.callActivity(sync);
    });
    const hub = await openHub([caller, sync]);
    expect(await outputOf(hub, caller, undefined, { advance: 10_000 })).toBe("done");
    expect(seen).toEqual([undefined, { attempt: 1 }, { attempt: 2 }]);
  });

  it("can be given through a function taken out of the context", async () => {
    const { hub, runs } = await calling({ retry: RETRY });
    const { heartbeat } = runOf(runs, 0).ctx;
    heartbeat("half");
    runOf(runs, 0).reject(new Error("again"));
    await hub.advance(1_000);
    expect(runOf(runs, 1).lastHeartbeat).toBe("half");
  });

  it.each([
    ["closed", reopen],
    ["abandoned", openAfterCrash],
  ])("are known to the same attempt when it runs again after the hub was %s", async (_how, next) => {
    const { hub, runs, functions, store } = await calling();
    runOf(runs, 0).ctx.heartbeat({ done: 3 });
    await hub.runUntilIdle();
    const second = await next(hub, functions, store);
    await second.runUntilIdle();
    expect(runs.map(({ ctx, lastHeartbeat }) => [ctx.attempt, lastHeartbeat])).toEqual([
      [1, undefined],
      [1, { done: 3 }],
    ]);
  });

  it("survive a second restart without a new heartbeat", async () => {
    const { hub, runs, functions, store } = await calling();
    runOf(runs, 0).ctx.heartbeat("half");
    const second = await reopen(hub, functions, store);
    await second.runUntilIdle();
    const third = await openAfterCrash(second, functions, store);
    await third.runUntilIdle();
    expect(runs.map(({ lastHeartbeat }) => lastHeartbeat)).toEqual([undefined, "half", "half"]);
  });

  it("from before a restart are known to the attempt after a failure that follows it", async () => {
    const { hub, runs, functions, store } = await calling({ retry: RETRY });
    runOf(runs, 0).ctx.heartbeat("half");
    const second = await reopen(hub, functions, store);
    await second.runUntilIdle();
    runOf(runs, 1).reject(new Error("again"));
    await second.advance(1_000);
    expect(runOf(runs, 2).lastHeartbeat).toBe("half");
    expect(runOf(runs, 2).ctx.attempt).toBe(2);
  });

  it("survive a restart in the delay between two attempts", async () => {
    const { hub, runs, functions, store } = await calling({ retry: RETRY });
    runOf(runs, 0).ctx.heartbeat("half");
    runOf(runs, 0).reject(new Error("again"));
    await hub.runUntilIdle();
    const second = await openAfterCrash(hub, functions, store);
    await second.advance(1_000);
    expect(runOf(runs, 1).lastHeartbeat).toBe("half");
  });

  it("given as a last word when the hub closes survive", async () => {
    const { hub, runs, functions, store } = await calling();
    const { ctx } = runOf(runs, 0);
    const lastWord = async (): Promise<void> => {
      ctx.heartbeat("at once");
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
      ctx.heartbeat("after a moment");
    };
    ctx.signal.addEventListener("abort", () => void lastWord());
    const second = await reopen(hub, functions, store);
    await second.runUntilIdle();
    expect(runOf(runs, 1).lastHeartbeat).toBe("after a moment");
  });

  it("given after the end of the attempt are dropped", async () => {
    const { hub, runs } = await calling({ retry: RETRY, timeoutMs: 1_000 });
    runOf(runs, 0).ctx.heartbeat("in time");
    await hub.advance(1_000);
    runOf(runs, 0).ctx.heartbeat("too late");
    await hub.advance(1_000);
    expect(runOf(runs, 1).lastHeartbeat).toBe("in time");
  });
});

/** A store that notes what it is given. */
class NotingStore implements HubStore {
  readonly #store = new MemoryStore();
  readonly changes: InstanceChange[] = [];

  open(hub: string): StoreSession {
    const session = this.#store.open(hub);
    return new Proxy(session, {
      get: (target, key) => {
        if (key === "commit") {
          return (changes: readonly InstanceChange[]) => {
            this.changes.push(...changes);
            return target.commit(changes);
          };
        }
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }
}

describe("writing heartbeat details", () => {
  async function noting(options: HeldOptions = {}) {
    const { activity, runs } = held(options);
    const caller = defineOrchestrator("caller", async (ctx, count: number) => {
      const tasks = Array.from({ length: count }, (_, n) => ctx.callActivity(activity, n));
      await Promise.all(tasks);
      await ctx.waitForExternalEvent("end");
    });
    const store = new NotingStore();
    const hub = await openHub([caller, activity], { store });
    const start = async (count: number, instanceId: string): Promise<void> => {
      await run(hub, caller, count, { instanceId });
      store.changes.length = 0;
    };
    return { hub, runs, store, start };
  }

  async function stored(hub: TestTaskHub, store: HubStore, id: string) {
    await hub.close();
    const session = await store.open("default");
    return (await session.load(id))?.record;
  }

  it("happens at once for the first, then every few seconds at most, however many there are", async () => {
    const { hub, runs, store, start } = await noting();
    await start(1, "one");
    const written: number[] = [];
    for (let beat = 0; beat < 200; beat++) {
      runOf(runs, 0).ctx.heartbeat({ beat });
      await hub.advance(100);
      written.push(...store.changes.splice(0).map(() => beat));
    }
    expect(written.length).toBe(1 + 20_000 / WRITE_INTERVAL_MS);
    expect(written[0]).toBe(0);
  });

  it("writes one record for all activities of an instance", async () => {
    const { hub, runs, store, start } = await noting();
    await start(100, "one");
    for (const each of runs) each.ctx.heartbeat(each.input);
    await hub.runUntilIdle();
    expect(store.changes).toHaveLength(1);
    expect(Object.keys(store.changes[0]?.record?.heartbeats ?? {})).toHaveLength(100);
    expect(store.changes[0]).not.toHaveProperty("turns");
  });

  it("does not happen for an activity that ends before, nor for signs of life without details", async () => {
    const { hub, runs, store, start } = await noting();
    await start(2, "one");
    runOf(runs, 0).ctx.heartbeat("nearly");
    runOf(runs, 0).resolve();
    runOf(runs, 1).ctx.heartbeat();
    await hub.advance(60_000);
    expect(store.changes.some(({ record }) => record?.heartbeats)).toBe(false);
  });

  it("is no change of the orchestration: neither its last update nor those who watch it notice", async () => {
    const { hub, runs, start } = await noting();
    await start(1, "one");
    const before = await stateOf(hub, "one");
    const states: OrchestrationState[] = [];
    const watching = (async () => {
      for await (const state of hub.watchOrchestration("one")) states.push(state);
    })();
    await hub.advance(1_000);
    runOf(runs, 0).ctx.heartbeat("half");
    await hub.advance(60_000);
    expect(await stateOf(hub, "one")).toEqual(before);
    expect(states).toEqual([before]);
    await hub.terminateOrchestration("one");
    await watching;
  });

  it("leaves nothing behind when the activity has ended and its orchestration goes on or ends", async () => {
    const ongoing = await noting();
    await ongoing.start(2, "one");
    for (const { ctx } of ongoing.runs) ctx.heartbeat("half");
    await ongoing.hub.runUntilIdle();
    runOf(ongoing.runs, 0).resolve();
    await ongoing.hub.runUntilIdle();
    runOf(ongoing.runs, 1).resolve();
    await ongoing.hub.runUntilIdle();
    const record = await stored(ongoing.hub, ongoing.store, "one");
    expect(record).toMatchObject({ status: "Running", isBusy: false });
    expect(record).not.toHaveProperty("heartbeats");

    const ended = await noting();
    await ended.start(1, "one");
    runOf(ended.runs, 0).ctx.heartbeat("half");
    await ended.hub.runUntilIdle();
    await ended.hub.terminateOrchestration("one");
    expect(await stored(ended.hub, ended.store, "one")).not.toHaveProperty("heartbeats");
  });

  it("costs a quick activity nothing in the history either", async () => {
    const { hub, runs, start } = await noting();
    await start(1, "one");
    runOf(runs, 0).ctx.heartbeat("half");
    runOf(runs, 0).resolve("done");
    await hub.runUntilIdle();
    const history = await hub.getOrchestrationHistory("one");
    expect(eventsOf(history, "TaskCompleted")).toHaveLength(1);
    expect(JSON.stringify(history)).not.toContain("half");
  });

  it("waits for a store that answers with promises", async () => {
    const memory = new MemoryStore();
    const later: HubStore = {
      open: (name) => {
        const session = memory.open(name);
        return new Proxy(session, {
          get: (target, key) => {
            const value: unknown = Reflect.get(target, key, target);
            if (typeof value !== "function") return value;
            return async (...args: unknown[]) => {
              await new Promise((resolve) => setImmediate(resolve));
              return value.apply(target, args);
            };
          },
        });
      },
    };
    const { activity, runs } = held();
    const caller = defineOrchestrator("caller", async (ctx) => ctx.callActivity(activity));
    const hub = await openHub([caller, activity], { store: later });
    await run(hub, caller, undefined, { instanceId: "one" });
    runOf(runs, 0).ctx.heartbeat("half");
    await hub.close();
    const second = await openHub([caller, activity], { store: later });
    await second.runUntilIdle();
    expect(runOf(runs, 1).lastHeartbeat).toBe("half");
  });
});
