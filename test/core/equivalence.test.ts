/**
 * The same scenario comes to the same end whatever happens to the hub on the way: instances that are evicted and replayed, a hub that is
 * closed and opened between all steps, and a hub that is lost after any one of its commits.
 */
import {
  defineActivity,
  defineOrchestrator,
  type FunctionDefinition,
  type HistoryEvent,
  MemoryStore,
  whenAll,
  whenAny,
} from "holdfast";
import { TestTaskHub } from "holdfast/testing";
import { describe, expect, it } from "vitest";
import { CrashingStore } from "./crashing-store.ts";
import { DeferringStore } from "./deferring-store.ts";
import { DEFINERS, type Define } from "./shapes.ts";

type Step = (hub: TestTaskHub, suffix: string) => Promise<unknown>;

interface Scenario {
  readonly functions: readonly FunctionDefinition[];
  /** What clients and the clock do, in order. A step that was refused because the hub was lost is taken again. */
  readonly steps: readonly Step[];
  /** The instances whose end is compared. */
  readonly ids: readonly string[];
}

/** How an instance ended, as far as it must be the same however it came there. */
interface Ending {
  readonly status: string | undefined;
  readonly output: unknown;
  readonly customStatus: unknown;
  readonly failure: string | undefined;
  readonly tags: unknown;
}

const echo = defineActivity("echo", (_ctx, value: unknown) => value);
/** An activity that answers in a later turn of the event loop, so that its result comes with a commit of its own. */
const later = defineActivity("later", async (_ctx, value: unknown) => {
  await new Promise((resolve) => setImmediate(resolve));
  return value;
});

/** Fails twice for each call, and succeeds then. */
function flaky(): FunctionDefinition {
  return defineActivity("flaky", (ctx, value: unknown) => {
    if (ctx.attempt < 3) throw new RangeError(`attempt ${ctx.attempt}`);
    return `${String(value)} after ${ctx.attempt}`;
  });
}

const start =
  (name: string, input: unknown, id: string): Step =>
  (hub, suffix) =>
    hub.scheduleNewOrchestration(name, input, { instanceId: id + suffix, tags: { id } });
const raise =
  (id: string, name: string, data: unknown, eventId: string): Step =>
  (hub, suffix) =>
    hub.raiseOrchestrationEvent(id + suffix, name, data, { eventId });
const wait =
  (ms: number): Step =>
  (hub) =>
    hub.advance(ms);

