/** Orchestrations that end, fail and wait, and a hub that has an instance in each status. */
import { defineActivity, defineOrchestrator } from "holdfast";
import { run } from "../core/running.ts";
import type { Place } from "./place.ts";

const work = defineActivity("work", (_ctx, value: unknown) => value);
export const quick = defineOrchestrator("quick", (_ctx, input: unknown) => ({ input }));
const failing = defineOrchestrator("failing", () => {
  throw new Error("no");
});
export const waiting = defineOrchestrator("waiting", async (ctx, _input: unknown) => ctx.waitForExternalEvent("go"));
export const FUNCTIONS = [work, quick, failing, waiting];

export const EACH = ["Completed", "Failed", "Running", "Terminated", "Suspended", "Pending"] as const;

/** Opens a hub with one instance in each status an instance can be in, whose id is the status. */
export async function oneOfEach(place: Place) {
  const hub = await place.open(FUNCTIONS);
  await run(hub, quick, 1, { instanceId: "Completed" });
  await run(hub, failing, undefined, { instanceId: "Failed" });
  await run(hub, waiting, 1, { instanceId: "Running" });
  await run(hub, waiting, 1, { instanceId: "Terminated" });
  await hub.terminateOrchestration("Terminated", { output: "stop" });
  await run(hub, waiting, 1, { instanceId: "Suspended" });
  await hub.suspendOrchestration("Suspended");
  await hub.scheduleNewOrchestration(waiting, 1, {
    instanceId: "Pending",
    startAt: new Date(hub.now.getTime() + 60_000),
  });
  await hub.runUntilIdle();
  return hub;
}
