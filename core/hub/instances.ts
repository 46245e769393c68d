/**
 * The instances of a hub that are in memory: loaded on demand, forgotten when idle and least recently used.
 *
 * I1. There is at most one `LiveInstance` of an id; one that is not idle is never forgotten.
 * I2. An instance that the store could not give takes no turn. Clients who wait for it are told; what the hub itself has for it waits, and
 *     it is read again after a while, or when it is asked for.
 */
import { Fifo } from "../fifo.ts";
import { COMMIT_RETRY_DELAY_MS, ENDED_INSTANCES_MAX, ENDED_TEXT_MAX } from "../limits.ts";
import { type Awaitable, isPromise, type StoreSession } from "../store/contract.ts";
import type { Host } from "./host.ts";
import { LiveInstance } from "./live-instance.ts";

export interface InstancesPorts {
  readonly host: Host;
  readonly session: StoreSession;
  readonly liveInstancesMax: number;
  /** An instance that was being read is there. */
  loaded(live: LiveInstance): void;
  /** An instance was read whose last stored message has this place; those that are stored from now on come after it. */
  sequenceSeen(sequence: number): void;
  /** The store could not be read; it is tried again. */
  failed(error: Error): void;
}

export class Instances {
  readonly #ports: InstancesPorts;
  readonly #live = new Map<string, LiveInstance>();
  /** Those that have ended and are kept; some may run again, or be forgotten already. */
  #ended = new Fifo<LiveInstance>();
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

  /** The instance: read if the store answers at once, being read otherwise; not read when the id has just been made up, so that there is nothing to read. */
  acquire(instanceId: string, hasNewId = false): LiveInstance {
    const known = this.#live.get(instanceId);
    if (known) {
      this.#touch(known);
      known.unread?.again();
      return known;
    }
    if (this.#live.size >= this.#evictAtSize) this.#evict();
    const live = new LiveInstance(instanceId);
    this.#live.set(instanceId, live);
    if (hasNewId) {
      live.load(undefined);
      return live;
    }
    this.read(
      live,
      () => this.#ports.session.load(instanceId),
      (stored) => {
        live.load(stored);
        this.#ports.sequenceSeen(stored?.inbox.at(-1)?.sequence ?? 0);
      },
    );
    return live;
  }

  /** Uses what the store answers, at once or when it comes; the instance takes no turn before. True when it was at once. */
  read<T>(live: LiveInstance, ask: () => Awaitable<T>, use: (value: T) => void): boolean {
    let answer: Awaitable<T>;
    try {
      answer = ask();
    } catch (error) {
      this.#failed(live, error as Error, () => this.read(live, ask, use));
      return false;
    }
    if (!isPromise(answer)) {
      live.isLoading = false;
      use(answer);
      return true;
    }
    live.isLoading = true;
    this.#loadingCount++;
    answer.then(
      (value) => {
        this.#loadingCount--;
        live.isLoading = false;
        use(value);
        if (this.isKept(live)) this.#ports.loaded(live);
      },
      (error: Error) => {
        this.#loadingCount--;
        live.rejectClients(error);
        this.#failed(live, error, () => this.read(live, ask, use));
      },
    );
    return false;
  }

  #failed(live: LiveInstance, error: Error, read: () => boolean): void {
    live.isLoading = true;
    const again = (): void => {
      if (live.unread !== unread || !this.isKept(live)) return;
      live.unread = undefined;
      if (read()) this.#ports.loaded(live);
    };
    const unread = { error, again };
    live.unread = unread;
    if (!this.isKept(live)) return;
    this.#ports.failed(error);
    this.#ports.host.delay(COMMIT_RETRY_DELAY_MS, () => {
      if (live.unread === unread && live.inbox.length === 0 && live.pendingCommits === 0) this.forget(live);
      else again();
    });
  }

  /** False once it has been forgotten. */
  isKept(live: LiveInstance): boolean {
    return this.#live.get(live.instanceId) === live;
  }

  forget(live: LiveInstance): void {
    if (this.isKept(live)) this.#live.delete(live.instanceId);
  }

  /** Nothing more is to be expected of it. Who has started it may be about to ask for its end, so it stays for a while, unless it is large. */
  ended(live: LiveInstance): void {
    const { input = "", output = "", customStatus = "" } = live.record ?? {};
    if (!live.record || input.length + output.length + customStatus.length > ENDED_TEXT_MAX) {
      this.forget(live);
      return;
    }
    this.#ended.push(live);
    const oldest = this.#ended.length > ENDED_INSTANCES_MAX ? this.#ended.shift() : undefined;
    if (oldest?.isDone) this.forget(oldest);
  }

  /** Forgets everything and gives back what there was. */
  clear(): LiveInstance[] {
    const all = [...this.#live.values()];
    this.#live.clear();
    this.#ended = new Fifo();
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
