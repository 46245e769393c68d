/** One tab of a simulated browser. */
import type { FunctionDefinition } from "holdfast";
import { browserHost } from "../../adapters/indexeddb/tabs/browser-platform.ts";
import type { LifecycleEvent, Locks, TabPlatform } from "../../adapters/indexeddb/tabs/platform.ts";
import { TabHub, type TabHubOptions } from "../../adapters/indexeddb/tabs/tab-hub.ts";
import { type Connectivity, type Host, oneAlarm } from "../../core/hub/host.ts";
import type { HubStore, StoreSession } from "../../core/store/contract.ts";
import type { World } from "./world.ts";

/** Longest time the database takes for one request, in ms. */
const DATABASE_MS = 4;

class AbortError extends Error {
  override readonly name = "AbortError";
}

/** A message as another build would have said it: its code is the same, its protocol is not. */
function shifted(message: unknown, build: number): unknown {
  const { protocol } = message as { protocol?: number };
  return protocol === undefined ? message : { ...(message as object), protocol: protocol + build };
}

export class SimulatedTab {
  readonly name: string;
  /** By how much its build is newer than this one: what it says has a protocol that is so much higher. */
  readonly #build: number;
  readonly #world: World;
  readonly #lifecycle = new Set<(event: LifecycleEvent) => void>();
  #state: "running" | "frozen" | "crashed" = "running";
  /** What came while it was frozen. */
  #waiting: (() => void)[] = [];
  /** When the database has done what it was asked last. */
  #databaseFreeAtMs = 0;
  #idCount = 0;
  /** What asking for a lock fails with. */
  lockFailure: Error | undefined;
  /** Called when a lock has been given to the tab, in the same task. */
  granted = (): void => {};
  #isThrottled = false;

  constructor(world: World, name: string, build: number) {
    this.#world = world;
    this.name = name;
    this.#build = build;
  }

