/** The tools for tests: virtual time that waits for nothing, mocks, and the check of stored histories against today's code. */
import {
  defineActivity,
  defineOrchestrator,
  type HistoryEvent,
  MemoryStore,
  type OrchestratorDefinition,
  TaskHub,
  whenAll,
  whenAny,
} from "holdfast";
import { replayHistory, TestTaskHub } from "holdfast/testing";
import { describe, expect, it } from "vitest";
import { errorOf, failureOf, keepingLogger, openHub, outputOf, run, stateOf } from "./running.ts";
import { inEveryShape } from "./shapes.ts";

const DAY = 86_400_000;
const echo = defineActivity("echo", (_ctx, value: unknown) => value);
const sleeper = defineOrchestrator("sleeper", async (ctx, ms: number) => {
  await ctx.createTimer(ms);
  return ctx.currentUtcDateTime;
});

describe("the clock of a test hub", () => {
  it("starts with the year 2026 unless it is told", async () => {
    expect((await openHub([])).now).toEqual(new Date("2026-01-01T00:00:00Z"));
    const startAt = new Date("1999-12-31T23:59:59Z");
    expect((await openHub([], { startAt })).now).toEqual(startAt);
  });

  it("moves only when it is told to, and exactly as far", async () => {
    const hub = await openHub([sleeper]);
    const start = hub.now.getTime();
    await hub.scheduleNewOrchestration(sleeper, 5);
    await hub.runUntilIdle();
    expect(hub.now.getTime()).toBe(start);
    await hub.advance({ days: 3 });
    expect(hub.now.getTime()).toBe(start + 3 * DAY);
    await hub.advance(0);
    expect(hub.now.getTime()).toBe(start + 3 * DAY);
  });

  it("is a value: changing it changes nothing", async () => {
    const hub = await openHub([]);
    hub.now.setTime(0);
    expect(hub.now).toEqual(new Date("2026-01-01T00:00:00Z"));
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])("refuses to move by %s", async (duration) => {
    const hub = await openHub([]);
    await expect(hub.advance(duration)).rejects.toThrow();
  });

  it("lets everything on the way happen at its own instant, with all that follows from it", async () => {
    const hub = await openHub([sleeper, echo]);
    const start = hub.now.getTime();
    const chain = await hub.scheduleNewOrchestration(sleeper, DAY);
    await hub.advance({ days: 10 });
    expect((await stateOf(hub, chain)).output).toEqual(new Date(start + DAY));
    const long = defineOrchestrator("long", async (ctx) => {
      const times: number[] = [];
      for (let step = 0; step < 5; step++) {
        await ctx.createTimer({ days: 1 });
        times.push((ctx.currentUtcDateTime.getTime() - start) / DAY);
      }
      return times;
    });
    await hub.close();
    const other = await openHub([long]);
    expect(await outputOf(other, long, undefined, { advance: { days: 30 } })).toEqual([1, 2, 3, 4, 5]);
  });

  it("passes weeks in no time, and years", async () => {
    const hub = await openHub([sleeper]);
    expect(await outputOf(hub, sleeper, 3_650 * DAY, { advance: { days: 4_000 } })).toEqual(
      new Date(Date.UTC(2026, 0, 1) + 3_650 * DAY),
    );
  });

  it("is what timeouts of waits run on", async () => {
    const hub = await openHub([sleeper]);
    const id = await hub.scheduleNewOrchestration(sleeper, DAY);
    const wait = errorOf(() => hub.waitForOrchestrationCompletion(id, { timeoutMs: 3_600_000 }));
    await hub.advance({ hours: 1 });
    expect(await wait).toMatchObject({ code: "timeout" });
  });

  it("waits for activities that need a few turns of the event loop", async () => {
    const slow = defineActivity("slow", async () => {
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      return "done";
    });
    const caller = defineOrchestrator("caller", async (ctx) => [
      await ctx.callActivity(slow),
      ctx.currentUtcDateTime.getTime(),
    ]);
    const hub = await openHub([caller, slow]);
    const start = hub.now.getTime();
    expect(await outputOf(hub, caller, undefined, { advance: { days: 1 } })).toEqual(["done", start]);
  });

  it("is a TaskHub in everything else", async () => {
    const hub = await TestTaskHub.open({ name: "tests", store: new MemoryStore(), functions: [sleeper] });
    expect(hub).toBeInstanceOf(TaskHub);
    expect(hub.name).toBe("tests");
    await hub[Symbol.asyncDispose]();
    expect(await errorOf(() => hub.getOrchestrationState("i"))).toMatchObject({ code: "hubClosed" });
  });
});

