/** A store that answers every call with a promise, a turn of the event loop later: memory as an asynchronous database. */
import { type HubStore, MemoryStore, type StoreSession } from "holdfast";

const ASYNCHRONOUS: ReadonlySet<PropertyKey> = new Set([
  "commit",
  "load",
  "history",
  "openInstances",
  "dueTimers",
  "nextTimerAtMs",
  "query",
]);

export class DeferringStore implements HubStore {
  readonly #inner = new MemoryStore();

  async open(hub: string): Promise<StoreSession> {
    await later();
    const session = this.#inner.open(hub);
    return new Proxy(session, {
      get: (target, key) => {
        const member: unknown = Reflect.get(target, key, target);
        if (typeof member !== "function") return member;
        if (!ASYNCHRONOUS.has(key)) return member.bind(target);
        return async (...args: unknown[]) => {
          await later();
          return Reflect.apply(member, target, args);
        };
      },
    });
  }
}

function later(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
