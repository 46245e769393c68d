/** Locks whose owner is gone, as a damaged or restored store may hold them: cleaning releases each once, however often it is asked for. */
import { defineEntity, MemoryStore } from "holdfast";
import { describe, expect, it } from "vitest";
import { HubBehindTab } from "../tabs/hub-behind-tab.ts";
import { openHub } from "./running.ts";

const box = defineEntity("box", {
  operations: {
    fill(ctx, value: number) {
      ctx.state = value;
    },
  },
});
const IDS = ["@box@a", "@box@b", "@box@c"];

function storeWithOrphans(): MemoryStore {
  const store = new MemoryStore();
  const session = store.open("default");
  const lockedBy = { instanceId: "gone", executionId: "e", criticalSectionId: "s" };
  session.commit(
    IDS.map((instanceId) => ({
      instanceId,
      atMs: 0,
      entity: { instanceId, lastModifiedAtMs: 0, state: "1", lockedBy },
    })),
  );
  session.close();
  return store;
}

describe("cleaning the storage of entities", () => {
  it("releases every lock whose owner is gone, and none when it is repeated, from another tab as well", async () => {
    for (const open of [() => openHub([box], { store: storeWithOrphans() }), openBehindTab]) {
      const hub = await open();
      const answers = await Promise.all([hub.cleanEntityStorage(), hub.cleanEntityStorage()]);
      expect(answers[0]).toEqual({ emptyEntitiesRemoved: 0, orphanedLocksReleased: IDS.length });
      expect(await hub.cleanEntityStorage()).toEqual({ emptyEntitiesRemoved: 0, orphanedLocksReleased: 0 });
      for (const id of IDS) {
        await hub.signalEntity(id, "fill", 7);
        await hub.runUntilIdle();
        expect(await hub.getEntity(id)).toMatchObject({ state: 7 });
      }
      await hub.close();
    }
  });

  it("goes on where it was cut short", async () => {
    const store = storeWithOrphans();
    const first = await openHub([box], { store });
    const cleaning = first.cleanEntityStorage().catch((error: { code: string }) => error.code);
    const second = await openHub([box], { store });
    expect(await cleaning).toBe("hubFenced");
    const { orphanedLocksReleased } = await second.cleanEntityStorage();
    expect(orphanedLocksReleased).toBeGreaterThan(0);
    expect(await second.cleanEntityStorage()).toMatchObject({ orphanedLocksReleased: 0 });
  });
});

function openBehindTab(): Promise<HubBehindTab> {
  return HubBehindTab.open({ functions: [box], store: storeWithOrphans() });
}
