/** Events, entities and critical sections: what instances send each other and clients send them. */
import { defineEntity, defineOrchestrator } from "holdfast";
import { pass, raise, type Scenario, type Step, start, terminate } from "./scenario.ts";
import { work } from "./world.ts";

const nameOf = (error: unknown): string => (error as Error).name;

const events = defineOrchestrator("events", async (ctx) => {
  const never = await ctx.waitForExternalEvent("never", { timeout: { seconds: 30 } }).catch(nameOf);
  const early = await ctx.waitForExternalEvent<string>("go", { timeout: { days: 30 } });
  const result = await ctx.callActivity(work, early);
  ctx.sendEvent("listener", "told", ctx.instanceId);
  return [never, result, await ctx.waitForExternalEvent<string>("go")];
});
const listener = defineOrchestrator("listener", async (ctx) => ctx.waitForExternalEvent<string>("told"));

/** Keeps what it was told, in order: twice would show. */
const log = defineEntity("log", {
  initialState: (): string[] => [],
  operations: {
    add(ctx, entry: string) {
      ctx.state = [...ctx.state, entry];
      return ctx.state.length;
    },
    /** As `add`, but what is there is not added again: for clients that repeat themselves. */
    note(ctx, entry: string) {
      if (!ctx.state.includes(entry)) ctx.state = [...ctx.state, entry];
    },
    refuse(ctx, entry: string) {
      ctx.state = [...ctx.state, entry];
      ctx.signalEntity({ name: "log", key: "other" }, "add", entry);
      throw new Error("refused");
    },
    async passOn(ctx, entry: string) {
      await Promise.resolve();
      ctx.state = [...ctx.state, entry];
      ctx.signalEntity({ name: "log", key: "other" }, "add", `${entry}, passed on`);
      ctx.scheduleNewOrchestration(listener, undefined, { instanceId: "listener" });
    },
  },
});
const entities = defineOrchestrator("entities", async (ctx) => {
  const one = { name: "log", key: "one" };
  ctx.signalEntity(one, "add", "signalled");
  const length = await ctx.callEntity<number>(one, "add", "called");
  const refusal = await ctx.callEntity(one, "refuse", "refused").catch(nameOf);
  ctx.signalEntity(one, "add", "later", { signalTime: { minutes: 30 } });
  await ctx.callEntity(one, "passOn", "handed");
  ctx.signalEntity(one, "add", "last");
  return [length, refusal];
});
const noteAs =
  (entry: string): Step =>
  (hub) =>
    hub.signalEntity({ name: "log", key: "clients" }, "note", entry);

const account = defineEntity("account", {
  initialState: () => 100,
  operations: {
    add(ctx, amount: number) {
      ctx.state += amount;
      return ctx.state;
    },
  },
});
const [HERE, THERE] = [
  { name: "account", key: "here" },
  { name: "account", key: "there" },
] as const;
const transfer = defineOrchestrator("transfer", async (ctx, amount: number) => {
  const lock = await ctx.lockEntities(HERE, THERE);
  await ctx.callEntity(HERE, "add", -amount);
  const result = await ctx.callActivity(work, `${amount}`);
  ctx.signalEntity({ name: "log", key: "transfers" }, "note", `${amount}`);
  await ctx.callEntity(THERE, "add", amount);
  lock.release();
  return result;
});
const hog = defineOrchestrator("hog", async (ctx) => {
  await ctx.lockEntities(HERE);
  await ctx.waitForExternalEvent("never");
});

export const MESSAGE_SCENARIOS: readonly Scenario[] = [
  {
    name: "events: early, late, sent by another instance, and one that never comes",
    functions: [events, listener, work],
    steps: [
      start(listener, "listener"),
      start(events, "e"),
      pass({ minutes: 5 }),
      raise("e", "go", 1),
      raise("e", "go", 2),
      pass({ minutes: 5 }),
    ],
  },
  {
    name: "entities: calls, signals, a delayed one, an operation that fails",
    functions: [entities, listener, log],
    steps: [
      start(entities, "e"),
      noteAs("first"),
      pass({ minutes: 1 }),
      noteAs("second"),
      pass({ hours: 1 }),
      raise("listener", "told", "at last"),
      pass({ minutes: 1 }),
    ],
  },
  {
    name: "critical sections: two that want the same, and one that never lets go",
    functions: [transfer, hog, account, log, work],
    steps: [
      start(hog, "hog"),
      start(transfer, "t1", 10),
      start(transfer, "t2", 5),
      pass({ minutes: 1 }),
      terminate("hog"),
      pass({ minutes: 1 }),
    ],
  },
];
