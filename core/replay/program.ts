/**
 * Drives the three shapes of orchestrator code. A generator is resumed synchronously, exactly when the task it yielded is settled;
 * an async function or async generator resumes itself through the promises of the tasks it awaits.
 *
 * The code of a generator goes on through tasks only. Nothing waits for promises of its own: a callback on a task is called in its place, but an
 * async helper that it starts and that waits for a task is outside the turn, and fails the orchestration.
 */
import { OrchestratorRuleError } from "../errors.ts";
import { TaskNode } from "./task.ts";

/** Where a program reports its end. */
export interface ProgramHost {
  succeeded(value: unknown): void;
  failed(error: unknown): void;
  /** Says that promises of user code are under way. */
  hasWoken: boolean;
}

/** A generator that waits for a task, as far as the run has to do with it. */
export interface SynchronousProgram {
  /** Goes on as long as the yielded task is settled. */
  resume(): void;
  readonly isWaiting: boolean;
}

/** Calls the orchestrator's code. Gives a program when it has to be resumed from outside. */
export function startProgram(code: () => unknown, host: ProgramHost): SynchronousProgram | undefined {
  let output: unknown;
  try {
    output = code();
  } catch (error) {
    host.failed(error);
    return undefined;
  }
  switch (shapeOf(output)) {
    case "generator":
      return new GeneratorProgram(output as Generator<unknown, unknown, unknown>, host);
    case "asyncGenerator":
      host.hasWoken = true;
      drain(output as AsyncGenerator<unknown, unknown, unknown>).then(
        (value) => host.succeeded(value),
        (error) => host.failed(error),
      );
      return undefined;
    case "promise":
      host.hasWoken = true;
      (output as PromiseLike<unknown>).then(
        (value) => host.succeeded(value),
        (error) => host.failed(error),
      );
      return undefined;
    default:
      host.succeeded(output);
      return undefined;
  }
}

function shapeOf(output: unknown): "generator" | "asyncGenerator" | "promise" | "value" {
  if (typeof output !== "object" || output === null) return "value";
  const tag = Object.prototype.toString.call(output);
  if (tag === "[object Generator]") return "generator";
  if (tag === "[object AsyncGenerator]") return "asyncGenerator";
  return typeof (output as { then?: unknown }).then === "function" ? "promise" : "value";
}

/** `yield task` in an async generator: JavaScript awaits the operand itself, so its result comes out and goes back in. */
async function drain(generator: AsyncGenerator<unknown, unknown, unknown>): Promise<unknown> {
  let step = await generator.next();
  while (!step.done) step = await generator.next(step.value);
  return step.value;
}

class GeneratorProgram implements SynchronousProgram {
  readonly #generator: Generator<unknown, unknown, unknown>;
  readonly #host: ProgramHost;
  #waitingFor: TaskNode<unknown> | undefined;
  #isStarted = false;

  constructor(generator: Generator<unknown, unknown, unknown>, host: ProgramHost) {
    this.#generator = generator;
    this.#host = host;
  }

  get isWaiting(): boolean {
    return this.#waitingFor !== undefined;
  }

  resume(): void {
    if (this.#isStarted && !this.#waitingFor) return;
    this.#isStarted = true;
    try {
      while (!this.#waitingFor?.isPending) {
        const task = this.#waitingFor;
        this.#waitingFor = undefined;
        const step = task?.error ? this.#generator.throw(task.error) : this.#generator.next(task?.result);
        if (step.done) {
          this.#host.succeeded(step.value);
          return;
        }
        if (!(step.value instanceof TaskNode)) {
          const kind = step.value === null ? "null" : typeof step.value;
          throw new OrchestratorRuleError(
            "yieldedNonTask",
            `The orchestrator generator yielded a non-Task object (${kind}). Yield only what ctx.callActivity and its like, whenAll or whenAny return; call other functions without yield.`,
          );
        }
        this.#waitingFor = step.value;
      }
    } catch (error) {
      this.#waitingFor = undefined;
      this.#host.failed(error);
    }
  }
}
