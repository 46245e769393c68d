/**
 * The world: one clock and one list of things that are about to happen. Nothing real is in it but the microtask queue, which is let run empty before the
 * next thing happens; so the same choices make the same run, to the letter.
 */
import type { Choices } from "./choices.ts";

/** Something that is about to happen. */
interface Event {
  readonly what: string;
  atMs: number;
  /** Dropped with its owner; waits while the owner is frozen. */
  readonly owner: Owner | undefined;
  readonly run: () => void | Promise<void>;
}
export interface Owner {
  readonly isAlive: boolean;
  readonly isFrozen: boolean;
}

/** Sentences about what happened, and a sum of them that two runs of one seed must share. */
export class Trace {
  readonly lines: string[] = [];
  say(line: string): void {
    this.lines.push(line);
  }
}

export class World {
  readonly choices: Choices;
  readonly trace: Trace = new Trace();
  /** Time as it truly passes, in ms; processes read it with an error of their own. */
  nowMs = Date.UTC(2026, 0, 1);
  stepCount = 0;
  #events: Event[] = [];
  /** What is owed as soon as the microtask queue is empty, in order. */
  readonly #owed: { readonly owner: Owner; readonly run: () => void }[] = [];

  constructor(choices: Choices) {
    this.choices = choices;
  }

  /** Lets something happen `delayMs` from now, or later. Gives what calls it off. */
  after(delayMs: number, what: string, run: () => void | Promise<void>, owner?: Owner): () => void {
    const event: Event = { what, atMs: this.nowMs + Math.max(0, delayMs), owner, run };
    this.#events.push(event);
    return () => {
      const index = this.#events.indexOf(event);
      if (index >= 0) this.#events.splice(index, 1);
    };
  }

  /** Calls back when no microtask is left, before anything else happens. */
  whenQuiet(owner: Owner, run: () => void): void {
    this.#owed.push({ owner, run });
  }

  /** Lets microtasks, and what waits for their end, run. */
  async settle(): Promise<void> {
    await quiet();
    for (let next = this.#owed.shift(); next; next = this.#owed.shift()) {
      if (next.owner.isAlive) next.run();
      await quiet();
    }
  }

  /** One thing happens, sooner or later things first, in any order among those that are due. False when nothing is about to happen. */
  async step(untilMs: number = Number.POSITIVE_INFINITY): Promise<boolean> {
    this.#events = this.#events.filter(({ owner }) => owner?.isAlive ?? true);
    const possible = this.#events.filter(({ owner }) => !owner?.isFrozen);
    if (possible.length === 0) return false;
    const earliestMs = Math.min(...possible.map(({ atMs }) => atMs));
    if (earliestMs > untilMs) return false;
    this.nowMs = Math.max(this.nowMs, earliestMs);
    const due = possible.filter(({ atMs }) => atMs <= this.nowMs);
    const event = this.choices.about("order").pick(due);
    this.#events.splice(this.#events.indexOf(event), 1);
    this.stepCount++;
    this.trace.say(`${Math.floor(this.nowMs - START_MS)} ${event.what}`);
    await event.run();
    await this.settle();
    return true;
  }
}

const START_MS = Date.UTC(2026, 0, 1);

/** Resolves when the microtask queue is empty: a tick that is queued from a microtask runs then. */
function quiet(): Promise<void> {
  return new Promise((resolve) => {
    void Promise.resolve().then(() => process.nextTick(resolve));
  });
}
