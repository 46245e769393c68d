/** Schedules: orchestrations that a hub starts by itself, each of its times once. */
import { defineOrchestrator, MemoryStore, type OrchestrationState } from "holdfast";
import type { TestTaskHub } from "holdfast/testing";
import { describe, expect, it } from "vitest";
import { openHub } from "./running.ts";

/** Ends at once, with its input. */
const quick = defineOrchestrator("quick", async (_ctx, input: unknown) => input);

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** All orchestrations of a hub, oldest first. */
async function runsOf(hub: TestTaskHub): Promise<OrchestrationState[]> {
  const runs: OrchestrationState[] = [];
  for await (const state of hub.queryOrchestrations({ pageSize: 10_000 })) runs.push(state);
  return runs;
}
/** When the runs were started, without the date's common parts. */
async function timesOf(hub: TestTaskHub): Promise<string[]> {
  return (await runsOf(hub)).map((state) => state.createdAt.toISOString());
}

describe("a schedule with an interval", () => {
  it("starts its first run one interval after its creation", async () => {
    const hub = await openHub([quick]);
    const created = await hub.schedules.create({ id: "s", interval: { minutes: 10 }, fn: quick, input: 7 });
    expect(created).toEqual({
      id: "s",
      status: "Active",
      orchestratorName: "quick",
      intervalMs: 10 * MINUTE,
      overlap: "skip",
      catchUp: "one",
      input: 7,
      nextRunAt: new Date("2026-01-01T00:10:00Z"),
      runCount: 0,
      skippedCount: 0,
      createdAt: new Date("2026-01-01T00:00:00Z"),
      lastUpdatedAt: new Date("2026-01-01T00:00:00Z"),
    });
    await hub.advance(10 * MINUTE - 1);
    expect(await runsOf(hub)).toEqual([]);
    await hub.advance(1);
    expect(await runsOf(hub)).toMatchObject([
      {
        instanceId: "s@2026-01-01T00:10:00.000Z",
        name: "quick",
        runtimeStatus: "Completed",
        input: 7,
        output: 7,
        tags: { "holdfast:schedule": "s" },
      },
    ]);
    expect(await hub.schedules.get("s")).toMatchObject({
      nextRunAt: new Date("2026-01-01T00:20:00Z"),
      lastRunAt: new Date("2026-01-01T00:10:00Z"),
      lastInstanceId: "s@2026-01-01T00:10:00.000Z",
      runCount: 1,
      skippedCount: 0,
    });
  });

  it("starts at startAt, and counts from there however late a run was", async () => {
    const hub = await openHub([quick]);
    const startAt = new Date("2026-01-01T00:00:30Z");
    await hub.schedules.create({ id: "s", interval: MINUTE, startAt, fn: "quick" });
    await hub.advance(3 * MINUTE);
    expect(await timesOf(hub)).toEqual([
      "2026-01-01T00:00:30.000Z",
      "2026-01-01T00:01:30.000Z",
      "2026-01-01T00:02:30.000Z",
    ]);
  });

  it("keeps to the grid of a startAt that has passed, and starts at once when it is now", async () => {
    const hub = await openHub([quick]);
    const past = await hub.schedules.create({
      id: "past",
      interval: HOUR,
      startAt: new Date("2025-12-31T23:45:00Z"),
      fn: quick,
    });
    expect(past.nextRunAt).toEqual(new Date("2026-01-01T00:45:00Z"));
    await hub.schedules.create({ id: "now", interval: HOUR, startAt: hub.now, fn: quick });
    await hub.runUntilIdle();
    expect((await runsOf(hub)).map((state) => state.instanceId)).toEqual(["now@2026-01-01T00:00:00.000Z"]);
  });

  it("starts none after endAt, and stays without a next run", async () => {
    const hub = await openHub([quick]);
    await hub.schedules.create({ id: "s", interval: MINUTE, endAt: new Date("2026-01-01T00:02:00Z"), fn: quick });
    await hub.advance(HOUR);
    expect(await timesOf(hub)).toEqual(["2026-01-01T00:01:00.000Z", "2026-01-01T00:02:00.000Z"]);
    const state = await hub.schedules.get("s");
    expect(state).toMatchObject({ status: "Active", runCount: 2, endAt: new Date("2026-01-01T00:02:00Z") });
    expect(state).not.toHaveProperty("nextRunAt");
  });

  it("stays small over 1,000 ticks", async () => {
    const store = new MemoryStore();
    const hub = await openHub([quick], { store });
    await hub.schedules.create({ id: "s", interval: SECOND, fn: quick });
    await hub.advance(1_000 * SECOND);
    expect(await hub.schedules.get("s")).toMatchObject({ runCount: 1_000, skippedCount: 0 });
    expect(await runsOf(hub)).toHaveLength(1_000);
    const entity = await hub.getEntity("@holdfast:schedule@s");
    expect(JSON.stringify(entity?.state).length).toBeLessThan(500);
    expect(entity?.backlogQueueSize).toBe(1);
  });
});
