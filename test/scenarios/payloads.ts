/** Payloads on their way through a hub: every door keeps what the codec keeps, refuses what it refuses, and asks the schema that stands there. */
import {
  createCodec,
  defineActivity,
  defineOrchestrator,
  EntityId,
  type FailureDetails,
  PayloadError,
  type StandardSchema,
  type SyncCodec,
  type TaskFailedError,
  ValidationError,
} from "holdfast";
import { describe, expect } from "vitest";
import { errorOf, failureOf, onlyEvent, outputOf, run, stateOf, typesOf } from "../core/running.ts";
import { inEveryShape } from "../core/shapes.ts";
import { each, type Place, type Scenario } from "./place.ts";

const echo = defineActivity("echo", (_ctx, value: unknown) => value);

/** A value of everything that is kept. */
function richValue() {
  const shared = { n: 1 };
  return {
    json: [1, "two", true, null, { three: 3 }],
    date: new Date("2026-02-03T04:05:06.789Z"),
    map: new Map<unknown, unknown>([
      ["a", 1],
      [new Date(0), new Set([1n])],
    ]),
    set: new Set([1, "two", undefined]),
    bigint: -(2n ** 80n),
    missing: undefined,
    url: new URL("https://example.com/a?b=c#d"),
    regexp: /a(b)c/giu,
    bytes: new Uint8Array([0, 1, 255]),
    floats: new Float64Array([1.5, Number.NaN]),
    numbers: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0],
    error: Object.assign(new RangeError("no", { cause: new TypeError("why") }), { code: 7 }),
    twice: [shared, shared],
    lone: "\ud800",
  };
}

/** Takes texts of digits, and makes numbers of them. */
const digits: StandardSchema<string, number> = {
  "~standard": {
    version: 1,
    vendor: "hand-made",
    validate: (value) =>
      typeof value === "string" && /^\d+$/.test(value)
        ? { value: Number(value) }
        : { issues: [{ message: "digits were expected", path: ["digits"] }] },
  },
};

/** The same, answering later. */
const digitsLater: StandardSchema<string, number> = {
  "~standard": {
    version: 1,
    vendor: "hand-made",
    validate: async (value) => digits["~standard"].validate(value),
  },
};

/** Takes numbers below 100, and keeps them. */
const small: StandardSchema<number, number> = {
  "~standard": {
    version: 1,
    vendor: "hand-made",
    validate: (value) =>
      typeof value === "number" && value < 100 ? { value } : { issues: [{ message: "a small number was expected" }] },
  },
};

/** Sends a value through a hub, and gives what came out. */
type Door = (place: Place, value: unknown) => Promise<unknown>;

