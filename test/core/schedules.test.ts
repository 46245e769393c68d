/** Schedules: orchestrations that a hub starts by itself, each of its times once. */
import { defineEntity, defineOrchestrator, MemoryStore, type OrchestrationState } from "holdfast";
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

/** Waits for an event, or for ever. */
const waiting = defineOrchestrator("waiting", async (ctx, _input: unknown) => ctx.waitForExternalEvent("go"));

describe("a paused schedule", () => {
  it("starts nothing, and goes on with the next time to come", async () => {
    const hub = await openHub([quick]);
    await hub.schedules.create({ id: "s", interval: HOUR, fn: quick, catchUp: "all", overlap: "allow" });
    await hub.advance(HOUR);
    const paused = await hub.schedules.pause("s");
    expect(paused).toMatchObject({ status: "Paused", runCount: 1 });
    expect(paused).not.toHaveProperty("nextRunAt");
    await hub.advance(2.5 * HOUR);
    expect(await hub.schedules.get("s")).toEqual(paused);
    const resumed = await hub.schedules.resume("s");
    expect(resumed).toMatchObject({ status: "Active", nextRunAt: new Date("2026-01-01T04:00:00Z"), skippedCount: 0 });
    await hub.advance(HOUR);
    expect(await timesOf(hub)).toEqual(["2026-01-01T01:00:00.000Z", "2026-01-01T04:00:00.000Z"]);
  });

  it("may be paused and resumed any number of times, with one wake-up under way", async () => {
    const hub = await openHub([quick]);
    await hub.schedules.create({ id: "s", interval: HOUR, fn: quick });
    for (let n = 0; n < 20; n++) {
      await hub.schedules.pause("s");
      await hub.schedules.pause("s");
      await hub.schedules.resume("s");
      await hub.schedules.resume("s");
    }
    expect((await hub.getEntity("@holdfast:schedule@s"))?.backlogQueueSize).toBe(1);
    await hub.advance(HOUR);
    expect(await hub.schedules.get("s")).toMatchObject({ runCount: 1 });
  });

  it("leaves a run alone, and a run that waited for it out", async () => {
    const hub = await openHub([waiting]);
    await hub.schedules.create({ id: "s", interval: HOUR, fn: waiting, overlap: "buffer" });
    await hub.advance(2 * HOUR);
    await hub.schedules.pause("s");
    await hub.raiseOrchestrationEvent("s@2026-01-01T01:00:00.000Z", "go", 1);
    await hub.advance(HOUR);
    expect(await runsOf(hub)).toMatchObject([{ runtimeStatus: "Completed", output: 1 }]);
    expect(await hub.schedules.get("s")).toMatchObject({ runCount: 1, skippedCount: 1 });
  });

  it("can be changed, and stays paused", async () => {
    const hub = await openHub([quick]);
    await hub.schedules.create({ id: "s", interval: HOUR, fn: quick });
    await hub.schedules.pause("s");
    const state = await hub.schedules.update("s", { cron: "@daily", timeZone: "Asia/Tokyo" });
    expect(state).toMatchObject({ status: "Paused", cron: "@daily", timeZone: "Asia/Tokyo" });
    expect(state).not.toHaveProperty("nextRunAt");
    expect(state).not.toHaveProperty("intervalMs");
    expect(await hub.schedules.resume("s")).toMatchObject({ nextRunAt: new Date("2026-01-01T15:00:00Z") });
  });
});

describe("an update", () => {
  it("changes what it names, while a run goes on", async () => {
    const hub = await openHub([waiting, quick]);
    await hub.schedules.create({ id: "s", interval: HOUR, fn: waiting, input: "old" });
    await hub.advance(HOUR);
    const state = await hub.schedules.update("s", { fn: quick, input: "new", overlap: "allow" });
    expect(state).toMatchObject({
      orchestratorName: "quick",
      input: "new",
      overlap: "allow",
      intervalMs: HOUR,
      nextRunAt: new Date("2026-01-01T02:00:00Z"),
      lastInstanceId: "s@2026-01-01T01:00:00.000Z",
    });
    await hub.advance(HOUR);
    expect(await runsOf(hub)).toMatchObject([
      { name: "waiting", runtimeStatus: "Running", input: "old" },
      { name: "quick", runtimeStatus: "Completed", output: "new" },
    ]);
  });

  it("of the times takes effect at once, to earlier and to later ones", async () => {
    const hub = await openHub([quick]);
    await hub.schedules.create({ id: "s", cron: "0 12 * * *", fn: quick });
    await hub.schedules.update("s", { cron: "0 6 * * *" });
    await hub.advance(7 * HOUR);
    await hub.schedules.update("s", { cron: "0 18 * * *" });
    await hub.advance(17 * HOUR);
    expect(await timesOf(hub)).toEqual(["2026-01-01T06:00:00.000Z", "2026-01-01T18:00:00.000Z"]);
    await hub.schedules.update("s", { interval: HOUR, startAt: null });
    await hub.advance(2 * HOUR);
    expect((await timesOf(hub)).slice(2)).toEqual(["2026-01-02T01:00:00.000Z", "2026-01-02T02:00:00.000Z"]);
  });

  it("takes options away", async () => {
    const hub = await openHub([quick]);
    const endAt = new Date("2026-01-01T05:00:00Z");
    const startAt = new Date("2026-01-01T03:00:00Z");
    await hub.schedules.create({
      id: "s",
      cron: "@hourly",
      timeZone: "Asia/Tokyo",
      startAt,
      endAt,
      input: 1,
      fn: quick,
    });
    const state = await hub.schedules.update("s", { startAt: null, endAt: null, timeZone: null, input: undefined });
    expect(state).toMatchObject({ timeZone: "UTC", nextRunAt: new Date("2026-01-01T01:00:00Z") });
    for (const field of ["startAt", "endAt", "input"]) expect(state).not.toHaveProperty(field);
  });
});

