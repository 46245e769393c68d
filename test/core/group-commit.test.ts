import { defineActivity, defineOrchestrator } from "holdfast";
import { describe, expect, it } from "vitest";
import { CrashingStore } from "./crashing-store.ts";
import { GatedStore } from "./gated-store.ts";
import { openHub, stateOf } from "./running.ts";

/** Lets everything happen that needs no clock. */
const settle = async (): Promise<void> => {
  for (let n = 0; n < 10; n++) await new Promise((resolve) => setImmediate(resolve));
};
const echo = defineActivity("echo", (_ctx, value: number) => value);
/** Waits for a timer after so many steps that a replay takes more rounds than a group commit has. */
const longWait = defineOrchestrator("longWait", async (ctx) => {
  for (let n = 0; n < 40; n++) await ctx.callActivity(echo, n);
  await ctx.createTimer(1_000);
  return ctx.callActivity(echo, 7);
});
describe("a group commit", () => {
  it("holds a turn whole, however many rounds its replay takes: no crash loses the timer that began it", async () => {
    for (let crashAfter = 1; crashAfter <= 4; crashAfter++) {
      const store = new CrashingStore(Number.POSITIVE_INFINITY);
      const first = await openHub([longWait, echo], { store });
      await first.scheduleNewOrchestration(longWait, undefined, { instanceId: "i" });
      await first.runUntilIdle();
      await first.close();
      store.crashAfter = store.commits + crashAfter;
      const second = await openHub([longWait, echo], { store, startAt: first.now });
      await second.advance(2_000);
      const third = await openHub([longWait, echo], { store, startAt: second.now });
      await third.runUntilIdle();
      expect(await stateOf(third, "i")).toMatchObject({ runtimeStatus: "Completed", output: 7 });
    }
  });

  it("refuses a message only once what the refusal rests on is durable", async () => {
    const store = new GatedStore();
    const waits = defineOrchestrator("waits", (ctx) => ctx.waitForExternalEvent("Go"));
    const hub = await openHub([waits], { store });
    const told: string[] = [];
    const start = (): Promise<void> =>
      hub.scheduleNewOrchestration(waits, undefined, { instanceId: "i" }).then(
        () => void told.push("started"),
        (error: { code: string; message: string }) => void told.push(error.code ?? error.message),
      );
    store.hold("commit");
    void Promise.all([start(), start()]);
    await settle();
    expect(told).toEqual([]);
    // The first start never took place, so the second was not refused for it either.
    store.fail("commit");
    await settle();
    expect(told).toEqual(["The disk is full.", "The disk is full."]);
    store.release("commit");
    await hub.runUntilIdle();
    await Promise.all([start(), start()]);
    expect(told.slice(2)).toEqual(["started", "orchestrationAlreadyExists"]);
  });

  it("takes no more turns than it may while another is being written, and goes on afterwards", async () => {
    const store = new GatedStore();
    const idle = defineOrchestrator("idle", async () => 1);
    const hub = await openHub([idle], { store });
    store.hold("commit");
    const starts = [hub.scheduleNewOrchestration(idle)];
    await settle();
    starts.push(...Array.from({ length: 4_096 }, () => hub.scheduleNewOrchestration(idle)));
    await settle();
    starts.push(hub.scheduleNewOrchestration(idle));
    await settle();
    store.release("commit");
    const ids = await Promise.all(starts);
    await hub.runUntilIdle();
    for (const id of ids) expect((await stateOf(hub, id)).output).toBe(1);
  });

  it("shows clients nothing of the group after it", async () => {
    const store = new GatedStore();
    const two = defineOrchestrator("two", async (ctx) => {
      await ctx.waitForExternalEvent("a");
      ctx.setCustomStatus("half");
      await ctx.waitForExternalEvent("b");
      return "done";
    });
    const hub = await openHub([two], { store });
    const id = await hub.scheduleNewOrchestration(two);
    await hub.runUntilIdle();
    let isDone = false;
    const completion = hub.waitForOrchestrationCompletion(id).then(() => {
      isDone = true;
    });
    store.hold("commit");
    const first = hub.raiseOrchestrationEvent(id, "a");
    await settle();
    const second = hub.raiseOrchestrationEvent(id, "b");
    second.catch(() => {});
    await settle();
    store.letOne("commit");
    await first;
    await settle();
    expect(await stateOf(hub, id)).toMatchObject({ runtimeStatus: "Running", customStatus: "half" });
    expect(isDone).toBe(false);
    store.release("commit");
    await second;
    await completion;
  });
});
