/** Tabs of different builds of the library meet while a new one is deployed: the build of tab "new" is one that this one does not understand. */
import { describe, expect, it } from "vitest";
import type { TabHub } from "../../adapters/indexeddb/tabs/tab-hub.ts";
import { collect, functions, greet } from "./functions.ts";
import type { SimulatedTab } from "./simulated-tab.ts";
import { World } from "./world.ts";

const OUTDATED = { name: "HoldfastError", code: "tabOutdated" };

async function open(world: World, build: number): Promise<[tab: SimulatedTab, hub: TabHub]> {
  const tab = world.openTab(build);
  const hub = tab.hub(functions);
  await world.until(hub.join());
  return [tab, hub];
}

describe("tabs of an older and a newer build", () => {
  it("the newer takes the lead; calls of the older ones are told why, those that were under way too", async () => {
    const world = new World();
    const [, first] = await open(world, 0);
    const [, second] = await open(world, 0);
    const id = await world.until(second.scheduleNewOrchestration(collect, undefined));
    const waits = [first, second].map((hub) => hub.waitForOrchestrationCompletion(id));
    const refusals = Promise.all(waits.map((wait) => expect(wait).rejects.toMatchObject(OUTDATED)));
    const [, newer] = await open(world, 1);
    await world.until(refusals);
    for (const hub of [first, second]) {
      await expect(world.until(hub.raiseOrchestrationEvent(id, "said", "lost"))).rejects.toMatchObject(OUTDATED);
      await expect(hub.getOrchestrationState(id)).rejects.toThrow("Reload the page to get the newer build.");
    }
    await world.until(newer.raiseOrchestrationEvent(id, "said", "stop"));
    expect((await world.until(newer.waitForOrchestrationCompletion(id))).output).toEqual([]);
    await world.advance(60_000);
    expect([first, second, newer].map(({ role }) => role)).toEqual(["client", "client", "executing"]);
  });

  it("an older one cannot be opened while a newer one executes", async () => {
    const world = new World();
    const [, newer] = await open(world, 1);
    await expect(world.until(world.openTab().hub(functions).join())).rejects.toMatchObject(OUTDATED);
    await world.advance(10_000);
    expect(newer.role).toBe("executing");
  });

  it("the older ones go on when no newer one is left", async () => {
    const world = new World();
    const [, older] = await open(world, 0);
    const [, newer] = await open(world, 1);
    const id = await world.until(newer.scheduleNewOrchestration(collect, undefined));
    await expect(world.until(older.getOrchestrationState(id))).rejects.toMatchObject(OUTDATED);
    await world.until(newer.close());
    await world.advance(500);
    expect(older.role).toBe("executing");
    await world.until(older.raiseOrchestrationEvent(id, "said", "stop"));
    expect((await world.until(older.waitForOrchestrationCompletion(id))).output).toEqual([]);
  });

  it("a newer one that was frozen takes the lead again when it thaws, and keeps it", async () => {
    const world = new World();
    const [, older] = await open(world, 0);
    const [tab, newer] = await open(world, 1);
    await world.advance(1_000);
    tab.freeze();
    const own = newer.scheduleNewOrchestration(greet, "you", { instanceId: "own" });
    await world.advance(6_000);
    expect(older.role).toBe("executing");
    await world.until(older.scheduleNewOrchestration(greet, "me", { instanceId: "meanwhile" }));
    tab.thaw();
    expect(await world.until(own)).toBe("own");
    expect((await world.until(newer.waitForOrchestrationCompletion("meanwhile"))).output).toBe("Hello, me!");
    await expect(world.until(older.getOrchestrationState("own"))).rejects.toMatchObject(OUTDATED);
    await world.advance(60_000);
    expect([older.role, newer.role]).toEqual(["client", "executing"]);
  });

  it("one that comes back from the back/forward cache is told again", async () => {
    const world = new World();
    const [tab, older] = await open(world, 0);
    const [, newer] = await open(world, 1);
    tab.tell("left");
    tab.freeze();
    await world.advance(10_000);
    tab.thaw();
    tab.tell("returned");
    await expect(world.until(older.scheduleNewOrchestration(greet, "x"))).rejects.toMatchObject(OUTDATED);
    expect(newer.role).toBe("executing");
  });
});
