/** Starts and kills the process of a runtime over one folder. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RuntimeKind } from "./runtimes.ts";

export class Runtime {
  readonly #folder = mkdtempSync(join(tmpdir(), "holdfast-"));
  readonly #kind: RuntimeKind;
  #process: ChildProcess | undefined;
  #origin: Promise<string> | undefined;
  killCount = 0;

  constructor(kind: RuntimeKind) {
    this.#kind = kind;
  }

  async start(): Promise<void> {
    if (!this.#origin) await this.#kind.prepare(this.#folder);
    const child = spawn(process.execPath, this.#kind.command(this.#folder), {
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#process = child;
    this.#origin = new Promise((resolve, reject) => {
      let output = "";
      child.stdout?.on("data", (chunk: Buffer) => {
        output += chunk.toString();
        const origin = /^origin (\S+)/m.exec(output)?.[1];
        if (origin) resolve(origin);
      });
      child.once("exit", () => reject(new Error("The runtime ended before it was ready.")));
    });
    await this.#origin;
  }

  /** Kills the process and whatever it has started, as a crash would. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (!child?.pid) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    this.#process = undefined;
    process.kill(-child.pid, "SIGKILL");
    await gone;
    this.killCount++;
  }

  /** Sends a request; when the runtime dies meanwhile, waits for the next one and sends it again. */
  async request(path: string, init?: RequestInit): Promise<Response> {
    for (;;) {
      try {
        const response = await fetch(`${await this.#origin}/runtime/webhooks/durabletask${path}`, init);
        const body = await response.text();
        if (response.status < 500)
          return new Response(body || null, { status: response.status, headers: response.headers });
      } catch {
        // The runtime was killed under the request.
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Sends a request to a path of the Worker itself. */
  async fetch(path: string, init?: RequestInit): Promise<Response> {
    return fetch(`${await this.#origin}${path}`, init);
  }

  /** A copy of the hub's database; to be made while no runtime has it open. */
  database(): string {
    return this.#kind.database(this.#folder);
  }

  async end(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
