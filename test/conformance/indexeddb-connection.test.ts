/** What `IndexedDbStore` promises beyond the store contract: connections that are lost, room that runs out, other tabs, options. */
import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { defineActivity, defineOrchestrator } from "holdfast";
import { TestTaskHub } from "holdfast/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Connection } from "../../adapters/indexeddb/connection.ts";
import { IndexedDbStore, type IndexedDbStoreOptions } from "../../adapters/indexeddb/index.ts";
import type { Awaitable, StoreSession } from "../../core/store/contract.ts";
import { forceClose, openByHand, withCommitEnds, withoutRoomToFold } from "./indexeddb-faults.ts";
import { message, record, timer, turn } from "./samples.ts";

let factory = new IDBFactory();
const openStore = (options: Partial<IndexedDbStoreOptions> = {}): IndexedDbStore =>
  new IndexedDbStore({ databaseName: "hubs", indexedDB: factory, marker: null, ...options });
const start = (instanceId: string) => ({ instanceId, atMs: 1_000, record: record(instanceId) });
const step = (firstTurn: number) => ({
  instanceId: "a",
  atMs: 2_000 + firstTurn,
  firstTurn,
  turns: [turn(2_000, `turn ${firstTurn}`)],
});

async function codeOf(call: Awaitable<unknown>): Promise<unknown> {
  try {
    await call;
    return undefined;
  } catch (error) {
    expect((error as Error).message).toMatch(/\.$/);
    return (error as { code?: unknown }).code;
  }
}

/** The ids of all instances, as a listing gives them. */
async function idsOf(session: StoreSession): Promise<string[]> {
  const listed = await session.query({ filter: {}, orderBy: "created", limit: 10_000 });
  return listed.map((each) => each.record.instanceId);
}

/** Rows of the journal, as the connection that was opened last sees them. */
function journalSize(): Promise<number> {
  const request = (connections.at(-1) as IDBDatabase).transaction("journal").objectStore("journal").count();
  return new Promise((resolve) => {
    request.onsuccess = () => resolve(request.result);
  });
}

/** The connections that the store opens, newest last. */
let connections: IDBDatabase[] = [];

beforeEach(() => {
  factory = new IDBFactory();
  connections = [];
  const open = factory.open.bind(factory);
  factory.open = (name, version) => {
    const request = open(name, version);
    request.addEventListener("success", () => connections.push(request.result));
    return request;
  };
});
afterEach(() => vi.useRealTimers());

