/** A hub over a store whose calls fail for a while: what fails is the call that asked, and everything else goes on. */
import {
  type ActivityContext,
  defineActivity,
  defineEntity,
  defineOrchestrator,
  type Logger,
  MemoryStore,
  TaskHub,
  type TaskHubOptions,
} from "holdfast";
import { TestTaskHub } from "holdfast/testing";
import { describe, expect, it } from "vitest";
import { FailingStore } from "./failing-store.ts";
import { GatedStore } from "./gated-store.ts";
import { errorOf, openHub, run, stateOf } from "./running.ts";

const waiter = defineOrchestrator("waiter", async (ctx) => ctx.waitForExternalEvent("x"));
const sleeper = defineOrchestrator("sleeper", async (ctx) => {
  await ctx.createTimer({ minutes: 1 });
  return "awake";
});
const settle = async (): Promise<void> => {
  for (let n = 0; n < 10; n++) await new Promise((resolve) => setImmediate(resolve));
};

describe.each(["sync", "async"] as const)("reads of a %s store that fail", (kind) => {
  it("fail the client call that asked, and no other", async () => {
    const store = new FailingStore(kind);
    const hub = await openHub([waiter], { store });
    await run(hub, waiter, undefined, { instanceId: "i" });
    store.fail("load", "history", "query", "queryEntities");
    for (const call of [
      () => hub.getOrchestrationState("missing"),
      () => hub.getOrchestrationHistory("i"),
      () => hub.listInstanceIds(),
      () => hub.waitForOrchestrationCompletion("missing", { timeoutMs: 1_000 }),
      () => hub.getEntity("@counter@k"),
      () => hub.raiseOrchestrationEvent("missing", "x"),
      () => hub.scheduleNewOrchestration(waiter, undefined, { instanceId: "new" }),
    ])
      expect(await errorOf(call)).toMatchObject({ message: expect.stringContaining("The disk does not answer") });
    await hub.raiseOrchestrationEvent("i", "x", "still here");
    store.heal();
    await hub.scheduleNewOrchestration(waiter, undefined, { instanceId: "new" });
    await hub.runUntilIdle();
    expect((await stateOf(hub, "i")).output).toBe("still here");
    expect((await stateOf(hub, "new")).runtimeStatus).toBe("Running");
  });

  it("keep what the hub itself has for an instance, until it can be read", async () => {
    const store = new FailingStore(kind);
    const parent = defineOrchestrator("parent", async (ctx) =>
      ctx.callSubOrchestrator(waiter, undefined, { instanceId: "child" }),
    );
    const hub = await openHub([waiter, parent], { store });
    store.fail("load");
    await errorOf(() => run(hub, waiter, undefined, { instanceId: "other" }));
    store.heal();
    await hub.scheduleNewOrchestration(parent, undefined, { instanceId: "p" });
    store.fail("load");
    await hub.runUntilIdle();
    await hub.advance({ seconds: 10 });
    store.heal();
    await hub.advance({ seconds: 10 });
    await hub.raiseOrchestrationEvent("child", "x", 5);
    await hub.runUntilIdle();
    expect((await stateOf(hub, "p")).output).toBe(5);
  });

  it("delay the replay that needs them, and the result of an activity is not lost", async () => {
    const store = new FailingStore(kind);
    const finish: ((value: number) => void)[] = [];
    const slow = defineActivity("slow", () => new Promise<number>((resolve) => finish.push(resolve)));
    const caller = defineOrchestrator("caller", async (ctx) => (await ctx.callActivity(slow)) * 2);
    const hub = await openHub([caller, slow, waiter], { store, maxLiveInstances: 1 });
    await run(hub, caller, undefined, { instanceId: "i" });
    for (const id of ["a", "b", "c"]) await run(hub, waiter, undefined, { instanceId: id });
    store.fail("load", "history");
    finish[0]?.(21);
    await settle();
    expect(store.failures).toBeGreaterThan(0);
    await hub.advance({ seconds: 10 });
    store.heal();
    await hub.advance({ seconds: 10 });
    expect((await stateOf(hub, "i")).output).toBe(42);
  });

  it("delay timers, which fire once the store answers again", async () => {
    const store = new FailingStore(kind);
    const hub = await openHub([sleeper], { store });
    await run(hub, sleeper, undefined, { instanceId: "i" });
    for (const call of ["dueTimers", "nextTimerAtMs"] as const) {
      store.fail(call);
      await hub.advance({ seconds: 40 });
      store.heal();
    }
    await hub.advance({ seconds: 2 });
    expect((await stateOf(hub, "i")).output).toBe("awake");
  });

  it("have open work taken up later, when it is the recovery after a failed commit that they break", async () => {
    const store = new FailingStore(kind);
    const runs: ActivityContext[] = [];
    const once = defineActivity("once", (ctx) => {
      runs.push(ctx);
      return "done";
    });
    const caller = defineOrchestrator("caller", async (ctx) => ctx.callActivity(once));
    const hub = await openHub([caller, once], { store });
    await hub.scheduleNewOrchestration(caller, undefined, { instanceId: "i" });
    store.fail("commit", "openInstances");
    await hub.runUntilIdle();
    await hub.advance({ seconds: 5 });
    store.heal();
    store.fail("load", "history");
    await hub.advance({ seconds: 5 });
    store.heal();
    await hub.advance({ seconds: 5 });
    expect((await stateOf(hub, "i")).output).toBe("done");
  });

  it("and commits that took effect although they failed are told to those who wait", async () => {
    const store = new FailingStore(kind);
    const hub = await openHub([waiter], { store });
    await run(hub, waiter, undefined, { instanceId: "i" });
    const states: string[] = [];
    const watch = async (): Promise<void> => {
      for await (const { runtimeStatus } of hub.watchOrchestration("i")) states.push(runtimeStatus);
    };
    const waits = Promise.all([watch(), hub.waitForOrchestrationCompletion("i")]);
    await settle();
    store.failAfter("commit");
    await errorOf(() => hub.terminateOrchestration("i"));
    store.heal();
    await hub.advance({ seconds: 5 });
    expect((await waits)[1].runtimeStatus).toBe("Terminated");
    expect(states).toEqual(["Running", "Terminated"]);
  });

  it("while a hub is opened make the opening fail, which gives the store back", async () => {
    const store = new FailingStore(kind);
    for (const call of ["openInstances", "load", "dueTimers"] as const) {
      const closings = store.closings;
      const opened = await TestTaskHub.open({ store, functions: [waiter] });
      await opened.scheduleNewOrchestration(waiter, undefined, {
        instanceId: call,
        startAt: new Date(opened.now.getTime() + 1e6),
      });
      await opened.close();
      store.fail(call);
      if (call === "dueTimers") await (await TestTaskHub.open({ store, functions: [waiter] })).close();
      else expect((await errorOf(() => TestTaskHub.open({ store, functions: [waiter] }))).message).toContain(call);
      store.heal();
      expect(store.closings).toBe(closings + 2);
    }
  });
});

