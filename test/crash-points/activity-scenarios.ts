/** Activities and timers, alone and under sub-orchestrations. */
import { defineOrchestrator, whenAll, whenAny } from "holdfast";
import { pass, type Scenario, start } from "./scenario.ts";
import { flakyWork, slowWork, work } from "./world.ts";

const sequence = defineOrchestrator("sequence", async (ctx, names: string[]) => {
  const results: string[] = [];
  for (const name of names) {
    ctx.setCustomStatus(name);
    results.push(await ctx.callActivity(name.startsWith("slow") ? slowWork : work, name));
  }
  return results;
});

const fanOut = defineOrchestrator("fanOut", async (ctx, count: number) => {
  const all = Array.from({ length: count }, (_, n) => ctx.callActivity(n % 2 ? slowWork : work, `${n}`));
  return [...(await whenAll(all))];
});

const RETRY = { maxAttempts: 3, firstRetryInterval: { seconds: 10 }, backoffCoefficient: 2 } as const;
const retries = defineOrchestrator("retries", function* (ctx) {
  const recovered = yield* ctx.callActivity(flakyWork, 2, { retry: RETRY });
  try {
    yield* ctx.callActivity(flakyWork, 9, { retry: RETRY });
  } catch (error) {
    return [recovered, (error as Error).message, yield* ctx.callActivity(work, "undone")];
  }
  return [];
});

const race = defineOrchestrator("race", async (ctx) => {
  const answer = ctx.callActivity(slowWork, "answer");
  const deadline = ctx.createTimer({ days: 30 });
  await whenAny([answer, deadline]);
  deadline.cancel();
  await whenAll([ctx.createTimer({ minutes: 1 }), ctx.createTimer({ hours: 1 }), ctx.createTimer({ hours: 1 })]);
  return answer;
});

const child = defineOrchestrator("child", async (ctx, name: string) => {
  await ctx.createTimer({ seconds: 5 });
  const result = await ctx.callActivity(work, name);
  if (name === "bad") throw new Error("a bad child");
  return result;
});
const parent = defineOrchestrator("parent", async (ctx) => {
  const names = ["one", "two", "bad"];
  const children = names.map((name) => ctx.callSubOrchestrator(child, name, { instanceId: `child-${name}` }));
  const unnamed = ctx.callSubOrchestrator(child, "unnamed");
  const outcomes = await Promise.allSettled([...children, unnamed]);
  return outcomes.map((outcome) => (outcome.status === "fulfilled" ? outcome.value : "failed"));
});

export const ACTIVITY_SCENARIOS: readonly Scenario[] = [
  {
    name: "activities in sequence",
    functions: [sequence, work, slowWork],
    steps: [start(sequence, "s", ["first", "slow second", "third"]), pass({ minutes: 1 })],
  },
  {
    name: "activities side by side",
    functions: [fanOut, work, slowWork],
    steps: [start(fanOut, "f", 5), pass({ minutes: 1 })],
  },
  {
    name: "retries with durable waits between",
    functions: [retries, flakyWork, work],
    steps: [start(retries, "r"), pass({ seconds: 15 }), pass({ hours: 1 })],
  },
  {
    name: "a race that an activity wins, and timers that fall due together",
    functions: [race, slowWork],
    steps: [start(race, "r"), pass({ minutes: 5 }), pass({ hours: 2 })],
  },
  {
    name: "sub-orchestrations, one of which fails",
    functions: [parent, child, work],
    steps: [start(parent, "p"), pass({ minutes: 1 })],
  },
];
