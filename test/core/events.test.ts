/** External events: whom they reach, in which order, and that none is lost or taken by a wait that was given up. */
import { defineActivity, defineOrchestrator, MemoryStore, type Task, whenAll, whenAny } from "holdfast";
import type { TestTaskHub } from "holdfast/testing";
import { describe, expect, it } from "vitest";
import {
  errorOf,
  eventsOf,
  FALSY,
  failureOf,
  ILLEGAL_IDS,
  onlyEvent,
  openHub,
  outputOf,
  run,
  stateOf,
  typesOf,
} from "./running.ts";
import { inEveryShape } from "./shapes.ts";

const work = defineActivity("work", (_ctx, value: unknown) => value);

/** Raises events one after the other and lets each be taken. */
async function raise(hub: TestTaskHub, id: string, ...events: [name: string, data?: unknown][]): Promise<void> {
  for (const [name, data] of events) {
    await hub.raiseOrchestrationEvent(id, name, data);
    await hub.runUntilIdle();
  }
}

inEveryShape("an external event", (define) => {
  const collect = define("collect", function* (ctx, names: string[]) {
    const taken: unknown[] = [];
    for (const name of names) taken.push(yield* ctx.waitForExternalEvent(name));
    return taken;
  });

  it("reaches the wait for its name with its data", async () => {
    const hub = await openHub([collect]);
    await run(hub, collect, ["approval"], { instanceId: "i" });
    expect((await stateOf(hub, "i")).runtimeStatus).toBe("Running");
    await raise(hub, "i", ["approval", { by: "Ada", at: new Date(5) }]);
    expect(await stateOf(hub, "i")).toMatchObject({
      runtimeStatus: "Completed",
      output: [{ by: "Ada", at: new Date(5) }],
    });
  });

  it.each(FALSY)("brings %s as it is", async (_what, value) => {
    const one = define("one", function* (ctx) {
      return Object.is(yield* ctx.waitForExternalEvent("x"), value);
    });
    const hub = await openHub([one]);
    await run(hub, one, undefined, { instanceId: "i" });
    await raise(hub, "i", ["x", value]);
    expect((await stateOf(hub, "i")).output).toBe(true);
  });

  it("without data arrives as undefined", async () => {
    const one = define("one", function* (ctx) {
      return (yield* ctx.waitForExternalEvent("x")) === undefined;
    });
    const hub = await openHub([one]);
    await run(hub, one, undefined, { instanceId: "i" });
    await hub.raiseOrchestrationEvent("i", "x");
    await hub.runUntilIdle();
    expect((await stateOf(hub, "i")).output).toBe(true);
  });

  it.each([
    ["Approval", "approval"],
    ["approval", "APPROVAL"],
    ["ÄÖÜ", "äöü"],
    ["İstanbul", "İSTANBUL"],
    ["TITLE", "title"],
  ])("raised as %s is what a wait for %s waits for", async (raised, waited) => {
    const hub = await openHub([collect]);
    await run(hub, collect, [waited], { instanceId: "i" });
    await raise(hub, "i", [raised, 1]);
    expect((await stateOf(hub, "i")).output).toEqual([1]);
  });

  it("keeps the case of its name in the history", async () => {
    const hub = await openHub([collect]);
    await run(hub, collect, ["approval"], { instanceId: "i" });
    await raise(hub, "i", ["ApproVAL", { n: 1 }]);
    expect(onlyEvent(await hub.getOrchestrationHistory("i"), "EventRaised")).toMatchObject({
      eventId: -1,
      name: "ApproVAL",
      input: '{"n":1}',
    });
  });

  it("is kept when nobody waits for it yet, and the oldest is taken first", async () => {
    const late = define("late", function* (ctx) {
      yield ctx.waitForExternalEvent("begin");
      const tasks: unknown[] = [];
      for (let n = 0; n < 3; n++) {
        const task = ctx.waitForExternalEvent<number>("n");
        tasks.push(task.isCompleted, yield* task);
      }
      return tasks;
    });
    const hub = await openHub([late]);
    await run(hub, late, undefined, { instanceId: "i" });
    await raise(hub, "i", ["n", 1], ["N", 2], ["n", 3], ["begin"]);
    expect((await stateOf(hub, "i")).output).toEqual([true, 1, true, 2, true, 3]);
  });

  it("raised in a burst is taken in the order of the calls", async () => {
    const hub = await openHub([collect]);
    await run(
      hub,
      collect,
      Array.from({ length: 50 }, () => "n"),
      { instanceId: "i" },
    );
    await Promise.all(Array.from({ length: 50 }, (_, n) => hub.raiseOrchestrationEvent("i", "n", n)));
    await hub.runUntilIdle();
    expect((await stateOf(hub, "i")).output).toEqual(Array.from({ length: 50 }, (_, n) => n));
  });

  it("serves waits for one name in the order in which they began", async () => {
    const two = define("two", function* (ctx) {
      const results = yield* whenAll([ctx.waitForExternalEvent<string>("x"), ctx.waitForExternalEvent<string>("X")]);
      return results;
    });
    const hub = await openHub([two]);
    await run(hub, two, undefined, { instanceId: "i" });
    await raise(hub, "i", ["x", "first"], ["x", "second"]);
    expect((await stateOf(hub, "i")).output).toEqual(["first", "second"]);
  });

  it("of one name is not taken by a wait for another", async () => {
    const hub = await openHub([collect]);
    await run(hub, collect, ["a", "b"], { instanceId: "i" });
    await raise(hub, "i", ["b", 2], ["c", 3]);
    expect((await stateOf(hub, "i")).runtimeStatus).toBe("Running");
    await raise(hub, "i", ["a", 1]);
    expect((await stateOf(hub, "i")).output).toEqual([1, 2]);
  });

  it.each(["constructor", "__proto__", "toString", "hasOwnProperty"])("may be called %s", async (name) => {
    const hub = await openHub([collect]);
    await run(hub, collect, [name], { instanceId: "i" });
    expect((await stateOf(hub, "i")).runtimeStatus).toBe("Running");
    await raise(hub, "i", [name, 1]);
    expect((await stateOf(hub, "i")).output).toEqual([1]);
  });

  it("raised before the instance starts is kept for it", async () => {
    const hub = await openHub([collect]);
    const startAt = new Date(hub.now.getTime() + 60_000);
    await hub.scheduleNewOrchestration(collect, ["x", "x"], { instanceId: "i", startAt });
    await raise(hub, "i", ["x", 1], ["x", 2]);
    expect((await stateOf(hub, "i")).runtimeStatus).toBe("Pending");
    await hub.advance({ minutes: 1 });
    expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: [1, 2] });
    expect(typesOf(await hub.getOrchestrationHistory("i")).slice(0, 2)).toEqual([
      "OrchestratorStarted",
      "ExecutionStarted",
    ]);
  });

  it("raised right after the start is kept for it", async () => {
    const hub = await openHub([collect]);
    const started = hub.scheduleNewOrchestration(collect, ["x"], { instanceId: "i" });
    await started;
    await hub.raiseOrchestrationEvent("i", "x", "early");
    await hub.runUntilIdle();
    expect((await stateOf(hub, "i")).output).toEqual(["early"]);
  });

  it("raised while the instance is suspended waits until it is resumed, in order", async () => {
    const hub = await openHub([collect]);
    await run(hub, collect, ["x", "x"], { instanceId: "i" });
    await hub.suspendOrchestration("i");
    await raise(hub, "i", ["x", 1], ["x", 2]);
    expect((await stateOf(hub, "i")).runtimeStatus).toBe("Suspended");
    await hub.resumeOrchestration("i");
    await hub.runUntilIdle();
    expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: [1, 2] });
  });

  it("consumes no number, and neither does the wait for it", async () => {
    const waiter = define("waiter", function* (ctx) {
      yield ctx.waitForExternalEvent("x");
      ctx.waitForExternalEvent("never");
      yield ctx.callActivity(work);
    });
    const hub = await openHub([waiter, work]);
    await run(hub, waiter, undefined, { instanceId: "i" });
    await raise(hub, "i", ["x"]);
    const history = await hub.getOrchestrationHistory("i");
    expect(onlyEvent(history, "TaskScheduled").eventId).toBe(1);
    expect(onlyEvent(history, "ExecutionCompleted").eventId).toBe(2);
  });

  it("nobody ever waits for does no harm", async () => {
    const hub = await openHub([collect]);
    await run(hub, collect, ["x"], { instanceId: "i" });
    await raise(hub, "i", ["unknown", 1], ["x", 2]);
    expect((await stateOf(hub, "i")).output).toEqual([2]);
  });

  it("survives a restart, taken or not", async () => {
    const store = new MemoryStore();
    const first = await openHub([collect], { store });
    await run(first, collect, ["a", "b", "c"], { instanceId: "i" });
    await raise(first, "i", ["a", 1], ["c", 3]);
    await first.close();
    const second = await openHub([collect], { store });
    await raise(second, "i", ["b", 2]);
    expect((await stateOf(second, "i")).output).toEqual([1, 2, 3]);
  });

  it("has a wait with a name that is not empty", async () => {
    const empty = define("empty", function* (ctx) {
      yield ctx.waitForExternalEvent("");
    });
    const hub = await openHub([empty]);
    await failureOf(hub, empty);
  });
});

