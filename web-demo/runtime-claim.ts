/**
 * One runtime over the data folder at a time. A runtime outlives the process that started it when that process is killed outright; it keeps the port
 * and the data until somebody ends it. So a file in the folder says who runs what, and the next start tidies up.
 */
import { type ChildProcess, execFileSync } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What the command lines of the two processes contain: an id alone may have gone to another program since. */
const OWNER = "start.ts";
const RUNTIME = "workerd";

/** Who holds the data folder: process ids. */
interface Claim {
  /** The process that was started by a person. */
  readonly owner: number;
  /** The runtime that it started, once there is one. */
  readonly runtime?: number;
}

/** The demo cannot start, for a reason that its message tells in full. */
export class StartRefusedError extends Error {
  override readonly name = "StartRefusedError";
}

/** Holds the data folder from its making until `release`. */
export class RuntimeClaim {
  readonly #file: string;

  /**
   * Claims the folder; ends a runtime that a killed process left behind.
   * @throws StartRefusedError when another process holds the folder.
   */
  constructor(folder: string) {
    this.#file = join(folder, "running.json");
    mkdirSync(folder, { recursive: true });
    const claim = this.#read();
    if (claim !== undefined && claim.owner !== process.pid && isRunning(claim.owner, OWNER)) {
      throw new StartRefusedError(`The demo is running already, as process ${claim.owner}.`);
    }
    if (claim?.runtime !== undefined && isRunning(claim.runtime, RUNTIME)) process.kill(claim.runtime);
    this.#write({ owner: process.pid });
    subscribe("child_process", this.#onChild);
  }

  release(): void {
    unsubscribe("child_process", this.#onChild);
    rmSync(this.#file, { force: true });
  }

  /** Notes down every runtime that this process starts, the ones after a crash too. */
  readonly #onChild = (message: unknown): void => {
    const child = (message as { readonly process: ChildProcess }).process;
    child.once("spawn", () => {
      if (child.pid !== undefined && child.spawnfile.includes(RUNTIME)) {
        this.#write({ owner: process.pid, runtime: child.pid });
      }
    });
  };

  #write(claim: Claim): void {
    writeFileSync(this.#file, JSON.stringify(claim));
  }

  /** What the last process wrote; nothing when it ended as it should, or did not come to the end of writing. */
  #read(): Claim | undefined {
    try {
      return JSON.parse(readFileSync(this.#file, "utf8")) as Claim;
    } catch {
      return undefined;
    }
  }
}

/** Whether there is a process of that id with these words in its command line; `false` where there is no way to know. */
function isRunning(pid: number, words: string): boolean {
  try {
    const found = execFileSync("ps", ["-p", String(pid), "-o", "args="], { stdio: ["ignore", "pipe", "ignore"] });
    return found.toString().includes(words);
  } catch {
    return false;
  }
}
