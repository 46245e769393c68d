import { defineActivity, defineOrchestrator } from "holdfast";
import { describe, expect, it } from "vitest";
import { browserHost } from "../../adapters/indexeddb/tabs/browser-platform.ts";
import { VirtualHost } from "../../core/testing/virtual-host.ts";
import { functions, sleeper } from "./functions.ts";
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
