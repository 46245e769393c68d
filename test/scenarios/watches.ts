/** Watching instances: states are pushed as they change, and nobody asks again and again. */
import { defineActivity, defineOrchestrator, type OrchestrationState } from "holdfast";
import { describe, expect } from "vitest";
import { errorOf, run } from "../core/running.ts";
import type { Scenario } from "./place.ts";

const work = defineActivity("work", (_ctx, n: number) => n);
const steps = defineOrchestrator("steps", async (ctx, count: number) => {
  for (let i = 0; i < count; i++) {
    ctx.setCustomStatus(i);
    await ctx.waitForExternalEvent("go");
  }
  return "done";
});
const renews = defineOrchestrator("renews", async (ctx, n: number) => {
  ctx.setCustomStatus(`generation ${n}`);
  await ctx.waitForExternalEvent("go");
  if (n < 1) ctx.continueAsNew(n + 1);
});
const FUNCTIONS = [work, steps, renews];

/** Collects what a watch gives, in the background. */
function collect(states: AsyncIterable<OrchestrationState>) {
  const seen: OrchestrationState[] = [];
  let error: (Error & { code?: string }) | undefined;
  let isOver = false;
  const done = (async () => {
    try {
      for await (const state of states) seen.push(state);
    } catch (thrown) {
      error = thrown as Error;
    }
    isOver = true;
  })();
  return {
    seen,
    done,
    error: () => error,
    isOver: () => isOver,
    brief: () => seen.map((s) => [s.runtimeStatus, s.customStatus]),
  };
}