describe("opening and closing", () => {
  it("an option that makes no sense opens no store", async () => {
    const store = new FailingStore("sync");
    const options = { store, functions: [], onNonDeterminism: "explode" } as unknown as TaskHubOptions;
    const older = await openHub([waiter], { store });
    expect(await errorOf(() => TaskHub.open(options))).toMatchObject({ code: "invalidArgument" });
    await run(older, waiter, undefined, { instanceId: "i" });
  });

  it("everyone who closes waits for the end of it", async () => {
    const store = new GatedStore();
    const hub = await openHub([waiter], { store });
    store.hold("commit");
    const start = hub.scheduleNewOrchestration(waiter);
    await settle();
    expect(store.heldCount("commit")).toBe(1);
    let closed = 0;
    const closings = [hub.close(), hub.close()].map((closing) => closing.then(() => closed++));
    await settle();
    expect(closed).toBe(0);
    store.release("commit");
    await Promise.all([...closings, start]);
    await hub.close();
    expect(closed).toBe(2);
  });

  it("a session that is closed refuses every call of its own, and no other's", async () => {
    const store = new MemoryStore();
    const session = store.open("default");
    session.close();
    const hub = await openHub([waiter], { store });
    await run(hub, waiter, undefined, { instanceId: "i" });
    expect(() => session.load("i")).toThrow(expect.objectContaining({ code: "hubClosed" }));
  });
});

