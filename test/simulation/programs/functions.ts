/** Programs, their activities and their entities as definitions of a hub. What activities do is the world's to decide; who asks is told to it. */
import {
  type ActivityContext,
  type CancelableTask,
  defineActivity,
  defineEntity,
  defineOrchestrator,
  type EntityContext,
  type FunctionDefinition,
  type OrchestrationContext,
  type Task,
  whenAll,
  whenAny,
} from "holdfast";
import { awaitNull, drive, flow } from "../replay/promises.ts";
import { ACTIVITIES, type ActivityTraits } from "./activities.ts";
import { type ActivityCall, type ActivityInput, type ChildCall, interpret, type Surface } from "./interpret.ts";
import type { EntityOperation, Program, ProgramInput } from "./program.ts";
import { retryOf } from "./retry.ts";

/** What the functions of one process ask of the world. */
export interface FunctionPorts {
  /** Programs are written anew while the world runs: patches are in the new code only. */
  readonly isUpgraded: boolean;
  runActivity(ctx: ActivityContext, input: ActivityInput): unknown;
  /** What a slow operation waits for. */
  pause(): Promise<void>;
  /** Told whenever user code of an orchestration runs. */
  entered(ctx: OrchestrationContext, run: string): void;
  /** Told of every operation that is sent to a journal. */
  sent(operationId: string, operation: EntityOperation, isOrdered: boolean): void;
}

/** State of a journal: the ids of the operations that took effect, in order. */
export type Journal = readonly string[];

class ContextSurface implements Surface<Task<unknown>> {
  readonly #ctx: OrchestrationContext;
  readonly #ports: FunctionPorts;
  /** Children and calls of entities cannot be given up. */
  readonly #lasting = new WeakSet<Task<unknown>>();

  readonly #run: string;
  readonly #waits: CancelableTask<string>[] = [];

  constructor(ctx: OrchestrationContext, ports: FunctionPorts, run: string) {
    this.#ctx = ctx;
    this.#ports = ports;
    this.#run = run;
  }

  activity(input: ActivityInput, { name, retry, limits }: ActivityCall): Task<unknown> {
    this.#ports.entered(this.#ctx, this.#run);
    return this.#ctx.callActivity(name, input, { ...limits, ...(retry && { retry: retryOf(retry) }) });
  }
  timer(ms: number): Task<unknown> {
    return this.#ctx.createTimer(ms);
  }
  event(name: string, timeoutMs: number | undefined): Task<unknown> {
    const wait = this.#ctx.waitForExternalEvent<string>(name, timeoutMs === undefined ? {} : { timeout: timeoutMs });
    this.#waits.push(wait);
    return wait;
  }
  taken(): readonly string[] {
    return this.#waits.flatMap((wait) => (wait.isCompleted && !wait.isFailed && !wait.isCanceled ? wait.result : []));
  }
  child(input: ProgramInput, { program, id, retry, tags }: ChildCall): Task<unknown> {
    const options = {
      ...(id !== undefined && { instanceId: id }),
      ...(retry && { retry: retryOf(retry) }),
      ...(tags && { tags }),
    };
    return this.#last(this.#ctx.callSubOrchestrator(`p${program}`, input, options));
  }
  call(key: string, operation: EntityOperation, operationId: string): Task<unknown> {
    this.#ports.sent(operationId, operation, true);
    return this.#last(this.#ctx.callEntity({ name: "journal", key }, operation, operationId));
  }
  lock(keys: readonly string[]): Task<unknown> {
    return this.#ctx.lockEntities(...keys.map((key) => ({ name: "journal", key })));
  }
  all(tasks: readonly Task<unknown>[]): Task<unknown> {
    return whenAll(tasks);
  }
  any(tasks: readonly Task<unknown>[]): Task<unknown> {
    return whenAny(tasks);
  }
  cancel(task: Task<unknown>): void {
    if (!this.#lasting.has(task)) (task as CancelableTask<unknown>).cancel?.();
  }
  #last(task: Task<unknown>): Task<unknown> {
    this.#lasting.add(task);
    return task;
  }
  signal(key: string, operation: EntityOperation, operationId: string, delayMs: number | undefined): void {
    this.#ports.sent(operationId, operation, delayMs === undefined);
    const options = delayMs === undefined ? {} : { signalTime: delayMs };
    this.#ctx.signalEntity({ name: "journal", key }, operation, operationId, options);
  }
  send(to: "self" | "parent" | "nobody", name: string, id: string): void {
    const { instanceId, parent } = this.#ctx;
    const target = to === "self" ? instanceId : to === "parent" ? (parent?.instanceId ?? "nobody") : "nobody";
    this.#ctx.sendEvent(target, name, id);
  }
  setStatus(text: string): void {
    this.#ctx.setCustomStatus(text);
  }
  guid(): string {
    return this.#ctx.newGuid();
  }
  patched(id: string): boolean {
    return this.#ports.isUpgraded && this.#ctx.patched(id);
  }
  again(input: ProgramInput, { keepsEvents, nextVersion }: Program): void {
    const version = nextVersion === undefined ? {} : { newVersion: nextVersion };
    this.#ctx.continueAsNew(input, { preserveUnprocessedEvents: keepsEvents, ...version });
  }
}

