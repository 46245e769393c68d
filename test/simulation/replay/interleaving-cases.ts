/** Cases of interleaving that are worth a name: live and replayed code must go on in the same order. */
import { defineOrchestrator, whenAll } from "holdfast";
import { awaitNull } from "./promises.ts";
import { mustBe, mustReplay, rehearse, type SayingCode } from "./rehearsal.ts";

/** Two branches that wait for one activity each, await `null` so many times, and call another. */
function branches(depthOfA: number, depthOfB: number): SayingCode {
  return async (ctx, say) => {
    const branch = async (name: string, depth: number): Promise<void> => {
      say(await ctx.callActivity<string>("act", name));
      await awaitNull(depth, false);
      say(`after ${name}`);
      say(await ctx.callActivity<string>("act", `second ${name}`));
    };
    await Promise.all([branch("a", depthOfA), branch("b", depthOfB)]);
  };
}

const inOneTurn = ["a", "after a", "b", "after b", "second a", "second b"];

async function twoBranches(depthOfA: number, depthOfB: number): Promise<void> {
  for (const isTogether of [true, false]) {
    const rehearsal = await rehearse(branches(depthOfA, depthOfB), async (stage) => {
      if (!isTogether) await stage.end("a");
      await stage.end("a", "b");
      await stage.end("second a");
      await stage.end("second b");
    });
    await mustReplay(rehearsal, inOneTurn);
    mustBe(rehearsal.state.runtimeStatus, "Completed", "The status");
  }
}

export const interleavingCases: Readonly<Record<string, () => Promise<void>>> = {
  "branches of different await depth go on in the order of the events, in one turn or in two": async () => {
    for (const [a, b] of [
      [0, 60],
      [60, 0],
      [3, 2],
    ] as const)
      await twoBranches(a, b);
  },

  "a thousand awaits between two durable calls change nothing, in one branch or in both": async () => {
    await twoBranches(1_000, 0);
    await twoBranches(0, 1_000);
    await twoBranches(1_000, 1_000);
  },

  "a helper that a retry handler leaves at work goes on before the next event": async () => {
    const rehearsal = await rehearse(
      async (ctx, say) => {
        const retry = (): boolean => {
          void awaitNull(5, false).then(() => say("helper"));
          return true;
        };
        await Promise.all([ctx.callActivity("act", "a", { retry }), ctx.callActivity("act", "b").then(() => say("b"))]);
      },
      async (stage) => {
        await stage.fail("a");
        await stage.end("b");
        await stage.end("a");
      },
    );
    await mustReplay(rehearsal, ["helper", "b"]);
  },

  "a helper that handleFailure leaves at work goes on before the next event": async () => {
    const rehearsal = await rehearse(
      async (ctx, say) => {
        const handleFailure = (): boolean => {
          void awaitNull(5, false).then(() => say("helper"));
          return true;
        };
        const retry = { maxAttempts: 2, firstRetryInterval: 10, handleFailure };
        await Promise.all([ctx.callActivity("act", "a", { retry }), ctx.callActivity("act", "b").then(() => say("b"))]);
      },
      async (stage) => {
        await stage.fail("a");
        await stage.end("b");
        await stage.hosted.advance(10);
        await stage.end("a");
      },
    );
    await mustReplay(rehearsal, ["helper", "b"]);
  },

  "in a generator, a callback on a task that is settled already comes before the next event": async () => {
    const rehearsal = await rehearse(
      function* (ctx, say) {
        const first = ctx.callActivity<string>("act", "a");
        yield first;
        void first.then((value) => say(`heard ${value}`));
        say(yield* ctx.callActivity<string>("act", "b"));
        say(yield* ctx.callActivity<string>("act", "c"));
      },
      async (stage) => {
        for (const name of ["a", "b", "c"]) await stage.end(name);
      },
    );
    await mustReplay(rehearsal, ["heard a", "b", "c"]);
  },

  "a whenAll that begins with an empty whenAll is waited for like any other": async () => {
    const rehearsal = await rehearse(
      async (ctx, say) => {
        await whenAll([whenAll([]), ctx.callActivity("act", "a"), ctx.callActivity("act", "b")]);
        say("all");
      },
      (stage) => stage.end("a", "b"),
    );
    mustBe(rehearsal.state.failure?.errorMessage, undefined, "The failure");
    await mustReplay(rehearsal, ["all"]);
  },

  "a history that ends with a termination replays up to it, whatever else came in that turn": async () => {
    const rehearsal = await rehearse(
      async (ctx, say) => {
        say(await ctx.waitForExternalEvent<string>("go"));
        await ctx.callActivity("act", "a");
      },
      async ({ hosted }) => {
        await Promise.all([
          hosted.hub.raiseOrchestrationEvent("it", "go", "gone"),
          hosted.hub.terminateOrchestration("it"),
        ]);
      },
    );
    mustBe(rehearsal.state.runtimeStatus, "Terminated", "The status");
    await mustReplay(rehearsal, []);
  },

  "an instance that is suspended in the very turn in which it continues as new is suspended": async () => {
    const rehearsal = await rehearse(
      async (ctx, say) => {
        const turn = await ctx.waitForExternalEvent<number>("go");
        say(`turn ${turn}`);
        if (turn === 1) ctx.continueAsNew();
      },
      async ({ hosted: { hub, settle } }) => {
        const raise = (turn: number): Promise<void> => hub.raiseOrchestrationEvent("it", "go", turn);
        await Promise.all([raise(1), hub.suspendOrchestration("it"), raise(2)]);
        await settle();
        mustBe(
          (await hub.getOrchestrationState("it"))?.runtimeStatus,
          "Suspended",
          "The status after it was suspended",
        );
        await hub.resumeOrchestration("it");
      },
    );
    mustBe(rehearsal.state.runtimeStatus, "Completed", "The status");
    mustBe(rehearsal.live, ["turn 1", "turn 2"], "What it said");
  },

  "an async output schema that answers within the turn ends the orchestration in it": async () => {
    const validate = async (value: unknown): Promise<{ value: unknown }> => {
      await awaitNull(100, false);
      return { value };
    };
    const output = { "~standard": { version: 1, vendor: "test", validate } } as const;
    const child = defineOrchestrator({ name: "child", output, run: async () => "checked" });
    const rehearsal = await rehearse(
      async (ctx, say) => say(await ctx.callSubOrchestrator<string>("child")),
      undefined,
      [child],
    );
    await mustReplay(rehearsal, ["checked"]);
  },
};
