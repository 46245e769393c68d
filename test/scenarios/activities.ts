/** Activities that time out, are cancelled, beat and queue, with restarts between: what must hold over every store and in every runtime. */
import { defineActivity, type FailureDetails, type Retry, TaskCanceledError, whenAll } from "holdfast";
import type { TestTaskHub } from "holdfast/testing";
import { expect } from "vitest";
import { held, reasonOf, runOf } from "../core/held-activity.ts";
import { run, stateOf } from "../core/running.ts";
import { inEveryShape } from "../core/shapes.ts";
import type { Scenario } from "./place.ts";

const RETRY: Retry = { maxAttempts: 3, firstRetryInterval: 1_000 };

async function timeoutOf(hub: TestTaskHub): Promise<unknown> {
  const { runtimeStatus, failure } = await stateOf(hub, "one");
  const cause: FailureDetails | undefined = failure?.innerFailure;
  return runtimeStatus === "Failed" && cause?.errorType === "TimeoutError"
    ? cause.properties?.timeoutType
    : runtimeStatus;
}

export function activityScenarios(it: Scenario): void {
  inEveryShape("an activity", (define) => {
    const calling = (options: Parameters<typeof held>[0]) => {
      const { activity, runs } = held(options);
      const caller = define("caller", function* (ctx) {
        return yield* ctx.callActivity(activity);
      });
      return { caller, functions: [caller, activity], runs };
    };

    it("has its start-to-close time anew after a restart", async (place) => {
      const { caller, functions, runs } = calling({ timeoutMs: 5_000 });
      const first = await place.open(functions);
      await run(first, caller, undefined, { instanceId: "one", advance: 4_000 });
      const second = await place.open(functions);
      await second.advance(4_999);
      expect([runs.length, await timeoutOf(second)]).toEqual([2, "Running"]);
      await second.advance(1);
      expect(await timeoutOf(second)).toBe("startToClose");
    });

    it("has its schedule-to-close time counted on through retries and a restart", async (place) => {
      const { caller, functions, runs } = calling({ scheduleToCloseTimeoutMs: 5_000, retry: RETRY });
      const first = await place.open(functions);
      await run(first, caller, undefined, { instanceId: "one" });
      runOf(runs, 0).reject(new Error("first"));
      await first.advance(2_000);
      const second = await place.open(functions);
      await second.advance(2_999);
      expect([runs.map(({ ctx }) => ctx.attempt), await timeoutOf(second)]).toEqual([[1, 2, 2], "Running"]);
      await second.advance(1);
      expect(await timeoutOf(second)).toBe("scheduleToClose");
    });

    it("has its schedule-to-close time end in a retry delay, with a restart in it", async (place) => {
      const { caller, functions, runs } = calling({
        scheduleToCloseTimeoutMs: 5_000,
        retry: { maxAttempts: 9, firstRetryInterval: 60_000 },
      });
      const first = await place.open(functions);
      await run(first, caller, undefined, { instanceId: "one" });
      runOf(runs, 0).reject(new Error("first"));
      await first.advance(2_000);
      const second = await place.open(functions);
      await second.advance(2_999);
      expect(await timeoutOf(second)).toBe("Running");
      await second.advance(1);
      expect([runs.length, await timeoutOf(second)]).toEqual([1, "scheduleToClose"]);
    });

    it("that is silent for too long is tried again with its last details, and those survive a restart", async (place) => {
      const { caller, functions, runs } = calling({ heartbeatTimeoutMs: 2_000, retry: RETRY });
      const first = await place.open(functions);
      await run(first, caller, undefined, { instanceId: "one" });
      runOf(runs, 0).ctx.heartbeat({ done: 3 });
      await first.advance(3_000);
      runOf(runs, 1).ctx.heartbeat({ done: 5 });
      const second = await place.open(functions);
      await second.runUntilIdle();
      expect(runs.map(({ ctx, lastHeartbeat }) => [ctx.attempt, lastHeartbeat])).toEqual([
        [1, undefined],
        [2, { done: 3 }],
        [2, { done: 5 }],
      ]);
      runOf(runs, 2).resolve("done");
      await second.runUntilIdle();
      expect(await stateOf(second, "one")).toMatchObject({ output: "done" });
    });

    it("that was cancelled hears of it, and does not run again after a restart", async (place) => {
      const { activity, runs } = held();
      const caller = define("caller", function* (ctx) {
        const task = ctx.callActivity(activity);
        yield ctx.waitForExternalEvent("stop");
        task.cancel();
        yield ctx.waitForExternalEvent("go");
        try {
          yield task;
        } catch (error) {
          return (error as TaskCanceledError).code;
        }
        return "nothing was thrown";
      });
      const first = await place.open([caller, activity]);
      await run(first, caller, undefined, { instanceId: "one" });
      await first.raiseOrchestrationEvent("one", "stop");
      await first.runUntilIdle();
      expect(reasonOf(runOf(runs, 0))).toBeInstanceOf(TaskCanceledError);
      const second = await place.open([caller, activity]);
      await second.raiseOrchestrationEvent("one", "go");
      await second.runUntilIdle();
      expect([runs.length, (await stateOf(second, "one")).output]).toEqual([1, "taskCanceled"]);
    });

    it("hears that its orchestration was terminated, and what queues behind it never starts", async (place) => {
      const { activity, runs } = held({ maxConcurrency: 1 });
      const caller = define("caller", function* (ctx) {
        yield whenAll([1, 2, 3].map((n) => ctx.callActivity(activity, n)));
      });
      const hub = await place.open([caller, activity]);
      await run(hub, caller, undefined, { instanceId: "one" });
      await hub.terminateOrchestration("one");
      await hub.runUntilIdle();
      expect(reasonOf(runOf(runs, 0)).message).toContain("Terminated");
      expect(runs).toHaveLength(1);
    });

    it("queues within the bound of its kind, in order, over a restart", async (place) => {
      const { activity, runs } = held({ maxConcurrency: 2 });
      const quick = defineActivity("quick", () => "quick");
      const caller = define("caller", function* (ctx) {
        const tasks = [1, 2, 3].map((n) => ctx.callActivity(activity, n));
        return yield* whenAll([...tasks, ctx.callActivity(quick)]);
      });
      const first = await place.open([caller, activity, quick]);
      await run(first, caller, undefined, { instanceId: "one" });
      runOf(runs, 0).resolve(1);
      await first.runUntilIdle();
      const second = await place.open([caller, activity, quick]);
      await second.runUntilIdle();
      expect(runs.map(({ input }) => input)).toEqual([1, 2, 3, 2, 3]);
      for (const each of runs.slice(3)) each.resolve(each.input);
      await second.runUntilIdle();
      expect(await stateOf(second, "one")).toMatchObject({ output: [1, 2, 3, "quick"] });
    });

    it("that requires the network waits for it", async (place) => {
      const { caller, functions, runs } = calling({ requires: "network" });
      const hub = await place.open(functions);
      hub.setOnline(false);
      await run(hub, caller, undefined, { instanceId: "one", advance: { days: 1 } });
      expect(runs).toEqual([]);
      hub.setOnline(true);
      await hub.runUntilIdle();
      runOf(runs, 0).resolve("online");
      await hub.runUntilIdle();
      expect(await stateOf(hub, "one")).toMatchObject({ output: "online" });
    });
  });
}
