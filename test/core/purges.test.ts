/** Purges whose instances change while they are being chosen. */
import { defineOrchestrator } from "holdfast";
import { expect, it } from "vitest";
import { GatedStore } from "./gated-store.ts";
import { openHub, stateOf } from "./running.ts";

const parent = defineOrchestrator("parent", async (ctx) => {
  if (await ctx.waitForExternalEvent<boolean>("fails")) throw new Error("as told");
  return "all is well";
});

it("a purge by status leaves alone what has taken the id of an instance that it has chosen", async () => {
  const store = new GatedStore();
  const hub = await openHub([parent], { store });
  const end = async (fails: boolean): Promise<void> => {
    await hub.raiseOrchestrationEvent("i", "fails", fails);
    await hub.runUntilIdle();
  };
  await hub.scheduleNewOrchestration(parent, undefined, { instanceId: "i" });
  await end(true);
  store.hold("history");
  const purge = hub.purgeOrchestration({ statuses: ["Failed"] }, { recursive: true });
  await expect.poll(() => store.heldCount("history")).toBe(1);
  await hub.restartOrchestration("i");
  await end(false);
  store.release("history");
  expect(await purge).toEqual({ deletedInstanceCount: 0, isComplete: true });
  expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: "all is well" });
});
