/** Eternal orchestrations: one id, generation after generation, and nothing lost in between. */
import { defineActivity, defineOrchestrator, MemoryStore } from "holdfast";
import type { TestTaskHub } from "holdfast/testing";
import { describe, expect, it } from "vitest";
import { eventsOf, FALSY, glance, onlyEvent, openHub, outputOf, run, stateOf, typesOf } from "./running.ts";
import { inEveryShape } from "./shapes.ts";

const work = defineActivity("work", (_ctx, value: unknown) => value);

async function raise(hub: TestTaskHub, id: string, ...events: [name: string, data?: unknown][]): Promise<void> {
  for (const [name, data] of events) await hub.raiseOrchestrationEvent(id, name, data);
  await hub.runUntilIdle();
}

inEveryShape("continueAsNew", (define) => {
  const countdown = define("countdown", function* (ctx, n: number) {
    yield ctx.callActivity(work, n);
    if (n > 0) ctx.continueAsNew(n - 1);
    return `ended at ${n}`;
  });

  it("starts again with a new input under the same id, until a generation returns for good", async () => {
    const hub = await openHub([countdown, work]);
    const state = await run(hub, countdown, 5, { instanceId: "i" });
    expect(state).toMatchObject({
      instanceId: "i",
      name: "countdown",
      runtimeStatus: "Completed",
      input: 0,
      output: "ended at 0",
    });
  });

  it("goes through a thousand generations", async () => {
    const hub = await openHub([countdown, work]);
    expect(await outputOf(hub, countdown, 1_000)).toBe("ended at 0");
  });

  it("goes through a thousand generations that wait for nothing", async () => {
    // biome-ignore lint/correctness/useYield: an orchestrator that never waits.
    const spin = define("spin", function* (ctx, n: number) {
      if (n > 0) ctx.continueAsNew(n - 1);
      return n;
    });
    const hub = await openHub([spin]);
    expect(await outputOf(hub, spin, 1_000)).toBe(0);
  });

  it("begins a history of its own, with an execution id of its own and numbers from 1", async () => {
    const executionIds: string[] = [];
    const note = defineActivity("note", (ctx) => void executionIds.push(ctx.executionId));
    const twice = define("twice", function* (ctx, round: number) {
      yield ctx.callActivity(note);
      yield ctx.callActivity(note);
      if (round === 0) ctx.continueAsNew(1);
      return round;
    });
    const hub = await openHub([twice, note]);
    const { instanceId } = await run(hub, twice, 0);
    const history = await hub.getOrchestrationHistory(instanceId);
    expect(glance(history)).toEqual([
      "OrchestratorStarted",
      "ExecutionStarted#0",
      "TaskScheduled#1",
      "OrchestratorStarted",
      "TaskCompleted",
      "TaskScheduled#2",
      "OrchestratorStarted",
      "TaskCompleted",
      "ExecutionCompleted#3",
    ]);
    const started = onlyEvent(history, "ExecutionStarted");
    expect(started).toMatchObject({ name: "twice", input: "1", orchestrationInstance: { instanceId } });
    expect(started.orchestrationInstance.executionId).toBe(executionIds[2]);
    expect(new Set(executionIds).size).toBe(2);
  });

  it.each(FALSY)("takes %s as the next input", async (_what, value) => {
    const again = define("again", function* (ctx, input: unknown) {
      yield ctx.createTimer(0);
      if (input === "first") ctx.continueAsNew(value);
      return Object.is(input, value);
    });
    const hub = await openHub([again]);
    expect(await outputOf(hub, again, "first", { advance: 1 })).toBe(true);
  });

  it("without an input starts again with undefined", async () => {
    const again = define("again", function* (ctx, input: unknown) {
      yield ctx.createTimer(0);
      if (input === "first") ctx.continueAsNew();
      return input === undefined;
    });
    const hub = await openHub([again]);
    expect(await outputOf(hub, again, "first", { advance: 1 })).toBe(true);
  });

  it("is no return: the code goes on to its end, and what it calls until then is sent", async () => {
    const lines: string[] = [];
    const again = define("again", function* (ctx, round: number) {
      if (round === 0) {
        ctx.sendEvent("other", "mail", "before");
        ctx.continueAsNew(1);
        ctx.sendEvent("other", "mail", "after");
        lines.push("went on");
      }
      yield ctx.createTimer(0);
      return round;
    });
    const other = define("other", function* (ctx) {
      return [yield* ctx.waitForExternalEvent("mail"), yield* ctx.waitForExternalEvent("mail")];
    });
    const hub = await openHub([again, other]);
    await run(hub, other, undefined, { instanceId: "other" });
    await run(hub, again, 0, { advance: 10 });
    expect(lines).toEqual(["went on"]);
    expect(await stateOf(hub, "other")).toMatchObject({ output: ["before", "after"] });
  });

  it("called twice counts the first time", async () => {
    const again = define("again", function* (ctx, input: string) {
      yield ctx.createTimer(0);
      if (input === "start") {
        ctx.continueAsNew("first");
        ctx.continueAsNew("second");
      }
      return input;
    });
    const hub = await openHub([again]);
    expect(await outputOf(hub, again, "start", { advance: 10 })).toBe("first");
  });

  it("drops the result of the generation that asked for it", async () => {
    const again = define("again", function* (ctx, round: number) {
      yield ctx.createTimer(0);
      if (round === 0) ctx.continueAsNew(1);
      return round === 0 ? "dropped" : "kept";
    });
    const hub = await openHub([again]);
    expect(await outputOf(hub, again, 0, { advance: 10 })).toBe("kept");
  });

  it("tells a parent once, and only of the end", async () => {
    const child = define("child", function* (ctx, round: number) {
      yield ctx.createTimer(1_000);
      if (round < 3) ctx.continueAsNew(round + 1);
      return round;
    });
    const parent = define("parent", function* (ctx) {
      const task = ctx.callSubOrchestrator(child, 0);
      const seen: boolean[] = [];
      for (let second = 0; second < 6; second++) {
        yield ctx.createTimer(1_000);
        seen.push(task.isCompleted);
      }
      return [seen.slice(0, 3), yield* task];
    });
    const hub = await openHub([parent, child]);
    const { instanceId, output } = await run(hub, parent, undefined, { advance: { minutes: 1 } });
    expect(output).toEqual([[false, false, false], 3]);
    const history = await hub.getOrchestrationHistory(instanceId);
    expect(eventsOf(history, "SubOrchestrationInstanceCompleted")).toHaveLength(1);
  });

  it("fails when the code throws afterwards", async () => {
    const again = define("again", function* (ctx, round: number) {
      yield ctx.createTimer(0);
      ctx.continueAsNew(round + 1);
      throw new RangeError("after all");
    });
    const hub = await openHub([again]);
    const state = await run(hub, again, 0, { advance: 10 });
    expect(state).toMatchObject({ runtimeStatus: "Failed", input: 0, failure: { errorType: "RangeError" } });
  });

  it("clears the custom status", async () => {
    const again = define("again", function* (ctx, round: number) {
      if (round === 0) {
        ctx.setCustomStatus("first generation");
        ctx.continueAsNew(1);
        return;
      }
      yield ctx.waitForExternalEvent("never");
    });
    const hub = await openHub([again]);
    const state = await run(hub, again, 0);
    expect(state.runtimeStatus).toBe("Running");
    expect(state.customStatus).toBeUndefined();
  });

  it("keeps the tags, the version and the parent", async () => {
    const again = define("again", function* (ctx, round: number) {
      yield ctx.createTimer(0);
      if (round === 0) ctx.continueAsNew(1);
      return [ctx.version, ctx.parent];
    });
    const parent = define("parent", function* (ctx) {
      return yield* ctx.callSubOrchestrator(again, 0, { instanceId: "kid", tags: { team: "red" } });
    });
    const hub = await openHub([again, parent]);
    const output = await outputOf(hub, parent, undefined, { instanceId: "mum", advance: 10, tags: { region: "eu" } });
    expect(output).toEqual(["", { name: "parent", instanceId: "mum" }]);
    expect(await stateOf(hub, "kid")).toMatchObject({ tags: { team: "red", region: "eu" }, parentInstanceId: "mum" });
  });

  it("drops the results of activities, timers and children of the old generation", async () => {
    let finish = (_value: string): void => {};
    const slow = defineActivity("slow", () => new Promise<string>((resolve) => (finish = resolve)));
    const again = define("again", function* (ctx, round: number) {
      if (round === 0) {
        ctx.callActivity(slow);
        ctx.createTimer({ minutes: 1 });
        yield ctx.createTimer(0);
        ctx.continueAsNew(1);
        return;
      }
      yield ctx.waitForExternalEvent("never");
    });
    const hub = await openHub([again, slow]);
    const { instanceId } = await run(hub, again, 0, { advance: 10 });
    const history = await hub.getOrchestrationHistory(instanceId);
    expect(typesOf(history)).toEqual(["OrchestratorStarted", "ExecutionStarted"]);
    finish("late");
    await hub.advance({ hours: 1 });
    expect(await hub.getOrchestrationHistory(instanceId)).toEqual(history);
    expect((await stateOf(hub, instanceId)).runtimeStatus).toBe("Running");
  });

  it("does not take an old generation's result for a call of the same number", async () => {
    const finishers: ((value: string) => void)[] = [];
    const slow = defineActivity("slow", () => new Promise<string>((resolve) => finishers.push(resolve)));
    const again = define("again", function* (ctx, round: number) {
      const task = ctx.callActivity(slow);
      if (round === 0) {
        yield ctx.createTimer(0);
        ctx.continueAsNew(1);
        return "";
      }
      return yield* task;
    });
    const hub = await openHub([again, slow]);
    const { instanceId } = await run(hub, again, 0, { advance: 10 });
    finishers[0]?.("old");
    await hub.runUntilIdle();
    expect((await stateOf(hub, instanceId)).runtimeStatus).toBe("Running");
    finishers[1]?.("new");
    await hub.runUntilIdle();
    expect(await stateOf(hub, instanceId)).toMatchObject({ runtimeStatus: "Completed", output: "new" });
  });

  it("does not start children of the old generation twice, and leaves them running", async () => {
    const child = define("child", function* (ctx) {
      return yield* ctx.waitForExternalEvent("go");
    });
    const again = define("again", function* (ctx, round: number) {
      if (round > 1) return yield* ctx.waitForExternalEvent("never");
      ctx.callSubOrchestrator(child);
      ctx.continueAsNew(round + 1);
      return undefined;
    });
    const hub = await openHub([again, child]);
    await run(hub, again, 0);
    const children: string[] = [];
    for await (const state of hub.queryOrchestrations({ names: ["child"] })) children.push(state.runtimeStatus);
    expect(children).toEqual(["Running", "Running"]);
  });
});

