/** Starts: what they take and what they refuse, at a time of their own, and under an id that was used before. */
import { defineActivity, defineOrchestrator, type OrchestrationStatus, type StartOrchestrationOptions } from "holdfast";
import { describe, expect } from "vitest";
import { errorOf, ILLEGAL_IDS, outputOf, run, stateOf, typesOf } from "../core/running.ts";
import { EACH, FUNCTIONS, oneOfEach, quick, waiting } from "./every-status.ts";
import { each, idsOf, type Scenario } from "./place.ts";

const MINUTE = 60_000;

export function startScenarios(it: Scenario): void {
  describe("starting an orchestration", () => {
    it("that nobody registered is refused at once, and nothing exists afterwards", async (place) => {
      const hub = await place.open(FUNCTIONS);
      const error = await errorOf(() => hub.scheduleNewOrchestration("nobody", 1, { instanceId: "i" }));
      expect(error).toMatchObject({ name: "FunctionNotRegisteredError", code: "functionNotRegistered" });
      expect(error.message).toContain("nobody");
      const unregistered = defineOrchestrator("unregistered", () => 1);
      await expect(hub.scheduleNewOrchestration(unregistered, undefined, { instanceId: "i" })).rejects.toThrow(
        /unregistered/,
      );
      expect(await hub.getOrchestrationState("i")).toBeUndefined();
    });

    it("by the name of an activity, or in another case, is refused", async (place) => {
      const hub = await place.open(FUNCTIONS);
      for (const name of ["work", "QUICK", "Quick"]) {
        expect(await errorOf(() => hub.scheduleNewOrchestration(name))).toMatchObject({
          code: "functionNotRegistered",
        });
      }
    });

    each(it, ["", undefined, null, 5])("by the name %s is refused", async (place, name) => {
      const hub = await place.open(FUNCTIONS);
      await expect(hub.scheduleNewOrchestration(name as string)).rejects.toThrow();
    });

    each(it, ILLEGAL_IDS)("with an id %s is refused, and nothing exists afterwards", async (place, _rule, id) => {
      const hub = await place.open(FUNCTIONS);
      expect(await errorOf(() => hub.scheduleNewOrchestration(quick, 1, { instanceId: id }))).toMatchObject({
        name: "InvalidInstanceIdError",
        code: "invalidInstanceId",
      });
      expect(await idsOf(hub.queryOrchestrations())).toEqual([]);
    });

    each(it, [
      ["100 characters", "x".repeat(100)],
      ["one character", "x"],
      ["a colon", "parent:0001"],
      ["an @ inside", "user@example"],
      ["spaces", "order 1"],
      ["letters beyond ASCII", "Bestellung-ß-日本"],
      ["the name of an object's property", "__proto__"],
      ["percent signs and dots", "a%2e..b"],
    ])("with an id of %s is possible", async (place, _what, id) => {
      const hub = await place.open(FUNCTIONS);
      expect(await hub.scheduleNewOrchestration(quick, 1, { instanceId: id })).toBe(id);
      await hub.runUntilIdle();
      expect(await stateOf(hub, id)).toMatchObject({ instanceId: id, runtimeStatus: "Completed" });
      expect(await idsOf(hub.queryOrchestrations())).toEqual([id]);
      expect(await hub.purgeOrchestration(id)).toMatchObject({ deletedInstanceCount: 1 });
    });

    it("tells ids apart by their case", async (place) => {
      const hub = await place.open(FUNCTIONS);
      await run(hub, waiting, 1, { instanceId: "A" });
      await run(hub, waiting, 1, { instanceId: "a" });
      await hub.terminateOrchestration("A");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "a")).runtimeStatus).toBe("Running");
    });

    it("with an input that cannot be stored is refused, and nothing exists afterwards", async (place) => {
      const hub = await place.open(FUNCTIONS);
      const error = await errorOf(() => hub.scheduleNewOrchestration(quick, { a: [() => {}] }, { instanceId: "i" }));
      expect(error).toMatchObject({ name: "PayloadError", code: "payload", path: "$.a[0]" });
      expect(await hub.getOrchestrationState("i")).toBeUndefined();
    });

    it("takes its input as it was at the call", async (place) => {
      const hub = await place.open(FUNCTIONS);
      const input = { n: 1 };
      const started = hub.scheduleNewOrchestration(quick, input, { instanceId: "i" });
      input.n = 2;
      await started;
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).output).toEqual({ input: { n: 1 } });
    });

    each(it, [
      ["tags that are a text", { tags: "a" }],
      ["tags that are a list", { tags: ["a"] }],
      ["tags that are no texts", { tags: { a: 1 } }],
      ["a version that is no text", { version: 3 }],
    ])("with %s is refused, and nothing exists afterwards", async (place, _what, options) => {
      const hub = await place.open([waiting]);
      const start = { ...options, instanceId: "i" } as object as StartOrchestrationOptions;
      expect(await errorOf(() => hub.scheduleNewOrchestration(waiting, 1, start))).toMatchObject({
        code: "invalidArgument",
      });
      expect(await hub.getOrchestrationState("i")).toBeUndefined();
    });

    it("gives it the tags of the start, and none otherwise", async (place) => {
      const hub = await place.open(FUNCTIONS);
      expect((await run(hub, quick, 1, { tags: { team: "blue", n: "1" } })).tags).toEqual({ team: "blue", n: "1" });
      expect((await run(hub, quick, 1)).tags).toEqual({});
    });

    it("takes the version of its definition, and one given at the start wins", async (place) => {
      const one = defineOrchestrator({ name: "job", version: "1.0", run: (ctx) => ctx.version });
      const two = defineOrchestrator({ name: "job", version: "2.0", run: (ctx) => ctx.version });
      const hub = await place.open([one, two]);
      const id = await hub.scheduleNewOrchestration(one);
      const other = await hub.scheduleNewOrchestration(one, undefined, { version: "2.0" });
      await hub.runUntilIdle();
      expect(await stateOf(hub, id)).toMatchObject({ version: "1.0", output: "1.0" });
      expect(await stateOf(hub, other)).toMatchObject({ version: "2.0", output: "2.0" });
    });

    it("compares versions number by number", async (place) => {
      const compare = defineOrchestrator({
        name: "compare",
        version: "1.10",
        run: (ctx) =>
          ["1.9", "1.10", "1.10.0", "2", "1.11", ""].map((version) => Math.sign(ctx.compareVersionTo(version))),
      });
      const hub = await place.open([compare]);
      expect(await outputOf(hub, compare)).toEqual([1, 0, 0, -1, -1, 1]);
    });

    it("compares versions that are not numbers as text, without case, and none as the lowest", async (place) => {
      const compare = defineOrchestrator({
        name: "compare",
        version: "beta",
        run: (ctx) => ["BETA", "alpha", "gamma", ""].map((version) => Math.sign(ctx.compareVersionTo(version))),
      });
      const none = defineOrchestrator("none", (ctx) => [
        ctx.compareVersionTo(""),
        Math.sign(ctx.compareVersionTo("0")),
      ]);
      const hub = await place.open([compare, none]);
      expect(await outputOf(hub, compare)).toEqual([0, 1, -1, 1]);
      expect(await outputOf(hub, none)).toEqual([0, -1]);
    });
  });

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
