/**
 * Resonate in local mode (`new Resonate()` without a server), with either of its engines as its README shows them: generators with
 * `yield* ctx.run(…)` and `ctx.beginRun(…)`, async functions with `await ctx.run(…)` and `Promise.all`.
 */
import { createRequire } from "node:module";
import { type Context, Resonate } from "@resonatehq/sdk";
import { type Context as AsyncContext, Resonate as AsyncResonate } from "@resonatehq/sdk/async";
import type { Bench, Meter, Round, Subject } from "../subject.ts";
import type { Variant, Workload } from "../workload.ts";

const { version } = createRequire(import.meta.url)("@resonatehq/sdk/package.json") as { version: string };

export const subject: Subject = {
  version: `@resonatehq/sdk ${version}`,
  bench(variant: Variant, meter: Meter): Bench {
    const open = variant.code.startsWith("generator") ? openGenerators : openAsyncFunctions;
    return {
      async round(workload: Workload): Promise<Round> {
        const waiting = Promise.withResolvers<string>();
        const engine = open({ tick: () => meter.tick(), waitsFor: waiting.resolve });
        if (workload.kind === "replay") return replay(engine, waiting.promise, workload.steps);
        const name = workload.kind === "fanOut" ? "fanOut" : "sequential";
        const instances = workload.kind === "instances" ? workload.instances : 1;
        return {
          run: () =>
            Promise.all(
              Array.from({ length: instances }, async (_, value) => {
                const handle = await engine.start(name, `${name}-${value}`, value, workload.steps);
                return handle.result();
              }),
            ),
          end: () => engine.resonate.stop(),
        };
      },
    };
  },
};

/** A workflow that has run its activities and waits for a promise; settling that runs the workflow again from its beginning. */
async function replay(engine: Engine, waitsFor: Promise<string>, steps: number): Promise<Round> {
  const handle = await engine.start("waiting", "waiting", 0, steps);
  const promiseId = await waitsFor;
  // Until the workflow has been put to sleep; local mode does that in the event loop's next turns.
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setTimeout(resolve));
  return {
    async run() {
      await engine.resonate.promises.resolve(promiseId);
      return [await handle.result()];
    },
    end: () => engine.resonate.stop(),
  };
}

interface Engine {
  readonly resonate: Resonate | AsyncResonate;
  start(
    name: "sequential" | "fanOut" | "waiting",
    id: string,
    value: number,
    steps: number,
  ): Promise<{ result(): Promise<unknown> }>;
}

/** What workflows tell the benchmark. */
interface Probe {
  tick(): void;
  /** The id of the promise that the workflow `waiting` waits for. */
  waitsFor(promiseId: string): void;
}

function openGenerators(probe: Probe): Engine {
  const resonate = new Resonate();
  const addOne = (_ctx: Context, value: number): number => {
    probe.tick();
    return value + 1;
  };
  resonate.register("sequential", function* (ctx: Context, input: number, steps: number) {
    let value = input;
    for (let step = 0; step < steps; step++) value = yield* ctx.run(addOne, value);
    return value;
  });
  resonate.register("fanOut", function* (ctx: Context, _input: number, steps: number) {
    const futures = [];
    for (let step = 0; step < steps; step++) futures.push(yield* ctx.beginRun(addOne, step));
    let sum = 0;
    for (const future of futures) sum += yield* future;
    return sum;
  });
  resonate.register("waiting", function* (ctx: Context, input: number, steps: number) {
    let value = input;
    for (let step = 0; step < steps; step++) value = yield* ctx.run(addOne, value);
    const go = yield* ctx.promise();
    probe.waitsFor(go.id);
    yield* go;
    return value;
  });
  return { resonate, start: (name, id, value, steps) => resonate.beginRun(id, name, value, steps) };
}

function openAsyncFunctions(probe: Probe): Engine {
  const resonate = new AsyncResonate();
  const addOne = (_info: unknown, value: number): number => {
    probe.tick();
    return value + 1;
  };
  resonate.register("sequential", async (ctx: AsyncContext, input: number, steps: number) => {
    let value = input;
    for (let step = 0; step < steps; step++) value = await ctx.run(addOne, value);
    return value;
  });
  resonate.register("fanOut", async (ctx: AsyncContext, _input: number, steps: number) => {
    const results = await Promise.all(Array.from({ length: steps }, (_, step) => ctx.run(addOne, step)));
    return results.reduce((sum, value) => sum + value, 0);
  });
  resonate.register("waiting", async (ctx: AsyncContext, input: number, steps: number) => {
    let value = input;
    for (let step = 0; step < steps; step++) value = await ctx.run(addOne, value);
    const go = ctx.promise();
    probe.waitsFor(go.id);
    await go;
    return value;
  });
  return { resonate, start: (name, id, value, steps) => resonate.run(id, name, value, steps) };
}
