/** Durable timers: when they fire, that they fire in order, and that a cancelled one never does. */
import { type Duration, defineActivity, defineOrchestrator, whenAll, whenAny } from "holdfast";
import { describe, expect } from "vitest";
import { eventsOf, onlyEvent, outputOf, run, stateOf, typesOf } from "../core/running.ts";
import { inEveryShape } from "../core/shapes.ts";
import { each, type Scenario } from "./place.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const work = defineActivity("work", (_ctx, value: unknown) => value);

export function timerScenarios(it: Scenario): void {
  inEveryShape("a timer", (define) => {
    const sleeper = define("sleeper", function* (ctx, duration: Duration) {
      const start = ctx.currentUtcDateTime.getTime();
      const timer = ctx.createTimer(duration);
      yield timer;
      return {
        lasted: ctx.currentUtcDateTime.getTime() - start,
        late: ctx.currentUtcDateTime.getTime() - timer.fireAt.getTime(),
      };
    });

    each<[string, Duration, number]>(it, [
      ["milliseconds", 1_500, 1_500],
      ["days", { days: 2 }, 2 * DAY],
      ["hours", { hours: 3 }, 3 * HOUR],
      ["minutes", { minutes: 4 }, 4 * MINUTE],
      ["seconds", { seconds: 5 }, 5_000],
      ["milliseconds by name", { milliseconds: 6 }, 6],
      [
        "all parts together",
        { days: 1, hours: 1, minutes: 1, seconds: 1, milliseconds: 1 },
        DAY + HOUR + MINUTE + 1_001,
      ],
      ["ninety days", { days: 90 }, 90 * DAY],
      ["ten years", { days: 3_650 }, 3_650 * DAY],
      ["no time at all", 0, 0],
    ])("lasts as long as it says, given in %s", async (place, _what, duration, ms) => {
      const hub = await place.open([sleeper]);
      expect(await outputOf(hub, sleeper, duration, { advance: { days: 4_000 } })).toEqual({ lasted: ms, late: 0 });
    });

    it("is open one millisecond before it is due", async (place) => {
      const hub = await place.open([sleeper]);
      const { instanceId, runtimeStatus } = await run(hub, sleeper, { hours: 1 }, { advance: HOUR - 1 });
      expect(runtimeStatus).toBe("Running");
      await hub.advance(1);
      expect(await stateOf(hub, instanceId)).toMatchObject({ runtimeStatus: "Completed" });
    });

    it("fires at the instant it was given", async (place) => {
      const until = define("until", function* (ctx, when: Date) {
        yield ctx.createTimer(when);
        return ctx.currentUtcDateTime;
      });
      const hub = await place.open([until]);
      const when = new Date(hub.now.getTime() + 12_345);
      expect(await outputOf(hub, until, when, { advance: DAY })).toEqual(when);
    });

    it("fires at once when its instant is past", async (place) => {
      const past = define("past", function* (ctx) {
        yield ctx.createTimer(new Date(0));
        return ctx.currentUtcDateTime;
      });
      const hub = await place.open([past]);
      const { now } = hub;
      expect(await outputOf(hub, past)).toEqual(now);
    });

    it("never gives a result", async (place) => {
      const silent = define("silent", function* (ctx) {
        const result: unknown = yield* ctx.createTimer(5);
        return result;
      });
      const hub = await place.open([silent]);
      const state = await run(hub, silent, undefined, { advance: 5 });
      expect(state).toMatchObject({ runtimeStatus: "Completed" });
      expect(state.output).toBeUndefined();
    });

    it("measures from the turn in which it was made, not from the start of the instance", async (place) => {
      const twice = define("twice", function* (ctx) {
        yield ctx.createTimer({ minutes: 1 });
        yield ctx.createTimer({ minutes: 1 });
        return ctx.currentUtcDateTime;
      });
      const hub = await place.open([twice]);
      const start = hub.now.getTime();
      expect(await outputOf(hub, twice, undefined, { advance: HOUR })).toEqual(new Date(start + 2 * MINUTE));
    });

    it("fires in the order in which timers are due, whatever the order they were made in", async (place) => {
      const fired: number[] = [];
      const note = defineActivity("note", (_ctx, ms: number) => void fired.push(ms));
      const waits = define("waits", function* (ctx, ms: number) {
        yield ctx.createTimer(ms);
        yield ctx.callActivity(note, ms);
      });
      const hub = await place.open([waits, note]);
      const delays = [500, 20, 300, 0, 10_000, 7, 299, 301];
      for (const ms of delays) await hub.scheduleNewOrchestration(waits, ms);
      await hub.advance({ minutes: 1 });
      expect(fired).toEqual(delays.toSorted((a, b) => a - b));
    });

    it("of one turn fire in the order in which they are due", async (place) => {
      const order: number[] = [];
      const many = define("many", function* (ctx, delays: number[]) {
        const timers = delays.map((ms) => ctx.createTimer(ms));
        const open = timers.map((timer, at) => ({ timer, at }));
        while (open.length > 0) {
          const { index } = yield* whenAny(open.map(({ timer }) => timer));
          order.push(delays[open[index]?.at ?? -1] ?? -1);
          open.splice(index, 1);
        }
        return order.length;
      });
      const hub = await place.open([many]);
      expect(await outputOf(hub, many, [300, 100, 200, 0], { advance: 1_000 })).toBe(4);
      expect(order).toEqual([0, 100, 200, 300]);
    });

    it("that is cancelled says so, is not completed, and refuses whoever awaits it", async (place) => {
      const canceller = define("canceller", function* (ctx) {
        const timer = ctx.createTimer({ hours: 1 });
        timer.cancel();
        const look = { isCanceled: timer.isCanceled, isCompleted: timer.isCompleted };
        try {
          yield timer;
        } catch (error) {
          return { ...look, name: error instanceof Error && error.name, code: (error as { code?: string }).code };
        }
        return "nothing";
      });
      const hub = await place.open([canceller]);
      expect(await outputOf(hub, canceller)).toEqual({
        isCanceled: true,
        isCompleted: false,
        name: "TaskCanceledError",
        code: "taskCanceled",
      });
    });

    it("that is cancelled in the turn it was made in never reaches the history, and its number stays used", async (place) => {
      const canceller = define("canceller", function* (ctx) {
        ctx.createTimer({ hours: 1 }).cancel();
        return yield* ctx.callActivity(work, "done");
      });
      const hub = await place.open([canceller, work]);
      const { instanceId, output } = await run(hub, canceller, undefined, { advance: DAY });
      expect(output).toBe("done");
      const history = await hub.getOrchestrationHistory(instanceId);
      expect(typesOf(history)).not.toContain("TimerCreated");
      expect(onlyEvent(history, "TaskScheduled").eventId).toBe(2);
    });

    it("that is cancelled later never resumes the code, and cancelling uses no number", async (place) => {
      const canceller = define("canceller", function* (ctx) {
        const timer = ctx.createTimer({ hours: 1 });
        yield ctx.callActivity(work);
        timer.cancel();
        const { index } = yield* whenAny([timer, ctx.createTimer({ hours: 2 })]);
        return [index, timer.isCanceled, timer.isCompleted];
      });
      const hub = await place.open([canceller, work]);
      const { instanceId, output } = await run(hub, canceller, undefined, { advance: DAY });
      expect(output).toEqual([1, true, false]);
      const created = eventsOf(await hub.getOrchestrationHistory(instanceId), "TimerCreated");
      expect(created.map((event) => event.eventId)).toEqual([1, 3]);
    });

    it("that has fired cannot be cancelled any more", async (place) => {
      const canceller = define("canceller", function* (ctx) {
        const timer = ctx.createTimer(1);
        yield timer;
        timer.cancel();
        yield timer;
        return [timer.isCanceled, timer.isCompleted];
      });
      const hub = await place.open([canceller]);
      expect(await outputOf(hub, canceller, undefined, { advance: 1 })).toEqual([false, true]);
    });

    it("can be cancelled twice", async (place) => {
      const canceller = define("canceller", function* (ctx) {
        const timer = ctx.createTimer(1);
        timer.cancel();
        timer.cancel();
        yield ctx.createTimer(5);
        return timer.isCanceled;
      });
      const hub = await place.open([canceller]);
      expect(await outputOf(hub, canceller, undefined, { advance: 10 })).toBe(true);
    });

    it("loses against work that is faster, and wins against work that is slower", async (place) => {
      const race = define("race", function* (ctx, [workMs, limitMs]: [number, number]) {
        const timeout = ctx.createTimer(limitMs);
        const { index } = yield* whenAny([ctx.createTimer(workMs), timeout]);
        if (index === 0) timeout.cancel();
        return index === 0 ? "in time" : "too late";
      });
      const hub = await place.open([race]);
      expect(await outputOf(hub, race, [10, 20], { advance: 100 })).toBe("in time");
      expect(await outputOf(hub, race, [20, 10], { advance: 100 })).toBe("too late");
    });

    each<[string, unknown]>(it, [
      ["a negative number", -1],
      ["NaN", Number.NaN],
      ["Infinity", Number.POSITIVE_INFINITY],
      ["a negative part", { seconds: -5 }],
      ["an endless part", { days: Number.POSITIVE_INFINITY }],
      ["an invalid date", new Date(Number.NaN)],
      ["a part that does not exist", { weeks: 1 }],
      ["no part at all", {}],
      ["a text", "1000"],
      ["null", null],
      ["nothing", undefined],
      ["more than a date can hold", { days: 1e9 }],
    ])("is refused at the call when it is given %s, and schedules nothing", async (place, _what, duration) => {
      const odd = define("odd", function* (ctx) {
        try {
          ctx.createTimer(duration as Duration);
        } catch (error) {
          yield ctx.callActivity(work);
          return error instanceof Error;
        }
        return "taken";
      });
      const hub = await place.open([odd, work]);
      const { output, instanceId } = await run(hub, odd);
      expect(output).toBe(true);
      expect(typesOf(await hub.getOrchestrationHistory(instanceId))).not.toContain("TimerCreated");
    });

    it("names its instant in the history, when made and when fired", async (place) => {
      const hub = await place.open([sleeper]);
      const fireAt = new Date(hub.now.getTime() + HOUR);
      const { instanceId } = await run(hub, sleeper, { hours: 1 }, { advance: HOUR });
      const history = await hub.getOrchestrationHistory(instanceId);
      expect(onlyEvent(history, "TimerCreated")).toMatchObject({ eventId: 1, fireAt });
      expect(onlyEvent(history, "TimerFired")).toMatchObject({ eventId: -1, timerId: 1, fireAt, timestamp: fireAt });
    });

    it("that is due while the hub is closed fires when it is opened again", async (place) => {
      const first = await place.open([sleeper]);
      const { instanceId } = await run(first, sleeper, { hours: 1 });
      const second = await place.open([sleeper], { startAt: new Date(first.now.getTime() + 3 * HOUR) });
      await second.runUntilIdle();
      expect(await stateOf(second, instanceId)).toMatchObject({
        runtimeStatus: "Completed",
        output: { lasted: 3 * HOUR, late: 2 * HOUR },
      });
    });

    it("that is not yet due when the hub is opened again fires on time", async (place) => {
      const first = await place.open([sleeper]);
      const { instanceId } = await run(first, sleeper, { hours: 1 });
      const second = await place.open([sleeper], { startAt: new Date(first.now.getTime() + HOUR - 1) });
      await second.runUntilIdle();
      expect((await stateOf(second, instanceId)).runtimeStatus).toBe("Running");
      await second.advance(1);
      expect(await stateOf(second, instanceId)).toMatchObject({ output: { lasted: HOUR, late: 0 } });
    });

    it("can be one of a thousand", async (place) => {
      const many = define("many", function* (ctx, width: number) {
        yield whenAll(Array.from({ length: width }, (_, n) => ctx.createTimer(n)));
        return ctx.currentUtcDateTime;
      });
      const hub = await place.open([many]);
      const start = hub.now.getTime();
      expect(await outputOf(hub, many, 1_000, { advance: 5_000 })).toEqual(new Date(start + 999));
    });
  });

  describe("timers in native combinators", () => {
    it("a cancelled timer rejects the promise that awaits it", async (place) => {
      const canceller = defineOrchestrator("canceller", async (ctx) => {
        const timer = ctx.createTimer({ hours: 1 });
        const outcome = timer.then(
          () => "fired",
          (error: Error) => error.name,
        );
        timer.cancel();
        return outcome;
      });
      const hub = await place.open([canceller]);
      expect(await outputOf(hub, canceller)).toBe("TaskCanceledError");
    });

    it("Promise.race against a timer is a timeout", async (place) => {
      const race = defineOrchestrator("race", async (ctx) =>
        Promise.race([
          ctx.waitForExternalEvent<string>("never"),
          ctx.createTimer({ minutes: 1 }).then(() => "timed out"),
        ]),
      );
      const hub = await place.open([race]);
      expect(await outputOf(hub, race, undefined, { advance: HOUR })).toBe("timed out");
    });
  });
}
