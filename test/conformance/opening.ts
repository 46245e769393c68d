/** S1, S2, S4: sessions, epochs, fences. */
import { expect } from "vitest";
import { type HubStore, type InstanceChange, isPromise } from "../../core/store/contract.ts";
import { message, record, timer, turn } from "./samples.ts";
import { type Case, type Cases, HUB, type HubUnderTest, outcomeOf } from "./subject.ts";

const FIRST: InstanceChange = {
  instanceId: "a",
  atMs: 1_000,
  record: record("a"),
  firstTurn: 0,
  turns: [turn(1_000, "one")],
};
const SECOND: InstanceChange = { instanceId: "a", atMs: 2_000, firstTurn: 1, turns: [turn(2_000, "two")] };

const THIRD: InstanceChange = { instanceId: "c", atMs: 2_000, record: record("c") };

/** Opens the hub again through `store` while the first session is open, and lets the first one try to write. */
async function fenceFrom(
  hub: HubUnderTest,
  store: HubStore,
  isKnownAtOnce: boolean,
  ...attempt: InstanceChange[]
): Promise<void> {
  await hub.commit(FIRST);
  const older = hub.session;
  const newer = await store.open(HUB);
  expect(newer.epoch).toBe(older.epoch + 1);
  expect(newer.isFenced).toBe(false);
  if (isKnownAtOnce) expect(older.isFenced).toBe(true);
  else await newer.commit([{ instanceId: "b", atMs: 1_500, record: record("b") }]);
  for (let round = 0; round < 2; round++) {
    await expect(hub.commit(...attempt)).rejects.toMatchObject({ code: "hubFenced" });
    expect(older.isFenced).toBe(true);
  }
  expect(await newer.load("a")).toMatchObject({ turnCount: 1, lastUpdatedAtMs: 1_000 });
  expect(await newer.load("c")).toBeUndefined();
  await newer.commit([SECOND]);
  expect(await newer.history("a")).toHaveLength(4);
  expect(newer.isFenced).toBe(false);
  await older.close();
  await newer.commit([THIRD]);
  hub.session = newer;
}

