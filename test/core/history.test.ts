/** The exact stream of events that each program leaves: kinds, ids, fields, order. */
import { defineActivity, defineOrchestrator, type HistoryEvent, whenAll } from "holdfast";
import { replayHistory } from "holdfast/testing";
import { describe, expect, it } from "vitest";
import { errorOf, eventsOf, FALSY, glance, ILLEGAL_IDS, onlyEvent, openHub, run, typesOf } from "./running.ts";
import { inEveryShape } from "./shapes.ts";

const hello = defineActivity("hello", (_ctx, name: string) => `Hello, ${name}!`);
const echo = defineActivity("echo", (_ctx, value: unknown) => value);
const fail = defineActivity("fail", (): string => {
  throw new RangeError("no");
});

/** What must hold of every history. */
function expectWellFormed(history: readonly HistoryEvent[]): void {
  const ids = history.map((event) => event.eventId).filter((id) => id >= 0);
  expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => a - b));
  expect(history.every((event) => event.timestamp instanceof Date)).toBe(true);
  const times = history.map((event) => event.timestamp.getTime());
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(typesOf(history).slice(0, 2)).toEqual(["OrchestratorStarted", "ExecutionStarted"]);
  expect(typesOf(history)).not.toContain("OrchestratorCompleted");
  expect(typesOf(history).slice(0, -1)).not.toContain("ExecutionCompleted");
}

