/**
 * The official Durable Task SDK for JavaScript on its in-memory backend, used as its README and unit-testing example do: async generator
 * orchestrators, `TestOrchestrationWorker` and `TestOrchestrationClient`. Its worker awaits every activity, so sync ones suit it best.
 *
 * Its test worker writes a line to the console for every event and takes no logger; the console is muted, in its favour.
 */
import { createRequire } from "node:module";
import {
  type ActivityContext,
  InMemoryOrchestrationBackend,
  type OrchestrationContext,
  type OrchestrationState,
  type Task,
  TestOrchestrationClient,
  TestOrchestrationWorker,
  type TOrchestrator,
  whenAll,
} from "@microsoft/durabletask-js";
import type { Bench, Meter, Round, Subject } from "../subject.ts";
import type { Variant, Workload } from "../workload.ts";

type Input = { readonly value: number; readonly steps: number };
/** What `callActivity` of these orchestrators gives back when it is yielded. */
type Code = AsyncGenerator<Task<unknown>, number, never>;

const HISTORY_EVENTS_MAX = 1_000_000;
/** Seconds; 0 waits for ever. */
const NO_TIMEOUT = 0;

const { version } = createRequire(import.meta.url)("@microsoft/durabletask-js/package.json") as { version: string };

export const subject: Subject = {
  version: `@microsoft/durabletask-js ${version}`,
  bench(_variant: Variant, meter: Meter): Bench {
    for (const method of ["debug", "info", "log", "warn"] as const) console[method] = () => {};
    return new DurableTaskBench(meter);
  },
};

/** A backend with its worker and client. */
interface Host {
  readonly backend: InMemoryOrchestrationBackend;
  readonly worker: TestOrchestrationWorker;
  readonly client: TestOrchestrationClient;
}

class DurableTaskBench implements Bench {
  readonly #addOne: (ctx: ActivityContext, value: number) => number;
  #waking: Waking | undefined;

  constructor(meter: Meter) {
    this.#addOne = function addOne(_ctx, value) {
      meter.tick();
      return value + 1;
    };
  }

  async round(workload: Workload): Promise<Round> {
    if (workload.kind === "replay") return this.#replay(workload.steps);
    const orchestrator = workload.kind === "fanOut" ? fanOut(this.#addOne) : sequential(this.#addOne);
    const { worker, client } = await this.#start(orchestrator);
    const instances = workload.kind === "instances" ? workload.instances : 1;
    return {
      async run() {
        const starts = Array.from({ length: instances }, (_, value) =>
          client.scheduleNewOrchestration(orchestrator, { value, steps: workload.steps } satisfies Input),
        );
        const ends = starts.map(async (start) =>
          outputOf(await client.waitForOrchestrationCompletion(await start, true, NO_TIMEOUT)),
        );
        return Promise.all(ends);
      },
      end: () => worker.stop(),
    };
  }

  /** An instance with a recorded history that is woken by an event: the SDK replays it from the beginning on every turn. */
  async #replay(steps: number): Promise<Round> {
    this.#waking ??= await Waking.record(await this.#start(waking(this.#addOne)), steps);
    const recorded = this.#waking;
    return {
      run: async () => [await recorded.wake()],
      async end() {},
    };
  }

  async #start(orchestrator: TOrchestrator): Promise<Host> {
    const backend = new InMemoryOrchestrationBackend(HISTORY_EVENTS_MAX);
    const worker = new TestOrchestrationWorker(backend);
    worker.addOrchestrator(orchestrator);
    worker.addActivity(this.#addOne);
    await worker.start();
    return { backend, worker, client: new TestOrchestrationClient(backend) };
  }
}

/** An instance that has run its activities and answers every event `go` with a new custom status. */
class Waking {
  readonly #host: Host;
  readonly #id: string;
  #count = 0;

  private constructor(host: Host, id: string) {
    this.#host = host;
    this.#id = id;
  }

  static async record(host: Host, steps: number): Promise<Waking> {
    const id = await host.client.scheduleNewOrchestration("waking", { value: 0, steps } satisfies Input);
    const recorded = new Waking(host, id);
    await recorded.#seen(0);
    return recorded;
  }

  /** Wakes the instance; gives the value that its replay came to. */
  async wake(): Promise<number> {
    this.#count++;
    await this.#host.client.raiseOrchestrationEvent(this.#id, "go", this.#count);
    return this.#seen(this.#count);
  }

  async #seen(count: number): Promise<number> {
    const instance = await this.#host.backend.waitForState(
      this.#id,
      ({ customStatus }) => customStatus !== undefined && statusOf(customStatus).count === count,
      NO_TIMEOUT,
    );
    return statusOf(instance?.customStatus ?? "{}").value;
  }
}

function statusOf(text: string): { readonly count: number; readonly value: number } {
  return JSON.parse(text) as { count: number; value: number };
}

function outputOf(state: OrchestrationState | undefined): unknown {
  state?.raiseIfFailed();
  return JSON.parse(state?.serializedOutput ?? "null") as unknown;
}

type AddOne = (ctx: ActivityContext, value: number) => number;

function sequential(addOne: AddOne): TOrchestrator {
  return async function* sequential(ctx: OrchestrationContext, input: Input): Code {
    let { value } = input;
    for (let step = 0; step < input.steps; step++) value = yield ctx.callActivity(addOne, value);
    return value;
  };
}

function fanOut(addOne: AddOne): TOrchestrator {
  return async function* fanOut(ctx: OrchestrationContext, input: Input): Code {
    const tasks: Task<number>[] = [];
    for (let step = 0; step < input.steps; step++) tasks.push(ctx.callActivity(addOne, step));
    const values: readonly number[] = yield whenAll(tasks);
    return values.reduce((sum, value) => sum + value, 0);
  };
}

function waking(addOne: AddOne): TOrchestrator {
  return async function* waking(ctx: OrchestrationContext, input: Input): Code {
    let { value } = input;
    for (let step = 0; step < input.steps; step++) value = yield ctx.callActivity(addOne, value);
    for (let count = 0; ; count = yield ctx.waitForExternalEvent("go")) ctx.setCustomStatus({ count, value });
  };
}
