/** What a schedule does with runs that overlap, and with those whose time passed while the hub was closed. */
import { defineOrchestrator, MemoryStore, type NewSchedule } from "holdfast";
import type { TestTaskHub } from "holdfast/testing";
import { describe, expect, it } from "vitest";
import { openHub } from "./running.ts";

/** Takes as many milliseconds as its input says. */
const slow = defineOrchestrator("slow", async (ctx, ms: number) => {
  await ctx.createTimer(ms);
  return "done";
});
const child = defineOrchestrator("child", async (ctx) => {
  await ctx.waitForExternalEvent("never");
});
const parent = defineOrchestrator("parent", async (ctx) => {
  await ctx.callSubOrchestrator(child, undefined, { instanceId: `child of ${ctx.instanceId}` });
});
const FUNCTIONS = [slow, child, parent];
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Minutes past the first hour at which runs were due, were started and ended, and how. */
async function runsOf(hub: TestTaskHub): Promise<string[]> {
  const runs: string[] = [];
  const clock = (at: Date | undefined): string => at?.toISOString().slice(11, 16) ?? "…";
  for await (const run of hub.queryOrchestrations()) {
    if (run.parentInstanceId !== undefined) continue;
    const due = clock(new Date(run.instanceId.split("@")[1] ?? ""));
    runs.push(`${due}: ${clock(run.createdAt)} to ${clock(run.completedAt)} ${run.runtimeStatus}`);
  }
  return runs;
}

/** Runs every minute and takes two and a half, for five minutes. */
async function overlapping(overlap: NewSchedule["overlap"]): Promise<TestTaskHub> {
  const hub = await openHub(FUNCTIONS);
  await hub.schedules.create({
    id: "s",
    cron: "* * * * *",
    fn: slow,
    input: 2.5 * MINUTE,
    ...(overlap !== undefined && { overlap }),
    endAt: new Date("2026-01-01T00:05:00Z"),
  });
  await hub.advance(HOUR);
  return hub;
}

describe("when a run is due and the one before has not ended", () => {
  it.each(["skip", undefined] as const)("it is left out (overlap: %s)", async (overlap) => {
    const hub = await overlapping(overlap);
    expect(await runsOf(hub)).toEqual(["00:01: 00:01 to 00:03 Completed", "00:04: 00:04 to 00:06 Completed"]);
    expect(await hub.schedules.get("s")).toMatchObject({ overlap: "skip", runCount: 2, skippedCount: 3 });
  });

  it("it waits for the end of that one, one run at most (buffer)", async () => {
    const hub = await overlapping("buffer");
    expect(await runsOf(hub)).toEqual([
      "00:01: 00:01 to 00:03 Completed",
      "00:02: 00:03 to 00:06 Completed",
      "00:04: 00:06 to 00:08 Completed",
    ]);
    expect(await hub.schedules.get("s")).toMatchObject({ runCount: 3, skippedCount: 2 });
  });

  it("both run (allow)", async () => {
    const hub = await overlapping("allow");
    expect(await runsOf(hub)).toEqual([1, 2, 3, 4, 5].map((n) => `00:0${n}: 00:0${n} to 00:0${n + 2} Completed`));
    expect(await hub.schedules.get("s")).toMatchObject({ runCount: 5, skippedCount: 0 });
  });

  it("that one is terminated (replace)", async () => {
    const hub = await overlapping("replace");
    expect(await runsOf(hub)).toEqual([
      ...[1, 2, 3, 4].map((n) => `00:0${n}: 00:0${n} to 00:0${n + 1} Terminated`),
      "00:05: 00:05 to 00:07 Completed",
    ]);
    expect(await hub.schedules.get("s")).toMatchObject({ runCount: 5, skippedCount: 0 });
  });

  it("its sub-orchestrations are terminated with it (replace)", async () => {
    const hub = await openHub(FUNCTIONS);
    await hub.schedules.create({ id: "s", interval: MINUTE, fn: parent, overlap: "replace" });
    await hub.advance(2 * MINUTE);
    const state = await hub.getOrchestrationState("child of s@2026-01-01T00:01:00.000Z");
    expect(state?.runtimeStatus).toBe("Terminated");
  });

  it.each(["terminated", "failed"])("a run that was %s has ended", async (how) => {
    const failing = defineOrchestrator("failing", async (ctx) => {
      await ctx.createTimer(90_000);
      throw new Error("no");
    });
    const hub = await openHub([failing]);
    await hub.schedules.create({ id: "s", interval: MINUTE, fn: failing, overlap: "buffer" });
    await hub.advance(2 * MINUTE);
    expect(await hub.schedules.get("s")).toMatchObject({ bufferedRunAt: new Date("2026-01-01T00:02:00Z") });
    if (how === "terminated") await hub.terminateOrchestration("s@2026-01-01T00:01:00.000Z");
    else await hub.advance(30_000);
    await hub.runUntilIdle();
    expect(await hub.schedules.get("s")).toMatchObject({ lastInstanceId: "s@2026-01-01T00:02:00.000Z", runCount: 2 });
    expect(await hub.schedules.get("s")).not.toHaveProperty("bufferedRunAt");
  });
});

