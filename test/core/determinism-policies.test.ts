/** What becomes of an instance whose code no longer fits its history, and what the development check finds on the first run. */
import { defineActivity, MemoryStore, type OrchestrationContext, type Task } from "holdfast";
import { describe, expect, it } from "vitest";
import { errorOf, keepingLogger, openHub, outputOf, run, stateOf, typesOf } from "./running.ts";
import { inEveryShape } from "./shapes.ts";

const work = defineActivity("work", (_ctx, name: unknown) => name);
const other = defineActivity("other", (_ctx, name: unknown) => name);

inEveryShape('onNonDeterminism "suspend"', (define) => {
  const good = define("job", function* (ctx) {
    const first = yield* ctx.callActivity(work, "first");
    const event = yield* ctx.waitForExternalEvent("go");
    return [first, event, yield* ctx.callActivity(work, "last")];
  });
  const bad = define("job", function* (ctx) {
    const first = yield* ctx.callActivity(other, "first");
    const event = yield* ctx.waitForExternalEvent("go");
    return [first, event, "the wrong end"];
  });

  /** An instance that waits, in a hub that has just been opened with code that does not fit. */
  async function parked(instanceId = "i") {
    const store = new MemoryStore();
    const logger = keepingLogger();
    const first = await openHub([good, work, other], { store });
    await run(first, good, undefined, { instanceId });
    await first.close();
    const options = { store, onNonDeterminism: "suspend", logger } as const;
    const hub = await openHub([bad, work, other], options);
    await hub.raiseOrchestrationEvent(instanceId, "go", 7);
    await hub.runUntilIdle();
    return { hub, store, logger, reopen: (code = good) => openHub([code, work, other], options) };
  }

  it("parks the instance, with the reason in its state and the log, and leaves its history alone", async () => {
    const { hub, logger } = await parked();
    const state = await stateOf(hub, "i");
    expect(state.runtimeStatus).toBe("Suspended");
    expect(state.failure).toMatchObject({ errorType: "NonDeterminismError" });
    expect(state.failure?.errorMessage).toContain("work");
    expect(state.failure?.errorMessage).toContain("other");
    expect(state).not.toHaveProperty("output");
    expect(state).not.toHaveProperty("completedAt");
    expect(logger.messages("error").join()).toContain("'i'");
    expect(typesOf(await hub.getOrchestrationHistory("i"))).not.toContain("ExecutionCompleted");
  });

  it("resumes by itself after reopening with code that fits, and has lost nothing", async () => {
    const { hub, reopen } = await parked();
    await hub.raiseOrchestrationEvent("i", "unread", 1);
    await hub.close();
    const fixed = await reopen();
    await fixed.runUntilIdle();
    const state = await stateOf(fixed, "i");
    expect(state).toMatchObject({ runtimeStatus: "Completed", output: ["first", 7, "last"] });
    expect(state).not.toHaveProperty("failure");
  });

  it("stays parked when it is reopened with code that still does not fit", async () => {
    const { hub, reopen } = await parked();
    await hub.close();
    const again = await reopen(bad);
    await again.runUntilIdle();
    expect(await stateOf(again, "i")).toMatchObject({
      runtimeStatus: "Suspended",
      failure: { errorType: "NonDeterminismError" },
    });
    await again.close();
    const fixed = await reopen();
    await fixed.runUntilIdle();
    expect((await stateOf(fixed, "i")).output).toEqual(["first", 7, "last"]);
  });

  it("can be terminated and purged while it is parked", async () => {
    const { hub } = await parked();
    await hub.terminateOrchestration("i", { output: "given up" });
    await hub.runUntilIdle();
    expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Terminated", output: "given up" });
    expect(await hub.purgeOrchestration("i")).toMatchObject({ deletedInstanceCount: 1 });
    expect(await hub.getOrchestrationState("i")).toBeUndefined();
  });

  it("leaves other instances alone", async () => {
    const { hub } = await parked();
    await run(hub, bad, undefined, { instanceId: "new" });
    await hub.raiseOrchestrationEvent("new", "go", 1);
    await hub.runUntilIdle();
    expect((await stateOf(hub, "new")).output).toEqual(["first", 1, "the wrong end"]);
    expect((await stateOf(hub, "i")).runtimeStatus).toBe("Suspended");
  });

  it("that is resumed by a client with code that does not fit is parked again", async () => {
    const { hub } = await parked();
    await hub.resumeOrchestration("i");
    await hub.runUntilIdle();
    expect((await stateOf(hub, "i")).runtimeStatus).toBe("Suspended");
  });

  it('with "fail" fails at once, for good, with both steps in the message', async () => {
    const { hub, store } = await parked();
    await hub.close();
    const failing = await openHub([bad, work, other], { store });
    await failing.runUntilIdle();
    const { runtimeStatus, failure } = await stateOf(failing, "i");
    expect([runtimeStatus, failure?.errorType]).toEqual(["Failed", "NonDeterminismError"]);
  });
});

