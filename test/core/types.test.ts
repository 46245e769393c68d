/**
 * What compiles and what does not. The compiler is the judge (`npm run types`): a wrong expectation, and an error that was expected and is
 * not there, do not compile. Nothing in the bodies runs.
 */
import {
  type ActivityContext,
  type ActivityDefinition,
  type CancelableTask,
  type Duration,
  defineActivity,
  defineOrchestrator,
  type FailureDetails,
  type FunctionDefinition,
  type HistoryEvent,
  type HubStore,
  type Logger,
  MemoryStore,
  type OrchestrationContext,
  type OrchestrationState,
  type OrchestratorDefinition,
  type Retry,
  type RetryContext,
  type RetryPolicy,
  type StandardSchema,
  type Task,
  type TaskFailedError,
  TaskHub,
  type TaskHubClient,
  type TimerTask,
  unwrapOutput,
  whenAll,
  whenAny,
} from "holdfast";
import { replayHistory, TestTaskHub } from "holdfast/testing";
import { describe, expectTypeOf, it } from "vitest";

/** Takes code that only the compiler looks at. */
function compiles(
  _code: (ctx: OrchestrationContext, hub: TaskHub & TaskHubClient, test: TestTaskHub) => unknown,
): void {}

interface Order {
  readonly id: string;
  readonly lines: readonly string[];
}
interface Receipt {
  readonly total: number;
}

const sayHello = defineActivity("sayHello", (_ctx, city: string) => `Hello, ${city}!`);
const length = defineActivity("length", async (_ctx, text: string) => text.length);
const ping = defineActivity("ping", () => "pong");
const greet = defineActivity("greet", (_ctx, name?: string) => name);
const log = defineActivity("log", (_ctx, _line: string) => {});
const charge = defineActivity("charge", (_ctx, order: Order): Receipt => ({ total: order.lines.length }));
const either = defineActivity("either", (_ctx, value: string | number) => value);
const helloCities = defineOrchestrator("helloCities", async (ctx, cities: string[]) => {
  const greetings: string[] = [];
  for (const city of cities) greetings.push(await ctx.callActivity(sayHello, city));
  return greetings;
});
const nothing = defineOrchestrator("nothing", async () => {});
const buy = defineOrchestrator("buy", function* (ctx, order: Order) {
  return yield* ctx.callActivity(charge, order);
});

