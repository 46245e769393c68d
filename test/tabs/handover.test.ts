import { InstanceNotFoundError, OrchestrationAlreadyExistsError, type OrchestrationState, TaskHub } from "holdfast";
import { describe, expect, it } from "vitest";
import type { TabHub } from "../../adapters/indexeddb/tabs/tab-hub.ts";
import { collect, functions, greet, log, sleeper } from "./functions.ts";
import type { SimulatedTab } from "./simulated-tab.ts";
import { World } from "./world.ts";

interface OpenTab {
  readonly tab: SimulatedTab;
  readonly hub: TabHub;
}

async function open(world: World, count: number): Promise<OpenTab[]> {
  const tabs: OpenTab[] = [];
  for (let index = 0; index < count; index++) {
    const tab = world.openTab();
    const hub = tab.hub(functions);
    await world.until(hub.join());
    tabs.push({ tab, hub });
  }
  return tabs;
}

const executing = (tabs: readonly OpenTab[]): OpenTab[] =>
  tabs.filter(({ tab, hub }) => tab.isRunning && hub.role === "executing");

describe("tabs of one hub", () => {
  it("one executes, and all start, signal, wait, query and watch", async () => {
    const world = new World();
    const tabs = await open(world, 10);
    expect(executing(tabs)).toHaveLength(1);
    const results = tabs.map(async ({ hub }, index) => {
      const id = await hub.scheduleNewOrchestration(greet, `tab ${index}`, { tags: { tab: `${index}` } });
      await hub.signalEntity("@log@all", "add", `tab ${index}`);
      const state = await hub.waitForOrchestrationCompletion(id);
      const seen: OrchestrationState[] = [];
      for await (const change of hub.watchOrchestration(id)) seen.push(change);
      expect(seen.at(-1)?.runtimeStatus).toBe("Completed");
      const listed: string[] = [];
      for await (const { instanceId } of hub.queryOrchestrations({ tags: { tab: `${index}` } }))
        listed.push(instanceId);
      expect(listed).toEqual([id]);
      return state.output;
    });
    expect(await world.until(Promise.all(results))).toEqual(tabs.map((_, index) => `Hello, tab ${index}!`));
    const entity = await world.until(tabs[9]!.hub.getEntity<string[]>("@log@all"));
    expect(entity?.state).toHaveLength(10);
    expect(String(entity?.id)).toBe("@log@all");
  });

  it("errors keep their class, code and fields on the way", async () => {
    const world = new World();
    const [, second] = await open(world, 2);
    const { hub } = second!;
    await world.until(hub.scheduleNewOrchestration(collect, undefined, { instanceId: "here" }));
    const again = hub.scheduleNewOrchestration(collect, undefined, { instanceId: "here" });
    await expect(world.until(again)).rejects.toThrow(OrchestrationAlreadyExistsError);
    await expect(world.until(hub.raiseOrchestrationEvent("missing", "said"))).rejects.toThrow(InstanceNotFoundError);
    await expect(world.until(hub.waitForOrchestrationCompletion("missing"))).rejects.toMatchObject({
      name: "InstanceNotFoundError",
      code: "instanceNotFound",
    });
    await expect(world.until(hub.waitForOrchestrationCompletion("here", { timeoutMs: 50 }))).rejects.toMatchObject({
      code: "timeout",
    });
  });

  it("when the executing tab crashes another takes over within half a second, and waits and watches go on", async () => {
    const world = new World();
    const tabs = await open(world, 3);
    const { hub } = tabs[2]!;
    const id = await world.until(hub.scheduleNewOrchestration(collect, undefined));
    const seen: unknown[] = [];
    const watching = (async () => {
      for await (const state of hub.watchOrchestration(id)) seen.push(state.customStatus ?? state.runtimeStatus);
    })();
    const waiting = hub.waitForOrchestrationCompletion(id);
    await world.until(hub.raiseOrchestrationEvent(id, "said", "a"));
    const atMs = world.clock.now();
    executing(tabs)[0]!.tab.crash();
    await world.until(hub.raiseOrchestrationEvent(id, "said", "b"));
    expect(world.clock.now() - atMs).toBeLessThan(500);
    expect(executing(tabs)).toHaveLength(1);
    await world.until(hub.raiseOrchestrationEvent(id, "said", "stop"));
    expect((await world.until(waiting)).output).toEqual(["a", "b"]);
    await world.until(watching);
    expect(seen).toEqual(["Running", 1, 2, 2]);
  });

  it("a frozen executing tab is replaced within five seconds, and follows when it thaws", async () => {
    const world = new World();
    const tabs = await open(world, 3);
    const [first] = executing(tabs);
    const own = first!.hub.scheduleNewOrchestration(greet, "frozen", { instanceId: "own" });
    first!.tab.freeze();
    const atMs = world.clock.now();
    const id = await world.until(tabs[1]!.hub.scheduleNewOrchestration(greet, "you"));
    expect(world.clock.now() - atMs).toBeLessThan(5_000);
    expect((await world.until(tabs[2]!.hub.waitForOrchestrationCompletion(id))).output).toBe("Hello, you!");
    first!.tab.thaw();
    expect(await world.until(own)).toBe("own");
    expect(first!.hub.role).toBe("client");
    expect(executing(tabs)).toHaveLength(1);
    expect((await world.until(first!.hub.waitForOrchestrationCompletion("own"))).output).toBe("Hello, frozen!");
  });

  it("a tab that executes no longer, and does not know it, answers nothing from its memory", async () => {
    const world = new World();
    const tabs = await open(world, 2);
    const { hub } = tabs[1]!;
    await world.until(hub.scheduleNewOrchestration(collect, undefined, { instanceId: "known" }));
    const other = await TaskHub.open({ store: world.store, functions });
    await other.raiseOrchestrationEvent("known", "said", "stop");
    await other.waitForOrchestrationCompletion("known");
    await other.scheduleNewOrchestration(collect, undefined, { instanceId: "new" });
    expect(executing(tabs)).toHaveLength(1);
    expect((await world.until(hub.getOrchestrationState("known")))?.runtimeStatus).toBe("Completed");
    await world.until(hub.raiseOrchestrationEvent("new", "said", "stop"));
    expect((await world.until(hub.waitForOrchestrationCompletion("new"))).output).toEqual([]);
  });

  it("a frozen tab is replaced although nobody calls, so that timers go on", async () => {
    const world = new World();
    const tabs = await open(world, 2);
    const id = await world.until(tabs[0]!.hub.scheduleNewOrchestration(sleeper, 10));
    const dueAtMs = world.clock.now() + 10_000;
    tabs[0]!.tab.freeze();
    await world.advance(15_000);
    const state = await world.until(tabs[1]!.hub.getOrchestrationState(id));
    const endedAtMs = Number(state?.completedAt);
    expect(endedAtMs).toBeGreaterThanOrEqual(dueAtMs - 50);
    expect(endedAtMs).toBeLessThan(dueAtMs + 500);
  });

  it("a tab that goes to the back/forward cache hands over at once, and comes back as a client", async () => {
    const world = new World();
    const tabs = await open(world, 2);
    const [first, second] = tabs as [OpenTab, OpenTab];
    first.tab.tell("left");
    first.tab.freeze();
    await world.advance(100);
    expect(second.hub.role).toBe("executing");
    first.tab.thaw();
    first.tab.tell("returned");
    expect(await world.until(first.hub.scheduleNewOrchestration(greet, "x", { instanceId: "x" }))).toBe("x");
    expect(first.hub.role).toBe("client");
  });

  it("a tab in the back/forward cache holds no lock while its waits and watches are under way, and they go on when it is back", async () => {
    const world = new World();
    const [first, second] = (await open(world, 2)) as [OpenTab, OpenTab];
    const id = await world.until(first.hub.scheduleNewOrchestration(collect, undefined));
    const waiting = first.hub.waitForOrchestrationCompletion(id);
    const seen: unknown[] = [];
    const watching = (async () => {
      for await (const state of first.hub.watchOrchestration(id)) seen.push(state.customStatus ?? state.runtimeStatus);
    })();
    await world.until(second.hub.raiseOrchestrationEvent(id, "said", "a"));
    await world.advance(100);
    first.tab.tell("left");
    await world.advance(100);
    first.tab.freeze();
    expect(world.locksOf(first.tab)).toEqual([]);
    await world.until(second.hub.raiseOrchestrationEvent(id, "said", "stop"));
    first.tab.thaw();
    first.tab.tell("returned");
    expect((await world.until(waiting)).output).toEqual(["a"]);
    await world.until(watching);
    expect(seen).toEqual(["Running", 1, 1]);
  });

  it("a watch goes on to its end when its tab is away for a moment, however short", async () => {
    for (let awayMs = 0; awayMs < 12; awayMs++) {
      const world = new World(awayMs);
      const [first, second] = (await open(world, 2)) as [OpenTab, OpenTab];
      const id = await world.until(first.hub.scheduleNewOrchestration(collect, undefined));
      let last: unknown;
      const watching = (async () => {
        for await (const { runtimeStatus } of second.hub.watchOrchestration(id)) last = runtimeStatus;
      })();
      await world.until(first.hub.raiseOrchestrationEvent(id, "said", "a"));
      await world.advance(100);
      second.tab.tell("left");
      await world.advance(awayMs);
      second.tab.tell("returned");
      await world.advance(1_000);
      await world.until(first.hub.raiseOrchestrationEvent(id, "said", "stop"));
      await world.until(watching);
      expect(last, `away for ${awayMs} ms`).toBe("Completed");
    }
  });

  it("a tab that gets no lock when it comes back tries again, and its calls go on", async () => {
    const world = new World();
    const [first] = (await open(world, 2)) as [OpenTab, OpenTab];
    first.tab.tell("left");
    await world.advance(100);
    first.tab.lockFailure = new Error("The document is not active.");
    first.tab.tell("returned");
    const started = first.hub.scheduleNewOrchestration(greet, "x", { instanceId: "x" });
    await world.advance(5_000);
    first.tab.lockFailure = undefined;
    expect(await world.until(started)).toBe("x");
  });

  it("a tab that leaves as soon as it is given the lead opens nothing, and so fences nobody", async () => {
    const world = new World();
    const [first] = (await open(world, 2)) as [OpenTab, OpenTab];
    const late = world.openTab();
    const hub = late.hub(functions);
    await world.until(hub.join());
    late.granted = () => late.tell("left");
    const epoch = world.session?.epoch;
    for (const { tab } of [first]) tab.tell("left");
    await world.advance(100);
    world.tabs[1]?.tell("left");
    await world.advance(5_000);
    // The second tab has opened the hub; the third was given the lock, and has left.
    expect(world.session?.epoch).toBe(Number(epoch) + 1);
  });

  it("a tab that leaves again before it is back has no place in the queue, and no open channel", async () => {
    const world = new World();
    const [first, second] = (await open(world, 2)) as [OpenTab, OpenTab];
    for (const event of ["left", "returned", "left"] as const) first.tab.tell(event);
    await world.advance(100);
    first.tab.freeze();
    const opened = [...world.ends.values()].flatMap((ends) => [...ends]).filter(({ tab }) => tab === first.tab);
    expect(opened).toEqual([]);
    const handedOverAtMs = world.clock.now();
    await world.until(second.hub.close());
    const third = world.openTab().hub(functions);
    await world.until(third.join());
    expect(world.clock.now() - handedOverAtMs).toBeLessThan(500);
    first.tab.thaw();
    first.tab.tell("returned");
    await world.until(first.hub.scheduleNewOrchestration(greet, "x", { instanceId: "x" }));
    expect([first.hub.role, third.role]).toEqual(["client", "executing"]);
  });

  it("a closed tab hands over, and its own calls are told", async () => {
    const world = new World();
    const tabs = await open(world, 2);
    const [first, second] = tabs as [OpenTab, OpenTab];
    const id = await world.until(second.hub.scheduleNewOrchestration(collect, undefined));
    const wait = first.hub.waitForOrchestrationCompletion(id);
    await Promise.all([
      expect(world.until(wait)).rejects.toMatchObject({ code: "hubClosed" }),
      world.until(first.hub.close()),
    ]);
    await expect(first.hub.getOrchestrationState(id)).rejects.toMatchObject({ code: "hubClosed" });
    await world.until(second.hub.raiseOrchestrationEvent(id, "said", "stop"));
    expect(second.hub.role).toBe("executing");
  });

  it("a tab with newer code takes over from one with older code", async () => {
    const world = new World();
    const [old, young] = [
      world.openTab().hub(functions, { codeVersion: 1 }),
      world.openTab().hub(functions, { codeVersion: 2 }),
    ];
    await world.until(old.join());
    await world.until(young.join());
    await world.advance(1_000);
    expect([old.role, young.role]).toEqual(["client", "executing"]);
    await world.advance(60_000);
    expect([old.role, young.role]).toEqual(["client", "executing"]);
  });

  it("calls that are not awaited take effect in their order", async () => {
    const world = new World();
    const tabs = await open(world, 2);
    const { hub } = tabs[1]!;
    for (let index = 0; index < 2_500; index++) void hub.signalEntity("@log@a", "add", `${index}`);
    await world.until(hub.signalEntity("@log@a", "add", "last"));
    const entity = await world.until(hub.getEntity<string[]>("@log@a"));
    expect(entity?.state).toEqual([...Array.from({ length: 2_500 }, (_, index) => `${index}`), "last"]);
    expect(log.name).toBe("log");
  });
});
