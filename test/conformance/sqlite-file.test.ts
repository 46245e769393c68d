/** What happens when the file of an open `SqliteStore` is taken away, replaced or cut off behind its back. */
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SqliteStore } from "../../adapters/sqlite/index.ts";
import { record } from "./samples.ts";

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
