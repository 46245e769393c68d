/** What schedules are refused for: before anything is created or changed. */
import { defineActivity, defineEntity, defineOrchestrator, type ScheduleChanges } from "holdfast";
import type { TestTaskHub } from "holdfast/testing";
import { describe, expect, it } from "vitest";
import { errorOf, ILLEGAL_IDS, openHub } from "./running.ts";

const quick = defineOrchestrator("quick", async (_ctx, input: unknown) => input);
const counted = defineOrchestrator({
  name: "counted",
  input: {
    "~standard": {
      version: 1 as const,
      vendor: "test",
      validate: (value: unknown) =>
        typeof value === "number" ? { value: value + 1 } : { issues: [{ message: "not a number" }] },
      types: undefined as unknown as { input: number; output: number },
    },
  },
  run: async (_ctx, input: number) => input,
});

async function create(hub: TestTaskHub, options: object): Promise<Error & { code?: string }> {
  const error = await errorOf(() => hub.schedules.create({ id: "s", fn: "quick", ...options } as never));
  for await (const schedule of hub.schedules.list()) throw new Error(`'${schedule.id}' was created.`);
  return error;
}

const SENSELESS: readonly (readonly [string, object, RegExp])[] = [
  ["neither cron nor interval", {}, /needs `cron` or `interval`/],
  ["both cron and interval", { cron: "* * * * *", interval: 60_000 }, /not by both/],
  ["an expression that is none", { cron: "every day" }, /'every day' is not a cron expression/],
  ["an expression with too large a value", { cron: "60 * * * *" }, /Invalid value for minute/],
  ["a blank expression", { cron: " " }, /cron must be a text/],
  ["a date in place of an expression", { cron: "2027-01-01T00:00:00" }, /is not a cron expression/],
  ["an expression for a day that never comes", { cron: "0 0 30 2 *" }, /would never run/],
  ["an expression for years that have passed", { cron: "0 0 0 1 1 * 2020" }, /would never run/],
  ["an unknown time zone", { cron: "* * * * *", timeZone: "Mars/Phobos" }, /'Mars\/Phobos' is not a time zone/],
  ["a time zone with an interval", { interval: 60_000, timeZone: "UTC" }, /belongs to `cron`/],
  ["an interval below one second", { interval: 999 }, /at least 1000; got 999/],
  ["an interval of no whole number", { interval: 1_000.5 }, /whole number/],
  ["an interval that is no duration", { interval: "1h" }, /interval must be a finite duration/],
  ["an infinite interval", { interval: Number.POSITIVE_INFINITY }, /interval must be a finite duration/],
  ["an unknown overlap policy", { interval: 1_000, overlap: "queue" }, /overlap must be one of skip, buffer/],
  ["an unknown catch-up policy", { interval: 1_000, catchUp: true }, /catchUp must be one of skip, one, all/],
  ["an option that is misspelt", { cron: "* * * * *", timezone: "UTC" }, /'timezone' is not an option/],
  ["an invalid startAt", { interval: 1_000, startAt: new Date("never") }, /startAt must be a valid Date/],
  ["an endAt that is no date", { interval: 1_000, endAt: 5 }, /endAt must be a valid Date/],
  ["an endAt that has passed", { interval: 1_000, endAt: new Date("2025-01-01T00:00:00Z") }, /would never run/],
  [
    "an endAt before its startAt",
    { cron: "@daily", startAt: new Date("2027-01-02T00:00:00Z"), endAt: new Date("2027-01-01T00:00:00Z") },
    /would never run/,
  ],
  ["no orchestrator", { interval: 1_000, fn: undefined }, /`fn`/],
];

describe("a schedule is not created with", () => {
  it.each(SENSELESS)("%s", async (_what, options, message) => {
    const hub = await openHub([quick]);
    expect(await create(hub, options)).toMatchObject({
      code: "invalidArgument",
      message: expect.stringMatching(message),
    });
  });

  it.each([...ILLEGAL_IDS, ["longer than 64 characters", "x".repeat(65)] as const])("an id %s", async (_what, id) => {
    const hub = await openHub([quick]);
    expect(await create(hub, { id, interval: 1_000 })).toMatchObject({ code: "invalidInstanceId" });
    expect(await errorOf(() => hub.schedules.get(id))).toMatchObject({ code: "invalidInstanceId" });
    expect(await errorOf(() => hub.schedules.pause(id))).toMatchObject({ code: "invalidInstanceId" });
  });

  it("an orchestrator that is not registered", async () => {
    const hub = await openHub([quick]);
    expect(await create(hub, { interval: 1_000, fn: "other" })).toMatchObject({ code: "functionNotRegistered" });
    expect(await create(hub, { interval: 1_000, fn: counted })).toMatchObject({ code: "functionNotRegistered" });
  });

  it("an input that its schema refuses, or that cannot be kept", async () => {
    const hub = await openHub([quick, counted]);
    expect(await create(hub, { interval: 1_000, fn: counted, input: "1" })).toMatchObject({ code: "validation" });
    expect(await create(hub, { interval: 1_000, input: () => 1 })).toMatchObject({ code: "payload" });
  });

  it("an id that is in use; the old one stays as it is", async () => {
    const hub = await openHub([quick]);
    const first = await hub.schedules.create({ id: "s", interval: 5_000, fn: quick });
    const error = await errorOf(() => hub.schedules.create({ id: "s", interval: 1_000, fn: quick }));
    expect(error).toMatchObject({ name: "ScheduleAlreadyExistsError", code: "scheduleAlreadyExists" });
    expect(await hub.schedules.get("s")).toEqual(first);
  });
});

