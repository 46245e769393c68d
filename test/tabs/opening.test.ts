import { HoldfastError, HubFencedError, InvalidArgumentError, MemoryStore } from "holdfast";
import { describe, expect, it, vi } from "vitest";
import type { TabHub } from "../../adapters/indexeddb/tabs/tab-hub.ts";
import { functions, greet } from "./functions.ts";
import { World } from "./world.ts";

describe("opening the hub in a tab", () => {
  it("checks the options in every tab, whether it will execute or not", () => {
    const tab = new World().openTab();
    expect(() => tab.hub([greet, greet])).toThrow(InvalidArgumentError);
    expect(() => tab.hub(functions, { name: "no/such" })).toThrow("'no/such' is not a task hub name");
    expect(() => tab.hub(functions, { codeVersion: Number.NaN })).toThrow("codeVersion must be a finite number");
    expect(() => tab.hub(functions, { limits: { payloadBytesMax: 0 } })).toThrow("payloadBytesMax");
  });

  it("rejects when this tab is the one to open the store, and cannot; later ones try anew", async () => {
    const world = new World();
    world.storeFailure = new HoldfastError("storeFailed", "The disk is gone.");
    await expect(world.until(world.openTab().hub(functions).join())).rejects.toThrow("The disk is gone.");
    world.storeFailure = undefined;
    const hub = world.openTab().hub(functions);
    await world.until(hub.join());
    expect(hub.role).toBe("executing");
  });

  it("goes on when another tab takes the hub over while this one opens it", async () => {
    const world = new World();
    world.storeFailure = new HubFencedError("tabs");
    const hub = world.openTab().hub(functions);
    const joined = hub.join();
    const refused = vi.fn<(error: unknown) => void>();
    joined.catch(refused);
    await world.advance(5_000);
    expect(refused).not.toHaveBeenCalled();
    world.storeFailure = undefined;
    await world.until(joined);
    expect(hub.role).toBe("executing");
  });

  it("when nobody can open the store any more, calls are told; when it is back, calls go on", async () => {
    const world = new World();
    const [first, second] = [world.openTab(), world.openTab()];
    await world.until(first.hub(functions).join());
    const hub = second.hub(functions);
    await world.until(hub.join());
    world.storeFailure = new HoldfastError("storeFailed", "The disk is gone.");
    first.crash();
    await expect(world.until(hub.scheduleNewOrchestration(greet, "x"))).rejects.toThrow("The disk is gone.");
    const kept = hub.scheduleNewOrchestration(greet, "y", { instanceId: "y" });
    await world.advance(500);
    world.storeFailure = undefined;
    expect(await world.until(kept)).toBe("y");
  });

  it("a refusal that the store could not vouch for comes once it can", async () => {
    const world = new World();
    const [first, second] = [world.openTab(), world.openTab()];
    await world.until(first.hub(functions).join());
    const hub = second.hub(functions);
    await world.until(hub.join());
    world.storeFailure = new HoldfastError("storeFailed", "The disk is slow.");
    const refused = hub.raiseOrchestrationEvent("missing", "said");
    const refusal = expect(refused).rejects.toMatchObject({ code: "instanceNotFound" });
    await world.advance(1_000);
    world.storeFailure = undefined;
    await world.advance(5_000);
    await refusal;
  });

  it("tabs go on when their database has been wiped under them", async () => {
    const world = new World();
    const hubs: TabHub[] = [];
    for (let index = 0; index < 3; index++) {
      const hub = world.openTab().hub(functions);
      await world.until(hub.join());
      hubs.push(hub);
    }
    world.tabs[0]!.crash();
    await world.until(hubs[1]!.scheduleNewOrchestration(greet, "x"));
    world.store = new MemoryStore();
    world.tabs.find((tab, index) => tab.isRunning && hubs[index]!.role === "executing")!.crash();
    const survivor = hubs.find((_, index) => world.tabs[index]!.isRunning)!;
    const id = await world.until(survivor.scheduleNewOrchestration(greet, "y"));
    expect((await world.until(survivor.waitForOrchestrationCompletion(id))).output).toBe("Hello, y!");
    const late = world.openTab().hub(functions);
    await world.until(late.join());
    expect((await world.until(late.getOrchestrationState(id)))?.output).toBe("Hello, y!");
  });

  it("what cannot be sent to another tab is refused where it is called", async () => {
    const world = new World();
    const hub = world.openTab().hub(functions);
    await world.until(hub.join());
    const bad = hub
      .queryOrchestrations({ tags: { a: (() => 1) as never } })
      .pages()
      [Symbol.asyncIterator]()
      .next();
    await expect(world.until(bad)).rejects.toThrow(InvalidArgumentError);
    await expect(world.until(hub.scheduleNewOrchestration("greet", () => 1))).rejects.toMatchObject({
      code: "payload",
    });
  });
});
