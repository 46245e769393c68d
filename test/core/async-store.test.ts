import { defineActivity, defineOrchestrator, MemoryStore } from "holdfast";
import { TestTaskHub } from "holdfast/testing";
import { describe, expect, it } from "vitest";
import { CrashingStore } from "./crashing-store.ts";
import { GatedStore } from "./gated-store.ts";
import { errorOf, openHub, stateOf } from "./running.ts";

/** Lets everything happen that needs no clock. */
const settle = async (): Promise<void> => {
  for (let n = 0; n < 10; n++) await new Promise((resolve) => setImmediate(resolve));
};

describe("over an asynchronous store", () => {
  it("a timer of one generation never fires that of the next, although the store still had it when it was asked", async () => {
    const store = new GatedStore();
    const generations = defineOrchestrator("generations", async (ctx, generation: number) => {
      const timer = ctx.createTimer(generation === 0 ? 1_000 : 3_600_000);
      if (generation === 0) {
        await ctx.waitForExternalEvent("go");
        ctx.continueAsNew(1);
        return;
      }
      await timer;
      return ctx.currentUtcDateTime.getTime();
    });
    const hub = await openHub([generations], { store });
    const startedAtMs = hub.now.getTime();
    const id = await hub.scheduleNewOrchestration(generations, 0);
    await hub.advance(999);
    store.hold("dueTimers");
    const advanced = hub.advance(1);
    await settle();
    expect(store.heldCount("dueTimers")).toBe(1);
    await hub.raiseOrchestrationEvent(id, "go");
    await settle();
    store.release("dueTimers");
    await advanced;
    expect((await stateOf(hub, id)).runtimeStatus).toBe("Running");
    await hub.advance(3_600_000);
    expect(await stateOf(hub, id)).toMatchObject({
      runtimeStatus: "Completed",
      output: startedAtMs + 1_000 + 3_600_000,
    });
  });

  it("a timer that was withdrawn never fires, although the store still had it when it was asked and the instance is read anew", async () => {
    const store = new GatedStore();
    const impatient = defineOrchestrator("impatient", async (ctx) => {
      const first = await ctx.waitForExternalEvent<string>("go", { timeout: 1_000 });
      return [first, await ctx.waitForExternalEvent<string>("go")];
    });
    const other = defineOrchestrator("other", (ctx) => ctx.waitForExternalEvent("go"));
    const hub = await openHub([impatient, other], { store, maxLiveInstances: 1 });
    const id = await hub.scheduleNewOrchestration(impatient);
    await hub.advance(999);
    store.hold("dueTimers");
    const advanced = hub.advance(1);
    await settle();
    expect(store.heldCount("dueTimers")).toBe(1);
    await hub.raiseOrchestrationEvent(id, "go", "in time");
    // Others take its place in memory.
    for (let n = 0; n < 3; n++) await hub.scheduleNewOrchestration(other);
    await settle();
    store.release("dueTimers");
    await advanced;
    await settle();
    expect((await hub.getOrchestrationHistory(id)).map(({ type }) => type)).not.toContain("TimerFired");
    await hub.raiseOrchestrationEvent(id, "go", "later");
    expect(await stateOf(hub, id)).toMatchObject({ runtimeStatus: "Completed", output: ["in time", "later"] });
  });

  it("an activity that was terminated while a recovery read its history is not started again", async () => {
    const store = new GatedStore();
    let runCount = 0;
    const hang = defineActivity("hang", () => {
      runCount++;
      return new Promise<void>(() => {});
    });
    const busy = defineOrchestrator("busy", (ctx) => ctx.callActivity(hang));
    const waiting = defineOrchestrator("waiting", (ctx) => ctx.waitForExternalEvent("go"));
    const hub = await openHub([busy, waiting, hang], { store, maxLiveInstances: 1 });
    const id = await hub.scheduleNewOrchestration(busy);
    await settle();
    store.hold("commit");
    const refused = errorOf(() => hub.scheduleNewOrchestration(waiting));
    await settle();
    store.fail("commit");
    store.release("commit");
    await refused;
    store.hold("history");
    const advanced = hub.advance(60_000);
    for (let n = 0; n < 20 && store.heldCount("history") === 0; n++) await settle();
    expect(store.heldCount("history")).toBe(1);
    // Others would take its place in memory.
    for (let n = 0; n < 3; n++) await hub.scheduleNewOrchestration(waiting);
    const terminated = hub.terminateOrchestration(id);
    await settle();
    store.letNewest("history");
    await settle();
    store.release("history");
    await terminated;
    await advanced;
    expect((await stateOf(hub, id)).runtimeStatus).toBe("Terminated");
    expect(runCount).toBe(1);
  });

  it("a message to an instance that is still being read does not look like its end", async () => {
    const store = new GatedStore();
    const waiting = defineOrchestrator("waiting", (ctx) => ctx.waitForExternalEvent<string>("go"));
    const caller = defineOrchestrator("caller", async (ctx) => ctx.sendEvent("w", "go", "on"));
    const first = await openHub([waiting, caller], { store });
    await first.scheduleNewOrchestration(waiting, undefined, { instanceId: "w" });
    await first.close();
    const hub = await openHub([waiting, caller], { store });
    const ended = hub.waitForOrchestrationCompletion("w");
    await settle();
    store.hold("load");
    const started = hub.scheduleNewOrchestration(caller, undefined, { instanceId: "c" });
    await settle();
    store.letOne("load");
    await started;
    await settle();
    expect(store.heldCount("load")).toBe(1);
    expect(store.applied.at(-1)?.map(({ instanceId }) => instanceId)).toContain("w");
    store.release("load");
    expect(await ended).toMatchObject({ runtimeStatus: "Completed", output: "on" });
  });

  it("an id that was made up for a start is not looked for", async () => {
    const store = new GatedStore();
    const quick = defineOrchestrator("quick", async () => 1);
    const hub = await openHub([quick], { store });
    store.hold("load");
    const id = await hub.scheduleNewOrchestration(quick);
    expect(store.heldCount("load")).toBe(0);
    store.release("load");
    expect(await stateOf(hub, id)).toMatchObject({ runtimeStatus: "Completed", output: 1 });
  });

  it("an opening whose reads fail says so, and does not hang", async () => {
    const inner = new MemoryStore();
    const act = defineActivity("act", () => new Promise<number>(() => {}));
    const calling = defineOrchestrator("calling", async (ctx) => ctx.callActivity(act));
    const first = await openHub([calling, act], { store: inner });
    await first.scheduleNewOrchestration(calling);
    await first.runUntilIdle();
    await first.close();
    const store = new GatedStore(inner);
    store.hold("load");
    const opening = errorOf(() => TestTaskHub.open({ store, functions: [calling, act] }));
    await settle();
    store.fail("load", "The disk is gone.");
    expect((await opening).message).toBe("The disk is gone.");
  });
});

