/** The types of activities: their contexts, options and tasks. */
import {
  type ActivityContext,
  type ActivityTimeoutType,
  type CancelableTask,
  type Connectivity,
  defineActivity,
  defineOrchestrator,
  type Host,
  type OrchestrationContext,
  type TaskFailedEvent,
  type TaskScheduledEvent,
} from "holdfast";
import { describe, expectTypeOf, it } from "vitest";

const sayHello = defineActivity("sayHello", (_ctx, city: string) => `Hello, ${city}!`);

describe("the types of activities", () => {
  it("make a call a task that can be cancelled, with the result's type", () => {
    defineOrchestrator("typed", async (ctx) => {
      expectTypeOf(ctx.callActivity(sayHello, "Tokyo")).toEqualTypeOf<CancelableTask<string>>();
      expectTypeOf(ctx.callActivity<number>("byName")).toEqualTypeOf<CancelableTask<number>>();
      expectTypeOf(ctx.callActivity("byName", 1)).toEqualTypeOf<CancelableTask<unknown>>();
      expectTypeOf(await ctx.callActivity(sayHello, "Tokyo")).toEqualTypeOf<string>();
      // @ts-expect-error A sub-orchestration is given up by terminating it, not by its task.
      ctx.callSubOrchestrator("child").cancel();
      // @ts-expect-error The activity takes a text.
      ctx.callActivity(sayHello, 1);
      // @ts-expect-error A timeout is a number of milliseconds.
      ctx.callActivity(sayHello, "Tokyo", { timeoutMs: { seconds: 1 } });
      // @ts-expect-error How many run at once is for the definition to say.
      ctx.callActivity(sayHello, "Tokyo", { maxConcurrency: 1 });
    });
    expectTypeOf<OrchestrationContext["callActivity"]>().toBeFunction();
  });

  it("give a generator the result's type through yield*", () => {
    defineOrchestrator("generator", function* (ctx) {
      const task = ctx.callActivity(sayHello, "Tokyo");
      task.cancel();
      expectTypeOf(task.isCanceled).toEqualTypeOf<boolean>();
      expectTypeOf(yield* task).toEqualTypeOf<string>();
    });
  });

  it("show a handler what it may use, and nothing of what runs it", () => {
    expectTypeOf<ActivityContext["heartbeat"]>().toEqualTypeOf<(details?: unknown) => void>();
    expectTypeOf<ActivityContext["lastHeartbeat"]>().toEqualTypeOf<unknown>();
    expectTypeOf<ActivityContext["signal"]>().toEqualTypeOf<AbortSignal>();
    expectTypeOf<keyof ActivityContext>().toEqualTypeOf<
      | "instanceId"
      | "executionId"
      | "taskId"
      | "name"
      | "attempt"
      | "idempotencyKey"
      | "signal"
      | "lastHeartbeat"
      | "env"
      | "log"
      | "heartbeat"
    >();
  });

  it("take the options of a definition, and no others", () => {
    const run = (): number => 1;
    defineActivity({ name: "a", timeoutMs: 1, scheduleToCloseTimeoutMs: 2, heartbeatTimeoutMs: 3, run });
    defineActivity({ name: "b", maxConcurrency: 1, requires: "network", run });
    // @ts-expect-error Nothing but the network can be required.
    const gpu = () => defineActivity({ name: "c", requires: "gpu", run });
    // @ts-expect-error A timeout is a number of milliseconds.
    const text = () => defineActivity({ name: "d", timeoutMs: "1000", run });
    expectTypeOf(gpu).toBeFunction();
    expectTypeOf(text).toBeFunction();
  });

  it("name the timeouts, and what heartbeats leave in a history", () => {
    expectTypeOf<ActivityTimeoutType>().toEqualTypeOf<"startToClose" | "scheduleToClose" | "heartbeat">();
    expectTypeOf<TaskFailedEvent["lastHeartbeat"]>().toEqualTypeOf<string | undefined>();
    expectTypeOf<TaskScheduledEvent["lastHeartbeat"]>().toEqualTypeOf<string | undefined>();
  });

  it("let a host say whether it is online", () => {
    expectTypeOf<Host["online"]>().toEqualTypeOf<Connectivity | undefined>();
    expectTypeOf<Connectivity["onChange"]>().toEqualTypeOf<(callback: () => void) => () => void>();
  });
});
