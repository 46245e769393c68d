/** The world outside the processes: it sees which activities run, and gives each execution a number that no other has. */
import { type ActivityContext, defineActivity, systemHost } from "holdfast";
import type { MortalProcess } from "./mortal-process.ts";

/** What of the world a process has at hand: the `env` of its hub. */
export interface Outside {
  readonly world: World;
  readonly process: MortalProcess;
}

export class World {
  /** The idempotency key of each execution, by its number. */
  readonly keys: string[] = [];
  /** What activities have seen that they must not see, in words. */
  readonly complaints: string[] = [];
  /** Whether what was broken has been repaired. */
  isRepaired = false;
  readonly #onRecord = new Set<string>();
  readonly #keyOfTask = new Map<string, string>();

  /** Notes that a call of an activity is on record. */
  record(instanceId: string, taskId: number): void {
    this.#onRecord.add(`${instanceId} ${taskId}`);
  }

  /** Notes an execution, and gives its number. */
  execute({ instanceId, executionId, taskId, idempotencyKey: key }: ActivityContext): number {
    if (!this.#onRecord.has(`${instanceId} ${taskId}`))
      this.complaints.push(`${key} ran before its call was on record`);
    const task = `${instanceId} ${executionId} ${taskId}`;
    if ((this.#keyOfTask.get(task) ?? key) !== key) this.complaints.push(`${task} has had two idempotency keys`);
    this.#keyOfTask.set(task, key);
    return this.keys.push(key) - 1;
  }
}

function outsideOf(ctx: ActivityContext): Outside {
  return ctx.env as Outside;
}

/** The mark of one execution, as it stands in results: `«17»`. What the dead do leaves none. */
function markOf(ctx: ActivityContext): string {
  const { world, process } = outsideOf(ctx);
  return process.isDead ? "«dead»" : `«${world.execute(ctx)}»`;
}

/** Answers at once, with what it was given and the mark of this execution. */
export const work = defineActivity("work", (ctx, what: string) => `${what} ${markOf(ctx)}`);

/** As `work`, after a few turns of the event loop. */
export const slowWork = defineActivity("slowWork", async (ctx, what: string) => {
  for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => systemHost().afterIo(resolve));
  return `${what} ${markOf(ctx)}`;
});

/** Fails on its first attempts, as many as it is told. */
export const flakyWork = defineActivity("flakyWork", (ctx, failures: number) => {
  const mark = markOf(ctx);
  if (ctx.attempt <= failures) throw new Error(`attempt ${ctx.attempt}`);
  return `after ${failures} ${mark}`;
});

/** Fails until the world has been repaired. */
export const brokenWork = defineActivity("brokenWork", (ctx, what: string) => {
  const mark = markOf(ctx);
  if (!outsideOf(ctx).world.isRepaired) throw new Error("broken");
  return `${what} ${mark}`;
});
