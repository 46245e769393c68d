/** Termination: the end from outside. No more user code runs, and nothing that comes later counts. */
import { defineActivity, defineOrchestrator } from "holdfast";
import { describe, expect } from "vitest";
import { errorOf, FALSY, ILLEGAL_IDS, onlyEvent, run, stateOf, typesOf } from "../core/running.ts";
import { each, nextEventLoopTurn, type Scenario } from "./place.ts";

const work = defineActivity("work", (_ctx, value: unknown) => value);

/** What the code of a terminated orchestrator wrote down, in each shape, written by hand. */
function witnesses(seen: string[]) {
  const task = "never";
  return [
    [
      "async function",
      defineOrchestrator("witness", async (ctx) => {
        try {
          await ctx.waitForExternalEvent(task);
          seen.push("went on");
        } catch {
          seen.push("caught");
        } finally {
          seen.push("finally");
        }
      }),
    ],
    [
      "generator",
      defineOrchestrator("witness", function* (ctx) {
        try {
          yield ctx.waitForExternalEvent(task);
          seen.push("went on");
        } catch {
          seen.push("caught");
        } finally {
          seen.push("finally");
        }
      }),
    ],
    [
      "async generator",
      defineOrchestrator("witness", async function* (ctx) {
        try {
          yield ctx.waitForExternalEvent(task);
          seen.push("went on");
        } catch {
          seen.push("caught");
        } finally {
          seen.push("finally");
        }
      }),
    ],
  ] as const;
}

