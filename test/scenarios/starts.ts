/** Starts: at a time of their own, and under an id that was used before. */
import { defineActivity, defineOrchestrator, type OrchestrationStatus } from "holdfast";
import { describe, expect } from "vitest";
import { errorOf, run, stateOf, typesOf } from "../core/running.ts";
import { each, type Place, type Scenario } from "./place.ts";

const MINUTE = 60_000;
const work = defineActivity("work", (_ctx, value: unknown) => value);
const quick = defineOrchestrator("quick", (_ctx, input: unknown) => ({ input }));
const failing = defineOrchestrator("failing", () => {
  throw new Error("no");
});
const waiting = defineOrchestrator("waiting", async (ctx, _input: unknown) => ctx.waitForExternalEvent("go"));
const FUNCTIONS = [work, quick, failing, waiting];

/** A hub with one instance in each status an instance can be in. */
async function oneOfEach(place: Place) {
  const hub = await place.open(FUNCTIONS);
  await run(hub, quick, 1, { instanceId: "Completed" });
  await run(hub, failing, undefined, { instanceId: "Failed" });
  await run(hub, waiting, 1, { instanceId: "Running" });
  await run(hub, waiting, 1, { instanceId: "Terminated" });
  await hub.terminateOrchestration("Terminated", { output: "stop" });
  await run(hub, waiting, 1, { instanceId: "Suspended" });
  await hub.suspendOrchestration("Suspended");
  await hub.scheduleNewOrchestration(waiting, 1, {
    instanceId: "Pending",
    startAt: new Date(hub.now.getTime() + MINUTE),
  });
  await hub.runUntilIdle();
  return hub;
}
const EACH = ["Completed", "Failed", "Running", "Terminated", "Suspended", "Pending"] as const;

