/** The times of cron expressions: zones, and the days on which clocks change. */
import { defineOrchestrator } from "holdfast";
import { describe, expect, it } from "vitest";
import { openHub } from "./running.ts";

const quick = defineOrchestrator("quick", async () => undefined);

/** The instants at which runs start between two instants. */
async function startsOf(cron: string, timeZone: string | undefined, from: string, to: string): Promise<string[]> {
  const hub = await openHub([quick], { startAt: new Date(from) });
  await hub.schedules.create({ id: "s", cron, ...(timeZone !== undefined && { timeZone }), fn: quick });
  await hub.advance(Date.parse(to) - Date.parse(from));
  const starts: string[] = [];
  for await (const state of hub.queryOrchestrations()) {
    const at = state.createdAt.toISOString();
    expect(state.instanceId).toBe(`s@${at}`);
    starts.push(at.replace(":00.000Z", ""));
  }
  return starts;
}

describe("a cron expression", () => {
  it("is read in UTC unless it is given a zone", async () => {
    expect(await startsOf("30 9 * * *", undefined, "2026-01-01T09:30:00Z", "2026-01-03T09:30:00Z")).toEqual([
      "2026-01-02T09:30",
      "2026-01-03T09:30",
    ]);
  });

  it("is read in its zone", async () => {
    expect(await startsOf("0 9 * * MON-FRI", "Asia/Kolkata", "2026-01-01T00:00:00Z", "2026-01-06T00:00:00Z")).toEqual([
      "2026-01-01T03:30",
      "2026-01-02T03:30",
      "2026-01-05T03:30",
    ]);
  });

  it("keeps its time of day when clocks change", async () => {
    expect(await startsOf("0 9 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", "2026-03-30T00:00:00Z")).toEqual([
      "2026-03-28T08:00",
      "2026-03-29T07:00",
    ]);
  });

  it("may have seconds, and nicknames", async () => {
    const hub = await openHub([quick]);
    await hub.schedules.create({ id: "seconds", cron: "*/20 * * * * *", fn: quick });
    await hub.schedules.create({ id: "daily", cron: " @daily ", fn: quick });
    await hub.advance({ minutes: 1 });
    expect(await hub.schedules.get("seconds")).toMatchObject({ runCount: 3, cron: "*/20 * * * * *", timeZone: "UTC" });
    expect(await hub.schedules.get("daily")).toMatchObject({
      cron: "@daily",
      nextRunAt: new Date("2026-01-02T00:00:00Z"),
    });
  });
});

describe("when clocks go forward", () => {
  // New York, 2026-03-08: 02:00 becomes 03:00, which is 07:00 UTC.
  const day = ["America/New_York", "2026-03-08T05:00:00Z", "2026-03-08T09:00:00Z"] as const;

  it("a run at a fixed time inside the gap comes at its end, once", async () => {
    expect(await startsOf("30 2 * * *", ...day)).toEqual(["2026-03-08T07:00"]);
    expect(await startsOf("30 2 * * *", day[0], "2026-03-08T08:00:00Z", "2026-03-09T12:00:00Z")).toEqual([
      "2026-03-09T06:30",
    ]);
  });

  it("so does one of a list of hours", async () => {
    expect(await startsOf("30 2,3 * * *", ...day)).toEqual(["2026-03-08T07:00", "2026-03-08T07:30"]);
  });

  it("a run of every hour comes every real hour", async () => {
    expect(await startsOf("0 * * * *", ...day)).toEqual([
      "2026-03-08T06:00",
      "2026-03-08T07:00",
      "2026-03-08T08:00",
      "2026-03-08T09:00",
    ]);
  });
});

describe("when clocks go back", () => {
  // New York, 2026-11-01: 02:00 becomes 01:00, which is 06:00 UTC.
  const day = ["America/New_York", "2026-11-01T04:30:00Z", "2026-11-01T08:30:00Z"] as const;

  it("a run at a fixed time in the doubled hour comes once", async () => {
    expect(await startsOf("30 1 * * *", ...day)).toEqual(["2026-11-01T05:30"]);
  });

  it("a run of every half hour comes every real half hour", async () => {
    expect(await startsOf("*/30 * * * *", day[0], "2026-11-01T05:00:00Z", "2026-11-01T07:00:00Z")).toEqual([
      "2026-11-01T05:30",
      "2026-11-01T06:00",
      "2026-11-01T06:30",
      "2026-11-01T07:00",
    ]);
  });

  it("intervals take no notice of it", async () => {
    const hub = await openHub([quick], { startAt: new Date("2026-11-01T00:00:00Z") });
    await hub.schedules.create({ id: "s", interval: { days: 1 }, fn: quick });
    await hub.advance({ days: 2 });
    expect(await hub.schedules.get("s")).toMatchObject({
      runCount: 2,
      lastRunAt: new Date("2026-11-03T00:00:00Z"),
    });
  });
});

describe("an expression that names its last time", () => {
  it("leaves the schedule without a next run afterwards", async () => {
    const hub = await openHub([quick]);
    await hub.schedules.create({ id: "s", cron: "0 0 12 1 1 * 2026", fn: quick });
    await hub.advance({ days: 1 });
    const state = await hub.schedules.get("s");
    expect(state).toMatchObject({ runCount: 1, lastRunAt: new Date("2026-01-01T12:00:00Z") });
    expect(state).not.toHaveProperty("nextRunAt");
  });
});