describe("onNonDeterminism", () => {
  it("is refused when it is neither fail nor suspend", async () => {
    const open = openHub as unknown as (functions: unknown[], options: object) => Promise<unknown>;
    expect(await errorOf(() => open([], { onNonDeterminism: "ignore" }))).toMatchObject({ code: "invalidArgument" });
  });
});

let globalCounter = 0;
const flags = new Map<string, boolean>();

/** Code that breaks determinism in one way, each with what it decides by chance. */
const CHANCE: readonly (readonly [string, () => unknown])[] = [
  ["Date.now", () => Date.now()],
  ["Math.random", () => Math.random()],
  ["new Date()", () => new Date().toISOString()],
  ["crypto.randomUUID", () => crypto.randomUUID()],
  ["a global counter", () => ++globalCounter],
  ["performance.now", () => performance.now()],
];

inEveryShape("checkDeterminism", (define) => {
  for (const [what, chance] of CHANCE) {
    it(`finds ${what} in a call's input on the first run`, async () => {
      const code = define("code", function* (ctx) {
        return yield* ctx.callActivity(work, String(chance()));
      });
      const hub = await openHub([code, work], { checkDeterminism: true });
      const { runtimeStatus, failure } = await run(hub, code);
      expect([runtimeStatus, failure?.errorType]).toEqual(["Failed", "NonDeterminismError"]);
    });
    it(`finds ${what} in a result on the first run`, async () => {
      const code = define("code", function* (ctx) {
        yield ctx.createTimer(0);
        return String(chance());
      });
      const hub = await openHub([code], { checkDeterminism: true });
      expect((await run(hub, code)).failure?.errorType).toBe("NonDeterminismError");
    });
  }

  it("finds a name, a number of calls and a custom status that depend on what is outside", async () => {
    let runCount = 0;
    const codes: readonly ((ctx: OrchestrationContext) => Generator<Task<unknown>, unknown, unknown>)[] = [
      function* (ctx) {
        return yield ctx.callActivity(++globalCounter % 2 ? "work" : "other");
      },
      function* (ctx) {
        for (let calls = ++runCount; calls > 0; calls--) yield ctx.callActivity("work");
      },
      function* (ctx) {
        ctx.setCustomStatus(++globalCounter);
        yield ctx.createTimer(0);
      },
      function* (ctx) {
        const isFirst = !flags.get(ctx.instanceId);
        flags.set(ctx.instanceId, true);
        if (isFirst) yield ctx.createTimer(10);
        return "done";
      },
      function* (ctx) {
        ctx.sendEvent("x", `event ${++globalCounter}`);
        yield ctx.createTimer(0);
      },
      function* (ctx) {
        ctx.signalEntity(`@counter@${++globalCounter}`, "add", 1);
        yield ctx.createTimer(0);
      },
    ];
    for (const [index, script] of codes.entries()) {
      const code = define("code", (ctx) => script(ctx));
      const hub = await openHub([code, work, other], { checkDeterminism: true });
      expect((await run(hub, code)).failure?.errorType, `code ${index}`).toBe("NonDeterminismError");
    }
  });

  it("lets code pass that uses the context for all of it, with every kind of step", async () => {
    const code = define("code", function* (ctx, round: number): Generator<Task<unknown>, unknown, unknown> {
      const seen: unknown[] = [ctx.currentUtcDateTime.getTime(), ctx.random(), ctx.newGuid(), ctx.patched("p")];
      ctx.setCustomStatus(seen);
      seen.push(yield ctx.callActivity(work, seen));
      yield ctx.createTimer({ seconds: 1 });
      ctx.sendEvent(ctx.instanceId, "self", ctx.random());
      seen.push(yield ctx.waitForExternalEvent("self"));
      try {
        yield ctx.callActivity("failing", 1, { retry: { maxAttempts: 2, firstRetryInterval: 5 } });
      } catch (error) {
        seen.push((error as Error).message);
      }
      if (round === 0) ctx.continueAsNew(1);
      return seen.length;
    });
    const failing = defineActivity("failing", () => {
      throw new Error("always");
    });
    const hub = await openHub([code, work, failing], { checkDeterminism: true });
    expect(await outputOf(hub, code, 0, { advance: { minutes: 1 } })).toBe(7);
  });

  it("does no work twice", async () => {
    let count = 0;
    const counted = defineActivity("counted", () => ++count);
    const code = define("code", function* (ctx) {
      return [yield* ctx.callActivity(counted), yield* ctx.callActivity(counted)];
    });
    const hub = await openHub([code, counted], { checkDeterminism: true });
    expect(await outputOf(hub, code)).toEqual([1, 2]);
    expect(count).toBe(2);
  });
});
