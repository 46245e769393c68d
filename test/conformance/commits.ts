/** S3, S5, S6: what one change writes and what it leaves alone. */
import { expect } from "vitest";
import type { InboxMessage, InstanceChange, InstanceRecord } from "../../core/store/contract.ts";
import { AWKWARD_TEXTS, everyEvent, fullRecord, message, record, timer, turn } from "./samples.ts";
import type { Cases, HubUnderTest } from "./subject.ts";

/** A change that no store which encodes or clones its data can write: reading the input of its record throws. */
function unwritable(instanceId: string): InstanceChange {
  const poisoned = {
    ...record(instanceId),
    get input(): string {
      throw new Error("This text cannot be read.");
    },
  };
  return { instanceId, atMs: 2_000, record: poisoned };
}

async function storedRecord(hub: HubUnderTest, instanceId: string): Promise<InstanceRecord | undefined> {
  return (await hub.session.load(instanceId))?.record;
}

/** A message for each type of event: for a generation, for a child of one, for any. */
function everyMessage(): InboxMessage[] {
  const kinds = [{ executionId: "a-1" }, { parentExecutionId: "p-1" }, {}];
  return everyEvent().map((event, sequence) => ({ sequence, event, ...kinds[sequence % kinds.length] }));
}

export const COMMITS: Cases = {
  "S3: a commit that cannot be written changes nothing, and the next one works": async (hub) => {
    await hub.commit({
      instanceId: "a",
      atMs: 1_000,
      record: record("a", { isBusy: true }),
      firstTurn: 0,
      turns: [turn(1_000, "one")],
    });
    const before = await hub.view();
    const good: InstanceChange = {
      instanceId: "a",
      atMs: 2_000,
      isReset: true,
      record: record("a", { status: "Completed", completedAtMs: 2_000 }),
      firstTurn: 0,
      turns: [turn(2_000, "two")],
      timersAdded: [timer("a", 1, 9_000)],
      inboxAdded: [message(1, "go")],
    };
    const isRefused = await hub.commit(good, unwritable("b")).then(
      () => false,
      () => true,
    );
    if (!isRefused) {
      hub.inapplicable = "it keeps what it is given as it is, so that it can write anything";
      return;
    }
    expect(await hub.view()).toEqual(before);
    await hub.reopen();
    expect(await hub.view()).toEqual(before);
    await hub.commit(good);
    expect(await hub.session.load("a")).toMatchObject({ record: good.record, turnCount: 1, lastUpdatedAtMs: 2_000 });
  },

  "S3: a commit without changes changes nothing": async (hub) => {
    await hub.commit();
    await hub.commit({ instanceId: "a", atMs: 1_000, record: record("a") });
    const before = await hub.view();
    await hub.commit();
    expect(await hub.view()).toEqual(before);
  },

  "S3: one commit changes many instances": async (hub) => {
    const ids = Array.from({ length: 300 }, (_, index) => `many-${index}`);
    await hub.commit(
      ...ids.map((id, index) => ({
        instanceId: id,
        atMs: 1_000 + index,
        record: record(id),
        firstTurn: 0,
        turns: [turn(1_000, id)],
      })),
    );
    for (const [index, id] of ids.entries()) {
      expect(await hub.session.load(id)).toMatchObject({
        record: record(id),
        lastUpdatedAtMs: 1_000 + index,
        eventCount: 2,
      });
      expect(await hub.session.history(id)).toEqual(turn(1_000, id));
    }
  },

  "S5: a record with every field comes back as it was given": async (hub) => {
    await hub.commit({ instanceId: "a", atMs: 1_000, record: fullRecord("a") });
    expect(await storedRecord(hub, "a")).toEqual(fullRecord("a"));
  },

  "S5: fields that a record does not have stay absent": async (hub) => {
    await hub.commit({ instanceId: "a", atMs: 1_000, record: fullRecord("a") });
    await hub.commit({ instanceId: "a", atMs: 2_000, record: record("a") });
    await hub.reopen();
    expect(await storedRecord(hub, "a")).toStrictEqual(record("a"));
  },

  "S5: any text comes back as it was given": async (hub) => {
    const records = AWKWARD_TEXTS.map((text, index) =>
      record(`text-${index}`, {
        executionId: text,
        name: text,
        version: text,
        input: text,
        output: text,
        customStatus: text,
        tags: { [`${text}.`]: text },
        failure: { errorType: text, errorMessage: text, properties: { text } },
        seenEventIds: [text],
      }),
    );
    await hub.commit(
      ...records.map((each) => ({
        instanceId: each.instanceId,
        atMs: 1_000,
        record: each,
        firstTurn: 0,
        turns: [turn(1_000, each.name)],
        inboxAdded: [message(1, each.name, each.input)],
      })),
    );
    for (const each of records) {
      const stored = await hub.session.load(each.instanceId);
      expect(stored?.record).toEqual(each);
      expect(stored?.inbox).toEqual([message(1, each.name, each.input)]);
      expect(await hub.session.history(each.instanceId)).toEqual(turn(1_000, each.name));
    }
  },

  "S5: ids that look alike are different instances": async (hub) => {
    const ids = [
      "x",
      "X",
      "x ",
      " x",
      "é",
      "e\u0301",
      "😀",
      "😁",
      "\ud83d",
      "\ud83d\ud83d",
      "\ufffd",
      "%",
      "_",
      "'",
      "x--",
    ];
    await hub.commit(
      ...ids.map((id) => ({
        instanceId: id,
        atMs: 1_000,
        record: record(id, { isBusy: true }),
        timersAdded: [timer(id, 1, 2_000)],
        inboxAdded: [message(1, id)],
      })),
    );
    for (const id of ids) {
      const stored = await hub.session.load(id);
      expect(stored?.record?.instanceId).toBe(id);
      expect(stored?.inbox).toEqual([message(1, id)]);
    }
    expect([...(await hub.session.openInstances())].sort()).toEqual([...ids].sort());
    const timers = await hub.session.dueTimers(2_000, 100);
    expect(timers.map(({ instanceId }) => instanceId).sort()).toEqual([...ids].sort());
  },

  "S5: events and messages of every type come back as they were given, with their dates": async (hub) => {
    await hub.commit({
      instanceId: "a",
      atMs: 1_000,
      record: record("a"),
      firstTurn: 0,
      turns: [everyEvent(), turn(1_001, "two")],
      inboxAdded: everyMessage(),
    });
    await hub.reopen();
    expect(await hub.session.history("a")).toStrictEqual([...everyEvent(), ...turn(1_001, "two")]);
    const stored = await hub.session.load("a");
    expect(stored?.inbox).toStrictEqual(everyMessage());
  },

  "a record replaces the one before it": async (hub) => {
    await hub.commit({ instanceId: "a", atMs: 1_000, record: record("a", { isBusy: true }) });
    for (const next of [
      record("a", { isBusy: true, customStatus: "1" }),
      record("a", { status: "Suspended" }),
      record("a", { status: "Completed", completedAtMs: 3_000, output: "1" }),
      record("a", { name: "again", createdAtMs: 4_000, isBusy: true }),
    ]) {
      await hub.commit({ instanceId: "a", atMs: 5_000, record: next });
      expect(await storedRecord(hub, "a")).toEqual(next);
      expect(await hub.session.query({ filter: {}, orderBy: "created", limit: 10 })).toEqual([
        { record: next, lastUpdatedAtMs: 5_000 },
      ]);
      expect(await hub.session.openInstances()).toEqual(next.isBusy ? ["a"] : []);
    }
  },

  "a change without a record leaves the record alone": async (hub) => {
    await hub.commit({ instanceId: "a", atMs: 1_000, record: fullRecord("a") });
    await hub.commit({ instanceId: "a", atMs: 2_000, firstTurn: 0, turns: [turn(2_000, "one")] });
    await hub.commit({ instanceId: "a", atMs: 3_000, inboxAdded: [message(1, "go")] });
    expect(await storedRecord(hub, "a")).toEqual(fullRecord("a"));
  },

  "turns are appended in order, and counted with their events": async (hub) => {
    await hub.commit({ instanceId: "a", atMs: 1_000, record: record("a") });
    expect(await hub.session.load("a")).toMatchObject({ turnCount: 0, eventCount: 0 });
    const turns = Array.from({ length: 40 }, (_, index) =>
      turn(1_000 + index, `turn ${index}`).slice(0, 1 + (index % 2)),
    );
    await hub.commit({ instanceId: "a", atMs: 1_000, firstTurn: 0, turns: turns.slice(0, 3) });
    for (let index = 3; index < turns.length; index++) {
      await hub.commit({
        instanceId: "a",
        atMs: 1_000 + index,
        firstTurn: index,
        turns: turns.slice(index, index + 1),
      });
    }
    expect(await hub.session.history("a")).toEqual(turns.flat());
    expect(await hub.session.load("a")).toMatchObject({ turnCount: 40, eventCount: 60, lastUpdatedAtMs: 1_039 });
    await hub.commit({ instanceId: "a", atMs: 2_000, firstTurn: 40, turns: [[]] });
    expect(await hub.session.load("a")).toMatchObject({ turnCount: 41, eventCount: 60 });
  },

  "a change by a clock that went back leaves the instant of the last turn": async (hub) => {
    await hub.commit({ instanceId: "a", atMs: 5_000, record: record("a"), firstTurn: 0, turns: [turn(5_000, "one")] });
    await hub.commit({ instanceId: "a", atMs: 1_000, inboxAdded: [message(1, "go")] });
    expect(await hub.session.load("a")).toMatchObject({ lastUpdatedAtMs: 5_000 });
  },

  "every change counts as an update, whatever it changes": async (hub) => {
    const changes: Omit<InstanceChange, "instanceId" | "atMs">[] = [
      { record: record("a") },
      { firstTurn: 0, turns: [turn(1_000, "one")] },
      { timersAdded: [timer("a", 1, 9_000)] },
      { inboxAdded: [message(1, "go")] },
      { timersRemoved: [timer("a", 1, 9_000)] },
      { inboxRemoved: [1] },
      { record: record("a", { customStatus: "1" }) },
      { firstTurn: 1, turns: [turn(1_000, "two")], inboxAdded: [message(2, "go")] },
      { isReset: true },
      { firstTurn: 0, turns: [turn(1_000, "one")], inboxRemoved: [2] },
      { isReset: true, firstTurn: 0, turns: [turn(1_000, "one")] },
    ];
    for (const [index, change] of changes.entries()) {
      const atMs = 10_000 + index;
      await hub.commit({ instanceId: "a", atMs, ...change });
      expect((await hub.session.load("a"))?.lastUpdatedAtMs, JSON.stringify(change)).toBe(atMs);
      const [listed] = await hub.session.query({ filter: {}, orderBy: "created", limit: 1 });
      expect(listed?.lastUpdatedAtMs, JSON.stringify(change)).toBe(atMs);
    }
  },

  "messages wait in order of their sequence until they are taken": async (hub) => {
    await hub.commit({
      instanceId: "a",
      atMs: 1_000,
      record: record("a"),
      inboxAdded: [message(10, "ten"), message(9, "nine")],
    });
    await hub.commit({ instanceId: "a", atMs: 1_000, inboxAdded: [message(100, "hundred"), message(2, "two")] });
    const inbox = async () => (await hub.session.load("a"))?.inbox;
    expect(await inbox()).toEqual([message(2, "two"), message(9, "nine"), message(10, "ten"), message(100, "hundred")]);
    await hub.commit({ instanceId: "a", atMs: 1_000, inboxRemoved: [9, 2], inboxAdded: [message(101, "next")] });
    expect(await inbox()).toEqual([message(10, "ten"), message(100, "hundred"), message(101, "next")]);
    await hub.commit({ instanceId: "a", atMs: 1_000, inboxRemoved: [10, 100, 101] });
    expect(await inbox()).toEqual([]);
  },

  "messages may wait for an instance that has no record yet": async (hub) => {
    await hub.commit({ instanceId: "a", atMs: 1_000, inboxAdded: [message(1, "go"), message(2, "on")] });
    expect(await hub.session.load("a")).toMatchObject({
      turnCount: 0,
      eventCount: 0,
      inbox: [message(1, "go"), message(2, "on")],
    });
    expect((await hub.session.load("a"))?.record).toBeUndefined();
    expect(await hub.session.openInstances()).toEqual(["a"]);
    expect(await hub.session.query({ filter: {}, orderBy: "created", limit: 10 })).toEqual([]);
    await hub.commit({ instanceId: "a", atMs: 1_000, inboxRemoved: [1] });
    await hub.commit({ instanceId: "a", atMs: 1_000, inboxRemoved: [2] });
    expect(await hub.session.load("a")).toBeUndefined();
    expect(await hub.session.openInstances()).toEqual([]);
  },

  "open instances are those that are busy or have messages, each once": async (hub) => {
    await hub.commit(
      {
        instanceId: "a",
        atMs: 1_000,
        record: record("a", { isBusy: true }),
        inboxAdded: [message(1, "go"), message(2, "go")],
      },
      { instanceId: "b", atMs: 1_000, record: record("b"), inboxAdded: [message(1, "go")] },
      { instanceId: "c", atMs: 1_000, record: record("c", { isBusy: true }) },
      { instanceId: "d", atMs: 1_000, record: record("d"), timersAdded: [timer("d", 1, 2_000)] },
    );
    const open = async () => [...(await hub.session.openInstances())].sort();
    expect(await open()).toEqual(["a", "b", "c"]);
    await hub.commit(
      { instanceId: "a", atMs: 1_000, record: record("a") },
      { instanceId: "b", atMs: 1_000, inboxRemoved: [1] },
    );
    expect(await open()).toEqual(["a", "c"]);
    await hub.commit(
      { instanceId: "a", atMs: 1_000, inboxRemoved: [1, 2] },
      { instanceId: "c", atMs: 1_000, isPurge: true },
    );
    expect(await open()).toEqual([]);
  },

  "within a change, what is dropped goes before what is written": async (hub) => {
    await hub.commit({
      instanceId: "a",
      atMs: 1_000,
      record: record("a"),
      timersAdded: [timer("a", 1, 5_000)],
      inboxAdded: [message(1, "old")],
    });
    await hub.commit({
      instanceId: "a",
      atMs: 2_000,
      timersRemoved: [timer("a", 1, 5_000)],
      timersAdded: [timer("a", 1, 5_000)],
      inboxRemoved: [1],
      inboxAdded: [message(1, "new")],
    });
    expect(await hub.session.dueTimers(9_000, 10)).toEqual([timer("a", 1, 5_000)]);
    expect((await hub.session.load("a"))?.inbox).toEqual([message(1, "new")]);
  },

  "S6: several changes of one instance in one commit are applied in order": async (hub) => {
    await hub.commit(
      { instanceId: "a", atMs: 1_000, record: record("a"), firstTurn: 0, turns: [turn(1_000, "one")] },
      { instanceId: "b", atMs: 1_000, record: record("b") },
      {
        instanceId: "a",
        atMs: 2_000,
        record: record("a", { customStatus: "2" }),
        firstTurn: 1,
        turns: [turn(2_000, "two")],
      },
      { instanceId: "b", atMs: 2_000, isPurge: true },
    );
    expect(await hub.session.load("a")).toMatchObject({
      record: { customStatus: "2" },
      turnCount: 2,
      eventCount: 4,
      lastUpdatedAtMs: 2_000,
    });
    expect(await hub.session.load("b")).toBeUndefined();
  },
};
