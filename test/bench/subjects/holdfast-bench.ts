/** Holdfast over any of its stores, as a user of the package sees it. Runs in Node and in workerd. */
import {
  type ActivityDefinition,
  defineActivity,
  defineOrchestrator,
  type HistoryEvent,
  type HubStore,
  type OrchestratorDefinition,
  type Task,
  TaskHub,
  whenAll,
} from "holdfast";
import { replayHistory } from "holdfast/testing";
import type { Bench, Meter, Round } from "../subject.ts";
import type { Variant, Workload } from "../workload.ts";

/** A store for one round: new, empty, and thrown away afterwards. */
export interface BenchStore {
  readonly store: HubStore;
  discard(): Promise<void>;
}

type AddOne = ActivityDefinition<number, number>;
type Input = { readonly value: number; readonly steps: number };
type Orchestrator = OrchestratorDefinition<Input, number>;

/** The three orchestrators in one shape of code. */
interface Orchestrators {
  readonly sequential: Orchestrator;
  readonly fanOut: Orchestrator;
  /** Sequential, and then waits for an event `go`. */
  readonly waiting: Orchestrator;
}

const LIMITS = { historyEventsMax: 1_000_000 };

/** Holdfast over new stores of one kind, made ready for one line. */
export class HoldfastBench implements Bench {
  readonly #newStore: () => Promise<BenchStore>;
  readonly #orchestrators: Orchestrators;
  readonly #addOne: AddOne;
  readonly #reopens: boolean;
  #history: readonly HistoryEvent[] | undefined;

  constructor(variant: Variant, meter: Meter, newStore: () => Promise<BenchStore>) {
    this.#newStore = newStore;
    const add = (value: number): number => {
      meter.tick();
      return value + 1;
    };
    this.#addOne =
      variant.activities === "async"
        ? defineActivity("addOne", async (_ctx, value: number) => add(value))
        : defineActivity("addOne", (_ctx, value: number) => add(value));
    this.#orchestrators = orchestratorsOf(variant.code, this.#addOne);
    this.#reopens = variant.code.endsWith("reopened hub");
  }

  async round(workload: Workload): Promise<Round> {
    if (workload.kind !== "replay") return this.#live(workload);
    return this.#reopens ? this.#reopened(workload.steps) : this.#replayed(workload.steps);
  }

