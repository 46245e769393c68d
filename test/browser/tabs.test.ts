/** One hub in the tabs and workers of a real browser. */
import { performance } from "node:perf_hooks";
import { describe, expect, test } from "vitest";
import type { Place } from "./pages/tabs.ts";
import { executing, expectJourney, handoverMs, travel } from "./tab-journeys.ts";
import type { TabPage } from "./tab-page.ts";
import { TabsGround } from "./tabs-ground.ts";
import { tabsRound } from "./tabs-round.ts";

test("of two tabs, then of ten, one executes, and all start, signal, wait, query and watch", async () => {
  await using ground = await TabsGround.make();
  const tabs: TabPage[] = [];
  for (const count of [2, 10]) {
    const first = tabs.length;
    while (tabs.length < count) tabs.push(await ground.open(String(tabs.length)));
    expect(await executing(tabs)).toHaveLength(1);
    const indexes = tabs.map((_, at) => at).slice(first);
    // Each journey is started, watched, approved and waited for by different tabs.
    const other = (index: number, by: number): TabPage => tabs[(index + by) % count]!;
    await Promise.all(indexes.map((index) => other(index, 0).ask("start", index)));
    const watches = indexes.map((index) => other(index, 1).ask("watch", index));
    await Promise.all(indexes.map((index) => other(index, 2).ask("approve", index)));
    const ends = await Promise.all(indexes.map((index) => other(index, 3).ask("wait", index)));
    for (const [at, { output }] of ends.entries()) expectJourney(ground, output, indexes[at]!);
    for (const statuses of await Promise.all(watches)) expect(statuses.at(-1)).toBe("completed");
    const listed = indexes.map((index) => `journey-${index}`);
    for (const ids of await Promise.all(tabs.map((tab) => tab.ask("query"))))
      expect(ids).toEqual(expect.arrayContaining(listed));
  }
  expect((await tabs[5]!.ask("audit", 10)).sort()).toEqual(tabs.map((_, index) => `trip ${index}`));
  expect(ground.errors).toEqual([]);
});

/** The ways in which the tab that executes goes away. Each gives what brings it back, when something can. */
const DEPARTURES: Record<string, (tab: TabPage, ground: TabsGround) => Promise<(() => Promise<TabPage>) | undefined>> =
  {
    "is closed": async (tab) => void (await tab.close()),
    crashes: async (tab) => void (await tab.crash()),
    "goes to another page": async (tab, ground) => {
      await tab.leave(ground.origin);
      return () => tab.return();
    },
    "hangs without a word": async (tab) => {
      await tab.ask("hang", 8_000);
      // It answers again when it hangs no more.
      return async () => tab;
    },
  };

describe("when the tab that executes", () => {
  test.each(Object.keys(DEPARTURES))("%s, another one goes on with everything", async (departure) => {
    await using ground = await TabsGround.make();
    const tabs: TabPage[] = [];
    for (const name of ["a", "b", "c"]) tabs.push(await ground.open(name));
    const [leader] = await executing(tabs);
    const [asker, helper] = tabs.filter((tab) => tab !== leader);
    const indexes = [0, 1, 2, 3];
    await Promise.all(indexes.map((index) => asker!.ask("start", index)));
    const ends = indexes.map((index) => asker!.ask("wait", index));
    const leftAtMs = performance.now();
    const back = await DEPARTURES[departure]!(leader!, ground);
    // Calls while nobody executes are held until somebody does.
    const approvals = indexes.map((index) => helper!.ask("approve", index));
    const tookMs = await handoverMs(ground, leader!, leftAtMs);
    console.log(`the tab that executes ${departure}: another one does after ${Math.round(tookMs)} ms`);
    await Promise.all(approvals);
    for (const [index, { output }] of (await Promise.all(ends)).entries()) expectJourney(ground, output, index);
    expect(await executing([asker!, helper!])).toHaveLength(1);
    if (back) {
      const returned = await back();
      await returned.ask("start", 4);
      await returned.ask("approve", 4);
      expectJourney(ground, (await asker!.ask("wait", 4)).output, 4);
      expect(await executing([returned, asker!, helper!])).toHaveLength(1);
    }
    const names = await asker!.ask("audit", back ? 5 : 4);
    expect(names.sort()).toEqual((back ? [...indexes, 4] : indexes).map((index) => `trip ${index}`));
    expect(ground.errors).toEqual([]);
  });
});

/** Where a hub can be opened, and how such a place ends. */
const PLACES: Record<Place, { readonly global: string; readonly end: (tab: TabPage) => Promise<void> }> = {
  page: { global: "Window", end: (tab) => tab.close() },
  dedicated: { global: "DedicatedWorkerGlobalScope", end: (tab) => tab.close() },
  shared: { global: "SharedWorkerGlobalScope", end: (tab) => tab.close() },
  service: { global: "ServiceWorkerGlobalScope", end: (tab) => tab.stopServiceWorkers() },
};

test.each(Object.keys(PLACES) as Place[])(
  "a hub in a place like this executes, hands over, and is a client: %s",
  async (place) => {
    const { global, end } = PLACES[place];
    await using ground = await TabsGround.make();
    const first = await ground.open("first", { place });
    expect([await first.ask("place"), await first.ask("role")]).toEqual([global, "executing"]);
    await travel(ground, 0, [first, first, first]);
    const other = await ground.open("other");
    await travel(ground, 1, [other, first, other]);
    expect(await executing([first, other])).toEqual([first]);
    await other.ask("start", 2);
    const wait = other.ask("wait", 2);
    const endedAtMs = performance.now();
    await end(first);
    console.log(
      `the hub in a ${place} ends: another one goes on after ${Math.round(await handoverMs(ground, first, endedAtMs))} ms`,
    );
    const again = await ground.open("again", { place });
    await again.ask("approve", 2);
    expectJourney(ground, (await wait).output, 2);
    await again.ask("start", 3);
    const watch = again.ask("watch", 3);
    await travel(ground, 3, [again, other, again]);
    expect((await watch).at(-1)).toBe("completed");
    expect(await executing([again, other])).toEqual([other]);
    expect(await again.ask("query")).toEqual(expect.arrayContaining([0, 1, 2, 3].map((index) => `journey-${index}`)));
    expect((await again.ask("audit", 4)).sort()).toEqual([0, 1, 2, 3].map((index) => `trip ${index}`));
    expect(ground.errors).toEqual([]);
  },
);

const SEED = Number(process.env.SEED ?? 20_261_121);

test(`tabs opened, used and taken away at random finish everything they acknowledged, once (seed ${SEED})`, async () => {
  const { faults, ...counts } = await tabsRound({ backEnd: "LevelDB", seed: SEED, ms: 20_000 });
  console.log(counts);
  expect(faults).toEqual([]);
  expect(counts.journeyCount).toBeGreaterThan(5);
  expect(counts.handovers).toBeGreaterThan(1);
}, 240_000);
