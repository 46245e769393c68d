/**
 * The instances of a hub that are in memory: loaded on demand, forgotten when idle and least recently used.
 *
 * I1. There is at most one `LiveInstance` of an id; one that is not idle is never forgotten.
 */
import { type Awaitable, isPromise, type StoreSession } from "../store/contract.ts";
import { LiveInstance } from "./live-instance.ts";

export interface InstancesPorts {
  readonly session: StoreSession;
  readonly liveInstancesMax: number;
  /** An instance that was being read is there. */
  loaded(live: LiveInstance): void;
  /** An instance was read whose last stored message has this place; those that are stored from now on come after it. */
  sequenceSeen(sequence: number): void;
  /** The store could not be read. */
  failed(error: Error): void;
}

export class Instances {
  readonly #ports: InstancesPorts;
  readonly #live = new Map<string, LiveInstance>();
  #loadingCount = 0;
  /** Size at which the next look for idle instances is worth its cost. */
  #evictAtSize: number;

  constructor(ports: InstancesPorts) {
    this.#ports = ports;
    this.#evictAtSize = ports.liveInstancesMax;
  }

  /** Instances that wait for the store. */
  get loadingCount(): number {
    return this.#loadingCount;
  }

  /** The instance if it is in memory and read. */
  find(instanceId: string): LiveInstance | undefined {
    const live = this.#live.get(instanceId);
    return live?.isLoading ? undefined : live;
  }

  /** The instance: read if the store answers at once, being read otherwise. */
  acquire(instanceId: string): LiveInstance {
    const known = this.#live.get(instanceId);
    if (known) {
      this.#touch(known);
      return known;
    }
    if (this.#live.size >= this.#evictAtSize) this.#evict();
    const live = new LiveInstance(instanceId);
    this.#live.set(instanceId, live);
    try {
      this.wait(live, this.#ports.session.load(instanceId), (stored) => {
        live.load(stored);
        this.#ports.sequenceSeen(stored?.inbox.at(-1)?.sequence ?? 0);
      });
    } catch (error) {
      this.#ports.failed(error as Error);
    }
    return live;
  }

  /** Uses what the store answers, at once or when it comes; the instance takes no turn before. True when it was at once. */
  wait<T>(live: LiveInstance, value: Awaitable<T>, use: (value: T) => void): boolean {
    if (!isPromise(value)) {
      use(value);
      return true;
    }
    live.isLoading = true;
    this.#loadingCount++;
    value.then(
      (loaded) => {
        this.#loadingCount--;
        live.isLoading = false;
        use(loaded);
        if (this.#live.get(live.instanceId) === live) this.#ports.loaded(live);
      },
      (error: Error) => {
        this.#loadingCount--;
        this.#ports.failed(error);
      },
    );
    return false;
  }

  forget(live: LiveInstance): void {
    this.#live.delete(live.instanceId);
  }

  /** Forgets everything and gives back what there was. */
  clear(): LiveInstance[] {
    const all = [...this.#live.values()];
    this.#live.clear();
    this.#evictAtSize = this.#ports.liveInstancesMax;
    return all;
  }

  /** Keeps the map in order of use once it is filling up. */
  #touch(live: LiveInstance): void {
    if (this.#live.size * 2 < this.#ports.liveInstancesMax) return;
    this.#live.delete(live.instanceId);
    this.#live.set(live.instanceId, live);
  }

  /** Forgets idle instances, least recently used first, until a tenth of the room is free. */
  #evict(): void {
    const { liveInstancesMax } = this.#ports;
    const keep = Math.floor(liveInstancesMax * 0.9);
    for (const live of this.#live.values()) {
      if (this.#live.size <= keep) break;
      if (live.isIdle) this.#live.delete(live.instanceId);
    }
    this.#evictAtSize = Math.max(liveInstancesMax, Math.ceil(this.#live.size * 1.1));
  }
}