describe("a connection that is lost", () => {
  test("between two calls is opened again without anybody noticing", async () => {
    const session = await openStore().open("orders");
    await session.commit([start("a")]);
    for (const lose of [forceClose, (database: IDBDatabase) => database.close()]) {
      for (const database of connections) lose(database);
      expect(await session.load("a")).toMatchObject({ record: record("a") });
      for (const database of connections) lose(database);
      await session.commit([start("b")]);
    }
    expect(await idsOf(session)).toEqual(["a", "b"]);
    await session.close();
  });

  test("is not opened again once its work is over, for what was still under way", async () => {
    const connection = new Connection(factory, "hubs");
    const { promise: others, resolve: goOn } = Promise.withResolvers<void>();
    const work = connection.use(async (database) => {
      await others;
      return database.transaction("hubs").store.count();
    });
    await connection.use(async () => {});
    connection.end();
    await Promise.resolve();
    goOn();
    expect(await codeOf(work)).toBe("storeFailed");
    expect(await codeOf(connection.use(async () => {}))).toBe("storeFailed");
    expect(connections).toHaveLength(1);
  });

  test("during a commit that was undone: the commit is done again", async () => {
    const session = await openStore().open("orders");
    await session.commit([start("a")]);
    await withCommitEnds(["undone", "undone"], async () => session.commit([step(0)]));
    expect(await session.load("a")).toMatchObject({ turnCount: 1, eventCount: 2 });
    expect(connections.length).toBeGreaterThanOrEqual(3);
    await session.close();
  });

  test("during a commit that was applied: the commit is not done twice", async () => {
    const session = await openStore().open("orders");
    await session.commit([start("a")]);
    await withCommitEnds(["undone", "applied"], async () => session.commit([step(0)]));
    await session.commit([step(1)]);
    expect(await session.history("a")).toEqual([...step(0).turns, ...step(1).turns].flat());
    await session.close();
    const next = await openStore().open("orders");
    expect(await next.load("a")).toMatchObject({ turnCount: 2, eventCount: 4 });
    await next.close();
  });

  test.each(["applied", "undone"] as const)(
    "during a commit that was %s, with reads beside it: it is there once",
    async (end) => {
      const session = await openStore().open("orders");
      await session.commit([start("a")]);
      await withCommitEnds([end], async () => {
        const reads: Promise<unknown>[] = [];
        const open = factory.open.bind(factory);
        factory.open = (name, version) => {
          factory.open = open;
          // They find the commit uncertain, just as the commit itself does.
          for (let read = 0; read < 3; read++) reads.push(idsOf(session));
          return open(name, version);
        };
        await session.commit([step(0)]);
        expect(reads).toHaveLength(3);
        await Promise.all(reads);
      });
      expect(await session.load("a")).toMatchObject({ turnCount: 1, eventCount: 2 });
      expect(await session.history("a")).toEqual(step(0).turns.flat());
      await session.commit([step(1)]);
      await session.close();
      const next = await openStore().open("orders");
      expect(await next.load("a")).toMatchObject({ turnCount: 2, eventCount: 4 });
      await next.close();
    },
  );

  test.each(["applied", "undone"] as const)(
    "for good: the commit fails, and the next calls know that it was %s",
    async (last) => {
      const session = await openStore().open("orders");
      await session.commit([start("a")]);
      await withCommitEnds(["undone", "undone", "undone", last], async () => {
        expect(await codeOf(session.commit([step(0), { ...start("b"), inboxAdded: [message(1, "go")] }]))).toBe(
          "storeFailed",
        );
      });
      const isApplied = last === "applied";
      expect(await session.openInstances()).toEqual(isApplied ? ["b"] : []);
      expect(await session.load("a")).toMatchObject({ turnCount: isApplied ? 1 : 0 });
      await session.commit([step(isApplied ? 1 : 0)]);
      expect(await session.load("a")).toMatchObject({ turnCount: isApplied ? 2 : 1 });
      await session.close();
    },
  );

  test("for good, just before another tab opens the hub: the older session is fenced, and what was applied stays", async () => {
    for (const last of ["applied", "undone"] as const) {
      factory = new IDBFactory();
      const older = await openStore().open("orders");
      await withCommitEnds(["undone", "undone", "undone", last], () => codeOf(older.commit([start("a")])));
      const newer = await openStore().open("orders");
      // Takes everything out of the journal.
      expect(await idsOf(newer)).toEqual(last === "applied" ? ["a"] : []);
      expect(await codeOf(older.commit([start("b")]))).toBe("hubFenced");
      expect(await codeOf(idsOf(older))).toBe("hubFenced");
      expect(older.isFenced).toBe(true);
      await newer.commit([start("c")]);
      expect(await idsOf(newer)).toEqual(last === "applied" ? ["a", "c"] : ["c"]);
      await newer.close();
    }
  });

  test.each(["applied", "undone"] as const)(
    "while another tab opens the hub: the commit is reported as it ended, %s, and the session is fenced",
    async (end) => {
      const older = await openStore().open("orders");
      const newer = await withCommitEnds(
        [end],
        async () => {
          expect(await codeOf(older.commit([start("a")]))).toBe(end === "applied" ? undefined : "hubFenced");
          return openStore().open("orders");
        },
        async () => {
          const other = await openStore().open("orders");
          // Takes everything out of the journal.
          expect(await idsOf(other)).toEqual(end === "applied" ? ["a"] : []);
          await other.close();
        },
      );
      expect(older.isFenced).toBe(true);
      expect(await codeOf(older.commit([start("b")]))).toBe("hubFenced");
      expect(await idsOf(newer)).toEqual(end === "applied" ? ["a"] : []);
      await newer.close();
    },
  );
});