describe("a deleted schedule", () => {
  it("is gone and starts nothing more; a run of it goes on", async () => {
    const hub = await openHub([waiting]);
    await hub.schedules.create({ id: "s", interval: HOUR, fn: waiting, overlap: "allow" });
    await hub.advance(HOUR);
    await hub.schedules.delete("s");
    expect(await hub.schedules.get("s")).toBeUndefined();
    await hub.advance(5 * HOUR);
    expect(await runsOf(hub)).toMatchObject([{ runtimeStatus: "Running" }]);
    await hub.raiseOrchestrationEvent("s@2026-01-01T01:00:00.000Z", "go", "still here");
    await hub.runUntilIdle();
    expect(await runsOf(hub)).toMatchObject([{ output: "still here" }]);
    expect(
      (await hub.queryEntities({ instanceIdPrefix: "@holdfast:" }).pages()[Symbol.asyncIterator]().next()).value,
    ).toEqual({ values: [] });
  });

  it("can be created anew, and runs no time twice", async () => {
    const hub = await openHub([quick]);
    const startAt = new Date("2026-01-01T01:00:00Z");
    await hub.schedules.create({ id: "s", interval: HOUR, startAt, fn: quick, input: "first" });
    await hub.advance(HOUR);
    await hub.schedules.delete("s");
    await hub.schedules.create({ id: "s", interval: HOUR, startAt, fn: quick, input: "second" });
    await hub.advance(HOUR);
    expect((await runsOf(hub)).map(({ output }) => output)).toEqual(["first", "second"]);
    expect(await hub.schedules.get("s")).toMatchObject({ runCount: 1, lastRunAt: new Date("2026-01-01T02:00:00Z") });
  });
});

describe("a listing", () => {
  it("gives schedules in order of ids, by page, and by what the query names", async () => {
    const hub = await openHub([quick, waiting]);
    for (const id of ["b", "a1", "a2", "c"])
      await hub.schedules.create({ id, interval: HOUR, fn: id === "c" ? waiting : quick });
    await hub.schedules.pause("a2");
    const idsOf = async (query?: Parameters<typeof hub.schedules.list>[0]): Promise<string[]> => {
      const ids: string[] = [];
      for await (const { id } of hub.schedules.list(query)) ids.push(id);
      return ids;
    };
    expect(await idsOf()).toEqual(["a1", "a2", "b", "c"]);
    expect(await idsOf({ pageSize: 1 })).toEqual(["a1", "a2", "b", "c"]);
    expect(await idsOf({ idPrefix: "a" })).toEqual(["a1", "a2"]);
    expect(await idsOf({ statuses: ["Paused"] })).toEqual(["a2"]);
    expect(await idsOf({ statuses: ["Active"], pageSize: 2 })).toEqual(["a1", "b", "c"]);
    expect(await idsOf({ orchestratorNames: ["waiting"] })).toEqual(["c"]);
  });

  it("of entities shows the hub's own only when asked for them", async () => {
    const counter = (name: string) =>
      defineEntity(name, (ctx) => {
        ctx.state = 1;
      });
    const names = ["a", "holdfast", "holdfasts", "z"];
    const hub = await openHub([quick, ...names.map(counter)]);
    for (const name of names) await hub.signalEntity({ name, key: "k" }, "set");
    for (const id of ["s", "t"]) await hub.schedules.create({ id, interval: HOUR, fn: quick });
    const idsOf = async (query: Parameters<typeof hub.queryEntities>[0]): Promise<string[]> => {
      const ids: string[] = [];
      for await (const { id } of hub.queryEntities(query)) ids.push(id.toString());
      return ids;
    };
    const foreign = ["@a@k", "@holdfast@k", "@holdfasts@k", "@z@k"].sort();
    for (const pageSize of [1, 2, 3, 100]) expect(await idsOf({ pageSize })).toEqual(foreign);
    expect(await idsOf({ instanceIdPrefix: "@holdfast:schedule@" })).toEqual([
      "@holdfast:schedule@s",
      "@holdfast:schedule@t",
    ]);
  });
});