describe("runUntilIdle", () => {
  it("returns when nothing more happens by itself", async () => {
    const many = defineOrchestrator("many", async (ctx, steps: number) => {
      for (let step = 0; step < steps; step++) await ctx.callActivity(echo, step);
      return "done";
    });
    const hub = await openHub([many, echo]);
    const id = await hub.scheduleNewOrchestration(many, 500);
    await hub.runUntilIdle();
    expect((await stateOf(hub, id)).output).toBe("done");
  });

  it("returns in a hub where nothing is going on", async () => {
    await (await openHub([])).runUntilIdle();
  });
});

describe("mockActivity", () => {
  const charge = defineActivity({
    name: "charge",
    retry: { maxAttempts: 3, firstRetryInterval: 1_000 },
    run: (_ctx, cents: number): string => {
      throw new Error(`the real thing was called with ${cents}`);
    },
  });
  const buy = defineOrchestrator("buy", async (ctx, cents: number) => ctx.callActivity(charge, cents));

  it("replaces what an activity does, by its definition or its name", async () => {
    const hub = await openHub([buy, charge]);
    hub.mockActivity(charge, (_ctx, cents) => `charged ${cents}`);
    expect(await outputOf(hub, buy, 5)).toBe("charged 5");
    hub.mockActivity<number, string>("charge", async (_ctx, cents) => `charged ${cents} by name`);
    expect(await outputOf(hub, buy, 6)).toBe("charged 6 by name");
  });

  it("can fail, and be tried again as the definition says", async () => {
    const hub = await openHub([buy, charge]);
    let calls = 0;
    hub.mockActivity(charge, () => {
      calls++;
      throw new Error("declined");
    });
    const failure = await failureOf(hub, buy, 5, { advance: 60_000 });
    expect(failure.errorMessage).toContain("declined");
    expect(calls).toBe(3);
  });

  it("tells the mock of its call", async () => {
    const hub = await openHub([buy, charge]);
    hub.mockActivity(charge, (ctx) => `${ctx.name} for ${ctx.instanceId}, attempt ${ctx.attempt}`);
    expect(await outputOf(hub, buy, 5, { instanceId: "i" })).toBe("charge for i, attempt 1");
  });

  it("leaves other hubs with the same definitions alone", async () => {
    const [first, second] = [await openHub([buy, charge]), await openHub([buy, charge])];
    first.mockActivity(charge, () => "mocked");
    expect(await outputOf(first, buy, 5)).toBe("mocked");
    expect((await failureOf(second, buy, 5, { advance: 60_000 })).errorMessage).toContain("the real thing");
  });

  it("keeps what the definition's schema makes of the input", async () => {
    const digits = defineActivity({
      name: "digits",
      input: {
        "~standard": { version: 1, vendor: "hand-made", validate: (value) => ({ value: Number(value) }) },
      } satisfies import("holdfast").StandardSchema<string, number>,
      run: (_ctx, n) => n,
    });
    const caller = defineOrchestrator("caller", async (ctx) => ctx.callActivity(digits, "5"));
    const hub = await openHub([caller, digits]);
    expect(await outputOf(hub, caller)).toBe(5);
  });
});

