/** Functions that show, in what they return, how often and in which order things took effect. */
import { defineActivity, defineEntity, defineOrchestrator, whenAll } from "holdfast";

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What an execution of `mark` gives: a number that no other gives, by which it can be told which execution's result was recorded. */
export interface Mark {
  readonly step: number;
  readonly nonce: string;
}

/** What `mark` does. */
export async function makeMark(step: number): Promise<Mark> {
  await pause(2 + (step % 7));
  return { step, nonce: crypto.randomUUID() };
}

export const mark = defineActivity("mark", (_ctx, step: number) => makeMark(step));

export const finished = defineEntity("finished", {
  initialState: () => [] as string[],
  operations: {
    add(ctx, id: string) {
      ctx.state.push(id);
    },
  },
});

export const inner = defineOrchestrator("inner", function* (ctx, step: number) {
  yield* ctx.createTimer(5);
  return yield* ctx.callActivity(mark, step);
});

/** What a journey answers. */
export interface JourneyOutput {
  readonly name: string;
  readonly approval: string;
  readonly marks: readonly Mark[];
}

/** Fan-out, an approval, a child, a sequence, and one signal at the end. */
export const journey = defineOrchestrator("journey", async (ctx, name: string): Promise<JourneyOutput> => {
  ctx.setCustomStatus("marking");
  const marks = [...(await whenAll([1, 2, 3].map((step) => ctx.callActivity(mark, step))))];
  ctx.setCustomStatus("waiting");
  const approval = await ctx.waitForExternalEvent<string>("Approval");
  ctx.setCustomStatus("finishing");
  marks.push(await ctx.callSubOrchestrator(inner, 4));
  for (let step = 5; step <= 7; step++) marks.push(await ctx.callActivity(mark, step));
  ctx.signalEntity("@finished@all", "add", name);
  return { name, approval, marks };
});

export const functions = [mark, finished, inner, journey];