inEveryShape("the history", (define) => {
  const child = define("child", function* (ctx, name: string) {
    yield ctx.createTimer(0);
    return `child of ${name}`;
  });

  it("of one activity has exactly these events and ids", async () => {
    const one = define("one", function* (ctx, name: string) {
      return yield* ctx.callActivity(hello, name);
    });
    const hub = await openHub([one, hello]);
    const { now } = hub;
    await run(hub, one, "Tokyo", { instanceId: "i" });
    const history = await hub.getOrchestrationHistory("i");
    expectWellFormed(history);
    expect(history.map(({ type, eventId }) => [type, eventId])).toEqual([
      ["OrchestratorStarted", -1],
      ["ExecutionStarted", 0],
      ["TaskScheduled", 1],
      ["OrchestratorStarted", -1],
      ["TaskCompleted", -1],
      ["ExecutionCompleted", 2],
    ]);
    expect(onlyEvent(history, "ExecutionStarted")).toMatchObject({
      name: "one",
      input: '"Tokyo"',
      timestamp: now,
      orchestrationInstance: { instanceId: "i", executionId: expect.stringMatching(/^[0-9a-f]{32}$/) },
    });
    expect(onlyEvent(history, "TaskScheduled")).toMatchObject({ name: "hello", input: '"Tokyo"' });
    expect(onlyEvent(history, "TaskCompleted")).toMatchObject({ taskScheduledId: 1, result: '"Hello, Tokyo!"' });
    expect(onlyEvent(history, "ExecutionCompleted")).toMatchObject({
      orchestrationStatus: "ORCHESTRATION_STATUS_COMPLETED",
      result: '"Hello, Tokyo!"',
    });
  });

  it("of an activity, a timer and a child has exactly these events", async () => {
    const three = define("three", function* (ctx) {
      yield ctx.callActivity(hello, "x");
      yield ctx.createTimer(1_000);
      return yield* ctx.callSubOrchestrator(child, "three");
    });
    const hub = await openHub([three, child, hello]);
    const fireAt = new Date(hub.now.getTime() + 1_000);
    await run(hub, three, undefined, { instanceId: "i", advance: 2_000 });
    const history = await hub.getOrchestrationHistory("i");
    expectWellFormed(history);
    expect(glance(history)).toEqual([
      "OrchestratorStarted",
      "ExecutionStarted#0",
      "TaskScheduled#1",
      "OrchestratorStarted",
      "TaskCompleted",
      "TimerCreated#2",
      "OrchestratorStarted",
      "TimerFired",
      "SubOrchestrationInstanceCreated#3",
      "OrchestratorStarted",
      "SubOrchestrationInstanceCompleted",
      "ExecutionCompleted#4",
    ]);
    const created = onlyEvent(history, "SubOrchestrationInstanceCreated");
    expect(created).toMatchObject({ name: "child", input: '"three"' });
    expect(onlyEvent(history, "TimerFired")).toMatchObject({ timerId: 2, fireAt });
    expect(onlyEvent(history, "SubOrchestrationInstanceCompleted")).toMatchObject({
      taskScheduledId: 3,
      result: '"child of three"',
    });
    const childHistory = await hub.getOrchestrationHistory(created.instanceId);
    expectWellFormed(childHistory);
    expect(onlyEvent(childHistory, "ExecutionStarted")).toMatchObject({
      name: "child",
      orchestrationInstance: { instanceId: created.instanceId },
      parentInstance: { name: "three", instanceId: "i", taskScheduledId: 3 },
    });
  });

  it("of an orchestration that waits for nothing is one turn", async () => {
    // biome-ignore lint/correctness/useYield: an orchestrator that never waits.
    const quick = define("quick", function* () {
      return 1;
    });
    const hub = await openHub([quick]);
    await run(hub, quick, undefined, { instanceId: "i" });
    const history = await hub.getOrchestrationHistory("i");
    expect(glance(history)).toEqual(["OrchestratorStarted", "ExecutionStarted#0", "ExecutionCompleted#1"]);
    expect(onlyEvent(history, "ExecutionStarted").parentInstance).toBeUndefined();
  });

  it("records the actions of a turn in the order of their ids, and results as they come", async () => {
    const fan = define("fan", function* (ctx) {
      ctx.sendEvent("nobody", "mail");
      yield whenAll([ctx.callActivity(hello, "a"), ctx.createTimer(0), ctx.callActivity(hello, "b")]);
    });
    const hub = await openHub([fan, hello]);
    await run(hub, fan, undefined, { instanceId: "i", advance: 1 });
    const history = await hub.getOrchestrationHistory("i");
    expectWellFormed(history);
    expect(glance(history).slice(0, 6)).toEqual([
      "OrchestratorStarted",
      "ExecutionStarted#0",
      "EventSent#1",
      "TaskScheduled#2",
      "TimerCreated#3",
      "TaskScheduled#4",
    ]);
    expect(eventsOf(history, "TaskCompleted").map((event) => event.taskScheduledId)).toEqual([2, 4]);
  });

  it("of a failed activity and a failed orchestration tells why", async () => {
    const failing = define("failing", function* (ctx) {
      yield ctx.callActivity(fail);
    });
    const hub = await openHub([failing, fail]);
    await run(hub, failing, undefined, { instanceId: "i" });
    const history = await hub.getOrchestrationHistory("i");
    expectWellFormed(history);
    expect(glance(history)).toEqual([
      "OrchestratorStarted",
      "ExecutionStarted#0",
      "TaskScheduled#1",
      "OrchestratorStarted",
      "TaskFailed",
      "ExecutionCompleted#2",
    ]);
    expect(onlyEvent(history, "TaskFailed")).toMatchObject({
      taskScheduledId: 1,
      failureDetails: { errorType: "RangeError" },
    });
    expect(onlyEvent(history, "ExecutionCompleted")).toMatchObject({
      orchestrationStatus: "ORCHESTRATION_STATUS_FAILED",
      failureDetails: { errorType: "TaskFailedError", innerFailure: { errorType: "RangeError" } },
    });
  });

  it("of a failed child says so by the number of its call", async () => {
    const failing = define("failing", function* (ctx) {
      yield ctx.createTimer(0);
      throw new RangeError("no");
    });
    const parent = define("parent", function* (ctx) {
      yield ctx.callActivity(hello, "x");
      yield ctx.callSubOrchestrator(failing);
    });
    const hub = await openHub([parent, failing, hello]);
    await run(hub, parent, undefined, { instanceId: "i", advance: 1 });
    const history = await hub.getOrchestrationHistory("i");
    expect(onlyEvent(history, "SubOrchestrationInstanceFailed")).toMatchObject({
      eventId: -1,
      taskScheduledId: 2,
      failureDetails: { errorType: "RangeError", errorMessage: "no" },
    });
  });

  it("keeps the case of event names and the text of their data", async () => {
    const waiting = define("waiting", function* (ctx) {
      return yield* ctx.waitForExternalEvent("approval");
    });
    const hub = await openHub([waiting]);
    await run(hub, waiting, undefined, { instanceId: "i" });
    await hub.raiseOrchestrationEvent("i", "APPROVAL", { by: "Ada" });
    await hub.runUntilIdle();
    const history = await hub.getOrchestrationHistory("i");
    expect(glance(history)).toEqual([
      "OrchestratorStarted",
      "ExecutionStarted#0",
      "OrchestratorStarted",
      "EventRaised",
      "ExecutionCompleted#1",
    ]);
    expect(onlyEvent(history, "EventRaised")).toMatchObject({ name: "APPROVAL", input: '{"by":"Ada"}' });
  });

  it("has tags and version of the start", async () => {
    const waiting = define("waiting", function* (ctx) {
      yield ctx.waitForExternalEvent("never");
    });
    const hub = await openHub([waiting]);
    await run(hub, waiting, undefined, { instanceId: "i", tags: { team: "blue" } });
    const started = onlyEvent(await hub.getOrchestrationHistory("i"), "ExecutionStarted");
    expect(started.tags).toEqual({ team: "blue" });
    expect(started.version ?? "").toBe("");
  });

  it.each(FALSY)("keeps %s as its stored text, and undefined as an absent field", async (_what, value) => {
    const through = define("through", function* (ctx, input: unknown) {
      return yield* ctx.callActivity(echo, input);
    });
    const hub = await openHub([through, echo]);
    await run(hub, through, value, { instanceId: "i" });
    const history = await hub.getOrchestrationHistory("i");
    const texts = [
      onlyEvent(history, "ExecutionStarted").input,
      onlyEvent(history, "TaskScheduled").input,
      onlyEvent(history, "TaskCompleted").result,
      onlyEvent(history, "ExecutionCompleted").result,
    ];
    expect(new Set(texts).size).toBe(1);
    if (value === undefined) expect(texts[0]).toBeUndefined();
    else if (Object.is(value, JSON.parse(JSON.stringify(value, (_, v) => (typeof v === "bigint" ? null : v))))) {
      expect(texts[0]).toBe(JSON.stringify(value));
    } else expect(texts[0]).toBeTypeOf("string");
  });

  it("grows by whole turns only: every turn begins with OrchestratorStarted, and events come before the actions they caused", async () => {
    const chatty = define("chatty", function* (ctx) {
      for (let n = 0; n < 4; n++) {
        yield ctx.waitForExternalEvent("n");
        yield ctx.callActivity(hello, String(n));
      }
    });
    const hub = await openHub([chatty, hello]);
    await run(hub, chatty, undefined, { instanceId: "i" });
    let before = await hub.getOrchestrationHistory("i");
    for (let n = 0; n < 4; n++) {
      await hub.raiseOrchestrationEvent("i", "n");
      await hub.runUntilIdle();
      const after = await hub.getOrchestrationHistory("i");
      expect(after.slice(0, before.length)).toEqual(before);
      expect(after[before.length]?.type).toBe("OrchestratorStarted");
      before = after;
    }
    expectWellFormed(before);
  });

  it("is plain data: it survives JSON and replays the same", async () => {
    const program = define("program", function* (ctx, n: number) {
      yield ctx.createTimer(1_000);
      return [yield* ctx.callActivity(echo, new Map([["n", n]])), ctx.newGuid()];
    });
    const hub = await openHub([program, echo]);
    await run(hub, program, 1, { instanceId: "i", advance: 1_000 });
    const exported = JSON.stringify(await hub.getOrchestrationHistory("i"));
    await replayHistory(program, JSON.parse(exported) as HistoryEvent[]);
  });

  it("cannot be changed by whoever reads it", async () => {
    const one = define("one", function* (ctx) {
      yield ctx.waitForExternalEvent("go");
      return "ok";
    });
    const hub = await openHub([one]);
    await run(hub, one, undefined, { instanceId: "i" });
    const history = (await hub.getOrchestrationHistory("i")) as HistoryEvent[];
    history.length = 0;
    expect(await hub.getOrchestrationHistory("i")).toHaveLength(2);
    await hub.raiseOrchestrationEvent("i", "go");
    await hub.runUntilIdle();
    expect(await hub.getOrchestrationState("i")).toMatchObject({ output: "ok" });
  });
});

