/** The store over a Durable Object, in workerd: the store contract, and what each operation costs there. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { DurableObjectStore, type ObjectStorage } from "../../adapters/durable-objects/index.ts";
import type { InstanceChange, SyncStoreSession } from "../../core/store/contract.ts";
import { entity, message, record, timer, turn } from "../conformance/samples.ts";
import { storeConformance } from "../conformance/suite.ts";

let objectCount = 0;

/** A Durable Object that nothing was ever written to. */
function freshObject(): DurableObjectStub {
  return env.TASK_HUBS.getByName(`store-${++objectCount}`);
}

function inStorage<T>(stub: DurableObjectStub, run: (storage: DurableObjectStorage) => T | Promise<T>): Promise<T> {
  return runInDurableObject(stub, async (_, state) => await run(state.storage));
}

storeConformance(
  "DurableObjectStore",
  (run) =>
    inStorage(freshObject(), (storage) =>
      run({ store: new DurableObjectStore(storage), connect: () => new DurableObjectStore(storage) }),
    ),
  { isSynchronous: true },
);

/** Counts the rows that statements write. */
class Meter {
  readonly storage: ObjectStorage;
  #cursors: { readonly rowsWritten: number }[] = [];

  constructor(storage: DurableObjectStorage) {
    this.storage = {
      sql: {
        exec: (query, ...bindings) => {
          const cursor = storage.sql.exec(query, ...bindings);
          this.#cursors.push(cursor);
          return cursor;
        },
      },
      transactionSync: (closure) => storage.transactionSync(closure),
    };
  }

  rowsWrittenBy(work: () => unknown): number {
    this.#cursors = [];
    work();
    return this.#cursors.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0);
  }
}

const one = [turn(1_000, "one")];
const busy = record("a", { isBusy: true });

/** What comes before, what is measured, and the rows that it writes. */
const COSTS: readonly (readonly [
  sentence: string,
  rows: number,
  before: Omit<InstanceChange, "instanceId" | "atMs">[],
  measured: Omit<InstanceChange, "instanceId" | "atMs">,
])[] = [
  [
    "a step of a sequential orchestration",
    1,
    [{ record: busy, firstTurn: 0, turns: one }],
    { firstTurn: 1, turns: one },
  ],
  [
    "a start with its first turn, one for the order of creation, one for being busy",
    4,
    [],
    { record: busy, firstTurn: 0, turns: one },
  ],
  ["a start that leaves it waiting", 3, [], { record: record("a"), firstTurn: 0, turns: one }],
  [
    "a step that changes the record: the custom status, say",
    2,
    [{ record: busy, firstTurn: 0, turns: one }],
    { record: { ...busy, customStatus: "1" }, firstTurn: 1, turns: one },
  ],
  [
    "a step that makes a waiting instance busy",
    3,
    [{ record: record("a"), firstTurn: 0, turns: one }],
    { record: busy, firstTurn: 1, turns: one },
  ],
  [
    "a step that leaves it waiting",
    2,
    [{ record: busy, firstTurn: 0, turns: one }],
    { record: record("a"), firstTurn: 1, turns: one },
  ],
  [
    "the last step, one for the order of completion",
    3,
    [{ record: busy, firstTurn: 0, turns: one }],
    { record: record("a", { completedAtMs: 2_000 }), firstTurn: 1, turns: one },
  ],
  [
    "a step with a timer",
    2,
    [{ record: record("a") }],
    { firstTurn: 0, turns: one, timersAdded: [timer("a", 1, 5_000)] },
  ],
  [
    "a step on a timer that fired",
    2,
    [{ record: record("a"), firstTurn: 0, turns: one, timersAdded: [timer("a", 1, 5_000)] }],
    { firstTurn: 1, turns: one, timersRemoved: [timer("a", 1, 5_000)] },
  ],
  ["a message that must wait", 1, [{ record: record("a") }], { inboxAdded: [message(1, "go")] }],
  [
    "a step that takes a waiting message",
    2,
    [{ record: record("a"), inboxAdded: [message(1, "go")] }],
    { firstTurn: 0, turns: one, inboxRemoved: [1] },
  ],
  ["an operation of an entity", 1, [{ entity: entity("a", { state: "1" }) }], { entity: entity("a", { state: "2" }) }],
  [
    "continuing as new after two turns",
    4,
    [{ record: record("a"), firstTurn: 0, turns: [...one, ...one] }],
    { isReset: true, record: record("a", { executionId: "a-2" }), firstTurn: 0, turns: one },
  ],
  ["a purge after two turns", 3, [{ record: record("a"), firstTurn: 0, turns: [...one, ...one] }], { isPurge: true }],
  [
    "a new record around a long input that stays",
    2,
    [{ record: record("a", { input: "x".repeat(3_000_000) }) }],
    { record: record("a", { input: "x".repeat(3_000_000), customStatus: "1" }) },
  ],
];

test.for(COSTS)("rows written: %s: %i", ([, rows, before, measured]) =>
  inStorage(freshObject(), (storage) => {
    const meter = new Meter(storage);
    const session = new DurableObjectStore(meter.storage).open("orders");
    session.commit([{ instanceId: "other", atMs: 500, record: record("other") }]);
    for (const change of before) session.commit([{ instanceId: "a", atMs: 1_000, ...change }]);
    expect(meter.rowsWrittenBy(() => session.commit([{ instanceId: "a", atMs: 2_000, ...measured }]))).toBe(rows);
  }),
);

