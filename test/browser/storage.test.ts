/** Storage of a real browser that is full, taken away or damaged under a hub: who called is told, nothing is half-written or taken for new. */
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CDPSession, Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { Browser, discardProfile, newProfile } from "./browser.ts";
import { BACK_END_NAMES, type BackEnd } from "./chromium.ts";
import { PageServer } from "./page-server.ts";

/** What the origin may store when it may store little. */
const QUOTA_BYTES = 2_000_000;
/** Too much for what is left of that. */
const LARGE = 900_000;

/** Room for a few of these. */
const MEDIUM = 150_000;

/** A browser over one profile, and the page in it that has the hub. */
class Ground implements AsyncDisposable {
  readonly #server: PageServer;
  readonly #backEnd: BackEnd;
  readonly profile = newProfile();
  #browser: Browser | undefined;

  private constructor(server: PageServer, backEnd: BackEnd) {
    this.#server = server;
    this.#backEnd = backEnd;
  }

  static async make(backEnd: BackEnd): Promise<Ground> {
    return new Ground(await PageServer.start(["storage"], () => {}), backEnd);
  }

  /** Opens a page; its hub is not open yet. */
  async page(): Promise<Page> {
    this.#browser ??= await Browser.start(this.profile, this.#backEnd);
    const page = await this.#browser.open(`${this.#server.origin}/storage`);
    await page.waitForFunction(() => globalThis.storagePage !== undefined);
    return page;
  }

  /** Ends the browser in peace: all it had to write is on disk. */
  async closeBrowser(): Promise<void> {
    await this.#browser?.close();
    this.#browser = undefined;
  }

  driver(page: Page): Promise<CDPSession> {
    return page.context().newCDPSession(page);
  }

  /** Limits what the origin may store; without a number nothing but the disk does. */
  async limit(driver: CDPSession, quotaSize?: number): Promise<void> {
    const { origin } = this.#server;
    await driver.send("Storage.overrideQuotaForOrigin", { origin, ...(quotaSize !== undefined && { quotaSize }) });
  }

