/** A tab under test, as its driver has it: asked to do things, and taken away in every way there is. */
import type { Page } from "playwright-core";
import { type Browser, crash, setFrozen, stopServiceWorkers } from "./browser.ts";
import type { Tab } from "./pages/tab.ts";
import type { Place } from "./pages/tabs.ts";

/** Methods of the tab that can be called. */
type Ask = { [K in keyof Tab]: Tab[K] extends (...args: never[]) => unknown ? K : never }[keyof Tab];

export interface TabPageOptions {
  /** Where its hub is opened; in the page itself unless given. */
  readonly place?: Place;
  /** Whether nothing in the page hears that it is about to be frozen. */
  readonly isDeaf?: boolean;
  /** Hears of errors that nobody in the page handles. */
  failed(error: Error): void;
}

/** The tab went away before it answered: what it was asked may have been done or not. */
export class TabGone extends Error {}

export class TabPage {
  readonly name: string;
  /** Why the browser did not keep the page in its back/forward cache, of one that came back anew: names of the DevTools protocol. */
  notKept: readonly string[] = [];
  readonly #page: Page;
  #isGone = false;
  readonly #ended = Promise.withResolvers<never>();

  private constructor(name: string, page: Page) {
    this.name = name;
    this.#page = page;
    this.#ended.promise.catch(() => {});
    // Tabs may share a process: one that crashes takes others along.
    page.once("crash", () => this.#go());
    page.once("close", () => this.#go());
  }

  /** Opens a tab and waits until its hub is open. */
  static async open(browser: Browser, origin: string, name: string, options: TabPageOptions): Promise<TabPage> {
    const { place = "page", isDeaf = false, failed } = options;
    const page = await browser.open("about:blank");
    page.on("pageerror", failed);
    const tab = new TabPage(name, page);
    await page.goto(`${origin}/tabs?name=${name}&place=${place}${isDeaf ? "&deaf" : ""}`);
    await tab.#ready();
    return tab;
  }

  /** False once the tab was closed, crashed or sent away. */
  get isThere(): boolean {
    return !this.#isGone;
  }

  /** Asks the tab. @throws TabGone when it goes away meanwhile. */
  async ask<K extends Ask>(what: K, ...args: Parameters<Tab[K]>): Promise<Awaited<ReturnType<Tab[K]>>> {
    const call = this.#page.evaluate(
      ({ what, args }) => (globalThis.tab[what] as (...args: unknown[]) => unknown)(...args),
      { what, args: args as unknown[] },
    ) as Promise<Awaited<ReturnType<Tab[K]>>>;
    try {
      return await Promise.race([call, this.#ended.promise]);
    } catch (error) {
      throw this.#isGone ? new TabGone(`The tab '${this.name}' is gone.`) : error;
    }
  }

  async close(): Promise<void> {
    this.#go();
    await this.#page.close();
  }

  async crash(): Promise<void> {
    this.#go();
    await crash(this.#page);
  }

  /** Nothing of the page, nor of workers of its own, runs any more; what it is asked meanwhile it answers when it has thawed. */
  async freeze(): Promise<void> {
    await setFrozen(this.#page, true);
  }
  async thaw(): Promise<void> {
    await setFrozen(this.#page, false);
  }

  async stopServiceWorkers(): Promise<void> {
    await stopServiceWorkers(this.#page);
  }

  /** Goes to another page: the browser may keep the tab's hub in its back/forward cache. */
  async leave(origin: string): Promise<void> {
    this.#go();
    await this.#page.goto(`${origin}/empty`);
  }

  /** Comes back to the hub, from the cache or anew: another tab, to its driver. */
  async return(): Promise<TabPage> {
    const session = await this.#page.context().newCDPSession(this.#page);
    await session.send("Page.enable");
    const isAnew = new Promise<readonly string[]>((resolve) =>
      session.once("Page.backForwardCacheNotUsed", ({ notRestoredExplanations }) =>
        resolve(notRestoredExplanations.map(({ reason }) => reason)),
      ),
    );
    // A page that comes out of the cache loads nothing.
    await this.#page.goBack({ waitUntil: "commit" });
    const tab = new TabPage(this.name, this.#page);
    await tab.#ready();
    if (await this.#page.evaluate(wasLoadedAnew)) tab.notKept = await isAnew;
    await session.detach();
    return tab;
  }

  async #ready(): Promise<void> {
    // Not with animation frames, of which hidden pages have none.
    const options = { timeout: 60_000, polling: 50 };
    await this.#page.waitForFunction(() => globalThis.tab !== undefined, undefined, options);
  }

  #go(): void {
    this.#isGone = true;
    this.#ended.reject(new TabGone(`The tab '${this.name}' is gone.`));
  }
}

/** Said in the page: one that comes out of the cache is the one that was navigated to at first. */
function wasLoadedAnew(): boolean {
  return performance.getEntriesByType("navigation").some((entry) => "type" in entry && entry.type === "back_forward");
}
