/** Schedules on virtual time inside a Durable Object: cron times come from the library that is loaded on demand. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { defineOrchestrator } from "holdfast";
import { TestTaskHub } from "holdfast/testing";
import { expect, test } from "vitest";
import { DurableObjectStore } from "../../adapters/durable-objects/index.ts";

const nightly = defineOrchestrator("nightly", function* (ctx) {
  yield* ctx.createTimer({ minutes: 1 });
  return ctx.currentUtcDateTime;
});

test.each([
  ["cron", { cron: "0 3 * * *", timeZone: "Europe/Berlin" }, ["02:01", "02:01", "02:01", "02:01"]],
  ["an interval", { interval: { days: 1 } }, ["00:01", "00:01", "00:01"]],
])("a schedule by %s runs in a Durable Object, also after the hub was opened anew", async (_kind, when, times) => {
  const stub = env.TASK_HUBS.getByName(`schedules-${_kind}`);
  await runInDurableObject(stub, async (_, state) => {
    const options = { store: new DurableObjectStore(state.storage), functions: [nightly] };
    const first = await TestTaskHub.open(options);
    await first.schedules.create({ id: "report", fn: nightly, ...when });
    await first.advance({ days: 2, hours: 12 });
    const reopenedAt = first.now;
    await first.close();
    const second = await TestTaskHub.open({ ...options, startAt: reopenedAt });
    await second.advance({ hours: 24 });
    const ends: string[] = [];
    for await (const run of second.queryOrchestrations({ names: ["nightly"], statuses: ["Completed"] }))
      ends.push((run.output as Date).toISOString().slice(11, 16));
    expect(ends).toEqual(times);
    expect(await second.schedules.get("report")).toMatchObject({ runCount: times.length });
  });
});
