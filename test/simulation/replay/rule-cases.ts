/** Cases of code that breaks the rules of orchestrators: it must fail, with a code that says why, and never be accepted silently. */
import {
  defineOrchestrator,
  type HistoryEvent,
  MemoryStore,
  type OrchestratorDefinition,
  type TaskFailedError,
} from "holdfast";
import { replayHistory } from "holdfast/testing";
import { type HostedHub, openHostedHub } from "./hosted.ts";
import { awaitNull } from "./promises.ts";
import { Random } from "./random.ts";
import { mustBe, mustReplay, type Rehearsal, rehearse, Stage } from "./rehearsal.ts";

/** A promise that something outside settles, like that of `fetch`. */
function foreign<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  return Promise.withResolvers<T>();
}

function mustFail({ state }: Rehearsal, code: string): void {
  mustBe([state.runtimeStatus, state.failure?.properties?.code], ["Failed", code], "Status and code");
}

export const ruleCases: Readonly<Record<string, () => Promise<void>>> = {
  "awaiting a timer of the host fails the orchestration as foreignAwait": async () => {
    const rehearsal = await rehearse(async (_ctx, say) => {
      say("before");
      // Longer than a turn of any event loop: where the way out of the microtask queue is a task, a timer of 0 ms may come first.
      await new Promise((resolve) => setTimeout(resolve, 100));
    });
    mustFail(rehearsal, "foreignAwait");
    await mustReplay(rehearsal, ["before"]);
  },

  "awaiting a promise of the outside fails the orchestration as foreignAwait, in a helper and in an async generator too":
    async () => {
      const { promise } = foreign<string>();
      const helper = async (): Promise<string> => `${await promise}!`;
      mustFail(await rehearse(async () => await promise), "foreignAwait");
      mustFail(await rehearse(async () => await Promise.all([helper(), awaitNull(10, false)])), "foreignAwait");
      mustFail(
        await rehearse(async function* () {
          yield promise;
        }),
        "foreignAwait",
      );
    },

  "a foreign await after a durable one fails in the turn in which it is met": async () => {
    const rehearsal = await rehearse(
      async (ctx, say) => {
        say(await ctx.callActivity<string>("act", "a"));
        await foreign<void>().promise;
      },
      (stage) => stage.end("a"),
    );
    mustFail(rehearsal, "foreignAwait");
    await mustReplay(rehearsal, ["a"]);
  },

  "a call after a foreign await, while something durable is awaited too, fails as callOutsideTurn": async () => {
    const { promise, resolve } = foreign<void>();
    const rehearsal = await rehearse(
      async (ctx, say) => {
        const stray = async (): Promise<void> => {
          await promise;
          await ctx.callActivity("act", "stray");
          say("never");
        };
        await Promise.all([ctx.callActivity("act", "a"), stray()]);
      },
      async ({ hosted }) => {
        resolve();
        await hosted.settle();
      },
    );
    mustFail(rehearsal, "callOutsideTurn");
    mustBe(rehearsal.live, [], "What it said");
  },

  "awaiting a task after a foreign await fails as callOutsideTurn": async () => {
    const { promise, resolve } = foreign<void>();
    const rehearsal = await rehearse(
      async (ctx) => {
        const task = ctx.callActivity("act", "b");
        const stray = async (): Promise<void> => {
          await promise;
          await task;
        };
        await Promise.all([ctx.callActivity("act", "a"), stray()]);
      },
      async ({ hosted }) => {
        resolve();
        await hosted.settle();
      },
    );
    mustFail(rehearsal, "callOutsideTurn");
  },

  "a generator that leaves an async helper waiting for a task fails as callOutsideTurn": async () => {
    const rehearsal = await rehearse(
      function* (ctx, say) {
        const helper = async (): Promise<void> => say(await ctx.callActivity<string>("act", "a"));
        void helper();
        yield ctx.callActivity("act", "b");
      },
      (stage) => stage.end("a"),
    );
    mustFail(rehearsal, "callOutsideTurn");
  },

  "returning after a foreign await, while something durable is awaited too, fails as foreignAwait": async () => {
    const { promise, resolve } = foreign<string>();
    const rehearsal = await rehearse(
      async (ctx) => await Promise.race([ctx.callActivity("act", "a"), promise]),
      async ({ hosted }) => {
        resolve("first");
        await hosted.settle();
      },
    );
    mustFail(rehearsal, "foreignAwait");
  },

  "a retry handler that awaits something foreign fails the orchestration as callOutsideTurn": async () => {
    const { promise, resolve } = foreign<boolean>();
    const rehearsal = await rehearse(
      async (ctx) => await ctx.callActivity("act", "a", { retry: () => promise }),
      async (stage) => {
        await stage.fail("a");
        resolve(true);
        await stage.hosted.settle();
      },
    );
    mustFail(rehearsal, "callOutsideTurn");
  },

  "a retry handler that asks for an impossible delay gives up, at once or later": async () => {
    const impossible = { minutes: -1 };
    for (const retry of [() => impossible, () => awaitNull(3, false).then(() => impossible)]) {
      const rehearsal = await rehearse(
        async (ctx, say) => {
          await ctx.callActivity("act", "a", { retry }).catch((error) => say((error as Error).name));
        },
        (stage) => stage.fail("a"),
      );
      await mustReplay(rehearsal, ["TaskFailedError"]);
    }
  },

  "an output schema that awaits something foreign fails the orchestration as foreignAwait": async () => {
    const validate = (): Promise<{ value: string }> => foreign<{ value: string }>().promise;
    const output = { "~standard": { version: 1, vendor: "test", validate } } as const;
    const child = defineOrchestrator({ name: "child", output, run: async () => "unchecked" });
    const rehearsal = await rehearse(
      async (ctx, say) => {
        await ctx.callSubOrchestrator("child").catch((error) => {
          say(String((error as TaskFailedError).failure.properties?.code));
        });
      },
      undefined,
      [child],
    );
    await mustReplay(rehearsal, ["foreignAwait"]);
  },

  "a task that fails while nobody hears of it harms nothing but what hears of it": async () => {
    const rehearsal = await rehearse(
      async (ctx, say) => {
        const task = ctx.callActivity("act", "a");
        void task.then(() => say("never"));
        void task.finally(() => say("finally"));
        await ctx.callActivity("act", "b");
      },
      async (stage) => {
        await stage.fail("a");
        await stage.end("b");
      },
    );
    await mustReplay(rehearsal, ["finally"]);
  },

  "a retry that the history did not record is a NonDeterminismError": async () => {
    const { history } = await rehearse(
      (ctx) => compensating(false).run(ctx, undefined as never),
      async (stage) => {
        await stage.fail("a");
        await stage.end("undo a");
      },
    );
    const error = await replayError(compensating(true), history);
    mustBe(error?.name, "NonDeterminismError", "The error of the replay");
  },

  "a retry that the history did not record fails the instance, and the hub goes on": async () => {
    let hosted: HostedHub | undefined;
    const stage = new Stage(() => hosted as HostedHub);
    const store = new MemoryStore();
    const other = defineOrchestrator("other", (ctx) => ctx.callActivity("act", "b"));
    const open = async (retries: boolean): Promise<HostedHub> =>
      openHostedHub({
        store,
        functions: [compensating(retries), other, stage.activity],
        startAt: new Date("2026-01-01T00:00:00Z"),
        ids: new Random(`retries ${retries}`),
      });
    hosted = await open(false);
    await hosted.hub.scheduleNewOrchestration("it", undefined, { instanceId: "it" });
    await hosted.settle();
    await stage.fail("a");
    await hosted.hub.close();
    hosted = await open(true);
    await hosted.hub.scheduleNewOrchestration("other", undefined, { instanceId: "other" });
    await hosted.settle();
    await stage.end("undo a");
    await stage.end("b");
    const [it, another] = [
      await hosted.hub.getOrchestrationState("it"),
      await hosted.hub.getOrchestrationState("other"),
    ];
    await hosted.hub.close();
    mustBe(it?.failure?.errorType, "NonDeterminismError", "The failure of the instance");
    mustBe(another?.runtimeStatus, "Completed", "The status of another instance");
  },
};

/** Calls an activity, with a retry policy or without, and another one when it fails. */
function compensating(retries: boolean): OrchestratorDefinition {
  return defineOrchestrator("it", async (ctx) => {
    const options = retries ? { retry: { maxAttempts: 3, firstRetryInterval: 10 } } : {};
    await ctx.callActivity("act", "a", options).catch(() => ctx.callActivity("act", "undo a"));
  }) as OrchestratorDefinition;
}

async function replayError(
  definition: OrchestratorDefinition,
  history: readonly HistoryEvent[],
): Promise<Error | undefined> {
  return replayHistory(definition, history).then(
    () => undefined,
    (error: Error) => error,
  );
}
