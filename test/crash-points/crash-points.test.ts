/** The crash points of the stores that run in Node, and proof that they find what they are there for. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Connection, connect } from "../../adapters/sqlite/connection.ts";
import { forgetfulMedium, hastyMedium, repeatingMedium, tornMedium } from "./flawed-media.ts";
import { indexedDbMedium } from "./indexeddb-medium.ts";
import { deferredMedium, type Medium, memoryMedium, sqlMedium } from "./media.ts";
import { SCENARIOS } from "./scenarios.ts";
import { crashPoints, everyDeath, type WithMedium } from "./suite.ts";

/** `CRASH_POINTS=all` takes every point everywhere, and lets the process after each death die at every point, too. */
const isExhaustive = process.env.CRASH_POINTS === "all";
const MANY = Number.POSITIVE_INFINITY;

const fresh =
  (make: () => Medium): WithMedium =>
  (use) =>
    use(make());

/** A database in memory; a transaction that its process did not live to end is rolled back. */
const inSqlite: WithMedium = async (use) => {
  const { driver, close } = connect({ path: ":memory:", synchronous: "FULL", busyTimeoutMs: 0 });
  try {
    return await use(sqlMedium(() => driver));
  } finally {
    close();
  }
};

/** A file: what the next process gets is the file and its log as they were at the instant of the death, open transactions and all. */
const onFile: WithMedium = async (use) => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-"));
  const connections: Connection[] = [];
  let path = join(folder, "hub.db");
  const medium = sqlMedium((mortal) => {
    const connection = connect({ path, synchronous: "NORMAL", busyTimeoutMs: 0 });
    connections.push(connection);
    mortal.whenDead(() => {
      const left = join(folder, `left-${connections.length}.db`);
      for (const suffix of ["", "-wal"]) if (existsSync(path + suffix)) copyFileSync(path + suffix, left + suffix);
      path = left;
    });
    return connection.driver;
  });
  try {
    return await use(medium);
  } finally {
    for (const { close } of connections) close();
    rmSync(folder, { recursive: true });
  }
};

crashPoints("MemoryStore", fresh(memoryMedium), { secondDeaths: isExhaustive ? MANY : 8 });
crashPoints("an asynchronous store", fresh(deferredMedium), { secondDeaths: isExhaustive ? MANY : 2 });
crashPoints("SqliteStore in memory", inSqlite, { secondDeaths: isExhaustive ? MANY : 0 });
crashPoints("SqliteStore on a file", onFile, { stride: isExhaustive ? 1 : 13 });
crashPoints("IndexedDbStore", fresh(indexedDbMedium), { secondDeaths: isExhaustive ? MANY : 0 });

const FLAWS: readonly (readonly [flaw: string, make: () => Medium, found: RegExp])[] = [
  ["writes half a commit", tornMedium, /dies at \d+: inside commit/],
  ["answers before it has written", hastyMedium, /dies at \d+/],
  ["forgets who is busy", forgetfulMedium, /dies at \d+/],
  ["keeps messages that were taken", repeatingMedium, /dies at \d+|deeply equal/],
];

test.for(FLAWS)("the crash points find a store that %s", async ([, make, found]) => {
  const results = await Promise.allSettled(SCENARIOS.map((scenario) => everyDeath(scenario, fresh(make))));
  const reasons = results.flatMap((result) => (result.status === "rejected" ? [String(result.reason)] : []));
  expect(reasons.join("\n")).toMatch(found);
});
