/** A store that is taken over after a chosen commit, as by a second process: whatever its hub does after that is refused. */
import { type HubStore, type InstanceChange, MemoryStore, type StoreSession } from "holdfast";

export class CrashingStore implements HubStore {
  readonly #inner = new MemoryStore();
  /** Commits there were, over all openings. */
  commits = 0;
  /** The commit after which the hub is taken over; it is durable itself. */
  crashAfter: number;

  constructor(crashAfter: number) {
    this.crashAfter = crashAfter;
  }

  open(hub: string): StoreSession {
    const session = this.#inner.open(hub);
    const commit = (changes: readonly InstanceChange[]): void => {
      void session.commit(changes);
      if (++this.commits === this.crashAfter) this.#inner.open(hub);
    };
    return new Proxy(session, {
      get: (target, key) => {
        if (key === "commit") return commit;
        const member: unknown = Reflect.get(target, key, target);
        return typeof member === "function" ? member.bind(target) : member;
      },
    });
  }
}
