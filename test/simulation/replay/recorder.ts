/** What the code of orchestrators saw, execution by execution: every start of the code has a log of its own. */
import type { OrchestrationContext } from "holdfast";

/** What each program is started with. */
export interface ProgramInput {
  /** Where it stands in the tree of calls: `m` for the one the test starts, `m.3` for what its third call started. */
  readonly path: string;
  readonly generation: number;
}

/** One start of an orchestrator's code, live or as a replay. */
export class Execution {
  /** The same for every execution of one generation, and of no other: the first number of its own stream. */
  readonly key: number;
  readonly path: string;
  readonly generation: number;
  readonly instanceId: string;
  readonly log: string[] = [];
  /** How many entries of the log were written while history was being replayed. */
  replayedCount = 0;
  /** True when the hub was closed over its head: what its last turn wrote may not have been committed. */
  isInterrupted = false;
  readonly #ctx: OrchestrationContext;

  constructor(ctx: OrchestrationContext, input: ProgramInput) {
    this.#ctx = ctx;
    this.key = ctx.random();
    this.path = input.path;
    this.generation = input.generation;
    this.instanceId = ctx.instanceId;
  }

  say(text: string): void {
    this.log.push(text);
    if (this.#ctx.isReplaying) this.replayedCount = this.log.length;
  }
}

export class Recorder {
  readonly executions: Execution[] = [];

  begin(ctx: OrchestrationContext, input: ProgramInput): Execution {
    const execution = new Execution(ctx, input);
    this.executions.push(execution);
    return execution;
  }

  /** The executions of each generation, in the order in which they began. */
  byKey(): Map<number, Execution[]> {
    return Map.groupBy(this.executions, (execution) => execution.key);
  }

  /** The instance that runs, or ran last, at a place of the tree. */
  instanceAt(path: string): string | undefined {
    return this.executions.findLast((execution) => execution.path === path)?.instanceId;
  }
}