inEveryShape("events across continueAsNew", (define) => {
  const take = (preserve?: boolean) =>
    define("take", function* (ctx, taken: unknown[]) {
      const next = yield* ctx.waitForExternalEvent("n");
      const all = [...taken, next];
      if (all.length === 5) return all;
      if (preserve === undefined) ctx.continueAsNew(all);
      else ctx.continueAsNew(all, { preserveUnprocessedEvents: preserve });
      return all;
    });

  it("that nobody took yet are carried over, in order", async () => {
    const orchestrator = take();
    const hub = await openHub([orchestrator]);
    await run(hub, orchestrator, [], { instanceId: "i" });
    await raise(hub, "i", ["n", 1], ["n", 2], ["N", 3], ["n", 4], ["n", 5]);
    expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: [1, 2, 3, 4, 5] });
  });

  it("raised one at a time reach whichever generation is there", async () => {
    const orchestrator = take();
    const hub = await openHub([orchestrator]);
    await run(hub, orchestrator, [], { instanceId: "i" });
    for (let n = 1; n <= 5; n++) await raise(hub, "i", ["n", n]);
    expect((await stateOf(hub, "i")).output).toEqual([1, 2, 3, 4, 5]);
  });

  it("are dropped when preserveUnprocessedEvents is false", async () => {
    const drop = define("drop", function* (ctx, round: number) {
      if (round === 0) {
        yield ctx.waitForExternalEvent("go");
        ctx.continueAsNew(1, { preserveUnprocessedEvents: false });
        return undefined;
      }
      return yield* ctx.waitForExternalEvent("n");
    });
    const hub = await openHub([drop]);
    await run(hub, drop, 0, { instanceId: "i" });
    await raise(hub, "i", ["n", "old"], ["go"]);
    expect((await stateOf(hub, "i")).runtimeStatus).toBe("Running");
    await raise(hub, "i", ["n", "new"]);
    expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: "new" });
  });

  it("of all names are carried over, those of one name in order", async () => {
    const later = define("later", function* (ctx, round: number) {
      if (round === 0) {
        yield ctx.waitForExternalEvent("go");
        ctx.continueAsNew(1);
        return [];
      }
      const taken: unknown[] = [];
      for (const name of ["b", "a", "b", "a"]) taken.push(yield* ctx.waitForExternalEvent(name));
      return taken;
    });
    const hub = await openHub([later]);
    await run(hub, later, 0, { instanceId: "i" });
    await raise(hub, "i", ["a", 1], ["b", 2], ["a", 3], ["b", 4], ["go"]);
    expect((await stateOf(hub, "i")).output).toEqual([2, 1, 4, 3]);
  });

  it("stand in the new history after its start, with their own names and data", async () => {
    const later = define("later", function* (ctx, round: number) {
      if (round === 0) {
        yield ctx.waitForExternalEvent("go");
        ctx.continueAsNew(1);
        return;
      }
      yield ctx.waitForExternalEvent("never");
    });
    const hub = await openHub([later]);
    await run(hub, later, 0, { instanceId: "i" });
    await raise(hub, "i", ["Mixed", { n: 1 }], ["other"], ["go"]);
    const history = await hub.getOrchestrationHistory("i");
    expect(typesOf(history)).toEqual(["OrchestratorStarted", "ExecutionStarted", "EventRaised", "EventRaised"]);
    expect(eventsOf(history, "EventRaised")).toMatchObject([{ name: "Mixed", input: '{"n":1}' }, { name: "other" }]);
  });

  it("that a wait had taken are not carried over", async () => {
    const later = define("later", function* (ctx, round: number) {
      if (round === 0) {
        const first = ctx.waitForExternalEvent("n");
        yield ctx.waitForExternalEvent("go");
        ctx.continueAsNew(first.isCompleted ? 1 : -1);
        return undefined;
      }
      return [round, yield* ctx.waitForExternalEvent("n")];
    });
    const hub = await openHub([later]);
    await run(hub, later, 0, { instanceId: "i" });
    await raise(hub, "i", ["n", "first"], ["n", "second"], ["go"]);
    expect((await stateOf(hub, "i")).output).toEqual([1, "second"]);
  });

  it("that come in one burst with many generations are neither lost nor doubled", async () => {
    const count = define("count", function* (ctx, taken: number[]) {
      const next = yield* ctx.waitForExternalEvent<number>("n");
      if (next < 0) return taken;
      ctx.continueAsNew([...taken, next]);
      return taken;
    });
    const hub = await openHub([count]);
    await run(hub, count, [], { instanceId: "i" });
    const numbers = Array.from({ length: 200 }, (_, n) => n);
    await Promise.all([...numbers, -1].map((n) => hub.raiseOrchestrationEvent("i", "n", n)));
    await hub.runUntilIdle();
    expect((await stateOf(hub, "i")).output).toEqual(numbers);
  });

  it("survive a restart between generations", async () => {
    const orchestrator = take();
    const store = new MemoryStore();
    let hub = await openHub([orchestrator], { store });
    await run(hub, orchestrator, [], { instanceId: "i" });
    for (let n = 1; n <= 5; n++) {
      await hub.raiseOrchestrationEvent("i", "n", n);
      await hub.close();
      hub = await openHub([orchestrator], { store });
    }
    await hub.runUntilIdle();
    expect((await stateOf(hub, "i")).output).toEqual([1, 2, 3, 4, 5]);
  });
});

