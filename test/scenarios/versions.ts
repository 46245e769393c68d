/** Versions of orchestrators side by side, and hubs that run only some of them. */
import { defineActivity, defineOrchestrator, type OrchestratorDefinition, type TaskHubOptions } from "holdfast";
import type { TestTaskHub } from "holdfast/testing";
import { describe, expect } from "vitest";
import { errorOf, run, stateOf, typesOf } from "../core/running.ts";
import { inEveryShape } from "../core/shapes.ts";
import type { Place, Scenario } from "./place.ts";

type Versioning = NonNullable<TaskHubOptions["versioning"]>;

/** An orchestrator of a version, which says which code ran and waits for `go`. */
function job(version?: string): OrchestratorDefinition<unknown, unknown> {
  return defineOrchestrator({
    name: "job",
    ...(version !== undefined && { version }),
    run: async (ctx) => {
      const code = `code ${version ?? "without"}`;
      ctx.setCustomStatus(code);
      return [code, ctx.version, await ctx.waitForExternalEvent("go")];
    },
  });
}

async function codeOf(hub: TestTaskHub, instanceId: string, version?: string): Promise<unknown> {
  await hub.scheduleNewOrchestration("job", undefined, { instanceId, ...(version !== undefined && { version }) });
  await hub.runUntilIdle();
  return (await stateOf(hub, instanceId)).customStatus;
}

