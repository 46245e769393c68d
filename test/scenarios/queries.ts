/** Listing instances and their ids: filters, pages, tokens. */
import { defineOrchestrator, type ListInstanceIdsQuery, type OrchestrationQuery } from "holdfast";
import type { TestTaskHub } from "holdfast/testing";
import { describe, expect } from "vitest";
import { errorOf, run } from "../core/running.ts";
import { listOf, type Scenario } from "./place.ts";

const ends = defineOrchestrator("ends", async (_ctx, input: unknown) => input);
const fails = defineOrchestrator("fails", async () => {
  throw new Error("no");
});
const waits = defineOrchestrator("waits", async (ctx) => {
  ctx.setCustomStatus("waiting");
  return await ctx.waitForExternalEvent("go");
});
const FUNCTIONS = [ends, fails, waits];

/** One instance a second: `a0 a1 b0 …`, of every status. */
async function fill(hub: TestTaskHub): Promise<(second: number) => Date> {
  const start = hub.now.getTime();
  await run(hub, ends, 1, { instanceId: "a-ended", tags: { team: "x", size: "1" }, advance: 1000 });
  await run(hub, fails, undefined, { instanceId: "a-failed", tags: { team: "x" }, advance: 1000 });
  await run(hub, waits, undefined, { instanceId: "b-waiting", tags: { team: "y" }, advance: 1000 });
  await run(hub, waits, undefined, { instanceId: "b-stopped", advance: 1000 });
  await run(hub, waits, undefined, { instanceId: "b-held", advance: 1000 });
  await hub.scheduleNewOrchestration(ends, 5, { instanceId: "c-later", startAt: new Date(start + 3_600_000) });
  await hub.advance(1000);
  await hub.terminateOrchestration("b-stopped");
  await hub.suspendOrchestration("b-held");
  await hub.runUntilIdle();
  return (second) => new Date(start + second * 1000);
}
const ALL = ["a-ended", "a-failed", "b-waiting", "b-stopped", "b-held", "c-later"];

async function idsOf(hub: TestTaskHub, query?: OrchestrationQuery): Promise<string[]> {
  return (await listOf(hub.queryOrchestrations(query))).map(({ instanceId }) => instanceId);
}