const scenarios: Record<string, (define: Define) => Scenario> = {
  "a sequence of activities with a custom status": (define) => ({
    functions: [
      echo,
      define("sequence", function* (ctx, steps: number) {
        const results: unknown[] = [ctx.newGuid()];
        for (let step = 0; step < steps; step++) {
          ctx.setCustomStatus({ step });
          results.push(yield* ctx.callActivity(echo, { step, at: new Map([["n", step]]) }));
        }
        return results;
      }),
    ],
    steps: [start("sequence", 6, "i")],
    ids: ["i"],
  }),

  "a fan-out with retries, timers and a failure that is caught": (define) => ({
    functions: [
      echo,
      flaky(),
      define("fan", function* (ctx) {
        const retry = { maxAttempts: 4, firstRetryInterval: 1_000, backoffCoefficient: 2 };
        const results = yield* whenAll([
          ctx.callActivity("flaky", "a", { retry }),
          ctx.callActivity("flaky", "b", { retry: { ...retry, firstRetryInterval: 1_500 } }),
          ctx.callActivity(echo, "c"),
        ]);
        let caught: unknown;
        try {
          yield ctx.callActivity("flaky", "d", { retry: { maxAttempts: 2, firstRetryInterval: 500 } });
        } catch (error) {
          caught = (error as Error).name;
        }
        const timer = ctx.createTimer(60_000);
        const { index } = yield* whenAny([timer, ctx.createTimer(1_000)]);
        timer.cancel();
        return [results, caught, index];
      }),
    ],
    steps: [start("fan", undefined, "i"), wait(1_000), wait(1_000), wait(10_000)],
    ids: ["i"],
  }),

  "events that are buffered, carried over and held back by a suspension": (define) => ({
    functions: [
      later,
      define("mailbox", function* (ctx, taken: unknown[]) {
        const next = yield* ctx.waitForExternalEvent<string>("mail");
        const all = [...taken, yield* ctx.callActivity(later, next)];
        if (next !== "last") ctx.continueAsNew(all);
        return all;
      }),
    ],
    steps: [
      start("mailbox", [], "i"),
      raise("i", "mail", "one", "1"),
      raise("i", "Mail", "two", "2"),
      (hub, suffix) => hub.suspendOrchestration(`i${suffix}`, "lunch"),
      raise("i", "MAIL", "three", "3"),
      raise("i", "mail", "four", "4"),
      (hub, suffix) => hub.resumeOrchestration(`i${suffix}`, "back"),
      raise("i", "mail", "last", "5"),
    ],
    ids: ["i"],
  }),

  "a family whose members fail, wait and send each other events": (define) => ({
    functions: [
      later,
      define("child", function* (ctx, { name, parent }: { name: string; parent: string }) {
        ctx.sendEvent(parent, "hello", name);
        const word = yield* ctx.waitForExternalEvent<string>("word");
        yield ctx.callActivity(later, word);
        if (word === "fail") throw new RangeError(`${name} failed`);
        return `${name}: ${word}`;
      }),
      define("parent", function* (ctx) {
        const names = ["a", "b", "c"];
        const children = names.map((name) =>
          ctx.callSubOrchestrator<string>(
            "child",
            { name, parent: ctx.instanceId },
            { instanceId: `${name}-${ctx.instanceId}` },
          ),
        );
        const hellos: string[] = [];
        while (hellos.length < 3) hellos.push(yield* ctx.waitForExternalEvent<string>("hello"));
        yield whenAll(hellos.map((hello) => ctx.callActivity(later, hello)));
        ctx.setCustomStatus(hellos.toSorted());
        for (const [at, name] of names.entries())
          ctx.sendEvent(`${name}-${ctx.instanceId}`, "word", at === 1 ? "fail" : "ok");
        try {
          yield whenAll(children);
        } catch (error) {
          return [(error as Error).name, children.map((child) => (child.isFailed ? child.error?.name : child.result))];
        }
        return "nobody failed";
      }),
    ],
    steps: [start("parent", undefined, "i"), wait(1)],
    ids: ["i", "a-i", "b-i", "c-i"],
  }),

  "an ending from outside, and an id that is used again": (define) => ({
    functions: [
      echo,
      define("waiter", function* (ctx, name: string) {
        const early = yield* ctx.callActivity(echo, name);
        return [early, yield* ctx.waitForExternalEvent("go")];
      }),
    ],
    steps: [
      start("waiter", "first", "i"),
      start("waiter", "other", "j"),
      async (hub, suffix) => {
        const { runtimeStatus } = (await hub.getOrchestrationState(`i${suffix}`)) ?? {};
        if (runtimeStatus === "Running") await hub.terminateOrchestration(`i${suffix}`, { output: "stop" });
      },
      async (hub, suffix) => {
        const state = await hub.getOrchestrationState(`i${suffix}`);
        if (state?.input !== "second") await start("waiter", "second", "i")(hub, suffix);
      },
      raise("i", "go", 1, "1"),
      async (hub, suffix) => {
        const { runtimeStatus } = (await hub.getOrchestrationState(`j${suffix}`)) ?? {};
        if (runtimeStatus === "Running") await hub.terminateOrchestration(`j${suffix}`, { output: { n: 1 } });
      },
    ],
    ids: ["i", "j"],
  }),

  "a start for later and an orchestration that fails": (define) => ({
    functions: [
      echo,
      define("late", function* (ctx, reason: string) {
        ctx.setCustomStatus("late");
        yield ctx.createTimer(500);
        yield ctx.callActivity(echo, 1);
        throw Object.assign(new TypeError(reason), { n: 1 });
      }),
    ],
    steps: [
      (hub, suffix) =>
        hub.scheduleNewOrchestration("late", "too late", {
          instanceId: `i${suffix}`,
          startAt: new Date("2026-01-01T00:00:10Z"),
          tags: { id: "i" },
        }),
      wait(9_999),
      wait(1),
      wait(1_000),
    ],
    ids: ["i"],
  }),
};

