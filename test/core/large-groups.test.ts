/** What one instance with very many messages or calls costs, in counts. */
import { defineEntity, defineOrchestrator, MemoryStore } from "holdfast";
import { expect, it, vi } from "vitest";
import type { ActivityJob } from "../../core/hub/activity-attempt.ts";
import { EntityTurn } from "../../core/hub/entity-turn.ts";
import { Group } from "../../core/hub/group.ts";
import { LiveInstance } from "../../core/hub/live-instance.ts";
import { openHub, run, stateOf } from "./running.ts";

const COUNT = 2_000;

it("calls that one commit starts and cancels are looked at a few times each", () => {
  const group = new Group();
  const draft = group.draft(new LiveInstance("i"), 0);
  let lookCount = 0;
  const job = (eventId: number): ActivityJob => ({
    get instanceId() {
      lookCount++;
      return "i";
    },
    executionId: "e",
    event: { type: "TaskScheduled", eventId, timestamp: new Date(0), name: "work" },
  });
  for (let n = 0; n < COUNT; n++) group.start(draft, job(n));
  for (let n = 0; n < COUNT - 1; n++)
    group.cancel({ instanceId: "i", executionId: "e", taskId: n, reason: "not needed" });
  expect(group.jobs.map(({ event }) => event.eventId)).toEqual([COUNT - 1]);
  group.cancel({ instanceId: "i", executionId: "e", reason: "over" });
  group.start(draft, job(7));
  expect(group.jobs.map(({ event }) => event.eventId)).toEqual([7]);
  expect(lookCount).toBeLessThanOrEqual(8 * COUNT);
});

it("messages to an entity that is locked wait without being looked at again, and are taken in order", async () => {
  const log = defineEntity("log", {
    operations: {
      add(ctx, n: number) {
        ctx.state = { count: ((ctx.state as { count: number } | undefined)?.count ?? 0) + 1, last: n };
      },
    },
  });
  const holder = defineOrchestrator("holder", async (ctx) => {
    const lock = await ctx.lockEntities("@log@l");
    await ctx.waitForExternalEvent("go");
    lock.release();
  });
  const hub = await openHub([log, holder], { store: new MemoryStore() });
  await run(hub, holder, undefined, { instanceId: "holder" });
  const runs = vi.spyOn(EntityTurn.prototype, "run");
  for (let n = 0; n < COUNT; n++) await hub.signalEntity("@log@l", "add", n);
  expect(runs).not.toHaveBeenCalled();
  await hub.raiseOrchestrationEvent("holder", "go");
  await hub.runUntilIdle();
  expect((await hub.getEntity("@log@l"))?.state).toEqual({ count: COUNT, last: COUNT - 1 });
  expect((await stateOf(hub, "holder")).runtimeStatus).toBe("Completed");
  runs.mockRestore();
});
