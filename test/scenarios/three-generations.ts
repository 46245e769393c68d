/** A parent, its child `middle` and its grandchild `kid`, which waits for the event `go`. */
import { defineOrchestrator } from "holdfast";

export const waiting = defineOrchestrator("waiting", async (ctx) => ctx.waitForExternalEvent<string>("go"));
export const middle = defineOrchestrator("middle", async (ctx) =>
  ctx.callSubOrchestrator(waiting, undefined, { instanceId: "kid" }),
);
export const top = defineOrchestrator("top", async (ctx) =>
  ctx.callSubOrchestrator(middle, undefined, { instanceId: "middle" }),
);
export const threeGenerations = [waiting, middle, top];
