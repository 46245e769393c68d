/** What an operation of an entity may do, and what becomes of it when it fails. */
import { defineEntity, defineOrchestrator, EntityId } from "holdfast";
import { describe, expect } from "vitest";
import { errorOf, FALSY, keepingLogger, stateOf } from "../core/running.ts";
import { box, counter, journal } from "./entity-kinds.ts";
import type { Scenario } from "./place.ts";

const echo = defineOrchestrator("echo", async (ctx, input: unknown) => {
  await ctx.createTimer(1);
  return [input, ctx.version, ctx.parent];
});

/** Sends messages to others, and fails when told to. */
const sender = defineEntity("sender", {
  initialState: () => 0,
  operations: {
    send(ctx, { to, fails }: { to: string; fails: boolean }) {
      ctx.state++;
      ctx.signalEntity(to, "note", ctx.state);
      ctx.scheduleNewOrchestration("echo", ctx.state, { instanceId: `echo-${ctx.state}` });
      ctx.signalEntity(to, "note", `second of ${ctx.state}`);
      if (fails) throw new Error("failed after sending");
    },
    /** Signals itself until it is at the goal. */
    climb(ctx, goal: number) {
      ctx.state++;
      if (ctx.state < goal) ctx.signalEntity(ctx.id, "climb", goal);
    },
    later(ctx, to: string) {
      ctx.signalEntity(to, "note", "later", { signalTime: { minutes: 1 } });
      ctx.signalEntity(to, "note", "at once");
    },
  },
});

const starter = defineEntity("starter", {
  initialState: (): string[] => [],
  operations: {
    start(ctx, options: { instanceId?: string; startAt?: Date; version?: string }) {
      const id = ctx.scheduleNewOrchestration("echo", "from an entity", options);
      ctx.state = [...ctx.state, id];
    },
    startTyped(ctx) {
      ctx.state = [...ctx.state, ctx.scheduleNewOrchestration(echo, { typed: true })];
    },
  },
});

