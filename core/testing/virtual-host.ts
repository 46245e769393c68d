/** A host whose clock stands still until a test moves it. Its event loop is the platform's own. */
import { type Connectivity, type Host, oneAlarm, systemHost } from "../hub/host.ts";

interface VirtualTimer {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A network that a test takes away and gives back. */
class VirtualNetwork implements Connectivity {
  readonly #watchers = new Set<() => void>();
  #isOnline = true;

  isOnline(): boolean {
    return this.#isOnline;
  }
  onChange(callback: () => void): () => void {
    this.#watchers.add(callback);
    return () => this.#watchers.delete(callback);
  }
  set(isOnline: boolean): void {
    this.#isOnline = isOnline;
    for (const watcher of this.#watchers) watcher();
  }
}

export class VirtualHost implements Host {
  readonly online: VirtualNetwork = new VirtualNetwork();
  readonly #system: Host = systemHost();
  #nowMs: number;
  #order = 0;
  readonly #timers = new Set<VirtualTimer>();
  readonly wakeAt: Host["wakeAt"];

  constructor(startAtMs: number) {
    this.#nowMs = startAtMs;
    this.wakeAt = oneAlarm(
      (delayMs, callback) => this.delay(delayMs, callback),
      () => this.#nowMs,
    );
  }

  now(): number {
    return this.#nowMs;
  }
  randomId(): string {
    return this.#system.randomId();
  }
  afterMicrotasks(callback: () => void): void {
    this.#system.afterMicrotasks(callback);
  }
  afterIo(callback: () => void): void {
    this.#system.afterIo(callback);
  }
  delay(delayMs: number, callback: () => void): () => void {
    const timer: VirtualTimer = { atMs: this.#nowMs + delayMs, order: this.#order++, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Moves the clock forward to an instant; never back. */
  moveTo(atMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, atMs);
  }
  /** When the earliest timer fires. */
  nextAtMs(): number | undefined {
    return this.#earliest()?.atMs;
  }
  /** Fires the earliest timer if it is due; false when none is. */
  fireOne(): boolean {
    const timer = this.#earliest();
    if (!timer || timer.atMs > this.#nowMs) return false;
    this.#timers.delete(timer);
    timer.callback();
    return true;
  }

  #earliest(): VirtualTimer | undefined {
    let first: VirtualTimer | undefined;
    for (const timer of this.#timers) {
      if (!first || timer.atMs < first.atMs || (timer.atMs === first.atMs && timer.order < first.order)) first = timer;
    }
    return first;
  }
}
