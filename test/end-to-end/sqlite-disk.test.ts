/** SQLite on a disk that is really full: who called is told, nothing is half-written, and what was acknowledged is all there. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { defineActivity, defineOrchestrator } from "holdfast";
import { SqliteStore } from "holdfast/sqlite";
import { TestTaskHub } from "holdfast/testing";
import { afterEach, beforeEach, expect, test } from "vitest";

const SCRIPT = fileURLToPath(new URL("sqlite-process.ts", import.meta.url));
const DISK_BYTES = 33_554_432;
/** What is taken of it at first: the hub fills the rest. */
const TAKEN_BYTES = 31_457_280;
const CHAR_COUNT = 200_000;
const LARGE = "x".repeat(CHAR_COUNT);

let folder = "";
const file = (): string => join(folder, "hubs.db");

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const measure = defineActivity("measure", (_ctx, text: string) => text.length);
const keep = defineOrchestrator("keep", async (ctx, text: string) => {
  await ctx.createTimer({ minutes: 1 });
  return await ctx.callActivity(measure, text);
});

/** Mounts a small disk of its own; the reason when that cannot be done here. */
function mountSmall(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "only root on Linux can mount a small disk";
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "tmpfs", folder], { stdio: "pipe" });
    return undefined;
  } catch (error) {
    return `no disk can be mounted here: ${(error as Error).message.trim()}`;
  }
}

/** Takes room on the disk, all that is left unless told how much; gives what frees it. */
function take(bytesMax: number = Number.POSITIVE_INFINITY): () => void {
  const ballast = mkdtempSync(join(folder, "ballast-"));
  const descriptor = openSync(join(ballast, "file"), "w");
  const page = Buffer.alloc(4_096);
  try {
    for (let bytes = 0; bytes < bytesMax; bytes += page.length) writeSync(descriptor, page);
  } catch (error) {
    expect(error).toMatchObject({ code: "ENOSPC" });
  } finally {
    closeSync(descriptor);
  }
  return () => rmSync(ballast, { recursive: true });
}

const open = (): Promise<TestTaskHub> =>
  TestTaskHub.open({ functions: [keep, measure], store: new SqliteStore({ path: file() }) });

test("a disk that is full: what does not fit is refused whole, and the hub goes on by itself when there is room", async ({
  skip,
}) => {
  const reason = mountSmall();
  if (reason) return skip(reason);
  const accepted: string[] = [];
  const refused: string[] = [];
  const expectAll = async (hub: TestTaskHub, state: object): Promise<void> => {
    for (const id of accepted) expect(await hub.getOrchestrationState(id), id).toMatchObject(state);
    for (const id of refused) expect(await hub.getOrchestrationState(id), id).toBeUndefined();
  };
  try {
    const free = take(TAKEN_BYTES);
    const hub = await open();
    while (refused.length < 3) {
      const instanceId = `filling-${accepted.length + refused.length}`;
      const outcome = await hub.scheduleNewOrchestration(keep, LARGE, { instanceId }).catch((error: Error) => error);
      if (typeof outcome === "string") accepted.push(instanceId);
      else {
        expect(outcome).toMatchObject({ code: "storeFull", message: expect.stringContaining(file()) });
        refused.push(instanceId);
      }
    }
    expect(accepted).not.toEqual([]);
    const freeTheRest = take();
    // Their timers are due, and nothing of what these bring can be written.
    await hub.advance({ minutes: 2 });
    await expectAll(hub, { runtimeStatus: "Running", input: LARGE });
    for (const each of [free, freeTheRest]) each();
    await hub.advance({ minutes: 2 });
    await expectAll(hub, { runtimeStatus: "Completed", output: CHAR_COUNT });
    await hub.close();
    const freeAgain = take();
    await expect(open()).rejects.toMatchObject({ code: "storeFull" });
    freeAgain();
    const again = await open();
    await expectAll(again, { runtimeStatus: "Completed", output: CHAR_COUNT });
    await again.close();
  } finally {
    // A hub that a failed test has left open keeps it until the process ends.
    execFileSync("umount", ["--lazy", folder]);
  }
});

/** In units of 512 bytes: room for the tables, the log and some hundred instances. */
const FILE_BLOCKS_MAX = 4_000;
/** Long ids fill a file sooner. */
const LONG = "x".repeat(80);

test.skipIf(process.platform === "win32")(
  "a process whose files may not grow says so, and what it had acknowledged is all there (Windows has no such limit)",
  async () => {
    const limited = `ulimit -f ${FILE_BLOCKS_MAX}; exec "$0" "$@"`;
    const { NODE_OPTIONS: _options, ...env } = process.env;
    const child = spawn("sh", ["-c", limited, process.execPath, SCRIPT, file(), "orders", "fence"], {
      env,
      stdio: ["pipe", "pipe", "inherit"],
    });
    const ended = once(child, "exit");
    const acknowledged: string[] = [];
    let refusal = "";
    for await (const said of createInterface({ input: child.stdout })) {
      if (said.startsWith("store")) refusal = said;
      else if (said.endsWith(LONG)) acknowledged.push(said);
      if (refusal) break;
      if (said !== "opening") child.stdin.write(`${acknowledged.length}-${LONG}\n`);
    }
    child.kill("SIGKILL");
    await ended;
    expect(refusal).toBe("storeFailed");
    expect(acknowledged.length).toBeGreaterThan(20);
    const session = new SqliteStore({ path: file() }).open("orders");
    const stored = session.query({ filter: {}, orderBy: "created", limit: 10_000 });
    expect(stored.map(({ record }) => record.instanceId).toSorted()).toEqual(acknowledged.toSorted());
    session.close();
  },
);

const TRACED = "trace=pwrite64,write,fsync,fdatasync";

test("whatever is acknowledged has been synced to the disk before, as the system sees it", ({ skip }) => {
  const ids = Array.from({ length: 10 }, (_, index) => `instance-${index}`);
  const trace = join(folder, "trace");
  const { NODE_OPTIONS: _options, ...env } = process.env;
  const command = [process.execPath, SCRIPT, file(), "orders", "fence"];
  const input = [...ids, "close", ""].join("\n");
  const { error, status } = spawnSync("strace", ["-f", "-y", "-e", TRACED, "-o", trace, ...command], { env, input });
  if (error || status !== 0) return skip(`no process can be traced here: ${error?.message ?? `strace gave ${status}`}`);
  const acknowledged: string[] = [];
  let [writtenCount, unsyncedCount] = [0, 0];
  for (const line of readFileSync(trace, "utf8").split("\n")) {
    if (/pwrite64\(\d+<[^>]+-wal>/.test(line)) {
      writtenCount++;
      unsyncedCount++;
    } else if (/f(data)?sync\(\d+<[^>]+-wal>\) *= 0/.test(line)) unsyncedCount = 0;
    const id = /write\(1<[^>]*>, "(instance-\d+)\\n/.exec(line)?.[1];
    if (id === undefined) continue;
    acknowledged.push(id);
    expect(writtenCount, id).toBeGreaterThan(0);
    expect(unsyncedCount, id).toBe(0);
    writtenCount = 0;
  }
  expect(acknowledged).toEqual(ids);
});
