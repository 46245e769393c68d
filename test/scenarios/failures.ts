/** Failures: nothing of what was thrown is lost on its way from an activity or a child to the code and to clients. */
import {
  defineActivity,
  defineOrchestrator,
  type FailureDetails,
  FunctionNotRegisteredError,
  NonRetriableError,
  OrchestrationFailedError,
  TaskFailedError,
  unwrapOutput,
} from "holdfast";
import { describe, expect } from "vitest";
import { eventsOf, FALSY, failureOf, onlyEvent, outputOf, run, stateOf, throwValue } from "../core/running.ts";
import { inEveryShape } from "../core/shapes.ts";
import { each, type Place, type Scenario } from "./place.ts";

class PaymentError extends Error {
  override readonly name = "PaymentError";
}
class Unnamed extends Error {}

const work = defineActivity("work", (_ctx, value: unknown) => value);

/** An error with a chain of causes, `depth` errors in all. */
function chain(depth: number): Error {
  let error = new Error(`level ${depth}`);
  for (let level = depth - 1; level >= 1; level--) error = new Error(`level ${level}`, { cause: error });
  return error;
}

export function failureScenarios(it: Scenario): void {
  inEveryShape("the failure of an activity", (define) => {
    /** The failure that the code meets when an activity throws something. */
    async function met(place: Place, error: () => unknown): Promise<FailureDetails> {
      let failure: FailureDetails | undefined;
      const thrower = defineActivity("thrower", () => throwValue(error()));
      const caller = define("caller", function* (ctx) {
        try {
          yield ctx.callActivity(thrower);
        } catch (caught) {
          if (caught instanceof TaskFailedError) ({ failure } = caught);
          return caught instanceof TaskFailedError;
        }
        return "nothing was thrown";
      });
      const hub = await place.open([caller, thrower]);
      expect(await outputOf(hub, caller)).toBe(true);
      if (!failure) throw new Error("the task failed without a failure");
      return failure;
    }

    it("has the type, the message and the stack of the error", async (place) => {
      const failure = await met(place, () => new RangeError("out of range"));
      expect(failure).toMatchObject({ errorType: "RangeError", errorMessage: "out of range" });
      expect(failure.stackTrace).toContain("failures");
      expect(failure.isNonRetriable).toBe(false);
      expect(failure.innerFailure).toBeUndefined();
      expect(failure.properties).toBeUndefined();
    });

    it("has the name that a class gives its errors", async (place) => {
      expect((await met(place, () => new PaymentError("declined"))).errorType).toBe("PaymentError");
    });

    it("has the name of the class when its errors have no name of their own", async (place) => {
      expect((await met(place, () => new Unnamed("declined"))).errorType).toBe("Unnamed");
    });

    it("has a name that was given to one error", async (place) => {
      expect((await met(place, () => Object.assign(new Error("x"), { name: "Custom" }))).errorType).toBe("Custom");
    });

    it("has the error's own properties, and nothing else of it", async (place) => {
      const failure = await met(place, () =>
        Object.assign(new PaymentError("declined"), { status: 402, retryAfter: null, details: { codes: ["a", "b"] } }),
      );
      expect(failure.properties).toMatchObject({ status: 402, retryAfter: null, details: { codes: ["a", "b"] } });
      for (const key of ["message", "stack", "cause"]) expect(failure.properties).not.toHaveProperty(key);
    });

    it("follows the causes", async (place) => {
      const failure = await met(
        place,
        () =>
          new PaymentError("declined", {
            cause: Object.assign(new TypeError("bad card", { cause: "text" }), { card: 1 }),
          }),
      );
      expect(failure.innerFailure).toMatchObject({
        errorType: "TypeError",
        errorMessage: "bad card",
        properties: { card: 1 },
        innerFailure: { errorType: "UnknownError", errorMessage: "text" },
      });
      expect(["PaymentError", "TypeError", "UnknownError"].map((type) => failure.isCausedBy(type))).toEqual([
        true,
        true,
        true,
      ]);
      expect(failure.isCausedBy("Error")).toBe(false);
      expect(failure.innerFailure?.isCausedBy("TypeError")).toBe(true);
      expect(failure.innerFailure?.isCausedBy("PaymentError")).toBe(false);
    });

    it("keeps ten levels of causes, and sums up the rest in the last message", async (place) => {
      let failure: FailureDetails | undefined = await met(place, () => chain(15));
      for (let level = 1; level <= 10; level++) {
        expect(failure?.errorMessage).toContain(`level ${level}`);
        if (level === 10) break;
        failure = failure?.innerFailure;
      }
      expect(failure?.innerFailure).toBeUndefined();
      for (let level = 11; level <= 15; level++) expect(failure?.errorMessage).toContain(`level ${level}`);
    });

    it("keeps ten levels without summing up when there are just ten", async (place) => {
      let failure: FailureDetails | undefined = await met(place, () => chain(10));
      for (let level = 1; level <= 10; level++, failure = failure?.innerFailure) {
        expect(failure?.errorMessage).toBe(`level ${level}`);
      }
      expect(failure).toBeUndefined();
    });

    it("survives causes that go round in a circle", async (place) => {
      const failure = await met(place, () => {
        const [a, b] = [new Error("a"), new Error("b")];
        a.cause = b;
        b.cause = a;
        return a;
      });
      expect(failure).toMatchObject({ errorMessage: "a", innerFailure: { errorMessage: "b" } });
    });

    each(it, [
      ["a text", "just text", "just text"],
      ["a number", 42, "42"],
      ["null", null, "null"],
      ["undefined", undefined, "undefined"],
      ["a bigint", 7n, "7"],
      ["a symbol", Symbol("odd"), "Symbol(odd)"],
    ])("thrown as %s is an UnknownError with the value as text", async (place, _what, thrown, text) => {
      expect(await met(place, () => thrown)).toMatchObject({ errorType: "UnknownError", errorMessage: text });
    });

    it("thrown as a plain object is an UnknownError that shows it", async (place) => {
      const failure = await met(place, () => ({ reason: "no money" }));
      expect(failure.errorType).toBe("UnknownError");
      expect(failure.errorMessage).toBeTypeOf("string");
    });

    it("thrown as something that fights back is a failure all the same", async (place) => {
      const hostile = {
        toString(): string {
          throw new Error("no text");
        },
        toJSON(): unknown {
          throw new Error("no JSON");
        },
      };
      expect((await met(place, () => hostile)).errorType).toBe("UnknownError");
      const error = Object.defineProperty(new Error("x"), "trap", {
        enumerable: true,
        get: () => throwValue(new Error("a trap")),
      });
      expect((await met(place, () => error)).errorMessage).toBe("x");
      expect(
        (await met(place, () => Object.assign(new Error("loop"), { self: error, big: 1n, f: () => {} }))).errorMessage,
      ).toBe("loop");
    });

    it("keeps a property that goes round in a circle from breaking it", async (place) => {
      const failure = await met(place, () => {
        const error = new Error("round");
        return Object.assign(error, { self: error, n: 1 });
      });
      expect(failure.errorMessage).toBe("round");
      expect(failure.properties).toMatchObject({ n: 1 });
    });

    it("of an AggregateError carries the messages in its own and the errors in its properties", async (place) => {
      const failure = await met(
        place,
        () => new AggregateError([new RangeError("one"), new TypeError("two"), "three"], "several"),
      );
      expect(failure.errorType).toBe("AggregateError");
      for (const text of ["several", "one", "two", "three"]) expect(failure.errorMessage).toContain(text);
      expect(failure.properties?.errors).toHaveLength(3);
      expect(JSON.stringify(failure.properties?.errors)).toMatch(/RangeError.*one.*TypeError.*two.*three/);
    });

    it("of a NonRetriableError says so", async (place) => {
      const failure = await met(place, () => new NonRetriableError("pointless", { cause: new Error("why") }));
      expect(failure).toMatchObject({ errorType: "NonRetriableError", isNonRetriable: true });
      expect(failure.innerFailure).toMatchObject({ errorMessage: "why" });
    });

    it("says so when the error only looks non-retriable", async (place) => {
      const failure = await met(place, () => Object.assign(new Error("final"), { isNonRetriable: true }));
      expect(failure.isNonRetriable).toBe(true);
    });

    it("of a function that nobody registered is not to be tried again, at any distance", async (place) => {
      const child = define("child", function* (ctx) {
        return yield* ctx.callActivity("nobody's");
      });
      const caller = define("caller", function* (ctx) {
        return yield* ctx.callSubOrchestrator(child, undefined, { retry: { maxAttempts: 3, firstRetryInterval: 10 } });
      });
      const hub = await place.open([caller, child]);
      const { failure, instanceId } = await run(hub, caller, undefined, { advance: 1_000 });
      expect([failure?.isNonRetriable, failure?.isCausedBy("FunctionNotRegisteredError")]).toEqual([true, true]);
      expect(eventsOf(await hub.getOrchestrationHistory(instanceId), "TimerCreated")).toEqual([]);
    });

    it("is that of a rejected promise, too", async (place) => {
      const rejecting = defineActivity("rejecting", async () => throwValue(new PaymentError("later")));
      const caller = define("caller", function* (ctx) {
        yield ctx.callActivity(rejecting);
      });
      const hub = await place.open([caller, rejecting]);
      expect((await failureOf(hub, caller)).isCausedBy("PaymentError")).toBe(true);
    });

    it("is a PayloadError when its result cannot be stored, and is not hung up on", async (place) => {
      const odd = defineActivity("odd", () => ({ deep: [() => {}] }));
      const caller = define("caller", function* (ctx) {
        yield ctx.callActivity(odd);
      });
      const hub = await place.open([caller, odd]);
      const failure = await failureOf(hub, caller);
      expect(failure.isCausedBy("PayloadError")).toBe(true);
    });

    it("has an error whose message names the call and what went wrong", async (place) => {
      const thrower = defineActivity("thrower", () => throwValue(new Error("the disk is full")));
      const caller = define("caller", function* (ctx) {
        try {
          yield ctx.callActivity(thrower);
        } catch (error) {
          const { name, message, code } = error as TaskFailedError;
          return { name, message, code };
        }
        return undefined;
      });
      const hub = await place.open([caller, thrower]);
      const output = await outputOf(hub, caller);
      expect(output).toMatchObject({ name: "TaskFailedError", code: "taskFailed" });
      expect(output?.message).toMatch(/activity.*the disk is full/i);
    });

    it("stands in the history as it was", async (place) => {
      const thrower = defineActivity("thrower", () => throwValue(Object.assign(new RangeError("no"), { n: 1 })));
      const caller = define("caller", function* (ctx) {
        yield ctx.callActivity(thrower);
      });
      const hub = await place.open([caller, thrower]);
      const { instanceId } = await run(hub, caller);
      const failed = onlyEvent(await hub.getOrchestrationHistory(instanceId), "TaskFailed");
      expect(failed.taskScheduledId).toBe(1);
      expect(failed.failureDetails).toMatchObject({
        errorType: "RangeError",
        errorMessage: "no",
        properties: { n: 1 },
      });
      expect(JSON.parse(JSON.stringify(failed.failureDetails))).toEqual({ ...failed.failureDetails });
    });
  });

  inEveryShape("the failure of an orchestration", (define) => {
    it("is what its code threw", async (place) => {
      const thrower = define("thrower", function* (ctx) {
        yield ctx.callActivity(work);
        throw Object.assign(new PaymentError("declined", { cause: new TypeError("bad card") }), { status: 402 });
      });
      const hub = await place.open([thrower, work]);
      const failure = await failureOf(hub, thrower);
      expect(failure).toMatchObject({
        errorType: "PaymentError",
        errorMessage: "declined",
        innerFailure: { errorType: "TypeError" },
      });
      expect(failure.properties).toMatchObject({ status: 402 });
      expect(failure.isCausedBy("TypeError")).toBe(true);
    });

    it("is what its code threw before it waited for anything", async (place) => {
      const thrower = define("thrower", function* (ctx) {
        if (ctx.name === "thrower") throw new RangeError("at once");
        yield ctx.createTimer(0);
      });
      const hub = await place.open([thrower]);
      expect(await failureOf(hub, thrower)).toMatchObject({ errorType: "RangeError", errorMessage: "at once" });
    });

    each(it, [...FALSY, ["a text", "text"]] as const)(
      "is an UnknownError when its code threw %s",
      async (place, _what, value) => {
        const thrower = define("thrower", function* (ctx) {
          yield ctx.createTimer(0);
          throwValue(value);
        });
        const hub = await place.open([thrower]);
        expect((await failureOf(hub, thrower, undefined, { advance: 1 })).errorType).toBe("UnknownError");
      },
    );

    it("is the TaskFailedError of a call it did not catch, with the callee's failure inside", async (place) => {
      const thrower = defineActivity("thrower", () => throwValue(new PaymentError("declined")));
      const caller = define("caller", function* (ctx) {
        yield ctx.callActivity(thrower);
      });
      const hub = await place.open([caller, thrower]);
      const failure = await failureOf(hub, caller);
      expect(failure.errorType).toBe("TaskFailedError");
      expect(failure.innerFailure).toMatchObject({ errorType: "PaymentError", errorMessage: "declined" });
      expect(failure.errorMessage).toContain("declined");
    });

    it("is a PayloadError when its result cannot be stored", async (place) => {
      const odd = define("odd", function* (ctx) {
        yield ctx.createTimer(0);
        return { n: Symbol("no") };
      });
      const hub = await place.open([odd]);
      const failure = await failureOf(hub, odd, undefined, { advance: 1 });
      expect(failure.errorType).toBe("PayloadError");
      expect(failure.properties).toMatchObject({ code: "payload", path: "$.n" });
    });

    it("leaves what it had set and done as it was", async (place) => {
      const thrower = define("thrower", function* (ctx) {
        ctx.setCustomStatus("half way");
        yield ctx.callActivity(work);
        throw new Error("stop");
      });
      const hub = await place.open([thrower, work]);
      expect(await run(hub, thrower, undefined, { tags: { a: "b" } })).toMatchObject({
        runtimeStatus: "Failed",
        customStatus: "half way",
        tags: { a: "b" },
        completedAt: hub.now,
      });
    });

    it("stands at the end of its history with its status", async (place) => {
      const thrower = define("thrower", function* (ctx) {
        yield ctx.callActivity(work);
        throw new RangeError("stop");
      });
      const hub = await place.open([thrower, work]);
      const { instanceId } = await run(hub, thrower);
      const completed = onlyEvent(await hub.getOrchestrationHistory(instanceId), "ExecutionCompleted");
      expect(completed).toMatchObject({
        eventId: 2,
        orchestrationStatus: "ORCHESTRATION_STATUS_FAILED",
        failureDetails: { errorType: "RangeError", errorMessage: "stop" },
      });
      expect(completed.result).toBeUndefined();
    });

    it("does not keep what it called in its last turn from happening", async (place) => {
      const ran: unknown[] = [];
      const note = defineActivity("note", (_ctx, value: unknown) => void ran.push(value));
      const receiver = define("receiver", function* (ctx) {
        return yield* ctx.waitForExternalEvent("mail");
      });
      const thrower = define("thrower", function* (ctx) {
        yield ctx.callActivity(note, 1);
        ctx.sendEvent("to", "mail", "last words");
        throw new Error("stop");
      });
      const hub = await place.open([thrower, receiver, note]);
      await run(hub, receiver, undefined, { instanceId: "to" });
      await run(hub, thrower);
      expect(ran).toEqual([1]);
      expect(await stateOf(hub, "to")).toMatchObject({ runtimeStatus: "Completed", output: "last words" });
    });

    it("runs its catch and finally blocks, which may call activities", async (place) => {
      const log: unknown[] = [];
      const note = defineActivity("note", (_ctx, value: unknown) => void log.push(value));
      const thrower = defineActivity("thrower", () => throwValue(new Error("no")));
      const saga = define("saga", function* (ctx) {
        try {
          yield ctx.callActivity(note, "book");
          yield ctx.callActivity(thrower);
        } catch (error) {
          yield ctx.callActivity(note, "undo");
          throw error;
        } finally {
          yield ctx.callActivity(note, "clean up");
        }
      });
      const hub = await place.open([saga, note, thrower]);
      expect((await run(hub, saga)).runtimeStatus).toBe("Failed");
      expect(log).toEqual(["book", "undo", "clean up"]);
    });
  });

  describe("unwrapOutput", () => {
    const ok = defineOrchestrator("ok", (_ctx, value: unknown) => value);
    const bad = defineOrchestrator("bad", () => throwValue(new PaymentError("declined")));
    const waiting = defineOrchestrator("waiting", async (ctx) => ctx.waitForExternalEvent("never"));

    each(it, FALSY)("gives %s", async (place, _what, value) => {
      const hub = await place.open([ok]);
      expect(unwrapOutput(await run(hub, ok, value))).toBe(value);
    });

    it("throws OrchestrationFailedError with the failure for one that failed", async (place) => {
      const hub = await place.open([bad]);
      const state = await run(hub, bad);
      const error = (() => {
        try {
          return unwrapOutput(state);
        } catch (caught) {
          return caught;
        }
      })();
      expect(error).toBeInstanceOf(OrchestrationFailedError);
      expect(error).toMatchObject({
        name: "OrchestrationFailedError",
        code: "orchestrationFailed",
        failure: { errorType: "PaymentError" },
        message: expect.stringContaining("declined"),
      });
    });

    it("throws OrchestrationFailedError for one that was terminated", async (place) => {
      const hub = await place.open([waiting]);
      const { instanceId } = await run(hub, waiting);
      await hub.terminateOrchestration(instanceId, { output: 5 });
      await hub.runUntilIdle();
      const state = await stateOf(hub, instanceId);
      expect(() => unwrapOutput(state)).toThrow(OrchestrationFailedError);
    });

    it("throws for one that still runs", async (place) => {
      const hub = await place.open([waiting]);
      const state = await run(hub, waiting);
      expect(() => unwrapOutput(state)).toThrow();
    });
  });

  describe("the errors of calls to what is not registered", () => {
    it("are FunctionNotRegisteredError itself, in the code and in the failure", async (place) => {
      const caller = defineOrchestrator("caller", async (ctx) => {
        const task = ctx.callActivity("nobody");
        const error = await task.catch((reason: unknown) => reason);
        const isOwn = error instanceof FunctionNotRegisteredError;
        await task;
        return isOwn;
      });
      const look = defineOrchestrator("look", async (ctx) =>
        ctx.callActivity("nobody").catch((reason) => reason instanceof FunctionNotRegisteredError),
      );
      const hub = await place.open([caller, look]);
      expect(await outputOf(hub, look)).toBe(true);
      const failure = await failureOf(hub, caller);
      expect(failure.errorType).toBe("FunctionNotRegisteredError");
      expect(failure.errorMessage).toContain("'nobody'");
    });

    it("tell of the version that was asked for", async (place) => {
      const one = defineActivity({ name: "job", version: "1", run: () => 1 });
      const caller = defineOrchestrator("caller", async (ctx) => ctx.callActivity("job", undefined, { version: "9" }));
      const hub = await place.open([caller, one]);
      const { errorMessage } = await failureOf(hub, caller);
      expect(errorMessage).toContain("job");
      expect(errorMessage).toContain("9");
    });
  });
}