describe("a recursive termination", () => {
  const waiting = defineOrchestrator("waiting", async (ctx) => ctx.waitForExternalEvent("go"));
  const parent = defineOrchestrator("parent", async (ctx) => {
    const children = await ctx.waitForExternalEvent<readonly string[]>("call");
    await Promise.all(children.map((instanceId) => ctx.callSubOrchestrator(waiting, undefined, { instanceId })));
  });

  it("leaves an instance alone whose id refused the child, although the parent has not heard of it", async () => {
    const inner = new MemoryStore();
    const first = await openHub([waiting, parent], { store: inner });
    await first.scheduleNewOrchestration(waiting, undefined, { instanceId: "mine" });
    await first.close();
    const store = new GatedStore(inner);
    const hub = await openHub([waiting, parent], { store });
    await hub.scheduleNewOrchestration(parent, undefined, { instanceId: "p" });
    await hub.runUntilIdle();
    store.hold("load");
    await hub.raiseOrchestrationEvent("p", "call", ["mine", "child"]);
    await hub.terminateOrchestration("p", { recursive: true });
    expect(store.heldCount("load")).toBe(2);
    store.release("load");
    await hub.runUntilIdle();
    expect((await stateOf(hub, "p")).runtimeStatus).toBe("Terminated");
    expect((await stateOf(hub, "child")).runtimeStatus).toBe("Terminated");
    expect((await stateOf(hub, "mine")).runtimeStatus).toBe("Running");
  });
});

