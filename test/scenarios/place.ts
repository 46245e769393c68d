/**
 * Places: a store of some kind, over which a scenario opens hubs on virtual time, one after the other. A scenario knows no store and no runtime, so
 * that the same file runs in Node and inside a Durable Object.
 */
import type { FunctionDefinition, HubStore, OrchestrationState } from "holdfast";
import { TestTaskHub, type TestTaskHubOptions } from "holdfast/testing";

type HubOptions = Omit<TestTaskHubOptions, "functions" | "store">;
/** Opens the hubs of a place. */
export type OpenHub = (options: TestTaskHubOptions) => Promise<TestTaskHub>;
const openTestHub: OpenHub = (options) => TestTaskHub.open(options);

/** What a scenario is given. */
export class Place {
  readonly #connect: () => HubStore;
  readonly #opened: TestTaskHub[] = [];
  readonly #defaults: HubOptions;
  readonly #openHub: OpenHub;

  /** @param connect gives a store over the same data each time. */
  constructor(connect: () => HubStore, defaults: HubOptions = {}, openHub: OpenHub = openTestHub) {
    this.#connect = connect;
    this.#defaults = defaults;
    this.#openHub = openHub;
  }

  /** Opens a hub over what the one before left; its clock goes on where that one stopped. */
  async open(functions: readonly FunctionDefinition[], options: HubOptions = {}): Promise<TestTaskHub> {
    const last = this.#opened.at(-1);
    await last?.close();
    const hub = await this.#openHub({
      ...(last && { startAt: last.now }),
      ...this.#defaults,
      ...options,
      functions,
      store: this.#connect(),
    });
    this.#opened.push(hub);
    return hub;
  }

  async close(): Promise<void> {
    await this.#opened.at(-1)?.close();
  }
}

/** Declares a test of one scenario. */
export type Scenario = (title: string, play: (place: Place) => Promise<void>) => void;

/**
 * Declares a test for each row. A title has the row's values in the places of its `%s`, `%i` and `%j`, the last as JSON; `%#` is the row's number.
 */
export function each<const TRow>(it: Scenario, rows: readonly TRow[]) {
  type Values = TRow extends readonly unknown[] ? { -readonly [TAt in keyof TRow]: TRow[TAt] } : [TRow];
  return (title: string, play: (place: Place, ...values: Values) => Promise<void>): void => {
    for (const [at, row] of rows.entries()) {
      const values = (Array.isArray(row) ? row : [row]) as unknown as Values;
      let next = 0;
      const full = title.replaceAll(/%[sij#]/g, (mark) => {
        if (mark === "%#") return String(at);
        const value: unknown = values[next++];
        return mark === "%j" ? JSON.stringify(value) : String(value);
      });
      it(full, (place) => play(place, ...values));
    }
  };
}

/** Plays a scenario in a place and clears up after it. */
export async function playIn(
  connect: () => HubStore,
  play: (place: Place) => Promise<void>,
  defaults: HubOptions = {},
  openHub: OpenHub = openTestHub,
): Promise<void> {
  const place = new Place(connect, defaults, openHub);
  try {
    await play(place);
  } finally {
    await place.close();
  }
}

/** All that an async iterable gives. */
export async function listOf<T>(values: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const value of values) list.push(value);
  return list;
}

/** The ids of the instances that a listing gives. */
export async function idsOf(listing: AsyncIterable<OrchestrationState>): Promise<string[]> {
  return (await listOf(listing)).map(({ instanceId }) => instanceId);
}

/** Lets everything go on that waits for the event loop alone. */
export function nextEventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** The reasons of the rejections that nobody handled while something was done. */
export async function unhandledRejections(action: () => Promise<void>): Promise<unknown[]> {
  const reasons: unknown[] = [];
  const note = (reason: unknown): void => void reasons.push(reason);
  const noteEvent = ({ reason }: PromiseRejectionEvent): void => note(reason);
  const isPage = typeof globalThis.addEventListener === "function";
  if (isPage) globalThis.addEventListener("unhandledrejection", noteEvent);
  else process.on("unhandledRejection", note);
  try {
    await action();
    await nextEventLoopTurn();
  } finally {
    if (isPage) globalThis.removeEventListener("unhandledrejection", noteEvent);
    else process.off("unhandledRejection", note);
  }
  return reasons;
}