export function payloadScenarios(it: Scenario): void {
  inEveryShape("a payload", (define) => {
    const through = define("through", function* (ctx, value: unknown) {
      return yield* ctx.callActivity(echo, value);
    });
    const parent = define("parent", function* (ctx, value: unknown) {
      return yield* ctx.callSubOrchestrator(through, value);
    });
    const listener = define("listener", function* (ctx) {
      return yield* ctx.waitForExternalEvent("x");
    });
    const sender = define("sender", function* (ctx, value: unknown) {
      ctx.sendEvent("listener", "x", value);
      yield ctx.createTimer(0);
    });
    const status = define("status", function* (ctx, value: unknown) {
      ctx.setCustomStatus(value);
      yield ctx.createTimer(0);
    });
    const again = define("again", function* (ctx, { round, value }: { round: number; value: unknown }) {
      yield ctx.createTimer(0);
      if (round === 0) ctx.continueAsNew({ round: 1, value });
      return value;
    });
    const functions = [through, parent, listener, sender, status, again, echo];

    const doors: [string, Door][] = [
      [
        "an orchestration and an activity",
        async (place, value) => outputOf(await place.open(functions), through, value),
      ],
      ["a sub-orchestration", async (place, value) => outputOf(await place.open(functions), parent, value)],
      [
        "an event raised by a client",
        async (place, value) => {
          const hub = await place.open(functions);
          await run(hub, listener, undefined, { instanceId: "listener" });
          await hub.raiseOrchestrationEvent("listener", "x", value);
          await hub.runUntilIdle();
          return (await stateOf(hub, "listener")).output;
        },
      ],
      [
        "an event sent by an orchestration",
        async (place, value) => {
          const hub = await place.open(functions);
          await run(hub, listener, undefined, { instanceId: "listener" });
          await run(hub, sender, value, { advance: 1 });
          return (await stateOf(hub, "listener")).output;
        },
      ],
      [
        "the custom status",
        async (place, value) => (await run(await place.open(functions), status, value, { advance: 1 })).customStatus,
      ],
      [
        "continueAsNew",
        async (place, value) => outputOf(await place.open(functions), again, { round: 0, value }, { advance: 10 }),
      ],
      [
        "the output of a termination",
        async (place, value) => {
          const hub = await place.open(functions);
          await run(hub, listener, undefined, { instanceId: "listener" });
          await hub.terminateOrchestration("listener", { output: value });
          await hub.runUntilIdle();
          return (await stateOf(hub, "listener")).output;
        },
      ],
      [
        "the state's input",
        async (place, value) => {
          const hub = await place.open(functions);
          const { input } = await run(hub, through, value);
          return input;
        },
      ],
      [
        "a restart of the hub",
        async (place, value) => {
          const keeper = define("keeper", function* (ctx, input: unknown) {
            const kept = yield* ctx.callActivity(echo, input);
            yield ctx.waitForExternalEvent("go");
            return kept;
          });
          const first = await place.open([keeper, echo]);
          await run(first, keeper, value, { instanceId: "i" });
          const second = await place.open([keeper, echo]);
          await second.raiseOrchestrationEvent("i", "go");
          await second.runUntilIdle();
          return (await stateOf(second, "i")).output;
        },
      ],
    ];

    each(it, doors)("of any kind comes through %s as it went in", async (place, _where, door) => {
      const value = richValue();
      const result = (await door(place, value)) as ReturnType<typeof richValue>;
      expect(result).toEqual(value);
      expect(result.date).toBeInstanceOf(Date);
      expect(result.bytes).toBeInstanceOf(Uint8Array);
      expect(result.error).toBeInstanceOf(RangeError);
      expect(Object.is(result.numbers[3], -0)).toBe(true);
      expect(result.twice[0]).toBe(result.twice[1]);
      expect("missing" in result).toBe(true);
    });

    it("that goes round in a circle comes back as a circle", async (place) => {
      type Ring = { name: string; self?: Ring };
      const ring: Ring = { name: "ring" };
      ring.self = ring;
      const hub = await place.open([through, echo]);
      const output = (await outputOf(hub, through, ring)) as Ring;
      expect(output.self).toBe(output);
    });

    it("that nobody can keep is refused at the call, with its path, and can be caught there", async (place) => {
      const careless = define("careless", function* (ctx) {
        const refusals: unknown[] = [];
        const attempts: (() => unknown)[] = [
          () => ctx.callActivity(echo, { a: [0, { b: () => {} }] }),
          () => ctx.callSubOrchestrator(through, { s: Symbol("x") }),
          () => ctx.sendEvent("to", "x", { p: Promise.resolve() }),
          () => ctx.setCustomStatus(new Date(Number.NaN)),
          () => ctx.continueAsNew({ w: new WeakMap() }),
        ];
        for (const attempt of attempts) {
          try {
            attempt();
            refusals.push("taken");
          } catch (error) {
            refusals.push(error instanceof PayloadError ? error.path : error);
          }
        }
        return [refusals, yield* ctx.callActivity(echo, "went on")];
      });
      const hub = await place.open([careless, through, echo]);
      const { output, instanceId } = await run(hub, careless);
      expect(output).toEqual([["$.a[1].b", "$.s", "$.p", "$", "$.w"], "went on"]);
      expect(
        typesOf(await hub.getOrchestrationHistory(instanceId)).filter((type) => type !== "OrchestratorStarted"),
      ).toEqual(["ExecutionStarted", "TaskScheduled", "TaskCompleted", "ExecutionCompleted"]);
    });

    it("of an unregistered class is refused, and of a registered one is kept", async (place) => {
      class Money {
        readonly cents: number;
        constructor(cents: number) {
          this.cents = cents;
        }
      }
      const spend = define("spend", function* (ctx, cents: number) {
        const money = yield* ctx.callActivity(echo, new Money(cents));
        return money instanceof Money ? money.cents : money;
      });
      const plain = await place.open([spend, echo]);
      expect((await failureOf(plain, spend, 5)).errorType).toBe("PayloadError");
      const codec = createCodec({
        classes: {
          Money: { class: Money, toPayload: ({ cents }) => cents, fromPayload: (cents) => new Money(cents as number) },
        },
      });
      const rich = await place.open([spend, echo], { codec });
      expect(await outputOf(rich, spend, 5)).toBe(5);
    });

    it("deeper than a thousand levels is refused", async (place) => {
      let deep: unknown = 1;
      for (let level = 0; level < 1_001; level++) deep = [deep];
      const hub = await place.open([through, echo]);
      expect(await errorOf(() => hub.scheduleNewOrchestration(through, deep))).toMatchObject({ code: "payload" });
    });

    it("goes through the codec of the hub", async (place) => {
      const texts: string[] = [];
      const codec: SyncCodec = {
        encode: (value) => {
          const text = `<${JSON.stringify(value)}>`;
          texts.push(text);
          return text;
        },
        decode: (text) => JSON.parse(text.slice(1, -1)),
      };
      const hub = await place.open([through, echo], { codec });
      const { instanceId, output } = await run(hub, through, { n: 1 });
      expect(output).toEqual({ n: 1 });
      expect(onlyEvent(await hub.getOrchestrationHistory(instanceId), "TaskScheduled").input).toBe('<{"n":1}>');
      expect(texts.length).toBeGreaterThan(0);
    });
  });

  inEveryShape("what a hub hands out", (define) => {
    it("can be passed on: failures, states, ids of entities", async (place) => {
      const failing = defineActivity("failing", () => {
        throw new RangeError("no");
      });
      const passesOn = define("passes on", function* (ctx, account: EntityId) {
        try {
          yield ctx.callActivity(failing);
        } catch (error) {
          const { failure } = error as TaskFailedError;
          ctx.setCustomStatus(failure);
          return yield* ctx.callActivity(echo, { failure, error, account });
        }
        return undefined;
      });
      const hub = await place.open([passesOn, failing, echo]);
      const state = await run(hub, passesOn, new EntityId("account", "a"));
      const { failure, error, account } = state.output as {
        failure: FailureDetails;
        error: TaskFailedError;
        account: EntityId;
      };
      expect(failure.isCausedBy("RangeError")).toBe(true);
      expect(error.failure.errorMessage).toBe("no");
      expect(account).toEqual(new EntityId("account", "a"));
      expect(state.customStatus).toEqual(failure);
      expect((await run(hub, passesOn, state as never)).input).toEqual(state);
    });
  });

  describe("schemas", () => {
    const square = defineActivity({ name: "square", input: digits, run: (_ctx, n) => n * n });
    const orchestrate = defineOrchestrator({
      name: "orchestrate",
      input: digits,
      run: (_ctx, n) => ({ n, type: typeof n }),
    });

    it("give the handler of an orchestration what they make of the input", async (place) => {
      const hub = await place.open([orchestrate]);
      expect(await outputOf(hub, orchestrate, "12")).toEqual({ n: 12, type: "number" });
    });

    it("give the handler of an activity what they make of the input", async (place) => {
      const caller = defineOrchestrator("caller", async (ctx, n: string) => ctx.callActivity(square, n));
      const hub = await place.open([caller, square]);
      expect(await outputOf(hub, caller, "12")).toBe(144);
    });

    it("that answer later work at a client's start", async (place) => {
      const patient = defineOrchestrator({ name: "patient", input: digitsLater, run: (_ctx, n) => n + 1 });
      const hub = await place.open([patient]);
      expect(await outputOf(hub, patient, "12")).toBe(13);
      expect(await errorOf(() => hub.scheduleNewOrchestration(patient, "x"))).toMatchObject({ code: "validation" });
    });

    it("refuse a client's start before anything exists, with their issues", async (place) => {
      const hub = await place.open([orchestrate]);
      const error = await errorOf(() => hub.scheduleNewOrchestration(orchestrate, "twelve", { instanceId: "i" }));
      expect(error).toMatchObject({
        name: "ValidationError",
        code: "validation",
        issues: [{ message: "digits were expected", path: ["digits"] }],
      });
      expect(await hub.getOrchestrationState("i")).toBeUndefined();
    });

    it("refuse a start by name as well", async (place) => {
      const hub = await place.open([orchestrate]);
      expect(await errorOf(() => hub.scheduleNewOrchestration("orchestrate", 12))).toBeInstanceOf(ValidationError);
    });

    it("refuse an activity's input at the call, which schedules nothing and can be caught", async (place) => {
      const caller = defineOrchestrator("caller", async (ctx) => {
        try {
          await ctx.callActivity(square, "x");
        } catch (error) {
          return error instanceof ValidationError && error.issues;
        }
        return "taken";
      });
      const hub = await place.open([caller, square]);
      const { output, instanceId } = await run(hub, caller);
      expect(output).toEqual([{ message: "digits were expected", path: ["digits"] }]);
      expect(typesOf(await hub.getOrchestrationHistory(instanceId))).not.toContain("TaskScheduled");
    });

    it("refuse a call of an activity by name as well", async (place) => {
      const caller = defineOrchestrator("caller", async (ctx) => ctx.callActivity("square", "x"));
      const hub = await place.open([caller, square]);
      expect((await failureOf(hub, caller)).errorType).toBe("ValidationError");
    });

    it("refuse a child's input at the call", async (place) => {
      const parent = defineOrchestrator("parent", async (ctx) => ctx.callSubOrchestrator(orchestrate, "x"));
      const hub = await place.open([parent, orchestrate]);
      const state = await run(hub, parent);
      expect(state.failure?.errorType).toBe("ValidationError");
      expect(typesOf(await hub.getOrchestrationHistory(state.instanceId))).not.toContain(
        "SubOrchestrationInstanceCreated",
      );
    });

    it("give a child what they make of its input", async (place) => {
      const parent = defineOrchestrator("parent", async (ctx) => ctx.callSubOrchestrator(orchestrate, "7"));
      const hub = await place.open([parent, orchestrate]);
      expect(await outputOf(hub, parent)).toEqual({ n: 7, type: "number" });
    });

    it("fail an activity whose result they refuse, and it is not tried again", async (place) => {
      let runs = 0;
      const large = defineActivity({
        name: "large",
        output: small,
        retry: { maxAttempts: 5, firstRetryInterval: 1_000 },
        run: () => {
          runs++;
          return 100;
        },
      });
      const caller = defineOrchestrator("caller", async (ctx) => ctx.callActivity(large));
      const hub = await place.open([caller, large]);
      const failure = await failureOf(hub, caller, undefined, { advance: 60_000 });
      expect(failure.isCausedBy("ValidationError")).toBe(true);
      expect(failure.errorMessage).toContain("a small number was expected");
      expect(runs).toBe(1);
    });

    it("fail an orchestration whose result they refuse", async (place) => {
      const large = defineOrchestrator({ name: "large", output: small, run: () => 100 });
      const hub = await place.open([large]);
      expect((await failureOf(hub, large)).errorType).toBe("ValidationError");
    });

    it("let a result pass that fits, and give what they make of it", async (place) => {
      const text = defineActivity({ name: "text", output: digits, run: () => "42" });
      const caller = defineOrchestrator("caller", async (ctx) => {
        const n = await ctx.callActivity(text);
        return n + 1;
      });
      const hub = await place.open([caller, text]);
      expect(await outputOf(hub, caller)).toBe(43);
    });

    it("are not asked again about what is stored: a stricter schema does not break a running instance", async (place) => {
      let asked = 0;
      const code = (accept: boolean) =>
        defineOrchestrator({
          name: "code",
          input: {
            "~standard": {
              version: 1,
              vendor: "hand-made",
              validate: (value) => {
                asked++;
                return accept ? { value: value as string } : { issues: [{ message: "no longer" }] };
              },
            },
          } satisfies StandardSchema<string, string>,
          run: async (ctx, text) => [text, await ctx.callActivity(echo, text), await ctx.waitForExternalEvent("go")],
        });
      const [loose, strict] = [code(true), code(false)];
      const first = await place.open([loose, echo]);
      await run(first, loose, "in", { instanceId: "i" });
      expect(asked).toBe(1);
      const second = await place.open([strict, echo]);
      await second.raiseOrchestrationEvent("i", "go", "on");
      await second.runUntilIdle();
      expect(await stateOf(second, "i")).toMatchObject({ runtimeStatus: "Completed", output: ["in", "in", "on"] });
      expect(asked).toBe(1);
    });
  });
}
