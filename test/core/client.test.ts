/** The client: starting, looking, waiting, listing, purging; and what each call refuses before anything changes. */
import {
  defineActivity,
  defineOrchestrator,
  MemoryStore,
  type OrchestrationQuery,
  type OrchestrationState,
  type StartOrchestrationOptions,
  TaskHub,
  type TaskHubClient,
} from "holdfast";
import type { TestTaskHub } from "holdfast/testing";
import { describe, expect, expectTypeOf, it } from "vitest";
import { inMemory } from "../scenarios/place.ts";
import { startScenarios } from "../scenarios/starts.ts";
import { errorOf, ILLEGAL_IDS, openHub, outputOf, run, stateOf } from "./running.ts";

const MINUTE = 60_000;
const work = defineActivity("work", (_ctx, value: unknown) => value);
const quick = defineOrchestrator("quick", (_ctx, input: unknown) => ({ input }));
const failing = defineOrchestrator("failing", () => {
  throw new Error("no");
});
const waiting = defineOrchestrator("waiting", async (ctx, _input: unknown) => ctx.waitForExternalEvent("go"));
const FUNCTIONS = [work, quick, failing, waiting];

/** A hub with one instance in each status an instance can be in. */
async function oneOfEach() {
  const hub = await openHub(FUNCTIONS);
  await run(hub, quick, 1, { instanceId: "Completed" });
  await run(hub, failing, undefined, { instanceId: "Failed" });
  await run(hub, waiting, 1, { instanceId: "Running" });
  await run(hub, waiting, 1, { instanceId: "Terminated" });
  await hub.terminateOrchestration("Terminated", { output: "stop" });
  await run(hub, waiting, 1, { instanceId: "Suspended" });
  await hub.suspendOrchestration("Suspended");
  await hub.scheduleNewOrchestration(waiting, 1, {
    instanceId: "Pending",
    startAt: new Date(hub.now.getTime() + MINUTE),
  });
  await hub.runUntilIdle();
  return hub;
}
const EACH = ["Completed", "Failed", "Running", "Terminated", "Suspended", "Pending"] as const;

async function idsOf(listing: AsyncIterable<OrchestrationState>): Promise<string[]> {
  const ids: string[] = [];
  for await (const state of listing) ids.push(state.instanceId);
  return ids;
}

