/** What becomes of an instance whose code no longer fits its history, and what the development check finds on the first run. */
import {
  defineActivity,
  defineEntity,
  defineOrchestrator,
  type NonDeterminismReport,
  type OrchestrationContext,
  type Task,
} from "holdfast";
import type { TestTaskHub } from "holdfast/testing";
import { describe, expect } from "vitest";
import { errorOf, keepingLogger, outputOf, run, stateOf, typesOf } from "../core/running.ts";
import { inEveryShape } from "../core/shapes.ts";
import type { Place, Scenario } from "./place.ts";

const work = defineActivity("work", (_ctx, name: unknown) => name);
const other = defineActivity("other", (_ctx, name: unknown) => name);

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

export function suspensionScenarios(it: Scenario): void {
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
    async function parked(place: Place, instanceId = "i") {
      const logger = keepingLogger();
      const first = await place.open([good, work, other]);
      await run(first, good, undefined, { instanceId });
      const reopen = (code = good): Promise<TestTaskHub> =>
        place.open([code, work, other], { onNonDeterminism: "suspend", logger });
      const hub = await reopen(bad);
      await hub.raiseOrchestrationEvent(instanceId, "go", 7);
      await hub.runUntilIdle();
      return { hub, logger, reopen };
    }

    it("parks the instance, with the reason in its state and the log, and leaves its history alone", async (place) => {
      const { hub, logger } = await parked(place);
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

    it("resumes by itself after reopening with code that fits, and has lost nothing", async (place) => {
      const { hub, reopen } = await parked(place);
      await hub.raiseOrchestrationEvent("i", "unread", 1);
      const fixed = await reopen();
      await fixed.runUntilIdle();
      const state = await stateOf(fixed, "i");
      expect(state).toMatchObject({ runtimeStatus: "Completed", output: ["first", 7, "last"] });
      expect(state).not.toHaveProperty("failure");
    });

    it("stays parked when it is reopened with code that still does not fit", async (place) => {
      const { reopen } = await parked(place);
      const again = await reopen(bad);
      await again.runUntilIdle();
      expect(await stateOf(again, "i")).toMatchObject({
        runtimeStatus: "Suspended",
        failure: { errorType: "NonDeterminismError" },
      });
      const fixed = await reopen();
      await fixed.runUntilIdle();
      expect((await stateOf(fixed, "i")).output).toEqual(["first", 7, "last"]);
    });

    it("stays suspended once it fits again, if a person has suspended it, until a person resumes it", async (place) => {
      const waiting = await place.open([good, work, other]);
      await run(waiting, good, undefined, { instanceId: "i" });
      for (const isResumed of [false, true]) {
        const unfit = await place.open([bad, work, other], { onNonDeterminism: "suspend" });
        await (isResumed ? unfit.resumeOrchestration("i") : unfit.suspendOrchestration("i"));
        await unfit.runUntilIdle();
        expect(await stateOf(unfit, "i")).toMatchObject({ runtimeStatus: "Suspended", failure: expect.anything() });
        const fit = await place.open([good, work, other], { onNonDeterminism: "suspend" });
        await fit.runUntilIdle();
        const state = await stateOf(fit, "i");
        expect(state.runtimeStatus).toBe(isResumed ? "Running" : "Suspended");
        expect(state).not.toHaveProperty("failure");
      }
    });

    it("that a person has suspended while it was parked stays suspended, until a person resumes it", async (place) => {
      for (const id of ["resumed later", "resumed at once"]) {
        const { hub, reopen } = await parked(place, id);
        await hub.suspendOrchestration(id);
        await hub.suspendOrchestration(id);
        if (id === "resumed at once") await hub.resumeOrchestration(id);
        await hub.runUntilIdle();
        expect(await stateOf(hub, id)).toMatchObject({ runtimeStatus: "Suspended", failure: expect.anything() });
        const fixed = await reopen();
        await fixed.runUntilIdle();
        expect((await stateOf(fixed, id)).runtimeStatus).toBe(id === "resumed at once" ? "Completed" : "Suspended");
        expect(await stateOf(fixed, id)).not.toHaveProperty("failure");
        if (id === "resumed later") await fixed.resumeOrchestration(id);
        await fixed.runUntilIdle();
        expect((await stateOf(fixed, id)).output).toEqual(["first", 7, "last"]);
      }
    });

    it("can be terminated and purged while it is parked", async (place) => {
      const { hub } = await parked(place);
      await hub.terminateOrchestration("i", { output: "given up" });
      await hub.runUntilIdle();
      expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Terminated", output: "given up" });
      expect(await hub.purgeOrchestration("i")).toMatchObject({ deletedInstanceCount: 1 });
      expect(await hub.getOrchestrationState("i")).toBeUndefined();
    });

    it("leaves other instances alone", async (place) => {
      const { hub } = await parked(place);
      await run(hub, bad, undefined, { instanceId: "new" });
      await hub.raiseOrchestrationEvent("new", "go", 1);
      await hub.runUntilIdle();
      expect((await stateOf(hub, "new")).output).toEqual(["first", 1, "the wrong end"]);
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Suspended");
    });

    it("that is resumed by a client with code that does not fit is parked again", async (place) => {
      const { hub } = await parked(place);
      await hub.resumeOrchestration("i");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Suspended");
    });

    it('with "fail" fails at once, for good, with both steps in the message', async (place) => {
      await parked(place);
      const failing = await place.open([bad, work, other]);
      await failing.runUntilIdle();
      const { runtimeStatus, failure } = await stateOf(failing, "i");
      expect([runtimeStatus, failure?.errorType]).toEqual(["Failed", "NonDeterminismError"]);
    });
  });

  describe("onNonDeterminism", () => {
    it("is refused when it is neither fail nor suspend", async (place) => {
      const open = place.open.bind(place) as unknown as (functions: unknown[], options: object) => Promise<unknown>;
      expect(await errorOf(() => open([], { onNonDeterminism: "ignore" }))).toMatchObject({ code: "invalidArgument" });
    });
  });
}