inEveryShape("replayHistory", (define) => {
  const child = define("child", function* (ctx, n: number) {
    yield ctx.createTimer(0);
    return n * 2;
  });
  const program = define("program", function* (ctx, n: number) {
    ctx.setCustomStatus("began");
    const results = yield* whenAll([ctx.callActivity(echo, n), ctx.callSubOrchestrator(child, n)]);
    const { index } = yield* whenAny([ctx.createTimer(1_000), ctx.waitForExternalEvent("never")]);
    try {
      yield ctx.callActivity("nobody");
    } catch {}
    return [results, index, ctx.newGuid(), ctx.random()];
  });

  /** A history of the program, as it went through JSON. */
  async function historyOf(orchestrator: OrchestratorDefinition<number, unknown> = program): Promise<HistoryEvent[]> {
    const hub = await openHub([orchestrator, child, echo]);
    await run(hub, orchestrator, 5, { instanceId: "i", advance: 10_000 });
    return JSON.parse(JSON.stringify(await hub.getOrchestrationHistory("i"))) as HistoryEvent[];
  }

  it("accepts the history of the code itself", async () => {
    await replayHistory(program, await historyOf());
  });

  it("accepts every beginning of it that ends with a turn", async () => {
    const history = await historyOf();
    const ends = history.flatMap((event, at) => (event.type === "OrchestratorStarted" && at > 0 ? [at] : []));
    expect(ends.length).toBeGreaterThan(3);
    for (const end of ends) await replayHistory(program, history.slice(0, end));
  });

  it("executes nothing and leaves the history as it is", async () => {
    let runs = 0;
    const counted = defineActivity("counted", () => ++runs);
    const caller = define("caller", function* (ctx) {
      return yield* ctx.callActivity(counted);
    });
    const hub = await openHub([caller, counted]);
    await run(hub, caller, undefined, { instanceId: "i" });
    const history = await hub.getOrchestrationHistory("i");
    const before = JSON.stringify(history);
    await replayHistory(caller, history);
    expect(runs).toBe(1);
    expect(JSON.stringify(history)).toBe(before);
  });

  it("refuses code that takes another step", async () => {
    const changed = define("program", function* (ctx, n: number) {
      const results = yield* whenAll([ctx.callActivity("another", n), ctx.callSubOrchestrator(child, n)]);
      return results;
    });
    const error = await errorOf(async () => replayHistory(changed, await historyOf()));
    expect(error).toMatchObject({ name: "NonDeterminismError", code: "nonDeterminism", report: { sequenceId: 1 } });
    expect(error.message).toContain("echo");
    expect(error.message).toContain("another");
  });

  it("refuses code that comes to another result", async () => {
    const first = define("program", function* (ctx, n: number) {
      return ((yield* ctx.callActivity(echo, n)) as number) + 1;
    });
    const second = define("program", function* (ctx, n: number) {
      return ((yield* ctx.callActivity(echo, n)) as number) + 2;
    });
    const history = await historyOf(first);
    await replayHistory(first, history);
    expect(await errorOf(() => replayHistory(second, history))).toMatchObject({ code: "nonDeterminism" });
  });

  it("refuses code that ends otherwise: failing where it completed, going on where it ended, ending where it went on", async () => {
    const completes = define("program", function* (ctx, n: number) {
      return yield* ctx.callActivity(echo, n);
    });
    const fails = define("program", function* (ctx, n: number): Generator<import("holdfast").Task<unknown>, unknown> {
      yield ctx.callActivity(echo, n);
      throw new Error("no");
    });
    const goesOn = define("program", function* (ctx, n: number) {
      yield ctx.callActivity(echo, n);
      yield ctx.waitForExternalEvent("never");
      return n as unknown;
    });
    const programs = [completes, fails, goesOn];
    for (const one of programs) {
      const history = await historyOf(one);
      for (const other of programs) {
        if (other === one) await replayHistory(other, history);
        else expect(await errorOf(() => replayHistory(other, history))).toMatchObject({ code: "nonDeterminism" });
      }
    }
  });

  it("accepts the histories of instances that failed, were terminated, suspended or continued as new", async () => {
    const rolling = define("rolling", function* (ctx, n: number) {
      yield ctx.callActivity(echo, n);
      if (n > 0) ctx.continueAsNew(n - 1);
      yield ctx.waitForExternalEvent("go");
      if (n === 0) throw new RangeError("the end");
    });
    const hub = await openHub([rolling, echo]);
    for (const instanceId of ["failed", "terminated", "suspended"]) {
      await run(hub, rolling, 0, { instanceId });
    }
    await hub.raiseOrchestrationEvent("failed", "go");
    await hub.terminateOrchestration("terminated", { output: 1 });
    await hub.suspendOrchestration("suspended");
    await hub.raiseOrchestrationEvent("suspended", "go");
    await run(hub, rolling, 1, { instanceId: "continued" });
    await hub.raiseOrchestrationEvent("continued", "go");
    await hub.runUntilIdle();
    for (const id of ["failed", "terminated", "suspended", "continued"]) {
      await replayHistory(rolling, await hub.getOrchestrationHistory(id));
    }
  });

  it("knows the retry policies of definitions that are called by name when it is given them", async () => {
    let runs = 0;
    const flaky = defineActivity({
      name: "flaky",
      retry: { maxAttempts: 3, firstRetryInterval: 1_000 },
      run: () => {
        if (++runs < 3) throw new Error("again");
        return runs;
      },
    });
    const caller = define("caller", function* (ctx) {
      return yield* ctx.callActivity<number>("flaky");
    });
    const hub = await openHub([caller, flaky]);
    await run(hub, caller, undefined, { instanceId: "i", advance: 10_000 });
    const history = await hub.getOrchestrationHistory("i");
    await replayHistory(caller, history, { functions: [flaky] });
    expect(await errorOf(() => replayHistory(caller, history))).toMatchObject({ code: "nonDeterminism" });
  });

  it("warns of an input that differs, and accepts it", async () => {
    const first = define("program", function* (ctx, n: number) {
      return yield* ctx.callActivity(echo, n);
    });
    const second = define("program", function* (ctx, n: number) {
      return yield* ctx.callActivity(echo, n + 1);
    });
    const logger = keepingLogger();
    await replayHistory(second, await historyOf(first), { logger });
    expect(logger.messages("warn")).toHaveLength(1);
  });

  it("refuses what is no history", async () => {
    await expect(replayHistory(program, [])).rejects.toThrow(/ExecutionStarted|history/);
    await expect(replayHistory(program, (await historyOf()).slice(2))).rejects.toThrow();
  });
});