describe("starting an orchestration", () => {
  it("that nobody registered is refused at once, and nothing exists afterwards", async () => {
    const hub = await openHub(FUNCTIONS);
    const error = await errorOf(() => hub.scheduleNewOrchestration("nobody", 1, { instanceId: "i" }));
    expect(error).toMatchObject({ name: "FunctionNotRegisteredError", code: "functionNotRegistered" });
    expect(error.message).toContain("nobody");
    const unregistered = defineOrchestrator("unregistered", () => 1);
    await expect(hub.scheduleNewOrchestration(unregistered, undefined, { instanceId: "i" })).rejects.toThrow(
      /unregistered/,
    );
    expect(await hub.getOrchestrationState("i")).toBeUndefined();
  });

  it("by the name of an activity, or in another case, is refused", async () => {
    const hub = await openHub(FUNCTIONS);
    for (const name of ["work", "QUICK", "Quick"]) {
      expect(await errorOf(() => hub.scheduleNewOrchestration(name))).toMatchObject({ code: "functionNotRegistered" });
    }
  });

  it.each(["", undefined, null, 5])("by the name %s is refused", async (name) => {
    const hub = await openHub(FUNCTIONS);
    await expect(hub.scheduleNewOrchestration(name as string)).rejects.toThrow();
  });

  it.each(ILLEGAL_IDS)("with an id %s is refused, and nothing exists afterwards", async (_rule, id) => {
    const hub = await openHub(FUNCTIONS);
    expect(await errorOf(() => hub.scheduleNewOrchestration(quick, 1, { instanceId: id }))).toMatchObject({
      name: "InvalidInstanceIdError",
      code: "invalidInstanceId",
    });
    expect(await idsOf(hub.queryOrchestrations())).toEqual([]);
  });

  it.each([
    ["100 characters", "x".repeat(100)],
    ["one character", "x"],
    ["a colon", "parent:0001"],
    ["an @ inside", "user@example"],
    ["spaces", "order 1"],
    ["letters beyond ASCII", "Bestellung-ß-日本"],
    ["the name of an object's property", "__proto__"],
    ["percent signs and dots", "a%2e..b"],
  ])("with an id of %s is possible", async (_what, id) => {
    const hub = await openHub(FUNCTIONS);
    expect(await hub.scheduleNewOrchestration(quick, 1, { instanceId: id })).toBe(id);
    await hub.runUntilIdle();
    expect(await stateOf(hub, id)).toMatchObject({ instanceId: id, runtimeStatus: "Completed" });
    expect(await idsOf(hub.queryOrchestrations())).toEqual([id]);
    expect(await hub.purgeOrchestration(id)).toMatchObject({ deletedInstanceCount: 1 });
  });

  it("tells ids apart by their case", async () => {
    const hub = await openHub(FUNCTIONS);
    await run(hub, waiting, 1, { instanceId: "A" });
    await run(hub, waiting, 1, { instanceId: "a" });
    await hub.terminateOrchestration("A");
    await hub.runUntilIdle();
    expect((await stateOf(hub, "a")).runtimeStatus).toBe("Running");
  });

  it("with an input that cannot be stored is refused, and nothing exists afterwards", async () => {
    const hub = await openHub(FUNCTIONS);
    const error = await errorOf(() => hub.scheduleNewOrchestration(quick, { a: [() => {}] }, { instanceId: "i" }));
    expect(error).toMatchObject({ name: "PayloadError", code: "payload", path: "$.a[0]" });
    expect(await hub.getOrchestrationState("i")).toBeUndefined();
  });

  it("takes its input as it was at the call", async () => {
    const hub = await openHub(FUNCTIONS);
    const input = { n: 1 };
    const started = hub.scheduleNewOrchestration(quick, input, { instanceId: "i" });
    input.n = 2;
    await started;
    await hub.runUntilIdle();
    expect((await stateOf(hub, "i")).output).toEqual({ input: { n: 1 } });
  });

  it.each([
    ["tags that are a text", { tags: "a" }],
    ["tags that are a list", { tags: ["a"] }],
    ["tags that are no texts", { tags: { a: 1 } }],
    ["a version that is no text", { version: 3 }],
  ])("with %s is refused, and nothing exists afterwards", async (_what, options) => {
    const hub = await openHub([waiting]);
    const start = { ...options, instanceId: "i" } as object as StartOrchestrationOptions;
    expect(await errorOf(() => hub.scheduleNewOrchestration(waiting, 1, start))).toMatchObject({
      code: "invalidArgument",
    });
    expect(await hub.getOrchestrationState("i")).toBeUndefined();
  });

  it("gives it the tags of the start, and none otherwise", async () => {
    const hub = await openHub(FUNCTIONS);
    expect((await run(hub, quick, 1, { tags: { team: "blue", n: "1" } })).tags).toEqual({ team: "blue", n: "1" });
    expect((await run(hub, quick, 1)).tags).toEqual({});
  });

  it("takes the version of its definition, and one given at the start wins", async () => {
    const one = defineOrchestrator({ name: "job", version: "1.0", run: (ctx) => ctx.version });
    const two = defineOrchestrator({ name: "job", version: "2.0", run: (ctx) => ctx.version });
    const hub = await openHub([one, two]);
    const id = await hub.scheduleNewOrchestration(one);
    const other = await hub.scheduleNewOrchestration(one, undefined, { version: "2.0" });
    await hub.runUntilIdle();
    expect(await stateOf(hub, id)).toMatchObject({ version: "1.0", output: "1.0" });
    expect(await stateOf(hub, other)).toMatchObject({ version: "2.0", output: "2.0" });
  });

  it("compares versions number by number", async () => {
    const compare = defineOrchestrator({
      name: "compare",
      version: "1.10",
      run: (ctx) =>
        ["1.9", "1.10", "1.10.0", "2", "1.11", ""].map((version) => Math.sign(ctx.compareVersionTo(version))),
    });
    const hub = await openHub([compare]);
    expect(await outputOf(hub, compare)).toEqual([1, 0, 0, -1, -1, 1]);
  });

  it("compares versions that are not numbers as text, without case, and none as the lowest", async () => {
    const compare = defineOrchestrator({
      name: "compare",
      version: "beta",
      run: (ctx) => ["BETA", "alpha", "gamma", ""].map((version) => Math.sign(ctx.compareVersionTo(version))),
    });
    const none = defineOrchestrator("none", (ctx) => [ctx.compareVersionTo(""), Math.sign(ctx.compareVersionTo("0"))]);
    const hub = await openHub([compare, none]);
    expect(await outputOf(hub, compare)).toEqual([0, 1, -1, 1]);
    expect(await outputOf(hub, none)).toEqual([0, -1]);
  });
});

startScenarios(inMemory);

