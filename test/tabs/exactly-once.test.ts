import type { Codec } from "holdfast";
import { describe, expect, it } from "vitest";
import type { TabHub } from "../../adapters/indexeddb/tabs/tab-hub.ts";
import { functions, greet } from "./functions.ts";
import { World } from "./world.ts";

/** Two tabs, of which the first executes. */
async function twoTabs(world: World): Promise<[crash: () => void, hub: TabHub]> {
  const [first, second] = [world.openTab(), world.openTab()];
  await world.until(first.hub(functions).join());
  const hub = second.hub(functions);
  await world.until(hub.join());
  return [() => first.crash(), hub];
}

/** Makes a call in a tab that does not execute, and lets the one that does crash after so many ms. */
async function crashing<T>(
  afterMs: number,
  call: (hub: TabHub) => Promise<T>,
  before?: (hub: TabHub) => Promise<unknown>,
) {
  const world = new World(afterMs);
  const [crash, hub] = await twoTabs(world);
  if (before) await world.until(before(hub));
  const result = call(hub);
  await world.advance(afterMs);
  crash();
  return { world, hub, result: await world.until(result) };
}

const MOMENTS = Array.from({ length: 12 }, (_, index) => index * 2);

/** Starts instances and waits for their ends. */
async function finish(hub: TabHub, ids: readonly string[]): Promise<void> {
  await Promise.all(ids.map((instanceId) => hub.scheduleNewOrchestration(greet, "x", { instanceId })));
  await Promise.all(ids.map((id) => hub.waitForOrchestrationCompletion(id)));
}
const ids = Array.from({ length: 30 }, (_, index) => `done-${index}`);

describe("a call whose executing tab crashes at any moment", () => {
  it("purges each instance once, and counts all of them", async () => {
    for (const afterMs of MOMENTS) {
      const { result, world, hub } = await crashing(
        afterMs * 10,
        (hub) => hub.purgeOrchestration({ statuses: ["Completed"] }),
        (hub) => finish(hub, ids),
      );
      expect(result, `${afterMs * 10} ms`).toEqual({ deletedInstanceCount: ids.length, isComplete: true });
      expect((await world.until(hub.listInstanceIds())).values).toEqual([]);
    }
  });

  it("starts one instance under an id that the caller's tab has made", async () => {
    for (const afterMs of MOMENTS) {
      const { result, world, hub } = await crashing(afterMs, (hub) => hub.scheduleNewOrchestration(greet, "x"));
      const state = await world.until(hub.waitForOrchestrationCompletion(result));
      expect(state.output).toBe("Hello, x!");
      expect((await world.until(hub.listInstanceIds())).values).toEqual([result]);
    }
  });

  it("restarts once under the same id", async () => {
    for (const afterMs of MOMENTS) {
      const { result, world, hub } = await crashing(
        afterMs,
        (hub) => hub.restartOrchestration("done"),
        (hub) => finish(hub, ["done"]),
      );
      expect(result).toBe("done");
      expect((await world.until(hub.waitForOrchestrationCompletion("done"))).runtimeStatus).toBe("Completed");
    }
  });

  it("creates, changes and deletes a schedule once", async () => {
    for (const afterMs of MOMENTS) {
      const { result } = await crashing(afterMs * 2, async (hub) => {
        const { schedules } = hub;
        const created = await schedules.create({ id: "daily", interval: { days: 1 }, fn: greet, input: "x" });
        const changed = await schedules.update("daily", { input: new Date(0) });
        await schedules.delete("daily");
        return [created.input, changed.input, await schedules.get("daily")];
      });
      expect(result).toEqual(["x", new Date(0), undefined]);
    }
  });

  it("gives every state of a watch of many, and none twice", async () => {
    for (const afterMs of MOMENTS) {
      const world = new World(afterMs);
      const [crash, hub] = await twoTabs(world);
      const seen: string[] = [];
      const watching = (async () => {
        for await (const { instanceId, runtimeStatus } of hub.watchOrchestrations()) {
          seen.push(`${instanceId} ${runtimeStatus}`);
          if (seen.filter((text) => text.endsWith("Completed")).length === 5) return;
        }
      })();
      const starts = Promise.all(
        [0, 1, 2, 3, 4].map((n) => hub.scheduleNewOrchestration(greet, "x", { instanceId: `${n}` })),
      );
      await world.advance(afterMs);
      crash();
      await world.until(starts);
      await world.until(watching);
      expect(new Set(seen).size, seen.join(", ")).toBe(seen.length);
    }
  });
});

describe("receipts", () => {
  it("are read by the next tab also when the codec answers with promises, and payloads reach it", async () => {
    const codec: Codec = {
      encode: async (value) => `sealed ${JSON.stringify(value)}`,
      decode: async (text) => JSON.parse(text.slice("sealed ".length)) as unknown,
    };
    const world = new World();
    const [first, second] = [world.openTab(), world.openTab()];
    await world.until(first.hub(functions, { codec }).join());
    const hub = second.hub(functions, { codec });
    await world.until(hub.join());
    const calls = Array.from({ length: 20 }, (_, index) => hub.signalEntity("@log@a", "add", `${index}`));
    await world.advance(20);
    first.crash();
    await world.until(Promise.all(calls));
    const entity = await world.until(hub.getEntity<string[]>("@log@a"));
    expect(entity?.state).toEqual(calls.map((_, index) => `${index}`));
    expect(world.receiptRows()[0]).toMatch(/^sealed /);
  });

  it("are one small row for each tab, hidden from listings, and go with their tab", async () => {
    const world = new World();
    const [, hub] = await twoTabs(world);
    for (let index = 0; index < 20; index++) await world.until(hub.signalEntity("@log@a", "add", `${index}`));
    expect(world.receiptRows()).toEqual([expect.stringMatching(/^\{"answers":\[\[19,null\]\],"answeredBelow":19\}$/)]);
    expect(await world.until(entityIds(hub))).toEqual(["@log@a"]);
    const other = world.openTab();
    const third = other.hub(functions);
    await world.until(third.join());
    await world.until(third.signalEntity("@log@a", "add", "third"));
    expect(world.receiptRows()).toHaveLength(2);
    other.crash();
    await world.until(hub.signalEntity("@log@a", "add", "last"));
    expect(world.receiptRows()).toHaveLength(1);
  });
});

describe("receipts of a tab that is gone", () => {
  it("go with the next tab that executes, when the commit that should have dropped them failed", async () => {
    const world = new World();
    const [crash, hub] = await twoTabs(world);
    const other = world.openTab();
    const third = other.hub(functions);
    await world.until(third.join());
    await world.until(third.signalEntity("@log@a", "add", "third"));
    other.crash();
    await world.advance(100);
    world.commitFailure = new Error("The disk is full.");
    await expect(world.until(hub.signalEntity("@log@a", "add", "lost"))).rejects.toThrow("The disk is full.");
    world.commitFailure = undefined;
    await world.until(hub.signalEntity("@log@a", "add", "kept"));
    expect(world.receiptRows()).toHaveLength(2);
    crash();
    await world.until(hub.signalEntity("@log@a", "add", "last"));
    await world.until(hub.signalEntity("@log@a", "add", "very last"));
    expect(world.receiptRows()).toHaveLength(1);
    expect((await world.until(hub.getEntity<string[]>("@log@a")))?.state).toEqual([
      "third",
      "kept",
      "last",
      "very last",
    ]);
  });
});

async function entityIds(hub: TabHub): Promise<string[]> {
  const found: string[] = [];
  for await (const { id } of hub.queryEntities()) found.push(String(id));
  return found;
}