describe("a definition", () => {
  it("of an activity knows its input and its output", () => {
    expectTypeOf(sayHello).toEqualTypeOf<ActivityDefinition<string, string>>();
    expectTypeOf(length).toEqualTypeOf<ActivityDefinition<string, number>>();
    expectTypeOf(greet).toEqualTypeOf<ActivityDefinition<string | undefined, string | undefined>>();
    expectTypeOf(charge).toEqualTypeOf<ActivityDefinition<Order, Receipt>>();
  });

  it("of an orchestrator knows its input and its output in every shape", () => {
    expectTypeOf(helloCities).toEqualTypeOf<OrchestratorDefinition<string[], string[]>>();
    expectTypeOf(nothing).toExtend<OrchestratorDefinition<never, void>>();
    expectTypeOf(buy).toEqualTypeOf<OrchestratorDefinition<Order, Receipt>>();
    const plain = defineOrchestrator("plain", (_ctx, n: number) => String(n));
    expectTypeOf(plain).toEqualTypeOf<OrchestratorDefinition<number, string>>();
    const stepwise = defineOrchestrator("stepwise", async function* (ctx, n: number) {
      yield ctx.createTimer(n);
      return { n };
    });
    expectTypeOf(stepwise).toEqualTypeOf<OrchestratorDefinition<number, { n: number }>>();
    const passing = defineOrchestrator("passing", (ctx, city: string) => ctx.callActivity(sayHello, city));
    expectTypeOf(passing).toEqualTypeOf<OrchestratorDefinition<string, string>>();
  });

  it("by parts knows the same as one by name and function", () => {
    const byParts = defineActivity({ name: "byParts", version: "1", timeoutMs: 5, run: (_ctx, n: number) => n > 0 });
    expectTypeOf(byParts).toEqualTypeOf<ActivityDefinition<number, boolean>>();
    const orchestrator = defineOrchestrator({
      name: "orchestrator",
      run: function* (ctx, city: string) {
        return [yield* ctx.callActivity(sayHello, city)];
      },
    });
    expectTypeOf(orchestrator).toEqualTypeOf<OrchestratorDefinition<string, string[]>>();
  });

  it("gives its handler a context of its kind", () => {
    defineActivity("a", (ctx) => {
      expectTypeOf(ctx).toEqualTypeOf<ActivityContext>();
      expectTypeOf(ctx.attempt).toEqualTypeOf<number>();
      expectTypeOf(ctx.idempotencyKey).toEqualTypeOf<string>();
      expectTypeOf(ctx.signal).toEqualTypeOf<AbortSignal>();
      // @ts-expect-error an activity calls nothing.
      ctx.callActivity;
    });
    defineOrchestrator("o", (ctx) => {
      expectTypeOf(ctx).toEqualTypeOf<OrchestrationContext>();
      // @ts-expect-error an orchestrator has no signal.
      ctx.signal;
    });
  });

  it("can be given to a hub, whatever its types, and nothing else can", () => {
    const functions: FunctionDefinition[] = [sayHello, length, ping, greet, charge, helloCities, nothing, buy];
    void functions;
    compiles(() => TaskHub.open({ functions: [sayHello, helloCities] }));
    compiles(() => {
      // @ts-expect-error a bare function is no definition.
      void TaskHub.open({ functions: [() => 1] });
      // @ts-expect-error functions are required.
      void TaskHub.open({});
    });
  });

  it("does not compile without a name or a function", () => {
    compiles(() => {
      // @ts-expect-error there is nothing to run.
      defineActivity("a");
      // @ts-expect-error there is no name.
      defineActivity({ run: () => 1 });
      // @ts-expect-error there is nothing to run.
      defineOrchestrator({ name: "o" });
      // @ts-expect-error a name is a text.
      defineOrchestrator(5, () => 1);
      // @ts-expect-error a text cannot be run.
      defineActivity("a", "run");
    });
  });

  it("does not compile with options that do not exist or are of the wrong kind", () => {
    compiles(() => {
      // @ts-expect-error timeouts are numbers of milliseconds.
      defineActivity({ name: "a", timeoutMs: "5s", run: () => 1 });
      // @ts-expect-error there is no such option.
      defineActivity({ name: "a", timeout: 5, run: () => 1 });
      // @ts-expect-error the network is all that can be required.
      defineActivity({ name: "a", requires: "gpu", run: () => 1 });
      // @ts-expect-error orchestrators have no retries of their own.
      defineOrchestrator({ name: "o", retry: { maxAttempts: 1, firstRetryInterval: 1 }, run: () => 1 });
    });
  });

  it("of a generator orchestrator yields tasks only", () => {
    compiles(() => {
      // @ts-expect-error a number is no task.
      defineOrchestrator("o", function* () {
        yield 5;
        return 1;
      });
      // @ts-expect-error a promise is no task.
      defineOrchestrator("o", function* () {
        yield Promise.resolve(1);
      });
      defineOrchestrator({
        name: "o",
        // @ts-expect-error a text is no task.
        run: function* () {
          yield "task";
        },
      });
      defineOrchestrator("o", () => {
        throw new Error("a function that never returns is fine");
      });
    });
  });
});