inEveryShape("a wait that was given up", (define) => {
  it("when cancelled, says so and never takes a later event", async () => {
    const canceller = define("canceller", function* (ctx) {
      const given = ctx.waitForExternalEvent<number>("x");
      yield ctx.callActivity(work);
      given.cancel();
      const look = [given.isCanceled, given.isCompleted];
      let name: unknown;
      try {
        yield given;
      } catch (error) {
        name = error instanceof Error && error.name;
      }
      return [...look, name, yield* ctx.waitForExternalEvent<number>("x")];
    });
    const hub = await openHub([canceller, work]);
    await run(hub, canceller, undefined, { instanceId: "i" });
    await raise(hub, "i", ["x", 1]);
    expect((await stateOf(hub, "i")).output).toEqual([true, false, "TaskCanceledError", 1]);
  });

  it("when cancelled, passes its place on to the next in the queue", async () => {
    const canceller = define("canceller", function* (ctx) {
      const first = ctx.waitForExternalEvent<number>("x");
      const second = ctx.waitForExternalEvent<number>("x");
      const third = ctx.waitForExternalEvent<number>("x");
      yield ctx.callActivity(work);
      second.cancel();
      return [yield* first, yield* third];
    });
    const hub = await openHub([canceller, work]);
    await run(hub, canceller, undefined, { instanceId: "i" });
    await raise(hub, "i", ["x", 1], ["x", 2]);
    expect((await stateOf(hub, "i")).output).toEqual([1, 2]);
  });

  it("after it was served, is not cancelled any more", async () => {
    const canceller = define("canceller", function* (ctx) {
      const wait = ctx.waitForExternalEvent<number>("x");
      const result = yield* wait;
      wait.cancel();
      return [result, wait.isCanceled, wait.isCompleted, wait.result];
    });
    const hub = await openHub([canceller]);
    await run(hub, canceller, undefined, { instanceId: "i" });
    await raise(hub, "i", ["x", 1]);
    expect((await stateOf(hub, "i")).output).toEqual([1, false, true, 1]);
  });

  it("because time ran out, fails with TimeoutError and never takes a later event", async () => {
    const patient = define("patient", function* (ctx) {
      let name: unknown;
      try {
        yield ctx.waitForExternalEvent("x", { timeout: { minutes: 1 } });
      } catch (error) {
        name = error instanceof Error && [error.name, (error as { code?: string }).code];
      }
      return [name, yield* ctx.waitForExternalEvent<number>("x")];
    });
    const hub = await openHub([patient]);
    await run(hub, patient, undefined, { instanceId: "i", advance: 60_000 });
    await raise(hub, "i", ["x", 7]);
    expect((await stateOf(hub, "i")).output).toEqual([["TimeoutError", "timeout"], 7]);
  });

  it("because time ran out, fails an orchestration that does not catch it", async () => {
    const patient = define("patient", function* (ctx) {
      yield ctx.waitForExternalEvent("x", { timeout: 1_000 });
    });
    const hub = await openHub([patient]);
    const failure = await failureOf(hub, patient, undefined, { advance: 1_000 });
    expect(failure.errorType).toBe("TimeoutError");
  });

  it("is served when the event comes just before its time runs out, and time never comes back to it", async () => {
    const patient = define("patient", function* (ctx) {
      const result = yield* ctx.waitForExternalEvent<number>("x", { timeout: 1_000 });
      yield ctx.createTimer({ hours: 1 });
      return result;
    });
    const hub = await openHub([patient]);
    await run(hub, patient, undefined, { instanceId: "i", advance: 999 });
    await raise(hub, "i", ["x", 1]);
    await hub.advance({ hours: 2 });
    expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: 1 });
  });

  it("is served at once with an event that was kept, however short its time", async () => {
    const patient = define("patient", function* (ctx) {
      yield ctx.createTimer(1_000);
      return yield* ctx.waitForExternalEvent<number>("x", { timeout: 0 });
    });
    const hub = await openHub([patient]);
    await run(hub, patient, undefined, { instanceId: "i" });
    await raise(hub, "i", ["x", 1]);
    await hub.advance(1_000);
    expect((await stateOf(hub, "i")).output).toBe(1);
  });

  it("waits for a timer and the event: its timer stands in the history", async () => {
    const patient = define("patient", function* (ctx) {
      return yield* ctx.waitForExternalEvent<number>("x", { timeout: 1_000 });
    });
    const hub = await openHub([patient]);
    const fireAt = new Date(hub.now.getTime() + 1_000);
    await run(hub, patient, undefined, { instanceId: "i" });
    expect(onlyEvent(await hub.getOrchestrationHistory("i"), "TimerCreated")).toMatchObject({ eventId: 1, fireAt });
  });

  it("because another task won, takes no event once it is cancelled", async () => {
    const race = define("race", function* (ctx) {
      const given = ctx.waitForExternalEvent<number>("x");
      yield whenAny([given, ctx.createTimer(1_000)]);
      given.cancel();
      return yield* ctx.waitForExternalEvent<number>("x");
    });
    const hub = await openHub([race]);
    await run(hub, race, undefined, { instanceId: "i", advance: 1_000 });
    await raise(hub, "i", ["x", 1]);
    expect((await stateOf(hub, "i")).output).toBe(1);
  });

  it.each([
    ["negative", -1],
    ["NaN", Number.NaN],
    ["endless", Number.POSITIVE_INFINITY],
  ])("cannot have a %s timeout", async (_what, timeout) => {
    const odd = define("odd", function* (ctx) {
      yield ctx.waitForExternalEvent("x", { timeout });
    });
    const hub = await openHub([odd]);
    await failureOf(hub, odd);
  });
});