/** Takes a step; a hub that was lost on the way is opened again, and the step taken again if it was refused. */
async function take(step: Step, hub: TestTaskHub, reopen: (hub: TestTaskHub) => Promise<TestTaskHub>, suffix = "") {
  let current = hub;
  for (;;) {
    let isRefused = false;
    try {
      await step(current, suffix);
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== "hubFenced") throw error;
      isRefused = true;
    }
    await current.runUntilIdle();
    if (!(await isLost(current))) return current;
    current = await reopen(current);
    await current.runUntilIdle();
    if (!isRefused) return current;
  }
}

async function isLost(hub: TestTaskHub): Promise<boolean> {
  try {
    await hub.getOrchestrationState("any");
    return false;
  } catch (error) {
    if ((error as { code?: string }).code === "hubFenced") return true;
    throw error;
  }
}

async function endings(hub: TestTaskHub, ids: readonly string[], suffix = ""): Promise<Record<string, Ending>> {
  const found: Record<string, Ending> = {};
  for (const id of ids) {
    const state = await hub.getOrchestrationState(id + suffix);
    found[id] = JSON.parse(
      JSON.stringify({
        status: state?.runtimeStatus,
        output: state?.output,
        customStatus: state?.customStatus,
        failure: state?.failure?.errorMessage,
        tags: state?.tags,
      }).replaceAll(id + suffix, id),
    ) as Ending;
  }
  return found;
}

/** The scenario undisturbed: its end, and the number of commits it took. */
async function undisturbed({ functions, steps, ids }: Scenario) {
  const store = new CrashingStore(Number.POSITIVE_INFINITY);
  const hub = await TestTaskHub.open({ functions, store });
  for (const step of steps) await take(step, hub, () => Promise.reject(new Error("the hub was not lost")));
  const found = await endings(hub, ids);
  await hub.close();
  for (const ending of Object.values(found)) expect(["Completed", "Failed", "Terminated"]).toContain(ending.status);
  return { endings: found, commits: store.commits };
}

/** A history without what is random in it. */
function withoutChance(history: readonly HistoryEvent[]): unknown {
  return JSON.parse(JSON.stringify(history), (key, value: unknown) => {
    if (key === "executionId" || key === "stackTrace") return undefined;
    return typeof value === "string" ? value.replaceAll(/[0-9a-f]{32}/g, "(execution)") : value;
  });
}

