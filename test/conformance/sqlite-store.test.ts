/** What `SqliteStore` promises beyond the store contract: its file, its errors, its options, other processes. */
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, expectTypeOf, test } from "vitest";
import { storeErrorOf } from "../../adapters/sqlite/failure.ts";
import { SqliteStore } from "../../adapters/sqlite/index.ts";
import type { SyncStoreSession } from "../../core/store/contract.ts";
import { fullRecord, message, record, turn } from "./samples.ts";

let folder = "";
const file = (): string => join(folder, "hubs.db");
const openStore = (options = {}): SqliteStore => new SqliteStore({ path: file(), synchronous: "NORMAL", ...options });
const start = (instanceId: string) => ({ instanceId, atMs: 1_000, record: record(instanceId) });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function codeOf(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    expect((error as Error).message).toMatch(/\.$/);
    return (error as { code?: unknown }).code;
  }
  return undefined;
}

test("making a store touches nothing; opening a hub makes the file", () => {
  const store = openStore();
  expect(existsSync(file())).toBe(false);
  store.open("orders").close();
  expect(existsSync(file())).toBe(true);
});

test("the file is released when its last hub is closed, and opened again for the next", () => {
  const store = openStore();
  const [orders, billing] = [store.open("orders"), store.open("billing")];
  orders.commit([start("a")]);
  orders.close();
  orders.close();
  expect(existsSync(`${file()}-wal`)).toBe(true);
  billing.commit([start("a")]);
  billing.close();
  expect(existsSync(`${file()}-wal`)).toBe(false);
  renameSync(file(), `${file()}.moved`);
  renameSync(`${file()}.moved`, file());
  const again = store.open("orders");
  expect(again.load("a")).toMatchObject({ record: record("a") });
  again.close();
});

test("what is kept in memory outlives its hubs, and is not shared with another store", () => {
  const store = new SqliteStore({ path: ":memory:" });
  const first = store.open("orders");
  first.commit([start("a")]);
  first.close();
  expect(store.open("orders").load("a")).toMatchObject({ record: record("a") });
  expect(new SqliteStore({ path: ":memory:" }).open("orders").load("a")).toBeUndefined();
});

test("a closed session refuses every call", () => {
  const session = openStore().open("orders");
  session.close();
  expect(codeOf(() => session.commit([start("a")]))).toBe("hubClosed");
  expect(codeOf(() => session.load("a"))).toBe("hubClosed");
  expect(codeOf(() => session.nextTimerAtMs())).toBe("hubClosed");
});

test("two processes may keep different hubs in one file", () => {
  const [one, two] = [openStore().open("orders"), openStore().open("billing")];
  for (let round = 0; round < 20; round++) {
    one.commit([start(`one-${round}`)]);
    two.commit([start(`two-${round}`)]);
  }
  expect([one.isFenced, two.isFenced]).toEqual([false, false]);
  expect(one.query({ filter: {}, orderBy: "created", limit: 100 })).toHaveLength(20);
  expect(two.load("one-1")).toBeUndefined();
  one.close();
  two.close();
});

test("a commit that finds the file locked says so, changes nothing, and can be tried again", () => {
  const session = openStore({ busyTimeoutMs: 0 }).open("orders");
  const other = new DatabaseSync(file());
  other.exec("BEGIN IMMEDIATE");
  expect(codeOf(() => session.commit([start("a")]))).toBe("storeBusy");
  expect(codeOf(() => openStore({ busyTimeoutMs: 0 }).open("billing"))).toBe("storeBusy");
  other.exec("ROLLBACK");
  expect(session.load("a")).toBeUndefined();
  expect(session.isFenced).toBe(false);
  session.commit([start("a")]);
  expect(session.load("a")).toBeDefined();
  session.close();
  other.close();
});

