/** The Worker that the tests of this folder run against: every kind of orchestration the management API can meet. */
import { defineActivity, defineEntity, defineOrchestrator } from "../../core/index.ts";
import { defineTaskHubWorker } from "../../worker/index.ts";

const sayHello = defineActivity("sayHello", (_ctx, city: string) => `Hello, ${city}!`);

const helloCities = defineOrchestrator("helloCities", async (ctx, cities: string[]) => {
  const greetings: string[] = [];
  for (const city of cities) greetings.push(await ctx.callActivity(sayHello, city));
  return greetings;
});

/** Gives back whatever it was started with. */
const echo = defineOrchestrator("echo", async (_ctx, input: unknown) => input);

/** Waits for the event `go` and gives back what came with it. */
const waitForGo = defineOrchestrator("waitForGo", async (ctx, input: unknown) => {
  ctx.setCustomStatus({ waiting: true, input });
  return await ctx.waitForExternalEvent("go");
});

const failing = defineOrchestrator("failing", async (_ctx, message: string) => {
  throw new TypeError(message);
});

/** Waits for so many milliseconds. */
const sleep = defineOrchestrator("sleep", async (ctx, ms: number) => {
  await ctx.createTimer(ms);
  return "slept";
});

/** Instances of `sleepAndTell` that have slept: what a test can see without a request that would wake the hub. */
export const told: Set<string> = new Set();
const tell = defineActivity("tell", (ctx) => void told.add(ctx.instanceId));
const sleepAndTell = defineOrchestrator("sleepAndTell", async (ctx, ms: number) => {
  await ctx.createTimer(ms);
  await ctx.callActivity(tell);
});

/** Values that JSON has no words for. */
const richValues = defineOrchestrator("richValues", async (ctx) => {
  ctx.setCustomStatus(new Map([["since", new Date(0)]]));
  return { at: new Date(0), big: 12n, set: new Set([1, 2]), url: new URL("https://example.com/a"), nothing: undefined };
});

/** How often `slow` has begun, by instance. */
export const slowStarts: Map<string, number> = new Map();
/** Instances whose `slow` may end. */
export const slowEnds: Set<string> = new Set();

/** Runs until the test lets it end. It looks by itself: a promise of the test's would go on outside the object. */
const slow = defineActivity("slow", async (ctx) => {
  slowStarts.set(ctx.instanceId, (slowStarts.get(ctx.instanceId) ?? 0) + 1);
  while (!slowEnds.has(ctx.instanceId) && !ctx.signal.aborted) await scheduler.wait(5);
  return `attempt ${slowStarts.get(ctx.instanceId)}`;
});

const callSlow = defineOrchestrator("callSlow", async (ctx) => await ctx.callActivity(slow));

/** Calls `echo` as its child. */
const callEcho = defineOrchestrator("callEcho", async (ctx, instanceId: string) => {
  return await ctx.callSubOrchestrator(echo, "from the parent", { instanceId });
});

/** What the Worker was given to work with. */
const readEnv = defineActivity("readEnv", (ctx) => Object.keys(ctx.env as object).includes("TASK_HUBS"));
const seesEnv = defineOrchestrator("seesEnv", async (ctx) => await ctx.callActivity(readEnv));

const counter = defineEntity("counter", {
  initialState: () => 0,
  operations: {
    add(ctx, amount: number) {
      ctx.state += amount;
    },
  },
});

/** The functions of the tests' hubs. */
export const functions = [
  callEcho,
  callSlow,
  counter,
  echo,
  failing,
  helloCities,
  readEnv,
  richValues,
  sayHello,
  seesEnv,
  sleep,
  sleepAndTell,
  slow,
  tell,
  waitForGo,
];

/** Set by tests that want a key. */
export const keyInUse: { key: string | undefined } = { key: undefined };

/** What the worker has written to its log as errors. */
export const logged: string[] = [];

const quiet = (): void => {};
const taskHubs = defineTaskHubWorker({
  functions,
  key: () => keyInUse.key,
  logger: { debug: quiet, info: quiet, warn: quiet, error: (message) => void logged.push(message) },
});

export const TaskHubObject: typeof taskHubs.TaskHubObject = taskHubs.TaskHubObject;
export default taskHubs satisfies ExportedHandler<Cloudflare.Env>;
