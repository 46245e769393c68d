/** What clients do to instances: suspend, terminate, rewind, restart, replace, purge; and instances that go on as new ones. */
import { defineEntity, defineOrchestrator } from "holdfast";
import {
  pass,
  raise,
  repairAndRewind,
  restart,
  resume,
  type Scenario,
  type Step,
  start,
  suspend,
  terminate,
} from "./scenario.ts";
import { brokenWork, work } from "./world.ts";

const tally = defineEntity("tally", {
  initialState: (): string[] => [],
  operations: {
    add(ctx, entry: string) {
      ctx.state = [...ctx.state, entry];
    },
  },
});
const TALLY = { name: "tally", key: "all" } as const;

/** Takes three numbers, one a generation. */
const generations = defineOrchestrator("generations", async (ctx, taken: readonly string[]) => {
  const number = await ctx.waitForExternalEvent<number>("number");
  const all = [...taken, await ctx.callActivity(work, `${number}`)];
  ctx.signalEntity(TALLY, "add", `generation ${all.length}`);
  if (all.length < 3) ctx.continueAsNew(all);
  return all;
});

const waiter = defineOrchestrator("waiter", async (ctx, name: string) => {
  const result = await ctx.callActivity(work, name);
  const answer = await ctx.waitForExternalEvent<string>("answer");
  await ctx.createTimer({ minutes: 1 });
  ctx.signalEntity(TALLY, "add", name);
  return [result, answer];
});
const family = defineOrchestrator("family", async (ctx) =>
  ctx.callSubOrchestrator(waiter, "child", { instanceId: "child" }),
);
const holder = defineOrchestrator("holder", async (ctx) => {
  await ctx.lockEntities(TALLY);
  await ctx.callEntity(TALLY, "add", "held");
  await ctx.waitForExternalEvent("never");
});
const holders = defineOrchestrator("holders", async (ctx) =>
  ctx.callSubOrchestrator(holder, undefined, { instanceId: "child" }),
);
const sleeper = defineOrchestrator("sleeper", async (ctx) => {
  await ctx.createTimer({ minutes: 10 });
  const result = await ctx.callActivity(work, "slept");
  return [result, await ctx.waitForExternalEvent<string>("answer")];
});

const fragile = defineOrchestrator("fragile", async (ctx, name: string) => {
  const before = await ctx.callActivity(work, `${name} before`);
  return [before, await ctx.callActivity(brokenWork, name)];
});
const fragileFamily = defineOrchestrator("fragileFamily", async (ctx) => {
  const before = await ctx.callActivity(work, "family before");
  return [before, await ctx.callSubOrchestrator(fragile, "child", { instanceId: "child" })];
});

const purge =
  (id: string): Step =>
  (hub) =>
    hub.purgeOrchestration(id, { recursive: true });
const clean: Step = (hub) => hub.cleanEntityStorage();
const answer = (id: string): Step => raise(id, "answer", "yes");

export const MANAGEMENT_SCENARIOS: readonly Scenario[] = [
  {
    name: "an instance that continues as new, with events that arrive early",
    functions: [generations, tally, work],
    steps: [
      start(generations, "g", []),
      raise("g", "number", 1),
      raise("g", "number", 2),
      pass({ minutes: 1 }),
      raise("g", "number", 3),
      pass({ minutes: 1 }),
    ],
  },
  {
    name: "an end of a parent and of its child, which holds a lock",
    functions: [holders, holder, waiter, tally, work],
    steps: [
      start(holders, "p"),
      start(waiter, "w", "next"),
      answer("w"),
      pass({ hours: 1 }),
      terminate("p"),
      pass({ hours: 1 }),
    ],
  },
  {
    name: "a break, over a timer and an event",
    functions: [sleeper, work],
    steps: [
      start(sleeper, "s"),
      suspend("s"),
      pass({ hours: 1 }),
      answer("s"),
      pass({ minutes: 1 }),
      resume("s"),
      pass({ minutes: 1 }),
    ],
  },
  {
    name: "a start that waits for its time",
    functions: [waiter, tally, work],
    steps: [
      start(waiter, "w", "later", {
        startAt: new Date("2026-01-01T06:00:00Z"),
        dedupeStatuses: ["Pending", "Running"],
      }),
      answer("w"),
      pass({ days: 1 }),
    ],
  },
  {
    name: "a rewind of what failed, children included",
    functions: [fragile, fragileFamily, work, brokenWork],
    steps: [start(fragileFamily, "f"), pass({ minutes: 1 }), repairAndRewind("f"), pass({ minutes: 1 })],
  },
  {
    name: "a replacement of what runs, and a restart of what is done",
    functions: [waiter, tally, work],
    steps: [
      start(waiter, "w", "old"),
      pass({ seconds: 1 }),
      start(waiter, "w", "new", { dedupeStatuses: [] }),
      answer("w"),
      pass({ hours: 1 }),
      restart("w", "again"),
      answer("again"),
      pass({ hours: 1 }),
    ],
  },
  {
    name: "a purge of a family, and of entities that are empty",
    functions: [family, waiter, tally, work],
    steps: [
      start(family, "p"),
      pass({ minutes: 1 }),
      start(waiter, "kept", "kept"),
      answer("child"),
      pass({ hours: 1 }),
      purge("p"),
      answer("kept"),
      pass({ hours: 1 }),
      clean,
    ],
  },
];