export function queryScenarios(it: Scenario): void {
  describe("a query of instances", () => {
    it("filters by each criterion, by all of them together, and includes its bounds", async (place) => {
      const hub = await place.open(FUNCTIONS);
      const at = await fill(hub);
      const cases: readonly (readonly [OrchestrationQuery | undefined, string[]])[] = [
        [undefined, ALL],
        [{}, ALL],
        [{ statuses: ["Completed"] }, ["a-ended"]],
        [{ statuses: ["Failed", "Terminated"] }, ["a-failed", "b-stopped"]],
        [{ statuses: ["Running"] }, ["b-waiting"]],
        [{ statuses: ["Suspended", "Pending"] }, ["b-held", "c-later"]],
        [{ statuses: ["Canceled"] }, []],
        [{ names: ["ends"] }, ["a-ended", "c-later"]],
        [{ names: ["Ends"] }, []],
        [{ names: ["ends", "fails"] }, ["a-ended", "a-failed", "c-later"]],
        [{ instanceIdPrefix: "b-" }, ["b-waiting", "b-stopped", "b-held"]],
        [{ instanceIdPrefix: "B-" }, []],
        [{ instanceIdPrefix: "%" }, []],
        [{ instanceIdPrefix: "_" }, []],
        [{ createdFrom: at(1), createdTo: at(3) }, ["a-failed", "b-waiting", "b-stopped"]],
        [{ createdFrom: at(5) }, ["c-later"]],
        [{ createdTo: at(0) }, ["a-ended"]],
        [{ tags: { team: "x" } }, ["a-ended", "a-failed"]],
        [{ tags: { team: "x", size: "1" } }, ["a-ended"]],
        [{ tags: { team: "z" } }, []],
        [
          { names: ["waits"], statuses: ["Running"], tags: { team: "y" }, createdFrom: at(0), instanceIdPrefix: "b" },
          ["b-waiting"],
        ],
      ];
      for (const [query, ids] of cases) expect(await idsOf(hub, query), JSON.stringify(query)).toEqual(ids);
    });

    it("decodes payloads unless told otherwise", async (place) => {
      const hub = await place.open(FUNCTIONS);
      await fill(hub);
      const [ended] = await listOf(hub.queryOrchestrations({ instanceIdPrefix: "a-ended" }));
      expect(ended).toMatchObject({ input: 1, output: 1, tags: { team: "x", size: "1" } });
      for await (const state of hub.queryOrchestrations({ fetchPayloads: false })) {
        for (const field of ["input", "output", "customStatus"]) expect(state).not.toHaveProperty(field);
      }
    });

    it("gives pages whose tokens lead on, after a restart as well, with the filter", async (place) => {
      let hub = await place.open(FUNCTIONS);
      await fill(hub);
      for (const pageSize of [1, 2, 4, 6, 100]) {
        const pages = await listOf(hub.queryOrchestrations({ pageSize }).pages());
        expect(pages.flatMap(({ values }) => values.map((state) => state.instanceId))).toEqual(ALL);
        expect(pages.every(({ values }) => values.length <= pageSize)).toBe(true);
        expect(pages.at(-1)).not.toHaveProperty("continuationToken");
      }
      const [first] = await listOf(hub.queryOrchestrations({ pageSize: 1, instanceIdPrefix: "b-" }).pages());
      hub = await place.open(FUNCTIONS);
      const continuationToken = first?.continuationToken as string;
      expect(await idsOf(hub, { instanceIdPrefix: "b-", continuationToken })).toEqual(["b-stopped", "b-held"]);
    });

    it("that makes no sense is refused", async (place) => {
      const hub = await place.open(FUNCTIONS);
      await fill(hub);
      for (const query of [
        { pageSize: 0 },
        { pageSize: -3 },
        { pageSize: 2.5 },
        { pageSize: Number.POSITIVE_INFINITY },
        { continuationToken: "made-up" },
        { continuationToken: "" },
        { statuses: ["Sleeping"] },
        { createdFrom: new Date(Number.NaN) },
      ] as OrchestrationQuery[])
        expect(await errorOf(() => idsOf(hub, query)), JSON.stringify(query)).toMatchObject({
          code: "invalidArgument",
        });
    });
  });

  describe("listing ids by completion", () => {
    /** Six instances that complete in another order than they were made in. */
    async function finish(hub: TestTaskHub): Promise<(second: number) => Date> {
      const start = hub.now.getTime();
      for (const id of ["p", "q", "r", "s"]) await run(hub, waits, undefined, { instanceId: id });
      for (const [i, id] of ["s", "q", "r"].entries()) {
        await hub.advance(start + (i + 1) * 1000 - hub.now.getTime());
        if (id === "q") await hub.terminateOrchestration(id);
        else await hub.raiseOrchestrationEvent(id, "go");
        await hub.runUntilIdle();
      }
      return (second) => new Date(start + second * 1000);
    }

    it("gives finished instances in order of completion, filtered by status and instant", async (place) => {
      const hub = await place.open(FUNCTIONS);
      const at = await finish(hub);
      const cases: readonly (readonly [ListInstanceIdsQuery | undefined, string[]])[] = [
        [undefined, ["s", "q", "r"]],
        [{ statuses: ["Completed"] }, ["s", "r"]],
        [{ statuses: ["Terminated"] }, ["q"]],
        [{ completedFrom: at(2) }, ["q", "r"]],
        [{ completedTo: at(2) }, ["s", "q"]],
        [{ completedFrom: at(2), completedTo: at(2) }, ["q"]],
        [{ completedFrom: at(9) }, []],
      ];
      for (const [query, ids] of cases)
        expect(await hub.listInstanceIds(query), JSON.stringify(query)).toEqual({ values: ids });
    });

    it("gives pages that share nothing, and tokens that are good after a restart", async (place) => {
      let hub = await place.open(FUNCTIONS);
      await finish(hub);
      const first = await hub.listInstanceIds({ pageSize: 2 });
      expect(first.values).toEqual(["s", "q"]);
      hub = await place.open(FUNCTIONS);
      const continuationToken = first.continuationToken as string;
      expect(await hub.listInstanceIds({ pageSize: 2, continuationToken })).toEqual({ values: ["r"] });
    });

    it("refuses what makes no sense", async (place) => {
      const hub = await place.open(FUNCTIONS);
      await finish(hub);
      for (const query of [
        { pageSize: 0 },
        { continuationToken: "made-up" },
        { statuses: ["Gone"] },
      ] as ListInstanceIdsQuery[])
        expect(await errorOf(() => hub.listInstanceIds(query))).toMatchObject({ code: "invalidArgument" });
    });
  });
}