describe("messages that a generation left behind", () => {
  it("come after the start of the next, wherever the hub stops", async () => {
    const eager = defineOrchestrator("eager", function* (ctx, taken: number[]) {
      const value = yield* ctx.waitForExternalEvent<number>("n");
      const all = [...taken, value];
      if (all.length < 12) ctx.continueAsNew(all);
      return all;
    });
    const sender = defineOrchestrator("sender", function* (ctx, count: number) {
      for (let n = 0; n < count; n++) ctx.sendEvent("eager", "n", n);
      yield* ctx.createTimer(0);
    });
    for (let crashAfter = 1; crashAfter <= 8; crashAfter++) {
      const store = new CrashingStore(Number.POSITIVE_INFINITY);
      const first = await openHub([eager, sender], { store });
      await first.scheduleNewOrchestration(eager, [], { instanceId: "eager" });
      store.crashAfter = store.commits + crashAfter;
      await first.scheduleNewOrchestration(sender, 12, { instanceId: "sender" }).catch(() => {});
      await first.runUntilIdle();
      const second = await openHub([eager, sender], { store, startAt: first.now });
      if (!(await second.getOrchestrationState("sender"))) await second.scheduleNewOrchestration(sender, 12);
      await second.runUntilIdle();
      await second.advance(1_000);
      expect(await stateOf(second, "eager")).toMatchObject({
        runtimeStatus: "Completed",
        output: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
      });
    }
  });
});

