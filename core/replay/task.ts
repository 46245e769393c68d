/**
 * Tasks: what an orchestrator waits for. A task is settled only by the replay core, from recorded events.
 *
 * T1. A task settles once, synchronously; whoever waits for it is told in the order in which it began to wait.
 * T2. The promise behind `await` is made when it is first asked for, is a native promise, and never causes an unhandled rejection by itself,
 *     nor does what `then` without a handler of rejections, or `finally`, makes of it.
 * T3. The owner knows how many pending tasks are being awaited: an orchestrator that waits for none of them waits for something foreign.
 */
import { InvalidArgumentError, TaskCanceledError } from "../errors.ts";

/** The eventual outcome of a durable call. Await it, `yield` it (`yield*` keeps its type), or look at it. */
export interface Task<T> extends PromiseLike<T> {
  /** True once it has completed or failed. */
  readonly isCompleted: boolean;
  readonly isFailed: boolean;
  /** The result. Throws the task's error when it failed or was cancelled, and `InvalidArgumentError` while it is open. */
  readonly result: T;
  /** The error of a failed task. */
  readonly error: Error | undefined;
  catch<R = never>(onRejected?: ((reason: unknown) => R | PromiseLike<R>) | null): Promise<T | R>;
  finally(onFinally?: (() => void) | null): Promise<T>;
  [Symbol.iterator](): Generator<Task<unknown>, T, unknown>;
}

/** A task that the orchestrator can give up. */
export interface CancelableTask<T> extends Task<T> {
  readonly isCanceled: boolean;
  /** Gives it up: awaiting it rejects with `TaskCanceledError`, and it never wins a `whenAny`. Does nothing once it is settled. */
  cancel(): void;
}

/** What a task tells the run it belongs to. */
export interface TaskOwner {
  /** Pending tasks that somebody awaits. */
  awaitedCount: number;
  /** Set when promises that user code waits for were settled: microtasks of the orchestrator are under way. */
  hasWoken: boolean;
  /** Told that user code asks for the outcome of a task; outside a turn it breaks a rule. */
  awaits(): void;
}

type State = "pending" | "completed" | "failed" | "canceled";
interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}
const ignore = (): void => {};

/** The one implementation of tasks; subclasses add what settles them. */
export class TaskNode<T> implements CancelableTask<T> {
  #state: State = "pending";
  #value: T | undefined;
  #error: Error | undefined;
  #deferred: Deferred<T> | undefined;
  #watchers: ((task: TaskNode<unknown>) => void)[] | undefined;
  readonly #owner: TaskOwner | undefined;

  constructor(owner: TaskOwner | undefined) {
    this.#owner = owner;
  }

