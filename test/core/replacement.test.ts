/** An instance that is replaced while it waits leaves nothing behind that could reach the one in its place. */
import { defineActivity, defineEntity, defineOrchestrator, type HistoryEvent, MemoryStore } from "holdfast";
import { TestTaskHub } from "holdfast/testing";
import { expect, it, vi } from "vitest";
import { admit } from "../../core/hub/admission.ts";
import type { EnginePorts } from "../../core/hub/engine-ports.ts";
import type { EntityPorts } from "../../core/hub/entity-operation.ts";
import { EntityTurn } from "../../core/hub/entity-turn.ts";
import { Group } from "../../core/hub/group.ts";
import { LiveInstance } from "../../core/hub/live-instance.ts";
import type { EventMessage } from "../../core/hub/message.ts";
import { record } from "../conformance/samples.ts";
import { GatedStore } from "./gated-store.ts";
import { openHub, stateOf, typesOf } from "./running.ts";

const work = defineActivity("work", (_ctx, value: number) => value);
const once = defineOrchestrator("once", async (ctx, value: number) => ctx.callActivity(work, value));
const journal = defineEntity("journal", {
  initialState: (): string[] => [],
  operations: {
    add(ctx, entry: string) {
      ctx.state = [...ctx.state, entry];
    },
  },
});
const journalId = { name: "journal", key: "a" };

it("a scheduled start that replaces another runs alone, after a restart too", async () => {
  const store = new MemoryStore();
  const functions = [once, work];
  const first = await TestTaskHub.open({ store, functions });
  const startAt = new Date(first.now.getTime() + 1_000);
  const options = { instanceId: "i", startAt, dedupeStatuses: ["Completed"] as const };
  await first.scheduleNewOrchestration(once, 1, options);
  await first.raiseOrchestrationEvent("i", "unheard");
  await first.scheduleNewOrchestration(once, 2, options);
  await first.close();
  const hub = await openHub(functions, { store, startAt: first.now });
  await hub.advance(2_000);
  expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: 2 });
  const types = typesOf(await hub.getOrchestrationHistory("i"));
  expect(types.filter((type) => type === "ExecutionStarted")).toHaveLength(1);
  expect(types).not.toContain("EventRaised");
});

it("what was stored for a replaced instance before anything judged it does not reach the scheduled start in its place", async () => {
  const store = new MemoryStore();
  const functions = [once, work];
  const first = await TestTaskHub.open({ store, functions });
  const startAt = new Date(first.now.getTime() + 5_000);
  await first.scheduleNewOrchestration(once, 2, { instanceId: "i", startAt });
  await first.close();
  const basis = { eventId: -1, timestamp: first.now };
  const late: HistoryEvent[] = [
    { ...basis, type: "EntityOperationCompleted", requestId: "1" },
    { ...basis, type: "ExecutionRewound" },
  ];
  const inboxAdded = late.map((event, n) => ({
    sequence: startAt.getTime() * 1_000 + n,
    event,
    executionId: "replaced",
  }));
  store.open("default").commit([{ instanceId: "i", atMs: first.now.getTime(), inboxAdded }]);
  const hub = await openHub(functions, { store, startAt: first.now });
  await hub.advance(10_000);
  expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: 2 });
  const types = typesOf(await hub.getOrchestrationHistory("i"));
  for (const { type } of late) expect(types).not.toContain(type);
  expect(store.open("default").load("i")?.inbox).toEqual([]);
});

it("the timer of a scheduled start that was replaced, on its way by then, does not start what took its place", async () => {
  const store = new GatedStore();
  const hub = await openHub([once, work], { store });
  const at = (seconds: number, input: number) =>
    hub.scheduleNewOrchestration(once, input, {
      instanceId: "i",
      startAt: new Date(hub.now.getTime() + seconds * 1_000),
      dedupeStatuses: ["Completed"],
    });
  await at(1, 1);
  store.hold("dueTimers");
  const ringing = hub.advance(1_000);
  await vi.waitFor(() => expect(store.heldCount("dueTimers")).toBe(1));
  await at(60, 2);
  store.release("dueTimers");
  await ringing;
  await hub.advance(30_000);
  expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Pending" });
  await hub.advance(30_000);
  expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: 2 });
});