inEveryShape("an event sent by an orchestration", (define) => {
  const receiver = define("receiver", function* (ctx, count: number) {
    const taken: unknown[] = [];
    while (taken.length < count) taken.push(yield* ctx.waitForExternalEvent("mail"));
    return taken;
  });

  it("reaches another instance, and those of one sender in order", async () => {
    const sender = define("sender", function* (ctx, to: string) {
      ctx.sendEvent(to, "mail", 1);
      ctx.sendEvent(to, "MAIL", 2);
      yield ctx.createTimer(0);
      ctx.sendEvent(to, "mail", { three: 3 });
    });
    const hub = await openHub([receiver, sender]);
    await run(hub, receiver, 3, { instanceId: "to" });
    const { runtimeStatus } = await run(hub, sender, "to", { advance: 1 });
    expect(runtimeStatus).toBe("Completed");
    expect((await stateOf(hub, "to")).output).toEqual([1, 2, { three: 3 }]);
  });

  it.each(FALSY)("carries %s", async (_what, value) => {
    const check = define("check", function* (ctx) {
      return Object.is(yield* ctx.waitForExternalEvent("mail"), value);
    });
    const sender = define("sender", function* (ctx) {
      ctx.sendEvent("to", "mail", value);
      yield ctx.createTimer(0);
    });
    const hub = await openHub([check, sender]);
    await run(hub, check, undefined, { instanceId: "to" });
    await run(hub, sender, undefined, { advance: 1 });
    expect((await stateOf(hub, "to")).output).toBe(true);
  });

  it("reaches the sender itself", async () => {
    const self = define("self", function* (ctx) {
      ctx.sendEvent(ctx.instanceId, "mail", "to me");
      return yield* ctx.waitForExternalEvent<string>("mail");
    });
    const hub = await openHub([self]);
    expect(await outputOf(hub, self)).toBe("to me");
  });

  it("consumes a number and stands in the history with target, name and data", async () => {
    const sender = define("sender", function* (ctx) {
      ctx.sendEvent("to", "Mail", { n: 1 });
      yield ctx.callActivity(work);
    });
    const hub = await openHub([receiver, sender, work]);
    await run(hub, receiver, 1, { instanceId: "to" });
    const { instanceId } = await run(hub, sender);
    const history = await hub.getOrchestrationHistory(instanceId);
    expect(onlyEvent(history, "EventSent")).toMatchObject({
      eventId: 1,
      instanceId: "to",
      name: "Mail",
      input: '{"n":1}',
    });
    expect(onlyEvent(history, "TaskScheduled").eventId).toBe(2);
  });

  it("to an instance that does not exist is dropped silently", async () => {
    const sender = define("sender", function* (ctx) {
      ctx.sendEvent("nobody", "mail", 1);
      yield ctx.createTimer(0);
      return "sent";
    });
    const hub = await openHub([sender, receiver]);
    expect(await outputOf(hub, sender, undefined, { advance: 1 })).toBe("sent");
    expect(await hub.getOrchestrationState("nobody")).toBeUndefined();
    await run(hub, receiver, 1, { instanceId: "nobody" });
    expect((await stateOf(hub, "nobody")).runtimeStatus).toBe("Running");
  });

  it("to an instance that has finished is dropped silently", async () => {
    const sender = define("sender", function* (ctx) {
      ctx.sendEvent("done", "mail", 1);
      yield ctx.createTimer(0);
      return "sent";
    });
    const hub = await openHub([sender, receiver]);
    const before = await run(hub, receiver, 0, { instanceId: "done" });
    const history = await hub.getOrchestrationHistory("done");
    expect(await outputOf(hub, sender, undefined, { advance: 1 })).toBe("sent");
    expect(await stateOf(hub, "done")).toEqual(before);
    expect(await hub.getOrchestrationHistory("done")).toEqual(history);
  });

  it("in the last turn of its sender is sent all the same", async () => {
    const sender = define("sender", function* (ctx) {
      yield ctx.createTimer(0);
      ctx.sendEvent("to", "mail", "goodbye");
      return "gone";
    });
    const hub = await openHub([receiver, sender]);
    await run(hub, receiver, 1, { instanceId: "to" });
    expect(await outputOf(hub, sender, undefined, { advance: 1 })).toBe("gone");
    expect((await stateOf(hub, "to")).output).toEqual(["goodbye"]);
  });

  it.each(ILLEGAL_IDS)("cannot go to an id %s", async (_rule, id) => {
    const sender = define("sender", function* (ctx) {
      yield ctx.createTimer(0);
      ctx.sendEvent(id, "mail");
    });
    const hub = await openHub([sender]);
    const failure = await failureOf(hub, sender, undefined, { advance: 1 });
    expect(failure.errorType).toBe("InvalidInstanceIdError");
  });

  it("must have a name", async () => {
    const sender = define("sender", function* (ctx) {
      yield ctx.createTimer(0);
      ctx.sendEvent("to", "");
    });
    const hub = await openHub([sender]);
    await failureOf(hub, sender, undefined, { advance: 1 });
  });

  it("keeps the order of two hundred between two instances that play ping-pong", async () => {
    type Steps = Generator<Task<unknown>, number[]>;
    const player = define("player", function* (ctx, { other, serves }: { other: string; serves: boolean }): Steps {
      const seen: number[] = [];
      if (serves) ctx.sendEvent(other, "ball", 0);
      while (seen.length < 100) {
        const ball = yield* ctx.waitForExternalEvent<number>("ball");
        seen.push(ball);
        ctx.sendEvent(other, "ball", ball + 1);
      }
      return seen;
    });
    const hub = await openHub([player]);
    await run(hub, player, { other: "b", serves: false }, { instanceId: "a" });
    await run(hub, player, { other: "a", serves: true }, { instanceId: "b" });
    await hub.runUntilIdle();
    expect((await stateOf(hub, "a")).output).toEqual(Array.from({ length: 100 }, (_, n) => 2 * n));
    expect((await stateOf(hub, "b")).output).toEqual(Array.from({ length: 100 }, (_, n) => 2 * n + 1));
  });
});