describe("room that runs out", () => {
  test("fails the commit, changes nothing, and the next one that fits is written", async () => {
    const session = await openStore().open("orders");
    await session.commit([start("a")]);
    await withCommitEnds(["full"], async () => {
      expect(await codeOf(session.commit([step(0), start("b")]))).toBe("storeFull");
    });
    expect(await idsOf(session)).toEqual(["a"]);
    expect(await session.load("a")).toMatchObject({ turnCount: 0 });
    await session.commit([step(0), start("b")]);
    expect(await idsOf(session)).toEqual(["a", "b"]);
    await session.close();
  });
});

describe("a database with no room to fold its journal", () => {
  test("still tells which instances are open, so that its hub can be opened", async () => {
    const busy = (instanceId: string) => ({ ...start(instanceId), record: record(instanceId, { isBusy: true }) });
    const session = await openStore().open("orders");
    await session.commit([busy("ended"), busy("purged"), start("a")]);
    expect(await session.openInstances()).toEqual(["ended", "purged"]);
    await session.commit([start("ended"), { instanceId: "purged", atMs: 2_000, isPurge: true }]);
    await session.commit([busy("begun"), { instanceId: "a", atMs: 2_000, inboxAdded: [message(1, "go")] }]);
    await session.close();
    await withoutRoomToFold(async () => {
      const again = await openStore().open("orders");
      expect([...(await again.openInstances())].sort()).toEqual(["a", "begun"]);
      expect(await codeOf(idsOf(again))).toBe("storeFull");
      await again.close();
    });
    const last = await openStore().open("orders");
    expect(await last.openInstances()).toEqual(["a", "begun"]);
    expect(await idsOf(last)).toEqual(["a", "begun", "ended"]);
    await last.close();
  });
});

test("what is open is told as of one moment, also while a commit is written that cannot be folded", async () => {
  const busy = (instanceId: string) => ({ ...start(instanceId), record: record(instanceId, { isBusy: true }) });
  const session = await openStore().open("orders");
  await withoutRoomToFold(async () => {
    await session.commit([busy("0")]);
    for (let n = 0; n < 20; n++) {
      const answer = session.openInstances();
      for (let tick = 0; tick < n; tick++) await new Promise((resolve) => setImmediate(resolve));
      await session.commit([start(`${n}`), busy(`${n + 1}`)]);
      expect([[`${n}`], [`${n + 1}`]]).toContainEqual(await answer);
    }
  });
  await session.close();
});

describe("a hub over a database that fails for a while", () => {
  const double = defineActivity("double", (_ctx, n: number) => 2 * n);
  const calling = defineOrchestrator("calling", async (ctx, n: number) => ctx.callActivity(double, n));

  test.each(["full", "applied", "undone"] as const)("goes on by itself (%s)", async (end) => {
    const hub = await TestTaskHub.open({ functions: [double, calling], store: openStore() });
    await withCommitEnds([end], async () => {
      const outcome = await codeOf(hub.scheduleNewOrchestration(calling, 1, { instanceId: "one" }));
      expect(outcome).toBe(end === "full" ? "storeFull" : undefined);
    });
    await hub.scheduleNewOrchestration(calling, 2, { instanceId: "two" });
    await hub.advance(10_000);
    expect(await hub.getOrchestrationState("two")).toMatchObject({ runtimeStatus: "Completed", output: 4 });
    const first = await hub.getOrchestrationState("one");
    expect(first?.runtimeStatus).toBe(end === "full" ? undefined : "Completed");
    await hub.close();
  });

  test("takes up what was written although it could not be told", async () => {
    const hub = await TestTaskHub.open({ functions: [double, calling], store: openStore() });
    await withCommitEnds(["undone", "undone", "undone", "applied"], async () => {
      const outcome = await codeOf(hub.scheduleNewOrchestration(calling, 3, { instanceId: "three" }));
      expect(outcome).toBe("storeFailed");
    });
    await hub.advance(10_000);
    expect(await hub.getOrchestrationState("three")).toMatchObject({ runtimeStatus: "Completed", output: 6 });
    await hub.close();
  });
});