describe("the state of an instance", () => {
  it("is undefined when there is none", async () => {
    const hub = await openHub(FUNCTIONS);
    expect(await hub.getOrchestrationState("nobody")).toBeUndefined();
  });

  it.each(ILLEGAL_IDS)("is refused for an id %s", async (_rule, id) => {
    const hub = await openHub(FUNCTIONS);
    expect(await errorOf(() => hub.getOrchestrationState(id))).toMatchObject({ code: "invalidInstanceId" });
  });

  it.each(EACH)("says %s where that is so, and when it ended where it has", async (status) => {
    const hub = await oneOfEach();
    const state = await stateOf(hub, status);
    expect(state.runtimeStatus).toBe(status);
    expect(state.completedAt !== undefined).toBe(["Completed", "Failed", "Terminated"].includes(status));
    expect(state.failure !== undefined).toBe(status === "Failed");
  });

  it("says when it was made, changed and finished", async () => {
    const hub = await openHub(FUNCTIONS);
    const createdAt = hub.now;
    await run(hub, waiting, 1, { instanceId: "i", advance: 1_000 });
    expect(await stateOf(hub, "i")).toMatchObject({ createdAt, lastUpdatedAt: createdAt });
    await hub.raiseOrchestrationEvent("i", "other");
    await hub.runUntilIdle();
    expect(await stateOf(hub, "i")).toMatchObject({ createdAt, lastUpdatedAt: hub.now });
    await hub.advance(1_000);
    await hub.raiseOrchestrationEvent("i", "go");
    await hub.advance(1_000);
    const end = new Date(createdAt.getTime() + 2_000);
    expect(await stateOf(hub, "i")).toMatchObject({ createdAt, lastUpdatedAt: end, completedAt: end });
  });

  it("comes without payloads when they are not asked for", async () => {
    const hub = await oneOfEach();
    const state = await hub.getOrchestrationState("Completed", { fetchPayloads: false });
    expect(state).toMatchObject({ instanceId: "Completed", runtimeStatus: "Completed", name: "quick" });
    expect([state?.input, state?.output, state?.customStatus]).toEqual([undefined, undefined, undefined]);
    expect((await hub.getOrchestrationState("Failed", { fetchPayloads: false }))?.failure?.errorMessage).toBe("no");
  });

  it("is a value of its own: changing it changes nothing", async () => {
    const hub = await openHub(FUNCTIONS);
    await run(hub, quick, { list: [1] }, { instanceId: "i", tags: { a: "b" } });
    const state = await stateOf<{ input: { list: number[] } }>(hub, "i");
    state.output?.input.list.push(2);
    (state.tags as Record<string, string>).a = "changed";
    state.createdAt.setTime(0);
    expect(await stateOf(hub, "i")).toMatchObject({
      output: { input: { list: [1] } },
      tags: { a: "b" },
      createdAt: hub.now,
    });
  });
});