describe("raising an event from outside", () => {
  const waiter = defineOrchestrator("waiter", async (ctx) => ctx.waitForExternalEvent<number>("x"));

  it("is refused with InstanceNotFoundError when there is no such instance", async () => {
    const hub = await openHub([waiter]);
    expect(await errorOf(() => hub.raiseOrchestrationEvent("nobody", "x"))).toMatchObject({
      name: "InstanceNotFoundError",
      code: "instanceNotFound",
    });
    expect(await hub.getOrchestrationState("nobody")).toBeUndefined();
  });

  it("is refused with InstanceNotRunningError when the instance has finished, and changes nothing", async () => {
    const hub = await openHub([waiter]);
    await run(hub, waiter, undefined, { instanceId: "i" });
    await raise(hub, "i", ["x", 1]);
    const [state, history] = [await stateOf(hub, "i"), await hub.getOrchestrationHistory("i")];
    await hub.advance(1_000);
    expect(await errorOf(() => hub.raiseOrchestrationEvent("i", "x"))).toMatchObject({
      name: "InstanceNotRunningError",
      code: "instanceNotRunning",
    });
    expect(await stateOf(hub, "i")).toEqual(state);
    expect(await hub.getOrchestrationHistory("i")).toEqual(history);
  });

  it.each(ILLEGAL_IDS)("is refused with an id %s", async (_rule, id) => {
    const hub = await openHub([waiter]);
    expect(await errorOf(() => hub.raiseOrchestrationEvent(id, "x"))).toMatchObject({ name: "InvalidInstanceIdError" });
  });

  it("is refused without a name", async () => {
    const hub = await openHub([waiter]);
    await run(hub, waiter, undefined, { instanceId: "i" });
    await expect(hub.raiseOrchestrationEvent("i", "")).rejects.toThrow();
    expect(eventsOf(await hub.getOrchestrationHistory("i"), "EventRaised")).toEqual([]);
  });

  it("is refused when the data cannot be stored, and changes nothing", async () => {
    const hub = await openHub([waiter]);
    await run(hub, waiter, undefined, { instanceId: "i" });
    const error = await errorOf(() => hub.raiseOrchestrationEvent("i", "x", { a: [1, () => {}] }));
    expect(error).toMatchObject({ name: "PayloadError", code: "payload", path: "$.a[1]" });
    expect((await stateOf(hub, "i")).runtimeStatus).toBe("Running");
    await raise(hub, "i", ["x", 1]);
    expect((await stateOf(hub, "i")).output).toBe(1);
  });

  const collector = defineOrchestrator("collector", async (ctx) => {
    const taken: number[] = [];
    for (;;) {
      const next = await ctx.waitForExternalEvent<number>("n");
      if (next < 0) return taken;
      taken.push(next);
    }
  });

  it("with an event id that was used has no effect", async () => {
    const hub = await openHub([collector]);
    await run(hub, collector, undefined, { instanceId: "i" });
    await hub.raiseOrchestrationEvent("i", "n", 1, { eventId: "one" });
    await hub.raiseOrchestrationEvent("i", "n", 1, { eventId: "one" });
    await hub.raiseOrchestrationEvent("i", "n", 2, { eventId: "two" });
    await hub.runUntilIdle();
    await hub.raiseOrchestrationEvent("i", "n", 1, { eventId: "one" });
    await hub.raiseOrchestrationEvent("i", "n", -1);
    await hub.runUntilIdle();
    expect((await stateOf(hub, "i")).output).toEqual([1, 2]);
  });

  it("with an event id that another instance used has its effect", async () => {
    const hub = await openHub([collector]);
    for (const instanceId of ["a", "b"]) {
      await run(hub, collector, undefined, { instanceId });
      await hub.raiseOrchestrationEvent(instanceId, "n", 1, { eventId: "one" });
      await hub.raiseOrchestrationEvent(instanceId, "n", -1);
      await hub.runUntilIdle();
      expect((await stateOf(hub, instanceId)).output).toEqual([1]);
    }
  });

  it("with an event id that was used before a restart has no effect", async () => {
    const store = new MemoryStore();
    const first = await openHub([collector], { store });
    await run(first, collector, undefined, { instanceId: "i" });
    await first.raiseOrchestrationEvent("i", "n", 1, { eventId: "one" });
    await first.close();
    const second = await openHub([collector], { store });
    await second.raiseOrchestrationEvent("i", "n", 1, { eventId: "one" });
    await second.raiseOrchestrationEvent("i", "n", -1);
    await second.runUntilIdle();
    expect((await stateOf(second, "i")).output).toEqual([1]);
  });

  it("with an event id that was used in an earlier generation has no effect", async () => {
    const rolling = defineOrchestrator("rolling", async (ctx, taken: number[]) => {
      const next = await ctx.waitForExternalEvent<number>("n");
      if (next < 0) return taken;
      ctx.continueAsNew([...taken, next]);
      return taken;
    });
    const hub = await openHub([rolling]);
    await run(hub, rolling, [], { instanceId: "i" });
    for (const [n, eventId] of [
      [1, "one"],
      [2, "two"],
      [1, "one"],
    ] as const) {
      await hub.raiseOrchestrationEvent("i", "n", n, { eventId });
      await hub.runUntilIdle();
    }
    await raise(hub, "i", ["n", -1]);
    expect((await stateOf(hub, "i")).output).toEqual([1, 2]);
  });
});