describe("other tabs", () => {
  test("may delete or upgrade the database at any time: the connection makes way", async () => {
    const session = await openStore().open("orders");
    await session.commit([start("a")]);
    const newer = await openByHand(factory, "hubs", 99);
    expect(await codeOf(session.commit([start("b")]))).toBe("storeTooNew");
    expect(await codeOf(idsOf(session))).toBe("storeTooNew");
    newer.close();
    expect(await codeOf(openStore().open("orders"))).toBe("storeTooNew");
  });

  test("that hold an older version open are named when they do not make way", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const old = await openByHand(factory, "hubs", 1);
    const blocked = new Promise<void>((resolve) => {
      const open = factory.open.bind(factory);
      factory.open = (name, version) => {
        const request = open(name, 2);
        void version;
        request.addEventListener("blocked", () => resolve());
        return request;
      };
    });
    const opening = codeOf(openStore().open("orders"));
    await blocked;
    vi.advanceTimersByTime(5_000);
    expect(await opening).toBe("storeBusy");
    old.close();
  });

  test("with hubs of their own in the same database do not fence each other", async () => {
    const [one, two] = [await openStore().open("orders"), await openStore().open("billing")];
    for (let round = 0; round < 5; round++) {
      await one.commit([start(`one-${round}`)]);
      await two.commit([start(`two-${round}`)]);
    }
    expect([one.isFenced, two.isFenced]).toEqual([false, false]);
    expect(await idsOf(one)).toHaveLength(5);
    expect(await two.load("one-1")).toBeUndefined();
    await one.close();
    await two.close();
  });

  test("that open a hub at the same time get epochs of their own, and the last one has it", async () => {
    const sessions = await Promise.all(Array.from({ length: 8 }, () => openStore().open("orders")));
    expect(sessions.map(({ epoch }) => epoch).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    for (const session of sessions) {
      const code = await codeOf(session.commit([start("a")]));
      expect(code).toBe(session.epoch === 8 ? undefined : "hubFenced");
    }
  });

  test("of one store object that open a hub at the same time, too", async () => {
    const store = openStore();
    const sessions = await Promise.all(Array.from({ length: 8 }, () => store.open("orders")));
    expect(sessions.filter(({ isFenced }) => !isFenced).map(({ epoch }) => epoch)).toEqual([8]);
  });
});

describe("the journal", () => {
  test("is folded into the tables when it has become long, while commits and reads go on", async () => {
    const session = await openStore().open("orders");
    const ids = Array.from({ length: 2_000 }, (_, index) => `many-${String(index).padStart(4, "0")}`);
    await session.commit(
      ids.map((id) => ({ ...start(id), firstTurn: 0, turns: [turn(1_000, id)], timersAdded: [timer(id, 1, 5_000)] })),
    );
    // The fold is under way now.
    const [stored, history] = await Promise.all([session.load("many-0007"), session.history("many-0007")]);
    expect(stored).toMatchObject({ turnCount: 1, eventCount: 2 });
    expect(history).toEqual(turn(1_000, "many-0007"));
    await session.commit([{ ...step(1), instanceId: "many-0007" }]);
    expect(await session.load("many-0007")).toMatchObject({ turnCount: 2, eventCount: 4 });
    expect(await idsOf(session)).toEqual(ids);
    expect(await session.dueTimers(5_000, 3_000)).toHaveLength(2_000);
    await session.close();
    const database = await openByHand(factory, "hubs", undefined);
    const journal = database.transaction("journal").objectStore("journal").getAll();
    await new Promise((resolve) => journal.addEventListener("success", resolve));
    expect(journal.result.map((row: { changes: unknown[] }) => row.changes.length)).toEqual([0]);
    database.close();
  });

  test("keeps the places that fence older sessions when it is folded", async () => {
    const older: StoreSession[] = [];
    for (let round = 0; round < 3; round++) {
      const session = await openStore().open("orders");
      await session.commit([start(`a-${round}`)]);
      older.push(session, await openStore().open("orders"));
    }
    const newest = await openStore().open("orders");
    for (let round = 0; round < 3; round++) {
      await newest.commit([start(`b-${round}`)]);
      expect(await idsOf(newest)).toHaveLength(4 + round);
    }
    for (const session of older) expect(await codeOf(session.commit([start("c")]))).toBe("hubFenced");
    expect(await idsOf(newest)).toHaveLength(6);
    await newest.commit([start("d")]);
    await newest.close();
  });

  test("keeps the claims of an hour, and sessions that are older are fenced all the same", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      const minutes = 60_000;
      const [forgotten, used] = [await openStore().open("orders"), await openStore().open("lists")];
      await used.commit([start("a")]);
      for (let opening = 0; opening < 50; opening++) {
        vi.advanceTimersByTime(10 * minutes);
        await (await openStore().open("orders")).close();
      }
      await used.commit([start("b")]);
      expect(await idsOf(used)).toEqual(["a", "b"]);
      const newest = await openStore().open("orders");
      await newest.commit([start("c")]);
      expect(await journalSize()).toBeLessThan(15);
      expect(await codeOf(forgotten.commit([start("d")]))).toBe("hubFenced");
      expect(await idsOf(newest)).toEqual(["c"]);
    } finally {
      vi.useRealTimers();
    }
  });

  test("is taken up by the next session as it was left", async () => {
    const first = await openStore().open("orders");
    await first.commit([{ ...start("a"), inboxAdded: [message(1, "go")], timersAdded: [timer("a", 1, 5_000)] }]);
    await first.commit([step(0)]);
    await first.close();
    const second = await openStore().open("orders");
    await second.commit([step(1)]);
    await second.close();
    const third = await openStore().open("orders");
    expect(await third.load("a")).toMatchObject({ turnCount: 2, eventCount: 4, inbox: [message(1, "go")] });
    expect(await third.history("a")).toEqual([...step(0).turns, ...step(1).turns].flat());
    expect(await third.nextTimerAtMs()).toBe(5_000);
    expect(await third.openInstances()).toEqual(["a"]);
    await third.close();
  });
});

