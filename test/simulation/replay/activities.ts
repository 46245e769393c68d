/** The activities and the entity that programs call. Some activities finish when the environment says so, in whatever order it likes. */
import {
  type ActivityContext,
  defineActivity,
  defineEntity,
  type EntityContext,
  type FunctionDefinition,
  NonRetriableError,
} from "holdfast";
import type { ActivityInput } from "./interpret.ts";
import { awaitNull } from "./promises.ts";

/** A sum that grows at once, after some hops, or not at all. */
const tally = defineEntity("tally", {
  initialState: () => 0,
  operations: {
    add: (ctx: EntityContext<number>, value: number) => {
      ctx.state += value;
      return ctx.state;
    },
    slow: async (ctx: EntityContext<number>, value: number) => {
      await awaitNull(5, false);
      ctx.state += value;
      return ctx.state;
    },
    fail: (ctx: EntityContext<number>) => {
      throw new Error(`the tally stays at ${ctx.state}`);
    },
  },
});

export class Activities {
  /** Ends attempts that are under way, by call and attempt. */
  readonly #open = new Map<string, () => void>();

  readonly definitions: readonly FunctionDefinition[] = [
    defineActivity("sync", outcome),
    defineActivity({
      name: "hops",
      retry: { maxAttempts: 2, firstRetryInterval: 50 },
      run: async (ctx, input: ActivityInput) => {
        await awaitNull(input.hops, false);
        return outcome(ctx, input);
      },
    }),
    defineActivity("open", async (ctx, input: ActivityInput) => {
      await new Promise<void>((resolve) => this.#open.set(`${input.call}@${ctx.attempt}`, resolve));
      return outcome(ctx, input);
    }),
    tally,
  ];

  /** Attempts that can be ended now, in an order that depends on the calls alone. */
  get open(): readonly string[] {
    return [...this.#open.keys()].sort();
  }

  end(attempt: string): void {
    this.#open.get(attempt)?.();
    this.#open.delete(attempt);
  }
}

function outcome(ctx: ActivityContext, { id, failures, isFinalFailure }: ActivityInput): number {
  if (ctx.attempt > failures) return id;
  const message = `attempt ${ctx.attempt} of ${id}`;
  throw isFinalFailure ? new NonRetriableError(message) : new Error(message);
}