describe.each(Object.entries(scenarios))("%s", (_what, scenario) => {
  describe.each(DEFINERS)("as %s", (_shape, define) => {
    it("comes to the same end when the hub is closed and opened between all steps", async () => {
      const { functions, steps, ids } = scenario(define);
      const expected = await undisturbed(scenario(define));
      const store = new MemoryStore();
      let hub = await TestTaskHub.open({ functions, store });
      for (const step of steps) {
        await step(hub, "");
        await hub.close();
        hub = await TestTaskHub.open({ functions, store, startAt: hub.now });
        await hub.runUntilIdle();
      }
      expect(await endings(hub, ids)).toEqual(expected.endings);
      await hub.close();
    });

    it("comes to the same end when the hub is lost after any one of its commits", async () => {
      const expected = await undisturbed(scenario(define));
      expect(expected.commits).toBeGreaterThan(2);
      for (let crashAfter = 1; crashAfter <= expected.commits; crashAfter++) {
        const { functions, steps, ids } = scenario(define);
        const store = new CrashingStore(crashAfter);
        const reopen = (lost: TestTaskHub) => TestTaskHub.open({ functions, store, startAt: lost.now });
        let hub = await TestTaskHub.open({ functions, store });
        for (const step of steps) hub = await take(step, hub, reopen);
        await hub.advance(60_000);
        expect(await endings(hub, ids), `lost after commit ${crashAfter}`).toEqual(expected.endings);
        await hub.close();
      }
    });

    it("comes to the same end, by the same history, when instances are evicted all the time", async () => {
      const suffixes = ["-1", "-2", "-3"];
      const runs: { endings: unknown; histories: unknown }[] = [];
      for (const maxLiveInstances of [1, 1_000]) {
        const { functions, steps, ids } = scenario(define);
        const hub = await TestTaskHub.open({ functions, maxLiveInstances });
        for (const step of steps) {
          for (const suffix of suffixes) await step(hub, suffix);
          await hub.runUntilIdle();
        }
        const found: unknown[] = [];
        const histories: unknown[] = [];
        for (const suffix of suffixes) {
          found.push(await endings(hub, ids, suffix));
          for (const id of ids) {
            const history = await hub.getOrchestrationHistory(id + suffix);
            expect(history.length).toBeGreaterThan(0);
            histories.push(withoutChance(history));
          }
        }
        runs.push({ endings: found, histories });
        await hub.close();
      }
      expect(runs[0]).toEqual(runs[1]);
    });

    it("comes to the same end over a store that answers with promises, opened between all steps", async () => {
      const { functions, steps, ids } = scenario(define);
      const expected = await undisturbed(scenario(define));
      const store = new DeferringStore();
      let hub = await TestTaskHub.open({ functions, store });
      for (const step of steps) {
        await step(hub, "");
        await hub.runUntilIdle();
        await hub.close();
        hub = await TestTaskHub.open({ functions, store, startAt: hub.now });
        await hub.runUntilIdle();
      }
      expect(await endings(hub, ids)).toEqual(expected.endings);
      await hub.close();
    });

    it("comes to the same end over a store that answers with promises, while instances are evicted all the time", async () => {
      const expected = await undisturbed(scenario(define));
      const { functions, steps, ids } = scenario(define);
      const hub = await TestTaskHub.open({ functions, store: new DeferringStore(), maxLiveInstances: 1 });
      for (const step of steps) {
        for (const suffix of ["-1", "-2", "-3"]) await step(hub, suffix);
        await hub.runUntilIdle();
      }
      for (const suffix of ["-1", "-2", "-3"]) {
        const found = JSON.stringify(await endings(hub, ids, suffix));
        const guid = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
        expect(found.replaceAll(guid, "guid")).toBe(JSON.stringify(expected.endings).replaceAll(guid, "guid"));
      }
      await hub.close();
    });

    it("comes to the same end when every turn is run twice and compared", async () => {
      const { functions, steps, ids } = scenario(define);
      const expected = await undisturbed(scenario(define));
      const hub = await TestTaskHub.open({ functions, checkDeterminism: true });
      for (const step of steps) {
        await step(hub, "");
        await hub.runUntilIdle();
      }
      expect(await endings(hub, ids)).toEqual(expected.endings);
      await hub.close();
    });
  });
});

describe("what random gives", () => {
  it("is the same after an eviction", async () => {
    const draw = defineOrchestrator("draw", async (ctx) => {
      const drawn = [ctx.random(), ctx.newGuid()];
      await ctx.callActivity(echo, drawn);
      const first = await ctx.waitForExternalEvent("go");
      return { again: drawn, first, next: ctx.random() };
    });
    const hub = await TestTaskHub.open({ functions: [draw, echo], maxLiveInstances: 1 });
    for (const id of ["a", "b"]) await hub.scheduleNewOrchestration(draw, undefined, { instanceId: id });
    await hub.runUntilIdle();
    for (const id of ["a", "b"]) await hub.raiseOrchestrationEvent(id, "go", id);
    await hub.runUntilIdle();
    for (const id of ["a", "b"]) {
      const history = await hub.getOrchestrationHistory(id);
      const scheduled = history.find((event) => event.type === "TaskScheduled");
      const { output } = (await hub.getOrchestrationState<{ again: unknown[] }>(id)) ?? {};
      expect(output?.again).toEqual(JSON.parse(scheduled?.input ?? "null"));
    }
    await hub.close();
  });
});