describe("waiting for an instance", () => {
  it("to complete gives its state, however it ended", async () => {
    const hub = await oneOfEach();
    for (const status of ["Completed", "Failed", "Terminated"] as const) {
      expect(await hub.waitForOrchestrationCompletion(status)).toMatchObject({ runtimeStatus: status });
    }
  });

  it("to complete answers everybody who waits", async () => {
    const hub = await openHub(FUNCTIONS);
    await run(hub, waiting, 1, { instanceId: "i" });
    const waits = Array.from({ length: 5 }, () => hub.waitForOrchestrationCompletion("i"));
    await hub.raiseOrchestrationEvent("i", "go", 7);
    expect((await Promise.all(waits)).map((state) => state.output)).toEqual([7, 7, 7, 7, 7]);
  });

  it("to complete goes through generations to the last", async () => {
    const rolling = defineOrchestrator("rolling", async (ctx, n: number) => {
      await ctx.createTimer(1_000);
      if (n > 0) ctx.continueAsNew(n - 1);
      return n;
    });
    const hub = await openHub([rolling]);
    const id = await hub.scheduleNewOrchestration(rolling, 3);
    const wait = hub.waitForOrchestrationCompletion(id);
    await hub.advance({ minutes: 1 });
    expect(await wait).toMatchObject({ runtimeStatus: "Completed", output: 0 });
  });

  it("to start does not answer while it is Pending", async () => {
    const hub = await openHub(FUNCTIONS);
    const startAt = new Date(hub.now.getTime() + MINUTE);
    await hub.scheduleNewOrchestration(waiting, 1, { instanceId: "i", startAt });
    let answer: OrchestrationState | undefined;
    const wait = hub.waitForOrchestrationStart("i").then((state) => (answer = state));
    await hub.advance(MINUTE - 1);
    expect(answer).toBeUndefined();
    await hub.advance(1);
    expect(await wait).toMatchObject({ instanceId: "i", runtimeStatus: "Running" });
  });

  it("to start answers at once when it has started, or finished", async () => {
    const hub = await oneOfEach();
    expect(await hub.waitForOrchestrationStart("Running")).toMatchObject({ runtimeStatus: "Running" });
    expect(await hub.waitForOrchestrationStart("Completed")).toMatchObject({ runtimeStatus: "Completed" });
  });

  it.each(["waitForOrchestrationStart", "waitForOrchestrationCompletion"] as const)(
    "%s rejects with InstanceNotFoundError at once when there is none",
    async (method) => {
      const hub = await openHub(FUNCTIONS);
      expect(await errorOf(() => hub[method]("nobody", { timeoutMs: 60_000 }))).toMatchObject({
        name: "InstanceNotFoundError",
        code: "instanceNotFound",
      });
    },
  );

  it.each(["waitForOrchestrationStart", "waitForOrchestrationCompletion"] as const)(
    "%s rejects with TimeoutError when its time is over, and the instance goes on",
    async (method) => {
      const hub = await openHub(FUNCTIONS);
      const startAt = new Date(hub.now.getTime() + MINUTE);
      await hub.scheduleNewOrchestration(waiting, 1, { instanceId: "i", startAt });
      const wait = errorOf(() => hub[method]("i", { timeoutMs: 500 }));
      await hub.advance(500);
      expect(await wait).toMatchObject({ name: "TimeoutError", code: "timeout" });
      await hub.advance(MINUTE);
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Running");
    },
  );

  it("with a timeout of 0 gives what is there already, and times out otherwise", async () => {
    const hub = await oneOfEach();
    expect(await hub.waitForOrchestrationCompletion("Completed", { timeoutMs: 0 })).toMatchObject({
      runtimeStatus: "Completed",
    });
    const wait = errorOf(() => hub.waitForOrchestrationCompletion("Running", { timeoutMs: 0 }));
    await hub.advance(1);
    expect(await wait).toMatchObject({ code: "timeout" });
  });

  it("without a timeout waits for ever", async () => {
    const hub = await openHub(FUNCTIONS);
    await run(hub, waiting, 1, { instanceId: "i" });
    let isSettled = false;
    const wait = hub.waitForOrchestrationCompletion("i").finally(() => (isSettled = true));
    await hub.advance({ days: 1_000 });
    expect(isSettled).toBe(false);
    await hub.raiseOrchestrationEvent("i", "go");
    expect((await wait).runtimeStatus).toBe("Completed");
  });

  it.each([-1, Number.NaN, "soon"])("with the timeout %s is refused", async (timeoutMs) => {
    const hub = await oneOfEach();
    await expect(hub.waitForOrchestrationCompletion("Running", { timeoutMs: timeoutMs as number })).rejects.toThrow(
      /timeoutMs/,
    );
  });

  it.each(ILLEGAL_IDS)("with an id %s is refused", async (_rule, id) => {
    const hub = await openHub(FUNCTIONS);
    expect(await errorOf(() => hub.waitForOrchestrationStart(id))).toMatchObject({ code: "invalidInstanceId" });
    expect(await errorOf(() => hub.waitForOrchestrationCompletion(id))).toMatchObject({ code: "invalidInstanceId" });
  });

  it("rejects with InstanceNotFoundError when the instance is purged meanwhile", async () => {
    const hub = await openHub(FUNCTIONS);
    await run(hub, waiting, 1, { instanceId: "i" });
    const wait = hub.waitForOrchestrationCompletion("i");
    await hub.terminateOrchestration("i");
    await hub.purgeOrchestration("i");
    const outcome = await wait.catch((error: unknown) => error);
    expect(outcome).toMatchObject(
      outcome instanceof Error ? { code: "instanceNotFound" } : { runtimeStatus: "Terminated" },
    );
  });
});