it("an input is checked once, and every run gets what the schema made of it", async () => {
  const hub = await openHub([counted]);
  await hub.schedules.create({ id: "s", interval: 1_000, fn: counted, input: 1 });
  await hub.advance(2_000);
  const outputs: unknown[] = [];
  for await (const { output } of hub.queryOrchestrations()) outputs.push(output);
  expect(outputs).toEqual([2, 2]);
});

describe("a schedule that does not exist", () => {
  it("is undefined, and cannot be changed", async () => {
    const hub = await openHub([quick]);
    expect(await hub.schedules.get("none")).toBeUndefined();
    const calls = [
      () => hub.schedules.update("none", { interval: 1_000 }),
      () => hub.schedules.pause("none"),
      () => hub.schedules.resume("none"),
      () => hub.schedules.delete("none"),
    ];
    for (const call of calls)
      expect(await errorOf(call)).toMatchObject({ name: "ScheduleNotFoundError", code: "scheduleNotFound" });
  });
});

describe("a change is refused, and leaves the schedule as it was:", () => {
  const changes: readonly (readonly [string, ScheduleChanges])[] = [
    ["a bad expression", { cron: "x" }],
    ["an unknown zone", { timeZone: "Nowhere" }],
    ["both kinds of time", { cron: "@daily", interval: 1_000 }],
    ["a short interval", { interval: 1 }],
    ["an end that has passed", { endAt: new Date(0) }],
    ["an option that is not one", { id: "t" } as ScheduleChanges],
  ];
  it.each(changes)("%s", async (_what, change) => {
    const hub = await openHub([quick]);
    const before = await hub.schedules.create({ id: "s", cron: "@hourly", fn: quick });
    expect(await errorOf(() => hub.schedules.update("s", change))).toMatchObject({ code: "invalidArgument" });
    expect(await hub.schedules.get("s")).toEqual(before);
  });

  it("an orchestrator that is not registered, or an input that it refuses", async () => {
    const hub = await openHub([counted]);
    const before = await hub.schedules.create({ id: "s", cron: "@hourly", fn: counted, input: 1 });
    const calls = [{ fn: "other" }, { input: "1" }];
    const codes: unknown[] = [];
    for (const change of calls) codes.push((await errorOf(() => hub.schedules.update("s", change))).code);
    expect(codes).toEqual(["functionNotRegistered", "validation"]);
    expect(await hub.schedules.get("s")).toEqual(before);
  });
});

describe("the hub's own names", () => {
  it("are refused for definitions of users", async () => {
    const definitions = [
      defineOrchestrator("holdfast:x", async () => 1),
      defineActivity("holdfast:x", () => 1),
      defineEntity("Holdfast:schedule", { operations: {} }),
    ];
    for (const definition of definitions)
      expect(await errorOf(() => openHub([definition]))).toMatchObject({ code: "invalidArgument" });
  });

  it("are refused as targets of clients, orchestrators and entities", async () => {
    const target = "@holdfast:schedule@s";
    const signaling = defineEntity("signaling", { operations: { go: (ctx) => ctx.signalEntity(target, "delete") } });
    const acts = defineOrchestrator("acts", async (ctx, how: string) => {
      if (how === "call") await ctx.callEntity(target, "delete");
      else if (how === "signal") ctx.signalEntity(target, "delete");
      else await ctx.lockEntities(target);
    });
    const hub = await openHub([quick, acts, signaling]);
    const before = await hub.schedules.create({ id: "s", cron: "@hourly", fn: quick });
    expect(await errorOf(() => hub.signalEntity(target, "delete"))).toMatchObject({ code: "invalidInstanceId" });
    await hub.signalEntity("@signaling@a", "go");
    const failures: unknown[] = [];
    for (const how of ["call", "signal", "lock"]) {
      const id = await hub.scheduleNewOrchestration(acts, how);
      failures.push((await hub.waitForOrchestrationCompletion(id)).failure?.errorType);
    }
    expect(failures).toEqual(["InvalidInstanceIdError", "InvalidInstanceIdError", "LockingRulesViolationError"]);
    await hub.runUntilIdle();
    expect(await hub.schedules.get("s")).toEqual(before);
  });
});

it("calls on a closed hub are refused", async () => {
  const hub = await openHub([quick]);
  const { schedules } = hub;
  await hub.close();
  const calls = [
    () => schedules.create({ id: "s", interval: 1_000, fn: quick }),
    () => schedules.get("s"),
    () => schedules.pause("s"),
    async () => {
      for await (const _ of schedules.list()) throw new Error("There is a schedule.");
    },
  ];
  for (const call of calls) expect(await errorOf(call)).toMatchObject({ code: "hubClosed" });
});
