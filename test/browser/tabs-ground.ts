/** A browser with tabs of one hub, and the book of what they say. */
import { performance } from "node:perf_hooks";
import { Browser, discardProfile, newProfile } from "./browser.ts";
import type { BackEnd } from "./chromium.ts";
import { PageServer } from "./page-server.ts";
import { TabPage } from "./tab-page.ts";

/** What tabs say by themselves. */
export type TabSaid =
  | { readonly type: "executed"; readonly nonce: string }
  | { readonly type: "role"; readonly name: string; readonly role: "executing" | "client" }
  | { readonly type: "restored"; readonly name: string };

interface Heard {
  readonly said: TabSaid;
  readonly atMs: number;
}

/** How long something that must happen may take, in ms: a loaded machine is slow, but not that slow. */
const PATIENCE_MS = 60_000;

export class TabsGround implements AsyncDisposable {
  readonly browser: Browser;
  readonly origin: string;
  /** Everything heard, oldest first. */
  readonly heard: Heard[] = [];
  /** Nonces of the executions that were told. */
  readonly executed = new Set<string>();
  /** Errors that nobody in a tab handled. */
  readonly errors: string[] = [];
  readonly #server: PageServer;
  readonly #profile: string;
  readonly #listeners = new Set<() => void>();

  private constructor(browser: Browser, server: PageServer, profile: string, hear: { now: (said: TabSaid) => void }) {
    this.browser = browser;
    this.origin = server.origin;
    this.#server = server;
    this.#profile = profile;
    hear.now = (said) => this.#hear(said);
  }

  static async make(backEnd: BackEnd = "LevelDB"): Promise<TabsGround> {
    const hear = { now: (_said: TabSaid): void => {} };
    const server = await PageServer.start(["tabs", "hosts", "in-worker"], (said) => hear.now(said as TabSaid));
    const profile = newProfile();
    const browser = await Browser.start(profile, backEnd);
    return new TabsGround(browser, server, profile, hear);
  }

  async open(name: string): Promise<TabPage> {
    return TabPage.open(this.browser, this.origin, name, (error) => this.errors.push(`${name}: ${error.stack}`));
  }

  /** The first thing like this that is heard after an instant, which it may be already. */
  async hears(what: string, sinceMs: number, isIt: (said: TabSaid) => boolean): Promise<Heard> {
    const find = (): Heard | undefined => this.heard.find(({ said, atMs }) => atMs >= sinceMs && isIt(said));
    const endMs = performance.now() + PATIENCE_MS;
    for (let found = find(); ; found = find()) {
      if (found) return found;
      if (performance.now() > endMs) throw new Error(`${what} did not happen within ${PATIENCE_MS} ms.`);
      await this.#next();
    }
  }

  /** Another thing is heard, or a while passes. */
  #next(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#listeners.delete(done);
        resolve();
      };
      const timer = setTimeout(done, 1_000);
      this.#listeners.add(done);
    });
  }

  #hear(said: TabSaid): void {
    this.heard.push({ said, atMs: performance.now() });
    if (said.type === "executed") this.executed.add(said.nonce);
    for (const listener of [...this.#listeners]) listener();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.kill();
    await this.#server[Symbol.asyncDispose]();
    discardProfile(this.#profile);
  }
}
