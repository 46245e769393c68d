/** Memory as a store that never takes changes of some kind, as one that are too large for it: at once, or by way of a promise. */
import { type HubStore, type InstanceChange, MemoryStore, StoreError, type StoreSession } from "holdfast";

export class RefusingStore implements HubStore {
  readonly #inner = new MemoryStore();
  readonly #isAsync: boolean;
  /** Whether a change is one of those. */
  refuses: (change: InstanceChange) => boolean;
  /** What a refusal says. */
  refusal = new StoreError("storeFailed", "The row is larger than this store takes.");
  /** Commits that were refused, and that were written. */
  refusals = 0;
  commits = 0;

  constructor(kind: "sync" | "async", refuses: (change: InstanceChange) => boolean) {
    this.#isAsync = kind === "async";
    this.refuses = refuses;
  }

  open(hub: string): StoreSession {
    const session = this.#inner.open(hub);
    const commit = (changes: readonly InstanceChange[]): void => {
      if (changes.some(this.refuses)) {
        this.refusals++;
        throw this.refusal;
      }
      this.commits++;
      session.commit(changes);
    };
    return new Proxy(session as StoreSession, {
      get: (target, key) => {
        const member: unknown = key === "commit" ? commit : Reflect.get(target, key, target);
        if (typeof member !== "function") return member;
        return this.#isAsync
          ? async (...args: unknown[]) => Reflect.apply(member, target, args)
          : (...args: unknown[]) => Reflect.apply(member, target, args);
      },
    });
  }
}
