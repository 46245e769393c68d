/** An asynchronous store whose commits are done when the test says so, and whose answers can be held back in the same way. */
import { type HubStore, type InstanceChange, MemoryStore, type StoreSession } from "holdfast";

/** What a test can hold back. */
type Gate = "commit" | "dueTimers" | "load" | "history";

interface Held {
  readonly gate: Gate;
  go(): void;
  fail(error: Error): void;
}

export class GatedStore implements HubStore {
  readonly #inner: HubStore;
  readonly #closed = new Set<Gate>();
  #held: Held[] = [];
  /** The changes of every commit that was applied. */
  readonly applied: (readonly InstanceChange[])[] = [];

  constructor(inner: HubStore = new MemoryStore()) {
    this.#inner = inner;
  }

  /** From now on calls of this kind wait for `release` or `fail`. */
  hold(gate: Gate): void {
    this.#closed.add(gate);
  }
  /** Calls that wait. */
  heldCount(gate: Gate): number {
    return this.#held.filter((held) => held.gate === gate).length;
  }
  /** Lets what waits happen, and everything of its kind from now on. */
  release(gate: Gate): void {
    this.#closed.delete(gate);
    for (const held of this.#take(gate)) held.go();
  }
  /** Lets the call that has waited longest happen; what comes later waits. */
  letOne(gate: Gate): void {
    const [first, ...rest] = this.#take(gate);
    this.#held.push(...rest);
    first?.go();
  }
  /** Lets the call happen that was made last. */
  letNewest(gate: Gate): void {
    const held = this.#take(gate);
    const newest = held.pop();
    this.#held.push(...held);
    newest?.go();
  }
  /** Fails what waits, without effect; what comes later goes on as before. */
  fail(gate: Gate, message = "The disk is full."): void {
    for (const held of this.#take(gate)) held.fail(new Error(message));
  }

  async open(hub: string): Promise<StoreSession> {
    const session = await this.#inner.open(hub);
    const gated = <T>(gate: Gate, answer: () => T | Promise<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        const go = (): void => resolve(Promise.resolve().then(answer));
        if (this.#closed.has(gate)) this.#held.push({ gate, go, fail: reject });
        else go();
      });
    return {
      epoch: session.epoch,
      get isFenced() {
        return session.isFenced;
      },
      commit: (changes) =>
        gated("commit", async () => {
          await session.commit(changes);
          this.applied.push(changes);
        }),
      load: (instanceId) => gated("load", () => session.load(instanceId)),
      history: (instanceId) => gated("history", () => session.history(instanceId)),
      openInstances: async () => session.openInstances(),
      dueTimers: async (dueAtMs, limit) => {
        const due = await session.dueTimers(dueAtMs, limit);
        return gated("dueTimers", () => due);
      },
      nextTimerAtMs: async () => session.nextTimerAtMs(),
      query: async (query) => session.query(query),
      queryEntities: async (filter) => session.queryEntities(filter),
      close: async () => session.close(),
    };
  }

  #take(gate: Gate): Held[] {
    const taken = this.#held.filter((held) => held.gate === gate);
    this.#held = this.#held.filter((held) => held.gate !== gate);
    return taken;
  }
}
