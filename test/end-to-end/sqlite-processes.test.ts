/** Several processes on one SQLite file. */
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SqliteStore } from "../../adapters/sqlite/index.ts";

const SCRIPT = fileURLToPath(new URL("sqlite-process.ts", import.meta.url));
/** Generous: a process takes half a second to start on an idle machine. */
const WAIT = { timeout: 30_000, interval: 20 };

let folder = "";
let running: ChildProcess[] = [];
const file = (): string => join(folder, "hubs.db");

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-"));
});
afterEach(async () => {
  await Promise.all(running.map(kill));
  running = [];
  rmSync(folder, { recursive: true });
});

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}

/** A process with a hub, and what it has said so far. */
class HubProcess {
  readonly said: string[] = [];
  readonly #child: ChildProcess;

  constructor(whenOpen: "fence" | "wait", hub = "orders", user: readonly string[] = []) {
    const { NODE_OPTIONS: _options, ...env } = process.env;
    const script = [SCRIPT, file(), hub, whenOpen, ...user];
    this.#child = spawn(process.execPath, script, { env, stdio: ["pipe", "pipe", "inherit"] });
    running.push(this.#child);
    if (this.#child.stdout) createInterface({ input: this.#child.stdout }).on("line", (line) => this.said.push(line));
  }
  get isOpen(): boolean {
    return this.said.includes("open");
  }
  tell(command: string): void {
    this.#child.stdin?.write(`${command}\n`);
  }
  async hears(word: string): Promise<void> {
    await vi.waitFor(() => expect(this.said).toContain(word), WAIT);
  }
  kill(): Promise<void> {
    return kill(this.#child);
  }
}

test("a process that waits for a hub opens it when the other closes it", { timeout: 60_000 }, async () => {
  const first = new HubProcess("fence");
  await first.hears("open");
  const second = new HubProcess("wait");
  const beside = new HubProcess("wait", "billing");
  await Promise.all([second.hears("opening"), beside.hears("open")]);
  for (const id of ["a", "b", "c"]) {
    first.tell(id);
    await first.hears(id);
  }
  expect(second.isOpen).toBe(false);
  first.tell("close");
  await Promise.all([first.hears("closed"), second.hears("open")]);
});

test("of many processes that wait one at a time has the hub, however the one before it ended", {
  timeout: 120_000,
}, async () => {
  const acknowledged: string[] = [];
  let waiting = Array.from({ length: 4 }, () => new HubProcess("wait"));
  for (let round = 0; waiting.length > 0; round++) {
    await vi.waitFor(() => expect(waiting.some(({ isOpen }) => isOpen)).toBe(true), WAIT);
    const [holder, ...others] = waiting.filter(({ isOpen }) => isOpen);
    expect(others).toEqual([]);
    for (const id of [`${round}-a`, `${round}-b`]) {
      holder?.tell(id);
      await holder?.hears(id);
      acknowledged.push(id);
    }
    waiting = waiting.filter((process) => process !== holder);
    expect(waiting.some(({ isOpen }) => isOpen)).toBe(false);
    await holder?.kill();
  }
  const session = await new SqliteStore({ path: file(), whenOpen: "wait", waitTimeoutMs: 0 }).open("orders");
  for (const id of acknowledged) expect(session.load(id)?.record?.status).toBeDefined();
  session.close();
});

const NOBODY = "65534";
const canChangeUser = process.getuid?.() === 0;

// Permissions do not bind root, and only root can become somebody they bind.
test.skipIf(process.platform === "win32")("a process that may only read says so", { timeout: 60_000 }, async () => {
  const user = canChangeUser ? [NOBODY] : [];
  new SqliteStore({ path: file() }).open("orders").close();
  chmodSync(file(), 0o444);
  chmodSync(folder, 0o777);
  await new HubProcess("fence", "orders", user).hears("storeReadOnly");
  chmodSync(file(), 0o666);
  chmodSync(folder, 0o555);
  await new HubProcess("fence", "orders", user).hears("storeReadOnly");
  chmodSync(folder, 0o777);
  const lock = `${file()}-orders.lock`;
  chmodSync(lock, 0o444);
  await new HubProcess("wait", "orders", user).hears("storeReadOnly");
  chmodSync(lock, 0o666);
  await new HubProcess("wait", "orders", user).hears("open");
});