  get owner(): TaskOwner | undefined {
    return this.#owner;
  }
  get isPending(): boolean {
    return this.#state === "pending";
  }
  get isCompleted(): boolean {
    return this.#state === "completed" || this.#state === "failed";
  }
  get isFailed(): boolean {
    return this.#state === "failed";
  }
  get isCanceled(): boolean {
    return this.#state === "canceled";
  }
  get error(): Error | undefined {
    return this.#error;
  }
  get result(): T {
    if (this.#state === "completed") return this.#value as T;
    if (this.#error) throw this.#error;
    throw new InvalidArgumentError(
      "This task has not completed yet, so it has no result. Await it, or look at isCompleted first.",
    );
  }

  /** Calls back when the task settles, at once if it already has. */
  watch(watcher: (task: TaskNode<unknown>) => void): void {
    if (this.#state !== "pending") watcher(this as TaskNode<unknown>);
    else if (this.#watchers) this.#watchers.push(watcher);
    else this.#watchers = [watcher];
  }

  // biome-ignore lint/suspicious/noThenProperty: a task is awaited like a promise.
  then<R1 = T, R2 = never>(
    onFulfilled?: ((value: T) => R1 | PromiseLike<R1>) | null,
    onRejected?: ((reason: unknown) => R2 | PromiseLike<R2>) | null,
  ): Promise<R1 | R2> {
    const outcome = this.#promise().then(onFulfilled, onRejected);
    if (!onRejected) outcome.catch(ignore);
    return outcome;
  }
  catch<R = never>(onRejected?: ((reason: unknown) => R | PromiseLike<R>) | null): Promise<T | R> {
    return this.#promise().catch(onRejected);
  }
  finally(onFinally?: (() => void) | null): Promise<T> {
    const outcome = this.#promise().finally(onFinally);
    outcome.catch(ignore);
    return outcome;
  }
  *[Symbol.iterator](): Generator<Task<unknown>, T, unknown> {
    yield this;
    return this.result;
  }

  complete(value: T): void {
    if (this.#state === "pending") this.#settle("completed", value, undefined);
  }
  fail(error: Error): void {
    if (this.#state === "pending") this.#settle("failed", undefined, error);
  }
  /** Marks it cancelled; subclasses also withdraw what they asked for. */
  cancel(): void {
    if (this.#state !== "pending") return;
    this.#settle("canceled", undefined, new TaskCanceledError(`${this.describe()} was cancelled by the orchestrator.`));
  }
  /** What it is, for messages. */
  protected describe(): string {
    return "The task";
  }

  #promise(): Promise<T> {
    this.#owner?.awaits();
    if (this.#owner && this.#state !== "pending") this.#owner.hasWoken = true;
    if (this.#deferred) return this.#deferred.promise;
    let resolve: (value: T) => void = ignore;
    let reject: (error: Error) => void = ignore;
    const promise = new Promise<T>((res, rej) => {
      resolve = res;
      reject = rej;
    });
    this.#deferred = { promise, resolve, reject };
    if (this.#state === "pending") {
      if (this.#owner) this.#owner.awaitedCount++;
    } else if (this.#error) reject(this.#error);
    else resolve(this.#value as T);
    return promise;
  }

  #settle(state: State, value: T | undefined, error: Error | undefined): void {
    this.#state = state;
    this.#value = value;
    this.#error = error;
    const deferred = this.#deferred;
    if (deferred) {
      if (this.#owner) {
        this.#owner.awaitedCount--;
        this.#owner.hasWoken = true;
      }
      if (error) deferred.reject(error);
      else deferred.resolve(value as T);
    }
    const watchers = this.#watchers;
    this.#watchers = undefined;
    if (watchers) for (const watcher of watchers) watcher(this as TaskNode<unknown>);
  }
}

/** The winner of a `whenAny`: wrapped, because `await` would unwrap a bare task. */
export interface FirstTask<T> {
  /** Position of the winner among the arguments. */
  readonly index: number;
  readonly task: Task<T>;
}

type Results<TTasks extends readonly Task<unknown>[]> = {
  -readonly [K in keyof TTasks]: TTasks[K] extends Task<infer T> ? T : never;
};
type AnyResult<TTasks extends readonly Task<unknown>[]> = TTasks[number] extends Task<infer T> ? T : never;

/**
 * Waits for all tasks; the results come in argument order. When any failed it fails with one `AggregateError`, after all are settled.
 * No tasks: completes at once with `[]`.
 * @throws InvalidArgumentError when an argument is not a task.
 */
export function whenAll<const TTasks extends readonly Task<unknown>[]>(tasks: TTasks): Task<Results<TTasks>> {
  const nodes = nodesOf(tasks, "whenAll");
  const all = new TaskNode<unknown[]>(ownerOf(nodes));
  let openCount = nodes.length;
  const settle = (): void => {
    const errors = nodes.flatMap((node) => node.error ?? []);
    if (errors.length === 0) all.complete(nodes.map((node) => node.result));
    else
      all.fail(
        new AggregateError(
          errors,
          `${errors.length} of ${nodes.length} tasks in the whenAll failed: ${errors.map((e) => e.message).join("; ")}`,
        ),
      );
  };
  if (openCount === 0) settle();
  for (const node of nodes) {
    node.watch(() => {
      if (--openCount === 0) settle();
    });
  }
  return all as unknown as Task<Results<TTasks>>;
}

/**
 * Waits for the first task to complete or fail. The others go on; a failed winner throws only when its `result` is read or awaited.
 * Cancelled tasks never win; when all are cancelled it fails with `TaskCanceledError`.
 * @throws InvalidArgumentError for an empty list, or when an argument is not a task.
 */
export function whenAny<const TTasks extends readonly Task<unknown>[]>(
  tasks: TTasks,
): Task<FirstTask<AnyResult<TTasks>>> {
  const nodes = nodesOf(tasks, "whenAny");
  if (nodes.length === 0)
    throw new InvalidArgumentError("whenAny requires at least one task; it got an empty list and would wait for ever.");
  const first = new TaskNode<FirstTask<unknown>>(ownerOf(nodes));
  let openCount = nodes.length;
  nodes.forEach((node, index) => {
    node.watch((settled) => {
      openCount--;
      if (!settled.isCanceled) first.complete({ index, task: node });
      else if (openCount === 0)
        first.fail(new TaskCanceledError("Every task given to whenAny was cancelled by the orchestrator."));
    });
  });
  return first as unknown as Task<FirstTask<AnyResult<TTasks>>>;
}

/** A `whenAll` of nothing has no owner, whatever it is combined with has one. */
function ownerOf(nodes: readonly TaskNode<unknown>[]): TaskOwner | undefined {
  return nodes.find((node) => node.owner)?.owner;
}

function nodesOf(tasks: readonly unknown[], what: string): TaskNode<unknown>[] {
  if (!Array.isArray(tasks)) throw new InvalidArgumentError(`${what} takes an array of tasks; got ${typeof tasks}.`);
  return tasks.map((task: unknown, index) => {
    if (task instanceof TaskNode) return task as TaskNode<unknown>;
    throw new InvalidArgumentError(
      `${what}: argument ${index} is not a task. Pass what ctx.callActivity and its like return, without awaiting it; for promises of your own helpers use Promise.all or Promise.race.`,
    );
  });
}
