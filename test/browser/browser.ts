/** A Chromium of one's own over a profile on disk, to be driven, frozen and killed as rudely as a machine can. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CDPSession, type Browser as Connection, chromium, type Page } from "playwright-core";
import { BACK_ENDS, type BackEnd, CHROMIUM_ARGUMENTS, chromiumPath } from "./chromium.ts";

const START_MS_MAX = 60_000;

/** A folder for one profile. */
export function newProfile(): string {
  return mkdtempSync(join(tmpdir(), "holdfast-profile-"));
}

/** Deletes a profile; whoever used it has ended. */
export function discardProfile(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

export class Browser {
  readonly #process: ChildProcess;
  readonly #gone: Promise<void>;
  readonly #connection: Connection;
  #driver: Promise<CDPSession> | undefined;

  private constructor(process: ChildProcess, gone: Promise<void>, connection: Connection) {
    this.#process = process;
    this.#gone = gone;
    this.#connection = connection;
  }

  /** Starts Chromium over a profile; what an earlier one left in it is there. */
  static async start(profile: string, backEnd: BackEnd): Promise<Browser> {
    const child = spawn(
      chromiumPath(),
      [
        ...CHROMIUM_ARGUMENTS,
        ...BACK_ENDS[backEnd],
        "--headless=new",
        "--remote-debugging-port=0",
        `--user-data-dir=${profile}`,
        "about:blank",
      ],
      // A process group of its own: one signal ends all of its processes.
      { detached: true, stdio: ["ignore", "ignore", "pipe"] },
    );
    const gone = new Promise<void>((resolve) => child.once("close", () => resolve()));
    try {
      // Without defaults: one of them keeps every page visible, and so keeps it from being frozen.
      const options = { timeout: START_MS_MAX, noDefaults: true };
      const connection = await chromium.connectOverCDP(await endpointOf(child), options);
      return new Browser(child, gone, connection);
    } catch (error) {
      signalGroup(child, "SIGKILL");
      throw error;
    }
  }

  /** Opens a page beside those that are open. */
  async open(url: string): Promise<Page> {
    const [context] = this.#connection.contexts();
    if (!context) throw new Error("The browser has no default context.");
    const page = await context.newPage();
    await page.goto(url);
    return page;
  }

  /** Kills every process of the browser, as a power button would. */
  async kill(): Promise<void> {
    signalGroup(this.#process, "SIGKILL");
    await this.#gone;
    await this.#connection.close().catch(() => {});
  }

  /** Lets the browser end in its own way. */
  async close(): Promise<void> {
    this.#driver ??= this.#connection.newBrowserCDPSession();
    const driver = await this.#driver;
    // The answer may not come: the browser is gone then.
    void driver.send("Browser.close").catch(() => {});
    await this.#gone;
    await this.#connection.close().catch(() => {});
  }
}

/** Freezes a page as Chromium freezes those in the background, or lets it go on. */
export async function setFrozen(page: Page, isFrozen: boolean): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send("Page.setWebLifecycleState", { state: isFrozen ? "frozen" : "active" });
  await session.detach();
}

/** Ends the service workers that a page can reach, as Chromium does with those that are idle. */
export async function stopServiceWorkers(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send("ServiceWorker.enable");
  await session.send("ServiceWorker.stopAllWorkers");
  await session.detach();
}

/** Crashes the process that a page lives in. */
export async function crash(page: Page): Promise<void> {
  const crashed = new Promise<void>((resolve) => page.once("crash", () => resolve()));
  const session = await page.context().newCDPSession(page);
  void session.send("Page.crash").catch(() => {});
  await crashed;
  await page.close();
}

/** The address that Chromium prints when it can be driven. */
function endpointOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    const fail = (what: string): void => reject(new Error(`Chromium ${what}. It said:\n${said}`));
    const timer = setTimeout(() => fail(`did not start within ${START_MS_MAX} ms`), START_MS_MAX);
    child.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      const endpoint = /^DevTools listening on (ws:\S+)/m.exec(said)?.[1];
      if (endpoint === undefined) return;
      clearTimeout(timer);
      said = "";
      resolve(endpoint);
    });
    child.once("error", (error) => fail(`could not be started: ${error.message}`));
    child.once("close", () => fail("ended before it was ready"));
  });
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended already.
  }
}
