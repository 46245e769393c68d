/** What compiles of schedules, and what does not. Nothing in the bodies runs. */
import { defineOrchestrator, type ScheduleState, type TaskHub, type TaskHubClient } from "holdfast";
import { expectTypeOf, it } from "vitest";

const order = defineOrchestrator("order", async (_ctx, input: { readonly id: number }) => input.id);
const plain = defineOrchestrator("plain", async () => 1);

it("checks the input of a schedule, and its times", () => {
  const _code = (hub: TaskHub, client: TaskHubClient): void => {
    expectTypeOf(client.schedules).toEqualTypeOf(hub.schedules);
    const { schedules } = client;
    expectTypeOf(schedules.create({ id: "s", cron: "@daily", fn: order, input: { id: 1 } })).toEqualTypeOf<
      Promise<ScheduleState>
    >();
    void schedules.create({ id: "s", interval: { minutes: 1 }, fn: plain });
    void schedules.create({ id: "s", interval: 1_000, fn: "order", input: "whatever", overlap: "buffer" });
    // @ts-expect-error: the input has another type
    void schedules.create({ id: "s", cron: "@daily", fn: order, input: { id: "1" } });
    // @ts-expect-error: there must be an input
    void schedules.create({ id: "s", cron: "@daily", fn: order });
    // @ts-expect-error: one of cron and interval
    void schedules.create({ id: "s", fn: plain });
    // @ts-expect-error: not both
    void schedules.create({ id: "s", cron: "@daily", interval: 1_000, fn: plain });
    // @ts-expect-error: no such policy
    void schedules.create({ id: "s", cron: "@daily", fn: plain, overlap: "queue" });
    // @ts-expect-error: an id cannot be changed
    void schedules.update("s", { id: "t" });
  };
});