describe("a call of an activity", () => {
  it("by definition is a task of its output", () => {
    compiles((ctx) => {
      expectTypeOf(ctx.callActivity(sayHello, "Tokyo")).toEqualTypeOf<CancelableTask<string>>();
      expectTypeOf(ctx.callActivity(length, "Tokyo")).toEqualTypeOf<CancelableTask<number>>();
      expectTypeOf(ctx.callActivity(charge, { id: "1", lines: [] })).toEqualTypeOf<CancelableTask<Receipt>>();
      expectTypeOf(ctx.callActivity(log, "line")).toEqualTypeOf<CancelableTask<void>>();
    });
  });

  it("by name is a task of what is said, or of unknown", () => {
    compiles((ctx) => {
      expectTypeOf(ctx.callActivity<string>("sayHello", "Tokyo")).toEqualTypeOf<CancelableTask<string>>();
      expectTypeOf(ctx.callActivity("sayHello", "Tokyo")).toEqualTypeOf<CancelableTask<unknown>>();
      expectTypeOf(ctx.callActivity("sayHello")).toEqualTypeOf<CancelableTask<unknown>>();
    });
  });

  it("does not compile with a wrong input", () => {
    compiles((ctx) => {
      // @ts-expect-error a number is no text.
      ctx.callActivity(sayHello, 5);
      // @ts-expect-error the input is missing.
      ctx.callActivity(sayHello);
      // @ts-expect-error undefined is no text.
      ctx.callActivity(sayHello, undefined);
      // @ts-expect-error lines are missing.
      ctx.callActivity(charge, { id: "1" });
      // @ts-expect-error there is no such property.
      ctx.callActivity(charge, { id: "1", lines: [], color: "red" });
      // @ts-expect-error a boolean is neither.
      ctx.callActivity(either, true);
    });
  });

  it("may leave out an input that may be undefined, and needs it before options otherwise", () => {
    compiles((ctx) => {
      ctx.callActivity(ping);
      ctx.callActivity(greet);
      ctx.callActivity(greet, undefined);
      ctx.callActivity(greet, "Ada");
      ctx.callActivity(greet, undefined, { version: "1" });
      ctx.callActivity(either, "a");
      ctx.callActivity(either, 1);
      // @ts-expect-error options come after the input.
      ctx.callActivity(sayHello, { version: "1" });
    });
  });

  it("does not take a result for something else", () => {
    compiles(async (ctx) => {
      // @ts-expect-error a greeting is no number.
      const n: number = await ctx.callActivity(sayHello, "Tokyo");
      const any = await ctx.callActivity("sayHello", "Tokyo");
      // @ts-expect-error unknown is no number.
      const m: number = any;
      return [n, m];
    });
  });

  it("does not take an orchestrator for an activity, nor the other way round", () => {
    compiles((ctx) => {
      // @ts-expect-error an orchestrator is no activity.
      ctx.callActivity(helloCities, []);
      // @ts-expect-error an activity is no orchestrator.
      ctx.callSubOrchestrator(sayHello, "Tokyo");
    });
  });

  it("takes retries, timeouts, tags and a version, and nothing else", () => {
    compiles((ctx) => {
      const retry: RetryPolicy = { maxAttempts: 3, firstRetryInterval: { seconds: 1 } };
      ctx.callActivity(sayHello, "x", { retry, timeoutMs: 5, tags: { a: "b" }, version: "1" });
      ctx.callActivity(sayHello, "x", { scheduleToCloseTimeoutMs: 5, heartbeatTimeoutMs: 5 });
      // @ts-expect-error there is no such option.
      ctx.callActivity(sayHello, "x", { instanceId: "i" });
      // @ts-expect-error tags are texts.
      ctx.callActivity(sayHello, "x", { tags: { a: 1 } });
      // @ts-expect-error a version is a text.
      ctx.callActivity(sayHello, "x", { version: 1 });
    });
  });
});

describe("retries", () => {
  it("are a policy or a function", () => {
    const policies: Retry[] = [
      { maxAttempts: 3, firstRetryInterval: 1_000 },
      {
        maxAttempts: 3,
        firstRetryInterval: { minutes: 1 },
        backoffCoefficient: 2,
        maxRetryInterval: { hours: 1 },
        retryTimeout: { days: 1 },
        handleFailure: (failure) => failure.isCausedBy("RangeError"),
      },
      () => true,
      () => 1_000,
      () => ({ seconds: 5 }),
      async () => false,
      ({ lastAttemptNumber, totalRetryTimeMs }) => lastAttemptNumber < 5 && totalRetryTimeMs,
    ];
    void policies;
  });

  it("do not compile when something is missing or wrong", () => {
    // @ts-expect-error the first interval is missing.
    const noInterval: Retry = { maxAttempts: 3 };
    // @ts-expect-error the number of attempts is missing.
    const noAttempts: Retry = { firstRetryInterval: 1 };
    // @ts-expect-error an interval is a duration.
    const wrongInterval: Retry = { maxAttempts: 3, firstRetryInterval: "1s" };
    // @ts-expect-error there is no such option.
    const unknownOption: Retry = { maxAttempts: 3, firstRetryInterval: 1, jitter: true };
    // @ts-expect-error a handler does not answer with a text.
    const wrongAnswer: Retry = () => "again";
    // @ts-expect-error handleFailure answers yes or no.
    const wrongHandler: Retry = { maxAttempts: 3, firstRetryInterval: 1, handleFailure: () => "yes" };
    void [noInterval, noAttempts, wrongInterval, unknownOption, wrongAnswer, wrongHandler];
  });

  it("tell a handler what happened", () => {
    expectTypeOf<RetryContext["lastFailure"]>().toEqualTypeOf<FailureDetails>();
    expectTypeOf<RetryContext["lastAttemptNumber"]>().toEqualTypeOf<number>();
    expectTypeOf<RetryContext["totalRetryTimeMs"]>().toEqualTypeOf<number>();
    expectTypeOf<RetryContext["orchestrationContext"]>().toEqualTypeOf<OrchestrationContext>();
  });
});