test("turns of any number of instances stay apart, whatever hubs, sessions and failed commits are between them", () => {
  const other = new DatabaseSync(file());
  const ran = (instanceId: string, text: string) => ({
    ...start(instanceId),
    firstTurn: 0,
    turns: [turn(1_000, text), turn(1_001, text)],
  });
  const expected = new Map<string, string>();
  for (let round = 0; round < 4; round++) {
    const sessions = ["orders", "billing"].map((hub) => [hub, openStore({ busyTimeoutMs: 0 }).open(hub)] as const);
    for (let n = 0; n < 150; n++) {
      for (const [hub, session] of sessions) {
        const id = `${hub}-${round}-${n}`;
        if (n % 50 === 0) {
          other.exec("BEGIN IMMEDIATE");
          expect(codeOf(() => session.commit([ran(id, "failed")]))).toBe("storeBusy");
          other.exec("ROLLBACK");
          expect(() => session.commit([ran(id, "undone"), { instanceId: "none", atMs: 1, turns: [[]] }])).toThrow(
            "none",
          );
        }
        session.commit([ran(id, id)]);
        expected.set(id, hub);
      }
    }
    for (const [, session] of sessions) session.close();
  }
  const [orders, billing] = [openStore().open("orders"), openStore().open("billing")];
  for (const [id, hub] of expected) {
    const history = (hub === "orders" ? orders : billing).history(id);
    expect(history).toEqual([...turn(1_000, id), ...turn(1_001, id)]);
  }
  const rows = other.prepare("SELECT count(*) AS turns FROM holdfast_turns").get();
  expect(rows).toEqual({ turns: 2 * expected.size });
  for (const session of [orders, billing]) session.close();
  other.close();
});

/** Runs `run` while every connection that is opened gets one more setting. */
function withPragma(pragma: string, run: () => void): void {
  const { exec } = DatabaseSync.prototype;
  DatabaseSync.prototype.exec = function (sql) {
    exec.call(this, sql);
    exec.call(this, pragma);
  };
  try {
    run();
  } finally {
    DatabaseSync.prototype.exec = exec;
  }
}

test("a commit that finds no room says so, changes nothing, and the next one that fits is written", () => {
  withPragma("PRAGMA max_page_count = 40", () => {
    const session = openStore().open("orders");
    session.commit([start("a")]);
    const large = { ...start("b"), firstTurn: 0, turns: [turn(1_000, "x".repeat(900_000))] };
    expect(codeOf(() => session.commit([start("c"), large]))).toBe("storeFull");
    expect([session.load("b"), session.load("c"), session.isFenced]).toEqual([undefined, undefined, false]);
    session.commit([start("c")]);
    session.close();
  });
  const session = openStore().open("orders");
  expect(session.query({ filter: {}, orderBy: "created", limit: 10 })).toHaveLength(2);
  session.close();
});

test("a file that may not be written, is no database or lies nowhere is named in the error", () => {
  openStore().open("orders").close();
  const readOnly = new DatabaseSync(file(), { readOnly: true });
  let refused: unknown;
  try {
    readOnly.exec("DELETE FROM holdfast_hubs");
  } catch (error) {
    refused = error;
  }
  readOnly.close();
  expect(storeErrorOf(refused, "hubs.db")).toMatchObject({
    code: "storeReadOnly",
    message: expect.stringContaining("'hubs.db'"),
  });
  const text = join(folder, "notes.txt");
  writeFileSync(text, "This is no database. ".repeat(100));
  expect(codeOf(() => openStore({ path: text }).open("orders"))).toBe("storeCorrupt");
  const nowhere = new SqliteStore({ path: join(folder, "no", "where.db") });
  expect(codeOf(() => nowhere.open("orders"))).toBe("storeFailed");
  expect(() => nowhere.open("orders")).toThrow("where.db");
});

test("errors that are not SQLite's are left as they are", () => {
  const error = new TypeError("mine");
  expect(storeErrorOf(error, "hubs.db")).toBe(error);
  expect(storeErrorOf("text", "hubs.db")).toBe("text");
});

test("options that make no sense are refused", () => {
  for (const options of [
    { path: "" },
    { path: 1 },
    { path: "a", synchronous: "OFF" },
    { path: "a", busyTimeoutMs: -1 },
    { path: "a", busyTimeoutMs: 0.5 },
    { path: "a", whenOpen: "explode" },
    { path: "a", whenOpen: "wait", waitTimeoutMs: -1 },
    { path: ":memory:", whenOpen: "wait" },
  ]) {
    expect(
      codeOf(() => new SqliteStore(options as never)),
      JSON.stringify(options),
    ).toBe("invalidArgument");
  }
});