test("a closed session refuses every call", async () => {
  const session = await openStore().open("orders");
  await session.close();
  await session.close();
  expect(await codeOf(session.commit([start("a")]))).toBe("hubClosed");
  expect(await codeOf(session.load("a"))).toBe("hubClosed");
  expect(await codeOf(session.nextTimerAtMs())).toBe("hubClosed");
});

test("making a store touches nothing; the database is opened with the first hub and closed with the last", async () => {
  const store = openStore();
  expect(await factory.databases()).toEqual([]);
  const [orders, billing] = [await store.open("orders"), await store.open("billing")];
  expect(connections).toHaveLength(1);
  await orders.close();
  await billing.commit([start("a")]);
  await billing.close();
  expect(() => connections[0]?.transaction("journal")).toThrow();
});

test("commits are as durable as asked", async () => {
  const { transaction: begin } = IDBDatabase.prototype;
  const asked = vi.spyOn(IDBDatabase.prototype, "transaction");
  for (const durability of ["strict", "relaxed"] as const) {
    const session = await openStore({ databaseName: durability, durability }).open("orders");
    asked.mockClear();
    await session.commit([start("a")]);
    expect(asked).toHaveBeenLastCalledWith("journal", "readwrite", { durability });
    await session.close();
  }
  asked.mockRestore();
  expect(IDBDatabase.prototype.transaction).toBe(begin);
});

test("options that make no sense are refused, and so is a place without IndexedDB", async () => {
  for (const options of [{ databaseName: "" }, { databaseName: 1 }, { databaseName: "a", durability: "lax" }]) {
    expect(() => new IndexedDbStore(options as never), JSON.stringify(options)).toThrow(
      expect.objectContaining({ code: "invalidArgument" }),
    );
  }
  vi.stubGlobal("indexedDB", undefined);
  expect(await codeOf(new IndexedDbStore({ databaseName: "a" }).open("orders"))).toBe("storeFailed");
  vi.unstubAllGlobals();
});

test("the storage of the origin tells what the browser tells", async () => {
  const { storage } = openStore({ durability: "relaxed" });
  expect(await storage.status()).toEqual({ durability: "relaxed" });
  expect(await storage.persist()).toBe(false);
  let isPersisted = false;
  vi.stubGlobal("navigator", {
    storage: {
      persisted: async () => isPersisted,
      estimate: async () => ({ quota: 1_000, usage: 10 }),
      persist: async () => {
        isPersisted = true;
        return true;
      },
    },
  });
  expect(await storage.status()).toMatchObject({ isPersisted: false, quotaBytes: 1_000, usageBytes: 10 });
  expect(await storage.persist()).toBe(true);
  expect(await storage.status()).toMatchObject({ isPersisted: true });
  vi.unstubAllGlobals();
});
