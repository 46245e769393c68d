/** Databases that an older release has written: `schema-1.sql` is one of version 1, as it was written then. Fixtures are never changed. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ClaimTime, SqlDatabase } from "../../adapters/sql/database.ts";
import type { SqlDriver } from "../../adapters/sql/driver.ts";
import { SCHEMA_VERSION } from "../../adapters/sql/schema.ts";
import type { SqlSession } from "../../adapters/sql/session.ts";
import { connect } from "../../adapters/sqlite/connection.ts";
import { SqliteStore } from "../../adapters/sqlite/index.ts";
import { END_OF_TIME_MS, viewOf } from "./subject.ts";

const T0 = Date.UTC(2026, 0, 1);
let folder = "";
let file = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-"));
  file = join(folder, "hubs.db");
  inFile((db) => db.exec(readFileSync(new URL("schema-1.sql", import.meta.url), "utf8")));
});
afterEach(() => rmSync(folder, { recursive: true }));

function inFile<T>(use: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(file);
  try {
    return use(db);
  } finally {
    db.close();
  }
}

/** Everything in the file, by table. */
const contents = (): unknown =>
  inFile((db) => {
    const tables = db.prepare("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name").all();
    return tables.map(({ name, sql }) => [sql, db.prepare(`SELECT * FROM ${String(name)}`).all()]);
  });

const step = (atMs: number) => [{ type: "OrchestratorStarted", eventId: -1, timestamp: new Date(atMs) }] as const;

/** What the fixture holds, read through the contract. */
async function expectFixture(orders: SqlSession, billing: SqlSession): Promise<void> {
  const { instances, timers, openInstances, created } = await viewOf(orders, ["a", "b", "later", "@counter@k"]);
  expect(instances).toMatchObject({
    a: { stored: { turnCount: 2, eventCount: 5, lastUpdatedAtMs: T0 + 7, record: { output: '"done"' } } },
    b: { stored: { turnCount: 2, eventCount: 6, lastUpdatedAtMs: T0 + 5, record: { status: "Running" } } },
    later: { stored: { turnCount: 0, eventCount: 0, inbox: [{ sequence: 1, event: { name: "x" } }] }, history: [] },
    "@counter@k": { stored: { record: undefined, entity: { state: "3" } } },
  });
  expect(orders.history("b").map(({ type, timestamp }) => [type, timestamp.getTime() - T0])).toEqual([
    ["OrchestratorStarted", 0],
    ["ExecutionStarted", 0],
    ["TaskScheduled", 0],
    ["OrchestratorStarted", 5],
    ["TaskCompleted", 5],
    ["TimerCreated", 5],
  ]);
  expect(orders.history("b").at(-1)).toMatchObject({ fireAt: new Date(T0 + 60_000) });
  expect(timers.map(({ instanceId, kind, timerId }) => [instanceId, kind, timerId])).toEqual([
    ["b", "timer", 2],
    ["later", "start", 0],
  ]);
  expect(openInstances).toEqual(["later"]);
  expect(created).toHaveLength(3);
  expect(billing.load("b")).toMatchObject({ turnCount: 3, eventCount: 5, record: { name: "invoice" } });
  expect(billing.history("b")[1]).toMatchObject({ type: "ExecutionStarted", input: '{"n":1}' });
}

/** Writing after the migration: more turns, a new instance, a reset that takes the timers along. */
function expectWritable(orders: SqlSession, billing: SqlSession): void {
  const record = orders.load("b")?.record;
  if (!record) throw new Error("The fixture has an instance 'b'.");
  orders.commit([
    { instanceId: "b", atMs: T0 + 9, firstTurn: 2, turns: [step(T0 + 9)] },
    { instanceId: "new", atMs: T0 + 9, record: { ...record, instanceId: "new" }, firstTurn: 0, turns: [step(T0 + 9)] },
  ]);
  billing.commit([{ instanceId: "b", atMs: T0 + 9, firstTurn: 3, turns: [step(T0 + 10)] }]);
  expect([orders.history("b").length, orders.history("new").length, billing.history("b").length]).toEqual([7, 1, 6]);
  expect(orders.load("b")).toMatchObject({ turnCount: 3, eventCount: 7 });
  orders.commit([{ instanceId: "b", atMs: T0 + 11, isReset: true, record, firstTurn: 0, turns: [step(T0 + 11)] }]);
  expect(orders.history("b")).toHaveLength(1);
  expect(orders.dueTimers(END_OF_TIME_MS, 10).map(({ instanceId }) => instanceId)).toEqual(["later"]);
  expect([orders.history("new").length, billing.history("b").length]).toEqual([1, 6]);
}

test("a file of version 1 is brought up to date when it is opened, with all that is in it", async () => {
  const store = new SqliteStore({ path: file });
  const orders = store.open("orders") as SqlSession;
  const billing = store.open("billing") as SqlSession;
  expect([orders.epoch, billing.epoch]).toEqual([2, 2]);
  await expectFixture(orders, billing);
  expectWritable(orders, billing);
  orders.close();
  billing.close();
  const version = inFile((db) => db.prepare("SELECT value FROM holdfast_meta WHERE key = 'schemaVersion'").get());
  expect(version).toEqual({ value: SCHEMA_VERSION });
});

test.each(["open", "firstCommit"] as const)(
  "a migration that is interrupted anywhere leaves the old version (%s)",
  async (claimTime: ClaimTime) => {
    const before = contents();
    for (let failAt = 1, isDone = false; !isDone; failAt++) {
      const { driver, close } = connect({ path: file, synchronous: "NORMAL", busyTimeoutMs: 0 });
      let statements = 0;
      const failing: SqlDriver = {
        ...driver,
        run: (sql, ...params) => {
          if (++statements === failAt) throw new Error("The process ends here.");
          return driver.run(sql, ...params);
        },
      };
      try {
        const database = new SqlDatabase(failing, claimTime);
        const orders = database.open("orders");
        await expectFixture(orders, database.open("billing"));
        isDone = true;
        expect(failAt).toBeGreaterThan(7);
      } catch (error) {
        expect((error as Error).message).toBe("The process ends here.");
        close();
        expect(contents()).toEqual(before);
        continue;
      }
      close();
    }
  },
);
