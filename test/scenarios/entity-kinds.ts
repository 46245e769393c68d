/** The entities that scenarios use. */
import { defineEntity, type EntityContext } from "holdfast";

export const counter = defineEntity("counter", {
  initialState: () => 0,
  operations: {
    add(ctx, amount: number) {
      ctx.state += amount;
      return ctx.state;
    },
    get(ctx) {
      return ctx.state;
    },
    reset(ctx) {
      ctx.state = 0;
    },
  },
});

/** Keeps what it is told, in order; breaks on demand. */
export const journal = defineEntity("journal", {
  initialState: (): unknown[] => [],
  operations: {
    note(ctx, line: unknown) {
      ctx.state = [...ctx.state, line];
    },
    /** Takes several turns of the event loop between reading and writing. */
    async noteSlowly(ctx, line: unknown) {
      const before = ctx.state;
      for (let i = 0; i < 5; i++) await Promise.resolve();
      ctx.state = [...before, line];
    },
    read(ctx) {
      return ctx.state;
    },
    breakAfterWriting(ctx, line: unknown) {
      ctx.state.push(line);
      ctx.state = [...ctx.state, line];
      throw new RangeError(`no room for ${String(line)}`);
    },
    async breakLater(ctx, line: unknown) {
      ctx.state = [line];
      await Promise.resolve();
      throw new RangeError("broke later");
    },
  },
});

/** Holds one value, whatever it is, and gives back what it is given. */
export const box = defineEntity("box", {
  operations: {
    put(ctx: EntityContext<unknown>, value: unknown) {
      ctx.state = value;
    },
    take(ctx: EntityContext<unknown>) {
      return ctx.state;
    },
    remove(ctx: EntityContext<unknown>) {
      ctx.deleteState();
    },
    echo(_ctx: EntityContext<unknown>, value: unknown) {
      return value;
    },
    fail(_ctx: EntityContext<unknown>, message: string) {
      throw new TypeError(message);
    },
  },
});
