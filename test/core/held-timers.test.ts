import { defineActivity, defineOrchestrator, MemoryStore } from "holdfast";
import { TestTaskHub } from "holdfast/testing";
import { expect, test, vi } from "vitest";

const act = defineActivity("act", () => 1);
const recorded = defineOrchestrator({
  name: "o",
  version: "1",
  run: async (ctx) => {
    await ctx.createTimer(1_000);
    return ctx.callActivity(act);
  },
});
const changed = defineOrchestrator({
  name: "o",
  version: "1",
  run: async (ctx) => {
    const result = await ctx.callActivity(act);
    await ctx.createTimer(1_000);
    return result;
  },
});
const other = defineOrchestrator("other", async (ctx) => {
  await ctx.createTimer(5_000);
  return "fired";
});

const listening = (code: typeof act | undefined) =>
  defineOrchestrator("listener", async (ctx) => {
    if (code) await ctx.callActivity(code);
    const timer = ctx.createTimer(1_000);
    await ctx.waitForExternalEvent("x");
    await timer;
    return "rang";
  });

test("a timer that rings while its instance is parked waits with everything else, and keeps the hub from nothing", async () => {
  const store = new MemoryStore();
  const options = { store, onNonDeterminism: "suspend" as const };
  const first = await TestTaskHub.open({ ...options, functions: [act, listening(undefined)] });
  await first.scheduleNewOrchestration("listener", undefined, { instanceId: "i" });
  await first.runUntilIdle();
  await first.close();
  const second = await TestTaskHub.open({ ...options, functions: [act, listening(act), other] });
  await second.raiseOrchestrationEvent("i", "x");
  expect(await second.getOrchestrationState("i")).toMatchObject({ runtimeStatus: "Suspended" });
  const otherId = await second.scheduleNewOrchestration(other);
  await second.advance(10_000);
  expect(await second.getOrchestrationState(otherId)).toMatchObject({ output: "fired" });
  await second.close();
  const third = await TestTaskHub.open({ ...options, functions: [act, listening(undefined)] });
  await third.runUntilIdle();
  expect(await third.getOrchestrationState("i")).toMatchObject({ runtimeStatus: "Completed", output: "rang" });
});

test("a rewind that does not fit the code fails again, and succeeds when the code is back", async () => {
  const store = new MemoryStore();
  const options = { store, onNonDeterminism: "suspend" as const };
  const risky = (code: typeof act | undefined, isWell: boolean) =>
    defineOrchestrator("risky", async (ctx) => {
      if (code) await ctx.callActivity(code);
      await ctx.createTimer(1);
      if (!isWell) throw new Error("unwell");
      return "well";
    });
  const first = await TestTaskHub.open({ ...options, functions: [act, risky(undefined, false)] });
  await first.scheduleNewOrchestration("risky", undefined, { instanceId: "i" });
  await first.advance(1_000);
  await first.close();
  const second = await TestTaskHub.open({ ...options, functions: [act, risky(act, true)] });
  await second.rewindOrchestration("i");
  expect(await second.getOrchestrationState("i")).toMatchObject({
    runtimeStatus: "Failed",
    failure: { errorType: "NonDeterminismError" },
  });
  await second.close();
  const third = await TestTaskHub.open({ ...options, functions: [act, risky(undefined, true)] });
  await third.rewindOrchestration("i");
  await third.runUntilIdle();
  expect(await third.getOrchestrationState("i")).toMatchObject({ runtimeStatus: "Completed", output: "well" });
});

test.each([
  ["is parked", { functions: [act, changed, other], onNonDeterminism: "suspend" as const }],
  [
    "waits for a hub of its version",
    { functions: [act, recorded, other], versioning: { version: "", match: "strict" as const } },
  ],
])("a timer of an instance that %s does not hold up the timers of others, and is not lost", async (_case, options) => {
  const store = new MemoryStore();
  const first = await TestTaskHub.open({ store, functions: [act, recorded, other] });
  const id = await first.scheduleNewOrchestration(recorded);
  await first.runUntilIdle();
  await first.close();
  const second = await TestTaskHub.open({ store, ...options });
  const otherId = await second.scheduleNewOrchestration(other);
  await second.advance(10_000);
  expect(await second.getOrchestrationState(otherId)).toMatchObject({ output: "fired" });
  expect((await second.getOrchestrationState(id))?.completedAt).toBeUndefined();
  await second.close();
  const third = await TestTaskHub.open({ store, functions: [act, recorded, other] });
  await third.runUntilIdle();
  expect(await third.getOrchestrationState(id)).toMatchObject({ runtimeStatus: "Completed", output: 1 });
});

test("an activity whose result was stored while its instance was parked is not run again", async () => {
  const store = new MemoryStore();
  const options = { store, onNonDeterminism: "suspend" as const };
  const { promise: gone, resolve: go } = Promise.withResolvers<string>();
  const work = vi.fn(() => gone);
  const slow = defineActivity("slow", work);
  const caller = (isChanged: boolean) =>
    defineOrchestrator("caller", async (ctx) => {
      const called = ctx.callActivity(slow);
      if (isChanged) await ctx.callActivity(act);
      await ctx.waitForExternalEvent("x");
      return called;
    });
  const first = await TestTaskHub.open({ ...options, functions: [act, slow, caller(false)] });
  await first.scheduleNewOrchestration("caller", undefined, { instanceId: "i" });
  await first.runUntilIdle();
  await first.raiseOrchestrationEvent("i", "other");
  await first.close();
  const second = await TestTaskHub.open({ ...options, functions: [act, slow, caller(true)] });
  await second.raiseOrchestrationEvent("i", "x");
  await second.runUntilIdle();
  go("went");
  await second.runUntilIdle();
  expect(await second.getOrchestrationState("i")).toMatchObject({ runtimeStatus: "Suspended" });
  await second.close();
  expect(work).toHaveBeenCalledTimes(2);
  const third = await TestTaskHub.open({ ...options, functions: [act, slow, caller(false)] });
  await third.runUntilIdle();
  expect(await third.getOrchestrationState("i")).toMatchObject({ runtimeStatus: "Completed", output: "went" });
  expect(work).toHaveBeenCalledTimes(2);
});
