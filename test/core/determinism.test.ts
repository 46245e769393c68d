/** Determinism: what is the same on every replay, and how code is told that it is not. */
import { createHash } from "node:crypto";
import {
  defineActivity,
  defineOrchestrator,
  type FunctionDefinition,
  MemoryStore,
  type OrchestrationContext,
  type OrchestratorDefinition,
  type Task,
  whenAll,
} from "holdfast";
import type { TestTaskHubOptions } from "holdfast/testing";
import { describe, expect, it } from "vitest";
import { errorOf, failureOf, glance, keepingLogger, openHub, outputOf, run, stateOf } from "./running.ts";
import { DEFINERS, inEveryShape, type Script, SHAPES } from "./shapes.ts";

const work = defineActivity("work", (_ctx, value: unknown) => value);
const other = defineActivity("other", (_ctx, value: unknown) => value);
const receiver = defineOrchestrator("receiver", async (ctx) => ctx.waitForExternalEvent("never"));
const child = defineOrchestrator("child", () => "child");
const otherChild = defineOrchestrator("otherChild", () => "other child");
const FUNCTIONS: readonly FunctionDefinition[] = [work, other, receiver, child, otherChild];

/** UUID version 5 of a name in the namespace of the Durable Task SDKs. */
function uuidV5(name: string): string {
  const namespace = Buffer.from("9e9529585e334daf827f2fa12937b875", "hex");
  const bytes = createHash("sha1").update(namespace).update(name).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

inEveryShape("newGuid and random", (define) => {
  const drawer = define("drawer", function* (ctx) {
    const drawn: (string | number)[] = [ctx.newGuid(), ctx.newGuid(), ctx.random(), ctx.random()];
    yield ctx.waitForExternalEvent("a");
    drawn.push(ctx.newGuid(), ctx.random());
    yield ctx.waitForExternalEvent("b");
    return drawn;
  });

  it("newGuid is version 5 of the instance, the turn's time and a counter", async () => {
    const guids = define("guids", function* (ctx) {
      const drawn = [ctx.newGuid(), ctx.newGuid()];
      yield ctx.createTimer(1_000);
      return [...drawn, ctx.newGuid()];
    });
    const hub = await openHub([guids]);
    const [start, later] = [hub.now.toISOString(), new Date(hub.now.getTime() + 1_000).toISOString()];
    expect(await outputOf(hub, guids, undefined, { instanceId: "i", advance: 1_000 })).toEqual([
      uuidV5(`i_${start}_0`),
      uuidV5(`i_${start}_1`),
      uuidV5(`i_${later}_2`),
    ]);
  });

  it("newGuid is so for ids of every length and script", async () => {
    // biome-ignore lint/correctness/useYield: an orchestrator that never waits.
    const one = define("one", function* (ctx) {
      return ctx.newGuid();
    });
    const hub = await openHub([one]);
    const ids = Array.from({ length: 100 }, (_, n) => "x".repeat(n + 1));
    for (const instanceId of [...ids, "Bestellung-ß", "注文-日本", "🎉"]) {
      expect(await outputOf(hub, one, undefined, { instanceId })).toBe(
        uuidV5(`${instanceId}_${hub.now.toISOString()}_0`),
      );
    }
  });

  it("newGuid gives a thousand different ones in a turn, all well formed", async () => {
    const many = define("many", function* (ctx) {
      yield ctx.createTimer(0);
      return Array.from({ length: 1_000 }, () => ctx.newGuid());
    });
    const hub = await openHub([many]);
    const guids = (await outputOf(hub, many, undefined, { advance: 1 })) ?? [];
    expect(new Set(guids).size).toBe(1_000);
    for (const guid of guids)
      expect(guid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it("random gives numbers of [0, 1) that differ, and that differ from instance to instance", async () => {
    const many = define("many", function* (ctx) {
      yield ctx.createTimer(0);
      return Array.from({ length: 1_000 }, () => ctx.random());
    });
    const hub = await openHub([many]);
    const first = (await outputOf(hub, many, undefined, { advance: 1 })) ?? [];
    const second = (await outputOf(hub, many, undefined, { advance: 1 })) ?? [];
    for (const n of first) expect(n >= 0 && n < 1).toBe(true);
    expect(new Set([...first, ...second]).size).toBeGreaterThan(1_990);
    const mean = first.reduce((sum, n) => sum + n, 0) / first.length;
    expect(mean).toBeGreaterThan(0.4);
    expect(mean).toBeLessThan(0.6);
  });

  it("both give the same after a restart as they would have given without", async () => {
    const outputs: unknown[] = [];
    for (const isRestarted of [false, true]) {
      const store = new MemoryStore();
      let hub = await openHub([drawer], { store });
      await run(hub, drawer, undefined, { instanceId: "i" });
      const executionId = (await hub.getOrchestrationHistory("i")).find((event) => event.type === "ExecutionStarted");
      for (const name of ["a", "b"]) {
        if (isRestarted) {
          await hub.close();
          hub = await openHub([drawer], { store });
        }
        await hub.raiseOrchestrationEvent("i", name);
        await hub.runUntilIdle();
      }
      expect(executionId).toBeDefined();
      outputs.push((await stateOf<(string | number)[]>(hub, "i")).output?.filter((one) => typeof one === "string"));
    }
    expect(outputs[1]).toEqual(outputs[0]);
  });

  it("both give on replay what they gave the first time", async () => {
    const live: unknown[][] = [];
    const drawing = define("drawing", function* (ctx) {
      const drawn: unknown[] = [];
      live.push(drawn);
      drawn.push(ctx.newGuid(), ctx.random());
      yield ctx.waitForExternalEvent("a");
      drawn.push(ctx.random(), ctx.newGuid());
      yield ctx.waitForExternalEvent("b");
      return drawn;
    });
    const store = new MemoryStore();
    const first = await openHub([drawing], { store });
    await run(first, drawing, undefined, { instanceId: "i" });
    await first.raiseOrchestrationEvent("i", "a");
    await first.runUntilIdle();
    await first.close();
    const second = await openHub([drawing], { store, startAt: new Date(first.now.getTime() + 1e9) });
    await second.raiseOrchestrationEvent("i", "b");
    await second.runUntilIdle();
    expect(live).toHaveLength(2);
    expect(live[1]).toEqual(live[0]);
    expect((await stateOf(second, "i")).output).toEqual(live[0]);
  });

  it("neither consumes a number", async () => {
    const caller = define("caller", function* (ctx) {
      ctx.newGuid();
      ctx.random();
      yield ctx.callActivity(work);
    });
    const hub = await openHub([caller, work]);
    const { instanceId } = await run(hub, caller);
    expect(glance(await hub.getOrchestrationHistory(instanceId))).toContain("TaskScheduled#1");
  });
});

inEveryShape("isReplaying", (define) => {
  it("is false while code runs for the first time and true while it runs again", async () => {
    const seen: boolean[] = [];
    const watcher = define("watcher", function* (ctx) {
      seen.push(ctx.isReplaying);
      yield ctx.callActivity(work);
      seen.push(ctx.isReplaying);
      yield ctx.waitForExternalEvent("go");
      seen.push(ctx.isReplaying);
    });
    const store = new MemoryStore();
    const first = await openHub([watcher, work], { store });
    await run(first, watcher, undefined, { instanceId: "i" });
    expect(seen.splice(0)).toEqual([false, false]);
    await first.close();
    const second = await openHub([watcher, work], { store });
    await second.raiseOrchestrationEvent("i", "go");
    await second.runUntilIdle();
    expect(seen).toEqual([true, true, false]);
  });
});

describe("the shapes of orchestrators", () => {
  const script: Script<number, unknown> = function* (ctx, n) {
    const first = yield* ctx.callActivity(work, n);
    ctx.setCustomStatus({ first });
    ctx.sendEvent("to", "mail", n);
    const results = yield* whenAll([ctx.callActivity(work, 1), ctx.callActivity(other, 2), ctx.createTimer(1_000)]);
    const kid = yield* ctx.callSubOrchestrator(child, undefined, { instanceId: "kid" });
    try {
      yield ctx.callActivity("nobody");
    } catch {
      yield ctx.callActivity(work, "caught");
    }
    return [first, results, kid, ctx.newGuid(), ctx.currentUtcDateTime];
  };

  it("write one and the same history for one and the same program", async () => {
    const histories: string[] = [];
    for (const [, define] of DEFINERS) {
      const orchestrator = define("program", script);
      const hub = await openHub([orchestrator, ...FUNCTIONS]);
      const { runtimeStatus } = await run(hub, orchestrator, 5, { instanceId: "i", advance: { minutes: 1 } });
      expect(runtimeStatus).toBe("Completed");
      const text = JSON.stringify(await hub.getOrchestrationHistory("i"), null, 1);
      histories.push(text.replaceAll(/"executionId": "[0-9a-f]{32}"|"stackTrace": ".*"/g, ""));
    }
    expect(histories).toHaveLength(SHAPES.length);
    expect(histories[1]).toBe(histories[0]);
    expect(histories[2]).toBe(histories[0]);
  });
});

/** Starts an instance with one version of the code and goes on with another; the code waits for `go` at the end of `before`. */
async function changeCode<TOutput>(
  before: OrchestratorDefinition<unknown, unknown>,
  after: OrchestratorDefinition<unknown, TOutput>,
  options: Omit<TestTaskHubOptions, "functions"> = {},
) {
  const store = new MemoryStore();
  const first = await openHub([before, ...FUNCTIONS], { store });
  await run(first, before, undefined, { instanceId: "i" });
  const history = await first.getOrchestrationHistory("i");
  await first.close();
  const hub = await openHub([after, ...FUNCTIONS], { store, ...options });
  await hub.raiseOrchestrationEvent("i", "go", "on");
  await hub.runUntilIdle();
  return { hub, store, history, state: await stateOf<TOutput>(hub, "i") };
}

inEveryShape("code that was changed under a running instance", (define) => {
  type Steps = Generator<Task<unknown>, unknown>;
  /** An orchestrator that takes some steps, waits for `go`, and returns what it got. */
  const code = (steps: (ctx: OrchestrationContext) => Steps) =>
    define("code", function* (ctx, _input: unknown) {
      const result = yield* steps(ctx);
      return [result, yield* ctx.waitForExternalEvent("go")];
    });
  const callsWork = code(function* (ctx) {
    return yield* ctx.callActivity(work, 1);
  });

  const mismatches: [
    string,
    (ctx: OrchestrationContext) => Steps,
    (ctx: OrchestrationContext) => Steps,
    RegExp,
    RegExp,
  ][] = [
    [
      "calls another activity",
      function* (ctx) {
        return yield* ctx.callActivity(work, 1);
      },
      function* (ctx) {
        return yield* ctx.callActivity(other, 1);
      },
      /work/,
      /other/,
    ],
    [
      "makes a timer where it called an activity",
      function* (ctx) {
        return yield* ctx.callActivity(work, 1);
      },
      function* (ctx) {
        return yield* ctx.createTimer(1_000);
      },
      /work/,
      /timer/i,
    ],
    [
      "calls an activity where it made a timer",
      function* (ctx) {
        ctx.createTimer({ hours: 1 });
        return yield* ctx.createTimer(0);
      },
      function* (ctx) {
        ctx.callActivity(work, 1);
        return yield* ctx.createTimer(0);
      },
      /timer/i,
      /work/,
    ],
    [
      "calls another sub-orchestrator",
      function* (ctx) {
        return yield* ctx.callSubOrchestrator(child);
      },
      function* (ctx) {
        return yield* ctx.callSubOrchestrator(otherChild);
      },
      /child/,
      /otherChild/,
    ],
    [
      "calls an activity where it called a sub-orchestrator",
      function* (ctx) {
        return yield* ctx.callSubOrchestrator(child);
      },
      function* (ctx) {
        return yield* ctx.callActivity(work);
      },
      /child/,
      /work/,
    ],
    [
      "sends an event of another name",
      function* (ctx) {
        ctx.sendEvent("to", "mail");
        return yield* ctx.callActivity(work);
      },
      function* (ctx) {
        ctx.sendEvent("to", "parcel");
        return yield* ctx.callActivity(work);
      },
      /mail/,
      /parcel/,
    ],
    [
      "sends an event to another instance",
      function* (ctx) {
        ctx.sendEvent("here", "mail");
        return yield* ctx.callActivity(work);
      },
      function* (ctx) {
        ctx.sendEvent("there", "mail");
        return yield* ctx.callActivity(work);
      },
      /here/,
      /there/,
    ],
    [
      "no longer takes a step",
      function* (ctx) {
        return yield* ctx.callActivity(work, 1);
      },
      // biome-ignore lint/correctness/useYield: the step is gone.
      function* () {
        return undefined;
      },
      /work/,
      /./,
    ],
    [
      "takes a step before the others",
      function* (ctx) {
        return yield* ctx.callActivity(work, 1);
      },
      function* (ctx) {
        yield ctx.callActivity(other, 1);
        return yield* ctx.callActivity(work, 1);
      },
      /work/,
      /other/,
    ],
    [
      "takes one step more in a turn that is over",
      function* (ctx) {
        return yield* ctx.callActivity(work, 1);
      },
      function* (ctx) {
        const task = ctx.callActivity(work, 1);
        ctx.callActivity(other, 2);
        return yield* task;
      },
      /./,
      /other/,
    ],
    [
      "takes two steps in another order",
      function* (ctx) {
        const results = yield* whenAll([ctx.callActivity(work, 1), ctx.callActivity(other, 2)]);
        return results;
      },
      function* (ctx) {
        const results = yield* whenAll([ctx.callActivity(other, 2), ctx.callActivity(work, 1)]);
        return results;
      },
      /work/,
      /other/,
    ],
  ];

  it.each(mismatches)(
    "and %s fails as non-deterministic and shows both steps",
    async (_what, before, after, recorded, taken) => {
      const { state, hub, history } = await changeCode(code(before), code(after));
      expect(state.runtimeStatus).toBe("Failed");
      expect(state.failure).toMatchObject({ errorType: "NonDeterminismError", properties: { code: "nonDeterminism" } });
      const report = state.failure?.properties?.report as Record<string, unknown>;
      expect(report.recorded).toMatch(recorded);
      expect(report.taken).toMatch(taken);
      expect(state.failure?.errorMessage).toMatch(recorded);
      expect(state.failure?.errorMessage).toMatch(taken);
      expect((await hub.getOrchestrationHistory("i")).slice(0, history.length)).toEqual(history);
    },
  );

  it("is told the number of the step and its place in the history", async () => {
    const later = code(function* (ctx) {
      yield ctx.callActivity(work, 1);
      return yield* ctx.callActivity(work, 2);
    });
    const changed = code(function* (ctx) {
      yield ctx.callActivity(work, 1);
      return yield* ctx.callActivity(other, 2);
    });
    const { state, history } = await changeCode(later, changed);
    const index = history.findIndex((event) => event.eventId === 2);
    expect(state.failure?.properties?.report).toMatchObject({ sequenceId: 2, eventIndex: index });
    expect(state.failure?.errorMessage).toContain("2");
    expect(state.failure?.errorMessage).toContain(String(index));
  });

  it("ends with an id that no recorded step has", async () => {
    const long = code(function* (ctx) {
      yield ctx.callActivity(work, 1);
      yield ctx.callActivity(work, 2);
      return yield* ctx.callActivity(work, 3);
    });
    const changed = code(function* (ctx) {
      return yield* ctx.callActivity(other, 1);
    });
    const { hub, history } = await changeCode(long, changed);
    const ids = history.map(({ eventId }) => eventId);
    expect((await hub.getOrchestrationHistory("i")).at(-1)?.eventId).toBe(Math.max(...ids) + 1);
  });

  it("cannot catch the refusal and go on", async () => {
    const catches = code(function* (ctx) {
      try {
        return yield* ctx.callActivity(other, 1);
      } catch {
        return "swallowed";
      }
    });
    const { state } = await changeCode(callsWork, catches);
    expect(state).toMatchObject({ runtimeStatus: "Failed", failure: { errorType: "NonDeterminismError" } });
  });

  it("schedules nothing after the difference", async () => {
    const ran: unknown[] = [];
    const noting = defineActivity("noting", (_ctx, value: unknown) => void ran.push(value));
    const store = new MemoryStore();
    const first = await openHub([callsWork, ...FUNCTIONS], { store });
    await run(first, callsWork, undefined, { instanceId: "i" });
    await first.close();
    const changed = code(function* (ctx) {
      return yield* ctx.callActivity(noting, 1);
    });
    const second = await openHub([changed, noting, ...FUNCTIONS], { store });
    await second.raiseOrchestrationEvent("i", "go");
    await second.runUntilIdle();
    expect((await stateOf(second, "i")).runtimeStatus).toBe("Failed");
    expect(ran).toEqual([]);
  });

  it("may change the input of a call: the recorded result counts, and the log warns", async () => {
    const logger = keepingLogger();
    const changed = code(function* (ctx) {
      return yield* ctx.callActivity(work, 2);
    });
    const { state } = await changeCode(callsWork, changed, { logger });
    expect(state).toMatchObject({ runtimeStatus: "Completed", output: [1, "on"] });
    expect(logger.messages("warn").filter((message) => message.includes("input"))).toHaveLength(1);
  });

  it("may change when a timer fires: the recorded timer counts", async () => {
    const before = code(function* (ctx) {
      return yield* ctx.createTimer(0);
    });
    const after = code(function* (ctx) {
      return yield* ctx.createTimer({ days: 1 });
    });
    expect((await changeCode(before, after)).state.runtimeStatus).toBe("Completed");
  });

  it("may change tags, the custom status, and the names of events it waits for", async () => {
    const before = code(function* (ctx) {
      ctx.setCustomStatus("old");
      return yield* ctx.callActivity(work, 1, { tags: { a: "1" } });
    });
    const after = define("code", function* (ctx, _input: unknown) {
      ctx.setCustomStatus("new");
      const result = yield* ctx.callActivity(work, 1, { tags: { b: "2" } });
      ctx.waitForExternalEvent("another");
      return [result, yield* ctx.waitForExternalEvent("GO")];
    });
    const { state } = await changeCode(before, after);
    expect(state).toMatchObject({ runtimeStatus: "Completed", output: [1, "on"], customStatus: "new" });
  });

  it("may take new steps from where the history ends", async () => {
    const after = define("code", function* (ctx, _input: unknown) {
      const result = yield* ctx.callActivity(work, 1);
      yield ctx.waitForExternalEvent("go");
      return [result, yield* ctx.callActivity(other, "new")];
    });
    expect((await changeCode(callsWork, after)).state).toMatchObject({
      runtimeStatus: "Completed",
      output: [1, "new"],
    });
  });

  it("fails the parent's call like any other failure of a child", async () => {
    const parent = define("parent", function* (ctx) {
      try {
        yield ctx.callSubOrchestrator("code", undefined, { instanceId: "kid" });
      } catch (error) {
        return (error as import("holdfast").TaskFailedError).failure.errorType;
      }
      return "nothing";
    });
    const changed = code(function* (ctx) {
      return yield* ctx.callActivity(other, 1);
    });
    const store = new MemoryStore();
    const first = await openHub([parent, callsWork, ...FUNCTIONS], { store });
    await run(first, parent, undefined, { instanceId: "mum" });
    await first.close();
    const second = await openHub([parent, changed, ...FUNCTIONS], { store });
    await second.raiseOrchestrationEvent("kid", "go");
    await second.runUntilIdle();
    expect((await stateOf(second, "mum")).output).toBe("NonDeterminismError");
  });

  describe("in a hub that suspends instead of failing", () => {
    const changed = code(function* (ctx) {
      return yield* ctx.callActivity(other, 1);
    });

    it("suspends the instance with the reason, and goes on by itself once the code fits again", async () => {
      const { state, store, hub } = await changeCode(callsWork, changed, { onNonDeterminism: "suspend" });
      expect(state).toMatchObject({ runtimeStatus: "Suspended", failure: { errorType: "NonDeterminismError" } });
      await hub.close();
      const fixed = await openHub([callsWork, ...FUNCTIONS], { store, onNonDeterminism: "suspend" });
      await fixed.runUntilIdle();
      const after = await stateOf(fixed, "i");
      expect(after).toMatchObject({ runtimeStatus: "Completed", output: [1, "on"] });
      expect(after.failure).toBeUndefined();
    });

    it("keeps what arrives meanwhile", async () => {
      const before = code(function* (ctx) {
        return yield* ctx.callActivity(work, 1);
      });
      const { hub, store } = await changeCode(before, changed, { onNonDeterminism: "suspend" });
      await hub.raiseOrchestrationEvent("i", "more", 2);
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Suspended");
      await hub.close();
      const longer = define("code", function* (ctx, _input: unknown) {
        const result = yield* ctx.callActivity(work, 1);
        return [result, yield* ctx.waitForExternalEvent("go"), yield* ctx.waitForExternalEvent("more")];
      });
      const fixed = await openHub([longer, ...FUNCTIONS], { store });
      await fixed.runUntilIdle();
      expect(await stateOf(fixed, "i")).toMatchObject({ runtimeStatus: "Completed", output: [1, "on", 2] });
    });

    it("can terminate the instance all the same", async () => {
      const { hub } = await changeCode(callsWork, changed, { onNonDeterminism: "suspend" });
      await hub.terminateOrchestration("i", { output: "given up" });
      await hub.runUntilIdle();
      expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Terminated", output: "given up" });
    });
  });
});

inEveryShape("a hub that checks determinism", (define) => {
  it("says nothing about code that is deterministic, and runs no activity twice", async () => {
    const ran: unknown[] = [];
    const note = defineActivity("note", (_ctx, value: unknown) => void ran.push(value));
    const logger = keepingLogger();
    const fine = define("fine", function* (ctx, n: number) {
      ctx.log.info("started");
      yield ctx.callActivity(note, ctx.newGuid());
      yield whenAll([ctx.callActivity(note, ctx.random()), ctx.createTimer(1_000)]);
      const kid = yield* ctx.callSubOrchestrator(child);
      if (n > 0) ctx.continueAsNew(n - 1);
      return [kid, ctx.currentUtcDateTime];
    });
    const hub = await openHub([fine, note, child], { checkDeterminism: true, logger });
    expect((await run(hub, fine, 2, { advance: 10_000 })).runtimeStatus).toBe("Completed");
    expect(ran).toHaveLength(6);
    expect(logger.messages().filter((message) => message === "started")).toHaveLength(3);
  });

  it("fails an orchestration that is not, in the turn in which it differs", async () => {
    let runs = 0;
    const fickle = define("fickle", function* (ctx) {
      return yield* ctx.callActivity(runs++ % 2 === 0 ? work : other, 1);
    });
    const hub = await openHub([fickle, work, other], { checkDeterminism: true });
    expect((await failureOf(hub, fickle)).errorType).toBe("NonDeterminismError");
  });

  it("finds an input that differs from run to run", async () => {
    let runs = 0;
    const fickle = define("fickle", function* (ctx) {
      return yield* ctx.callActivity(work, runs++);
    });
    const hub = await openHub([fickle, work], { checkDeterminism: true });
    expect((await failureOf(hub, fickle)).errorType).toBe("NonDeterminismError");
  });

  it("finds a result that differs from run to run", async () => {
    let runs = 0;
    const fickle = define("fickle", function* (ctx) {
      yield ctx.callActivity(work, 1);
      return runs++;
    });
    const hub = await openHub([fickle, work], { checkDeterminism: true });
    expect((await failureOf(hub, fickle)).errorType).toBe("NonDeterminismError");
  });
});

describe("breaking the rules of orchestrator code", () => {
  const hasCode = (code: string) => ({ errorType: "OrchestratorRuleError", properties: { code } });
  const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it.each<[string, () => Promise<unknown>]>([
    ["a promise of the host's", later],
    ["a promise that never settles", () => new Promise(() => {})],
    ["a race of such promises", () => Promise.race([later(), new Promise(() => {})])],
  ])("awaiting %s fails an async orchestrator", async (_what, foreign) => {
    const rogue = defineOrchestrator("rogue", async () => {
      await foreign();
      return "never";
    });
    const hub = await openHub([rogue]);
    expect(await failureOf(hub, rogue)).toMatchObject(hasCode("foreignAwait"));
  });

  it("awaiting what is not durable fails an async generator", async () => {
    const rogue = defineOrchestrator("rogue", async function* (ctx) {
      yield ctx.callActivity(work, 1);
      await later();
      return "never";
    });
    const hub = await openHub([rogue, work]);
    expect(await failureOf(hub, rogue)).toMatchObject(hasCode("foreignAwait"));
  });

  it("awaiting what is not durable between two activities fails, however much was called before", async () => {
    const rogue = defineOrchestrator("rogue", async (ctx) => {
      const open = ctx.callActivity(work, 1);
      await ctx.callActivity(work, 2);
      await later();
      return open;
    });
    const hub = await openHub([rogue, work]);
    expect(await failureOf(hub, rogue)).toMatchObject(hasCode("foreignAwait"));
  });

  it("awaiting what is not durable says so in words that help", async () => {
    const rogue = defineOrchestrator("rogue", async () => later());
    const hub = await openHub([rogue]);
    const { errorMessage } = await failureOf(hub, rogue, undefined, { instanceId: "rogue-1" });
    expect(errorMessage).toContain("rogue-1");
    expect(errorMessage).toMatch(/activity/i);
  });

  it("calling the context outside a turn is refused, and schedules nothing", async () => {
    let kept: OrchestrationContext | undefined;
    const keeper = defineOrchestrator("keeper", async (ctx) => {
      kept = ctx;
      await ctx.waitForExternalEvent("go");
    });
    const hub = await openHub([keeper, work]);
    await run(hub, keeper, undefined, { instanceId: "i" });
    const calls: ((ctx: OrchestrationContext) => unknown)[] = [
      (ctx) => ctx.callActivity(work, 1),
      (ctx) => ctx.callSubOrchestrator("keeper"),
      (ctx) => ctx.createTimer(1),
      (ctx) => ctx.waitForExternalEvent("x"),
      (ctx) => ctx.sendEvent("i", "x"),
      (ctx) => ctx.continueAsNew(1),
      (ctx) => ctx.setCustomStatus(1),
      (ctx) => ctx.newGuid(),
      (ctx) => ctx.random(),
      (ctx) => ctx.patched("x"),
    ];
    for (const call of calls) {
      const error = await errorOf(() => kept && call(kept));
      expect(error).toMatchObject({ name: "OrchestratorRuleError", code: "callOutsideTurn" });
    }
    await hub.runUntilIdle();
    expect(glance(await hub.getOrchestrationHistory("i")).join()).not.toMatch(/TaskScheduled|TimerCreated|EventSent/);
  });

  it("calling the context after the end is refused, and changes nothing", async () => {
    let kept: OrchestrationContext | undefined;
    const keeper = defineOrchestrator("keeper", (ctx) => {
      kept = ctx;
      return "done";
    });
    const hub = await openHub([keeper, work]);
    const state = await run(hub, keeper);
    expect(await errorOf(() => kept?.callActivity(work, 1))).toMatchObject({ code: "callOutsideTurn" });
    await hub.runUntilIdle();
    expect(await stateOf(hub, state.instanceId)).toEqual(state);
  });

  it("calling the context from a callback of the host's is refused", async () => {
    let outcome: unknown;
    const rogue = defineOrchestrator("rogue", async (ctx) => {
      setImmediate(() => {
        try {
          ctx.callActivity(work, 1);
          outcome = "taken";
        } catch (error) {
          outcome = (error as { code?: string }).code;
        }
      });
      await ctx.waitForExternalEvent("go");
    });
    const hub = await openHub([rogue, work]);
    await run(hub, rogue, undefined, { instanceId: "i" });
    await later();
    expect(outcome).toBe("callOutsideTurn");
    expect(glance(await hub.getOrchestrationHistory("i")).join()).not.toContain("TaskScheduled");
  });

  const nonTasks: [string, () => unknown][] = [
    ["nothing", () => undefined],
    ["null", () => null],
    ["a number", () => 5],
    ["a text", () => "task"],
    ["a promise", () => Promise.resolve(1)],
    ["an array of tasks", () => []],
    ["something that looks like a task", () => ({ isCompleted: true, result: 1 })],
    ["a function", () => () => {}],
  ];

  it.each(nonTasks)("a generator that yields %s fails", async (_what, make) => {
    const rogue = defineOrchestrator("rogue", function* () {
      yield make() as Task<unknown>;
      return "never";
    });
    const hub = await openHub([rogue]);
    expect(await failureOf(hub, rogue)).toMatchObject(hasCode("yieldedNonTask"));
  });

  it("a generator that yields no task after a result fails", async () => {
    const rogue = defineOrchestrator("rogue", function* (ctx) {
      yield ctx.callActivity(work, 1);
      yield 5 as unknown as Task<unknown>;
    });
    const hub = await openHub([rogue, work]);
    expect(await failureOf(hub, rogue)).toMatchObject(hasCode("yieldedNonTask"));
  });

  it("a generator that yields no task after a failure it caught fails", async () => {
    const rogue = defineOrchestrator("rogue", function* (ctx) {
      try {
        yield ctx.callActivity("nobody");
      } catch {
        yield 5 as unknown as Task<unknown>;
      }
      return "never";
    });
    const hub = await openHub([rogue]);
    expect(await failureOf(hub, rogue)).toMatchObject(hasCode("yieldedNonTask"));
  });
});

describe("what async code interleaved live", () => {
  const lanes = (order: string[]) =>
    defineOrchestrator("lanes", async (ctx) => {
      const lane = async (name: string, ticks: number): Promise<void> => {
        for (let step = 1; step <= 3; step++) {
          await ctx.callActivity(work, `${name}${step}`);
          for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
          order.push(`${name}${step}`);
        }
      };
      await Promise.all([lane("a", 7), lane("b", 1), lane("c", 0)]);
      await ctx.waitForExternalEvent("end");
      return order;
    });

  it("is interleaved the same way on replay, whatever the depth of its awaits", async () => {
    const [live, replayed]: [string[], string[]] = [[], []];
    const store = new MemoryStore();
    const [first, second] = [lanes(live), lanes(replayed)];
    const hub = await openHub([first, work], { store });
    await run(hub, first, undefined, { instanceId: "i" });
    const history = glance(await hub.getOrchestrationHistory("i"));
    expect(live).toHaveLength(9);
    await hub.close();
    const again = await openHub([second, work], { store });
    await again.raiseOrchestrationEvent("i", "end");
    await again.runUntilIdle();
    expect((await stateOf(again, "i")).output).toEqual(live);
    expect(replayed).toEqual(live);
    expect(glance(await again.getOrchestrationHistory("i")).slice(0, history.length)).toEqual(history);
  });
});
