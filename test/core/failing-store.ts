/** Memory as a store whose calls fail while the test says so: at once, or by way of a promise. */
import { type HubStore, MemoryStore, type StoreSession } from "holdfast";

type Call = Exclude<keyof StoreSession, "epoch" | "isFenced">;

export class FailingStore implements HubStore {
  readonly #inner: MemoryStore;
  readonly #isAsync: boolean;
  readonly #failing = new Set<Call>();
  readonly #failingAfter = new Set<Call>();
  /** Calls that failed. */
  failures = 0;
  /** Sessions that were closed. */
  closings = 0;

  constructor(kind: "sync" | "async", inner: MemoryStore = new MemoryStore()) {
    this.#isAsync = kind === "async";
    this.#inner = inner;
  }

  /** From now on these calls fail. */
  fail(...calls: Call[]): void {
    for (const call of calls) this.#failing.add(call);
  }
  /** From now on these calls do what they are for, and fail then. */
  failAfter(...calls: Call[]): void {
    for (const call of calls) this.#failingAfter.add(call);
  }
  /** Nothing fails any more. */
  heal(): void {
    this.#failing.clear();
    this.#failingAfter.clear();
  }

  open(hub: string): StoreSession {
    const session = this.#inner.open(hub);
    return new Proxy(session as StoreSession, {
      get: (target, key) => {
        const member: unknown = Reflect.get(target, key, target);
        if (typeof member !== "function") return member;
        const answer = (args: unknown[]): unknown => {
          if (key === "close") this.closings++;
          if (!this.#failing.has(key as Call)) {
            const result: unknown = Reflect.apply(member, target, args);
            if (!this.#failingAfter.has(key as Call)) return result;
          }
          this.failures++;
          throw new Error(`The disk does not answer '${String(key)}'.`);
        };
        return this.#isAsync ? async (...args: unknown[]) => answer(args) : (...args: unknown[]) => answer(args);
      },
    });
  }
}