export function startScenarios(it: Scenario): void {
  describe("startAt", () => {
    it("keeps the instance Pending until its time, and starts it then", async (place) => {
      const hub = await place.open(FUNCTIONS);
      const startAt = new Date(hub.now.getTime() + MINUTE);
      const createdAt = hub.now;
      await hub.scheduleNewOrchestration(quick, 1, { instanceId: "i", startAt });
      await hub.advance(MINUTE - 1);
      const before = await stateOf(hub, "i");
      expect(before).toMatchObject({ runtimeStatus: "Pending", createdAt, input: 1 });
      expect(before.output).toBeUndefined();
      await hub.advance(1);
      expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", createdAt, completedAt: startAt });
    });

    each(it, [
      ["past", -MINUTE],
      ["present", 0],
    ])("in the %s starts at once", async (place, _what, offset) => {
      const hub = await place.open(FUNCTIONS);
      await hub.scheduleNewOrchestration(quick, 1, { instanceId: "i", startAt: new Date(hub.now.getTime() + offset) });
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Completed");
    });

    it("starts in order of the times, not of the calls", async (place) => {
      const order: string[] = [];
      const note = defineActivity("note", (_ctx, name: string) => void order.push(name));
      const noting = defineOrchestrator("noting", async (ctx) => ctx.callActivity(note, ctx.instanceId));
      const hub = await place.open([noting, note]);
      for (const [instanceId, ms] of [
        ["c", 300],
        ["a", 100],
        ["b", 200],
      ] as const) {
        await hub.scheduleNewOrchestration(noting, undefined, {
          instanceId,
          startAt: new Date(hub.now.getTime() + ms),
        });
      }
      await hub.advance(1_000);
      expect(order).toEqual(["a", "b", "c"]);
    });

    it("stands in the history, and when it was started does too", async (place) => {
      const hub = await place.open(FUNCTIONS);
      const startAt = new Date(hub.now.getTime() + MINUTE);
      await hub.scheduleNewOrchestration(quick, 1, { instanceId: "i", startAt });
      await hub.advance(MINUTE);
      const [turn, started] = await hub.getOrchestrationHistory("i");
      expect(turn).toMatchObject({ type: "OrchestratorStarted", timestamp: startAt });
      expect(started).toMatchObject({ type: "ExecutionStarted", scheduledStartTimestamp: startAt });
    });

    it("survives a restart, before its time and after", async (place) => {
      const first = await place.open(FUNCTIONS);
      for (const [instanceId, ms] of [
        ["soon", MINUTE],
        ["later", 3 * MINUTE],
      ] as const) {
        await first.scheduleNewOrchestration(quick, 1, { instanceId, startAt: new Date(first.now.getTime() + ms) });
      }
      const second = await place.open(FUNCTIONS, { startAt: new Date(first.now.getTime() + 2 * MINUTE) });
      await second.runUntilIdle();
      expect((await stateOf(second, "soon")).runtimeStatus).toBe("Completed");
      expect((await stateOf(second, "later")).runtimeStatus).toBe("Pending");
      await second.advance(MINUTE);
      expect((await stateOf(second, "later")).runtimeStatus).toBe("Completed");
    });

    it("that is no date is refused, and nothing exists afterwards", async (place) => {
      const hub = await place.open(FUNCTIONS);
      for (const startAt of [new Date(Number.NaN), "tomorrow", 5]) {
        await expect(
          hub.scheduleNewOrchestration(quick, 1, { instanceId: "i", startAt: startAt as Date }),
        ).rejects.toThrow();
      }
      expect(await hub.getOrchestrationState("i")).toBeUndefined();
    });

    it("holds the id: it cannot be started a second time while it is Pending", async (place) => {
      const hub = await place.open(FUNCTIONS);
      const startAt = new Date(hub.now.getTime() + MINUTE);
      await hub.scheduleNewOrchestration(quick, "first", { instanceId: "i", startAt });
      expect(await errorOf(() => hub.scheduleNewOrchestration(quick, "second", { instanceId: "i" }))).toMatchObject({
        name: "OrchestrationAlreadyExistsError",
      });
      await hub.advance(MINUTE);
      expect((await stateOf(hub, "i")).output).toEqual({ input: "first" });
    });
  });

  describe("using an id again", () => {
    const final = ["Completed", "Failed", "Terminated"] as const;
    const open = ["Running", "Pending", "Suspended"] as const;

    each(it, final)("is possible when its instance is %s, whose history it replaces", async (place, status) => {
      const hub = await oneOfEach(place);
      const before = await hub.getOrchestrationHistory(status);
      expect(await hub.scheduleNewOrchestration(quick, "again", { instanceId: status })).toBe(status);
      await hub.runUntilIdle();
      expect(await stateOf(hub, status)).toMatchObject({
        runtimeStatus: "Completed",
        input: "again",
        output: { input: "again" },
      });
      expect((await stateOf(hub, status)).failure).toBeUndefined();
      expect(await hub.getOrchestrationHistory(status)).not.toEqual(before);
    });

    each(it, open)("is refused when its instance is %s, which stays as it is", async (place, status) => {
      const hub = await oneOfEach(place);
      const [state, history] = [await stateOf(hub, status), await hub.getOrchestrationHistory(status)];
      const error = await errorOf(() => hub.scheduleNewOrchestration(quick, "again", { instanceId: status }));
      expect(error).toMatchObject({ name: "OrchestrationAlreadyExistsError", code: "orchestrationAlreadyExists" });
      expect(error.message).toContain(status);
      expect(await stateOf(hub, status)).toEqual(state);
      expect(await hub.getOrchestrationHistory(status)).toEqual(history);
    });

    each(it, EACH)("is refused when dedupeStatuses names the status %s", async (place, status) => {
      const hub = await oneOfEach(place);
      const state = await stateOf(hub, status);
      const dedupeStatuses: OrchestrationStatus[] = status === "Terminated" ? [...open, "Terminated"] : [status];
      expect(
        await errorOf(() => hub.scheduleNewOrchestration(quick, "again", { instanceId: status, dedupeStatuses })),
      ).toMatchObject({ code: "orchestrationAlreadyExists" });
      expect(await stateOf(hub, status)).toEqual(state);
    });

    each<[OrchestrationStatus[]]>(it, [
      [["Terminated"]],
      [["Terminated", "Running", "Pending"]],
      [["Completed", "Terminated", "Suspended"]],
    ])(
      "is refused when %j keeps what is terminated and lets what runs be replaced, which terminates it",
      async (place, dedupeStatuses) => {
        const hub = await oneOfEach(place);
        for (const status of EACH) {
          const state = await stateOf(hub, status);
          const error = await errorOf(() =>
            hub.scheduleNewOrchestration(quick, "again", { instanceId: status, dedupeStatuses }),
          );
          expect(error).toMatchObject({ code: "invalidArgument" });
          expect(error.message).toMatch(/terminated/i);
          expect(await stateOf(hub, status)).toEqual(state);
        }
      },
    );

    each(it, EACH)("is possible whatever the status when dedupeStatuses is empty: %s", async (place, status) => {
      const hub = await oneOfEach(place);
      await hub.scheduleNewOrchestration(quick, "again", { instanceId: status, dedupeStatuses: [] });
      await hub.runUntilIdle();
      expect(await stateOf(hub, status)).toMatchObject({ runtimeStatus: "Completed", output: { input: "again" } });
      await hub.advance({ hours: 1 });
      expect(await stateOf(hub, status)).toMatchObject({ runtimeStatus: "Completed", output: { input: "again" } });
    });

    it("drops what the replaced instance had going", async (place) => {
      let finish = (): void => {};
      const slow = defineActivity("slow", () => new Promise<void>((resolve) => (finish = resolve)));
      const busy = defineOrchestrator("busy", async (ctx, _input: unknown) => {
        await Promise.all([ctx.callActivity(slow), ctx.createTimer(1_000), ctx.waitForExternalEvent("x")]);
      });
      const hub = await place.open([busy, slow, waiting]);
      await run(hub, busy, 1, { instanceId: "i" });
      await hub.scheduleNewOrchestration(waiting, "new", { instanceId: "i", dedupeStatuses: [] });
      finish();
      await hub.advance({ hours: 1 });
      expect(await stateOf(hub, "i")).toMatchObject({ name: "waiting", runtimeStatus: "Running", input: "new" });
      expect(typesOf(await hub.getOrchestrationHistory("i"))).toEqual(["OrchestratorStarted", "ExecutionStarted"]);
    });

    it("does not inherit events that were raised for the instance before", async (place) => {
      const hub = await place.open(FUNCTIONS);
      await run(hub, waiting, 1, { instanceId: "i" });
      await hub.raiseOrchestrationEvent("i", "other", "old");
      await hub.raiseOrchestrationEvent("i", "go");
      await hub.runUntilIdle();
      const two = defineOrchestrator("two", async (ctx) => ctx.waitForExternalEvent("other"));
      await hub.close();
      const second = await place.open([two]);
      await run(second, two, undefined, { instanceId: "i" });
      expect((await stateOf(second, "i")).runtimeStatus).toBe("Running");
    });

    it("is refused when a status that is listed does not exist", async (place) => {
      const hub = await place.open(FUNCTIONS);
      const dedupeStatuses = ["Runing"] as unknown as OrchestrationStatus[];
      await expect(hub.scheduleNewOrchestration(quick, 1, { instanceId: "i", dedupeStatuses })).rejects.toThrow(
        /Runing/,
      );
      expect(await hub.getOrchestrationState("i")).toBeUndefined();
    });

    it("by two calls at once gives one instance and one refusal", async (place) => {
      const hub = await place.open(FUNCTIONS);
      const outcomes = await Promise.allSettled(
        [1, 2].map((n) => hub.scheduleNewOrchestration(waiting, n, { instanceId: "i" })),
      );
      expect(outcomes.map((outcome) => outcome.status).toSorted()).toEqual(["fulfilled", "rejected"]);
    });
  });
}