export const OPENING: Cases = {
  "S1: a hub that nothing was written to is empty": async ({ session }) => {
    expect(session.isFenced).toBe(false);
    expect(await session.load("a")).toBeUndefined();
    expect(await session.history("a")).toEqual([]);
    expect(await session.openInstances()).toEqual([]);
    expect(await session.dueTimers(Number.MAX_SAFE_INTEGER, 10)).toEqual([]);
    expect(await session.nextTimerAtMs()).toBeUndefined();
    for (const orderBy of ["created", "completed"] as const) {
      expect(await session.query({ filter: {}, orderBy, limit: 10 })).toEqual([]);
    }
    expect(await session.queryEntities({ includesTransient: true, limit: 10 })).toEqual([]);
  },

  "S1: hubs whose names differ only in case are different hubs": async (hub) => {
    await hub.commit(FIRST);
    const upper = await hub.database.store.open(HUB.toUpperCase());
    expect(await upper.load("a")).toBeUndefined();
    await upper.commit([{ ...FIRST, isPurge: true }]);
    await upper.close();
    expect(await hub.session.history("a")).toEqual(FIRST.turns?.flat());
  },

  "S2: each opening raises the hub's epoch by one": async (hub) => {
    const { epoch } = hub.session;
    await hub.commit(FIRST);
    await hub.reopen();
    expect(hub.session.epoch).toBe(epoch + 1);
    await hub.reopen();
    await hub.commit(SECOND);
    expect(hub.session.epoch).toBe(epoch + 2);
  },

  "S2: opening another hub leaves this one's session alone": async (hub) => {
    await hub.commit(FIRST);
    const other = await hub.database.store.open("shipping");
    await other.commit([FIRST]);
    expect(hub.session.isFenced).toBe(false);
    await hub.commit(SECOND);
    await other.close();
    await hub.commit({ instanceId: "b", atMs: 3_000, record: record("b") });
  },

  "S2: a newer session fences the older at once, which then changes nothing": (hub) =>
    fenceFrom(hub, hub.database.store, true, SECOND, THIRD),

  "S2: a newer session through another connection fences the older by its next commit": async (hub) => {
    const store = hub.connect();
    if (store) await fenceFrom(hub, store, false, SECOND, THIRD);
  },

  "S2: a newer session through another connection fences an older one that writes a single turn": async (hub) => {
    const store = hub.connect();
    if (store) await fenceFrom(hub, store, false, SECOND);
  },

  "S2: an older session that has made as many commits as the newer one is fenced all the same": async (hub) => {
    const store = hub.connect();
    if (!store) return;
    await hub.commit(FIRST);
    const newer = await store.open(HUB);
    for (const instanceId of ["b", "c"]) await newer.commit([{ instanceId, atMs: 1_500, record: record(instanceId) }]);
    await expect(hub.commit(SECOND)).rejects.toMatchObject({ code: "hubFenced" });
    expect(await newer.load("a")).toMatchObject({ turnCount: 1 });
    await newer.close();
    hub.session = await store.open(HUB);
  },

  "S2: a session that is asked whether it is fenced says so": async (hub) => {
    await hub.session.checkFence?.();
    const older = hub.session;
    const store = older.checkFence ? (hub.database.connect?.() ?? hub.database.store) : hub.database.store;
    hub.session = await store.open(HUB);
    if (older.checkFence)
      await expect(outcomeOf(async () => older.checkFence?.())).rejects.toMatchObject({ code: "hubFenced" });
    expect(older.isFenced).toBe(true);
    await hub.session.checkFence?.();
    await older.close();
  },

  "S2: a session that was fenced before it wrote anything writes nothing": async (hub) => {
    const newer = await hub.database.store.open(HUB);
    await expect(hub.commit(FIRST)).rejects.toMatchObject({ code: "hubFenced" });
    expect(await newer.load("a")).toBeUndefined();
    await newer.commit([FIRST]);
    await expect(hub.commit(SECOND)).rejects.toMatchObject({ code: "hubFenced" });
    expect(await newer.history("a")).toHaveLength(2);
    await newer.close();
  },

  "S2: a session that is closed refuses every call; closing it again does nothing": async (hub) => {
    await hub.commit(FIRST);
    const { session } = hub;
    await session.close();
    await session.close();
    for (const call of [
      () => session.commit([SECOND]),
      () => session.commit([]),
      () => session.load("a"),
      () => session.history("a"),
      () => session.openInstances(),
      () => session.dueTimers(9_000, 10),
      () => session.nextTimerAtMs(),
      () => session.query({ filter: {}, orderBy: "created", limit: 10 }),
      () => session.queryEntities({ includesTransient: true, limit: 10 }),
    ]) {
      await expect(outcomeOf<unknown>(call)).rejects.toMatchObject({ code: "hubClosed" });
    }
    hub.session = await hub.database.store.open(HUB);
    expect(await hub.session.history("a")).toHaveLength(2);
  },

  "S3: what was committed is there after closing and opening again": async (hub) => {
    await hub.commit(FIRST, {
      instanceId: "b",
      atMs: 1_000,
      record: record("b", { isBusy: true }),
      timersAdded: [timer("b", 1, 5_000)],
      inboxAdded: [message(4, "go")],
    });
    const before = await hub.view();
    expect(before.openInstances).toEqual(["b"]);
    await hub.reopen();
    expect(await hub.view()).toEqual(before);
  },

  "S3: what was committed is there for another connection": async (hub) => {
    const store = hub.connect();
    if (!store) return;
    await hub.commit(FIRST);
    const before = await hub.view();
    await hub.session.close();
    hub.session = await store.open(HUB);
    expect(await hub.view()).toEqual(before);
  },
};

/** S4, for stores that say they are synchronous. */
export const answersWithoutPromises: Case = async (hub) => {
  const { store } = hub.database;
  const opened = store.open("shipping");
  expect(isPromise(opened)).toBe(false);
  const session = await opened;
  const answers = [
    session.commit([FIRST]),
    session.load("a"),
    session.history("a"),
    session.openInstances(),
    session.dueTimers(9_000, 10),
    session.nextTimerAtMs(),
    session.query({ filter: {}, orderBy: "created", limit: 10 }),
    session.queryEntities({ includesTransient: true, limit: 10 }),
    session.close(),
  ];
  expect(answers.filter((answer) => isPromise<unknown>(answer))).toEqual([]);
};
