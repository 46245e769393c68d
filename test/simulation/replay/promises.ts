/** Promises of every make that user code has: what is awaited here takes another number of microtasks each time. */

type Code<T> = Generator<unknown, T, unknown>;

/** An async function around generator code: awaits whatever the code yields. */
export async function drive<T>(code: Code<T>): Promise<T> {
  let step = code.next();
  while (!step.done) {
    let value: unknown;
    try {
      value = await step.value;
    } catch (error) {
      step = code.throw(error);
      continue;
    }
    step = code.next(value);
  }
  return step.value;
}

/** An async generator around generator code: yields what the code yields, and gives back what comes of it. */
export async function* flow<T>(code: Code<T>): AsyncGenerator<unknown, T, unknown> {
  let step = code.next();
  while (!step.done) {
    let value: unknown;
    try {
      value = yield step.value;
    } catch (error) {
      step = code.throw(error);
      continue;
    }
    step = code.next(value);
  }
  return step.value;
}

/** What is awaited only to come back a microtask later. */
const nothing: unknown = null;

/** Awaits `null` so many times. */
export async function awaitNull(count: number, fails: boolean): Promise<string> {
  for (let i = 0; i < count; i++) await nothing;
  if (fails) throw new TypeError(`failed after ${count}`);
  return `hopped ${count}`;
}

/** Async functions that return each other's promises, awaited on the way or not. */
export async function nestedPromise(depth: number, awaits: boolean): Promise<string> {
  if (depth === 0) return "nested";
  return awaits ? await nestedPromise(depth - 1, awaits) : nestedPromise(depth - 1, awaits);
}

/** A promise class of the user's: the language makes and resolves it another way than its own. */
export class Roundabout<T> extends Promise<T> {}

/** Something with a `then` that answers within the call, a microtask later, or through another's `then`. */
export function thenableOf(manner: "sync" | "later" | "passing", of: unknown): PromiseLike<unknown> {
  const inner = Promise.resolve(of);
  inner.catch(() => {});
  const then = (onFulfilled: (value: unknown) => void, onRejected: (reason: unknown) => void): void => {
    if (manner === "passing") void inner.then(onFulfilled, onRejected);
    else if (manner === "later") void Promise.resolve().then(() => onFulfilled(inner));
    else onFulfilled(inner);
  };
  return { then } as PromiseLike<unknown>;
}

/** Reads an async generator over things that are awaited one after the other. */
export async function mappedStream(items: readonly (() => unknown)[], saw: (value: unknown) => void): Promise<number> {
  async function* values(): AsyncGenerator<unknown, void, unknown> {
    for (const item of items) yield item();
  }
  for await (const value of values()) saw(value);
  return items.length;
}