  /** Clears what the origin has stored, as a person or the browser itself does. */
  async clear(driver: CDPSession, storageTypes: string): Promise<void> {
    await driver.send("Storage.clearDataForOrigin", { origin: this.#server.origin, storageTypes });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser?.kill();
    await this.#server[Symbol.asyncDispose]();
    discardProfile(this.profile);
  }
}

const LOST = { code: "storageLost" };
const ANEW = { beginsAnew: true };

describe.each(BACK_END_NAMES)("IndexedDB in Chromium, on %s:", (backEnd) => {
  test("what does not fit is refused whole, and the hub goes on by itself when there is room again", async () => {
    await using ground = await Ground.make(backEnd);
    const page = await ground.page();
    const driver = await ground.driver(page);
    await ground.limit(driver, QUOTA_BYTES);
    expect(await page.evaluate(() => storagePage.open())).toEqual({ answer: "default" });
    expect(await page.evaluate(() => storagePage.start("before", 100_000))).toEqual({ answer: "before" });
    const accepted: string[] = ["before"];
    const refused: string[] = [];
    for (let n = 0; refused.length < 3; n++) {
      const id = `filling-${n}`;
      const outcome = await page.evaluate((args) => storagePage.start(...args), [id, LARGE] as const);
      if ("answer" in outcome) accepted.push(id);
      else {
        expect(outcome).toMatchObject({ code: "storeFull", message: expect.stringContaining("'storage'") });
        refused.push(id);
      }
      expect(n).toBeLessThan(10);
    }
    // Its result finds no room, so that it is executed again.
    await page.evaluate((size) => storagePage.finish("before", size), QUOTA_BYTES);
    await page.waitForFunction(() => storagePage.runs().filter((id) => id === "before").length > 1);
    expect(await page.evaluate(() => storagePage.status("before"))).toEqual({ answer: "Running" });
    await ground.limit(driver);
    await page.evaluate(() => storagePage.finish("before", "done"));
    expect(await page.evaluate(() => storagePage.wait("before"))).toEqual({ answer: "done 100000" });
    expect(await page.evaluate((size) => storagePage.start("after", size), LARGE)).toEqual({ answer: "after" });
    await page.close();
    await ground.closeBrowser();
    const next = await ground.page();
    expect(await next.evaluate(() => storagePage.open())).toEqual({ answer: "default" });
    for (const id of refused)
      expect(await next.evaluate((id) => storagePage.status(id), id), id).toEqual({ answer: null });
    for (const id of [...accepted.slice(1), "after"]) {
      expect(await next.evaluate((id) => storagePage.status(id), id), id).toEqual({ answer: "Running" });
      await next.waitForFunction((id) => storagePage.runs().includes(id), id);
      await next.evaluate((id) => storagePage.finish(id, "done"), id);
      expect(await next.evaluate((id) => storagePage.wait(id), id), id).toEqual({ answer: `done ${LARGE}` });
    }
    expect(await next.evaluate(() => storagePage.wait("before"))).toEqual({ answer: "done 100000" });
  });

  test("a hub whose origin is full is opened, and all that was acknowledged is read", async () => {
    await using ground = await Ground.make(backEnd);
    const page = await ground.page();
    const driver = await ground.driver(page);
    await ground.limit(driver, QUOTA_BYTES);
    await page.evaluate(() => storagePage.open());
    const accepted: string[] = [];
    for (let isFull = false; !isFull; ) {
      const id = `filling-${accepted.length}`;
      const outcome = await page.evaluate((args) => storagePage.start(...args), [id, MEDIUM] as const);
      if ("answer" in outcome) accepted.push(id);
      else isFull = true;
    }
    const next = await ground.page();
    expect(await next.evaluate(() => storagePage.open())).toEqual({ answer: "default" });
    for (const id of accepted)
      expect(await next.evaluate((id) => storagePage.status(id), id), id).toEqual({ answer: "Running" });
  });

  test("a hub that finds no room to be opened says so, and opens when there is", async () => {
    await using ground = await Ground.make(backEnd);
    const page = await ground.page();
    const driver = await ground.driver(page);
    await ground.limit(driver, 1);
    for (let round = 0; round < 2; round++)
      expect(await page.evaluate(() => storagePage.open())).toMatchObject({ code: "storeFull" });
    await ground.limit(driver);
    expect(await page.evaluate(() => storagePage.open())).toEqual({ answer: "default" });
    expect(await page.evaluate(() => storagePage.start("a", 10))).toEqual({ answer: "a" });
  });

  test.each(["cleared by the browser", "deleted by another tab"])(
    "a database that is %s under an open hub ends the hub, which says why and is not begun anew unasked",
    async (how) => {
      await using ground = await Ground.make(backEnd);
      const page = await ground.page();
      await page.evaluate(() => storagePage.open());
      await page.evaluate(() => storagePage.start("a", 10));
      if (how === "cleared by the browser") await ground.clear(await ground.driver(page), "indexeddb");
      else await (await ground.page()).evaluate(() => storagePage.deleteDatabase());
      for (const call of [
        () => storagePage.start("b", 10),
        () => storagePage.status("a"),
        () => storagePage.start("c", 10),
      ])
        expect(await page.evaluate(call)).toMatchObject(LOST);
      for (const tab of [page, await ground.page()])
        expect(await tab.evaluate(() => storagePage.open())).toMatchObject(LOST);
      expect(await page.evaluate((anew) => storagePage.open(anew), ANEW)).toEqual({ answer: "default" });
      const losses = await page.evaluate(() => storagePage.losses);
      expect(losses).toEqual([
        { databaseName: "storage", hub: "default", createdAtMs: expect.any(Number), reason: expect.any(String) },
      ]);
      expect(await page.evaluate(() => storagePage.status("a"))).toEqual({ answer: null });
    },
  );

  test("a database that is cleared while no hub is open is missed by the next one, unless the marker was cleared with it", async () => {
    await using ground = await Ground.make(backEnd);
    const fill = async (): Promise<CDPSession> => {
      const page = await ground.page();
      expect(await page.evaluate((anew) => storagePage.open(anew), ANEW)).toEqual({ answer: "default" });
      await page.evaluate(() => storagePage.start("a", 10));
      await page.close();
      return ground.driver(await ground.page());
    };
    await ground.clear(await fill(), "indexeddb");
    expect(await (await ground.page()).evaluate(() => storagePage.open())).toMatchObject(LOST);
    await ground.closeBrowser();
    expect(await (await ground.page()).evaluate(() => storagePage.open())).toMatchObject(LOST);
    await ground.clear(await fill(), "indexeddb,local_storage");
    expect(await (await ground.page()).evaluate(() => storagePage.open())).toEqual({ answer: "default" });
  });

  test("a database whose files were damaged is never taken for a new one, also where there is no marker", async () => {
    await using ground = await Ground.make(backEnd);
    const unmarked = { isMarked: false };
    const open = async (): Promise<unknown> => (await ground.page()).evaluate((how) => storagePage.open(how), unmarked);
    const page = await ground.page();
    await page.evaluate((how) => storagePage.open(how), unmarked);
    await page.evaluate(() => storagePage.start("a", 100_000));
    await ground.closeBrowser();
    damage(ground.profile);
    for (let round = 0; round < 2; round++) {
      expect(await open()).toMatchObject(OF_DAMAGE[backEnd]);
      expect(await open()).toMatchObject(OF_DAMAGE[backEnd]);
      await ground.closeBrowser();
    }
  });
});

/** What Chromium makes of a damaged database: LevelDB is deleted, with a word of it (`dataLoss`); SQLite is left as it is. */
const OF_DAMAGE: Readonly<Record<BackEnd, { readonly code: string; readonly message: unknown }>> = {
  LevelDB: { code: "storageLost", message: expect.stringContaining("database was corrupt") },
  SQLite: { code: "storeFailed", message: expect.stringContaining("'storage'") },
};

/** Overwrites all that a profile has on disk of IndexedDB; the files keep their names and about their sizes. */
function damage(profile: string): void {
  const folder = join(profile, "Default", "IndexedDB");
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name));
  const files = paths.filter((path) => statSync(path).isFile());
  expect(files).not.toEqual([]);
  for (const file of files) writeFileSync(file, "damaged ".repeat(Math.ceil(statSync(file).size / 8)));
}