describe("an inbox as it was stored", () => {
  const collect = defineOrchestrator("collect", async (ctx, first: string) => [
    first,
    await ctx.waitForExternalEvent<string>("x"),
    await ctx.waitForExternalEvent<string>("x"),
  ]);

  it("gives the start of a generation before what an earlier one has left", async () => {
    const store = new MemoryStore();
    const first = await openHub([collect], { store });
    const id = await first.scheduleNewOrchestration(collect, "old");
    await first.close();
    const session = store.open("default");
    const record = session.load(id)?.record;
    const timestamp = first.now;
    const orchestrationInstance = { instanceId: id, executionId: "next" };
    const start = { type: "ExecutionStarted", eventId: 0, timestamp, name: "collect", input: '"new"' } as const;
    session.commit([
      {
        instanceId: id,
        atMs: timestamp.getTime(),
        isReset: true,
        ...(record && { record: { ...record, executionId: "next" } }),
        inboxAdded: [
          { sequence: 5, event: { type: "EventRaised", eventId: -1, timestamp, name: "x", input: '"left"' } },
          { sequence: 6, event: { ...start, orchestrationInstance } },
        ],
      },
    ]);
    const second = await openHub([collect], { store });
    await second.runUntilIdle();
    await second.raiseOrchestrationEvent(id, "x", "later");
    await second.runUntilIdle();
    expect(await stateOf(second, id)).toMatchObject({ output: ["new", "left", "later"] });
  });

  it("gives a scheduled start nothing that was meant for the generation it has replaced", async () => {
    const store = new MemoryStore();
    const family = [
      defineOrchestrator("parent", (ctx) => ctx.callSubOrchestrator<string>("child", undefined, { instanceId: "c" })),
      defineOrchestrator("child", async (ctx) => ctx.waitForExternalEvent<string>("x")),
    ];
    const first = await openHub(family, { store });
    const startAt = new Date(first.now.getTime() + 1_000);
    const id = await first.scheduleNewOrchestration("parent", undefined, { startAt });
    await first.close();
    const session = store.open("default");
    const result = { type: "SubOrchestrationInstanceCompleted", eventId: -1, taskScheduledId: 1 } as const;
    const event = { ...result, timestamp: first.now, result: '"of the child that nobody waits for any more"' };
    session.commit([
      { instanceId: id, atMs: startAt.getTime(), inboxAdded: [{ sequence: 5, executionId: "replaced", event }] },
    ]);
    const second = await openHub(family, { store });
    await second.advance(1_000);
    await second.raiseOrchestrationEvent("c", "x", "its own");
    await second.runUntilIdle();
    expect(await stateOf(second, id)).toMatchObject({ runtimeStatus: "Completed", output: "its own" });
    const history = await second.getOrchestrationHistory(id);
    expect(history.filter(({ type }) => type === "SubOrchestrationInstanceCompleted")).toHaveLength(1);
  });

  it.each([1, 2])("holds a scheduled start for a suspension only until the resume (%i of them)", async (count) => {
    const store = new MemoryStore();
    const waiting = defineOrchestrator("waiting", (ctx) => ctx.waitForExternalEvent("go"));
    const first = await openHub([waiting], { store });
    const startAt = new Date(first.now.getTime() + 1_000);
    const id = await first.scheduleNewOrchestration("waiting", undefined, { startAt });
    await first.close();
    // Of a hub that died before it could judge them.
    const session = store.open("default");
    const event = { type: "ExecutionSuspended", eventId: -1, timestamp: first.now } as const;
    const inboxAdded = Array.from({ length: count }, (_, index) => ({ sequence: 3e15 + index, event }));
    session.commit([{ instanceId: id, atMs: first.now.getTime(), inboxAdded }]);
    const second = await openHub([waiting], { store });
    await second.advance(1_000);
    expect(await stateOf(second, id)).toMatchObject({ runtimeStatus: "Suspended" });
    await second.resumeOrchestration(id);
    await second.runUntilIdle();
    await second.close();
    const third = await openHub([waiting], { store });
    await third.runUntilIdle();
    expect(await stateOf(third, id)).toMatchObject({ runtimeStatus: "Running" });
  });

  it("lets a suspended start go on that is resumed at the very moment it is due", async () => {
    const inner = new MemoryStore();
    const waiting = defineOrchestrator("waiting", (ctx) => ctx.waitForExternalEvent("go"));
    const first = await openHub([waiting], { store: inner });
    const startAt = new Date(first.now.getTime() + 1_000);
    const id = await first.scheduleNewOrchestration(waiting, undefined, { startAt });
    await first.suspendOrchestration(id);
    await first.close();
    const store = new GatedStore(inner);
    const hub = await openHub([waiting], { store, maxLiveInstances: 1 });
    await hub.scheduleNewOrchestration(waiting);
    store.hold("load");
    const advanced = hub.advance(1_000);
    await settle();
    expect(store.heldCount("load")).toBe(1);
    const resumed = hub.resumeOrchestration(id);
    await settle();
    store.release("load");
    await Promise.all([advanced, resumed]);
    expect(await stateOf(hub, id)).toMatchObject({ runtimeStatus: "Running" });
  });

  it("keeps its order when the clock has gone back", async () => {
    const store = new MemoryStore();
    const startAt = (first: { now: Date }, ms: number): Date => new Date(first.now.getTime() + ms);
    const first = await openHub([collect], { store });
    const id = await first.scheduleNewOrchestration(collect, "s", { startAt: startAt(first, 1_000) });
    await first.raiseOrchestrationEvent(id, "x", 1);
    await first.close();
    for (const backMs of [0, 10_000]) {
      const next = await openHub([collect], { store, startAt: startAt(first, -backMs) });
      await next.raiseOrchestrationEvent(id, "x", backMs);
      await next.close();
    }
    const last = await openHub([collect], { store, startAt: first.now });
    await last.advance(1_000);
    expect(await stateOf(last, id)).toMatchObject({ output: ["s", 1, 0] });
  });
});

describe("a scheduled start of another version", () => {
  it("waits for a hub of its version when its time comes", async () => {
    const store = new MemoryStore();
    const one = defineOrchestrator({ name: "o", version: "1", run: async () => "one" });
    const first = await openHub([one], { store });
    const id = await first.scheduleNewOrchestration(one, undefined, { startAt: new Date(first.now.getTime() + 1_000) });
    await first.close();
    const second = await openHub([one], { store, versioning: { version: "2", match: "strict" } });
    await second.advance(5_000);
    expect((await stateOf(second, id)).completedAt).toBeUndefined();
    await second.close();
    const third = await openHub([one], { store, startAt: second.now });
    await third.runUntilIdle();
    expect(await stateOf(third, id)).toMatchObject({ runtimeStatus: "Completed", output: "one" });
  });
});
