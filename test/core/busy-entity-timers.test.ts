import { defineEntity, defineOrchestrator } from "holdfast";
import { TestTaskHub } from "holdfast/testing";
import { expect, test } from "vitest";

test("an entity that is busy when a signal for it is due does not hold up the timers of others", async () => {
  let finish = (): void => {};
  const done = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const slow = defineEntity("slow", {
    initialState: () => 0,
    operations: {
      async work(ctx) {
        await done;
        ctx.state += 1;
      },
      add(ctx) {
        ctx.state += 10;
      },
    },
  });
  const sleeper = defineOrchestrator("sleeper", async (ctx) => {
    await ctx.createTimer(20_000);
    return ctx.currentUtcDateTime.getTime();
  });
  const hub = await TestTaskHub.open({ functions: [slow, sleeper] });
  const startMs = hub.now.getTime();
  const entity = { name: "slow", key: "a" };
  const id = await hub.scheduleNewOrchestration(sleeper);
  await hub.signalEntity(entity, "add", undefined, { signalTime: 10_000 });
  const working = hub.signalEntity(entity, "work");
  await hub.advance(60_000);
  expect(await hub.getOrchestrationState(id)).toMatchObject({ output: startMs + 20_000 });
  finish();
  await working;
  await hub.advance(1_000);
  expect((await hub.getEntity(entity))?.state).toBe(11);
  await hub.close();
});
