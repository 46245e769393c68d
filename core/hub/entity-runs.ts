/**
 * Entities whose asynchronous operations are being waited for.
 *
 * U1. An entity has one run of operations at a time, even when the hub has forgotten the entity meanwhile: after a failed commit
 *     the repeat waits until the run before it has ended, which then comes to nothing.
 */
import type { LiveInstance } from "./live-instance.ts";
import type { Message } from "./message.ts";

export class EntityRuns {
  /** Those that count, with the messages they have taken. */
  readonly #current = new Map<LiveInstance, readonly Message[]>();
  /** Ids of entities with a run that has not ended, whether it counts or not. */
  readonly #busy = new Set<string>();
  readonly #free: (instanceId: string) => void;

  /** `free` is told whenever a run that came to nothing has ended. */
  constructor(free: (instanceId: string) => void) {
    this.#free = free;
  }

  /** Runs that count. */
  get count(): number {
    return this.#current.size;
  }
  isBusy(instanceId: string): boolean {
    return this.#busy.has(instanceId);
  }

  /** Calls back when the run is done, unless it was forgotten by then. */
  follow(live: LiveInstance, messages: readonly Message[], done: Promise<void>, use: () => void): void {
    this.#current.set(live, messages);
    this.#busy.add(live.instanceId);
    void done.then(() => {
      this.#busy.delete(live.instanceId);
      if (this.#current.delete(live)) use();
      else this.#free(live.instanceId);
    });
  }

  /** Lets the run of an entity, or every run, come to nothing; gives back the messages they have taken. */
  forget(live?: LiveInstance): Message[] {
    const messages = live ? (this.#current.get(live) ?? []) : [...this.#current.values()].flat();
    if (live) this.#current.delete(live);
    else this.#current.clear();
    return [...messages];
  }
}