function readEverything(session: SyncStoreSession): unknown[] {
  return [
    session.load("a"),
    session.history("a"),
    session.openInstances(),
    session.dueTimers(9_000, 10),
    session.nextTimerAtMs(),
    session.query({ filter: {}, orderBy: "created", limit: 10 }),
    session.queryEntities({ includesTransient: true, limit: 10 }),
  ];
}

test("opening, reading and closing write nothing, not even tables", () =>
  inStorage(freshObject(), (storage) => {
    const meter = new Meter(storage);
    const size = storage.sql.databaseSize;
    const written = meter.rowsWrittenBy(() => {
      const session = new DurableObjectStore(meter.storage).open("orders");
      readEverything(session);
      session.commit([]);
      session.close();
    });
    expect(written).toBe(0);
    expect(storage.sql.databaseSize).toBe(size);
    expect(storage.sql.exec("SELECT name FROM sqlite_master WHERE name LIKE 'holdfast%'").toArray()).toEqual([]);
  }));

test("opening again writes nothing until the first commit, which writes one row for the epoch", () =>
  inStorage(freshObject(), (storage) => {
    const meter = new Meter(storage);
    const store = new DurableObjectStore(meter.storage);
    const first = store.open("orders");
    first.commit([{ instanceId: "a", atMs: 1_000, record: busy }]);
    expect(meter.rowsWrittenBy(() => readEverything(store.open("orders")))).toBe(0);
    const session = store.open("orders");
    expect(session.epoch).toBe(first.epoch + 2);
    const step = (turnIndex: number) => (): void => {
      session.commit([{ instanceId: "a", atMs: 1_000, firstTurn: turnIndex, turns: one }]);
    };
    expect(meter.rowsWrittenBy(step(0))).toBe(2);
    expect(meter.rowsWrittenBy(step(1))).toBe(1);
  }));

test("data and epoch survive the eviction of the object", async () => {
  const stub = freshObject();
  const open = <T>(run: (session: SyncStoreSession) => T): Promise<T> =>
    inStorage(stub, (storage) => run(new DurableObjectStore(storage).open("orders")));
  const epoch = await open((session) => {
    session.commit([
      { instanceId: "a", atMs: 1_000, record: busy, firstTurn: 0, turns: one, timersAdded: [timer("a", 1, 5_000)] },
    ]);
    return session.epoch;
  });
  await evictDurableObject(stub);
  await open((session) => {
    expect(session.epoch).toBe(epoch + 1);
    expect(session.load("a")).toMatchObject({ record: busy, turnCount: 1, eventCount: 2 });
    expect(session.openInstances()).toEqual(["a"]);
    expect(session.nextTimerAtMs()).toBe(5_000);
    session.commit([{ instanceId: "a", atMs: 2_000, firstTurn: 1, turns: one }]);
  });
  await evictDurableObject(stub);
  await open((session) => {
    expect(session.epoch).toBe(epoch + 2);
    expect(session.history("a")).toHaveLength(4);
  });
});

test("no value in a row is longer than production Durable Objects take", () =>
  inStorage(freshObject(), (storage) => {
    const session = new DurableObjectStore(storage).open("orders");
    const long = "é".repeat(2_500_000);
    session.commit([
      {
        instanceId: "a",
        atMs: 1_000,
        record: record("a", { input: long }),
        firstTurn: 0,
        turns: [turn(1_000, long)],
        inboxAdded: [message(1, "go", long)],
      },
      { instanceId: "@c@k", atMs: 1_000, entity: entity("@c@k", { state: long }) },
    ]);
    const sizes: number[] = [];
    const tables = storage.sql.exec<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'holdfast%'",
    );
    for (const { name } of tables.toArray()) {
      for (const row of storage.sql.exec(`SELECT * FROM ${name}`).toArray())
        sizes.push(new TextEncoder().encode(Object.values(row).join("")).length);
    }
    expect(Math.max(...sizes)).toBeGreaterThan(900_000);
    expect(Math.max(...sizes)).toBeLessThan(1_100_000);
  }));

test("a commit that fails half way is undone, although the object goes on", () =>
  inStorage(freshObject(), (storage) => {
    const session = new DurableObjectStore(storage).open("orders");
    const twice: InstanceChange = { instanceId: "a", atMs: 1_000, record: record("a"), firstTurn: 0, turns: one };
    expect(() => session.commit([twice, { ...twice, record: busy }])).toThrow();
    expect(session.load("a")).toBeUndefined();
    expect(storage.sql.exec("SELECT name FROM sqlite_master WHERE name LIKE 'holdfast%'").toArray()).toEqual([]);
    session.commit([twice]);
    expect(() => session.commit([{ instanceId: "b", atMs: 1_000, record: record("b") }, twice])).toThrow();
    expect(session.load("b")).toBeUndefined();
    session.commit([{ instanceId: "b", atMs: 1_000, record: record("b") }]);
    expect(session.load("b")).toBeDefined();
  }));
