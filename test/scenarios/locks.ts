/** Critical sections: who holds a lock, who waits, and what ends it. */
import {
  defineEntity,
  defineOrchestrator,
  type EntityLock,
  type OrchestrationContext,
  whenAll,
  whenAny,
} from "holdfast";
import type { TestTaskHub } from "holdfast/testing";
import { describe, expect } from "vitest";
import { eventsOf, outputOf, run, stateOf } from "../core/running.ts";
import { inEveryShape } from "../core/shapes.ts";
import { box, counter, journal } from "./entity-kinds.ts";
import { listOf, type Scenario } from "./place.ts";

const ENTITIES = [box, counter, journal];

/** The ids of the entities that somebody has locked, each with its owner. */
async function locksOf(hub: TestTaskHub): Promise<string[]> {
  const entities = await listOf(hub.queryEntities({ includeTransient: true }));
  return entities.flatMap(({ id, lockedBy }) => (lockedBy === undefined ? [] : [`${id}:${lockedBy}`]));
}
const linesOf = async (hub: TestTaskHub) => (await hub.getEntity<unknown[]>("@journal@j"))?.state;

/** Locks, and waits for the event `done` before it does what its input says. */
const holder = defineOrchestrator("holder", async (ctx, end: "return" | "throw" | "again" | "release" | "held") => {
  if (end === "held") return "the next generation";
  const lock = await ctx.lockEntities("@journal@j", "@counter@c");
  await ctx.waitForExternalEvent("done");
  if (end === "throw") throw new Error("failed inside");
  if (end === "again") return ctx.continueAsNew("held");
  if (end === "release") lock.release();
  await (end === "release" && ctx.waitForExternalEvent("end"));
  return "done";
});
/** Notes a line in the journal, through a call. */
const noter = defineOrchestrator(
  "noter",
  async (ctx, line: string) => await ctx.callEntity("@journal@j", "note", line),
);
/** Notes a line inside a critical section. */
const locker = defineOrchestrator("locker", async (ctx, line: string) => {
  using _lock = await ctx.lockEntities("@journal@j");
  await ctx.callEntity("@journal@j", "note", line);
});
const FUNCTIONS = [...ENTITIES, holder, noter, locker];

/** The message of what a call throws. */
function messageOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    const { name, code, message } = error as Error & { code: string };
    return name === "LockingRulesViolationError" && code === "lockingRulesViolation" ? message : `${name}: ${message}`;
  }
  return "nothing";
}

