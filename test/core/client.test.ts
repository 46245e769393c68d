/** The client: listing, closed hubs, and what a hub refuses to be opened with. Starting, looking, waiting and purging are scenarios. */
import { MemoryStore, type OrchestrationQuery, type OrchestrationState, TaskHub, type TaskHubClient } from "holdfast";
import type { TestTaskHub } from "holdfast/testing";
import { describe, expect, expectTypeOf, it } from "vitest";
import { FUNCTIONS, quick, waiting } from "../scenarios/every-status.ts";
import { idsOf } from "../scenarios/place.ts";
import { errorOf, openHub, run, stateOf } from "./running.ts";

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