describe("getOrchestrationHistory", () => {
  const quick = defineOrchestrator("quick", () => 1);

  it("is empty for an instance that does not exist", async () => {
    const hub = await openHub([quick]);
    expect(await hub.getOrchestrationHistory("nobody")).toEqual([]);
  });

  it("is empty after the instance was purged", async () => {
    const hub = await openHub([quick]);
    await run(hub, quick, undefined, { instanceId: "i" });
    await hub.purgeOrchestration("i");
    expect(await hub.getOrchestrationHistory("i")).toEqual([]);
  });

  it("is that of the new instance when an id is used again", async () => {
    const hub = await openHub([quick, hello]);
    await run(hub, quick, undefined, { instanceId: "i" });
    const before = onlyEvent(await hub.getOrchestrationHistory("i"), "ExecutionStarted");
    await run(hub, quick, undefined, { instanceId: "i" });
    const history = await hub.getOrchestrationHistory("i");
    expect(history).toHaveLength(3);
    expect(onlyEvent(history, "ExecutionStarted").orchestrationInstance.executionId).not.toBe(
      before.orchestrationInstance.executionId,
    );
  });

  it.each(ILLEGAL_IDS)("rejects an id %s", async (_rule, id) => {
    const hub = await openHub([quick]);
    expect(await errorOf(() => hub.getOrchestrationHistory(id))).toMatchObject({ code: "invalidInstanceId" });
  });
});