describe("listing instances", () => {
  /** Twelve instances, one a second, of two kinds, with tags. */
  async function twelve(): Promise<{ hub: TestTaskHub; ids: string[]; at: (n: number) => Date }> {
    const hub = await openHub(FUNCTIONS);
    const start = hub.now.getTime();
    const ids: string[] = [];
    for (let n = 0; n < 12; n++) {
      const instanceId = `${n % 3 === 0 ? "order" : "task"}-${String(11 - n).padStart(2, "0")}`;
      ids.push(instanceId);
      await run(hub, n % 2 === 0 ? quick : waiting, n, {
        instanceId,
        tags: { parity: n % 2 === 0 ? "even" : "odd", n: String(n) },
      });
      await hub.advance(1_000);
    }
    return { hub, ids, at: (n) => new Date(start + n * 1_000) };
  }

  it("gives all of them in order of creation", async () => {
    const { hub, ids } = await twelve();
    expect(await idsOf(hub.queryOrchestrations())).toEqual(ids);
  });

  it("gives nothing where there is nothing", async () => {
    const hub = await openHub(FUNCTIONS);
    expect(await idsOf(hub.queryOrchestrations())).toEqual([]);
    for await (const page of hub.queryOrchestrations().pages()) {
      expect(page.values).toEqual([]);
      expect(page.continuationToken).toBeUndefined();
    }
  });

  it("gives states with their payloads, and without when they are not asked for", async () => {
    const { hub } = await twelve();
    const states: OrchestrationState[] = [];
    for await (const state of hub.queryOrchestrations({ names: ["quick"] })) states.push(state);
    expect(states.map((state) => state.output)).toEqual([0, 2, 4, 6, 8, 10].map((input) => ({ input })));
    for await (const state of hub.queryOrchestrations({ fetchPayloads: false })) {
      expect([state.input, state.output]).toEqual([undefined, undefined]);
    }
  });

  const pick = (ids: string[], ...at: number[]): string[] => at.map((n) => ids[n] ?? "");
  const queries: [string, (at: (n: number) => Date) => OrchestrationQuery, number[]][] = [
    ["one status", () => ({ statuses: ["Completed"] }), [0, 2, 4, 6, 8, 10]],
    ["several statuses", () => ({ statuses: ["Completed", "Running"] }), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
    ["a status nobody is in", () => ({ statuses: ["Suspended"] }), []],
    ["a name", () => ({ names: ["waiting"] }), [1, 3, 5, 7, 9, 11]],
    ["several names", () => ({ names: ["waiting", "quick", "nobody"] }), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
    ["a prefix of the id", () => ({ instanceIdPrefix: "order-" }), [0, 3, 6, 9]],
    ["a prefix in another case", () => ({ instanceIdPrefix: "ORDER-" }), []],
    ["the empty prefix", () => ({ instanceIdPrefix: "" }), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
    ["a time it was created from, inclusive", (at) => ({ createdFrom: at(9) }), [9, 10, 11]],
    ["a time it was created to, inclusive", (at) => ({ createdTo: at(2) }), [0, 1, 2]],
    ["a span of creation", (at) => ({ createdFrom: at(3), createdTo: at(5) }), [3, 4, 5]],
    ["a span that is upside down", (at) => ({ createdFrom: at(5), createdTo: at(3) }), []],
    ["a tag", () => ({ tags: { parity: "odd" } }), [1, 3, 5, 7, 9, 11]],
    ["all of several tags", () => ({ tags: { parity: "odd", n: "3" } }), [3]],
    ["tags that contradict", () => ({ tags: { parity: "odd", n: "4" } }), []],
    ["a tag that an object always has", () => ({ tags: { toString: "x" } }), []],
    [
      "everything together",
      (at) => ({
        statuses: ["Completed"],
        names: ["quick"],
        instanceIdPrefix: "task",
        createdFrom: at(1),
        tags: { parity: "even" },
      }),
      [2, 4, 8, 10],
    ],
  ];

  it.each(queries)("finds instances by %s", async (_what, query, expected) => {
    const { hub, ids, at } = await twelve();
    expect(await idsOf(hub.queryOrchestrations(query(at)))).toEqual(pick(ids, ...expected));
  });

  it.each(queries)("finds the same by %s page by page", async (_what, query, expected) => {
    const { hub, ids, at } = await twelve();
    const found: string[] = [];
    for await (const page of hub.queryOrchestrations({ ...query(at), pageSize: 2 }).pages()) {
      expect(page.values.length).toBeLessThanOrEqual(2);
      found.push(...page.values.map((state) => state.instanceId));
    }
    expect(found).toEqual(pick(ids, ...expected));
  });

  it("gives pages of the size asked for, and a token on each but the last", async () => {
    const { hub } = await twelve();
    const pages: [number, boolean][] = [];
    for await (const { values, continuationToken } of hub.queryOrchestrations({ pageSize: 5 }).pages()) {
      pages.push([values.length, continuationToken !== undefined]);
    }
    expect(pages).toEqual([
      [5, true],
      [5, true],
      [2, false],
    ]);
  });

  it("goes on from a token, also after reopening the hub", async () => {
    const store = new MemoryStore();
    const first = await openHub(FUNCTIONS, { store });
    for (const instanceId of ["a", "b", "c", "d", "e"]) await run(first, quick, 1, { instanceId });
    let token: string | undefined;
    for await (const page of first.queryOrchestrations({ pageSize: 2 }).pages()) {
      token = page.continuationToken;
      break;
    }
    expect(token).toBeTypeOf("string");
    await first.close();
    const second = await openHub(FUNCTIONS, { store });
    expect(
      await idsOf(
        second.queryOrchestrations({ pageSize: 2, ...(token !== undefined && { continuationToken: token }) }),
      ),
    ).toEqual(["c", "d", "e"]);
  });

  it("neither skips nor doubles instances of one creation instant", async () => {
    const hub = await openHub(FUNCTIONS);
    const ids = Array.from({ length: 25 }, (_, n) => `same-${String(n).padStart(2, "0")}`);
    await Promise.all(ids.toReversed().map((instanceId) => hub.scheduleNewOrchestration(quick, 1, { instanceId })));
    await hub.runUntilIdle();
    const found: string[] = [];
    for await (const page of hub.queryOrchestrations({ pageSize: 4 }).pages())
      found.push(...page.values.map((s) => s.instanceId));
    expect(found).toHaveLength(25);
    expect(found.toSorted()).toEqual(ids);
  });

  it("does not trip over instances that come and go while it is read", async () => {
    const { hub, ids } = await twelve();
    const found: string[] = [];
    for await (const { values } of hub.queryOrchestrations({ pageSize: 3 }).pages()) {
      found.push(...values.map((state) => state.instanceId));
      await hub.purgeOrchestration(ids[0] ?? "");
      await hub.advance(1);
    }
    expect(found.slice(0, 12)).toEqual(ids);
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "10"])("refuses the page size %s", async (pageSize) => {
    const hub = await openHub(FUNCTIONS);
    await expect(
      idsOf(
        (async function* () {
          yield* hub.queryOrchestrations({ pageSize: pageSize as number });
        })(),
      ),
    ).rejects.toThrow(/page ?size/i);
  });

  it.each(["made up", "", "e30=", "{}", "AAAA"])(
    "refuses the token %j, which it never gave",
    async (continuationToken) => {
      const hub = await openHub(FUNCTIONS);
      await expect(
        idsOf(
          (async function* () {
            yield* hub.queryOrchestrations({ continuationToken });
          })(),
        ),
      ).rejects.toThrow(/token/i);
    },
  );

  it.each<[string, unknown]>([
    ["a status that does not exist", { statuses: ["Runing"] }],
    ["a date that is none", { createdFrom: new Date(Number.NaN) }],
    ["a date as text", { createdTo: "2026-01-01" }],
  ])("refuses %s rather than ignoring it", async (_what, query) => {
    const hub = await openHub(FUNCTIONS);
    await expect(
      idsOf(
        (async function* () {
          yield* hub.queryOrchestrations(query as OrchestrationQuery);
        })(),
      ),
    ).rejects.toThrow();
  });
});

describe("purging one instance", () => {
  it.each(["Completed", "Failed", "Terminated"])("deletes one that is %s, and reports 1", async (id) => {
    const hub = await oneOfEach();
    expect(await hub.purgeOrchestration(id)).toMatchObject({ deletedInstanceCount: 1 });
    expect(await hub.getOrchestrationState(id)).toBeUndefined();
    expect(await hub.getOrchestrationHistory(id)).toEqual([]);
    expect(await hub.purgeOrchestration(id)).toMatchObject({ deletedInstanceCount: 0 });
    expect(await errorOf(() => hub.raiseOrchestrationEvent(id, "x"))).toMatchObject({ code: "instanceNotFound" });
  });

  it.each(["Running", "Pending", "Suspended"])("leaves one that is %s alone, and reports 0", async (id) => {
    const hub = await oneOfEach();
    const state = await stateOf(hub, id);
    expect(await hub.purgeOrchestration(id)).toMatchObject({ deletedInstanceCount: 0 });
    expect(await stateOf(hub, id)).toEqual(state);
  });

  it("that is missing deletes 0", async () => {
    const hub = await openHub(FUNCTIONS);
    expect(await hub.purgeOrchestration("nobody")).toMatchObject({ deletedInstanceCount: 0 });
  });

  it.each(ILLEGAL_IDS)("with an id %s is refused", async (_rule, id) => {
    const hub = await openHub(FUNCTIONS);
    expect(await errorOf(() => hub.purgeOrchestration(id))).toMatchObject({ code: "invalidInstanceId" });
  });

  it("cancels its timers, and no others", async () => {
    const sleeper = defineOrchestrator("sleeper", async (ctx) => ctx.createTimer(1_000));
    const hub = await openHub([sleeper]);
    await run(hub, sleeper, undefined, { instanceId: "a" });
    await run(hub, sleeper, undefined, { instanceId: "b" });
    await hub.terminateOrchestration("a");
    await hub.purgeOrchestration("a");
    await hub.advance(2_000);
    expect(await hub.getOrchestrationState("a")).toBeUndefined();
    expect((await stateOf(hub, "b")).runtimeStatus).toBe("Completed");
  });

  it("drops what an activity of it brings later", async () => {
    let finish = (): void => {};
    const slow = defineActivity("slow", () => new Promise<void>((resolve) => (finish = resolve)));
    const busy = defineOrchestrator("busy", async (ctx) => ctx.callActivity(slow));
    const hub = await openHub([busy, slow]);
    await run(hub, busy, undefined, { instanceId: "i" });
    await hub.terminateOrchestration("i");
    await hub.purgeOrchestration("i");
    finish();
    await hub.runUntilIdle();
    expect(await hub.getOrchestrationState("i")).toBeUndefined();
    expect(await hub.getOrchestrationHistory("i")).toEqual([]);
  });

  it("is durable once it is acknowledged", async () => {
    const store = new MemoryStore();
    const first = await openHub(FUNCTIONS, { store });
    await run(first, quick, 1, { instanceId: "i" });
    await first.purgeOrchestration("i");
    await first.close();
    const second = await openHub(FUNCTIONS, { store });
    expect(await second.getOrchestrationState("i")).toBeUndefined();
  });
});

describe("purging by criteria", () => {
  it("deletes all that is finished, and nothing else", async () => {
    const hub = await oneOfEach();
    expect(await hub.purgeOrchestration({})).toEqual({ deletedInstanceCount: 3, isComplete: true });
    expect((await idsOf(hub.queryOrchestrations())).toSorted()).toEqual(["Pending", "Running", "Suspended"]);
  });

  it("deletes by status", async () => {
    const hub = await oneOfEach();
    expect(await hub.purgeOrchestration({ statuses: ["Failed", "Running"] })).toEqual({
      deletedInstanceCount: 1,
      isComplete: true,
    });
    expect(await hub.getOrchestrationState("Failed")).toBeUndefined();
    expect((await stateOf(hub, "Running")).runtimeStatus).toBe("Running");
  });

  it("deletes by time of creation, bounds included", async () => {
    const hub = await openHub(FUNCTIONS);
    const times: Date[] = [];
    for (let n = 0; n < 6; n++) {
      times.push(hub.now);
      await run(hub, quick, n, { instanceId: String(n), advance: 1_000 });
    }
    const [, from, , to] = times;
    if (!from || !to) throw new Error("six instants were noted");
    expect(await hub.purgeOrchestration({ createdFrom: from, createdTo: to })).toMatchObject({
      deletedInstanceCount: 3,
    });
    expect(await idsOf(hub.queryOrchestrations())).toEqual(["0", "4", "5"]);
  });

  it("deletes more than a page", async () => {
    const hub = await openHub(FUNCTIONS);
    await Promise.all(Array.from({ length: 350 }, (_, n) => hub.scheduleNewOrchestration(quick, n)));
    await hub.runUntilIdle();
    expect(await hub.purgeOrchestration({})).toEqual({ deletedInstanceCount: 350, isComplete: true });
    expect(await idsOf(hub.queryOrchestrations())).toEqual([]);
  });

  it("says when its time ran out before it was done", async () => {
    const hub = await oneOfEach();
    expect(await hub.purgeOrchestration({ timeoutMs: 0 })).toMatchObject({ isComplete: false });
    expect(await hub.purgeOrchestration({ timeoutMs: 60_000 })).toMatchObject({ isComplete: true });
  });

  it.each<[string, object]>([
    ["a status that does not exist", { statuses: ["Runing"] }],
    ["a date that is none", { createdFrom: new Date(Number.NaN) }],
    ["a timeout that is none", { timeoutMs: -1 }],
  ])("refuses %s, and deletes nothing", async (_what, criteria) => {
    const hub = await oneOfEach();
    await expect(hub.purgeOrchestration(criteria)).rejects.toThrow();
    expect(await hub.getOrchestrationState("Completed")).toBeDefined();
  });
});

describe("a closed hub", () => {
  type Call = [string, (hub: TaskHubClient) => unknown];
  const calls: Call[] = [
    ["scheduleNewOrchestration", (hub) => hub.scheduleNewOrchestration(quick, 1)],
    ["getOrchestrationState", (hub) => hub.getOrchestrationState("i")],
    ["waitForOrchestrationStart", (hub) => hub.waitForOrchestrationStart("i")],
    ["waitForOrchestrationCompletion", (hub) => hub.waitForOrchestrationCompletion("i")],
    ["raiseOrchestrationEvent", (hub) => hub.raiseOrchestrationEvent("i", "x")],
    ["terminateOrchestration", (hub) => hub.terminateOrchestration("i")],
    ["suspendOrchestration", (hub) => hub.suspendOrchestration("i")],
    ["resumeOrchestration", (hub) => hub.resumeOrchestration("i")],
    ["purgeOrchestration", (hub) => hub.purgeOrchestration("i")],
    ["purgeOrchestration by criteria", (hub) => hub.purgeOrchestration({})],
    ["queryOrchestrations", (hub) => idsOf(hub.queryOrchestrations())],
    ["getOrchestrationHistory", (hub) => hub.getOrchestrationHistory("i")],
  ];

  it.each(calls)("rejects %s with HubClosedError", async (_name, call) => {
    const hub = await openHub(FUNCTIONS);
    await run(hub, waiting, 1, { instanceId: "i" });
    await hub.close();
    expect(await errorOf(async () => call(hub))).toMatchObject({ name: "HubClosedError", code: "hubClosed" });
  });

  it.each(calls)("rejects %s with HubFencedError when another hub has opened the store", async (_name, call) => {
    const store = new MemoryStore();
    const older = await openHub(FUNCTIONS, { store });
    await run(older, waiting, 1, { instanceId: "i" });
    await openHub(FUNCTIONS, { store });
    expect(await errorOf(async () => call(older))).toMatchObject({ name: "HubFencedError", code: "hubFenced" });
  });

  it("rejects waits that are open when it closes", async () => {
    const hub = await openHub(FUNCTIONS);
    await run(hub, waiting, 1, { instanceId: "i" });
    const waits = [
      hub.waitForOrchestrationCompletion("i"),
      hub.waitForOrchestrationCompletion("i", { timeoutMs: 1e6 }),
    ];
    const outcomes = Promise.allSettled(waits);
    await hub.close();
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { name: "HubClosedError" } });
    }
  });

  it("can be closed twice", async () => {
    const hub = await openHub(FUNCTIONS);
    await hub.close();
    await hub.close();
  });

  it("is closed by await using", async () => {
    const opened = await (async () => {
      await using hub = await TaskHub.open({ functions: FUNCTIONS });
      return hub;
    })();
    expect(await errorOf(() => opened.getOrchestrationState("i"))).toMatchObject({ code: "hubClosed" });
  });
});

