/**
 * The clock of a hub inside its object: the one alarm an object has, and a timer in memory beside it.
 *
 * A1. The alarm is the earliest of the next due instant and, while work is open, a watchdog: after an eviction or a crash the object
 *     comes back by itself and takes up what is outstanding.
 * A2. An alarm is written when what it must wake for comes earlier than what is armed, or when it has gone off; never moved later, never
 *     deleted. One that goes off for nothing costs less than the write that would have withdrawn it.
 * A3. The handler never throws: the runtime gives up after a few failures, and the hub would sleep until the next request.
 * A4. Inside a handler the next alarm lies after the one that goes off: the runtime may lose one that does not.
 */
import type { Host } from "../core/hub/host.ts";

/** How long after work began, or was last seen open, the object looks after it again. */
export const WATCHDOG_MS = 5_000;
/** When to try again after a handler failed. */
export const HANDLER_RETRY_MS = 30_000;
/** Timers due sooner than this also run in memory, to the millisecond. Longer ones must not keep the object from being evicted. */
export const NEAR_TIMER_MS = 10_000;

/** What of an object the alarm uses. */
export interface AlarmPorts {
  readonly now: () => number;
  /** When the stored alarm goes off; `null` when there is none. */
  readonly getAlarm: () => Promise<number | null>;
  readonly setAlarm: (atMs: number) => Promise<void>;
  /** Runs something later in memory, and gives what cancels it. */
  readonly delay: Host["delay"];
  /** Keeps the object in memory until the promise settles; the runtime bounds it. */
  readonly waitUntil: (promise: Promise<void>) => void;
  /** Told what must not be thrown. */
  readonly failed: (what: string, error: unknown) => void;
}

export class ObjectAlarm {
  readonly #ports: AlarmPorts;
  /** When the stored alarm goes off, as far as `prepare` or an own write has told; `undefined` when there is none. */
  #armedAtMs: number | undefined;
  /** No alarm is set before this. */
  #earliestMs = 0;
  #dueAtMs: number | undefined;
  #wake: () => void = () => {};
  #cancelNear: () => void = () => {};
  #isWorking = false;
  /** Turns that wait for the event loop. */
  #waitingCount = 0;
  #releaseObject: () => void = () => {};

  constructor(ports: AlarmPorts) {
    this.#ports = ports;
  }

  /** Looks up what is armed. To be called before the hub is opened, so that no alarm is written that is there already. */
  async prepare(): Promise<void> {
    this.#armedAtMs = (await this.#ports.getAlarm()) ?? undefined;
  }

  /** True while something is under way that only memory knows of, or that must go on without a request. */
  get #isWorkOpen(): boolean {
    return this.#isWorking || this.#waitingCount > 0;
  }

  /** Calls `wake` at or after the instant, after an eviction too: see `Host.wakeAt`. */
  wakeAt(dueAtMs: number | undefined, wake: () => void): void {
    this.#cancelNear();
    this.#cancelNear = () => {};
    this.#dueAtMs = dueAtMs;
    this.#wake = wake;
    if (dueAtMs === undefined) return;
    this.#arm(dueAtMs);
    const waitMs = Math.max(0, dueAtMs - this.#ports.now());
    if (waitMs < NEAR_TIMER_MS) this.#cancelNear = this.#ports.delay(waitMs, () => this.#look());
  }

  /** Activities have begun to run, or none is left. */
  setWorking(isWorking: boolean): void {
    if (isWorking === this.#isWorking) return;
    this.#isWorking = isWorking;
    if (isWorking) this.#watch();
    else this.#releaseObject();
  }

  /** Work goes on when `proceed` is called: until then it counts as open. Gives what to call instead. */
  spanning(proceed: () => void): () => void {
    this.#waitingCount++;
    this.#arm(this.#ports.now() + WATCHDOG_MS);
    return () => {
      this.#waitingCount--;
      proceed();
    };
  }

  /** The alarm goes off. `open` takes up what is outstanding. Never throws. */
  async goOff(scheduledAtMs: number, open: () => Promise<unknown>): Promise<void> {
    this.#armedAtMs = undefined;
    this.#earliestMs = scheduledAtMs + 1;
    try {
      await open();
      this.#look();
      if (this.#isWorkOpen) this.#watch();
      if (this.#dueAtMs !== undefined) this.#arm(this.#dueAtMs);
    } catch (error) {
      this.#ports.failed("The alarm of a task hub failed; it is tried again later.", error);
      this.#arm(this.#ports.now() + HANDLER_RETRY_MS);
    }
  }

  /** Wakes the hub if it is time. */
  #look(): void {
    if (this.#dueAtMs !== undefined && this.#dueAtMs <= this.#ports.now()) {
      this.#dueAtMs = undefined;
      this.#wake();
    }
  }

  /** Arms the watchdog, and keeps the object in memory while activities run. */
  #watch(): void {
    this.#arm(this.#ports.now() + WATCHDOG_MS);
    this.#releaseObject();
    this.#releaseObject = () => {};
    if (!this.#isWorking) return;
    this.#ports.waitUntil(new Promise((resolve) => (this.#releaseObject = resolve)));
  }

  #arm(atMs: number): void {
    const at = Math.ceil(Math.max(atMs, this.#ports.now(), this.#earliestMs));
    if (this.#armedAtMs !== undefined && this.#armedAtMs <= at) return;
    this.#armedAtMs = at;
    this.#ports.setAlarm(at).catch((error) => {
      this.#armedAtMs = undefined;
      this.#ports.failed("The alarm of a task hub could not be set.", error);
    });
  }
}