describe("continueAsNew and commands", () => {
  const forever = defineOrchestrator("forever", async (ctx, round: number) => {
    await ctx.createTimer(1_000);
    ctx.continueAsNew(round + 1);
  });

  it("a generation after the other runs until it is terminated", async () => {
    const hub = await openHub([forever]);
    const { runtimeStatus, input } = await run(hub, forever, 0, { instanceId: "i", advance: 10_500 });
    expect([runtimeStatus, input]).toEqual(["Running", 10]);
    await hub.terminateOrchestration("i", { output: "enough" });
    await hub.advance(5_000);
    expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Terminated", output: "enough", input: 10 });
  });

  it("a generation is suspended like any other", async () => {
    const hub = await openHub([forever]);
    await run(hub, forever, 0, { instanceId: "i", advance: 2_500 });
    await hub.suspendOrchestration("i");
    await hub.advance(5_000);
    expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Suspended", input: 2 });
    await hub.resumeOrchestration("i");
    await hub.advance(2_000);
    expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Running", input: 5 });
  });

  it("the state between two generations is Running, never anything else", async () => {
    const hub = await openHub([forever]);
    await run(hub, forever, 0, { instanceId: "i" });
    for (let ms = 0; ms < 5_000; ms += 250) {
      await hub.advance(250);
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Running");
    }
  });

  it("moves to another version with newVersion", async () => {
    const versions = ["1", "2"].map((version) =>
      defineOrchestrator({
        name: "moving",
        version,
        run: async (ctx, trail: string[]): Promise<string[]> => {
          await ctx.createTimer(0);
          if (ctx.version === "1") ctx.continueAsNew([...trail, version], { newVersion: "2" });
          return [...trail, version, ctx.version];
        },
      }),
    );
    const [first] = versions;
    if (!first) throw new Error("there is a first version");
    const hub = await openHub(versions);
    const state = await run(hub, first, [], { advance: 10 });
    expect(state).toMatchObject({ version: "2", output: ["1", "2", "2"] });
  });
});