const failing = defineActivity("failing", () => {
  throw new Error("always");
});
const child = defineOrchestrator("child", () => "done");
const counter = defineEntity("counter", {
  initialState: () => 0,
  operations: { add: (ctx, amount: number) => ctx.state + amount, get: (ctx) => ctx.state },
});
const REQUEST = { method: "GET", url: "https://example.com/" } as const;

type Step = (ctx: OrchestrationContext) => unknown;

/** One kind of step, taken first in one place and then, run again, in another. */
const STEPS: readonly Readonly<Record<"first" | "again", Step>>[] = [
  { first: (ctx) => ctx.callActivity(work), again: (ctx) => ctx.callActivity(other) },
  { first: (ctx) => ctx.callSubOrchestrator("child"), again: (ctx) => ctx.createTimer(10) },
  { first: (ctx) => ctx.createTimer(10), again: (ctx) => ctx.callSubOrchestrator("child") },
  { first: (ctx) => ctx.createTimer(10), again: (ctx) => ctx.createTimer(20) },
  { first: (ctx) => ctx.waitForExternalEvent("e", { timeout: 10 }), again: (ctx) => ctx.sendEvent("x", "y") },
  { first: (ctx) => ctx.sendEvent("x", "y"), again: (ctx) => ctx.waitForExternalEvent("e", { timeout: 10 }) },
  { first: (ctx) => ctx.entity(counter, "a").add(1), again: (ctx) => ctx.callEntity("@counter@a", "get") },
  { first: (ctx) => ctx.callEntity("@counter@a", "get"), again: (ctx) => ctx.entity(counter, "a").add(1) },
  { first: (ctx) => ctx.signalEntity("@counter@a", "get"), again: (ctx) => ctx.lockEntities("@counter@a") },
  { first: (ctx) => ctx.lockEntities("@counter@a"), again: (ctx) => ctx.signalEntity("@counter@a", "get") },
  { first: (ctx) => ctx.callHttp(REQUEST), again: (ctx) => ctx.callHttp({ ...REQUEST, method: "HEAD" }) },
];