describe("a call of a sub-orchestration", () => {
  it("is a task of its output, and checks its input", () => {
    compiles((ctx) => {
      expectTypeOf(ctx.callSubOrchestrator(helloCities, ["Tokyo"])).toEqualTypeOf<Task<string[]>>();
      expectTypeOf(ctx.callSubOrchestrator(buy, { id: "1", lines: [] })).toEqualTypeOf<Task<Receipt>>();
      expectTypeOf(ctx.callSubOrchestrator(nothing)).toEqualTypeOf<Task<void>>();
      expectTypeOf(ctx.callSubOrchestrator<number>("any", 5)).toEqualTypeOf<Task<number>>();
      expectTypeOf(ctx.callSubOrchestrator("any")).toEqualTypeOf<Task<unknown>>();
      ctx.callSubOrchestrator(helloCities, [], { instanceId: "i", tags: { a: "b" }, version: "1", retry: () => false });
      // @ts-expect-error a text is no list.
      ctx.callSubOrchestrator(helloCities, "Tokyo");
      // @ts-expect-error the input is missing.
      ctx.callSubOrchestrator(helloCities);
      // @ts-expect-error numbers are no cities.
      ctx.callSubOrchestrator(helloCities, [1]);
      // @ts-expect-error children have no timeout.
      ctx.callSubOrchestrator(nothing, undefined, { timeoutMs: 5 });
    });
  });
});

describe("a task", () => {
  it("gives its result to await, to yield*, and to then", () => {
    compiles(async (ctx) => {
      expectTypeOf(await ctx.callActivity(sayHello, "x")).toEqualTypeOf<string>();
      expectTypeOf<Awaited<Task<number>>>().toEqualTypeOf<number>();
      expectTypeOf(await ctx.callActivity(length, "x").then((n) => n > 1)).toEqualTypeOf<boolean>();
      expectTypeOf(await ctx.callActivity(length, "x").catch(() => "failed")).toEqualTypeOf<number | string>();
      expectTypeOf(await ctx.callActivity(length, "x").finally(() => {})).toEqualTypeOf<number>();
    });
    defineOrchestrator("generator", function* (ctx) {
      expectTypeOf(yield* ctx.callActivity(sayHello, "x")).toEqualTypeOf<string>();
      expectTypeOf(yield* whenAll([ctx.callActivity(length, "x")])).toEqualTypeOf<[number]>();
      const untyped = yield ctx.callActivity(sayHello, "x");
      expectTypeOf(untyped).toEqualTypeOf<unknown>();
    });
  });

  it("can be looked at", () => {
    compiles((ctx) => {
      const task = ctx.callActivity(length, "x");
      expectTypeOf(task.isCompleted).toEqualTypeOf<boolean>();
      expectTypeOf(task.isFailed).toEqualTypeOf<boolean>();
      expectTypeOf(task.result).toEqualTypeOf<number>();
      expectTypeOf(task.error).toEqualTypeOf<Error | undefined>();
      // @ts-expect-error a result is given, not set.
      task.result = 5;
    });
  });

  it("goes into native combinators with its type", () => {
    compiles(async (ctx) => {
      const [text, n] = await Promise.all([ctx.callActivity(sayHello, "x"), ctx.callActivity(length, "x")]);
      expectTypeOf(text).toEqualTypeOf<string>();
      expectTypeOf(n).toEqualTypeOf<number>();
      const first = await Promise.race([ctx.callActivity(sayHello, "x"), ctx.callActivity(length, "x")]);
      expectTypeOf(first).toEqualTypeOf<string | number>();
    });
  });

  it("is not a value by itself", () => {
    compiles((ctx) => {
      // @ts-expect-error a task is not its result.
      const text: string = ctx.callActivity(sayHello, "x");
      return text;
    });
  });
});

