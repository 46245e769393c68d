/** Pages that Chromium freezes, or keeps in its back/forward cache: nothing of them runs, and nothing has ended. */
import { performance } from "node:perf_hooks";
import { describe, expect, test } from "vitest";
import type { JourneyOutput } from "../end-to-end/functions.ts";
import { executing, expectJourney, handoverMs, travel } from "./tab-journeys.ts";
import type { TabPageOptions } from "./tab-page.ts";
import { type TabSaid, TabsGround } from "./tabs-ground.ts";

const FROZEN: Record<string, Omit<TabPageOptions, "failed">> = {
  "is frozen": {},
  "is frozen without hearing of it": { isDeaf: true },
  "is a dedicated worker whose page is frozen": { place: "dedicated" },
};

describe("when the tab that executes", () => {
  test.each(Object.keys(FROZEN))(
    "%s, another one goes on in time, and it delivers nothing when it thaws",
    async (how) => {
      await using ground = await TabsGround.make();
      const frozen = await ground.open("a", FROZEN[how]);
      const [b, c] = [await ground.open("b"), await ground.open("c")];
      expect(await executing([frozen, b, c])).toEqual([frozen]);
      const endActivities = ground.holdActivities(frozen.name);
      const isItsExecution = (said: TabSaid): boolean => said.type === "executed" && said.name === frozen.name;
      await b.ask("start", 0);
      await ground.hears("An activity", 0, isItsExecution);

      const frozenAtMs = performance.now();
      await frozen.freeze();
      const own = frozen.ask("start", 1);
      await travel(ground, 2, [b, c, b]);
      const tookMs = await handoverMs(ground, frozen, frozenAtMs);
      console.log(`the tab that executes ${how}: another one does after ${Math.round(tookMs)} ms`);

      endActivities();
      await frozen.thaw();
      await own;
      await Promise.all([c.ask("approve", 0), frozen.ask("approve", 1)]);
      const [first, second] = await Promise.all([frozen.ask("wait", 0), b.ask("wait", 1)]);
      expectJourney(ground, first.output, 0);
      expectJourney(ground, second.output, 1);
      // Its activities ended when it had thawed, or before and unheard: none of their results counts.
      const executed = ground.heard.flatMap(({ said }) =>
        isItsExecution(said) ? [(said as { nonce: string }).nonce] : [],
      );
      expect((first.output as JourneyOutput).marks.filter(({ nonce }) => executed.includes(nonce))).toEqual([]);
      expect((await b.ask("audit", 3)).sort()).toEqual(["trip 0", "trip 1", "trip 2"]);
      const leaders = await executing([frozen, b, c]);
      expect(leaders).toHaveLength(1);
      expect(leaders).not.toContain(frozen);
      expect(ground.errors).toEqual([]);
    },
  );
});

/** Reasons to drop a page from the cache that are about the browser and its machine: room, time, settings. Every other one is about what the page does. */
const OF_THE_MACHINE = /^(CacheLimit|CacheFlushed|ForegroundCacheLimit|Timeout|BackForwardCacheDisabled)/;

test("a tab in the back/forward cache holds nobody up, and goes on with its calls when it comes back", async ({
  skip,
}) => {
  await using ground = await TabsGround.make();
  const a = await ground.open("a");
  const b = await ground.open("b");
  expect(await executing([a, b])).toEqual([a]);
  await a.ask("start", 0);
  await a.ask("beginWait", 0);
  // The browser drops a page from its cache that holds others up with a transaction in which it was frozen.
  await a.ask("rested", 0);
  const leftAtMs = performance.now();
  await a.leave(ground.origin);
  await handoverMs(ground, a, leftAtMs);
  const c = await ground.open("c");
  await travel(ground, 1, [b, c, b]);
  // It has no place in the queue for the lead either.
  const closedAtMs = performance.now();
  await b.close();
  await handoverMs(ground, b, closedAtMs);
  expect(await c.ask("role")).toBe("executing");
  await c.ask("approve", 0);

  const back = await a.return();
  expect(back.notKept.filter((reason) => !OF_THE_MACHINE.test(reason))).toEqual([]);
  skip(back.notKept.length > 0, `the browser has dropped the page from its cache: ${back.notKept.join(", ")}`);
  await ground.hears("The return", closedAtMs, (said) => said.type === "restored" && said.name === "a");
  expectJourney(ground, (await back.ask("endWait", 0)).output, 0);
  await travel(ground, 2, [back, c, back]);
  await c.close();
  await travel(ground, 3, [back, back, back]);
  expect(await back.ask("role")).toBe("executing");
  expect((await back.ask("audit", 4)).sort()).toEqual(["trip 0", "trip 1", "trip 2", "trip 3"]);
  expect(ground.errors).toEqual([]);
});