describe("a logger that throws", () => {
  const fail = (): never => {
    throw new Error("The log is full.");
  };
  const logger: Logger = { debug: fail, info: fail, warn: fail, error: fail };

  it("breaks neither commits that fail, nor orchestrators, activities and entities that log", async () => {
    const store = new FailingStore("sync");
    const chatty = defineActivity("chatty", (ctx) => {
      ctx.log.info("working");
      return 1;
    });
    const counter = defineEntity("counter", { initialState: () => 0, operations: {} });
    const talker = defineOrchestrator("talker", async (ctx) => {
      ctx.log.warn("starting");
      ctx.signalEntity("@counter@k", "missing");
      return ctx.callActivity(chatty);
    });
    const hub = await openHub([talker, chatty, counter], { store, logger });
    await hub.scheduleNewOrchestration(talker, undefined, { instanceId: "i" });
    store.fail("commit", "openInstances");
    await hub.advance({ seconds: 5 });
    store.heal();
    await hub.advance({ seconds: 5 });
    expect((await stateOf(hub, "i")).output).toBe(1);
  });

  it("leaves no rejection behind when it is asynchronous", async () => {
    const rejecting = async (): Promise<never> => fail();
    const logs: unknown = { debug: rejecting, info: rejecting, warn: rejecting, error: rejecting };
    const hub = await openHub([sleeper], {
      logger: logs as Logger,
      limits: { historyEventsWarning: 1 },
    });
    expect((await run(hub, sleeper, undefined, { advance: 60_000 })).output).toBe("awake");
    await settle();
  });
});

describe("an entity whose operation outlasts a failed commit", () => {
  it("runs it again only when the first run has ended", async () => {
    const store = new FailingStore("sync");
    const ends: (() => void)[] = [];
    let [running, most] = [0, 0];
    const slow = defineEntity("slow", {
      initialState: () => 0,
      operations: {
        async add(ctx, amount: number) {
          most = Math.max(most, ++running);
          await new Promise<void>((resolve) => ends.push(resolve));
          running--;
          ctx.state += amount;
        },
      },
    });
    const hub = await openHub([slow, waiter], { store });
    await hub.signalEntity("@slow@k", "add", 0, { signalTime: { milliseconds: 1 } });
    await hub.advance(1);
    expect(ends).toHaveLength(1);
    store.fail("commit");
    await errorOf(() => run(hub, waiter));
    store.heal();
    await hub.advance({ seconds: 5 });
    expect([ends.length, most]).toEqual([1, 1]);
    ends[0]?.();
    await settle();
    expect(ends).toHaveLength(2);
    ends[1]?.();
    await hub.runUntilIdle();
    expect(most).toBe(1);
    expect((await hub.getEntity<number>("@slow@k"))?.state).toBe(0);
    const signalled = hub.signalEntity("@slow@k", "add", 2);
    await settle();
    ends[2]?.();
    await signalled;
    await hub.runUntilIdle();
    expect((await hub.getEntity<number>("@slow@k"))?.state).toBe(2);
  });
});

it.each(["sync", "async"] as const)(
  "a %s commit that ends a run and fails all the same stops its activities",
  async (kind) => {
    const store = new FailingStore(kind);
    const signals: AbortSignal[] = [];
    const endless = defineActivity("endless", (ctx: ActivityContext) => {
      signals.push(ctx.signal);
      return new Promise<never>(() => {});
    });
    const first = defineOrchestrator("first", async (ctx) => {
      await Promise.race([ctx.callActivity(endless), ctx.waitForExternalEvent("x")]);
    });
    const hub = await openHub([endless, first], { store });
    await hub.scheduleNewOrchestration(first, undefined, { instanceId: "i" });
    await hub.runUntilIdle();
    store.failAfter("commit");
    await errorOf(() => hub.raiseOrchestrationEvent("i", "x"));
    store.heal();
    await hub.advance({ seconds: 10 });
    expect((await stateOf(hub, "i")).runtimeStatus).toBe("Completed");
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  },
);

it.each(["sync", "async"] as const)(
  "a run that a failed %s commit has ended all the same, and that is rewound at once, goes on with the activities under way",
  async (kind) => {
    const store = new FailingStore(kind);
    const { promise: ended, resolve: end } = Promise.withResolvers<string>();
    let runCount = 0;
    let fails = true;
    const lasting = defineActivity("lasting", () => {
      runCount++;
      return ended;
    });
    const failing = defineOrchestrator("failing", async (ctx) => {
      const called = ctx.callActivity(lasting);
      await ctx.waitForExternalEvent("x");
      if (fails) throw new Error("not yet");
      return called;
    });
    const hub = await openHub([lasting, failing], { store });
    await hub.scheduleNewOrchestration(failing, undefined, { instanceId: "i" });
    await hub.runUntilIdle();
    store.failAfter("commit");
    await errorOf(() => hub.raiseOrchestrationEvent("i", "x"));
    store.heal();
    fails = false;
    await hub.rewindOrchestration("i");
    end("lasted");
    await hub.advance({ seconds: 10 });
    expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: "lasted" });
    expect(runCount).toBe(1);
  },
);