describe("whenAll and whenAny", () => {
  it("keep the types of a tuple and of an array", () => {
    compiles((ctx) => {
      const tasks = [ctx.callActivity(sayHello, "x"), ctx.callActivity(length, "x")] as const;
      expectTypeOf(whenAll(tasks)).toEqualTypeOf<Task<[string, number]>>();
      expectTypeOf(whenAll([ctx.callActivity(sayHello, "x"), ctx.createTimer(1)])).toEqualTypeOf<
        Task<[string, void]>
      >();
      expectTypeOf(whenAll(["a", "b"].map((city) => ctx.callActivity(sayHello, city)))).toEqualTypeOf<Task<string[]>>();
      expectTypeOf(whenAll([])).toEqualTypeOf<Task<[]>>();
    });
  });

  it("name the winner with the type of every candidate", () => {
    compiles(async (ctx) => {
      const { index, task } = await whenAny([ctx.callActivity(sayHello, "x"), ctx.callActivity(length, "x")]);
      expectTypeOf(index).toEqualTypeOf<number>();
      expectTypeOf(task.result).toEqualTypeOf<string | number>();
      expectTypeOf(await task).toEqualTypeOf<string | number>();
      const same = await whenAny(["a"].map((city) => ctx.callActivity(sayHello, city)));
      expectTypeOf(same.task).toEqualTypeOf<Task<string>>();
    });
  });

  it("take tasks only", () => {
    compiles(() => {
      // @ts-expect-error numbers are no tasks.
      whenAll([1, 2]);
      // @ts-expect-error promises are no tasks.
      whenAny([Promise.resolve(1)]);
      // @ts-expect-error a list is expected.
      whenAll();
    });
  });

  it("nest", () => {
    compiles((ctx) => {
      const nested = whenAll([whenAll([ctx.callActivity(length, "x")]), whenAny([ctx.callActivity(sayHello, "x")])]);
      expectTypeOf<Awaited<typeof nested>[0]>().toEqualTypeOf<[number]>();
      expectTypeOf<Awaited<typeof nested>[1]["task"]>().toEqualTypeOf<Task<string>>();
    });
  });
});

describe("the context of an orchestrator", () => {
  it("has typed properties that cannot be set", () => {
    compiles((ctx) => {
      expectTypeOf(ctx.name).toEqualTypeOf<string>();
      expectTypeOf(ctx.instanceId).toEqualTypeOf<string>();
      expectTypeOf(ctx.version).toEqualTypeOf<string>();
      expectTypeOf(ctx.parent).toExtend<{ readonly name: string; readonly instanceId: string } | undefined>();
      expectTypeOf(ctx.currentUtcDateTime).toEqualTypeOf<Date>();
      expectTypeOf(ctx.isReplaying).toEqualTypeOf<boolean>();
      expectTypeOf(ctx.log).toEqualTypeOf<Logger>();
      // @ts-expect-error an id is given.
      ctx.instanceId = "other";
      // @ts-expect-error there may be no parent.
      ctx.parent.name;
    });
  });

  it("has timers that take a date or a duration", () => {
    compiles((ctx) => {
      expectTypeOf(ctx.createTimer(5)).toEqualTypeOf<TimerTask>();
      expectTypeOf<Awaited<TimerTask>>().toEqualTypeOf<void>();
      ctx.createTimer(new Date());
      ctx.createTimer({ days: 1, hours: 2, minutes: 3, seconds: 4, milliseconds: 5 });
      ctx.createTimer(5).cancel();
      expectTypeOf(ctx.createTimer(5).isCanceled).toEqualTypeOf<boolean>();
      // @ts-expect-error a text is no duration.
      ctx.createTimer("5s");
      // @ts-expect-error there are no weeks.
      ctx.createTimer({ weeks: 1 });
      // @ts-expect-error something must be given.
      ctx.createTimer();
      const duration: Duration = { seconds: 1 };
      return duration;
    });
  });

  it("has waits for events of a type that is said", () => {
    compiles((ctx) => {
      expectTypeOf(ctx.waitForExternalEvent<Order>("order")).toEqualTypeOf<CancelableTask<Order>>();
      expectTypeOf(ctx.waitForExternalEvent("order")).toEqualTypeOf<CancelableTask<unknown>>();
      ctx.waitForExternalEvent("order", { timeout: { minutes: 5 } }).cancel();
      // @ts-expect-error a timeout is a duration.
      ctx.waitForExternalEvent("order", { timeout: "5s" });
      // @ts-expect-error an event has a name.
      ctx.waitForExternalEvent();
    });
  });

  it("has the rest of its methods", () => {
    compiles((ctx) => {
      expectTypeOf(ctx.newGuid()).toEqualTypeOf<string>();
      expectTypeOf(ctx.random()).toEqualTypeOf<number>();
      expectTypeOf(ctx.patched("x")).toEqualTypeOf<boolean>();
      expectTypeOf(ctx.compareVersionTo("1")).toEqualTypeOf<number>();
      expectTypeOf(ctx.sendEvent("i", "x")).toEqualTypeOf<void>();
      expectTypeOf(ctx.continueAsNew(1, { preserveUnprocessedEvents: false, newVersion: "2" })).toEqualTypeOf<void>();
      ctx.setCustomStatus({ any: ["thing"] });
      // @ts-expect-error an event has a name.
      ctx.sendEvent("i");
      // @ts-expect-error there is no such option.
      ctx.continueAsNew(1, { keepEvents: true });
    });
  });
});

