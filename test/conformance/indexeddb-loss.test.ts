/** Databases that the browser deleted: `IndexedDbStore` and hubs over it say so, and never take them for new ones. */
import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { type DataLoss, defineOrchestrator, StorageLostError } from "holdfast";
import { IndexedDbStore, type IndexedDbStoreOptions, type StorageMarker } from "holdfast/indexeddb";
import { TestTaskHub } from "holdfast/testing";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { deleteDatabase, sayingDataLoss } from "./indexeddb-faults.ts";
import { record } from "./samples.ts";

/** A marker in memory: what `localStorage` is to a page. */
class Marker implements StorageMarker {
  readonly items = new Map<string, string>();
  getItem(key: string): string | null {
    return this.items.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.items.set(key, value);
  }
}

let factory = new IDBFactory();
let marker = new Marker();
const openStore = (options: Partial<IndexedDbStoreOptions> = {}): IndexedDbStore =>
  new IndexedDbStore({ databaseName: "hubs", indexedDB: factory, marker, ...options });
const START = { instanceId: "a", atMs: 1_000, record: record("a") };

/** Opens a hub, writes an instance, closes it. */
async function fill(hub: string, store: IndexedDbStore = openStore()): Promise<void> {
  const session = await store.open(hub);
  await session.commit([START]);
  await session.close();
}

async function lossOf(opening: Promise<unknown>): Promise<DataLoss> {
  const error = await opening.then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(StorageLostError);
  return (error as StorageLostError).loss;
}

beforeEach(() => {
  factory = new IDBFactory();
  marker = new Marker();
});

describe("a database that is gone", () => {
  test("is told by the marker, each time, for every hub that was in it and no other", async () => {
    await fill("orders");
    await fill("billing");
    await deleteDatabase(factory, "hubs");
    for (const hub of ["orders", "billing", "orders"]) {
      const loss = await lossOf(openStore().open(hub));
      expect(loss).toMatchObject({ hub, databaseName: "hubs", createdAtMs: expect.any(Number) });
      expect(Math.abs(Date.now() - (loss.createdAtMs ?? 0))).toBeLessThan(60_000);
    }
    await fill("shipping");
  });

  test("is told by the browser, for every hub, whether or not there is a marker", async () => {
    sayingDataLoss(factory, "Corruption: checksum mismatch");
    const store = openStore({ marker: null });
    for (const hub of ["orders", "billing", "orders"]) {
      const loss = await lossOf(store.open(hub));
      expect(loss).toEqual({
        hub,
        databaseName: "hubs",
        reason: expect.stringContaining("Corruption: checksum mismatch"),
      });
    }
  });

  test("is begun anew once onDataLoss has been told, and then is as any other", async () => {
    await fill("orders");
    await deleteDatabase(factory, "hubs");
    const told: DataLoss[] = [];
    const store = openStore({ onDataLoss: (loss) => void told.push(loss) });
    const session = await store.open("orders");
    expect(told).toHaveLength(1);
    expect(session.epoch).toBe(1);
    expect(await session.load("a")).toBeUndefined();
    await session.commit([START]);
    await session.close();
    const again = await openStore().open("orders");
    expect(again.epoch).toBe(2);
    expect(await again.load("a")).toBeDefined();
    await again.close();
    expect(told).toHaveLength(1);
  });

  test("stays as it is when onDataLoss refuses", async () => {
    await fill("orders");
    await deleteDatabase(factory, "hubs");
    const refusing = openStore({ onDataLoss: () => Promise.reject(new Error("Not without asking.")) });
    await expect(refusing.open("orders")).rejects.toThrow("Not without asking.");
    await lossOf(openStore().open("orders"));
  });

  test("is told although somebody without a marker has begun it anew", async () => {
    await fill("orders");
    await deleteDatabase(factory, "hubs");
    await fill("orders", openStore({ marker: null }));
    const loss = await lossOf(openStore().open("orders"));
    expect(loss.reason).toContain("another of its name");
    const told: DataLoss[] = [];
    const session = await openStore({ onDataLoss: (each) => void told.push(each) }).open("orders");
    expect(await session.load("a")).toBeDefined();
    await session.close();
    await fill("orders");
    expect(told).toHaveLength(1);
  });

  test("goes unnoticed without a marker and without a word of the browser: then there is nothing to tell by", async () => {
    await fill("orders", openStore({ marker: null }));
    await deleteDatabase(factory, "hubs");
    await fill("orders", openStore({ marker: null }));
  });
});

describe("a marker", () => {
  test("that fails costs the detection, not the hub", async () => {
    const failing: StorageMarker = {
      getItem: () => Promise.reject(new Error("No right to it.")),
      setItem: () => {
        throw new DOMException("Full.", "QuotaExceededError");
      },
    };
    await fill("orders", openStore({ marker: failing }));
    marker.items.set("holdfast/hubs/orders", "not JSON");
    await fill("orders");
  });

  test("is put where there is none yet, so that a hub of before is remembered from now on", async () => {
    await fill("orders", openStore({ marker: null }));
    await fill("orders");
    await deleteDatabase(factory, "hubs");
    await lossOf(openStore().open("orders"));
  });

  test("is the page's localStorage unless another is given", async () => {
    vi.stubGlobal("localStorage", marker);
    const { marker: _, ...options } = { databaseName: "hubs", indexedDB: factory, marker };
    await fill("orders", new IndexedDbStore(options));
    expect([...marker.items.keys()]).toEqual(["holdfast/hubs/orders"]);
    vi.unstubAllGlobals();
  });
});

describe("a database that goes while a hub is open", () => {
  test("ends the session: it is not filled again from memory", async () => {
    const session = await openStore().open("orders");
    await session.commit([START]);
    await deleteDatabase(factory, "hubs");
    await lossOf(Promise.resolve(session.commit([START])));
    await lossOf(Promise.resolve(session.openInstances()));
    await session.close();
    await lossOf(openStore().open("orders"));
  });

  test("ends the session although another tab has begun the hub anew", async () => {
    const session = await openStore().open("orders");
    await session.commit([START]);
    await deleteDatabase(factory, "hubs");
    const other = await openStore({ onDataLoss: () => {} }).open("orders");
    expect(other.epoch).toBe(session.epoch);
    await lossOf(Promise.resolve(session.commit([START])));
    await lossOf(Promise.resolve(session.openInstances()));
    expect(await other.load("a")).toBeUndefined();
    await other.close();
  });

  test("is told by the store itself when the hub is opened again, where the marker went with it or there is none", async () => {
    for (const markerOf of [marker, null]) {
      await fill("orders", openStore({ marker: markerOf }));
      const store = openStore({ marker: markerOf });
      const session = await store.open("orders");
      await session.commit([START]);
      await deleteDatabase(factory, "hubs");
      marker.items.clear();
      await lossOf(Promise.resolve(session.commit([START])));
      await session.close();
      for (let round = 0; round < 2; round++) {
        const { createdAtMs } = await lossOf(store.open("orders"));
        expect(createdAtMs).toEqual(expect.any(Number));
      }
    }
  });

  test("stops the hub, which says why", async () => {
    const wait = defineOrchestrator("wait", async (ctx) => ctx.waitForExternalEvent<string>("go"));
    const hub = await TestTaskHub.open({ functions: [wait], store: openStore() });
    const id = await hub.scheduleNewOrchestration(wait);
    await deleteDatabase(factory, "hubs");
    for (let round = 0; round < 2; round++) {
      await expect(hub.raiseOrchestrationEvent(id, "go", "x")).rejects.toMatchObject({ code: "storageLost" });
    }
    await hub.close();
  });
});
