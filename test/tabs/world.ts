/**
 * A browser in one process: any number of tabs on virtual time, with locks, channels and one database between them. Everything that reaches a tab
 * (timers, messages, locks, answers of the database) comes as a task of its event loop: a frozen tab gets it when it thaws, a crashed one never.
 */
import { systemHost } from "../../core/hub/host.ts";
import type { SyncStoreSession } from "../../core/store/contract.ts";
import { MemoryStore } from "../../core/store/memory.ts";
import { VirtualHost } from "../../core/testing/virtual-host.ts";
import { Random } from "../simulation/replay/random.ts";
import { SimulatedTab } from "./simulated-tab.ts";

/** How often messages between tabs go astray, from 0 to 1, and how late they may come. */
export interface Faults {
  readonly loss: number;
  readonly duplication: number;
  /** Longest way of a message, in ms; two on their way may overtake each other. */
  readonly delayMs: number;
}
const NO_FAULTS: Faults = { loss: 0, duplication: 0, delayMs: 0 };

interface Lock {
  held: { readonly tab: SimulatedTab; readonly broken: () => void } | undefined;
  readonly queue: { readonly tab: SimulatedTab; readonly grant: () => void }[];
}

export class World {
  readonly clock = new VirtualHost(Date.UTC(2026, 0, 1));
  /** What the machine's clock shows beyond the time that has passed, in ms: somebody has put it forward or back. */
  clockShiftMs = 0;
  store = new MemoryStore();
  /** What opening the store fails with, and asking it who has the hub. */
  storeFailure: Error | undefined;
  /** What commits fail with. */
  commitFailure: Error | undefined;
  readonly tabs: SimulatedTab[] = [];
  readonly ends = new Map<string, Set<{ readonly tab: SimulatedTab; readonly heard: (message: unknown) => void }>>();
  /** The newest session of the hub. */
  session: SyncStoreSession | undefined;
  faults: Faults = NO_FAULTS;
  readonly #random: Random;
  readonly #system = systemHost();
  readonly #locks = new Map<string, Lock>();
  /** Steps of event loops that are under way. */
  #stepCount = 0;

  constructor(seed = 1) {
    this.#random = new Random(`tabs ${seed}`);
  }

  /** What the machine's clock shows. */
  get nowMs(): number {
    return this.clock.now() + this.clockShiftMs;
  }

  random(): number {
    return this.#random.next();
  }
  /** A whole number below `end`. */
  below(end: number): number {
    return this.#random.integer(0, end - 1);
  }

  /** `build`: by how much its build is newer than this one, so that the two do not understand each other. */
  openTab(build = 0): SimulatedTab {
    const tab = new SimulatedTab(this, `${this.tabs.length}`, build);
    this.tabs.push(tab);
    return tab;
  }

  /** Lets everything happen that happens within a time. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.clock.now() + ms;
    await this.settle();
    for (let next = this.clock.nextAtMs(); next !== undefined && next <= untilMs; next = this.clock.nextAtMs()) {
      this.clock.moveTo(next);
      this.clock.fireOne();
      await this.settle();
    }
    this.clock.moveTo(untilMs);
  }

  /** Lets time go on until the promise settles; fails after a virtual hour. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = (): void => {
      isSettled = true;
    };
    promise.then(settled, settled);
    const lastMs = this.clock.now() + 3_600_000;
    for (await this.settle(); !isSettled; await this.settle()) {
      const next = this.clock.nextAtMs();
      if (next === undefined || next > lastMs) throw new Error("It has not happened within an hour.");
      this.clock.moveTo(next);
      this.clock.fireOne();
    }
    return promise;
  }

  /** A step of a tab's event loop, outside of virtual time. */
  step(schedule: "afterMicrotasks" | "afterIo", callback: () => void): void {
    this.#stepCount++;
    this.#system[schedule](() => {
      this.#stepCount--;
      callback();
    });
  }

  /** Lets everything happen for which no time passes. */
  async settle(): Promise<void> {
    do await new Promise<void>((resolve) => this.#system.afterIo(resolve));
    while (this.#stepCount > 0);
  }

  /** Takes the network away from all tabs, or gives it back. */
  setOnline(isOnline: boolean): void {
    this.clock.online.set(isOnline);
  }

  /** The stored receipts, one text for each tab. */
  receiptRows(): string[] {
    const rows = this.session?.queryEntities({ includesTransient: false, limit: 100 }) ?? [];
    return rows.flatMap(({ entity }) =>
      entity.instanceId.startsWith("@holdfast:receipts@") ? (entity.state ?? "") : [],
    );
  }

  // ---- locks

  lock(name: string): Lock {
    const lock = this.#locks.get(name) ?? { held: undefined, queue: [] };
    this.#locks.set(name, lock);
    return lock;
  }
  grantNext(lock: Lock): void {
    if (!lock.held) lock.queue.shift()?.grant();
  }
  /** Names of the locks that a tab has or waits for. */
  locksOf(tab: SimulatedTab): string[] {
    const isIn = ({ held, queue }: Lock): boolean => held?.tab === tab || queue.some((waiting) => waiting.tab === tab);
    return [...this.#locks].filter(([, lock]) => isIn(lock)).map(([name]) => name);
  }
  /** What happens to the locks of a tab that is gone. */
  releaseLocks(tab: SimulatedTab): void {
    for (const lock of this.#locks.values()) {
      lock.queue.splice(0, lock.queue.length, ...lock.queue.filter((waiting) => waiting.tab !== tab));
      if (lock.held?.tab !== tab) continue;
      lock.held = undefined;
      this.grantNext(lock);
    }
  }
}