describe("a client", () => {
  it("starts by definition, with a checked input", () => {
    compiles((_ctx, hub, test) => {
      void hub.scheduleNewOrchestration(helloCities, ["Tokyo"]);
      void hub.scheduleNewOrchestration(nothing);
      void hub.scheduleNewOrchestration(nothing, undefined, { instanceId: "i" });
      void test.scheduleNewOrchestration(buy, { id: "1", lines: [] });
      // @ts-expect-error a number is no list.
      void hub.scheduleNewOrchestration(helloCities, 5);
      // @ts-expect-error the input is missing.
      void hub.scheduleNewOrchestration(helloCities);
      // @ts-expect-error lines are missing.
      void test.scheduleNewOrchestration(buy, { id: "1" });
      // @ts-expect-error an activity cannot be started.
      void hub.scheduleNewOrchestration(sayHello, "Tokyo");
    });
  });

  it("starts by definition through the hub's own class as through the interface", () => {
    const check = (hub: TaskHub): void => {
      // @ts-expect-error a number is no list.
      void hub.scheduleNewOrchestration(helloCities, 5);
    };
    void check;
    expectTypeOf<TaskHub>().toExtend<TaskHubClient>();
    expectTypeOf<TestTaskHub>().toExtend<TaskHub>();
  });

  it("carries the type of the output in the id", () => {
    compiles(async (_ctx, hub) => {
      const id = await hub.scheduleNewOrchestration(helloCities, ["Tokyo"]);
      expectTypeOf(id).toExtend<string>();
      const state = await hub.waitForOrchestrationCompletion(id, { timeoutMs: 5 });
      expectTypeOf(state).toEqualTypeOf<OrchestrationState<string[]>>();
      expectTypeOf(state.output).toEqualTypeOf<string[] | undefined>();
      expectTypeOf(unwrapOutput(state)).toEqualTypeOf<string[]>();
      expectTypeOf((await hub.waitForOrchestrationStart(id)).output).toEqualTypeOf<string[] | undefined>();
      expectTypeOf(await hub.getOrchestrationState(id)).toEqualTypeOf<OrchestrationState<string[]> | undefined>();
    });
  });

  it("knows nothing of the output behind a plain text, unless it is told", () => {
    compiles(async (_ctx, hub) => {
      const plain: string = "i";
      expectTypeOf((await hub.waitForOrchestrationCompletion(plain)).output).toEqualTypeOf<unknown>();
      expectTypeOf((await hub.waitForOrchestrationCompletion<number>(plain)).output).toEqualTypeOf<
        number | undefined
      >();
      const id = await hub.scheduleNewOrchestration<boolean>("byName", { any: "thing" });
      expectTypeOf((await hub.waitForOrchestrationCompletion(id)).output).toEqualTypeOf<boolean | undefined>();
    });
  });

  it("takes the options of a start, and no others", () => {
    compiles((_ctx, hub) => {
      void hub.scheduleNewOrchestration(nothing, undefined, {
        instanceId: "i",
        startAt: new Date(),
        version: "1",
        tags: { a: "b" },
        dedupeStatuses: ["Running", "Pending"],
      });
      // @ts-expect-error a start time is a date.
      void hub.scheduleNewOrchestration(nothing, undefined, { startAt: 5 });
      // @ts-expect-error there is no such status.
      void hub.scheduleNewOrchestration(nothing, undefined, { dedupeStatuses: ["Runing"] });
      // @ts-expect-error tags are texts.
      void hub.scheduleNewOrchestration(nothing, undefined, { tags: { a: 1 } });
      // @ts-expect-error there is no such option.
      void hub.scheduleNewOrchestration(nothing, undefined, { id: "i" });
    });
  });

  it("reads states and histories that cannot be changed", () => {
    compiles(async (_ctx, hub) => {
      const state = await hub.getOrchestrationState("i");
      // @ts-expect-error there may be no such instance.
      state.runtimeStatus;
      expectTypeOf(state?.runtimeStatus).toEqualTypeOf<
        | "Pending"
        | "Running"
        | "Completed"
        | "Failed"
        | "Terminated"
        | "Canceled"
        | "Suspended"
        | "ContinuedAsNew"
        | undefined
      >();
      expectTypeOf(state?.completedAt).toEqualTypeOf<Date | undefined>();
      expectTypeOf(state?.failure).toEqualTypeOf<FailureDetails | undefined>();
      // @ts-expect-error a state is read.
      if (state) state.runtimeStatus = "Completed";
      expectTypeOf(await hub.getOrchestrationHistory("i")).toEqualTypeOf<readonly HistoryEvent[]>();
    });
  });

  it("lists instances and pages", () => {
    compiles(async (_ctx, hub) => {
      for await (const state of hub.queryOrchestrations()) expectTypeOf(state).toEqualTypeOf<OrchestrationState>();
      for await (const page of hub.queryOrchestrations({ statuses: ["Failed"], pageSize: 5 }).pages()) {
        expectTypeOf(page.continuationToken).toEqualTypeOf<string | undefined>();
        expectTypeOf(page.values[0]).toEqualTypeOf<OrchestrationState | undefined>();
      }
      // @ts-expect-error there is no such status.
      hub.queryOrchestrations({ statuses: ["Done"] });
      // @ts-expect-error there is no such filter.
      hub.queryOrchestrations({ prefix: "x" });
      expectTypeOf((await hub.purgeOrchestration("i")).deletedInstanceCount).toEqualTypeOf<number>();
      // @ts-expect-error a date is expected.
      void hub.purgeOrchestration({ createdFrom: "yesterday" });
    });
  });
});

