/** What the tabs of the tests run. */
import { defineActivity, defineEntity, defineOrchestrator, type FunctionDefinition } from "holdfast";

export const echo = defineActivity("echo", (_ctx, value: string) => value);
export const greet = defineOrchestrator(
  "greet",
  async (ctx, name: string) => `Hello, ${await ctx.callActivity(echo, name)}!`,
);
/** Collects events until one says "stop". */
export const collect = defineOrchestrator("collect", async (ctx) => {
  const heard: string[] = [];
  for (;;) {
    const event = await ctx.waitForExternalEvent<string>("said");
    if (event === "stop") return heard;
    heard.push(event);
    ctx.setCustomStatus(heard.length);
  }
});
/** Remembers everything it was told, in order. */
export const log = defineEntity("log", {
  initialState: (): string[] => [],
  operations: {
    add(ctx, entry: string) {
      ctx.state.push(entry);
    },
  },
});
export const sleeper = defineOrchestrator("sleeper", async (ctx, seconds: number) => {
  await ctx.createTimer({ seconds });
  return ctx.currentUtcDateTime;
});
export const functions: readonly FunctionDefinition[] = [echo, greet, collect, log, sleeper];
