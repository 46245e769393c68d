/** A task hub on virtual time that tells exactly when it has come to rest, in any runtime and without the host's timers. */
import { type Host, systemHost, TaskHub, type TaskHubOptions } from "holdfast";
import { oneAlarm } from "../../../core/hub/host.ts";
import type { Random } from "./random.ts";

/** A hub, and the two ways in which a test lets it go on. */
export interface HostedHub {
  readonly hub: TaskHub;
  readonly now: Date;
  /** Until nothing more happens without the clock moving, an activity ending, or a call from outside. */
  settle(): Promise<void>;
  advance(ms: number): Promise<void>;
}

/** What a hosted hub is opened with. */
export interface HostedHubOptions extends Omit<TaskHubOptions, "host"> {
  readonly startAt: Date;
  /** Where ids come from. */
  readonly ids: Random;
}
export type OpenHub = (options: HostedHubOptions) => Promise<HostedHub>;

interface Alarm {
  readonly atMs: number;
  readonly callback: () => void;
}

/** Time stands still until it is moved; the way out of the microtask queue is the platform's own, and calls that it owes are counted. */
class CountingHost implements Host {
  readonly #system: Host = systemHost();
  readonly #ids: Random;
  readonly #alarms = new Set<Alarm>();
  readonly wakeAt: Host["wakeAt"];
  nowMs: number;
  owedCount = 0;
  servedCount = 0;

  constructor(startAt: Date, ids: Random) {
    this.nowMs = startAt.getTime();
    this.#ids = ids;
    this.wakeAt = oneAlarm(
      (delayMs, callback) => this.delay(delayMs, callback),
      () => this.nowMs,
    );
  }

  now(): number {
    return this.nowMs;
  }
  randomId(): string {
    const part = (length: number): string =>
      Array.from({ length }, () => this.#ids.integer(0, 15).toString(16)).join("");
    return [8, 4, 4, 4, 12].map(part).join("-");
  }
  afterMicrotasks(callback: () => void): void {
    this.owedCount++;
    this.#system.afterMicrotasks(() => {
      this.owedCount--;
      this.servedCount++;
      callback();
    });
  }
  afterIo(callback: () => void): void {
    this.afterMicrotasks(callback);
  }
  delay(delayMs: number, callback: () => void): () => void {
    const alarm = { atMs: this.nowMs + delayMs, callback };
    this.#alarms.add(alarm);
    return () => this.#alarms.delete(alarm);
  }

  /** The earliest alarm, if it is due by an instant; of two at one instant the older. */
  next(untilMs: number): Alarm | undefined {
    let first: Alarm | undefined;
    for (const alarm of this.#alarms)
      if (alarm.atMs <= untilMs && alarm.atMs < (first?.atMs ?? Number.POSITIVE_INFINITY)) first = alarm;
    return first;
  }
  fire(alarm: Alarm): void {
    this.nowMs = Math.max(this.nowMs, alarm.atMs);
    this.#alarms.delete(alarm);
    alarm.callback();
  }
  /** At rest: the microtask queue has run empty once, and nothing happened meanwhile that could have filled it again. */
  async settle(): Promise<void> {
    for (;;) {
      const { servedCount } = this;
      await new Promise<void>((resolve) => this.#system.afterMicrotasks(resolve));
      const due = this.next(this.nowMs);
      if (due) this.fire(due);
      else if (this.owedCount === 0 && this.servedCount === servedCount) return;
    }
  }
}

export const openHostedHub: OpenHub = async ({ startAt, ids, ...options }) => {
  const host = new CountingHost(startAt, ids);
  const hub = await TaskHub.open({ ...options, host });
  return {
    hub,
    get now() {
      return new Date(host.nowMs);
    },
    settle: () => host.settle(),
    async advance(ms) {
      const untilMs = host.nowMs + ms;
      await host.settle();
      for (let alarm = host.next(untilMs); alarm; alarm = host.next(untilMs)) {
        host.fire(alarm);
        await host.settle();
      }
      host.nowMs = untilMs;
    },
  };
};