describe("a history", () => {
  it("is a union that its type tells apart", () => {
    const read = (event: HistoryEvent): unknown => {
      if (event.type === "TaskScheduled") {
        expectTypeOf(event.name).toEqualTypeOf<string>();
        expectTypeOf(event.input).toEqualTypeOf<string | undefined>();
      }
      if (event.type === "TimerFired") expectTypeOf(event.fireAt).toEqualTypeOf<Date>();
      if (event.type === "TaskFailed") expectTypeOf(event.failureDetails.errorType).toEqualTypeOf<string>();
      expectTypeOf(event.eventId).toEqualTypeOf<number>();
      expectTypeOf(event.timestamp).toEqualTypeOf<Date>();
      // @ts-expect-error not every event has a result.
      return event.result;
    };
    void read;
  });
});

/** Takes texts, makes numbers. */
declare const digits: StandardSchema<string, number>;
/** A schema as libraries make them, with its types as a required property. */
declare const libraryOrder: {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: "a library";
    readonly validate: (
      value: unknown,
    ) => { readonly value: Order } | { readonly issues: readonly { readonly message: string }[] };
    readonly types?: { readonly input: Order; readonly output: Order } | undefined;
  };
};

describe("schemas", () => {
  it("give callers the input they take, and handlers what they make of it", () => {
    compiles((ctx, hub) => {
      const square = defineActivity({
        name: "square",
        input: digits,
        run: (_ctx, n) => {
          expectTypeOf(n).toEqualTypeOf<number>();
          return n * n;
        },
      });
      expectTypeOf(square).toEqualTypeOf<ActivityDefinition<string, number>>();
      ctx.callActivity(square, "12");
      // @ts-expect-error callers give texts.
      ctx.callActivity(square, 12);
      const job = defineOrchestrator({
        name: "job",
        input: digits,
        run: function* (inner, n) {
          expectTypeOf(n).toEqualTypeOf<number>();
          yield inner.createTimer(n);
          return n > 5;
        },
      });
      expectTypeOf(job).toEqualTypeOf<OrchestratorDefinition<string, boolean>>();
      // @ts-expect-error callers give texts.
      void hub.scheduleNewOrchestration(job, 12);
    });
  });

  it("of any library fit that follow the standard", () => {
    compiles((ctx) => {
      const handle = defineActivity({
        name: "handle",
        input: libraryOrder,
        run: (_ctx, order) => {
          expectTypeOf(order).toEqualTypeOf<Order>();
        },
      });
      ctx.callActivity(handle, { id: "1", lines: [] });
      // @ts-expect-error lines are missing.
      ctx.callActivity(handle, { id: "1" });
    });
  });

  it("of the output say what callers get", () => {
    compiles((ctx) => {
      const parse = defineActivity({ name: "parse", output: digits, run: (_ctx, text: string) => text });
      expectTypeOf(parse).toEqualTypeOf<ActivityDefinition<string, number>>();
      expectTypeOf(ctx.callActivity(parse, "5")).toExtend<Task<number>>();
      const both = defineOrchestrator({
        name: "both",
        input: digits,
        output: digits,
        run: async (_ctx, n) => String(n),
      });
      expectTypeOf(both).toEqualTypeOf<OrchestratorDefinition<string, number>>();
    });
  });

  it("do not fit a handler of another input, or what is no schema", () => {
    compiles(() => {
      // @ts-expect-error the handler gets a number.
      defineActivity({ name: "a", input: digits, run: (_ctx, n: boolean) => n });
      // @ts-expect-error a class is no schema.
      defineActivity({ name: "a", input: String, run: () => 1 });
      // @ts-expect-error an object is no schema.
      defineOrchestrator({ name: "o", output: {}, run: () => 1 });
    });
  });

  it("do not fit a handler whose result they do not take", () => {
    compiles(() => {
      // @ts-expect-error the schema takes texts.
      defineActivity({ name: "a", output: digits, run: () => 5 });
      // @ts-expect-error the schema takes texts.
      defineOrchestrator({ name: "o", output: digits, run: async () => 5 });
    });
  });
});