export function watchScenarios(it: Scenario): void {
  describe("watching an instance", () => {
    it("begins with the state as it is, is told of changes, and ends after the last", async (place) => {
      const hub = await place.open(FUNCTIONS);
      await run(hub, steps, 2, { instanceId: "i" });
      const watch = collect(hub.watchOrchestration("i"));
      await hub.runUntilIdle();
      expect(watch.brief()).toEqual([["Running", 0]]);
      await hub.raiseOrchestrationEvent("i", "go");
      await hub.runUntilIdle();
      expect(watch.brief().at(-1)).toEqual(["Running", 1]);
      await hub.suspendOrchestration("i");
      await hub.runUntilIdle();
      expect(watch.brief().at(-1)).toEqual(["Suspended", 1]);
      await hub.resumeOrchestration("i");
      await hub.raiseOrchestrationEvent("i", "go");
      await watch.done;
      expect(watch.seen.at(-1)).toMatchObject({ runtimeStatus: "Completed", output: "done" });
    });

    it("of what is finished gives its state and ends", async (place) => {
      const hub = await place.open(FUNCTIONS);
      await run(hub, steps, 0, { instanceId: "i" });
      const watch = collect(hub.watchOrchestration("i"));
      await watch.done;
      expect(watch.brief()).toEqual([["Completed", undefined]]);
    });

    it("goes on through the generations", async (place) => {
      const hub = await place.open(FUNCTIONS);
      await run(hub, renews, 0, { instanceId: "i" });
      const watch = collect(hub.watchOrchestration("i"));
      for (let i = 0; i < 2; i++) {
        await hub.runUntilIdle();
        await hub.raiseOrchestrationEvent("i", "go");
      }
      await watch.done;
      const statuses = watch.seen.map(({ customStatus }) => customStatus);
      expect(statuses).toContain("generation 0");
      expect(statuses).toContain("generation 1");
      expect(watch.seen.at(-1)?.runtimeStatus).toBe("Completed");
    });

    it("that is missing, is purged, or whose hub closes, is refused", async (place) => {
      const hub = await place.open(FUNCTIONS);
      const missing = collect(hub.watchOrchestration("missing"));
      await missing.done;
      expect(missing.error()).toMatchObject({ code: "instanceNotFound" });
      await run(hub, steps, 2, { instanceId: "i" });
      const watch = collect(hub.watchOrchestration("i"));
      await hub.runUntilIdle();
      await hub.close();
      await watch.done;
      expect(watch.error()).toMatchObject({ code: "hubClosed" });
      expect(
        await errorOf(async () => collect(hub.watchOrchestration("i")).done.then(() => hub.getOrchestrationState("i"))),
      ).toMatchObject({
        code: "hubClosed",
      });
    });

    it("can be stopped by whoever watches, and by many at once", async (place) => {
      const hub = await place.open(FUNCTIONS);
      await run(hub, steps, 2, { instanceId: "i" });
      const watches = Array.from({ length: 10 }, () => collect(hub.watchOrchestration("i")));
      for await (const state of hub.watchOrchestration("i")) {
        expect(state.runtimeStatus).toBe("Running");
        break;
      }
      await hub.raiseOrchestrationEvent("i", "go");
      await hub.raiseOrchestrationEvent("i", "go");
      await Promise.all(watches.map(({ done }) => done));
      for (const watch of watches) expect(watch.seen.at(-1)?.output).toBe("done");
    });

    it("shows a slow watcher the newest state, and always the last", async (place) => {
      const hub = await place.open(FUNCTIONS);
      await run(hub, steps, 20, { instanceId: "i" });
      const watcher = hub.watchOrchestration("i")[Symbol.asyncIterator]();
      expect((await watcher.next()).value).toMatchObject({ customStatus: 0 });
      for (let i = 0; i < 20; i++) await hub.raiseOrchestrationEvent("i", "go");
      await hub.runUntilIdle();
      let last: unknown;
      for (let next = await watcher.next(); !next.done; next = await watcher.next()) last = next.value;
      expect(last).toMatchObject({ runtimeStatus: "Completed" });
    });
  });

  describe("watching a query", () => {
    it("begins with what exists and goes on with every change that fits, until the consumer stops", async (place) => {
      const hub = await place.open(FUNCTIONS);
      await run(hub, steps, 1, { instanceId: "a1" });
      await run(hub, steps, 1, { instanceId: "b1" });
      const states = hub.watchOrchestrations({ instanceIdPrefix: "a" })[Symbol.asyncIterator]();
      expect((await states.next()).value).toMatchObject({ instanceId: "a1", runtimeStatus: "Running" });
      await hub.raiseOrchestrationEvent("b1", "go");
      await hub.raiseOrchestrationEvent("a1", "go");
      let state = (await states.next()).value as OrchestrationState;
      expect(state.instanceId).toBe("a1");
      await run(hub, steps, 0, { instanceId: "a2" });
      while (state.instanceId !== "a2") state = (await states.next()).value as OrchestrationState;
      expect(state.instanceId).toBe("a2");
      await states.return?.();
      expect((await states.next()).done).toBe(true);
    });

    it("ends at once when its consumer stops, also while it waits for a change", async (place) => {
      const hub = await place.open(FUNCTIONS);
      await run(hub, steps, 1, { instanceId: "i" });
      for (const states of [hub.watchOrchestration("i"), hub.watchOrchestrations()]) {
        const iterator = states[Symbol.asyncIterator]();
        const first = iterator.next();
        await hub.runUntilIdle();
        expect(await first).toMatchObject({ value: { instanceId: "i" } });
        const next = iterator.next();
        await hub.runUntilIdle();
        await iterator.return?.();
        expect(await next).toEqual({ done: true, value: undefined });
      }
    });

    it("rejects when its hub closes, and for a query that makes no sense", async (place) => {
      const hub = await place.open(FUNCTIONS);
      const bad = collect(hub.watchOrchestrations({ statuses: ["Sleeping" as "Running"] }));
      await bad.done;
      expect(bad.error()).toMatchObject({ code: "invalidArgument" });
      const watch = collect(hub.watchOrchestrations());
      await hub.runUntilIdle();
      expect(watch.isOver()).toBe(false);
      await hub.close();
      await watch.done;
      expect(watch.error()).toMatchObject({ code: "hubClosed" });
    });
  });

  describe("waiting for an instance", () => {
    it("is answered by the change itself: the clock need not move", async (place) => {
      const hub = await place.open(FUNCTIONS);
      await run(hub, steps, 1, { instanceId: "i" });
      const startedAt = hub.now;
      const wait = hub.waitForOrchestrationCompletion("i", { timeoutMs: 60_000 });
      await hub.raiseOrchestrationEvent("i", "go");
      expect((await wait).output).toBe("done");
      expect(hub.now).toEqual(startedAt);
    });
  });
}