it.each([
  ["is for later", { scheduledStartAtMs: 1_000 }],
  ["waits for a hub of its version", { version: "2" }],
])("a timer of what was replaced that is on its way does not ring in a start that %s", (_case, waiting) => {
  const timestamp = new Date(0);
  const live = new LiveInstance("i");
  live.load({
    record: record("i", { status: "Pending", ...waiting }),
    lastUpdatedAtMs: 0,
    turnCount: 0,
    eventCount: 0,
    inbox: [],
  });
  const timer = { instanceId: "i", kind: "timer", timerId: 4, dueAtMs: 0 } as const;
  live.inbox = [
    { kind: "event", event: { type: "TimerFired", eventId: -1, timestamp, fireAt: timestamp, timerId: 4 }, timer },
  ];
  const group = new Group();
  const ports = { group, options: { host: { now: () => 0 }, versioning: { version: "1", match: "strict" } } };
  expect(admit(live, ports as unknown as EnginePorts)).toBeUndefined();
  expect(live.held).toEqual([]);
  expect(group.draft(live, 0).change()?.inboxAdded).toBeUndefined();
});

it("the unlock of a generation that was replaced does not withdraw the lock its successor asks for at the same instant", () => {
  const timestamp = new Date(0);
  const section = { eventId: -1, timestamp, criticalSectionId: "same", parentInstanceId: "i" };
  const events: HistoryEvent[] = [
    { ...section, type: "EntityLockRequested", parentExecutionId: "second", lockSet: ["@journal@a"], position: 0 },
    { ...section, type: "EntityUnlockSent", parentExecutionId: "first", targetInstanceId: "@journal@a" },
  ];
  const messages = events.map((event): EventMessage => ({ kind: "event", event }));
  const turn = new EntityTurn("@journal@a", undefined, messages, { now: () => 0 } as EntityPorts);
  void turn.run();
  expect(turn.lockedBy).toMatchObject({ instanceId: "i", executionId: "second" });
});

const SOON = { timeout: 60_000, interval: 1 };

it("an instance that was read while messages for it were being stored is shown as it is", async () => {
  const sender = defineOrchestrator("sender", async (ctx) => ctx.sendEvent("i", "unheard"));
  const store = new GatedStore();
  const hub = await openHub([once, work, sender], { store });
  await hub.scheduleNewOrchestration(once, 1, { instanceId: "i" });
  await hub.advance(0);
  store.hold("load");
  const sent = hub.scheduleNewOrchestration(sender, undefined, { instanceId: "s" });
  await vi.waitFor(() => expect(store.heldCount("load")).toBe(1), SOON);
  store.hold("commit");
  store.letOne("load");
  await vi.waitFor(() => expect(store.heldCount("commit")).toBe(1), SOON);
  store.release("load");
  await Promise.resolve();
  store.release("commit");
  await sent;
  expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed" });
});

it("a signal whose time has come while its entity is held takes effect even if the clock goes back", async () => {
  const holding = defineOrchestrator("holding", async (ctx) => {
    const lock = await ctx.lockEntities(journalId);
    await ctx.waitForExternalEvent("go");
    lock.release();
  });
  const functions = [holding, journal];
  const store = new MemoryStore();
  const ahead = await TestTaskHub.open({ store, functions });
  await ahead.scheduleNewOrchestration(holding, undefined, { instanceId: "i" });
  await ahead.signalEntity(journalId, "add", "later", { signalTime: 1_000 });
  const before = ahead.now;
  await ahead.advance(2_000);
  await ahead.close();
  const hub = await openHub(functions, { store, startAt: before });
  await hub.raiseOrchestrationEvent("i", "go");
  await hub.advance(5_000);
  expect((await hub.getEntity(journalId))?.state).toEqual(["later"]);
});