describe("runs whose time passed while the hub was closed", () => {
  /** Every hour; closed from 00:30 until an instant. */
  async function reopened(until: string, settings: Partial<NewSchedule>, runMs = 0): Promise<TestTaskHub> {
    const store = new MemoryStore();
    const before = await openHub(FUNCTIONS, { store, startAt: new Date("2026-01-01T00:30:00Z") });
    await before.schedules.create({ id: "s", cron: "0 * * * *", fn: slow, input: runMs, ...settings } as never);
    await before.close();
    const hub = await openHub(FUNCTIONS, { store, startAt: new Date(until) });
    await hub.runUntilIdle();
    return hub;
  }

  it.each(["one", undefined] as const)("are made up for by the latest of them (catchUp: %s)", async (catchUp) => {
    const hub = await reopened("2026-01-01T04:30:00Z", catchUp ? { catchUp } : {});
    expect(await runsOf(hub)).toEqual(["04:00: 04:30 to 04:30 Completed"]);
    expect(await hub.schedules.get("s")).toMatchObject({
      catchUp: "one",
      runCount: 1,
      skippedCount: 3,
      lastRunAt: new Date("2026-01-01T04:00:00Z"),
      nextRunAt: new Date("2026-01-01T05:00:00Z"),
    });
  });

  it("are left out (skip)", async () => {
    const hub = await reopened("2026-01-01T04:30:00Z", { catchUp: "skip" });
    expect(await runsOf(hub)).toEqual([]);
    expect(await hub.schedules.get("s")).toMatchObject({ runCount: 0, skippedCount: 4 });
    await hub.advance(30 * MINUTE);
    expect(await runsOf(hub)).toEqual(["05:00: 05:00 to 05:00 Completed"]);
  });

  it("count as on time when less than a minute late (skip)", async () => {
    const hub = await reopened("2026-01-01T04:00:59Z", { catchUp: "skip" });
    expect(await runsOf(hub)).toEqual(["04:00: 04:00 to 04:00 Completed"]);
    const late = await reopened("2026-01-01T04:01:00Z", { catchUp: "skip" });
    expect(await runsOf(late)).toEqual([]);
  });

  it("are all started (all)", async () => {
    const hub = await reopened("2026-01-01T04:30:00Z", { catchUp: "all", overlap: "allow" });
    expect(await runsOf(hub)).toEqual([1, 2, 3, 4].map((n) => `0${n}:00: 04:30 to 04:30 Completed`));
    expect(await hub.schedules.get("s")).toMatchObject({ runCount: 4, skippedCount: 0 });
  });

  it("are subject to the overlap policy (all)", async () => {
    const at = "2026-01-01T04:30:00Z";
    const skip = await reopened(at, { catchUp: "all", overlap: "skip" }, MINUTE);
    expect(await runsOf(skip)).toEqual(["01:00: 04:30 to … Running"]);
    const replace = await reopened(at, { catchUp: "all", overlap: "replace" }, MINUTE);
    expect(await runsOf(replace)).toEqual(["04:00: 04:30 to … Running"]);
    const buffer = await reopened(at, { catchUp: "all", overlap: "buffer" }, MINUTE);
    await buffer.advance(10 * MINUTE);
    expect(await runsOf(buffer)).toEqual(["01:00: 04:30 to 04:31 Completed", "02:00: 04:31 to 04:32 Completed"]);
    expect(await buffer.schedules.get("s")).toMatchObject({ runCount: 2, skippedCount: 2 });
  });

  it("are started up to the latest 100 (all)", async () => {
    const hub = await reopened("2026-01-31T00:30:00Z", { catchUp: "all", overlap: "allow" });
    expect(await hub.schedules.get("s")).toMatchObject({ runCount: 100, skippedCount: 720 - 100 });
    expect(await hub.getOrchestrationState("s@2026-01-26T21:00:00.000Z")).toBeDefined();
    expect(await hub.getOrchestrationState("s@2026-01-26T20:00:00.000Z")).toBeUndefined();
  });

  it("do not hold the hub up, however many they are", async () => {
    const hub = await reopened("2036-01-01T00:00:30Z", { cron: "* * * * *", catchUp: "all", overlap: "allow" });
    expect(await hub.schedules.get("s")).toMatchObject({ runCount: 100, skippedCount: 900 });
    expect(await hub.getOrchestrationState("s@2036-01-01T00:00:00.000Z")).toBeDefined();
    const settings = { cron: undefined, interval: 1_000, catchUp: "all", overlap: "allow" } as unknown as NewSchedule;
    const seconds = await reopened("2027-01-01T00:30:00Z", settings);
    expect(await seconds.schedules.get("s")).toMatchObject({ runCount: 100, skippedCount: 365 * 86_400 - 100 });
  });

  it("a run that was going on, and one that waited for it, are still so", async () => {
    const store = new MemoryStore();
    const before = await openHub(FUNCTIONS, { store });
    await before.schedules.create({ id: "s", interval: HOUR, fn: slow, input: 2.5 * HOUR, overlap: "buffer" });
    await before.advance(2 * HOUR);
    await before.close();
    const hub = await openHub(FUNCTIONS, { store, startAt: new Date("2026-01-01T02:10:00Z") });
    await hub.advance(HOUR + 30 * MINUTE);
    expect(await runsOf(hub)).toEqual(["01:00: 01:00 to 03:30 Completed", "02:00: 03:30 to … Running"]);
  });
});