function orchestratorOf(program: Program, index: number, ports: FunctionPorts): FunctionDefinition {
  const name = `p${index}`;
  const begin = (ctx: OrchestrationContext, input: ProgramInput): Generator<Task<unknown>, ProgramInput, unknown> => {
    ports.entered(ctx, input.run);
    return interpret(program, new ContextSurface(ctx, ports, input.run), input);
  };
  switch (program.shape) {
    case "generator":
      return defineOrchestrator(name, begin);
    case "async":
      return defineOrchestrator(name, (ctx, input: ProgramInput) => drive(begin(ctx, input)));
    default:
      return defineOrchestrator(name, (ctx, input: ProgramInput) => flow(begin(ctx, input)));
  }
}

/** Notes an operation; the length of the journal says how many came before it. */
function add(ctx: EntityContext<Journal>, id: string): number {
  ctx.state = [...ctx.state, id];
  return ctx.state.length;
}

const journalOf = ({ pause }: FunctionPorts): FunctionDefinition =>
  defineEntity("journal", {
    initialState: (): Journal => [],
    operations: {
      add,
      async slow(ctx, id: string) {
        await awaitNull(3, false);
        await pause();
        return add(ctx, id);
      },
      fail(ctx, id: string) {
        add(ctx, id);
        ctx.signalEntity({ name: "journal", key: "never" }, "add", id);
        throw new Error(`refused ${id}`);
      },
      relay(ctx, id: string) {
        ctx.signalEntity({ name: "journal", key: "relayed" }, "add", `${id}>`);
        return add(ctx, id);
      },
      spawn(ctx, id: string) {
        const input: ProgramInput = { run: `${id}>`, generation: 0, log: [], taken: [] };
        ctx.scheduleNewOrchestration("spawned", input, { instanceId: `spawned-${id.replaceAll(/[#>]/g, "-")}` });
        return add(ctx, id);
      },
      count: (ctx) => ctx.state.length,
    },
  });

/** What entities start. */
const spawned = defineOrchestrator("spawned", (_ctx, input: ProgramInput) => input);

/** The functions a process opens its hub with. */
export function functionsOf(programs: readonly Program[], ports: FunctionPorts): FunctionDefinition[] {
  return [
    ...programs.map((program, index) => orchestratorOf(program, index, ports)),
    journalOf(ports),
    spawned,
    ...Object.entries(ACTIVITIES).map(([name, traits]: [string, ActivityTraits]) => {
      const { limits, retry, ...bounds } = traits;
      return defineActivity({
        name,
        ...limits,
        ...bounds,
        ...(retry && { retry: retryOf(retry) }),
        run: (ctx, input: ActivityInput) => ports.runActivity(ctx, input),
      });
    }),
  ];
}
