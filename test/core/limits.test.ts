/** Every bound of a hub: what lies within it works, what lies beyond it is refused with a clear error. */
import { defineActivity, defineOrchestrator, whenAll } from "holdfast";
import { describe, expect, it } from "vitest";
import { errorOf, failureOf, keepingLogger, openHub, outputOf, run, stateOf } from "./running.ts";
import { inEveryShape } from "./shapes.ts";

const echo = defineActivity("echo", (_ctx, value: unknown) => value);
const grow = defineActivity("grow", (_ctx, size: number) => "x".repeat(size));
/** A text whose stored form has this many characters. */
const textOf = (size: number): string => "x".repeat(size - 2);

describe("payloadBytesMax", () => {
  const limits = { payloadBytesMax: 100 };
  const through = defineOrchestrator("through", async (ctx, value: string) => ctx.callActivity(echo, value));
  const listener = defineOrchestrator("listener", async (ctx) => ctx.waitForExternalEvent("x"));

  it("lets a payload of just that size through every door", async () => {
    const hub = await openHub([through, echo], { limits });
    expect(await outputOf(hub, through, textOf(100))).toBe(textOf(100));
  });

  it("refuses an input that is larger, before anything exists", async () => {
    const hub = await openHub([through, echo], { limits });
    const error = await errorOf(() => hub.scheduleNewOrchestration(through, textOf(101), { instanceId: "i" }));
    expect(error).toMatchObject({ name: "PayloadError", code: "payload" });
    expect(error.message).toContain("100");
    expect(await hub.getOrchestrationState("i")).toBeUndefined();
  });

  it("refuses an event that is larger, and changes nothing", async () => {
    const hub = await openHub([listener], { limits });
    await run(hub, listener, undefined, { instanceId: "i" });
    expect(await errorOf(() => hub.raiseOrchestrationEvent("i", "x", textOf(101)))).toMatchObject({ code: "payload" });
    await hub.raiseOrchestrationEvent("i", "x", textOf(100));
    await hub.runUntilIdle();
    expect((await stateOf(hub, "i")).output).toBe(textOf(100));
  });

  it("fails a task whose result is larger", async () => {
    const caller = defineOrchestrator("caller", async (ctx) => {
      const outcome = await ctx
        .callActivity(grow, 200)
        .catch((error) => (error as { failure: { errorType: string } }).failure);
      return typeof outcome === "string" ? outcome : outcome.errorType;
    });
    const hub = await openHub([caller, grow], { limits });
    expect(await outputOf(hub, caller)).toBe("PayloadError");
  });

  it("fails an orchestration whose result is larger", async () => {
    const large = defineOrchestrator("large", () => textOf(101));
    const hub = await openHub([large], { limits });
    expect((await failureOf(hub, large)).errorType).toBe("PayloadError");
  });

  it("refuses a call whose input is larger, at the call", async () => {
    const caller = defineOrchestrator("caller", async (ctx) => ctx.callActivity(echo, textOf(101)));
    const hub = await openHub([caller, echo], { limits });
    expect((await failureOf(hub, caller)).errorType).toBe("PayloadError");
  });

  it("is ten megabytes unless it is given", async () => {
    const size = 10_485_760;
    const length = defineOrchestrator("length", (_ctx, text: string) => text.length);
    const hub = await openHub([length]);
    expect(await outputOf(hub, length, textOf(size))).toBe(size - 2);
    expect(await errorOf(() => hub.scheduleNewOrchestration(length, textOf(size + 1)))).toMatchObject({
      code: "payload",
    });
  });

  it("lets results of megabytes through", async () => {
    const caller = defineOrchestrator("caller", async (ctx) => ctx.callActivity(grow, 4_600_000));
    const hub = await openHub([caller, grow]);
    expect((await outputOf(hub, caller))?.length).toBe(4_600_000);
  });
});

