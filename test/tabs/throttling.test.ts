import { defineActivity, defineOrchestrator } from "holdfast";
import { describe, expect, it } from "vitest";
import { browserHost } from "../../adapters/indexeddb/tabs/browser-platform.ts";
import type { TabHub } from "../../adapters/indexeddb/tabs/tab-hub.ts";
import { VirtualHost } from "../../core/testing/virtual-host.ts";
import { functions, greet, sleeper } from "./functions.ts";
import { World } from "./world.ts";

describe("the clock of a tab", () => {
  it("lets what a sleep has made overdue fire at once, in order, and nothing early", () => {
    // Its timers do not run by themselves: the clock goes on without them.
    const system = new VirtualHost(0);
    const { host, catchUp } = browserHost(system);
    const fired: string[] = [];
    host.delay(1_000, () => fired.push("one second"));
    host.wakeAt(60_000, () => fired.push("one minute"));
    const cancel = host.delay(2_000, () => fired.push("cancelled"));
    cancel();
    system.moveTo(999);
    catchUp();
    expect(fired).toEqual([]);
    system.moveTo(59_999);
    catchUp();
    expect(fired).toEqual(["one second"]);
    system.moveTo(60_000);
    catchUp();
    expect(fired).toEqual(["one second", "one minute"]);
    while (system.fireOne());
    expect(fired).toEqual(["one second", "one minute"]);
  });
});

describe("what a sleep has made overdue", () => {
  it("fires in the order of its times, and not at all when it is cancelled meanwhile", () => {
    const system = new VirtualHost(0);
    const { host, catchUp } = browserHost(system);
    const fired: string[] = [];
    let cancelLast = (): void => {};
    host.delay(2_000, () => fired.push("second"));
    host.delay(1_000, () => {
      fired.push("first");
      cancelLast();
    });
    cancelLast = host.delay(3_000, () => fired.push("cancelled"));
    system.moveTo(60_000);
    catchUp();
    expect(fired).toEqual(["first", "second"]);
  });
});

describe("a throttled tab that executes", () => {
  it("fires what is overdue when another tab asks for it", async () => {
    const world = new World();
    const [first, second] = [world.openTab(), world.openTab()];
    const hub = first.hub(functions);
    await world.until(hub.join());
    await world.until(second.hub(functions).join());
    const id = await world.until(hub.scheduleNewOrchestration(sleeper, 10));
    const dueAtMs = world.clock.now() + 10_000;
    first.throttle();
    await world.advance(14_000);
    expect(hub.role).toBe("executing");
    const state = await world.until(hub.getOrchestrationState(id));
    expect(Number(state?.completedAt)).toBeGreaterThanOrEqual(dueAtMs - 50);
    expect(Number(state?.completedAt)).toBeLessThan(dueAtMs + 2_500);
  });
});

describe("when the clock of the machine is", () => {
  /** Two tabs and a timer of an hour, a second before somebody changes the clock. */
  async function sleeping(): Promise<{ world: World; hubs: TabHub[]; id: string; dueAtMs: number }> {
    const world = new World();
    const hubs = [world.openTab().hub(functions), world.openTab().hub(functions)];
    for (const hub of hubs) await world.until(hub.join());
    const id = await world.until(hubs[1]!.scheduleNewOrchestration(sleeper, 3_600));
    const dueAtMs = world.nowMs + 3_600_000;
    await world.advance(1_000);
    return { world, hubs, id, dueAtMs };
  }
  const rolesOf = (hubs: readonly TabHub[]): string[] => hubs.map(({ role }) => role);

  it("put forward, as after a sleep, what is overdue fires at once, and nobody takes the lead for it", async () => {
    const { world, hubs, id } = await sleeping();
    world.clockShiftMs = 7_200_000;
    await world.advance(1_500);
    expect((await world.until(hubs[1]!.getOrchestrationState(id)))?.runtimeStatus).toBe("Completed");
    await world.advance(60_000);
    expect(rolesOf(hubs)).toEqual(["executing", "client"]);
  });

  it("put back, nothing fires early, and calls go on as before", async () => {
    const { world, hubs, id, dueAtMs } = await sleeping();
    world.clockShiftMs = -7_200_000;
    await world.advance(3_700_000);
    expect((await world.until(hubs[1]!.getOrchestrationState(id)))?.runtimeStatus).toBe("Running");
    expect(await world.until(hubs[1]!.scheduleNewOrchestration(greet, "x", { instanceId: "x" }))).toBe("x");
    expect(rolesOf(hubs)).toEqual(["executing", "client"]);
    await world.advance(7_200_000);
    const state = await world.until(hubs[0]!.getOrchestrationState(id));
    expect(Number(state?.completedAt)).toBeGreaterThanOrEqual(dueAtMs - 50);
    expect(Number(state?.completedAt)).toBeLessThan(dueAtMs + 1_000);
  });
});

describe("without a network", () => {
  it("activities that need it wait, and go on when it is back, whichever tab executes", async () => {
    const world = new World();
    const upload = defineActivity({ name: "upload", requires: "network", run: (_ctx, what: string) => `${what} sent` });
    const send = defineOrchestrator("send", (ctx, what: string) => ctx.callActivity(upload, what));
    const [first, second] = [world.openTab(), world.openTab()];
    world.setOnline(false);
    await world.until(first.hub([upload, send]).join());
    const hub = second.hub([upload, send]);
    await world.until(hub.join());
    const id = await world.until(hub.scheduleNewOrchestration(send, "photo"));
    await world.advance(60_000);
    first.crash();
    await world.advance(60_000);
    expect((await world.until(hub.getOrchestrationState(id)))?.runtimeStatus).toBe("Running");
    world.setOnline(true);
    expect((await world.until(hub.waitForOrchestrationCompletion(id))).output).toBe("photo sent");
  });
});
