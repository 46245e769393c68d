/** The log: what code writes appears once, however often it is replayed; what the hub writes helps. */
import { defineActivity, defineOrchestrator, type Logger, MemoryStore } from "holdfast";
import { describe, expect, it } from "vitest";
import { keepingLogger, openHub, run, stateOf } from "./running.ts";
import { inEveryShape } from "./shapes.ts";

const echo = defineActivity("echo", (_ctx, value: unknown) => value);

inEveryShape("the log of an orchestration", (define) => {
  const chatty = define("chatty", function* (ctx) {
    ctx.log.info("began");
    yield ctx.callActivity(echo, 1);
    ctx.log.info("called");
    yield ctx.waitForExternalEvent("go");
    ctx.log.info("went on");
  });

  it("takes each line once, however often the code is replayed", async () => {
    const store = new MemoryStore();
    const lines: string[] = [];
    for (let opening = 0; opening < 4; opening++) {
      const logger = keepingLogger();
      const hub = await openHub([chatty, echo], { store, logger });
      if (opening === 0) await run(hub, chatty, undefined, { instanceId: "i" });
      if (opening < 3) await hub.raiseOrchestrationEvent("i", `noise ${opening}`);
      else await hub.raiseOrchestrationEvent("i", "go");
      await hub.runUntilIdle();
      await hub.close();
      lines.push(...logger.messages("info"));
    }
    expect(lines).toEqual(["began", "called", "went on"]);
  });

  it("takes each line once although instances are evicted all the time", async () => {
    const logger = keepingLogger();
    const hub = await openHub([chatty, echo], { logger, maxLiveInstances: 1 });
    for (const instanceId of ["a", "b", "c"]) await run(hub, chatty, undefined, { instanceId });
    for (const instanceId of ["a", "b", "c"]) await hub.raiseOrchestrationEvent(instanceId, "go");
    await hub.runUntilIdle();
    const lines = logger.messages("info");
    for (const line of ["began", "called", "went on"]) expect(lines.filter((one) => one === line)).toHaveLength(3);
  });

  it("passes every level on, with its fields", async () => {
    const levels = define("levels", function* (ctx) {
      ctx.log.debug("d", { n: 1 });
      ctx.log.info("i", { n: 2 });
      ctx.log.warn("w", { n: 3 });
      ctx.log.error("e", { n: 4 });
      yield ctx.createTimer(0);
    });
    const logger = keepingLogger();
    const hub = await openHub([levels], { logger });
    await run(hub, levels, undefined, { advance: 1 });
    const own = logger.lines.filter((line) => line.message.length === 1);
    expect(own).toMatchObject([
      { level: "debug", message: "d", fields: { n: 1 } },
      { level: "info", message: "i", fields: { n: 2 } },
      { level: "warn", message: "w", fields: { n: 3 } },
      { level: "error", message: "e", fields: { n: 4 } },
    ]);
  });

  it("is silent in a hub without a logger", async () => {
    const hub = await openHub([chatty, echo]);
    await run(hub, chatty, undefined, { instanceId: "i" });
    expect((await stateOf(hub, "i")).runtimeStatus).toBe("Running");
  });
});

describe("the logger of a hub", () => {
  it("can be the console, or any object with four methods", async () => {
    const loggers: Logger[] = [console, keepingLogger()];
    const quiet = defineOrchestrator("quiet", () => 1);
    for (const logger of loggers) expect((await run(await openHub([quiet], { logger }), quiet)).output).toBe(1);
  });

  it("is told nothing when nothing is wrong", async () => {
    const logger = keepingLogger();
    const fine = defineOrchestrator("fine", async (ctx) => {
      await ctx.createTimer(1_000);
      return ctx.callActivity(echo, 1);
    });
    const hub = await openHub([fine, echo], { logger });
    await run(hub, fine, undefined, { advance: 1_000 });
    expect([...logger.messages("warn"), ...logger.messages("error")]).toEqual([]);
  });

  it("is warned of a retry handler that throws, since the failure itself does not show it", async () => {
    const logger = keepingLogger();
    const fail = defineActivity("fail", (): never => {
      throw new Error("no");
    });
    const caller = defineOrchestrator("caller", async (ctx) =>
      ctx.callActivity(fail, undefined, {
        retry: () => {
          throw new Error("a bug in the handler");
        },
      }),
    );
    const hub = await openHub([caller, fail], { logger });
    await run(hub, caller);
    expect(JSON.stringify(logger.lines)).toContain("a bug in the handler");
  });
});
