/** Waits of a client for an instance to start, and to complete. */
import { defineOrchestrator, type OrchestrationState } from "holdfast";
import { describe, expect } from "vitest";
import { errorOf, ILLEGAL_IDS, run, stateOf } from "../core/running.ts";
import { FUNCTIONS, oneOfEach, waiting } from "./every-status.ts";
import { each, type Scenario } from "./place.ts";

const MINUTE = 60_000;

export function waitScenarios(it: Scenario): void {
  describe("waiting for an instance", () => {
    it("to complete gives its state, however it ended", async (place) => {
      const hub = await oneOfEach(place);
      for (const status of ["Completed", "Failed", "Terminated"] as const) {
        expect(await hub.waitForOrchestrationCompletion(status)).toMatchObject({ runtimeStatus: status });
      }
    });

    it("to complete answers everybody who waits", async (place) => {
      const hub = await place.open(FUNCTIONS);
      await run(hub, waiting, 1, { instanceId: "i" });
      const waits = Array.from({ length: 5 }, () => hub.waitForOrchestrationCompletion("i"));
      await hub.raiseOrchestrationEvent("i", "go", 7);
      expect((await Promise.all(waits)).map((state) => state.output)).toEqual([7, 7, 7, 7, 7]);
    });

    it("to complete goes through generations to the last", async (place) => {
      const rolling = defineOrchestrator("rolling", async (ctx, n: number) => {
        await ctx.createTimer(1_000);
        if (n > 0) ctx.continueAsNew(n - 1);
        return n;
      });
      const hub = await place.open([rolling]);
      const id = await hub.scheduleNewOrchestration(rolling, 3);
      const wait = hub.waitForOrchestrationCompletion(id);
      await hub.advance({ minutes: 1 });
      expect(await wait).toMatchObject({ runtimeStatus: "Completed", output: 0 });
    });

    it("to start does not answer while it is Pending", async (place) => {
      const hub = await place.open(FUNCTIONS);
      const startAt = new Date(hub.now.getTime() + MINUTE);
      await hub.scheduleNewOrchestration(waiting, 1, { instanceId: "i", startAt });
      let answer: OrchestrationState | undefined;
      const wait = hub.waitForOrchestrationStart("i").then((state) => (answer = state));
      await hub.advance(MINUTE - 1);
      expect(answer).toBeUndefined();
      await hub.advance(1);
      expect(await wait).toMatchObject({ instanceId: "i", runtimeStatus: "Running" });
    });

    it("to start answers at once when it has started, or finished", async (place) => {
      const hub = await oneOfEach(place);
      expect(await hub.waitForOrchestrationStart("Running")).toMatchObject({ runtimeStatus: "Running" });
      expect(await hub.waitForOrchestrationStart("Completed")).toMatchObject({ runtimeStatus: "Completed" });
    });

    each(it, ["waitForOrchestrationStart", "waitForOrchestrationCompletion"] as const)(
      "%s rejects with InstanceNotFoundError at once when there is none",
      async (place, method) => {
        const hub = await place.open(FUNCTIONS);
        expect(await errorOf(() => hub[method]("nobody", { timeoutMs: 60_000 }))).toMatchObject({
          name: "InstanceNotFoundError",
          code: "instanceNotFound",
        });
      },
    );

    each(it, ["waitForOrchestrationStart", "waitForOrchestrationCompletion"] as const)(
      "%s rejects with TimeoutError when its time is over, and the instance goes on",
      async (place, method) => {
        const hub = await place.open(FUNCTIONS);
        const startAt = new Date(hub.now.getTime() + MINUTE);
        await hub.scheduleNewOrchestration(waiting, 1, { instanceId: "i", startAt });
        const wait = errorOf(() => hub[method]("i", { timeoutMs: 500 }));
        await hub.advance(500);
        expect(await wait).toMatchObject({ name: "TimeoutError", code: "timeout" });
        await hub.advance(MINUTE);
        expect((await stateOf(hub, "i")).runtimeStatus).toBe("Running");
      },
    );

    it("with a timeout of 0 gives what is there already, and times out otherwise", async (place) => {
      const hub = await oneOfEach(place);
      expect(await hub.waitForOrchestrationCompletion("Completed", { timeoutMs: 0 })).toMatchObject({
        runtimeStatus: "Completed",
      });
      const wait = errorOf(() => hub.waitForOrchestrationCompletion("Running", { timeoutMs: 0 }));
      await hub.advance(1);
      expect(await wait).toMatchObject({ code: "timeout" });
    });

    it("without a timeout waits for ever", async (place) => {
      const hub = await place.open(FUNCTIONS);
      await run(hub, waiting, 1, { instanceId: "i" });
      let isSettled = false;
      const wait = hub.waitForOrchestrationCompletion("i").finally(() => (isSettled = true));
      await hub.advance({ days: 1_000 });
      expect(isSettled).toBe(false);
      await hub.raiseOrchestrationEvent("i", "go");
      expect((await wait).runtimeStatus).toBe("Completed");
    });

    each(it, [-1, Number.NaN, "soon"])("with the timeout %s is refused", async (place, timeoutMs) => {
      const hub = await oneOfEach(place);
      await expect(hub.waitForOrchestrationCompletion("Running", { timeoutMs: timeoutMs as number })).rejects.toThrow(
        /timeoutMs/,
      );
    });

    each(it, ILLEGAL_IDS)("with an id %s is refused", async (place, _rule, id) => {
      const hub = await place.open(FUNCTIONS);
      expect(await errorOf(() => hub.waitForOrchestrationStart(id))).toMatchObject({ code: "invalidInstanceId" });
      expect(await errorOf(() => hub.waitForOrchestrationCompletion(id))).toMatchObject({ code: "invalidInstanceId" });
    });

    it("rejects with InstanceNotFoundError when the instance is purged meanwhile", async (place) => {
      const hub = await place.open(FUNCTIONS);
      await run(hub, waiting, 1, { instanceId: "i" });
      const wait = hub.waitForOrchestrationCompletion("i");
      await hub.terminateOrchestration("i");
      await hub.purgeOrchestration("i");
      const outcome = await wait.catch((error: unknown) => error);
      expect(outcome).toMatchObject(
        outcome instanceof Error ? { code: "instanceNotFound" } : { runtimeStatus: "Terminated" },
      );
    });
  });
}
