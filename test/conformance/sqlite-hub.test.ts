/** A hub over a SQLite file that cannot be written for a while: who called is told why, nothing acknowledged is lost, and the hub goes on by itself. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type ActivityContext, defineActivity, defineOrchestrator, StoreError } from "holdfast";
import { SqliteStore } from "holdfast/sqlite";
import { TestTaskHub } from "holdfast/testing";
import { afterEach, beforeEach, expect, test } from "vitest";

let folder = "";
let file = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-"));
  file = join(folder, "hubs.db");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Something that keeps a file from being written, until it is undone. */
type Trouble = (store: DatabaseSync) => () => void;

/** The numbers that a statement answers. */
const asNumber = (db: DatabaseSync, pragma: string): number => Number(Object.values(db.prepare(pragma).get() ?? {})[0]);

const TROUBLES: Readonly<Record<string, Trouble>> = {
  storeBusy: () => {
    const other = new DatabaseSync(file);
    other.exec("BEGIN IMMEDIATE");
    return () => other.close();
  },
  storeFull: (store) => {
    const limit = asNumber(store, "PRAGMA max_page_count");
    store.exec(`PRAGMA max_page_count = ${asNumber(store, "PRAGMA page_count")}`);
    return () => store.exec(`PRAGMA max_page_count = ${limit}`);
  },
  storeReadOnly: (store) => {
    store.exec("PRAGMA query_only = 1");
    return () => store.exec("PRAGMA query_only = 0");
  },
};

/** Runs `open`, and gives the connection to the database file that it makes. */
async function connectionOf(open: () => Promise<unknown>): Promise<DatabaseSync> {
  const { exec } = DatabaseSync.prototype;
  let connection: DatabaseSync | undefined;
  DatabaseSync.prototype.exec = function (sql) {
    if (sql.includes("journal_mode")) connection = this;
    exec.call(this, sql);
  };
  try {
    await open();
  } finally {
    DatabaseSync.prototype.exec = exec;
  }
  if (!connection) throw new Error("No database was opened.");
  return connection;
}

test.each(Object.keys(TROUBLES))("%s: the caller is told, the rest waits and goes on", async (code) => {
  const runs: { readonly ctx: ActivityContext; finish(value: string): void }[] = [];
  const slow = defineActivity("slow", (ctx) => new Promise<string>((finish) => runs.push({ ctx, finish })));
  const long = defineOrchestrator("long", async (ctx, text: string) => {
    const result = await ctx.callActivity(slow);
    await ctx.createTimer({ minutes: 1 });
    return [result, text.length];
  });
  const open = () =>
    TestTaskHub.open({ functions: [long, slow], store: new SqliteStore({ path: file, busyTimeoutMs: 0 }) });
  let hub: TestTaskHub | undefined;
  const connection = await connectionOf(async () => {
    hub = await open();
  });
  if (!hub) throw new Error("The hub did not open.");
  const text = "x".repeat(300_000);
  await hub.scheduleNewOrchestration(long, text, { instanceId: "before" });
  await hub.runUntilIdle();
  const end = TROUBLES[code]?.(connection);
  const refused = hub.scheduleNewOrchestration(long, text, { instanceId: "during" });
  await expect(refused).rejects.toBeInstanceOf(StoreError);
  await expect(refused).rejects.toMatchObject({ code, name: "StoreError", message: expect.stringContaining(file) });
  runs[0]?.finish("x".repeat(300_000));
  await hub.advance({ seconds: 30 });
  expect(await hub.getOrchestrationState("before")).toMatchObject({ runtimeStatus: "Running" });
  expect(await hub.getOrchestrationState("during")).toBeUndefined();
  end?.();
  await hub.advance({ seconds: 2 });
  runs[1]?.finish("second run");
  await hub.scheduleNewOrchestration(long, text, { instanceId: "after" });
  await hub.advance({ minutes: 2 });
  expect(await hub.getOrchestrationState("before")).toMatchObject({ runtimeStatus: "Completed" });
  expect(runs.map(({ ctx }) => ctx.instanceId)).toEqual(["before", "before", "after"]);
  expect(runs[1]?.ctx.idempotencyKey).toBe(runs[0]?.ctx.idempotencyKey);
  await hub.close();
  const again = await open();
  expect(await again.getOrchestrationState("before")).toMatchObject({ output: ["second run", 300_000] });
  expect(await again.getOrchestrationState("during")).toBeUndefined();
  await again.close();
});
