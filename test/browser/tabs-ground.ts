/** A browser with tabs of one hub, and the book of what they say. */
import { performance } from "node:perf_hooks";
import { Browser, discardProfile, newProfile } from "./browser.ts";
import type { BackEnd } from "./chromium.ts";
import { PageServer } from "./page-server.ts";
import { TabPage, type TabPageOptions } from "./tab-page.ts";

/** What tabs say by themselves. */
export type TabSaid =
  | { readonly type: "executed"; readonly name: string; readonly nonce: string }
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
  /** By name of the tab: what its activities wait for. */
  readonly #held = new Map<string, Promise<void>>();

  private constructor(
    browser: Browser,
    server: PageServer,
    profile: string,
    hear: { now: (said: TabSaid) => unknown },
  ) {
    this.browser = browser;
    this.origin = server.origin;
    this.#server = server;
    this.#profile = profile;
    hear.now = (said) => this.#hear(said);
  }

  static async make(backEnd: BackEnd = "LevelDB"): Promise<TabsGround> {
    const hear = { now: (_said: TabSaid): unknown => undefined };
    const server = await PageServer.start(["tabs", "tab-worker"], (said) => hear.now(said as TabSaid));
    const profile = newProfile();
    const browser = await Browser.start(profile, backEnd);
    return new TabsGround(browser, server, profile, hear);
  }

  async open(name: string, options: Omit<TabPageOptions, "failed"> = {}): Promise<TabPage> {
    const failed = (error: Error): void => void this.errors.push(`${name}: ${error.stack}`);
    return TabPage.open(this.browser, this.origin, name, { ...options, failed });
  }

  /** From now on the activities of a tab do not end; gives what lets them. */
  holdActivities(name: string): () => void {
    const held = Promise.withResolvers<void>();
    this.#held.set(name, held.promise);
    return () => {
      this.#held.delete(name);
      held.resolve();
    };
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

  /** What the tab waits for before it goes on. */
  #hear(said: TabSaid): Promise<void> | undefined {
    this.heard.push({ said, atMs: performance.now() });
    if (said.type === "executed") this.executed.add(said.nonce);
    for (const listener of [...this.#listeners]) listener();
    return said.type === "executed" ? this.#held.get(said.name) : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.kill();
    await this.#server[Symbol.asyncDispose]();
    discardProfile(this.#profile);
  }
}