  /** A new hub that runs the workload from its start. */
  async #live(workload: Exclude<Workload, { kind: "replay" }>): Promise<Round> {
    const kept = await this.#newStore();
    const orchestrator = this.#orchestrators[workload.kind === "fanOut" ? "fanOut" : "sequential"];
    const hub = await this.#open(kept.store, orchestrator);
    const instances = workload.kind === "instances" ? workload.instances : 1;
    return {
      async run() {
        const starts = Array.from({ length: instances }, (_, value) =>
          hub.scheduleNewOrchestration(orchestrator, { value, steps: workload.steps }),
        );
        const ends = starts.map(async (start) => outputOf(await hub.waitForOrchestrationCompletion(await start)));
        return Promise.all(ends);
      },
      async end() {
        await hub.close();
        await kept.discard();
      },
    };
  }

  /** A recorded history, held against its code by `replayHistory`, which compares every step and the result. */
  async #replayed(steps: number): Promise<Round> {
    const { sequential } = this.#orchestrators;
    this.#history ??= await this.#record(steps);
    const history = this.#history;
    return {
      async run() {
        await replayHistory(sequential, history);
        return [steps];
      },
      async end() {},
    };
  }

  async #record(steps: number): Promise<readonly HistoryEvent[]> {
    const { sequential } = this.#orchestrators;
    const kept = await this.#newStore();
    const hub = await this.#open(kept.store, sequential);
    const id = await hub.scheduleNewOrchestration(sequential, { value: 0, steps });
    await hub.waitForOrchestrationCompletion(id);
    const history = await hub.getOrchestrationHistory(id);
    await hub.close();
    await kept.discard();
    return history;
  }

  /** A hub that is opened over the store of a closed one: the waiting instance is replayed when its event comes. */
  async #reopened(steps: number): Promise<Round> {
    const { waiting } = this.#orchestrators;
    const kept = await this.#newStore();
    const first = await this.#open(kept.store, waiting);
    const id = await first.scheduleNewOrchestration(waiting, { value: 0, steps });
    for await (const { customStatus } of pollState(first, id)) if (customStatus === "waiting") break;
    await first.close();
    let second: TaskHub | undefined;
    return {
      run: async () => {
        second = await this.#open(kept.store, waiting);
        await second.raiseOrchestrationEvent(id, "go");
        return [outputOf(await second.waitForOrchestrationCompletion(id))];
      },
      async end() {
        await second?.close();
        await kept.discard();
      },
    };
  }

  #open(store: HubStore, orchestrator: Orchestrator): Promise<TaskHub> {
    return TaskHub.open({ name: "bench", store, functions: [orchestrator, this.#addOne], limits: LIMITS });
  }
}

async function* pollState(hub: TaskHub, id: string): AsyncGenerator<{ readonly customStatus?: unknown }> {
  for (;;) {
    yield (await hub.getOrchestrationState(id)) ?? {};
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function outputOf(state: {
  readonly runtimeStatus: string;
  readonly output?: unknown;
  readonly failure?: unknown;
}): unknown {
  if (state.runtimeStatus === "Completed") return state.output;
  throw new Error(`An orchestration ended as ${state.runtimeStatus}: ${JSON.stringify(state.failure)}`);
}

function orchestratorsOf(code: string, addOne: AddOne): Orchestrators {
  if (code.startsWith("async function")) return asyncFunctions(addOne);
  return code.startsWith("async generator") ? asyncGenerators(addOne) : generators(addOne);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function asyncFunctions(addOne: AddOne): Orchestrators {
  return {
    sequential: defineOrchestrator("sequential", async (ctx, input: Input) => {
      let { value } = input;
      for (let step = 0; step < input.steps; step++) value = await ctx.callActivity(addOne, value);
      return value;
    }),
    fanOut: defineOrchestrator("fanOut", async (ctx, input: Input) => {
      const tasks: Task<number>[] = [];
      for (let step = 0; step < input.steps; step++) tasks.push(ctx.callActivity(addOne, step));
      return sum(await whenAll(tasks));
    }),
    waiting: defineOrchestrator("waiting", async (ctx, input: Input) => {
      let { value } = input;
      for (let step = 0; step < input.steps; step++) value = await ctx.callActivity(addOne, value);
      ctx.setCustomStatus("waiting");
      await ctx.waitForExternalEvent("go");
      return value;
    }),
  };
}

function generators(addOne: AddOne): Orchestrators {
  return {
    sequential: defineOrchestrator("sequential", function* (ctx, input: Input) {
      let { value } = input;
      for (let step = 0; step < input.steps; step++) value = yield* ctx.callActivity(addOne, value);
      return value;
    }),
    fanOut: defineOrchestrator("fanOut", function* (ctx, input: Input) {
      const tasks: Task<number>[] = [];
      for (let step = 0; step < input.steps; step++) tasks.push(ctx.callActivity(addOne, step));
      return sum(yield* whenAll(tasks));
    }),
    waiting: defineOrchestrator("waiting", function* (ctx, input: Input) {
      let { value } = input;
      for (let step = 0; step < input.steps; step++) value = yield* ctx.callActivity(addOne, value);
      ctx.setCustomStatus("waiting");
      yield* ctx.waitForExternalEvent("go");
      return value;
    }),
  };
}

function asyncGenerators(addOne: AddOne): Orchestrators {
  return {
    sequential: defineOrchestrator("sequential", async function* (ctx, input: Input) {
      let { value } = input;
      for (let step = 0; step < input.steps; step++) value = (yield ctx.callActivity(addOne, value)) as number;
      return value;
    }),
    fanOut: defineOrchestrator("fanOut", async function* (ctx, input: Input) {
      const tasks: Task<number>[] = [];
      for (let step = 0; step < input.steps; step++) tasks.push(ctx.callActivity(addOne, step));
      return sum((yield whenAll(tasks)) as number[]);
    }),
    waiting: defineOrchestrator("waiting", async function* (ctx, input: Input) {
      let { value } = input;
      for (let step = 0; step < input.steps; step++) value = (yield ctx.callActivity(addOne, value)) as number;
      ctx.setCustomStatus("waiting");
      yield ctx.waitForExternalEvent("go");
      return value;
    }),
  };
}