export function determinismCheckScenarios(it: Scenario): void {
  inEveryShape("checkDeterminism", (define) => {
    for (const [what, chance] of CHANCE) {
      it(`finds ${what} in a call's input on the first run`, async (place) => {
        const code = define("code", function* (ctx) {
          return yield* ctx.callActivity(work, String(chance()));
        });
        const hub = await place.open([code, work], { checkDeterminism: true });
        const { runtimeStatus, failure } = await run(hub, code);
        expect([runtimeStatus, failure?.errorType]).toEqual(["Failed", "NonDeterminismError"]);
      });
      it(`finds ${what} in a result on the first run`, async (place) => {
        const code = define("code", function* (ctx) {
          yield ctx.createTimer(0);
          return String(chance());
        });
        const hub = await place.open([code], { checkDeterminism: true });
        expect((await run(hub, code)).failure?.errorType).toBe("NonDeterminismError");
      });
    }

    it("finds a name, a number of calls and a custom status that depend on what is outside", async (place) => {
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
        const hub = await place.open([code, work, other], { checkDeterminism: true });
        expect((await run(hub, code)).failure?.errorType, `code ${index}`).toBe("NonDeterminismError");
      }
    });

    it("lets code pass that uses the context for all of it, with every kind of step", async (place) => {
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
      const hub = await place.open([code, work, failing], { checkDeterminism: true });
      expect(await outputOf(hub, code, 0, { advance: { minutes: 1 } })).toBe(7);
    });

    it("does no work twice", async (place) => {
      let count = 0;
      const counted = defineActivity("counted", () => ++count);
      const code = define("code", function* (ctx) {
        return [yield* ctx.callActivity(counted), yield* ctx.callActivity(counted)];
      });
      const hub = await place.open([code, counted], { checkDeterminism: true });
      expect(await outputOf(hub, code)).toEqual([1, 2]);
      expect(count).toBe(2);
    });

    it("names the places of both steps, whatever their kind", async (place) => {
      for (const [index, { first, again }] of STEPS.entries()) {
        let runCount = 0;
        const code = define("code", function* (ctx) {
          (runCount++ === 0 ? first : again)(ctx);
          yield ctx.waitForExternalEvent("go");
        });
        const hub = await place.open([code, child, work, other, counter], { checkDeterminism: true });
        const { failure } = await run(hub, code, undefined, { instanceId: `step ${index}` });
        const report = failure?.properties?.report as NonDeterminismReport;
        expect(report.recordedCallSite, `step ${index}`).toMatch(/first.*determinism/);
        expect(report.callSite, `step ${index}`).toMatch(/again.*determinism/);
        expect(failure?.errorMessage).toContain(report.recordedCallSite);
        expect(failure?.errorMessage).toContain(report.callSite);
      }
    });

    it("names the place of a step that is not taken again, turns later and after a restart", async (place) => {
      let isRecording = true;
      const first: Step = (ctx) => ctx.callActivity(work);
      const code = define("code", function* (ctx) {
        yield ctx.waitForExternalEvent("go");
        if (isRecording) first(ctx);
        yield ctx.waitForExternalEvent("again");
      });
      let hub = await place.open([code, work], { checkDeterminism: true });
      await run(hub, code, undefined, { instanceId: "i" });
      hub = await place.open([code, work], { checkDeterminism: true });
      await hub.raiseOrchestrationEvent("i", "go");
      await hub.runUntilIdle();
      isRecording = false;
      await hub.raiseOrchestrationEvent("i", "again");
      await hub.runUntilIdle();
      const { failure } = await stateOf(hub, "i");
      const report = failure?.properties?.report as NonDeterminismReport;
      expect(report).toMatchObject({ taken: expect.stringContaining("nothing") });
      expect(report.recordedCallSite).toMatch(/first.*determinism/);
      expect(report).not.toHaveProperty("callSite");
    });

    it("names no place for a retry, which no line of the code takes", async (place) => {
      let maxAttempts = 3;
      const code = define("code", function* (ctx) {
        return yield ctx.callActivity("failing", 1, { retry: { maxAttempts: maxAttempts--, firstRetryInterval: 10 } });
      });
      const hub = await place.open([code, failing], { checkDeterminism: true });
      const { failure } = await run(hub, code, undefined, { advance: { minutes: 1 } });
      const report = failure?.properties?.report as NonDeterminismReport;
      expect(failure?.errorType).toBe("NonDeterminismError");
      expect(report).not.toHaveProperty("callSite");
      expect(report).not.toHaveProperty("recordedCallSite");
    });
  });
}