export function lockScenarios(it: Scenario): void {
  inEveryShape("a critical section", (define) => {
    it("says what it has locked: sorted, without doubles, and nothing outside", async (place) => {
      const look = ({ criticalSection }: OrchestrationContext) => [
        criticalSection.inSection,
        criticalSection.lockedEntities.map(String),
      ];
      const locks = define("locks", function* (ctx) {
        const before = look(ctx);
        const lock = yield* ctx.lockEntities("@journal@b", { name: "Counter", key: "z" }, "@journal@a", "@JOURNAL@b");
        const inside = look(ctx);
        lock.release();
        return [before, inside, look(ctx)];
      });
      const hub = await place.open([locks, ...ENTITIES]);
      expect(await outputOf(hub, locks, undefined, { instanceId: "i" })).toEqual([
        [false, []],
        [true, ["@counter@z", "@journal@a", "@journal@b"]],
        [false, []],
      ]);
      const history = await hub.getOrchestrationHistory("i");
      expect(eventsOf(history, "EntityLockRequested")).toMatchObject([
        { eventId: 1, lockSet: ["@counter@z", "@journal@a", "@journal@b"] },
      ]);
      expect(eventsOf(history, "EntityLockGranted")).toHaveLength(1);
      expect(
        eventsOf(history, "EntityUnlockSent").map(({ eventId, targetInstanceId }) => [eventId, targetInstanceId]),
      ).toEqual([
        [2, "@counter@z"],
        [3, "@journal@a"],
        [4, "@journal@b"],
      ]);
    });

    it("lets nobody else in between, and many take turns", async (place) => {
      const adds = define("adds", function* (ctx, amount: number) {
        const lock = yield* ctx.lockEntities("@box@sum");
        const before = (yield* ctx.callEntity<number | undefined>("@box@sum", "take")) ?? 0;
        yield ctx.createTimer(10);
        yield ctx.callEntity("@box@sum", "put", before + amount);
        lock.release();
        return before;
      });
      const hub = await place.open([adds, ...ENTITIES]);
      for (const amount of [10, 20, 30]) await hub.scheduleNewOrchestration(adds.name, amount);
      await hub.advance(100);
      expect((await hub.getEntity("@box@sum"))?.state).toBe(60);
      expect(await locksOf(hub)).toEqual([]);
    });

    it("shows its owner to clients while it lasts", async (place) => {
      const locks = define("locks", function* (ctx) {
        const lock = yield* ctx.lockEntities("@counter@a", "@counter@b");
        yield ctx.waitForExternalEvent("go");
        lock.release();
        yield ctx.waitForExternalEvent("end");
      });
      const hub = await place.open([locks, ...ENTITIES]);
      await run(hub, locks, undefined, { instanceId: "i" });
      expect(await locksOf(hub)).toEqual(["@counter@a:i", "@counter@b:i"]);
      await hub.raiseOrchestrationEvent("i", "go");
      await hub.runUntilIdle();
      expect(await locksOf(hub)).toEqual([]);
      expect((await stateOf(hub, "i")).runtimeStatus).toBe("Running");
    });

    it("released twice is released once", async (place) => {
      const locks = define("locks", function* (ctx) {
        const first = yield* ctx.lockEntities("@counter@a");
        first.release();
        first.release();
        const second = yield* ctx.lockEntities("@counter@a");
        first.release();
        first[Symbol.dispose]();
        const inside = ctx.criticalSection.inSection;
        second[Symbol.dispose]();
        return [inside, ctx.criticalSection.inSection];
      });
      const hub = await place.open([locks, ...ENTITIES]);
      expect(await outputOf(hub, locks, undefined, { instanceId: "i" })).toEqual([true, false]);
      expect(eventsOf(await hub.getOrchestrationHistory("i"), "EntityUnlockSent")).toHaveLength(2);
    });

    it("refuses what its rules forbid, at the call and with the rule, and goes on", async (place) => {
      const child = defineOrchestrator("child", () => "child");
      const locks = define("locks", function* (ctx) {
        const lock = yield* ctx.lockEntities("@counter@a", "@counter@b");
        const refused = [
          messageOf(() => ctx.lockEntities("@counter@c")),
          messageOf(() => ctx.callEntity("@counter@c", "get")),
          messageOf(() => ctx.entity(counter, "c").get()),
          messageOf(() => ctx.signalEntity("@counter@a", "add", 1)),
          messageOf(() => ctx.signalEntity("@counter@b", "add", 1, { signalTime: 5 })),
          messageOf(() => ctx.callSubOrchestrator("child")),
        ];
        const call = ctx.callEntity("@counter@a", "add", 1);
        refused.push(messageOf(() => ctx.callEntity("@counter@a", "add", 1)));
        yield* call;
        ctx.signalEntity("@counter@c", "add", 100);
        const both = yield* whenAll([ctx.callEntity("@counter@a", "add", 1), ctx.callEntity("@counter@b", "add", 1)]);
        lock.release();
        return [refused, both, yield* ctx.callSubOrchestrator("child"), yield* ctx.callEntity("@counter@c", "get")];
      });
      const hub = await place.open([locks, child, ...ENTITIES]);
      const another = /^Must not call an entity from a critical section if it is not one of the locked entities/;
      const signal = /^Must not signal a locked entity from a critical section/;
      expect(await outputOf(hub, locks)).toEqual([
        [
          expect.stringMatching(/^Must not enter another critical section from within a critical section/),
          expect.stringMatching(another),
          expect.stringMatching(another),
          expect.stringMatching(signal),
          expect.stringMatching(signal),
          expect.stringMatching(/^While holding locks, cannot call suborchestrators/),
          expect.stringMatching(
            /^Must not call an entity from a critical section while a prior call to the same entity is still pending/,
          ),
        ],
        [2, 1],
        "child",
        100,
      ]);
    });

    it("must be awaited before it is used", async (place) => {
      const locks = define("locks", function* (ctx) {
        const request = ctx.lockEntities("@counter@a");
        const refused = [
          messageOf(() => ctx.callEntity("@counter@a", "get")),
          messageOf(() => ctx.callEntity("@counter@b", "get")),
          messageOf(() => ctx.lockEntities("@counter@b")),
        ];
        const inside = ctx.criticalSection.inSection;
        (yield* request).release();
        return [inside, refused, yield* ctx.callEntity("@counter@b", "get")];
      });
      const hub = await place.open([locks, ...ENTITIES]);
      const await_ = expect.stringMatching(
        /^Must await the completion of the lock request prior to calling any entity/,
      );
      expect(await outputOf(hub, locks)).toEqual([false, [await_, await_, expect.any(String)], 0]);
      const [, refused] = (await outputOf(hub, locks)) as [boolean, string[]];
      expect(refused[2]).toMatch(/^Must /);
    });

    it("of no entities, or of what is no entity, is refused at the call", async (place) => {
      const locks = define("locks", function* (ctx) {
        const bad = [
          [],
          ["counter"],
          [{ name: "a@b", key: "k" }],
          ["@counter@a", "@counter@"],
          ["@counter@a/b"],
          [undefined],
        ];
        const refused = bad.map((ids) => messageOf(() => ctx.lockEntities(...(ids as string[]))));
        const lock = yield* ctx.lockEntities("@counter@a");
        lock.release();
        return refused.map((message) => /^(nothing|[A-Za-z]*Error: )/.exec(message)?.[0] ?? "refused");
      });
      const hub = await place.open([locks, ...ENTITIES]);
      expect(await outputOf(hub, locks)).toEqual(Array(6).fill("refused"));
    });

    it("can be given up while it is waited for, and leaves nothing locked", async (place) => {
      const gives = define("gives", function* (ctx) {
        const request = ctx.lockEntities("@counter@c", "@journal@j");
        const timer = ctx.createTimer({ seconds: 5 });
        const { index } = yield* whenAny([request, timer]);
        if (index === 0) return "locked";
        request.cancel();
        let error = "none";
        try {
          yield* request;
        } catch (thrown) {
          error = (thrown as Error).name;
        }
        const free = yield* ctx.callEntity("@counter@free", "add", 1);
        return [request.isCanceled, error, ctx.criticalSection.inSection, free];
      });
      const hub = await place.open([gives, ...FUNCTIONS]);
      await run(hub, holder, "return", { instanceId: "holder" });
      expect(await outputOf(hub, gives, undefined, { advance: { seconds: 6 } })).toEqual([
        true,
        "TaskCanceledError",
        false,
        1,
      ]);
      await hub.raiseOrchestrationEvent("holder", "done");
      await hub.runUntilIdle();
      expect(await locksOf(hub)).toEqual([]);
      await run(hub, locker, "after");
      expect(await linesOf(hub)).toEqual(["after"]);
    });

    it("wins or loses a whenAny like every other task", async (place) => {
      const races = define("races", function* (ctx) {
        const { index, task } = yield* whenAny([ctx.lockEntities("@counter@c"), ctx.createTimer({ hours: 1 })]);
        const lock = task.result as EntityLock;
        const sum = yield* ctx.callEntity("@counter@c", "add", 1);
        lock.release();
        return [index, sum];
      });
      const hub = await place.open([races, ...ENTITIES]);
      expect(await outputOf(hub, races)).toEqual([0, 1]);
    });

    it("survives a restart, and so do those who wait for it", async (place) => {
      const locks = define("locks", function* (ctx, line: string) {
        const lock = yield* ctx.lockEntities("@journal@j", "@counter@c");
        yield ctx.callEntity("@journal@j", "note", `${line} in`);
        yield ctx.waitForExternalEvent("go");
        yield ctx.callEntity("@journal@j", "note", `${line} out`);
        lock.release();
      });
      let hub = await place.open([locks, ...FUNCTIONS]);
      await run(hub, locks, "a", { instanceId: "a" });
      await run(hub, locks, "b", { instanceId: "b" });
      await run(hub, noter, "c"); // b waits for the counter first: c comes to the journal before it.
      hub = await place.open([locks, ...FUNCTIONS]);
      expect(await locksOf(hub)).toEqual(["@counter@c:a", "@journal@j:a"]);
      await hub.raiseOrchestrationEvent("b", "go");
      await hub.raiseOrchestrationEvent("a", "go");
      await hub.runUntilIdle();
      expect(await linesOf(hub)).toEqual(["a in", "a out", "c", "b in", "b out"]);
      expect(await locksOf(hub)).toEqual([]);
    });
  });

  describe("while an entity is locked", () => {
    it("others wait, in the order they came, lock requests among them", async (place) => {
      const hub = await place.open(FUNCTIONS);
      await run(hub, holder, "return", { instanceId: "holder" });
      await run(hub, noter, "1 called");
      await hub.signalEntity("@journal@j", "note", "2 signalled");
      await run(hub, locker, "3 locked");
      await hub.signalEntity("@journal@j", "note", "4 signalled");
      await run(hub, locker, "5 locked");
      await run(hub, noter, "6 called");
      expect(await linesOf(hub)).toBeUndefined();
      await hub.raiseOrchestrationEvent("holder", "done");
      await hub.runUntilIdle();
      expect(await linesOf(hub)).toEqual([
        "1 called",
        "2 signalled",
        "3 locked",
        "4 signalled",
        "5 locked",
        "6 called",
      ]);
    });

    it("what was there before the lock was asked for is done before it is granted", async (place) => {
      const locks = defineOrchestrator("locks", async (ctx) => {
        for (let i = 0; i < 5; i++) ctx.signalEntity("@journal@j", "noteSlowly", i);
        using _lock = await ctx.lockEntities("@journal@j");
        return await ctx.callEntity("@journal@j", "read");
      });
      const hub = await place.open([locks, ...FUNCTIONS]);
      expect(await outputOf(hub, locks)).toEqual([0, 1, 2, 3, 4]);
    });

    it("its owner may be suspended, and keeps it", async (place) => {
      const hub = await place.open(FUNCTIONS);
      await run(hub, holder, "return", { instanceId: "holder" });
      await hub.suspendOrchestration("holder");
      await hub.raiseOrchestrationEvent("holder", "done");
      await run(hub, noter, "waits");
      expect(await locksOf(hub)).toEqual(["@counter@c:holder", "@journal@j:holder"]);
      expect(await linesOf(hub)).toBeUndefined();
      await hub.resumeOrchestration("holder");
      await hub.runUntilIdle();
      expect(await linesOf(hub)).toEqual(["waits"]);
    });

    it("a signal with a time that falls due waits as well", async (place) => {
      const hub = await place.open(FUNCTIONS);
      await hub.signalEntity("@journal@j", "note", "timed", { signalTime: { seconds: 1 } });
      await run(hub, holder, "return", { instanceId: "holder" });
      await hub.advance({ seconds: 5 });
      expect(await linesOf(hub)).toBeUndefined();
      await hub.raiseOrchestrationEvent("holder", "done");
      await hub.runUntilIdle();
      expect(await linesOf(hub)).toEqual(["timed"]);
    });

    it("those who wait for it are dropped when they end first", async (place) => {
      const hub = await place.open(FUNCTIONS);
      await run(hub, holder, "return", { instanceId: "holder" });
      await run(hub, locker, "never", { instanceId: "waiter" });
      await run(hub, locker, "third", { instanceId: "third" });
      await hub.terminateOrchestration("waiter");
      await hub.runUntilIdle();
      expect(await locksOf(hub)).toEqual(["@counter@c:holder", "@journal@j:holder"]);
      await hub.raiseOrchestrationEvent("holder", "done");
      await hub.runUntilIdle();
      expect(await linesOf(hub)).toEqual(["third"]);
      expect(await locksOf(hub)).toEqual([]);
    });

    it("a request that is passed on after its owner has ended locks nothing", async (place) => {
      let finish = (): void => {};
      const slow = defineEntity("slow", {
        operations: {
          wait: () =>
            new Promise<void>((resolve) => {
              finish = resolve;
            }),
        },
      });
      // The signal and the request are taken together; the request is judged when the operation is done.
      const hasty = defineOrchestrator("hasty", async (ctx, end: "terminated" | "canceled") => {
        ctx.signalEntity("@slow@a", "wait");
        const lock = ctx.lockEntities("@slow@a", "@slow@b");
        await ctx.waitForExternalEvent("go");
        if (end === "canceled") lock.cancel();
        await ctx.waitForExternalEvent("end");
      });
      const hub = await place.open([slow, hasty]);
      for (const end of ["terminated", "canceled"] as const) {
        await run(hub, hasty, end, { instanceId: end });
        if (end === "terminated") await hub.terminateOrchestration(end);
        else await hub.raiseOrchestrationEvent(end, "go");
        await hub.runUntilIdle();
        finish();
        await hub.runUntilIdle();
        expect(await locksOf(hub)).toEqual([]);
      }
    });

    it("an entity locked first and one not yet granted are both free when the owner ends between", async (place) => {
      const both = defineOrchestrator("both", async (ctx) => {
        await ctx.lockEntities("@box@first", "@journal@j");
        return "got both";
      });
      const hub = await place.open([...FUNCTIONS, both]);
      await run(hub, holder, "return", { instanceId: "holder" });
      await run(hub, both, undefined, { instanceId: "both" });
      expect(await locksOf(hub)).toContain("@box@first:both");
      await hub.terminateOrchestration("both");
      await hub.runUntilIdle();
      expect(await locksOf(hub)).toEqual(["@counter@c:holder", "@journal@j:holder"]);
    });
  });

  describe("a lock is released", () => {
    const ends: readonly (readonly [string, (hub: TestTaskHub) => Promise<unknown>, string])[] = [
      ["by release()", (hub) => hub.raiseOrchestrationEvent("holder", "done"), "release"],
      ["when its owner returns", (hub) => hub.raiseOrchestrationEvent("holder", "done"), "return"],
      ["when its owner fails", (hub) => hub.raiseOrchestrationEvent("holder", "done"), "throw"],
      ["when its owner continues as new", (hub) => hub.raiseOrchestrationEvent("holder", "done"), "again"],
      ["when its owner is terminated", (hub) => hub.terminateOrchestration("holder"), "return"],
      [
        "when its owner is replaced",
        (hub) => hub.scheduleNewOrchestration(holder, "held", { instanceId: "holder", dedupeStatuses: [] }),
        "return",
      ],
      [
        "when its owner is terminated while suspended",
        async (hub) => {
          await hub.suspendOrchestration("holder");
          await hub.terminateOrchestration("holder");
        },
        "return",
      ],
    ];
    for (const [how, end, input] of ends) {
      it(how, async (place) => {
        const hub = await place.open(FUNCTIONS);
        await run(hub, holder, input as "return", { instanceId: "holder" });
        await run(hub, noter, "queued");
        expect(await locksOf(hub)).toEqual(["@counter@c:holder", "@journal@j:holder"]);
        await end(hub);
        await hub.runUntilIdle();
        expect(await locksOf(hub)).toEqual([]);
        expect(await linesOf(hub)).toEqual(["queued"]);
      });
      it(`${how}, after a restart in between`, async (place) => {
        let hub = await place.open(FUNCTIONS);
        await run(hub, holder, input as "return", { instanceId: "holder" });
        await run(hub, noter, "queued");
        hub = await place.open(FUNCTIONS);
        await end(hub);
        hub = await place.open(FUNCTIONS);
        await hub.runUntilIdle();
        expect(await locksOf(hub)).toEqual([]);
        expect(await linesOf(hub)).toEqual(["queued"]);
      });
    }

    it("by using at the end of its block, and when the block is left by an error", async (place) => {
      const blocks = defineOrchestrator("blocks", async (ctx) => {
        const seen: boolean[] = [];
        {
          using _lock = await ctx.lockEntities("@counter@c");
          seen.push(ctx.criticalSection.inSection);
        }
        seen.push(ctx.criticalSection.inSection);
        try {
          using _lock = await ctx.lockEntities("@counter@c");
          throw new Error("out");
        } catch {
          seen.push(ctx.criticalSection.inSection);
        }
        return seen;
      });
      const hub = await place.open([blocks, ...ENTITIES]);
      expect(await outputOf(hub, blocks)).toEqual([true, false, false]);
    });

    it("without undoing what was done in the section", async (place) => {
      const half = defineOrchestrator("half", async (ctx) => {
        await ctx.lockEntities("@counter@c");
        await ctx.callEntity("@counter@c", "add", 1);
        throw new Error("half way");
      });
      const hub = await place.open([half, ...ENTITIES]);
      await run(hub, half);
      expect(await hub.getEntity("@counter@c")).toMatchObject({ state: 1 });
      expect(await locksOf(hub)).toEqual([]);
    });

    it("and a failed operation inside the section does not release it", async (place) => {
      const fails = defineOrchestrator("fails", async (ctx) => {
        using _lock = await ctx.lockEntities("@journal@j");
        await ctx.callEntity("@journal@j", "breakAfterWriting", 1).catch(() => {});
        const inside = ctx.criticalSection.inSection;
        await ctx.callEntity("@journal@j", "note", "still mine");
        return inside;
      });
      const hub = await place.open([fails, ...ENTITIES]);
      expect(await outputOf(hub, fails)).toBe(true);
      expect(await linesOf(hub)).toEqual(["still mine"]);
    });
  });
}
