/** Sub-orchestrations: what a child is given, what its parent gets, and what one's end means for the other. */
import { defineActivity, defineOrchestrator, NonRetriableError, whenAll } from "holdfast";
import { describe, expect } from "vitest";
import { eventsOf, FALSY, failureOf, ILLEGAL_IDS, onlyEvent, outputOf, run, stateOf } from "../core/running.ts";
import { inEveryShape } from "../core/shapes.ts";
import { each, type Place, type Scenario } from "./place.ts";
import { threeGenerations, top, waiting } from "./three-generations.ts";

const double = defineActivity("double", (_ctx, n: number) => n * 2);

export function subOrchestrationScenarios(it: Scenario): void {
  inEveryShape("a sub-orchestration", (define) => {
    const child = define("child", function* (ctx, n: number) {
      return (yield* ctx.callActivity(double, n)) + 1;
    });
    const family = define("family", function* (ctx) {
      return { parent: ctx.parent, name: ctx.name, id: ctx.instanceId, version: ctx.version };
      // biome-ignore lint/correctness/noUnreachable: makes it a generator that never waits.
      yield ctx.createTimer(0);
    });

    it("gives its parent its result", async (place) => {
      const parent = define("parent", function* (ctx, n: number) {
        return yield* ctx.callSubOrchestrator(child, n);
      });
      const hub = await place.open([parent, child, double]);
      expect(await outputOf(hub, parent, 5)).toBe(11);
    });

    it("can be called by name", async (place) => {
      const parent = define("parent", function* (ctx, n: number) {
        const result: number = yield* ctx.callSubOrchestrator<number>("child", n);
        return result;
      });
      const hub = await place.open([parent, child, double]);
      expect(await outputOf(hub, parent, 5)).toBe(11);
    });

    each(it, FALSY)("takes %s as input and gives it as result", async (place, _what, value) => {
      const same = define("same", function* (_ctx, input: unknown) {
        yield _ctx.createTimer(0);
        return [Object.is(input, value), input];
      });
      const bare = define("bare", function* (ctx, input: unknown) {
        yield ctx.createTimer(0);
        return input;
      });
      const parent = define("parent", function* (ctx, input: unknown) {
        const pair = yield* ctx.callSubOrchestrator(same, input);
        const result = yield* ctx.callSubOrchestrator(bare, input);
        return [pair[0], Object.is(result, value)];
      });
      const hub = await place.open([parent, same, bare]);
      expect(await outputOf(hub, parent, value, { advance: 1 })).toEqual([true, true]);
    });

    it("knows its parent, and its parent's id stands in its state", async (place) => {
      const parent = define("parent", function* (ctx) {
        return yield* ctx.callSubOrchestrator(family, undefined, { instanceId: "kid" });
      });
      const hub = await place.open([parent, family]);
      const output = await outputOf(hub, parent, undefined, { instanceId: "mum" });
      expect(output).toEqual({ parent: { name: "parent", instanceId: "mum" }, name: "family", id: "kid", version: "" });
      expect(await stateOf(hub, "kid")).toMatchObject({ parentInstanceId: "mum", runtimeStatus: "Completed" });
      expect((await stateOf(hub, "mum")).parentInstanceId).toBeUndefined();
    });

    it("has an id of its own made from the parent's execution and the number of the call", async (place) => {
      const parent = define("parent", function* (ctx) {
        const first = yield* ctx.callSubOrchestrator(family);
        const second = yield* ctx.callSubOrchestrator(family);
        return [first.id, second.id];
      });
      const hub = await place.open([parent, family]);
      const { output, instanceId } = await run(hub, parent);
      const started = onlyEvent(await hub.getOrchestrationHistory(instanceId), "ExecutionStarted");
      const { executionId } = started.orchestrationInstance;
      expect(executionId).toMatch(/^[0-9a-f]{32}$/);
      expect(output).toEqual([`${executionId}:0001`, `${executionId}:0002`]);
    });

    it("writes the number of its call in hexadecimal", async (place) => {
      const parent = define("parent", function* (ctx) {
        for (let n = 0; n < 25; n++) yield ctx.callActivity(double, n);
        return (yield* ctx.callSubOrchestrator(family)).id;
      });
      const hub = await place.open([parent, family, double]);
      expect(await outputOf(hub, parent)).toMatch(/^[0-9a-f]{32}:001a$/);
    });

    it("has an id that fits the limit however deeply it is nested", async (place) => {
      const ids: string[] = [];
      const nest = define("nest", function* (ctx, depth: number): Generator<import("holdfast").Task<unknown>, number> {
        ids.push(ctx.instanceId);
        if (depth === 0) return 0;
        return 1 + (yield* ctx.callSubOrchestrator<number>("nest", depth - 1));
      });
      const hub = await place.open([nest]);
      expect(await outputOf(hub, nest, 12)).toBe(12);
      expect(ids.every((id) => id.length <= 100)).toBe(true);
      expect(new Set(ids).size).toBe(13);
    });

    it("has an id that no other generation of its parent used", async (place) => {
      const ids: string[] = [];
      const parent = define("parent", function* (ctx, rounds: number) {
        ids.push((yield* ctx.callSubOrchestrator(family)).id);
        if (rounds > 0) ctx.continueAsNew(rounds - 1);
      });
      const hub = await place.open([parent, family]);
      await run(hub, parent, 3);
      expect(ids).toHaveLength(4);
      expect(new Set(ids).size).toBe(4);
      for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}:[0-9a-f]{4}$/);
    });

    it("inherits its parent's tags, and the tags of the call win", async (place) => {
      const parent = define("parent", function* (ctx) {
        yield ctx.callSubOrchestrator(family, undefined, { instanceId: "plain" });
        yield ctx.callSubOrchestrator(family, undefined, { instanceId: "tagged", tags: { team: "red", n: "1" } });
      });
      const hub = await place.open([parent, family]);
      await run(hub, parent, undefined, { tags: { team: "blue", region: "eu" } });
      expect((await stateOf(hub, "plain")).tags).toEqual({ team: "blue", region: "eu" });
      expect((await stateOf(hub, "tagged")).tags).toEqual({ team: "red", region: "eu", n: "1" });
    });

    it("takes the version of the call, and its definition's otherwise", async (place) => {
      const versioned = [1, 2].map((n) =>
        defineOrchestrator({ name: "versioned", version: String(n), run: (ctx) => ctx.version }),
      );
      const parent = define("parent", function* (ctx) {
        const [one] = versioned;
        if (!one) throw new Error("there is a first version");
        return [
          yield* ctx.callSubOrchestrator(one),
          yield* ctx.callSubOrchestrator<string>("versioned", undefined, { version: "2" }),
        ];
      });
      const hub = await place.open([parent, ...versioned]);
      expect(await outputOf(hub, parent)).toEqual(["1", "2"]);
    });

    it("runs beside its siblings", async (place) => {
      const parent = define("parent", function* (ctx, width: number) {
        return yield* whenAll(Array.from({ length: width }, (_, n) => ctx.callSubOrchestrator(child, n)));
      });
      const hub = await place.open([parent, child, double]);
      expect(await outputOf(hub, parent, 200)).toEqual(Array.from({ length: 200 }, (_, n) => 2 * n + 1));
    });

    it("fails its parent's call with its own failure", async (place) => {
      const failing = define("failing", function* (ctx, n: number) {
        yield ctx.callActivity(double, n);
        throw Object.assign(new RangeError("no more room", { cause: new TypeError("too many") }), { room: 7 });
      });
      const parent = define("parent", function* (ctx) {
        try {
          yield ctx.callSubOrchestrator(failing, 1, { instanceId: "kid" });
        } catch (error) {
          const { name, message, failure } = error as import("holdfast").TaskFailedError;
          return {
            name,
            message,
            type: failure.errorType,
            text: failure.errorMessage,
            properties: failure.properties,
            inner: failure.innerFailure?.errorType,
            caused: failure.isCausedBy("TypeError"),
          };
        }
        return "nothing";
      });
      const hub = await place.open([parent, failing, double]);
      expect(await outputOf(hub, parent)).toEqual({
        name: "TaskFailedError",
        message: expect.stringContaining("no more room"),
        type: "RangeError",
        text: "no more room",
        properties: { room: 7 },
        inner: "TypeError",
        caused: true,
      });
      expect(await stateOf(hub, "kid")).toMatchObject({
        runtimeStatus: "Failed",
        failure: { errorType: "RangeError", errorMessage: "no more room" },
      });
    });

    it("lets its message through every level of nesting", async (place) => {
      const inner = define("inner", function* (ctx) {
        yield ctx.createTimer(0);
        throw new RangeError("the very bottom");
      });
      const middle = define("middle", function* (ctx) {
        yield ctx.callSubOrchestrator(inner);
      });
      const outer = define("outer", function* (ctx) {
        yield ctx.callSubOrchestrator(middle);
      });
      const hub = await place.open([outer, middle, inner]);
      const failure = await failureOf(hub, outer, undefined, { advance: 1 });
      expect(failure.errorMessage).toContain("the very bottom");
      expect(failure.isCausedBy("RangeError")).toBe(true);
      expect(failure.isCausedBy("TypeError")).toBe(false);
    });

    it("fails its parent's call when it is terminated", async (place) => {
      const waiting = define("waiting", function* (ctx) {
        yield ctx.waitForExternalEvent("never");
      });
      const parent = define("parent", function* (ctx) {
        try {
          yield ctx.callSubOrchestrator(waiting, undefined, { instanceId: "kid" });
        } catch (error) {
          return error instanceof Error ? error.name : error;
        }
        return "nothing";
      });
      const hub = await place.open([parent, waiting]);
      const { instanceId } = await run(hub, parent);
      await hub.terminateOrchestration("kid", { output: "enough" });
      await hub.runUntilIdle();
      expect(await stateOf(hub, instanceId)).toMatchObject({ runtimeStatus: "Completed", output: "TaskFailedError" });
      expect(eventsOf(await hub.getOrchestrationHistory(instanceId), "SubOrchestrationInstanceFailed")).toHaveLength(1);
    });

    it("goes on when its parent has completed, and its result is dropped", async (place) => {
      const waiting = define("waiting", function* (ctx) {
        return yield* ctx.waitForExternalEvent<string>("go");
      });
      const parent = define("parent", function* (ctx) {
        ctx.callSubOrchestrator(waiting, undefined, { instanceId: "kid" });
        yield ctx.createTimer(0);
        return "gone";
      });
      const hub = await place.open([parent, waiting]);
      const before = await run(hub, parent, undefined, { advance: 1 });
      expect(before).toMatchObject({ runtimeStatus: "Completed", output: "gone" });
      expect(await stateOf(hub, "kid")).toMatchObject({ runtimeStatus: "Running" });
      await hub.raiseOrchestrationEvent("kid", "go", "at last");
      await hub.runUntilIdle();
      expect(await stateOf(hub, "kid")).toMatchObject({ runtimeStatus: "Completed", output: "at last" });
      const after = await stateOf(hub, before.instanceId);
      // A store that answers later has the result on its way stored with the instance for a moment.
      expect({ ...after, lastUpdatedAt: before.lastUpdatedAt }).toEqual(before);
    });

    it("that nobody registered fails the call at once", async (place) => {
      const parent = define("parent", function* (ctx) {
        try {
          yield ctx.callSubOrchestrator("noSuchChild", 1, { retry: { maxAttempts: 9, firstRetryInterval: 1_000 } });
        } catch (error) {
          return error instanceof Error && [error.name, (error as { code?: string }).code];
        }
        return "nothing";
      });
      const hub = await place.open([parent]);
      expect(await outputOf(hub, parent)).toEqual(["FunctionNotRegisteredError", "functionNotRegistered"]);
    });

    it("that nobody registered is named in the failure of a parent that does not catch it", async (place) => {
      const parent = define("parent", function* (ctx) {
        yield ctx.callSubOrchestrator("noSuchChild");
      });
      const hub = await place.open([parent]);
      const failure = await failureOf(hub, parent);
      expect(failure.isCausedBy("FunctionNotRegisteredError")).toBe(true);
      expect(failure.errorMessage).toContain("noSuchChild");
    });

    it("with an id that runs already fails the call and leaves the one that runs alone", async (place) => {
      const waiting = define("waiting", function* (ctx, who: string) {
        return [who, yield* ctx.waitForExternalEvent<string>("go")];
      });
      const parent = define("parent", function* (ctx) {
        try {
          yield ctx.callSubOrchestrator(waiting, "child", { instanceId: "taken" });
        } catch (error) {
          const { name, failure } = error as import("holdfast").TaskFailedError;
          return [name, failure.errorType];
        }
        return "nothing";
      });
      const hub = await place.open([parent, waiting]);
      await run(hub, waiting, "first", { instanceId: "taken" });
      expect(await outputOf(hub, parent)).toEqual(["TaskFailedError", "OrchestrationAlreadyExistsError"]);
      await hub.raiseOrchestrationEvent("taken", "go", "!");
      await hub.runUntilIdle();
      expect(await stateOf(hub, "taken")).toMatchObject({ runtimeStatus: "Completed", output: ["first", "!"] });
    });

    it("cannot take the id of its own parent", async (place) => {
      const parent = define("parent", function* (ctx): Generator<import("holdfast").Task<unknown>, unknown> {
        try {
          yield ctx.callSubOrchestrator("parent", undefined, { instanceId: ctx.instanceId });
        } catch (error) {
          return (error as import("holdfast").TaskFailedError).failure.errorType;
        }
        return "nothing";
      });
      const hub = await place.open([parent]);
      expect(await outputOf(hub, parent)).toBe("OrchestrationAlreadyExistsError");
    });

    it("can take the id of an instance that is finished, and replaces it", async (place) => {
      const parent = define("parent", function* (ctx) {
        return yield* ctx.callSubOrchestrator(child, 10, { instanceId: "again" });
      });
      const hub = await place.open([parent, child, double]);
      await run(hub, child, 1, { instanceId: "again" });
      expect(await outputOf(hub, parent)).toBe(21);
      expect(await stateOf(hub, "again")).toMatchObject({ input: 10, output: 21 });
    });

    each(it, ILLEGAL_IDS)("cannot have an id %s", async (place, _rule, id) => {
      const parent = define("parent", function* (ctx) {
        try {
          yield ctx.callSubOrchestrator(child, 1, { instanceId: id });
        } catch (error) {
          return error instanceof Error && [error.name, (error as { code?: string }).code];
        }
        return "taken";
      });
      const hub = await place.open([parent, child, double]);
      const state = await run(hub, parent);
      expect(state.output).toEqual(["InvalidInstanceIdError", "invalidInstanceId"]);
      const history = await hub.getOrchestrationHistory(state.instanceId);
      expect(eventsOf(history, "SubOrchestrationInstanceCreated")).toEqual([]);
    });

    it("keeps its id when it is tried again, and starts from its beginning", async (place) => {
      const seen: string[] = [];
      const flaky = define("flaky", function* (ctx, n: number) {
        seen.push(ctx.instanceId);
        yield ctx.callActivity(double, n);
        if (seen.length < 3) throw new Error(`attempt ${seen.length}`);
        return seen.length;
      });
      const parent = define("parent", function* (ctx) {
        return yield* ctx.callSubOrchestrator(flaky, 1, {
          retry: { maxAttempts: 5, firstRetryInterval: { seconds: 1 } },
        });
      });
      const hub = await place.open([parent, flaky, double]);
      const { output, instanceId } = await run(hub, parent, undefined, { advance: { minutes: 1 } });
      expect(output).toBe(seen.length);
      expect(new Set(seen).size).toBe(1);
      const created = eventsOf(await hub.getOrchestrationHistory(instanceId), "SubOrchestrationInstanceCreated");
      expect(created.map((event) => [event.eventId, event.instanceId])).toEqual([
        [1, seen[0]],
        [3, seen[0]],
        [5, seen[0]],
      ]);
    });

    it("keeps an id that was given when it is tried again", async (place) => {
      let attempts = 0;
      const flaky = define("flaky", function* (ctx) {
        yield ctx.createTimer(0);
        if (++attempts < 2) throw new Error("again");
        return ctx.instanceId;
      });
      const parent = define("parent", function* (ctx) {
        return yield* ctx.callSubOrchestrator(flaky, undefined, {
          instanceId: "kid",
          retry: { maxAttempts: 2, firstRetryInterval: 1_000 },
        });
      });
      const hub = await place.open([parent, flaky]);
      expect(await outputOf(hub, parent, undefined, { advance: 10_000 })).toBe("kid");
    });

    it("is not tried again when it failed for good", async (place) => {
      let attempts = 0;
      const hopeless = define("hopeless", function* (ctx) {
        yield ctx.createTimer(0);
        attempts++;
        throw new NonRetriableError("never");
      });
      const parent = define("parent", function* (ctx) {
        yield ctx.callSubOrchestrator(hopeless, undefined, { retry: { maxAttempts: 5, firstRetryInterval: 1_000 } });
      });
      const hub = await place.open([parent, hopeless]);
      const failure = await failureOf(hub, parent, undefined, { advance: { minutes: 1 } });
      expect(failure.isCausedBy("NonRetriableError")).toBe(true);
      expect(attempts).toBe(1);
    });

    it("tells its parent the result of its last generation when it continues as new", async (place) => {
      const counting = define("counting", function* (ctx, n: number) {
        yield ctx.createTimer(1_000);
        if (n < 3) ctx.continueAsNew(n + 1);
        return n;
      });
      const parent = define("parent", function* (ctx) {
        return yield* ctx.callSubOrchestrator(counting, 0, { instanceId: "kid" });
      });
      const hub = await place.open([parent, counting]);
      expect(await outputOf(hub, parent, undefined, { advance: 10_000, instanceId: "mum" })).toBe(3);
      expect(await stateOf(hub, "kid")).toMatchObject({ parentInstanceId: "mum", output: 3 });
    });

    it("tells nothing to a later generation of its parent", async (place) => {
      const waiting = define("waiting", function* (ctx) {
        return yield* ctx.waitForExternalEvent<string>("go");
      });
      const parent = define("parent", function* (ctx, round: number) {
        if (round === 0) {
          ctx.callSubOrchestrator(waiting, undefined, { instanceId: "old" });
          yield ctx.createTimer(1_000);
          ctx.continueAsNew(1);
          return undefined;
        }
        return yield* ctx.callSubOrchestrator(waiting, undefined, { instanceId: "new" });
      });
      const hub = await place.open([parent, waiting]);
      const { instanceId } = await run(hub, parent, 0, { advance: 2_000 });
      await hub.raiseOrchestrationEvent("old", "go", "stale");
      await hub.runUntilIdle();
      expect(await stateOf(hub, instanceId)).toMatchObject({ runtimeStatus: "Running" });
      await hub.raiseOrchestrationEvent("new", "go", "fresh");
      await hub.runUntilIdle();
      expect(await stateOf(hub, instanceId)).toMatchObject({ runtimeStatus: "Completed", output: "fresh" });
    });

    it("of a child, and so on, is listed like every other instance", async (place) => {
      const parent = define("parent", function* (ctx) {
        return yield* ctx.callSubOrchestrator(child, 1, { instanceId: "kid" });
      });
      const hub = await place.open([parent, child, double]);
      await run(hub, parent, undefined, { instanceId: "mum" });
      const ids: string[] = [];
      for await (const state of hub.queryOrchestrations()) ids.push(state.instanceId);
      expect(ids.toSorted()).toEqual(["kid", "mum"]);
    });

    it("survives a restart together with its parent", async (place) => {
      const waiting = define("waiting", function* (ctx) {
        return yield* ctx.waitForExternalEvent<string>("go");
      });
      const parent = define("parent", function* (ctx) {
        return yield* ctx.callSubOrchestrator(waiting, undefined, { instanceId: "kid" });
      });
      const first = await place.open([parent, waiting]);
      await run(first, parent, undefined, { instanceId: "mum" });
      const second = await place.open([parent, waiting]);
      await second.raiseOrchestrationEvent("kid", "go", "home");
      await second.runUntilIdle();
      expect(await stateOf(second, "mum")).toMatchObject({ runtimeStatus: "Completed", output: "home" });
    });
  });

  describe("recursive commands", () => {
    const functions = threeGenerations;

    it("terminate leaves children running unless it is recursive", async (place) => {
      const hub = await place.open(functions);
      await run(hub, top, undefined, { instanceId: "top" });
      await hub.terminateOrchestration("top");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "top")).runtimeStatus).toBe("Terminated");
      expect((await stateOf(hub, "middle")).runtimeStatus).toBe("Running");
      expect((await stateOf(hub, "kid")).runtimeStatus).toBe("Running");
    });

    it("terminate reaches children, and theirs, when it is recursive", async (place) => {
      const hub = await place.open(functions);
      await run(hub, top, undefined, { instanceId: "top" });
      await hub.terminateOrchestration("top", { output: "stop", recursive: true });
      await hub.runUntilIdle();
      expect((await stateOf(hub, "top")).output).toBe("stop");
      expect((await stateOf(hub, "top")).runtimeStatus).toBe("Terminated");
      expect((await stateOf(hub, "middle")).runtimeStatus).toBe("Terminated");
      expect((await stateOf(hub, "kid")).runtimeStatus).toBe("Terminated");
    });

    it("terminate that is recursive spares what is not its child", async (place) => {
      const hub = await place.open(functions);
      await run(hub, top, undefined, { instanceId: "top" });
      await run(hub, waiting, undefined, { instanceId: "stranger" });
      await hub.terminateOrchestration("top", { recursive: true });
      await hub.runUntilIdle();
      expect((await stateOf(hub, "stranger")).runtimeStatus).toBe("Running");
    });

    async function finishedFamily(place: Place) {
      const hub = await place.open(functions);
      await run(hub, top, undefined, { instanceId: "top" });
      await hub.raiseOrchestrationEvent("kid", "go");
      await hub.runUntilIdle();
      return hub;
    }

    it("purge leaves children there unless it is recursive", async (place) => {
      const hub = await finishedFamily(place);
      expect(await hub.purgeOrchestration("top")).toMatchObject({ deletedInstanceCount: 1 });
      expect(await hub.getOrchestrationState("top")).toBeUndefined();
      expect((await stateOf(hub, "middle")).runtimeStatus).toBe("Completed");
      expect((await stateOf(hub, "kid")).runtimeStatus).toBe("Completed");
    });

    it("purge takes children, and theirs, when it is recursive", async (place) => {
      const hub = await finishedFamily(place);
      expect(await hub.purgeOrchestration("top", { recursive: true })).toMatchObject({ deletedInstanceCount: 3 });
      for (const id of ["top", "middle", "kid"]) expect(await hub.getOrchestrationState(id)).toBeUndefined();
    });

    it("purge that is recursive deletes only what is finished", async (place) => {
      const hub = await place.open(functions);
      await run(hub, top, undefined, { instanceId: "top" });
      await hub.terminateOrchestration("top");
      await hub.runUntilIdle();
      expect(await hub.purgeOrchestration("top", { recursive: true })).toMatchObject({ deletedInstanceCount: 1 });
      expect((await stateOf(hub, "kid")).runtimeStatus).toBe("Running");
    });
  });
}
