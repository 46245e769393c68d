/** Entities as clients see them: signals, reading, listing, cleaning. */
import { defineOrchestrator } from "holdfast";
import type { TestTaskHub } from "holdfast/testing";
import { describe, expect } from "vitest";
import { errorOf } from "../core/running.ts";
import { box, counter, journal } from "./entity-kinds.ts";
import { listOf, type Scenario } from "./place.ts";

const holdsLock = defineOrchestrator("holdsLock", async (ctx, ids: string[]) => {
  await ctx.lockEntities(...ids);
  await ctx.waitForExternalEvent("done");
});

async function idsOf(hub: TestTaskHub, query: Parameters<TestTaskHub["queryEntities"]>[0] = {}): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of hub.queryEntities(query)) ids.push(String(id));
  return ids;
}

export function entityStorageScenarios(it: Scenario): void {
  describe("a client's signal", () => {
    it("is durable once it is acknowledged", async (place) => {
      let hub = await place.open([counter]);
      await hub.signalEntity("@counter@c", "add", 4);
      hub = await place.open([counter]);
      await hub.runUntilIdle();
      expect((await hub.getEntity("@counter@c"))?.state).toBe(4);
    });

    it("with a time waits for it, as a date or a duration, over a restart as well", async (place) => {
      let hub = await place.open([journal]);
      const at = new Date(hub.now.getTime() + 5000);
      await hub.signalEntity("@journal@j", "note", "date", { signalTime: at });
      await hub.signalEntity("@journal@j", "note", "duration", { signalTime: { seconds: 2 } });
      await hub.signalEntity("@journal@j", "note", "past", { signalTime: new Date(0) });
      await hub.runUntilIdle();
      expect((await hub.getEntity("@journal@j"))?.state).toEqual(["past"]);
      hub = await place.open([journal]);
      await hub.advance(1999);
      expect((await hub.getEntity("@journal@j"))?.state).toEqual(["past"]);
      await hub.advance(1);
      expect((await hub.getEntity("@journal@j"))?.state).toEqual(["past", "duration"]);
      await hub.advance(3000);
      expect((await hub.getEntity("@journal@j"))?.state).toEqual(["past", "duration", "date"]);
    });

    it("that makes no sense is refused, and nothing exists afterwards", async (place) => {
      const hub = await place.open([counter, box]);
      const refusals: readonly (readonly [() => Promise<void>, string])[] = [
        [() => hub.signalEntity("@nobody@k", "add"), "functionNotRegistered"],
        [() => hub.signalEntity("counter", "add"), "invalidInstanceId"],
        [() => hub.signalEntity("@counter@a\nb", "add"), "invalidInstanceId"],
        [() => hub.signalEntity("@counter@", "add"), "invalidInstanceId"],
        [() => hub.signalEntity({ name: "counter", key: "x".repeat(92) }, "add"), "invalidInstanceId"],
        [() => hub.signalEntity("@counter@c", ""), "invalidArgument"],
        [() => hub.signalEntity("@counter@c", "add", () => 1), "payload"],
        [() => hub.signalEntity("@counter@c", "add", 1, { signalTime: new Date(Number.NaN) }), "invalidArgument"],
        [() => hub.signalEntity("@counter@c", "add", 1, { signalTime: -5 }), "invalidArgument"],
      ];
      for (const [call, code] of refusals) expect(await errorOf(call)).toMatchObject({ code });
      await hub.runUntilIdle();
      expect(await idsOf(hub, { includeTransient: true })).toEqual([]);
    });

    it("may use the longest key there is", async (place) => {
      const hub = await place.open([counter]);
      const key = "x".repeat(100 - "@counter@".length);
      await hub.signalEntity({ name: "counter", key }, "add", 1);
      await hub.runUntilIdle();
      expect((await hub.getEntity({ name: "counter", key }))?.state).toBe(1);
    });
  });

  describe("reading an entity", () => {
    it("gives its id, state, instant of the last change, and nothing about locks it has not", async (place) => {
      const hub = await place.open([counter]);
      await hub.advance(1000);
      await hub.signalEntity("@Counter@c", "add", 4);
      await hub.runUntilIdle();
      const changedAt = hub.now;
      await hub.advance(1000);
      const entity = await hub.getEntity<number>({ name: "COUNTER", key: "c" });
      expect(entity).toMatchObject({ state: 4, lastModifiedAt: changedAt, backlogQueueSize: 0 });
      expect(String(entity?.id)).toBe("@counter@c");
      expect(entity).not.toHaveProperty("lockedBy");
    });

    it("leaves the state out when it is not asked for", async (place) => {
      const hub = await place.open([counter]);
      await hub.signalEntity("@counter@c", "add", 4);
      await hub.runUntilIdle();
      expect(await hub.getEntity("@counter@c", { includeState: false })).not.toHaveProperty("state");
    });

    it("gives a value of its own", async (place) => {
      const hub = await place.open([journal]);
      await hub.signalEntity("@journal@j", "note", 1);
      await hub.runUntilIdle();
      (await hub.getEntity<number[]>("@journal@j"))?.state?.push(2);
      expect((await hub.getEntity("@journal@j"))?.state).toEqual([1]);
    });

    it("that is not there gives undefined, and an id that is none is refused", async (place) => {
      const hub = await place.open([counter]);
      expect(await hub.getEntity("@counter@none")).toBeUndefined();
      expect(await hub.getEntity("@nobody@none")).toBeUndefined();
      expect(await errorOf(() => hub.getEntity("counter"))).toMatchObject({ code: "invalidInstanceId" });
    });

    it("says who holds its lock, and how many messages wait", async (place) => {
      const hub = await place.open([counter, holdsLock]);
      await hub.scheduleNewOrchestration(holdsLock, ["@counter@c"], { instanceId: "holder" });
      await hub.signalEntity("@counter@c", "add", 1);
      await hub.runUntilIdle();
      await hub.signalEntity("@counter@c", "add", 1);
      await hub.signalEntity("@counter@c", "add", 1);
      await hub.runUntilIdle();
      const [entity] = await listOf(hub.queryEntities({ includeTransient: true }));
      expect(entity).toMatchObject({ lockedBy: "holder" });
      expect(entity?.backlogQueueSize).toBeGreaterThanOrEqual(2);
      await hub.raiseOrchestrationEvent("holder", "done");
      await hub.runUntilIdle();
      const released = await hub.getEntity("@counter@c");
      expect(released).toMatchObject({ state: 3, backlogQueueSize: 0 });
      expect(released).not.toHaveProperty("lockedBy");
    });

    it("is no business of the calls about orchestrations", async (place) => {
      const hub = await place.open([counter]);
      await hub.signalEntity("@counter@c", "add", 1);
      await hub.runUntilIdle();
      expect(await listOf(hub.queryOrchestrations())).toEqual([]);
      expect(await errorOf(() => hub.terminateOrchestration("@counter@c"))).toMatchObject({
        code: "invalidInstanceId",
      });
    });
  });

  describe("listing entities", () => {
    /** Six entities, one a second. */
    async function six(hub: TestTaskHub): Promise<(n: number) => Date> {
      const start = hub.now.getTime();
      for (const id of ["@counter@b", "@counter@a", "@journal@x", "@counter@ab", "@box@1", "@journal@A"]) {
        await hub.signalEntity(id, id.startsWith("@box") ? "put" : id.startsWith("@journal") ? "note" : "add", 1);
        await hub.advance(1000);
      }
      return (n) => new Date(start + n * 1000);
    }
    const ALL = ["@box@1", "@counter@a", "@counter@ab", "@counter@b", "@journal@A", "@journal@x"];

    it("gives all, in order of their ids, with their states", async (place) => {
      const hub = await place.open([box, counter, journal]);
      expect(await idsOf(hub)).toEqual([]);
      await six(hub);
      expect(await idsOf(hub)).toEqual(ALL);
      const entities = await listOf(hub.queryEntities());
      expect(entities.map(({ state }) => state)).toEqual([1, 1, 1, 1, [1], [1]]);
      for await (const entity of hub.queryEntities({ includeState: false })) expect(entity).not.toHaveProperty("state");
    });

    it("filters by prefix, with or without the @ and whatever the case of the name", async (place) => {
      const hub = await place.open([box, counter, journal]);
      await six(hub);
      for (const instanceIdPrefix of ["@counter@", "counter", "@COUNTER@", "Counter@", "@c"])
        expect(await idsOf(hub, { instanceIdPrefix }), instanceIdPrefix).toEqual(ALL.slice(1, 4));
      expect(await idsOf(hub, { instanceIdPrefix: "@counter@a" })).toEqual(["@counter@a", "@counter@ab"]);
      expect(await idsOf(hub, { instanceIdPrefix: "@Journal@A" })).toEqual(["@journal@A"]);
      expect(await idsOf(hub, { instanceIdPrefix: "@journal@a" })).toEqual([]);
    });

    it("filters by the last change, bounds included", async (place) => {
      const hub = await place.open([box, counter, journal]);
      const at = await six(hub);
      expect(await idsOf(hub, { lastModifiedFrom: at(4) })).toEqual(["@box@1", "@journal@A"]);
      expect(await idsOf(hub, { lastModifiedTo: at(1) })).toEqual(["@counter@a", "@counter@b"]);
      expect(await idsOf(hub, { lastModifiedFrom: at(2), lastModifiedTo: at(2) })).toEqual(["@journal@x"]);
      await hub.signalEntity("@counter@a", "add", 1);
      await hub.runUntilIdle();
      expect(await idsOf(hub, { lastModifiedTo: at(1) })).toEqual(["@counter@b"]);
    });

    it("gives pages, with a token on each but the last, which is good after reopening", async (place) => {
      let hub = await place.open([box, counter, journal]);
      await six(hub);
      const pages = await listOf(hub.queryEntities({ pageSize: 2 }).pages());
      expect(pages.map(({ values }) => values.map(({ id }) => String(id)))).toEqual([
        ALL.slice(0, 2),
        ALL.slice(2, 4),
        ALL.slice(4),
      ]);
      expect(pages.map((page) => "continuationToken" in page)).toEqual([true, true, false]);
      const continuationToken = pages[0]?.continuationToken as string;
      hub = await place.open([box, counter, journal]);
      expect(await idsOf(hub, { pageSize: 2, continuationToken })).toEqual(ALL.slice(2));
    });

    it("refuses a page size that is no positive integer, a token that was made up, and bad dates", async (place) => {
      const hub = await place.open([box, counter, journal]);
      await six(hub);
      for (const query of [
        { pageSize: 0 },
        { pageSize: -1 },
        { pageSize: 1.5 },
        { pageSize: Number.NaN },
        { continuationToken: "made up" },
        { lastModifiedFrom: new Date(Number.NaN) },
      ])
        expect(await errorOf(() => idsOf(hub, query)), JSON.stringify(query)).toMatchObject({
          code: "invalidArgument",
        });
    });

    it("leaves out what is deleted, and what is only locked unless that is asked for", async (place) => {
      const hub = await place.open([box, counter, journal, holdsLock]);
      await six(hub);
      await hub.signalEntity("@counter@a", "delete");
      await hub.scheduleNewOrchestration(holdsLock, ["@box@empty"], { instanceId: "holder" });
      await hub.runUntilIdle();
      const left = ALL.filter((id) => id !== "@counter@a");
      expect(await idsOf(hub)).toEqual(left);
      expect(await idsOf(hub, { includeTransient: true })).toEqual(["@box@1", "@box@empty", ...left.slice(1)]);
      expect((await hub.getEntity("@box@empty")) ?? {}).not.toHaveProperty("state");
    });
  });

  describe("cleaning entity storage", () => {
    it("finds nothing where entities clean up after themselves", async (place) => {
      const hub = await place.open([box, holdsLock]);
      await hub.signalEntity("@box@a", "put", 1);
      await hub.signalEntity("@box@b", "put", 1);
      await hub.signalEntity("@box@b", "delete");
      await hub.scheduleNewOrchestration(holdsLock, ["@box@c"], { instanceId: "holder" });
      await hub.runUntilIdle();
      expect(await hub.cleanEntityStorage()).toEqual({ emptyEntitiesRemoved: 0, orphanedLocksReleased: 0 });
      expect(await idsOf(hub, { includeTransient: true })).toEqual(["@box@a", "@box@c"]);
      expect(await hub.cleanEntityStorage({ removeEmptyEntities: false, releaseOrphanedLocks: false })).toEqual({
        emptyEntitiesRemoved: 0,
        orphanedLocksReleased: 0,
      });
    });

    it("leaves locks that are held, over a restart as well", async (place) => {
      let hub = await place.open([box, holdsLock]);
      await hub.scheduleNewOrchestration(holdsLock, ["@box@c"], { instanceId: "holder" });
      await hub.runUntilIdle();
      hub = await place.open([box, holdsLock]);
      await hub.cleanEntityStorage();
      const [entity] = await listOf(hub.queryEntities({ includeTransient: true }));
      expect(entity).toMatchObject({ lockedBy: "holder" });
    });
  });
}