describe("opening a hub", () => {
  it("needs nothing but functions", async () => {
    await using hub = await TaskHub.open({ functions: [quick] });
    const id = await hub.scheduleNewOrchestration(quick, 1);
    expect((await hub.waitForOrchestrationCompletion(id)).output).toEqual({ input: 1 });
    expectTypeOf(hub).toExtend<TaskHubClient>();
  });

  it.each(["", "a b", "a/b", "x".repeat(65), "ä", "a.b", "\n"])("refuses the name %j", async (name) => {
    await expect(openHub([quick], { name })).rejects.toThrow();
  });

  it.each(["a", "A-b_9", "x".repeat(64)])("takes the name %j", async (name) => {
    expect((await openHub([quick], { name })).name).toBe(name);
  });

  it("keeps hubs of one store apart by their names, case included", async () => {
    const store = new MemoryStore();
    const hubs = await Promise.all(["orders", "Orders", "other"].map((name) => openHub(FUNCTIONS, { store, name })));
    for (const [n, hub] of hubs.entries()) await run(hub, quick, n, { instanceId: "same" });
    for (const [n, hub] of hubs.entries()) {
      expect((await stateOf(hub, "same")).output).toEqual({ input: n });
      expect(await idsOf(hub.queryOrchestrations())).toEqual(["same"]);
    }
    await hubs[0]?.purgeOrchestration({});
    expect(await idsOf(hubs[1]?.queryOrchestrations() ?? hubs[0]!.queryOrchestrations())).toEqual(["same"]);
  });

  it.each<[string, object]>([
    ["a concurrency of 0", { maxConcurrentActivities: 0 }],
    ["a negative number of live instances", { maxLiveInstances: -1 }],
    ["a limit that is no number", { limits: { payloadBytesMax: Number.NaN } }],
    ["a limit that does not exist", { limits: { payloadByteMax: 1 } }],
  ])("refuses %s", async (_what, options) => {
    await expect(openHub([quick], options)).rejects.toThrow();
  });
});
