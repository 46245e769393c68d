/** The application patterns of Durable Functions, each as one would write it, in every shape. */
import { defineActivity, defineEntity, type Task, whenAll, whenAny } from "holdfast";
import { expect } from "vitest";
import { errorOf, outputOf, run, stateOf } from "../core/running.ts";
import { inEveryShape } from "../core/shapes.ts";
import type { Scenario } from "./place.ts";

const sayHello = defineActivity("sayHello", (_ctx, city: string) => `Hello, ${city}!`);

export function patternScenarios(it: Scenario): void {
  inEveryShape("patterns:", (define) => {
    it("function chaining passes each result on to the next step, and stops at a failure", async (place) => {
      const done: string[] = [];
      const step = defineActivity("step", (_ctx, { name, value }: { name: string; value: number }) => {
        done.push(name);
        if (value > 100) throw new Error("too much");
        return value * 2 + 1;
      });
      const chain = define("chain", function* (ctx, start: number) {
        let value = start;
        for (const name of ["first", "second", "third"]) value = yield* ctx.callActivity(step, { name, value });
        return value;
      });
      const hub = await place.open([chain, step]);
      expect(await outputOf(hub, chain, 1)).toBe(15);
      expect(done).toEqual(["first", "second", "third"]);
      done.length = 0;
      expect((await run(hub, chain, 60)).runtimeStatus).toBe("Failed");
      expect(done).toEqual(["first", "second"]);
    });

    it("fan-out and fan-in does all at once and gathers the results in order", async (place) => {
      let running = 0;
      let most = 0;
      const measure = defineActivity("measure", async (_ctx, n: number) => {
        most = Math.max(most, ++running);
        await Promise.resolve();
        running--;
        return n * n;
      });
      const fans = define("fans", function* (ctx, count: number) {
        const parts = yield* whenAll(Array.from({ length: count }, (_, n) => ctx.callActivity(measure, n)));
        return [parts.length, parts[7], parts.reduce((sum, part) => sum + part, 0)];
      });
      const hub = await place.open([fans, measure]);
      expect(await outputOf(hub, fans, 500)).toEqual([500, 49, 41_541_750]);
      expect(most).toBe(500);
    });

    it("the async HTTP API starts, tells how far it is, and gives the result later", async (place) => {
      const long = define("long", function* (ctx, cities: string[]) {
        const greetings: string[] = [];
        for (const city of cities) {
          ctx.setCustomStatus({ done: greetings.length, of: cities.length });
          yield ctx.createTimer({ minutes: 1 });
          greetings.push(yield* ctx.callActivity(sayHello, city));
        }
        return greetings;
      });
      const hub = await place.open([long, sayHello]);
      const id = await hub.scheduleNewOrchestration(long, ["Tokyo", "London"]);
      const impatient = errorOf(() => hub.waitForOrchestrationCompletion(id, { timeoutMs: 10_000 }));
      await hub.advance({ seconds: 90 });
      expect(await impatient).toMatchObject({ code: "timeout" });
      expect(await stateOf(hub, id)).toMatchObject({ runtimeStatus: "Running", customStatus: { done: 1, of: 2 } });
      await hub.advance({ minutes: 1 });
      expect(await hub.waitForOrchestrationCompletion(id)).toMatchObject({
        output: ["Hello, Tokyo!", "Hello, London!"],
      });
    });

    it("a monitor looks at intervals that grow, until what it waits for is there or time is up", async (place) => {
      let looks = 0;
      let readyAfter = 4;
      const look = defineActivity("look", () => ++looks >= readyAfter);
      const alert = defineActivity("alert", (_ctx, text: string) => text);
      const monitors = define(
        "monitors",
        function* (
          ctx,
          { untilMs, everyMs }: { untilMs: number; everyMs: number },
        ): Generator<Task<unknown>, unknown, unknown> {
          if (ctx.currentUtcDateTime.getTime() >= untilMs) return "time is up";
          if (yield* ctx.callActivity(look)) return yield* ctx.callActivity(alert, "it is there");
          yield ctx.createTimer(everyMs);
          ctx.continueAsNew({ untilMs, everyMs: everyMs * 2 });
          return undefined;
        },
      );
      const hub = await place.open([monitors, look, alert]);
      const untilMs = hub.now.getTime() + 3_600_000;
      await run(hub, monitors, { untilMs, everyMs: 60_000 }, { instanceId: "m" });
      expect(looks).toBe(1);
      await hub.advance({ minutes: 3 });
      expect(looks).toBe(3);
      await hub.advance({ minutes: 4 });
      expect((await stateOf(hub, "m")).output).toBe("it is there");
      readyAfter = 1000;
      const late = await run(hub, monitors, { untilMs, everyMs: 60_000 }, { advance: { hours: 2 } });
      expect(late.output).toBe("time is up");
    });

    it("human interaction takes the answer that comes in time, and escalates when none does", async (place) => {
      const asked: string[] = [];
      const ask = defineActivity("ask", (_ctx, who: string) => void asked.push(who));
      const approves = define("approves", function* (ctx) {
        yield ctx.callActivity(ask, "manager");
        const answer = ctx.waitForExternalEvent<boolean>("Approval");
        const deadline = ctx.createTimer({ hours: 72 });
        const { index } = yield* whenAny([answer, deadline]);
        if (index === 0) {
          deadline.cancel();
          return answer.result ? "approved" : "rejected";
        }
        answer.cancel();
        yield ctx.callActivity(ask, "director");
        return `escalated: ${yield* ctx.waitForExternalEvent<boolean>("Approval")}`;
      });
      const hub = await place.open([approves, ask]);
      for (const id of ["yes", "no", "late"]) await run(hub, approves, undefined, { instanceId: id });
      await hub.advance({ hours: 71 });
      await hub.raiseOrchestrationEvent("yes", "approval", true);
      await hub.raiseOrchestrationEvent("no", "APPROVAL", false);
      await hub.advance({ hours: 2 });
      await hub.raiseOrchestrationEvent("late", "Approval", true);
      await hub.runUntilIdle();
      const outputs = await Promise.all(["yes", "no", "late"].map(async (id) => (await stateOf(hub, id)).output));
      expect(outputs).toEqual(["approved", "rejected", "escalated: true"]);
      expect(asked).toEqual(["manager", "manager", "manager", "director"]);
    });

    it("an aggregator sums up what many send, and can be asked while they send", async (place) => {
      const totals = defineEntity("totals", {
        initialState: () => ({ sum: 0, count: 0 }),
        operations: {
          add(ctx, amount: number) {
            ctx.state.sum += amount;
            ctx.state.count++;
          },
          average: (ctx) => (ctx.state.count === 0 ? undefined : ctx.state.sum / ctx.state.count),
        },
      });
      const sends = define("sends", function* (ctx, amounts: number[]) {
        for (const amount of amounts) {
          ctx.signalEntity("@totals@all", "add", amount);
          yield ctx.createTimer(1);
        }
        return yield* ctx.entity(totals, "all").average();
      });
      const hub = await place.open([sends, totals]);
      for (let i = 0; i < 10; i++) await hub.scheduleNewOrchestration(sends.name, [1, 2, 3]);
      await hub.advance(10);
      await hub.signalEntity("@totals@all", "add", 40);
      expect(await outputOf(hub, sends, [])).toBeCloseTo(100 / 31);
      expect((await hub.getEntity("@totals@all"))?.state).toEqual({ sum: 100, count: 31 });
    });
  });
}