describe("hosting and testing", () => {
  it("checks the options of a hub", () => {
    compiles(() => {
      void TaskHub.open({
        name: "orders",
        store: new MemoryStore(),
        functions: [],
        logger: console,
        maxConcurrentActivities: 5,
        maxLiveInstances: 5,
        limits: { payloadBytesMax: 5 },
        onNonDeterminism: "suspend",
        checkDeterminism: true,
      });
      // @ts-expect-error there is no such policy.
      void TaskHub.open({ functions: [], onNonDeterminism: "ignore" });
      // @ts-expect-error there is no such limit.
      void TaskHub.open({ functions: [], limits: { payloadBytes: 5 } });
      // @ts-expect-error a logger has four methods.
      void TaskHub.open({ functions: [], logger: { info() {} } });
    });
    expectTypeOf(new MemoryStore()).toExtend<HubStore>();
    expectTypeOf(console).toExtend<Logger>();
  });

  it("checks mocks and histories", () => {
    compiles((_ctx, _hub, test) => {
      test.mockActivity(sayHello, (_inner, city) => city.toUpperCase());
      test.mockActivity(length, async () => 5);
      // @ts-expect-error a greeting is no number.
      test.mockActivity(sayHello, () => 5);
      // @ts-expect-error a city is no number.
      test.mockActivity(sayHello, (_inner, city: number) => String(city));
      expectTypeOf(test.now).toEqualTypeOf<Date>();
      void TestTaskHub.open({ functions: [], startAt: new Date() });
      void replayHistory(helloCities, [] as readonly HistoryEvent[]);
      // @ts-expect-error a date is expected.
      void TestTaskHub.open({ functions: [], startAt: 5 });
    });
  });

  it("types failures", () => {
    expectTypeOf<TaskFailedError["failure"]>().toEqualTypeOf<FailureDetails>();
    expectTypeOf<FailureDetails["errorType"]>().toEqualTypeOf<string>();
    expectTypeOf<FailureDetails["isNonRetriable"]>().toEqualTypeOf<boolean>();
    expectTypeOf<FailureDetails["innerFailure"]>().toEqualTypeOf<FailureDetails | undefined>();
    expectTypeOf<FailureDetails["isCausedBy"]>().toEqualTypeOf<(errorType: string) => boolean>();
  });
});
