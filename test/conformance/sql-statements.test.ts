/** What the SQL stores ask of a database for the work that there is most of. */
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { SqlDatabase } from "../../adapters/sql/database.ts";
import type { SqlDriver, SqlRow, SqlValue } from "../../adapters/sql/driver.ts";
import type { SqlSession } from "../../adapters/sql/session.ts";
import { record, turn } from "./samples.ts";

/** A database in memory that notes what it is asked. */
class Noted implements SqlDriver {
  readonly #db = new DatabaseSync(":memory:");
  #statements: string[] = [];

  all<Row extends SqlRow>(sql: string, ...params: readonly SqlValue[]): readonly Row[] {
    this.#note(sql);
    return this.#db.prepare(sql).all(...params) as unknown as Row[];
  }
  run(sql: string, ...params: readonly SqlValue[]): number {
    this.#note(sql);
    return Number(this.#db.prepare(sql).run(...params).changes);
  }
  transaction<T>(work: () => T): T {
    this.#db.exec("BEGIN");
    try {
      const result = work();
      this.#db.exec("COMMIT");
      this.#note("COMMIT");
      return result;
    } finally {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
    }
  }

  /** The first words of what `work` asks. */
  of(work: () => void): string[] {
    this.#statements = [];
    work();
    return this.#statements;
  }

  #note(sql: string): void {
    this.#statements.push(sql.split(" ", 3).join(" "));
  }
}

const started = { instanceId: "a", atMs: 1_000, record: record("a"), firstTurn: 0, turns: [turn(1_000, "one")] };
const step = (index: number) => ({
  instanceId: "a",
  atMs: 1_000 + index,
  firstTurn: index,
  turns: [turn(1_000 + index, "next")],
});
const APPEND = ["INSERT INTO holdfast_turns"];

function opened(): { readonly noted: Noted; open(): SqlSession } {
  const noted = new Noted();
  return { noted, open: () => new SqlDatabase(noted, "open").open("orders") };
}

test("a sequential step is one statement and no transaction around it", () => {
  const { noted, open } = opened();
  const session = open();
  session.commit([started]);
  for (const index of [1, 2, 3]) expect(noted.of(() => session.commit([step(index)]))).toEqual(APPEND);
  expect(session.load("a")).toMatchObject({ turnCount: 4, eventCount: 8, lastUpdatedAtMs: 1_003 });
});

test("it is so, too, for an instance that was read from the store", () => {
  const { noted, open } = opened();
  open().commit([started, step(1)]);
  const session = open();
  expect(session.load("a")).toMatchObject({ turnCount: 2, eventCount: 4 });
  expect(noted.of(() => session.commit([step(2)]))).toEqual(APPEND);
  expect(session.load("a")).toMatchObject({ turnCount: 3, eventCount: 6 });
});

test("a step of an instance that the session knows nothing of counts its events all the same", () => {
  const { noted, open } = opened();
  open().commit([started, step(1)]);
  const session = open();
  expect(noted.of(() => session.commit([step(2)]))).toContain("COMMIT");
  expect(noted.of(() => session.commit([step(3)]))).toEqual(APPEND);
  expect(session.load("a")).toMatchObject({ turnCount: 4, eventCount: 8 });
});

test("after a commit that failed nothing is taken for known", () => {
  const { noted, open } = opened();
  const session = open();
  session.commit([started]);
  expect(() => session.commit([{ ...step(1), firstTurn: 0 }])).toThrow("UNIQUE");
  expect(noted.of(() => session.commit([step(1)]))).toContain("COMMIT");
  expect(session.load("a")).toMatchObject({ turnCount: 2, eventCount: 4 });
});

test("a new generation begins to count again", () => {
  const { noted, open } = opened();
  const session = open();
  session.commit([started, step(1)]);
  session.commit([{ ...started, isReset: true }]);
  expect(noted.of(() => session.commit([step(1)]))).toEqual(APPEND);
  expect(session.load("a")).toMatchObject({ turnCount: 2, eventCount: 4 });
});
