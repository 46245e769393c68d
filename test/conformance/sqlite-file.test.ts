/** What happens when the file of an open `SqliteStore` is taken away, replaced or cut off behind its back. */
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SqliteStore } from "../../adapters/sqlite/index.ts";
import type { InstanceChange } from "../../core/store/contract.ts";
import { message, record, turn } from "./samples.ts";
import { IDS, viewOf } from "./subject.ts";

let folder = "";
const file = (): string => join(folder, "hubs.db");
const openStore = (): SqliteStore => new SqliteStore({ path: file(), synchronous: "NORMAL" });
const start = (instanceId: string, input = "") => ({ instanceId, atMs: 1_000, record: record(instanceId, { input }) });
let nowMs = 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-"));
  // Looked at from time to time: here with every commit.
  vi.spyOn(performance, "now").mockImplementation(() => (nowMs += 1_000));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

/** Ways to take the place of an open file; each gives what undoes it. */
const TAKEN: Readonly<Record<string, (path: string) => () => void>> = {
  moved: (path) => {
    renameSync(path, `${path}.moved`);
    return () => renameSync(`${path}.moved`, path);
  },
  replaced: (path) => {
    renameSync(path, `${path}.moved`);
    copyFileSync(`${path}.moved`, path);
    return () => renameSync(`${path}.moved`, path);
  },
};

describe.skipIf(process.platform === "win32")("an open database (Windows does not let its files go)", () => {
  test.each(["", "-wal"].flatMap((suffix) => Object.keys(TAKEN).map((how) => ({ suffix, how }))))(
    "whose file hubs.db$suffix is $how acknowledges nothing more, and goes on when it is back",
    ({ suffix, how }) => {
      const session = openStore().open("orders");
      session.commit([start("before")]);
      const undo = TAKEN[how]?.(file() + suffix);
      for (let round = 0; round < 2; round++) {
        const commit = (): void => session.commit([start("during")]);
        expect(commit).toThrow(expect.objectContaining({ code: "storeFailed" }));
        expect(commit).toThrow(`'${file()}${suffix}' was`);
      }
      expect(session.isFenced).toBe(false);
      undo?.();
      session.commit([start("after")]);
      session.close();
      const again = openStore().open("orders");
      const ids = again.query({ filter: {}, orderBy: "created", limit: 10 }).map((each) => each.record.instanceId);
      expect(ids).toEqual(["after", "before"]);
      again.close();
    },
  );

  test("that is deleted is another one once all its hubs were closed", () => {
    const store = openStore();
    const [orders, billing] = [store.open("orders"), store.open("billing")];
    orders.commit([start("a")]);
    for (const suffix of ["", "-wal", "-shm"]) rmSync(file() + suffix);
    for (const session of [orders, billing]) {
      expect(() => session.commit([start("b")])).toThrow("removed or moved");
      session.close();
    }
    const again = store.open("orders");
    again.commit([start("c")]);
    expect(again.load("a")).toBeUndefined();
    again.close();
  });
});

/** What becomes of the end of a log that had not reached the disk: it is missing, or holds what was there before. */
const UNWRITTEN: Readonly<Record<string, (log: Buffer, cut: number) => Buffer>> = {
  "is missing": (log, cut) => log.subarray(0, cut),
  "was never written over": (log, cut) => Buffer.concat([log.subarray(0, cut), Buffer.alloc(log.length - cut, 0xa5)]),
};

test.each(Object.keys(UNWRITTEN))(
  "a log whose end %s, as after a loss of power, holds all commits before it, whole",
  async (how) => {
    const log = (): Buffer => readFileSync(`${file()}-wal`);
    const session = openStore().open("orders");
    const stages = [{ bytes: log().length, view: await viewOf(session, IDS) }];
    for (let round = 0; round < 12; round++) {
      session.commit(IDS.map((id, index) => stepOf(id, round, 10 ** ((round + index) % 5))));
      stages.push({ bytes: log().length, view: await viewOf(session, IDS) });
    }
    const [database, whole] = [readFileSync(file()), log()];
    session.close();
    for (const [round, { bytes, view }] of stages.entries()) {
      const span = (stages[round + 1]?.bytes ?? whole.length + 1) - bytes;
      expect(span).toBeGreaterThan(0);
      // At the end of a commit, and within the one after it.
      for (const part of [0, 1, 24, Math.floor(span / 2), span - 1]) {
        if (part >= span) continue;
        const copy = join(folder, `cut-${round}-${part}.db`);
        writeFileSync(copy, database);
        writeFileSync(`${copy}-wal`, UNWRITTEN[how]!(whole, bytes + part));
        const left = new SqliteStore({ path: copy }).open("orders");
        expect(await viewOf(left, IDS), `${part} bytes after commit ${round}`).toEqual(view);
        left.close();
      }
    }
  },
);

/** A commit's part about one instance: everything there is, of growing and shrinking size. */
function stepOf(instanceId: string, round: number, charCount: number): InstanceChange {
  const text = instanceId.repeat(charCount);
  return {
    instanceId,
    atMs: 1_000 + round,
    record: record(instanceId, { input: text, isBusy: round % 2 === 0 }),
    ...(round % 5 === 0 && { isPurge: true }),
    firstTurn: round % 5,
    turns: [turn(1_000 + round, text)],
    timersAdded: [{ instanceId, kind: "timer", timerId: round, dueAtMs: 2_000 + round }],
    inboxAdded: [message(round + 1, text)],
  };
}

test.each([1, 4_096, 40_960])(
  "a file cut off at %i bytes under an open hub is never read as if it were whole",
  (bytes) => {
    const store = openStore();
    const first = store.open("orders");
    const ids = Array.from({ length: 20 }, (_, n) => `instance-${n}`);
    for (const id of ids) first.commit([start(id, id.repeat(5_000))]);
    first.close();
    const whole = readFileSync(file());
    const session = store.open("orders");
    truncateSync(file(), bytes);
    const codes = ids.map((id) => {
      try {
        expect(session.load(id)).toMatchObject({ record: { input: id.repeat(5_000) } });
        return "whole";
      } catch (error) {
        return (error as { code?: unknown }).code;
      }
    });
    expect(codes).toEqual(expect.arrayContaining([expect.stringMatching(/^(storeCorrupt|storeFailed)$/)]));
    expect(codes.filter((code) => !["whole", "storeCorrupt", "storeFailed"].includes(String(code)))).toEqual([]);
    session.close();
    for (const suffix of ["-wal", "-shm"]) rmSync(file() + suffix, { force: true });
    writeFileSync(file(), whole);
    const restored = store.open("orders");
    for (const id of ids) expect(restored.load(id)).toMatchObject({ record: { input: id.repeat(5_000) } });
    restored.close();
  },
);
