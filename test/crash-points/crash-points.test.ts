/** The crash points of the stores that run in Node, and proof that they find what they are there for. */
import { copyFileSync, mkdtempSync, rmSync, statSync, truncateSync } from "node:fs";
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

/** What of a log has reached the disk when its process dies: `before` bytes had when the transaction began, `now` bytes are in the file. */
type Reached = (before: number, now: number) => number;

/** A file: what the next process gets is the file and its log as they were at the instant of the death, open transactions and all. */
const onFile =
  (reached: Reached): WithMedium =>
  async (use) => {
    const folder = mkdtempSync(join(tmpdir(), "holdfast-"));
    const connections: Connection[] = [];
    let path = join(folder, "hub.db");
    const medium = sqlMedium((mortal) => {
      const open = path;
      const sizeOfLog = (): number => statSync(`${open}-wal`, { throwIfNoEntry: false })?.size ?? 0;
      let before = 0;
      const { driver, close } = connect({ path, synchronous: "NORMAL", busyTimeoutMs: 0 });
      connections.push({ driver, close });
      mortal.whenDead(() => {
        path = join(folder, `left-${connections.length}.db`);
        copyFileSync(open, path);
        if (sizeOfLog() === 0) return;
        copyFileSync(`${open}-wal`, `${path}-wal`);
        truncateSync(`${path}-wal`, reached(before, sizeOfLog()));
      });
      const transaction = <T>(work: () => T): T => {
        before = sizeOfLog();
        return driver.transaction(work);
      };
      return { ...driver, transaction };
    });
    try {
      return await use(medium);
    } finally {
      for (const { close } of connections) close();
      rmSync(folder, { recursive: true });
    }
  };

/** A loss of power while a commit is written: it is not there, or a part of it is, which is the same. */
const LOSSES: Readonly<Record<string, Reached>> = {
  "before it is written": (before) => before,
  "when half of it is written": (before, now) => Math.floor((before + now) / 2),
  "when all but a byte of it is written": (before, now) => Math.max(before, now - 1),
};

crashPoints("MemoryStore", fresh(memoryMedium), { secondDeaths: isExhaustive ? MANY : 8 });
crashPoints("an asynchronous store", fresh(deferredMedium), { secondDeaths: isExhaustive ? MANY : 2 });
crashPoints("SqliteStore in memory", inSqlite, { secondDeaths: isExhaustive ? MANY : 0 });
crashPoints(
  "SqliteStore on a file",
  onFile((_before, now) => now),
  { stride: isExhaustive ? 1 : 41 },
);
for (const [when, reached] of Object.entries(LOSSES)) {
  crashPoints(`SqliteStore on a file, inside a commit: power is lost ${when}`, onFile(reached), {
    where: /^after the transaction$/,
    stride: isExhaustive ? 1 : 5,
  });
}
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