export function entityOperationScenarios(it: Scenario): void {
  describe("an operation that fails", () => {
    it("leaves no trace in the state, and those after it run", async (place) => {
      const hub = await place.open([journal]);
      const sent = ["note", "breakAfterWriting", "note", "breakLater", "note"].map((operation, i) =>
        hub.signalEntity("@journal@j", operation, i),
      );
      await Promise.all(sent);
      await hub.runUntilIdle();
      expect((await hub.getEntity("@journal@j"))?.state).toEqual([0, 2, 4]);
    });

    it("sends nothing of what it had sent, and starts nothing", async (place) => {
      const hub = await place.open([journal, sender, echo]);
      await hub.signalEntity("@sender@s", "send", { to: "@journal@j", fails: true });
      await hub.signalEntity("@sender@s", "send", { to: "@journal@j", fails: false });
      await hub.signalEntity("@sender@s", "send", { to: "@journal@j", fails: true });
      await hub.advance(10);
      expect((await hub.getEntity("@sender@s"))?.state).toBe(1);
      expect((await hub.getEntity("@journal@j"))?.state).toEqual([1, "second of 1"]);
      expect(await hub.listInstanceIds()).toEqual({ values: ["echo-1"] });
    });

    it("as a signal is told to the log, with its entity, operation and message", async (place) => {
      const logger = keepingLogger();
      const hub = await place.open([box], { logger });
      await hub.signalEntity("@box@b", "fail", "the box is closed");
      await hub.signalEntity("@box@b", "noSuchOperation");
      await hub.runUntilIdle();
      const told = logger.lines
        .filter(({ level }) => level === "warn" || level === "error")
        .map((line) => JSON.stringify(line));
      expect(told.some((line) => line.includes("@box@b") && line.includes("the box is closed"))).toBe(true);
      expect(told.some((line) => line.includes("@box@b") && line.includes("noSuchOperation"))).toBe(true);
    });

    it("because its state cannot be stored keeps the one before", async (place) => {
      const hub = await place.open([box]);
      await hub.signalEntity("@box@b", "put", "good");
      const evil = defineEntity("box", (ctx) => {
        ctx.state = () => "no data";
      });
      const next = await place.open([evil]);
      await next.signalEntity("@box@b", "put");
      await next.runUntilIdle();
      expect((await next.getEntity("@box@b"))?.state).toBe("good");
    });

    it("because its result cannot be stored fails its caller, and its changes are undone", async (place) => {
      const odd = defineEntity("odd", {
        initialState: () => 1,
        operations: {
          give(ctx) {
            ctx.state = 2;
            return Symbol("no data");
          },
          get: (ctx) => ctx.state,
        },
      });
      const asks = defineOrchestrator("asks", async (ctx) => {
        const error = await ctx.callEntity("@odd@o", "give").then(
          () => "nothing",
          (failure: { code: string }) => failure.code,
        );
        return [error, await ctx.callEntity("@odd@o", "get")];
      });
      const hub = await place.open([odd, asks]);
      const id = await hub.scheduleNewOrchestration(asks);
      await hub.runUntilIdle();
      expect((await stateOf(hub, id)).output).toEqual(["entityOperationFailed", 1]);
    });

    it("with something that is no error fails its caller all the same", async (place) => {
      const odd = defineEntity("odd", () => Promise.reject("a text"));
      const asks = defineOrchestrator("asks", async (ctx) =>
        ctx.callEntity("@odd@o", "any").then(
          () => "nothing",
          (error: { failure: { errorType: string; errorMessage: string } }) => [
            error.failure.errorType,
            error.failure.errorMessage,
          ],
        ),
      );
      const hub = await place.open([odd, asks]);
      const id = await hub.scheduleNewOrchestration(asks);
      await hub.runUntilIdle();
      expect((await stateOf(hub, id)).output).toEqual(["UnknownError", "a text"]);
    });
  });

  describe("the messages of entities", () => {
    it("reach another entity in the order they were sent", async (place) => {
      const hub = await place.open([journal, sender, echo]);
      for (let i = 0; i < 5; i++) void hub.signalEntity("@sender@s", "send", { to: "@journal@j", fails: false });
      await hub.advance(10);
      expect((await hub.getEntity("@journal@j"))?.state).toEqual([1, 2, 3, 4, 5].flatMap((n) => [n, `second of ${n}`]));
    });

    it("may go to the entity itself", async (place) => {
      const hub = await place.open([sender]);
      await hub.signalEntity("@sender@s", "climb", 50);
      await hub.runUntilIdle();
      expect((await hub.getEntity("@sender@s"))?.state).toBe(50);
    });

    it("with a time wait for it, over a restart as well", async (place) => {
      let hub = await place.open([sender, journal]);
      await hub.signalEntity("@sender@s", "later", "@journal@j");
      await hub.runUntilIdle();
      hub = await place.open([sender, journal]);
      await hub.advance({ seconds: 59 });
      expect((await hub.getEntity("@journal@j"))?.state).toEqual(["at once"]);
      await hub.advance({ seconds: 1 });
      expect((await hub.getEntity("@journal@j"))?.state).toEqual(["at once", "later"]);
    });

    it("start an orchestration without a parent, under an id that the operation knows at once", async (place) => {
      const hub = await place.open([starter, echo]);
      await hub.signalEntity("@starter@s", "start", {});
      await hub.signalEntity("@starter@s", "start", { instanceId: "mine" });
      await hub.signalEntity("@starter@s", "startTyped");
      await hub.advance(10);
      const ids = (await hub.getEntity<string[]>("@starter@s"))?.state ?? [];
      expect(ids[1]).toBe("mine");
      expect(new Set(ids).size).toBe(3);
      const outputs = await Promise.all(ids.map(async (id) => (await stateOf(hub, id)).output));
      expect(outputs).toEqual([
        ["from an entity", "", undefined],
        ["from an entity", "", undefined],
        [{ typed: true }, "", undefined],
      ]);
      expect(await stateOf(hub, "mine")).not.toHaveProperty("parentInstanceId");
    });

    it("start an orchestration at a time", async (place) => {
      const hub = await place.open([starter, echo]);
      const startAt = new Date(hub.now.getTime() + 60_000);
      await hub.signalEntity("@starter@s", "start", { instanceId: "timed", startAt });
      await hub.advance(59_999);
      expect((await stateOf(hub, "timed")).runtimeStatus).toBe("Pending");
      await hub.advance(2);
      expect((await stateOf(hub, "timed")).runtimeStatus).toBe("Completed");
    });

    it("start an orchestration of a version", async (place) => {
      const second = defineOrchestrator({ name: "echo", version: "2", run: async (ctx) => `second ${ctx.version}` });
      const hub = await place.open([starter, echo, second]);
      await hub.signalEntity("@starter@s", "start", { instanceId: "v2", version: "2" });
      await hub.advance(10);
      expect(await stateOf(hub, "v2")).toMatchObject({ version: "2", output: "second 2" });
    });

    it("that start an id in use leave the one that runs alone, and say so in the log", async (place) => {
      const logger = keepingLogger();
      const hub = await place.open([starter, echo], { logger });
      await hub.scheduleNewOrchestration(echo, "the first", { instanceId: "taken", tags: { by: "client" } });
      await hub.signalEntity("@starter@s", "start", { instanceId: "taken" });
      await hub.advance(10);
      expect(await stateOf(hub, "taken")).toMatchObject({ input: "the first", tags: { by: "client" } });
      expect(
        logger.lines
          .filter(({ level }) => level === "warn")
          .map((l) => JSON.stringify(l))
          .join(),
      ).toContain("taken");
      expect((await hub.getEntity("@starter@s"))?.state).toEqual(["taken"]);
    });
  });

  describe("operations of one entity", () => {
    it("run one at a time, also when they wait in between", async (place) => {
      let running = 0;
      let most = 0;
      const slow = defineEntity("slow", async (ctx) => {
        most = Math.max(most, ++running);
        const before = (ctx.state as number | undefined) ?? 0;
        for (let i = 0; i < 10; i++) await Promise.resolve();
        ctx.state = before + 1;
        running--;
      });
      const hub = await place.open([slow]);
      await Promise.all(Array.from({ length: 30 }, () => hub.signalEntity("@slow@s", "count")));
      await hub.runUntilIdle();
      expect([(await hub.getEntity("@slow@s"))?.state, most]).toEqual([30, 1]);
    });

    it("of one sender take effect in the order they were sent, awaited or not", async (place) => {
      const hub = await place.open([journal]);
      for (let i = 0; i < 60; i++) void hub.signalEntity("@journal@j", i % 3 ? "note" : "noteSlowly", i);
      await hub.runUntilIdle();
      expect((await hub.getEntity("@journal@j"))?.state).toEqual(Array.from({ length: 60 }, (_, i) => i));
    });

    it("of many senders are all there, each sender's in its order", async (place) => {
      const sends = defineOrchestrator("sends", async (ctx, who: string) => {
        for (let i = 0; i < 10; i++) {
          ctx.signalEntity("@journal@j", "note", [who, i]);
          if (i % 4 === 3) await ctx.createTimer(1);
        }
      });
      const hub = await place.open([journal, sends]);
      await Promise.all(["a", "b", "c", "d", "e"].map((who) => hub.scheduleNewOrchestration(sends, who)));
      await hub.advance(10);
      const lines = (await hub.getEntity<[string, number][]>("@journal@j"))?.state ?? [];
      expect(lines).toHaveLength(50);
      for (const who of ["a", "b", "c", "d", "e"])
        expect(lines.filter(([of]) => of === who).map(([, n]) => n)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    });

    it("know their entity and their own name, and take their input apart from no input", async (place) => {
      const spy = defineEntity("Spy", (ctx, input) => {
        const seen = (ctx.state as unknown[] | undefined) ?? [];
        ctx.state = [...seen, [String(ctx.id), ctx.id instanceof EntityId, ctx.operationName, input]];
      });
      const hub = await place.open([spy]);
      await hub.signalEntity("@spy@Key", "one");
      await hub.signalEntity("@spy@Key", "Two", null);
      await hub.signalEntity("@spy@Key", "constructor", "");
      await hub.runUntilIdle();
      expect((await hub.getEntity("@spy@Key"))?.state).toEqual([
        ["@spy@Key", true, "one", undefined],
        ["@spy@Key", true, "Two", null],
        ["@spy@Key", true, "constructor", ""],
      ]);
    });

    it("see host resources as ctx.env and write to the log", async (place) => {
      const logger = keepingLogger();
      const seen: unknown[] = [];
      const env = { secret: 1 };
      const spy = defineEntity("spy", (ctx) => {
        seen.push(ctx.env);
        ctx.log.info("an entity speaks");
      });
      const hub = await place.open([spy], { env, logger });
      await hub.signalEntity("@spy@s", "any");
      await hub.runUntilIdle();
      expect(seen[0]).toBe(env);
      expect(logger.messages("info")).toContain("an entity speaks");
    });

    it("change the state in place as well as by assignment", async (place) => {
      const list = defineEntity("list", {
        initialState: (): { items: number[] } => ({ items: [] }),
        operations: { push: (ctx, item: number) => void ctx.state.items.push(item) },
      });
      let hub = await place.open([list]);
      await hub.signalEntity("@list@l", "push", 1);
      await hub.signalEntity("@list@l", "push", 2);
      await hub.runUntilIdle();
      hub = await place.open([list]);
      await hub.signalEntity("@list@l", "push", 3);
      await hub.runUntilIdle();
      expect((await hub.getEntity("@list@l"))?.state).toEqual({ items: [1, 2, 3] });
    });

    it("give values of their own: who changes a result changes no state", async (place) => {
      const held = { deep: [1] };
      const asks = defineOrchestrator("asks", async (ctx) => {
        await ctx.callEntity("@box@b", "put", held);
        const taken = await ctx.callEntity<{ deep: number[] }>("@box@b", "take");
        taken.deep.push(2);
        return await ctx.callEntity("@box@b", "take");
      });
      const hub = await place.open([asks, box]);
      const id = await hub.scheduleNewOrchestration(asks);
      await hub.runUntilIdle();
      expect((await stateOf(hub, id)).output).toEqual({ deep: [1] });
    });
  });

  describe("the state of an entity", () => {
    it("begins with initialState, made anew for each", async (place) => {
      const hub = await place.open([journal]);
      await hub.signalEntity("@journal@a", "note", 1);
      await hub.signalEntity("@journal@b", "note", 2);
      await hub.runUntilIdle();
      const states = await Promise.all(["a", "b"].map(async (key) => (await hub.getEntity(`@journal@${key}`))?.state));
      expect(states).toEqual([[1], [2]]);
    });

    it("is deleted by undefined, by deleteState and by the implicit delete, and null is a state", async (place) => {
      const hub = await place.open([box]);
      const stateAfter = async (key: string, ...operations: readonly (readonly [string, unknown?])[]) => {
        for (const [operation, input] of operations) await hub.signalEntity({ name: "box", key }, operation, input);
        await hub.runUntilIdle();
        return await hub.getEntity({ name: "box", key });
      };
      expect(await stateAfter("none")).toBeUndefined();
      expect(await stateAfter("a", ["put", 1], ["put", undefined])).toBeUndefined();
      expect(await stateAfter("b", ["put", 1], ["remove"])).toBeUndefined();
      expect(await stateAfter("c", ["put", 1], ["delete"])).toBeUndefined();
      expect(await stateAfter("d", ["put", 1], ["put", null])).toMatchObject({ state: null });
      expect(await stateAfter("e", ["put", 1], ["delete"], ["put", 2])).toMatchObject({ state: 2 });
    });

    it("begins again with initialState after it was deleted", async (place) => {
      const hub = await place.open([counter]);
      await hub.signalEntity("@counter@c", "add", 5);
      await hub.signalEntity("@counter@c", "delete");
      await hub.runUntilIdle();
      expect(await hub.getEntity("@counter@c")).toBeUndefined();
      await hub.signalEntity("@counter@c", "add", 2);
      await hub.runUntilIdle();
      expect((await hub.getEntity("@counter@c"))?.state).toBe(2);
    });

    it("is not deleted by delete when the entity has an operation of that name", async (place) => {
      const keeper = defineEntity("keeper", {
        initialState: () => "kept",
        operations: {
          delete(ctx) {
            ctx.state = "still kept";
          },
        },
      });
      const hub = await place.open([keeper]);
      await hub.signalEntity("@keeper@k", "delete");
      await hub.runUntilIdle();
      expect((await hub.getEntity("@keeper@k"))?.state).toBe("still kept");
    });

    it("of a function entity is the function's own business, delete included", async (place) => {
      const names: string[] = [];
      const any = defineEntity("any", (ctx) => {
        names.push(ctx.operationName);
        ctx.state = ctx.operationName === "delete" ? undefined : ctx.operationName;
      });
      const hub = await place.open([any]);
      await hub.signalEntity("@any@a", "write");
      await hub.signalEntity("@any@a", "delete");
      await hub.runUntilIdle();
      expect(await hub.getEntity("@any@a")).toBeUndefined();
      await hub.signalEntity("@any@a", "write");
      await hub.runUntilIdle();
      expect((await hub.getEntity("@any@a"))?.state).toBe("write");
    });

    for (const [name, value] of FALSY.filter(([, v]) => v !== undefined)) {
      it(`may be ${name}`, async (place) => {
        let hub = await place.open([box]);
        await hub.signalEntity("@box@b", "put", value);
        await hub.runUntilIdle();
        hub = await place.open([box]);
        expect(await hub.getEntity("@box@b")).toHaveProperty("state", value);
      });
    }

    it("keeps rich values", async (place) => {
      const value = {
        at: new Date(5),
        ids: new Set([1n]),
        by: new Map([["k", /x/g]]),
        where: new URL("https://example.com/"),
      };
      let hub = await place.open([box]);
      await hub.signalEntity("@box@b", "put", value);
      await hub.runUntilIdle();
      hub = await place.open([box]);
      expect((await hub.getEntity("@box@b"))?.state).toEqual(value);
    });

    it("larger than the limit fails the operation", async (place) => {
      const hub = await place.open([journal], { limits: { payloadBytesMax: 100 } });
      for (let i = 0; i < 3; i++) await hub.signalEntity("@journal@j", "note", "x".repeat(40));
      await hub.runUntilIdle();
      expect((await hub.getEntity("@journal@j"))?.state).toHaveLength(2);
    });

    it("of an entity in a hub that no longer knows it can still be read", async (place) => {
      let hub = await place.open([counter]);
      await hub.signalEntity("@counter@c", "add", 1);
      await hub.runUntilIdle();
      hub = await place.open([box]);
      expect((await hub.getEntity("@counter@c"))?.state).toBe(1);
      expect(await errorOf(() => hub.signalEntity("@counter@c", "add", 1))).toMatchObject({
        name: "FunctionNotRegisteredError",
        code: "functionNotRegistered",
      });
    });
  });

  describe("defining an entity", () => {
    it("is refused for an empty name, one with an @, and operations that are no functions", async () => {
      const define = defineEntity as (name: string, spec: unknown) => unknown;
      for (const [name, spec] of [
        ["", { operations: {} }],
        ["a@b", { operations: {} }],
        ["a", { operations: { x: 1 } }],
        ["a", {}],
        ["a", undefined],
        ["a", { operations: {}, initialState: 5 }],
      ] as const)
        expect(await errorOf(() => define(name, spec)), `${name} ${JSON.stringify(spec)}`).toMatchObject({
          code: "invalidArgument",
        });
    });

    it("takes only own functions of the table for operations", async (place) => {
      const table = Object.assign(Object.create({ inherited: () => "no" }), { own: () => "yes" }) as Record<
        string,
        () => string
      >;
      const odd = defineEntity("odd", { operations: table });
      const asks = defineOrchestrator("asks", async (ctx) => [
        await ctx.callEntity("@odd@o", "own"),
        await ctx.callEntity("@odd@o", "inherited").then(
          () => "called",
          (error: { code: string }) => error.code,
        ),
      ]);
      const hub = await place.open([odd, asks]);
      const id = await hub.scheduleNewOrchestration(asks);
      await hub.runUntilIdle();
      expect((await stateOf(hub, id)).output).toEqual(["yes", "entityOperationFailed"]);
    });

    it("twice with one name, whatever the case, is refused when the hub opens", async (place) => {
      const again = defineEntity("COUNTER", { operations: { get: () => 1 } });
      expect(await errorOf(() => place.open([counter, again]))).toMatchObject({ code: "invalidArgument" });
    });
  });
}
