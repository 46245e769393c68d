/** Entities: what is stored of them, and how they are listed. */
import { expect } from "vitest";
import type { EntityFilter, EntityRecord, InstanceChange } from "../../core/store/contract.ts";
import { AWKWARD_TEXTS, entity, message, record, timer } from "./samples.ts";
import type { Cases, HubUnderTest } from "./subject.ts";

const COUNTER = "@counter@k";
const LOCK = { instanceId: "a", executionId: "a-1", criticalSectionId: "s" };

async function fill(hub: HubUnderTest, entities: readonly EntityRecord[]): Promise<void> {
  await hub.commit(
    ...entities.map((each): InstanceChange => ({ instanceId: each.instanceId, atMs: 9_000, entity: each })),
  );
}

async function ids(hub: HubUnderTest, filter: Partial<EntityFilter>): Promise<string[]> {
  const listed = await hub.session.queryEntities({ includesTransient: true, limit: 1_000, ...filter });
  return listed.map((each) => each.entity.instanceId);
}

export const ENTITIES: Cases = {
  "an entity comes back as it was given, and is no orchestration": async (hub) => {
    for (const given of [
      entity(COUNTER, { state: "1", lockedBy: LOCK }),
      entity(COUNTER, { state: "", lastModifiedAtMs: 2_000 }),
      entity(COUNTER, { lockedBy: LOCK }),
      entity(COUNTER, { lockedBy: { ...LOCK, next: "@counter@other" } }),
      entity(COUNTER),
    ]) {
      await hub.commit({ instanceId: COUNTER, atMs: 5_000, entity: given });
      const stored = await hub.session.load(COUNTER);
      expect(stored?.entity).toStrictEqual(given);
      expect(stored).toMatchObject({ lastUpdatedAtMs: 5_000, turnCount: 0, eventCount: 0, inbox: [] });
      expect(stored?.record).toBeUndefined();
      await hub.reopen();
      expect(await hub.session.load(COUNTER)).toEqual(stored);
    }
    expect(await hub.session.query({ filter: {}, orderBy: "created", limit: 10 })).toEqual([]);
    expect(await hub.session.openInstances()).toEqual([]);
  },

  "S5: an entity's state may be any text": async (hub) => {
    for (const state of [...AWKWARD_TEXTS, "é".repeat(1_500_000), "short"]) {
      await hub.commit({ instanceId: COUNTER, atMs: 5_000, entity: entity(COUNTER, { state }) });
      expect((await hub.session.load(COUNTER))?.entity?.state === state).toBe(true);
      const [listed] = await hub.session.queryEntities({ includesTransient: false, limit: 1 });
      expect(listed?.entity.state === state).toBe(true);
    }
  },

  "an entity that is no more is gone; its messages stay": async (hub) => {
    await fill(hub, [entity(COUNTER, { state: "1" }), entity("@counter@l", { state: "2" })]);
    await hub.commit({ instanceId: COUNTER, atMs: 9_000, inboxAdded: [message(1, "add")] });
    await hub.commit({ instanceId: COUNTER, atMs: 9_000, entity: null });
    expect(await hub.session.load(COUNTER)).toMatchObject({ inbox: [message(1, "add")] });
    expect((await hub.session.load(COUNTER))?.entity).toBeUndefined();
    expect(await ids(hub, {})).toEqual(["@counter@l"]);
    await hub.commit({ instanceId: COUNTER, atMs: 9_000, entity: null, inboxRemoved: [1] });
    expect(await hub.session.load(COUNTER)).toBeUndefined();
  },

  "a change without an entity leaves the entity alone": async (hub) => {
    const given = entity(COUNTER, { state: "1", lockedBy: LOCK });
    await fill(hub, [given]);
    await hub.commit({ instanceId: COUNTER, atMs: 9_000, inboxAdded: [message(1, "add")] });
    await hub.commit({ instanceId: COUNTER, atMs: 9_000, inboxRemoved: [1] });
    expect((await hub.session.load(COUNTER))?.entity).toEqual(given);
  },

  "a purge drops the entity, its messages and its timers": async (hub) => {
    const signal = timer(COUNTER, 1, 5_000, "signal");
    await hub.commit({
      instanceId: COUNTER,
      atMs: 9_000,
      entity: entity(COUNTER, { state: "1" }),
      timersAdded: [signal],
      inboxAdded: [message(1, "add")],
    });
    expect(await hub.session.dueTimers(5_000, 10)).toEqual([signal]);
    await hub.commit({ instanceId: COUNTER, atMs: 9_000, isPurge: true });
    expect(await hub.session.load(COUNTER)).toBeUndefined();
    expect(await hub.session.dueTimers(5_000, 10)).toEqual([]);
    expect(await ids(hub, {})).toEqual([]);
  },

  "a purge with an entity beside it replaces the entity": async (hub) => {
    await hub.commit({
      instanceId: COUNTER,
      atMs: 9_000,
      entity: entity(COUNTER, { state: "1" }),
      inboxAdded: [message(1, "add")],
    });
    await hub.commit({ instanceId: COUNTER, atMs: 9_500, isPurge: true, entity: entity(COUNTER, { state: "2" }) });
    expect(await hub.session.load(COUNTER)).toMatchObject({ entity: entity(COUNTER, { state: "2" }), inbox: [] });
  },

  "timers may wait for an entity that does not exist": async (hub) => {
    await hub.commit({ instanceId: COUNTER, atMs: 9_000, timersAdded: [timer(COUNTER, 1, 5_000, "signal")] });
    expect(await hub.session.load(COUNTER)).toBeUndefined();
    await hub.reopen();
    expect(await hub.session.dueTimers(5_000, 10)).toEqual([timer(COUNTER, 1, 5_000, "signal")]);
  },

  "a listing of entities is in order of ids by UTF-16 units, and read in pages": async (hub) => {
    const sorted = ["@Z@k", "@a@", "@a@a", "@a@a!", "@a@😀", "@a@\uffff", "@b@a"];
    await fill(
      hub,
      [...sorted].reverse().map((id) => entity(id, { state: "1" })),
    );
    await hub.commit({ instanceId: "a", atMs: 9_000, record: record("a"), inboxAdded: [message(1, "go")] });
    expect(await ids(hub, {})).toEqual(sorted);
    for (const limit of [1, 2, 6, 7, 8]) {
      const found: string[] = [];
      for (
        let page = await ids(hub, { limit });
        page.length > 0;
        page = await ids(hub, { limit, after: found.at(-1) ?? "" })
      ) {
        expect(page.length).toBe(Math.min(limit, sorted.length - found.length));
        found.push(...page);
      }
      expect(found).toEqual(sorted);
    }
    expect(await ids(hub, { after: "@a@b" })).toEqual(["@a@😀", "@a@\uffff", "@b@a"]);
  },

  "prefix, instants and states choose entities; bounds are inclusive": async (hub) => {
    await fill(hub, [
      entity("@a@1", { state: "1", lastModifiedAtMs: 1_000 }),
      entity("@a@2", { lastModifiedAtMs: 2_000, lockedBy: LOCK }),
      entity("@a@3", { state: "", lastModifiedAtMs: 3_000 }),
      entity("@a%", { state: "null", lastModifiedAtMs: 2_000 }),
    ]);
    expect(await ids(hub, { includesTransient: false })).toEqual(["@a%", "@a@1", "@a@3"]);
    expect(await ids(hub, { instanceIdPrefix: "@a@" })).toEqual(["@a@1", "@a@2", "@a@3"]);
    expect(await ids(hub, { instanceIdPrefix: "@a%" })).toEqual(["@a%"]);
    expect(await ids(hub, { instanceIdPrefix: "@A" })).toEqual([]);
    expect(await ids(hub, { lastModifiedFromMs: 2_000 })).toEqual(["@a%", "@a@2", "@a@3"]);
    expect(await ids(hub, { lastModifiedToMs: 2_000 })).toEqual(["@a%", "@a@1", "@a@2"]);
    expect(
      await ids(hub, {
        lastModifiedFromMs: 1_001,
        lastModifiedToMs: 2_999,
        includesTransient: false,
        instanceIdPrefix: "@a",
        after: "@a",
        limit: 1,
      }),
    ).toEqual(["@a%"]);
  },

  "a listed entity tells how many messages wait for it": async (hub) => {
    await fill(hub, [entity("@a@1", { state: "1" }), entity("@a@2", { state: "2" })]);
    await hub.commit({
      instanceId: "@a@1",
      atMs: 9_000,
      inboxAdded: [message(1, "add"), message(2, "add"), message(3, "add")],
    });
    await hub.commit({ instanceId: "@a@1", atMs: 9_000, inboxRemoved: [2] });
    expect(await hub.session.queryEntities({ includesTransient: false, limit: 10 })).toEqual([
      { entity: entity("@a@1", { state: "1" }), backlogSize: 2 },
      { entity: entity("@a@2", { state: "2" }), backlogSize: 0 },
    ]);
  },
};
