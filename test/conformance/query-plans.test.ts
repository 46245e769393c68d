/** What a call of a SQL store looks at must not grow with the hub: every statement is answered from a key or an index. */
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { SqlDatabase } from "../../adapters/sql/database.ts";
import type { SqlDriver, SqlRow, SqlValue } from "../../adapters/sql/driver.ts";
import type { SqlSession } from "../../adapters/sql/session.ts";
import { entity, fullRecord, message, record, timer, turn } from "./samples.ts";

/** A driver that notes how SQLite would go about each statement that looks something up. */
function explainedDriver(plans: string[]): SqlDriver {
  const db = new DatabaseSync(":memory:");
  const explain = (sql: string, params: readonly SqlValue[]): void => {
    if (/^\s*(SELECT|UPDATE|DELETE|INSERT)/.test(sql)) {
      const steps = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...params);
      plans.push(...steps.map(({ detail }) => String(detail)));
    }
  };
  return {
    all: <Row extends SqlRow>(sql: string, ...params: SqlValue[]) => {
      explain(sql, params);
      return db.prepare(sql).all(...params) as unknown as Row[];
    },
    run: (sql, ...params) => {
      explain(sql, params);
      return Number(db.prepare(sql).run(...params).changes);
    },
    transaction: (work) => work(),
  };
}

/** Steps that read a whole table or sort; constant rows, subqueries and lists of parameters do not count. */
function costly(plans: readonly string[]): string[] {
  return plans.filter(
    (plan) =>
      /TEMP B-TREE/.test(plan) ||
      (/^SCAN (?!json_each|CONSTANT|\(subquery|holdfast_hubs|sqlite_master)/.test(plan) && !/INDEX/.test(plan)),
  );
}

/** Runs `call` on a hub that holds something of everything, and answers its plan. */
function planOf(call: (session: SqlSession) => unknown): string[] {
  const plans: string[] = [];
  const session = new SqlDatabase(explainedDriver(plans), "open").open("orders");
  session.commit([
    {
      instanceId: "a",
      atMs: 1_000,
      record: fullRecord("a"),
      firstTurn: 0,
      turns: [turn(1_000, "one")],
      timersAdded: [timer("a", 1, 5_000)],
    },
    {
      instanceId: "@c@k",
      atMs: 1_000,
      entity: entity("@c@k"),
      inboxAdded: [message(1, "add")],
      timersAdded: [timer("@c@k", 1, 5_000, "signal")],
    },
  ]);
  plans.length = 0;
  call(session);
  return plans;
}

const page = { limit: 10, after: { atMs: 1_000, instanceId: "a" } } as const;
const filter = {
  statuses: ["Running"],
  names: ["a"],
  createdFromMs: 1,
  createdToMs: 5_000,
  tags: { team: "a" },
} as const;

const CALLS: Readonly<Record<string, (session: SqlSession) => unknown>> = {
  "loading an instance": (session) => session.load("a"),
  "reading a history": (session) => session.history("a"),
  "reading due timers": (session) => session.dueTimers(9_000, 10),
  "finding the next timer": (session) => session.nextTimerAtMs(),
  "the first page by creation": (session) => session.query({ filter: {}, orderBy: "created", limit: 10 }),
  "a later page by creation": (session) => session.query({ filter: {}, orderBy: "created", ...page }),
  "a later page by completion": (session) =>
    session.query({ filter: { completedToMs: 9_000 }, orderBy: "completed", ...page }),
  "a filtered page": (session) =>
    session.query({ filter: { ...filter, instanceIdPrefix: "a" }, orderBy: "created", ...page }),
  "a page of entities": (session) =>
    session.queryEntities({ includesTransient: false, limit: 10, after: "@a@", instanceIdPrefix: "@" }),
  "a step": (session) => session.commit([{ instanceId: "a", atMs: 2_000, firstTurn: 1, turns: [turn(2_000, "two")] }]),
  "a new record": (session) => session.commit([{ instanceId: "a", atMs: 2_000, record: record("a") }]),
  "a reset": (session) => session.commit([{ instanceId: "a", atMs: 2_000, isReset: true }]),
  "a purge": (session) => session.commit([{ instanceId: "a", atMs: 2_000, isPurge: true }]),
  "taking a message": (session) =>
    session.commit([{ instanceId: "@c@k", atMs: 2_000, entity: null, inboxRemoved: [1] }]),
};

test.for(Object.entries(CALLS))("%s is answered from a key or an index", ([, call]) => {
  const plans = planOf(call);
  expect(plans.length).toBeGreaterThan(0);
  expect(costly(plans)).toEqual([]);
});

test("open instances are found among the busy ones and the messages only", () => {
  const plans = planOf((session) => session.openInstances());
  const reads = plans.filter((plan) => /^(SCAN|SEARCH) /.test(plan));
  expect(reads).toEqual([
    expect.stringMatching(/^SEARCH holdfast_instances USING COVERING INDEX holdfast_busy/),
    expect.stringMatching(/^SEARCH holdfast_inbox USING PRIMARY KEY/),
  ]);
});

test("the plans of listings use the index of their order", () => {
  const of = (orderBy: "created" | "completed"): string =>
    planOf((session) => session.query({ filter: {}, orderBy, ...page })).join("\n");
  expect(of("created")).toContain("USING INDEX holdfast_created");
  expect(of("completed")).toContain("USING INDEX holdfast_completed");
});

test("the check sees a scan and a sort", () => {
  const plans: string[] = [];
  const driver = explainedDriver(plans);
  driver.run("CREATE TABLE t (a TEXT)");
  driver.all("SELECT * FROM t ORDER BY a");
  expect(costly(plans)).toHaveLength(2);
});
