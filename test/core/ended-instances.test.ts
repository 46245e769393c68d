/** Which instances stay in memory after their end, told by what the store is asked. */
import { defineOrchestrator, type HubStore, MemoryStore, type StoreSession } from "holdfast";
import { expect, it, vi } from "vitest";
import { ENDED_INSTANCES_MAX, ENDED_TEXT_MAX } from "../../core/limits.ts";
import { openHub, stateOf } from "./running.ts";

/** A memory store that notes which instances are loaded. */
class WatchedStore implements HubStore {
  readonly #inner = new MemoryStore();
  readonly loaded: string[] = [];

  open(name: string): StoreSession {
    const session = this.#inner.open(name);
    const load = session.load.bind(session);
    vi.spyOn(session, "load").mockImplementation((instanceId) => {
      this.loaded.push(instanceId);
      return load(instanceId);
    });
    return session;
  }
}

const echo = defineOrchestrator("echo", function* (ctx, input: string) {
  if (input === "wait") yield ctx.waitForExternalEvent("go");
  return input;
});

it("who starts an orchestration and then waits for its end is answered from memory", async () => {
  const store = new WatchedStore();
  const hub = await openHub([echo], { store });
  const id = await hub.scheduleNewOrchestration(echo, "short");
  expect((await hub.waitForOrchestrationCompletion(id)).output).toBe("short");
  expect((await stateOf(hub, id)).output).toBe("short");
  expect(store.loaded).toEqual([]);
});

it("an instance that has ended with a large output is read when it is asked for", async () => {
  const store = new WatchedStore();
  const hub = await openHub([echo], { store });
  const large = "x".repeat(ENDED_TEXT_MAX);
  const id = await hub.scheduleNewOrchestration(echo, large);
  expect((await hub.waitForOrchestrationCompletion(id)).output).toBe(large);
  expect(store.loaded).toEqual([id]);
});

it("of many that have ended the last ones stay, and one that runs again stays in any case", async () => {
  const store = new WatchedStore();
  const hub = await openHub([echo], { store });
  await hub.scheduleNewOrchestration(echo, "first", { instanceId: "again" });
  await hub.scheduleNewOrchestration(echo, "wait", { instanceId: "again" });
  const ids: string[] = [];
  for (let n = 0; n <= ENDED_INSTANCES_MAX; n++) ids.push(await hub.scheduleNewOrchestration(echo, "short"));
  await hub.runUntilIdle();
  store.loaded.length = 0;
  const [first = "", second = ""] = ids;
  expect((await stateOf(hub, first)).output).toBe("short");
  expect(store.loaded).toEqual([first]);
  expect((await stateOf(hub, second)).output).toBe("short");
  await hub.raiseOrchestrationEvent("again", "go");
  expect((await hub.waitForOrchestrationCompletion("again")).output).toBe("wait");
  expect(store.loaded).toEqual([first]);
});

it("an instance that is purged after its end is gone", async () => {
  const hub = await openHub([echo], { store: new MemoryStore() });
  const id = await hub.scheduleNewOrchestration(echo, "short");
  await hub.purgeOrchestration(id);
  expect(await hub.getOrchestrationState(id)).toBeUndefined();
});
