/** A rewind that comes while the turn that failed is still being written. */
import { defineOrchestrator } from "holdfast";
import { expect, it, vi } from "vitest";
import { GatedStore } from "./gated-store.ts";
import { openHub, stateOf, typesOf } from "./running.ts";

it("goes on from the whole history, the last turn included", async () => {
  let fails = true;
  const failing = defineOrchestrator("failing", async (ctx) => {
    const value = await ctx.waitForExternalEvent<string>("go");
    if (fails) throw new Error("not yet");
    return value;
  });
  const store = new GatedStore();
  const hub = await openHub([failing], { store });
  await hub.scheduleNewOrchestration(failing, undefined, { instanceId: "i" });
  store.hold("commit");
  const raised = hub.raiseOrchestrationEvent("i", "go", "gone");
  await vi.waitFor(() => expect(store.heldCount("commit")).toBe(1));
  fails = false;
  const rewound = hub.rewindOrchestration("i");
  await new Promise<void>((resolve) => setImmediate(resolve));
  store.release("commit");
  await Promise.all([raised, rewound]);
  await hub.advance(0);
  expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: "gone" });
  expect(typesOf(await hub.getOrchestrationHistory("i"))).toContain("EventRaised");
});