export function terminationScenarios(it: Scenario): void {
  describe("terminating an instance", () => {
    const waiting = defineOrchestrator("waiting", async (ctx) => ctx.waitForExternalEvent("go"));

    each(it, [0, 1, 2])("runs no more of its code: no catch, no finally (shape %#)", async (place, at) => {
      const seen: string[] = [];
      const witness = witnesses(seen)[at];
      if (!witness) throw new Error("there are three shapes");
      const hub = await place.open([witness[1]]);
      await run(hub, witness[1], undefined, { instanceId: "i" });
      await hub.terminateOrchestration("i");
      await hub.advance({ days: 1 });
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Terminated");
      await hub.close();
      await nextEventLoopTurn();
      expect(seen).toEqual([]);
    });

    each(it, [0, 1, 2])(
      "runs no more of its code when the hub evicts, closes or replays it (shape %#)",
      async (place, at) => {
        const seen: string[] = [];
        const witness = witnesses(seen)[at];
        if (!witness) throw new Error("there are three shapes");
        const hub = await place.open([witness[1], waiting], { maxLiveInstances: 1 });
        await run(hub, witness[1], undefined, { instanceId: "i" });
        await run(hub, waiting, undefined, { instanceId: "other" });
        expect(seen).toEqual([]);
        await hub.terminateOrchestration("i");
        await hub.runUntilIdle();
        const again = await place.open([witness[1], waiting]);
        await again.runUntilIdle();
        expect(seen).toEqual([]);
      },
    );

    each(it, FALSY)("gives it the output %s", async (place, _what, value) => {
      const hub = await place.open([waiting]);
      await run(hub, waiting, undefined, { instanceId: "i" });
      await hub.terminateOrchestration("i", { output: value });
      await hub.runUntilIdle();
      const state = await stateOf(hub, "i");
      expect(state).toMatchObject({ runtimeStatus: "Terminated", completedAt: hub.now });
      expect(state.output).toBe(value);
    });

    it("without an output leaves it without", async (place) => {
      const hub = await place.open([waiting]);
      await run(hub, waiting, undefined, { instanceId: "i" });
      await hub.terminateOrchestration("i");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).output).toBeUndefined();
    });

    it("ends its history with both events, the output in each", async (place) => {
      const hub = await place.open([waiting]);
      await run(hub, waiting, undefined, { instanceId: "i" });
      await hub.terminateOrchestration("i", { output: "enough" });
      await hub.runUntilIdle();
      const history = await hub.getOrchestrationHistory("i");
      expect(typesOf(history)).toEqual([
        "OrchestratorStarted",
        "ExecutionStarted",
        "OrchestratorStarted",
        "ExecutionTerminated",
        "ExecutionCompleted",
      ]);
      expect(onlyEvent(history, "ExecutionTerminated")).toMatchObject({
        eventId: -1,
        input: '"enough"',
        recurse: false,
      });
      expect(onlyEvent(history, "ExecutionCompleted")).toMatchObject({
        orchestrationStatus: "ORCHESTRATION_STATUS_TERMINATED",
        result: '"enough"',
      });
      const ids = history.map((event) => event.eventId).filter((id) => id >= 0);
      expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => a - b));
    });

    it("drops what its activities, timers and events bring later", async (place) => {
      let finish = (): void => {};
      const slow = defineActivity("slow", () => new Promise<void>((resolve) => (finish = resolve)));
      const busy = defineOrchestrator("busy", async (ctx) => {
        await Promise.all([ctx.callActivity(slow), ctx.createTimer(1_000), ctx.waitForExternalEvent("x")]);
      });
      const hub = await place.open([busy, slow]);
      await run(hub, busy, undefined, { instanceId: "i" });
      await hub.terminateOrchestration("i");
      await hub.runUntilIdle();
      const [state, history] = [await stateOf(hub, "i"), await hub.getOrchestrationHistory("i")];
      finish();
      await hub.advance({ hours: 1 });
      expect(await stateOf(hub, "i")).toEqual(state);
      expect(await hub.getOrchestrationHistory("i")).toEqual(history);
    });

    it("reaches an instance that has not started yet", async (place) => {
      const hub = await place.open([waiting]);
      await hub.scheduleNewOrchestration(waiting, undefined, {
        instanceId: "i",
        startAt: new Date(hub.now.getTime() + 60_000),
      });
      await hub.terminateOrchestration("i", { output: "never mind" });
      await hub.runUntilIdle();
      expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Terminated", output: "never mind" });
      await hub.advance({ hours: 1 });
      expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Terminated" });
      expect(typesOf(await hub.getOrchestrationHistory("i"))).not.toContain("TaskScheduled");
    });

    it("ends the waits of clients", async (place) => {
      const hub = await place.open([waiting]);
      const { instanceId } = await run(hub, waiting);
      const wait = hub.waitForOrchestrationCompletion(instanceId);
      await hub.terminateOrchestration(instanceId, { output: 1 });
      expect(await wait).toMatchObject({ runtimeStatus: "Terminated", output: 1 });
    });

    it("counts although the code continues as new in the same moment", async (place) => {
      const rolling = defineOrchestrator("rolling", async (ctx, n: number) => {
        await ctx.waitForExternalEvent("next");
        ctx.continueAsNew(n + 1);
      });
      const hub = await place.open([rolling]);
      await run(hub, rolling, 0, { instanceId: "i" });
      await Promise.allSettled([
        hub.raiseOrchestrationEvent("i", "next"),
        hub.terminateOrchestration("i", { output: "stop" }),
      ]);
      await hub.runUntilIdle();
      expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Terminated", output: "stop" });
    });

    it("is durable once it is acknowledged", async (place) => {
      const first = await place.open([waiting]);
      await run(first, waiting, undefined, { instanceId: "i" });
      await first.terminateOrchestration("i", { output: "enough" });
      const second = await place.open([waiting]);
      await second.runUntilIdle();
      expect(await stateOf(second, "i")).toMatchObject({ runtimeStatus: "Terminated", output: "enough" });
    });

    it("rejects with InstanceNotFoundError when there is no such instance", async (place) => {
      const hub = await place.open([waiting]);
      expect(await errorOf(() => hub.terminateOrchestration("nobody"))).toMatchObject({
        name: "InstanceNotFoundError",
      });
    });

    it("rejects with InstanceNotRunningError when it has finished, and leaves its output", async (place) => {
      const done = defineOrchestrator("done", async (ctx) => ctx.callActivity(work, "mine"));
      const hub = await place.open([done, work]);
      const state = await run(hub, done, undefined, { instanceId: "i" });
      expect(await errorOf(() => hub.terminateOrchestration("i", { output: "yours" }))).toMatchObject({
        name: "InstanceNotRunningError",
      });
      expect(await stateOf(hub, "i")).toEqual(state);
    });

    it("rejects when it was terminated already", async (place) => {
      const hub = await place.open([waiting]);
      await run(hub, waiting, undefined, { instanceId: "i" });
      await hub.terminateOrchestration("i", { output: 1 });
      await hub.runUntilIdle();
      expect(await errorOf(() => hub.terminateOrchestration("i", { output: 2 }))).toMatchObject({
        name: "InstanceNotRunningError",
      });
      expect((await stateOf(hub, "i")).output).toBe(1);
    });

    it("rejects an output that cannot be stored, and leaves the instance running", async (place) => {
      const hub = await place.open([waiting]);
      await run(hub, waiting, undefined, { instanceId: "i" });
      expect(await errorOf(() => hub.terminateOrchestration("i", { output: () => {} }))).toMatchObject({
        name: "PayloadError",
      });
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Running");
      await hub.raiseOrchestrationEvent("i", "go", 1);
      await hub.runUntilIdle();
      expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: 1 });
    });

    each(it, ILLEGAL_IDS)("rejects an id %s", async (place, _rule, id) => {
      const hub = await place.open([waiting]);
      expect(await errorOf(() => hub.terminateOrchestration(id))).toMatchObject({ name: "InvalidInstanceIdError" });
    });
  });
}