test("the log is on, and commits are synced as asked", () => {
  for (const [synchronous, level] of [
    ["FULL", 2],
    ["NORMAL", 1],
  ] as const) {
    const levels: unknown[] = [];
    const exec = DatabaseSync.prototype.exec;
    DatabaseSync.prototype.exec = function (sql) {
      exec.call(this, sql);
      if (sql.includes("journal_mode"))
        levels.push(this.prepare("PRAGMA synchronous").get(), this.prepare("PRAGMA journal_mode").get());
    };
    try {
      openStore({ synchronous }).open("orders").close();
    } finally {
      DatabaseSync.prototype.exec = exec;
    }
    expect(levels).toEqual([{ synchronous: level }, { journal_mode: "wal" }]);
  }
});

/** A store that waits for its turn, or gives up at once. */
const waiting = (options: { waitTimeoutMs?: number; signal?: AbortSignal } = {}): SqliteStore<"wait"> =>
  new SqliteStore({ path: file(), synchronous: "NORMAL", whenOpen: "wait", ...options });

test("a hub that is open elsewhere is not opened by a store that waits, until it is closed there", async () => {
  const first = openStore().open("orders");
  await expect(waiting({ waitTimeoutMs: 0 }).open("orders")).rejects.toMatchObject({ code: "timeout" });
  const controller = new AbortController();
  const abandoned = waiting({ signal: controller.signal }).open("orders");
  controller.abort(new Error("The process is going down."));
  await expect(abandoned).rejects.toThrow("The process is going down.");
  (await waiting().open("billing")).close();
  (await waiting().open("Orders")).close();
  const second = waiting().open("orders");
  first.commit([start("a")]);
  first.close();
  const session = await second;
  expect(session.load("a")).toBeDefined();
  expect(session.epoch).toBe(first.epoch + 1);
  await expect(waiting({ waitTimeoutMs: 0 }).open("orders")).rejects.toMatchObject({ code: "timeout" });
  session.close();
  expect(existsSync(`${file()}-wal`)).toBe(false);
});

test("only a store that waits answers an opening with a promise", () => {
  expectTypeOf<ReturnType<SqliteStore["open"]>>().toEqualTypeOf<SyncStoreSession>();
  expectTypeOf<ReturnType<SqliteStore<"wait">["open"]>>().toEqualTypeOf<Promise<SyncStoreSession>>();
  const fencing = new SqliteStore({ path: file(), whenOpen: "fence" });
  expectTypeOf(fencing).toEqualTypeOf<SqliteStore>();
  // @ts-expect-error there are two ways to open a hub
  expect(() => new SqliteStore({ path: file(), whenOpen: "later" })).toThrow("whenOpen");
});

test("whoever takes a hub over is waited for, too; who was fenced is not", async () => {
  const first = openStore().open("orders");
  const second = openStore().open("orders");
  expect(codeOf(() => first.commit([start("a")]))).toBe("hubFenced");
  await expect(waiting({ waitTimeoutMs: 0 }).open("orders")).rejects.toMatchObject({ code: "timeout" });
  second.close();
  const third = await waiting({ waitTimeoutMs: 0 }).open("orders");
  const fourth = openStore().open("orders");
  expect(codeOf(() => third.commit([start("a")]))).toBe("hubFenced");
  fourth.close();
  (await waiting({ waitTimeoutMs: 0 }).open("orders")).close();
  for (const session of [first, third]) session.close();
});

test("a file that is being written is no reason to give up waiting", async () => {
  openStore().open("orders").close();
  const other = new DatabaseSync(file());
  other.exec("BEGIN IMMEDIATE");
  const store = new SqliteStore({ path: file(), synchronous: "NORMAL", busyTimeoutMs: 0, whenOpen: "wait" });
  const opening = store.open("orders");
  other.exec("ROLLBACK");
  (await opening).close();
  other.close();
});