  /** Opens the hub in this tab; it has joined when its `join` resolves. */
  hub(functions: readonly FunctionDefinition[], options: Partial<TabHubOptions> = {}): TabHub {
    return new TabHub(
      { functions, ...options },
      { store: this.#store(), databaseName: "simulated", platform: this.#platform() },
    );
  }

  get isRunning(): boolean {
    return this.#state === "running";
  }
  /** The process ends, without a word. */
  crash(): void {
    this.#state = "crashed";
    for (const ends of this.#world.ends.values()) for (const end of ends) if (end.tab === this) ends.delete(end);
    this.#world.releaseLocks(this);
  }
  /** Nothing runs any more, without a word; locks are kept. */
  freeze(): void {
    if (this.#state === "running") this.#state = "frozen";
  }
  thaw(): void {
    if (this.#state !== "frozen") return;
    this.#state = "running";
    for (const task of this.#waiting.splice(0)) this.task(task);
  }
  /** Timers do not run any more; messages still come. */
  throttle(): void {
    this.#isThrottled = true;
  }
  /** What the browser tells a page. */
  tell(event: LifecycleEvent): void {
    for (const heard of [...this.#lifecycle]) heard(event);
  }

  /** Something reaches the tab. */
  task(run: () => void): void {
    if (this.#state === "running") run();
    else if (this.#state === "frozen") this.#waiting.push(run);
  }

  #platform(): TabPlatform {
    const world = this.#world;
    const { host, catchUp } = browserHost(this.#host());
    const online: Connectivity = {
      isOnline: () => world.clock.online.isOnline(),
      onChange: (callback) => world.clock.online.onChange(() => this.task(callback)),
    };
    return {
      host: { ...host, online },
      locks: this.#locks(),
      openChannel: (name, heard) => {
        const ends = world.ends.get(name) ?? new Set();
        world.ends.set(name, ends);
        const end = { tab: this, heard: (message: unknown) => heard?.(shifted(message, -this.#build)) };
        ends.add(end);
        return {
          post: (message) => {
            for (const other of ends)
              if (other !== end) this.#send(other, shifted(structuredClone(message), this.#build));
          },
          close: () => void ends.delete(end),
        };
      },
      onLifecycle: (heard) => {
        this.#lifecycle.add(heard);
        return () => this.#lifecycle.delete(heard);
      },
      catchUpTimers: catchUp,
    };
  }

  #send(to: { readonly tab: SimulatedTab; readonly heard: (message: unknown) => void }, message: unknown): void {
    const world = this.#world;
    const { loss, duplication, delayMs } = world.faults;
    if (this.#state !== "running" || world.random() < loss) return;
    for (let copies = world.random() < duplication ? 2 : 1; copies > 0; copies--) {
      world.clock.delay(world.below(delayMs + 1), () => to.tab.task(() => to.heard(message)));
    }
  }

  #host(): Host {
    const world = this.#world;
    const delay: Host["delay"] = (delayMs, callback) => {
      let isCanceled = false;
      const fire = (): void => {
        if (!isCanceled) callback();
      };
      const cancel = world.clock.delay(delayMs, () =>
        this.task(() => {
          if (!this.#isThrottled || delayMs <= 1) fire();
        }),
      );
      return () => {
        isCanceled = true;
        cancel();
      };
    };
    const now = (): number => world.nowMs;
    return {
      now,
      randomId: () => {
        const count = (++this.#idCount).toString(16).padStart(12, "0");
        return `${this.name.padStart(8, "0")}-0000-4000-8000-${count}`;
      },
      afterMicrotasks: (callback) => world.step("afterMicrotasks", () => this.task(callback)),
      // A hub that waits for its store looks again after other I/O: time must go on meanwhile.
      afterIo: (callback) => void delay(1, callback),
      delay,
      wakeAt: oneAlarm(delay, now),
    };
  }

  #locks(): Locks {
    const world = this.#world;
    return {
      request: (name, { steal, signal }, held) =>
        new Promise((resolve, reject) => {
          if (this.lockFailure) throw this.lockFailure;
          const lock = world.lock(name);
          let isBroken = false;
          const release = (): void => {
            if (lock.held?.broken !== broken) return;
            lock.held = undefined;
            world.grantNext(lock);
          };
          const broken = (): void => {
            isBroken = true;
            this.task(() => reject(new AbortError("Lock broken by another request.")));
          };
          const grant = (): void => {
            lock.held = { tab: this, broken };
            world.step("afterIo", () =>
              this.task(() => {
                if (isBroken) return;
                const done = held();
                this.granted();
                done.then(
                  (value) => {
                    release();
                    resolve(value);
                  },
                  (error) => {
                    release();
                    reject(error);
                  },
                );
              }),
            );
          };
          const waiting = { tab: this, grant };
          signal?.addEventListener("abort", () => {
            const at = lock.queue.indexOf(waiting);
            if (at < 0) return;
            lock.queue.splice(at, 1);
            this.task(() => reject(new AbortError("The request was aborted.")));
          });
          if (steal) {
            lock.held?.broken();
            grant();
          } else {
            lock.queue.push(waiting);
            world.grantNext(lock);
          }
        }),
    };
  }

  #store(): HubStore {
    return {
      open: async (hub) => {
        const session = await this.#ask(() => {
          if (this.#world.storeFailure) throw this.#world.storeFailure;
          this.#world.session = this.#world.store.open(hub);
          return this.#world.session;
        });
        let isFenced = false;
        // As in a browser: that another tab has the hub is not known before the database is asked, or refuses a commit.
        const checkFence = (): Promise<void> =>
          this.#ask(() => {
            if (this.#world.storeFailure) throw this.#world.storeFailure;
            isFenced = session.isFenced;
          });
        return new Proxy(session as unknown as StoreSession, {
          get: (target, key) => {
            if (key === "isFenced") return isFenced;
            if (key === "checkFence") return checkFence;
            const member = Reflect.get(target, key, target) as unknown;
            if (typeof member !== "function" || key === "close") return member;
            return (...args: unknown[]) =>
              this.#ask(() => {
                if (key === "commit" && this.#world.commitFailure) throw this.#world.commitFailure;
                return Reflect.apply(member, target, args) as unknown;
              });
          },
        });
      },
    };
  }

  /** The database does what it was asked when its turn comes, whatever has become of the tab; only the answer needs the tab. */
  #ask<T>(act: () => T): Promise<T> {
    const world = this.#world;
    return new Promise((resolve, reject) => {
      const nowMs = world.clock.now();
      this.#databaseFreeAtMs = Math.max(this.#databaseFreeAtMs, nowMs + world.below(DATABASE_MS + 1));
      world.clock.delay(this.#databaseFreeAtMs - nowMs, () => {
        if (this.#state === "crashed" && world.random() < 0.5) return;
        try {
          const answer = act();
          world.clock.delay(world.below(DATABASE_MS + 1), () => this.task(() => resolve(answer)));
        } catch (error) {
          this.task(() => reject(error));
        }
      });
    });
  }
}