inEveryShape("the length of a history", (define) => {
  const loop = define("loop", function* (ctx, steps: number) {
    for (let step = 0; step < steps; step++) yield ctx.callActivity(echo, step);
    return "done";
  });

  it("beyond historyEventsMax fails the orchestration with a clear error", async () => {
    const hub = await openHub([loop, echo], { limits: { historyEventsMax: 50 } });
    const failure = await failureOf(hub, loop, 1_000);
    expect(failure.errorType).toBe("LimitExceededError");
    expect(failure.errorMessage).toContain("50");
  });

  it("within historyEventsMax is fine", async () => {
    const hub = await openHub([loop, echo], { limits: { historyEventsMax: 50 } });
    expect(await outputOf(hub, loop, 10)).toBe("done");
  });

  it("starts again with every generation", async () => {
    const rolling = define("rolling", function* (ctx, n: number) {
      yield ctx.callActivity(echo, n);
      if (n > 0) ctx.continueAsNew(n - 1);
      return n;
    });
    const hub = await openHub([rolling, echo], { limits: { historyEventsMax: 20 } });
    expect(await outputOf(hub, rolling, 50)).toBe(0);
  });

  it("beyond historyEventsWarning warns, once, and names the instance", async () => {
    const logger = keepingLogger();
    const hub = await openHub([loop, echo], { limits: { historyEventsWarning: 30 }, logger });
    await run(hub, loop, 5, { instanceId: "short" });
    expect(logger.messages("warn")).toEqual([]);
    await run(hub, loop, 100, { instanceId: "long" });
    const warnings = logger.lines.filter((line) => line.level === "warn");
    expect(warnings).toHaveLength(1);
    expect(JSON.stringify(warnings)).toContain("long");
  });
});

describe("groups", () => {
  it("go on when far more instances are live than the hub keeps in memory", async () => {
    const pair = defineOrchestrator("pair", async (ctx, n: number) => [
      await ctx.callActivity(echo, n),
      await ctx.waitForExternalEvent("go"),
    ]);
    const hub = await openHub([pair, echo], { maxLiveInstances: 3 });
    const ids = await Promise.all(
      Array.from({ length: 200 }, (_, n) => hub.scheduleNewOrchestration(pair, n, { instanceId: `p${n}` })),
    );
    await hub.runUntilIdle();
    await Promise.all(ids.map((id, n) => hub.raiseOrchestrationEvent(id, "go", -n)));
    await hub.runUntilIdle();
    const states = await Promise.all(ids.map((id) => stateOf(hub, id)));
    expect(states.map((state) => state.output)).toEqual(ids.map((_, n) => [n, -n]));
  });

  it("take ten thousand events for one instance in one go", async () => {
    const collector = defineOrchestrator("collector", async (ctx, count: number) => {
      let sum = 0;
      for (let n = 0; n < count; n++) sum += await ctx.waitForExternalEvent<number>("n");
      return sum;
    });
    const hub = await openHub([collector]);
    await run(hub, collector, 12_000, { instanceId: "i" });
    await Promise.all(Array.from({ length: 12_000 }, (_, n) => hub.raiseOrchestrationEvent("i", "n", n)));
    await hub.runUntilIdle();
    expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: (12_000 * 11_999) / 2 });
  });

  it("start ten thousand children from one parent", async () => {
    const child = defineOrchestrator("child", (_ctx, n: number) => n + 1);
    const parent = defineOrchestrator("parent", async (ctx, width: number) => {
      const results = await whenAll(Array.from({ length: width }, (_, n) => ctx.callSubOrchestrator(child, n)));
      return results.reduce((sum, n) => sum + n, 0);
    });
    const hub = await openHub([parent, child]);
    expect(await outputOf(hub, parent, 10_000)).toBe((10_000 * 10_001) / 2);
  });

  it("go through a chain of calls a hundred deep", async () => {
    const nest = defineOrchestrator(
      "nest",
      async (ctx, depth: number): Promise<number> =>
        depth === 0 ? 0 : 1 + (await ctx.callSubOrchestrator<number>("nest", depth - 1)),
    );
    const hub = await openHub([nest]);
    expect(await outputOf(hub, nest, 100)).toBe(100);
  });
});
