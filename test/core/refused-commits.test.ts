/** Changes that the store will never take: they hold up nobody but the instance they are of, and that shows why. */
import { defineActivity, defineEntity, defineOrchestrator, type InstanceChange, StoreError } from "holdfast";
import { describe, expect, it } from "vitest";
import { RefusingStore } from "./refusing-store.ts";
import { errorOf, keepingLogger, openHub, run, stateOf } from "./running.ts";

const LARGE = "too large for the store";
const isLarge = (change: InstanceChange): boolean => JSON.stringify(change).includes(LARGE);

const work = defineActivity("work", (_ctx, n: number) => n + 1);
const healthy = defineOrchestrator("healthy", async (ctx, n: number) => {
  const one = await ctx.callActivity(work, n);
  await ctx.createTimer({ minutes: 1 });
  return ctx.callActivity(work, one);
});
const HEALTHY = 20;

describe.each(["sync", "async"] as const)("a change that a store refuses for ever, %s,", (kind) => {
  it("as a result fails its call, while all others go on", async () => {
    const store = new RefusingStore(kind, isLarge);
    const logger = keepingLogger();
    let runs = 0;
    const makes = defineActivity("makes", () => {
      runs++;
      return LARGE;
    });
    const caller = defineOrchestrator("caller", async (ctx) => {
      try {
        return await ctx.callActivity(makes);
      } catch (error) {
        return (error as Error).message;
      }
    });
    const hub = await openHub([caller, makes, healthy, work], { store, logger });
    await Promise.all([
      hub.scheduleNewOrchestration(caller, undefined, { instanceId: "refused" }),
      ...Array.from({ length: HEALTHY }, (_, n) => hub.scheduleNewOrchestration(healthy, n, { instanceId: `h${n}` })),
    ]);
    await hub.advance({ seconds: 70 });
    for (let n = 0; n < HEALTHY; n++) expect(await stateOf(hub, `h${n}`)).toMatchObject({ output: n + 2 });
    await hub.advance({ minutes: 1 });
    expect(await stateOf(hub, "refused")).toMatchObject({
      runtimeStatus: "Completed",
      output: expect.stringContaining("The row is larger than this store takes."),
    });
    expect(runs).toBeLessThan(8);
    expect(store.refusals).toBeLessThan(8);
    expect(logger.lines.some(({ fields }) => fields?.instanceId === "refused")).toBe(true);
  });

  it("as the doing of an orchestrator suspends it with the error, without a busy loop, until the store takes it", async () => {
    const store = new RefusingStore(kind, isLarge);
    const large = defineOrchestrator("large", async (ctx) => {
      await ctx.waitForExternalEvent("go");
      ctx.setCustomStatus(LARGE);
      await ctx.createTimer({ minutes: 1 });
      return "done";
    });
    const hub = await openHub([large, healthy, work], { store });
    await run(hub, large, undefined, { instanceId: "refused" });
    await hub.suspendOrchestration("refused");
    await hub.raiseOrchestrationEvent("refused", "go");
    await hub.resumeOrchestration("refused").catch(() => {});
    const ids = await Promise.all(Array.from({ length: HEALTHY }, (_, n) => hub.scheduleNewOrchestration(healthy, n)));
    for (let n = 0; n < 10; n++) {
      await hub.resumeOrchestration("refused").catch(() => {});
      await hub.advance({ seconds: 10 });
    }
    for (const id of ids) expect(await stateOf(hub, id)).toMatchObject({ runtimeStatus: "Completed" });
    expect(await stateOf(hub, "refused")).toMatchObject({
      runtimeStatus: "Suspended",
      failure: { errorType: "StoreError", errorMessage: "The row is larger than this store takes." },
    });
    expect(store.refusals).toBeLessThan(40);
    store.refuses = () => false;
    await hub.resumeOrchestration("refused");
    await hub.advance({ minutes: 2 });
    const { failure, ...state } = await stateOf(hub, "refused");
    expect([state.output, failure]).toEqual(["done", undefined]);
  });

  it("by what was acknowledged is tried ever more rarely, and taken once the store takes it", async () => {
    const store = new RefusingStore(kind, isLarge);
    const box = defineEntity("box", {
      operations: {
        fill(ctx, times: number) {
          ctx.state = { text: times > 1 ? LARGE : "fits" };
        },
      },
    });
    const late = defineOrchestrator("late", async (ctx) => {
      await ctx.createTimer({ seconds: 5 });
      ctx.setCustomStatus(LARGE);
      return "done";
    });
    const hub = await openHub([late, box, healthy, work], { store });
    await hub.signalEntity("@box@b", "fill", 2, { signalTime: { seconds: 5 } });
    await run(hub, late, undefined, { instanceId: "late" });
    for (let n = 0; n < 60; n++) {
      await hub.scheduleNewOrchestration(healthy, n);
      await hub.advance({ minutes: 1 });
    }
    expect(store.refusals).toBeGreaterThan(10);
    expect(store.refusals).toBeLessThan(60);
    store.refuses = () => false;
    await hub.advance({ minutes: 6 });
    expect((await stateOf(hub, "late")).output).toBe("done");
    expect((await hub.getEntity("@box@b"))?.state).toEqual({ text: LARGE });
  });

  it.each(["storeFull", "storeBusy", "storeReadOnly"] as const)(
    "but for a cause that passes (%s), only waits",
    async (code) => {
      const store = new RefusingStore(kind, isLarge);
      store.refusal = new StoreError(code, "Not now.");
      const makes = defineActivity("makes", () => LARGE);
      const caller = defineOrchestrator("caller", async (ctx) => {
        await ctx.createTimer({ seconds: 1 });
        return await ctx.callActivity(makes);
      });
      const status = defineOrchestrator("status", async (ctx) => {
        await ctx.createTimer({ seconds: 1 });
        ctx.setCustomStatus(LARGE);
        return "done";
      });
      const hub = await openHub([caller, makes, status, healthy, work], { store });
      const waiting = ["calls", "shows"];
      await hub.scheduleNewOrchestration(caller, undefined, { instanceId: "calls" });
      await hub.scheduleNewOrchestration(status, undefined, { instanceId: "shows" });
      for (let n = 0; n < 10; n++) {
        const id = await hub.scheduleNewOrchestration(healthy, n);
        await hub.advance({ minutes: 2 });
        expect((await stateOf(hub, id)).output).toBe(n + 2);
        for (const each of waiting) expect((await stateOf(hub, each)).runtimeStatus).toBe("Running");
      }
      store.refuses = () => false;
      await hub.advance({ seconds: 5 });
      expect((await stateOf(hub, "calls")).output).toBe(LARGE);
      expect((await stateOf(hub, "shows")).output).toBe("done");
    },
  );

  it("takes an operation that is under way with it: its sender is told, and it comes to nothing", async () => {
    const store = new RefusingStore(kind, isLarge);
    store.refusal = new StoreError("storeFull", "Not now.");
    const ends: (() => void)[] = [];
    const counter = defineEntity("counter", {
      initialState: () => 0,
      operations: {
        async add(ctx, amount: number) {
          await new Promise<void>((resolve) => ends.push(resolve));
          ctx.state += amount;
        },
        note: () => {},
      },
    });
    const hub = await openHub([counter, healthy, work], { store });
    const keepLarge = (): Promise<void> => hub.signalEntity("@counter@c", "note", LARGE, { signalTime: { hours: 1 } });
    await errorOf(keepLarge);
    await hub.advance({ seconds: 10 });
    await hub.scheduleNewOrchestration(healthy, 1);
    const [kept, added] = [errorOf(keepLarge), errorOf(() => hub.signalEntity("@counter@c", "add", 1))];
    expect([(await kept).code, (await added).code]).toEqual(["storeFull", "storeFull"]);
    for (const end of ends.splice(0)) end();
    await hub.advance({ seconds: 10 });
    const again = hub.signalEntity("@counter@c", "add", 2);
    await hub.advance({ seconds: 10 });
    for (const end of ends.splice(0)) end();
    await again;
    expect((await hub.getEntity<number>("@counter@c"))?.state).toBe(2);
  });

  it("as a start is told to the one who asked for it, and the next commits are written", async () => {
    const store = new RefusingStore(kind, isLarge);
    const hub = await openHub([healthy, work], { store });
    expect(await errorOf(() => hub.scheduleNewOrchestration("healthy", LARGE))).toMatchObject({ code: "storeFailed" });
    const id = await hub.scheduleNewOrchestration(healthy, 1);
    await hub.advance({ minutes: 2 });
    expect((await stateOf(hub, id)).output).toBe(3);
  });
});