export function versionScenarios(it: Scenario): void {
  describe("versions side by side", () => {
    it("are found exactly, then without a version", async (place) => {
      const hub = await place.open([job(), job("1"), job("2")]);
      expect(await codeOf(hub, "one", "1")).toBe("code 1");
      expect(await codeOf(hub, "two", "2")).toBe("code 2");
      expect(await codeOf(hub, "other", "7")).toBe("code without");
      expect((await stateOf(hub, "other")).version).toBe("7");
      const none = await run(hub, job());
      expect(none).toMatchObject({ version: "", customStatus: "code without" });
    });

    it("are refused at the start when neither is there", async (place) => {
      const hub = await place.open([job("1")]);
      expect(await errorOf(() => codeOf(hub, "x", "2"))).toMatchObject({ code: "functionNotRegistered" });
      expect(await hub.getOrchestrationState("x")).toBeUndefined();
    });

    it("of one name and one version are refused when the hub opens", async (place) => {
      expect(await errorOf(() => place.open([job("1"), job("1")]))).toMatchObject({ code: "invalidArgument" });
      expect(await errorOf(() => place.open([job(), job()]))).toMatchObject({ code: "invalidArgument" });
    });

    it("stay with their instances over a restart that brings newer ones", async (place) => {
      let hub = await place.open([job("1")]);
      await run(hub, job("1"), undefined, { instanceId: "old" });
      hub = await place.open([job("1"), job("2")]);
      await run(hub, job("2"), undefined, { instanceId: "new" });
      for (const id of ["old", "new"]) await hub.raiseOrchestrationEvent(id, "go", "went");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "old")).output).toEqual(["code 1", "1", "went"]);
      expect((await stateOf(hub, "new")).output).toEqual(["code 2", "2", "went"]);
    });

    it("of activities are called by definition, by version, and otherwise without one", async (place) => {
      const works = [undefined, "1", "2"].map((version) =>
        defineActivity({ name: "work", ...(version && { version }), run: () => `work ${version ?? "without"}` }),
      );
      const calls = defineOrchestrator("calls", async (ctx) => [
        await ctx.callActivity("work"),
        await ctx.callActivity("work", undefined, { version: "2" }),
        await ctx.callActivity("work", undefined, { version: "9" }),
      ]);
      const hub = await place.open([calls, ...works]);
      expect((await run(hub, calls)).output).toEqual(["work without", "work 2", "work without"]);
    });
  });

  inEveryShape("the version of an instance", (define) => {
    it("changes with continueAsNew's newVersion, and the new code runs", async (place) => {
      const migrates = define("job", function* (ctx, round: number) {
        yield ctx.createTimer(1);
        if (round === 0) ctx.continueAsNew(1, { newVersion: "2" });
        return ["old", ctx.version];
      });
      const second = defineOrchestrator({
        name: "job",
        version: "2",
        run: async (ctx, round: number) => ["new", ctx.version, round, ctx.compareVersionTo("1.5") > 0],
      });
      const hub = await place.open([migrates, second]);
      const state = await run(hub, migrates, 0, { instanceId: "i", version: "1", advance: 10 });
      expect(state).toMatchObject({ version: "2", output: ["new", "2", 1, true] });
    });

    it("is kept by continueAsNew without newVersion", async (place) => {
      const stays = define("job", function* (ctx, round: number) {
        yield ctx.createTimer(1);
        if (round < 2) ctx.continueAsNew(round + 1);
        return [round, ctx.version];
      });
      const hub = await place.open([stays]);
      expect((await run(hub, stays, 0, { version: "3.1", advance: 10 })).output).toEqual([2, "3.1"]);
    });

    it("compares number by number, and as text without case otherwise", async (place) => {
      const compares = define("compares", function* (ctx, others: string[]) {
        yield ctx.createTimer(0);
        return others.map((other) => Math.sign(ctx.compareVersionTo(other)));
      });
      const hub = await place.open([compares]);
      const others = ["", "1", "1.9", "1.10", "1.10.0", "1.10.0.1", "1.11", "2", "10"];
      expect((await run(hub, compares, others, { version: "1.10" })).output).toEqual([1, 1, 1, 0, 0, -1, -1, -1, -1]);
      expect((await run(hub, compares, ["", "a", "BETA", "gamma"], { version: "beta" })).output).toEqual([1, 1, 0, -1]);
      expect((await run(hub, compares, ["", "0"], {})).output).toEqual([0, -1]);
    });
  });

  describe("a hub that runs only some versions", () => {
    const CASES: readonly (readonly [Versioning["match"], string, boolean])[] = [
      ["none", "1", true],
      ["none", "2", true],
      ["none", "3", true],
      ["none", "", true],
      ["strict", "1", false],
      ["strict", "2", true],
      ["strict", "2.0", true],
      ["strict", "3", false],
      ["strict", "", false],
      ["currentOrOlder", "1", true],
      ["currentOrOlder", "2", true],
      ["currentOrOlder", "2.1", false],
      ["currentOrOlder", "10", false],
      ["currentOrOlder", "", true],
    ];
    const versionless = job();
    it("refuses to rewind an instance that is for another", async (place) => {
      const failing = defineOrchestrator("failing", async () => {
        throw new Error("as always");
      });
      let hub = await place.open([failing]);
      await run(hub, failing, undefined, { instanceId: "i", version: "1" });
      const failed = await stateOf(hub, "i");
      hub = await place.open([failing], { versioning: { version: "2", match: "strict" } });
      expect(await errorOf(() => hub.rewindOrchestration("i"))).toMatchObject({ code: "invalidInstanceState" });
      await hub.runUntilIdle();
      expect(await stateOf(hub, "i")).toEqual(failed);
    });

    for (const [match, version, runs] of CASES) {
      const what = version === "" ? "no version" : `version ${version}`;
      it(`of 2 with match ${match} ${runs ? "runs" : "fails"} an instance of ${what} when it fails what does not fit`, async (place) => {
        const hub = await place.open([versionless], {
          versioning: { version: "2", match, onMismatch: "fail" } as Versioning,
        });
        await hub.scheduleNewOrchestration("job", undefined, { instanceId: "i", version });
        await hub.runUntilIdle();
        const state = await stateOf(hub, "i");
        expect(state.runtimeStatus).toBe(runs ? "Running" : "Failed");
        if (!runs) {
          expect(state.failure?.errorType).toBe("VersionMismatchError");
          expect(state.failure?.isNonRetriable).toBe(true);
          expect(state.failure?.errorMessage).toContain("version");
        }
      });
      it(`of 2 with match ${match} ${runs ? "runs" : "leaves"} an instance of ${what} when it rejects what does not fit`, async (place) => {
        let hub = await place.open([versionless], {
          versioning: { version: "2", match, onMismatch: "reject" } as Versioning,
        });
        await hub.scheduleNewOrchestration("job", undefined, { instanceId: "i", version });
        await hub.runUntilIdle();
        await hub.raiseOrchestrationEvent("i", "go", "went");
        await hub.runUntilIdle();
        expect((await stateOf(hub, "i")).runtimeStatus).toBe(runs ? "Completed" : "Pending");
        hub = await place.open([versionless]);
        await hub.runUntilIdle();
        expect((await stateOf(hub, "i")).output).toEqual(["code without", version, "went"]);
      });
    }

    it("leaves instances that another hub began, and that one goes on with them", async (place) => {
      let hub = await place.open([versionless]);
      for (const version of ["1", "3"]) await hub.scheduleNewOrchestration("job", 0, { instanceId: version, version });
      await hub.runUntilIdle();
      hub = await place.open([versionless], {
        versioning: { version: "2", match: "currentOrOlder", onMismatch: "reject" },
      });
      for (const id of ["1", "3"]) await hub.raiseOrchestrationEvent(id, "go", "went");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "1")).runtimeStatus).toBe("Completed");
      expect((await stateOf(hub, "3")).runtimeStatus).not.toBe("Completed");
      hub = await place.open([versionless], {
        versioning: { version: "3", match: "currentOrOlder", onMismatch: "reject" },
      });
      await hub.runUntilIdle();
      expect((await stateOf(hub, "3")).output).toEqual(["code without", "3", "went"]);
    });

    it("terminates an instance once where it must not run, whatever comes with that", async (place) => {
      let hub = await place.open([versionless]);
      await hub.scheduleNewOrchestration("job", 0, { instanceId: "i", version: "3" });
      await hub.runUntilIdle();
      hub = await place.open([versionless], { versioning: { version: "2", match: "strict", onMismatch: "reject" } });
      await Promise.allSettled([hub.terminateOrchestration("i"), hub.raiseOrchestrationEvent("i", "unheard")]);
      await errorOf(() => hub.terminateOrchestration("i"));
      await hub.runUntilIdle();
      expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Terminated" });
      const types = typesOf(await hub.getOrchestrationHistory("i"));
      expect(types.filter((type) => type === "ExecutionCompleted")).toHaveLength(1);
      expect(types.at(-1)).toBe("ExecutionCompleted");
    });

    const forVersion2 = { version: "2", match: "strict", onMismatch: "reject" } as const;
    const startsLater = async (place: Place): Promise<TestTaskHub> => {
      const hub = await place.open([versionless], { versioning: forVersion2 });
      const startAt = new Date(hub.now.getTime() + 60_000);
      await hub.scheduleNewOrchestration("job", 0, { instanceId: "i", version: "3", startAt });
      await hub.suspendOrchestration("i", "not yet");
      await hub.advance({ minutes: 2 });
      return hub;
    };

    it("leaves a scheduled start suspended, also for the hub that it is for", async (place) => {
      let hub = await startsLater(place);
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Suspended");
      for (let opened = 0; opened < 2; opened++) {
        hub = await place.open([versionless]);
        await hub.runUntilIdle();
        expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Suspended" });
        expect((await stateOf(hub, "i")).customStatus).toBeUndefined();
        await hub.raiseOrchestrationEvent("i", "go", "went");
      }
      await hub.resumeOrchestration("i");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).output).toEqual(["code without", "3", "went"]);
    });

    it("leaves a scheduled start that was resumed to run in the hub that it is for", async (place) => {
      let hub = await startsLater(place);
      await hub.resumeOrchestration("i");
      hub = await place.open([versionless]);
      await hub.runUntilIdle();
      expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Running", customStatus: "code without" });
    });

    it("can terminate and purge what it leaves", async (place) => {
      const hub = await place.open([versionless], {
        versioning: { version: "2", match: "strict", onMismatch: "reject" },
      });
      await hub.scheduleNewOrchestration("job", 0, { instanceId: "i", version: "3" });
      await hub.runUntilIdle();
      await hub.terminateOrchestration("i", { output: "given up" });
      await hub.runUntilIdle();
      expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Terminated", output: "given up" });
      expect(await hub.purgeOrchestration("i")).toMatchObject({ deletedInstanceCount: 1 });
    });

    it("is refused with options that do not exist", async (place) => {
      for (const versioning of [{ match: "loose" }, { onMismatch: "explode" }])
        expect(await errorOf(() => place.open([versionless], { versioning: versioning as Versioning }))).toMatchObject({
          code: "invalidArgument",
        });
    });
  });

  inEveryShape("patched", (define) => {
    it("lets old instances finish the old way and new ones go the new way, in one hub", async (place) => {
      const make = (isNew: boolean) =>
        define("job", function* (ctx) {
          const way = isNew && ctx.patched("way") ? "new" : "old";
          return [way, yield* ctx.waitForExternalEvent("go"), isNew && ctx.patched("way")];
        });
      const [before, after] = [make(false), make(true)];
      let hub = await place.open([before]);
      await run(hub, before, undefined, { instanceId: "old" });
      hub = await place.open([after]);
      await run(hub, after, undefined, { instanceId: "new" });
      hub = await place.open([after]);
      for (const id of ["old", "new"]) await hub.raiseOrchestrationEvent(id, "go", 1);
      await hub.runUntilIdle();
      expect((await stateOf(hub, "old")).output).toEqual(["old", 1, false]);
      expect((await stateOf(hub, "new")).output).toEqual(["new", 1, true]);
    });
  });
}