test("a file that another process has for itself just now is waited for, too", async () => {
  const other = new DatabaseSync(file());
  other.exec("BEGIN EXCLUSIVE; CREATE TABLE foreigners (id INTEGER)");
  const store = new SqliteStore({ path: file(), synchronous: "NORMAL", busyTimeoutMs: 0, whenOpen: "wait" });
  const opening = store.open("orders");
  other.exec("ROLLBACK");
  other.close();
  (await opening).close();
});

test("a file that is damaged says so", () => {
  const session = openStore().open("orders");
  session.commit(Array.from({ length: 200 }, (_, n) => start(`instance-${n}`)));
  session.close();
  const bytes = readFileSync(file());
  writeFileSync(file(), bytes.fill(0x5a, 4_096));
  expect(codeOf(() => openStore().open("orders"))).toBe("storeCorrupt");
});

test("tables of a newer release are refused and left alone", () => {
  openStore().open("orders").close();
  const other = new DatabaseSync(file());
  other.exec("UPDATE holdfast_meta SET value = 999 WHERE key = 'schemaVersion'");
  expect(codeOf(() => openStore().open("orders"))).toBe("storeTooNew");
  expect(other.prepare("SELECT epoch FROM holdfast_hubs").all()).toEqual([{ epoch: 1 }]);
  other.close();
});

test("tables of others in the file are left alone", () => {
  const other = new DatabaseSync(file());
  other.exec("CREATE TABLE instances (mine TEXT); INSERT INTO instances VALUES ('kept')");
  const session = openStore().open("orders");
  session.commit([start("a"), { instanceId: "a", atMs: 1_000, isPurge: true }]);
  session.close();
  expect(other.prepare("SELECT * FROM instances").all()).toEqual([{ mine: "kept" }]);
  other.close();
});

test("a purge leaves no row behind, however long the texts were", () => {
  const session = openStore().open("orders");
  const long = "x".repeat(3_000_000);
  session.commit([
    {
      instanceId: "a",
      atMs: 1_000,
      record: { ...fullRecord("a"), input: long },
      firstTurn: 0,
      turns: [turn(1_000, long)],
    },
    { instanceId: "@c@k", atMs: 1_000, entity: { instanceId: "@c@k", state: long, lastModifiedAtMs: 1_000 } },
  ]);
  session.commit([
    { instanceId: "a", atMs: 2_000, isPurge: true },
    { instanceId: "@c@k", atMs: 2_000, entity: null },
  ]);
  session.close();
  const other = new DatabaseSync(file());
  const tables = other.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'holdfast%'").all();
  const rows = tables.map(({ name }) => [name, other.prepare(`SELECT count(*) AS rows FROM ${name}`).get()?.rows]);
  expect(Object.fromEntries(rows)).toEqual({
    holdfast_meta: 1,
    holdfast_hubs: 1,
    holdfast_instances: 0,
    holdfast_entities: 0,
    holdfast_timers: 0,
    holdfast_inbox: 0,
    holdfast_chunks: 0,
    holdfast_turns: 0,
  });
  other.close();
});

test("a long text leaves no row behind when a short one or none takes its place", () => {
  const session = openStore().open("orders");
  const long = "x".repeat(3_000_000);
  const full = {
    instanceId: "a",
    atMs: 1_000,
    record: record("a", { input: long }),
    firstTurn: 0,
    turns: [turn(1_000, long)],
    inboxAdded: [message(1, "go", long)],
  };
  const other = new DatabaseSync(file());
  const kinds = (): unknown[] =>
    other
      .prepare("SELECT DISTINCT kind FROM holdfast_chunks ORDER BY kind")
      .all()
      .map(({ kind }) => kind);
  session.commit([full]);
  expect(kinds()).toEqual(["message", "record", "turn"]);
  session.commit([{ instanceId: "a", atMs: 2_000, inboxRemoved: [1] }]);
  expect(kinds()).toEqual(["record", "turn"]);
  session.commit([{ instanceId: "a", atMs: 2_000, isReset: true }]);
  expect(kinds()).toEqual(["record"]);
  session.commit([start("a")]);
  expect(kinds()).toEqual([]);
  other.close();
  session.close();
});
