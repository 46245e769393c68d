/** Starts and kills the Workers runtime over one folder. */
import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleWorker } from "../../web-demo/build.ts";

export class Runtime {
  readonly #folder = mkdtempSync(join(tmpdir(), "holdfast-"));
  readonly #entry: string;
  #process: ChildProcess | undefined;
  #origin: Promise<string> | undefined;
  killCount = 0;

  constructor(entry: string) {
    this.#entry = entry;
  }

  async start(): Promise<void> {
    const script = join(this.#folder, "worker.js");
    if (!this.#origin) writeFileSync(script, await bundleWorker(this.#entry));
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, "runtime-process.ts"), script, join(this.#folder, "data")],
      {
        detached: true,
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
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

  /** Kills the process and the runtime in it, as a crash would. */
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

  /** A copy of the database of the one object there is; to be read while no runtime has it open. */
  database(): string {
    const data = join(this.#folder, "data");
    const files = readdirSync(data, { recursive: true, encoding: "utf8" }).filter(
      (name) => name.includes("TaskHubObject") && name.endsWith(".sqlite") && !name.endsWith("metadata.sqlite"),
    );
    const [file] = files;
    if (file === undefined || files.length > 1)
      throw new Error(`Expected the database of one object; found ${files.join(", ")}.`);
    const copy = join(this.#folder, "copy.sqlite");
    for (const suffix of ["", "-wal"])
      if (existsSync(join(data, file + suffix))) copyFileSync(join(data, file + suffix), copy + suffix);
    return copy;
  }

  async end(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
