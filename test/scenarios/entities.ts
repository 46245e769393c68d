/** Entities as orchestrations meet them: calls, signals, failures, in every shape. */
import { EntityId, type EntityOperationFailedError } from "holdfast";
import { expect } from "vitest";
import { eventsOf, FALSY, failureOf, onlyEvent, outputOf, stateOf } from "../core/running.ts";
import { inEveryShape } from "../core/shapes.ts";
import { box, counter, journal } from "./entity-kinds.ts";
import type { Scenario } from "./place.ts";

const ENTITIES = [box, counter, journal];

export function entityCallScenarios(it: Scenario): void {
  inEveryShape("calling an entity", (define) => {
    it("gives the operation's result, and the state stays for the next call", async (place) => {
      const adds = define("adds", function* (ctx) {
        const first = yield* ctx.callEntity<number>("@counter@a", "add", 5);
        const second = yield* ctx.callEntity<number>("@counter@a", "add", 7);
        return [first, second, yield* ctx.callEntity<number>("@counter@a", "get")];
      });
      const hub = await place.open([adds, ...ENTITIES]);
      expect(await outputOf(hub, adds)).toEqual([5, 12, 12]);
      expect(await hub.getEntity("@counter@a")).toMatchObject({ state: 12 });
    });

    it("through the typed proxy is the same call", async (place) => {
      const adds = define("adds", function* (ctx) {
        const proxy = ctx.entity(counter, "a");
        yield* proxy.add(5);
        yield* proxy.add(7);
        yield* proxy.reset();
        return [yield* proxy.add(1), yield* ctx.callEntity("@counter@a", "get")];
      });
      const hub = await place.open([adds, ...ENTITIES]);
      expect(await outputOf(hub, adds)).toEqual([1, 1]);
    });

    it("by an EntityId, its parts or its text is one entity; the name's case does not count, the key's does", async (place) => {
      const adds = define("adds", function* (ctx) {
        yield* ctx.callEntity(new EntityId("Counter", "k"), "add", 1);
        yield* ctx.callEntity({ name: "COUNTER", key: "k" }, "add", 1);
        yield* ctx.callEntity("@cOunter@k", "add", 1);
        return [yield* ctx.callEntity("@counter@k", "get"), yield* ctx.callEntity("@counter@K", "get")];
      });
      const hub = await place.open([adds, ...ENTITIES]);
      expect(await outputOf(hub, adds)).toEqual([3, 0]);
    });

    it("whose key has an @ and other signs works", async (place) => {
      const key = "a@b: ü'\"%20&$";
      const adds = define("adds", function* (ctx) {
        return yield* ctx.callEntity(new EntityId("counter", key), "add", 4);
      });
      const hub = await place.open([adds, ...ENTITIES]);
      expect(await outputOf(hub, adds)).toBe(4);
      expect((await hub.getEntity(`@counter@${key}`))?.id).toEqual(new EntityId("counter", key));
    });

    it("keeps falsy inputs, results and states apart", async (place) => {
      const asks = define("asks", function* (ctx, values: unknown[]) {
        const results: unknown[] = [];
        for (const [i, value] of values.entries()) {
          yield ctx.callEntity(`@box@${i}`, "put", value);
          results.push([yield ctx.callEntity("@box@e", "echo", value), yield ctx.callEntity(`@box@${i}`, "take")]);
        }
        return results;
      });
      const values = FALSY.map(([, value]) => value);
      const hub = await place.open([asks, ...ENTITIES]);
      expect(await outputOf(hub, asks, values)).toEqual(values.map((value) => [value, value]));
    });

    it("calls of many at once are answered each with its own result", async (place) => {
      const asks = define("asks", function* (ctx) {
        const tasks = Array.from({ length: 20 }, (_, i) => ctx.callEntity<number>(`@counter@${i % 5}`, "add", i));
        const results: number[] = [];
        for (const task of tasks) results.push(yield* task);
        return results;
      });
      const hub = await place.open([asks, ...ENTITIES]);
      const totals = [0, 0, 0, 0, 0];
      const expected = Array.from({ length: 20 }, (_, i) => (totals[i % 5] = (totals[i % 5] ?? 0) + i));
      expect(await outputOf(hub, asks)).toEqual(expected);
    });

    it("takes effect after the signals that were sent before it, in their order", async (place) => {
      const tells = define("tells", function* (ctx) {
        for (let i = 0; i < 10; i++) ctx.signalEntity("@journal@j", i % 2 ? "note" : "noteSlowly", i);
        return yield* ctx.callEntity("@journal@j", "read");
      });
      const hub = await place.open([tells, ...ENTITIES]);
      expect(await outputOf(hub, tells)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    });

    it("takes its input as it was at the call", async (place) => {
      const tells = define("tells", function* (ctx) {
        const line = { n: 1 };
        ctx.signalEntity("@journal@j", "note", line);
        line.n = 2;
        const echoed = ctx.callEntity("@box@b", "echo", line);
        line.n = 3;
        return [yield* echoed, yield* ctx.callEntity("@journal@j", "read")];
      });
      const hub = await place.open([tells, ...ENTITIES]);
      expect(await outputOf(hub, tells)).toEqual([{ n: 2 }, [{ n: 1 }]]);
    });

    it("a signal with a time is not delivered before it, whether a date or a duration", async (place) => {
      const tells = define("tells", function* (ctx) {
        const { currentUtcDateTime: now } = ctx;
        ctx.signalEntity("@journal@j", "note", "hour", { signalTime: { hours: 1 } });
        ctx.signalEntity("@journal@j", "note", "half", { signalTime: new Date(now.getTime() + 1_800_000) });
        ctx.signalEntity("@journal@j", "note", "past", { signalTime: new Date(now.getTime() - 1000) });
        ctx.signalEntity("@journal@j", "note", "now");
        yield ctx.callEntity("@journal@j", "read");
        return "done";
      });
      const hub = await place.open([tells, ...ENTITIES]);
      expect(await outputOf(hub, tells)).toBe("done");
      const lines = async () => (await hub.getEntity<unknown[]>("@journal@j"))?.state;
      expect((await lines())?.toSorted()).toEqual(["now", "past"]);
      await hub.advance(1_799_999);
      expect(await lines()).toHaveLength(2);
      await hub.advance(1);
      expect((await lines())?.slice(2)).toEqual(["half"]);
      await hub.advance(1_800_000);
      expect((await lines())?.slice(2)).toEqual(["half", "hour"]);
    });

    it("that fails throws EntityOperationFailedError, which can be caught, and the entity goes on", async (place) => {
      const asks = define("asks", function* (ctx) {
        try {
          yield* ctx.callEntity("@Journal@j", "breakAfterWriting", "x");
        } catch (error) {
          const { name, code, message, entityId, operationName, failure } = error as EntityOperationFailedError;
          yield* ctx.callEntity("@journal@j", "note", "after");
          const lines = yield* ctx.callEntity("@journal@j", "read");
          return {
            name,
            code,
            message,
            entityId,
            operationName,
            type: failure.errorType,
            of: failure.errorMessage,
            lines,
          };
        }
        return "nothing was thrown";
      });
      const hub = await place.open([asks, ...ENTITIES]);
      expect(await outputOf(hub, asks)).toEqual({
        name: "EntityOperationFailedError",
        code: "entityOperationFailed",
        message: "Operation 'breakAfterWriting' of entity '@journal@j' failed: no room for x",
        entityId: "@journal@j",
        operationName: "breakAfterWriting",
        type: "RangeError",
        of: "no room for x",
        lines: ["after"],
      });
    });

    it("that fails and is not caught fails the orchestration with the operation's message", async (place) => {
      const asks = define("asks", function* (ctx) {
        return yield* ctx.callEntity("@box@b", "fail", "the box is closed");
      });
      const hub = await place.open([asks, ...ENTITIES]);
      const failure = await failureOf(hub, asks);
      expect(failure.errorMessage).toContain("the box is closed");
      expect(failure.isCausedBy("TypeError")).toBe(true);
    });

    it("that nobody registered fails the call with FunctionNotRegisteredError and leaves nobody hanging", async (place) => {
      const asks = define("asks", function* (ctx) {
        try {
          return yield* ctx.callEntity("@nobody@k", "add", 1);
        } catch (error) {
          return [(error as Error).name, (error as Error).message.includes("nobody")];
        }
      });
      const hub = await place.open([asks, ...ENTITIES]);
      expect(await outputOf(hub, asks)).toEqual(["FunctionNotRegisteredError", true]);
    });

    it("with an operation it does not have fails the call, however hostile the name", async (place) => {
      const names = [
        "missing",
        "ADD",
        "constructor",
        "__proto__",
        "toString",
        "hasOwnProperty",
        "valueOf",
        "prototype",
      ];
      const asks = define("asks", function* (ctx) {
        const errors: unknown[] = [];
        for (const name of names) {
          try {
            yield ctx.callEntity("@counter@a", name, 1);
            errors.push("nothing");
          } catch (error) {
            errors.push((error as EntityOperationFailedError).code);
          }
        }
        return [errors, yield ctx.callEntity("@counter@a", "get")];
      });
      const hub = await place.open([asks, ...ENTITIES]);
      expect(await outputOf(hub, asks)).toEqual([names.map(() => "entityOperationFailed"), 0]);
    });

    it("with an illegal id or an empty operation is refused at the call", async (place) => {
      const asks = define("asks", function* (ctx) {
        const codes: unknown[] = [];
        const calls = [
          () => ctx.callEntity("counter", "add"),
          () => ctx.callEntity("@counter@", "add"),
          () => ctx.callEntity({ name: "counter", key: "a/b" }, "add"),
          () => ctx.signalEntity({ name: "counter", key: "x".repeat(99) }, "add"),
          () => ctx.callEntity("@counter@a", ""),
          () => ctx.signalEntity("@counter@a", ""),
        ];
        for (const call of calls) {
          try {
            call();
            codes.push("nothing");
          } catch (error) {
            codes.push((error as EntityOperationFailedError).code);
          }
        }
        return [codes, yield* ctx.callEntity("@counter@a", "get")];
      });
      const hub = await place.open([asks, ...ENTITIES]);
      expect(await outputOf(hub, asks)).toEqual([
        [...Array(4).fill("invalidInstanceId"), "invalidArgument", "invalidArgument"],
        0,
      ]);
    });

    it("keeps its results over a restart, and runs no operation twice", async (place) => {
      const asks = define("asks", function* (ctx) {
        const before = yield* ctx.callEntity("@counter@a", "add", 1);
        ctx.signalEntity("@counter@a", "add", 10);
        yield ctx.waitForExternalEvent("go");
        return [before, yield* ctx.callEntity("@counter@a", "add", 100)];
      });
      let hub = await place.open([asks, ...ENTITIES]);
      await hub.scheduleNewOrchestration(asks.name, undefined, { instanceId: "i" });
      await hub.runUntilIdle();
      hub = await place.open([asks, ...ENTITIES]);
      await hub.raiseOrchestrationEvent("i", "go");
      await hub.runUntilIdle();
      expect((await stateOf(hub, "i")).output).toEqual([1, 111]);
    });

    it("stands in the history as a call with its target and answer", async (place) => {
      const asks = define("asks", function* (ctx) {
        ctx.signalEntity("@counter@a", "add", 2);
        const sum = yield* ctx.callEntity("@counter@a", "add", 3);
        try {
          yield ctx.callEntity("@box@b", "fail", "no");
        } catch {}
        return sum;
      });
      const hub = await place.open([asks, ...ENTITIES]);
      await outputOf(hub, asks, undefined, { instanceId: "i" });
      const history = await hub.getOrchestrationHistory("i");
      expect(onlyEvent(history, "EntityOperationSignaled")).toMatchObject({
        eventId: 1,
        operation: "add",
        input: "2",
        targetInstanceId: "@counter@a",
      });
      const [called, failing] = eventsOf(history, "EntityOperationCalled");
      expect(called).toMatchObject({ eventId: 2, operation: "add", input: "3", targetInstanceId: "@counter@a" });
      expect(onlyEvent(history, "EntityOperationCompleted")).toMatchObject({
        eventId: -1,
        requestId: called?.requestId,
        output: "5",
      });
      expect(onlyEvent(history, "EntityOperationFailed")).toMatchObject({
        eventId: -1,
        requestId: failing?.requestId,
        failureDetails: { errorType: "TypeError", errorMessage: "no" },
      });
    });

    it("is answered in the new generation's own calls after continueAsNew, never with an old answer", async (place) => {
      const asks = define("asks", function* (ctx, round: number) {
        const task = ctx.callEntity<number>("@counter@a", "add", 1);
        if (round < 3) {
          ctx.continueAsNew(round + 1);
          return undefined;
        }
        return yield* task;
      });
      const hub = await place.open([asks, ...ENTITIES]);
      expect(await outputOf(hub, asks, 0)).toBe(4);
    });
  });
}
