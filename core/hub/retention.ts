/**
 * How long finished instances are kept. Nothing is stored for it: what is due is found by asking the store for what finished long enough ago,
 * together with its timers, so that it survives restarts, wakes an object by its alarm, and counts for what finished before it was asked for.
 *
 * R1. An instance is deleted no earlier than its time after its completion, and only while it is still finished then.
 * R2. Deletions come in portions of `RETENTION_BATCH_MAX`, each a commit among others.
 */
import { InvalidArgumentError } from "../errors.ts";
import { RETENTION_BATCH_MAX } from "../limits.ts";
import {
  type Awaitable,
  type InstanceRecord,
  isPromise,
  type ListedInstance,
  type OrchestrationStatus,
  type StoreSession,
} from "../store/contract.ts";
import type { DueTimer } from "./timer-watch.ts";

/** How long finished instances are kept, in ms after their completion; for ever where nothing is given. Children are judged by themselves. */
export interface RetentionOptions {
  readonly completedMs?: number;
  readonly failedMs?: number;
  readonly terminatedMs?: number;
}

const STATUSES: Readonly<Record<keyof RetentionOptions, readonly OrchestrationStatus[]>> = {
  completedMs: ["Completed"],
  failedMs: ["Failed"],
  terminatedMs: ["Terminated", "Canceled"],
};

/** Statuses that are kept for one time. */
export interface RetentionPeriod {
  readonly statuses: readonly OrchestrationStatus[];
  readonly keptMs: number;
}

/** A period, and from where on the store is asked for it. */
interface Search extends RetentionPeriod {
  /** No instance of these statuses has finished before this instant: what is kept for ever is not walked through again each time. */
  fromMs: number;
  /** The earliest instant at which one has finished while the store was being asked. */
  meanwhileMs: number;
}

type Session = Pick<StoreSession, "dueTimers" | "nextTimerAtMs" | "query">;

export class Retention {
  readonly #session: Session;
  readonly #periods: readonly Search[];
  /** No finished instance is due before this; 0 when only the store knows. */
  #nextAtMs = 0;
  /** When the earliest of those is due that have finished while the store was being asked for `#nextAtMs`. */
  #meanwhileAtMs = 0;

  constructor(session: Session, periods: readonly RetentionPeriod[]) {
    this.#session = session;
    this.#periods = periods.map((period) => ({ ...period, fromMs: Number.NEGATIVE_INFINITY, meanwhileMs: 0 }));
  }

  /** When the instance is to be deleted; `undefined` when it is kept, or has not finished. */
  dueAtMs(record: InstanceRecord): number | undefined {
    const { completedAtMs } = record;
    const period = this.#periodOf(record);
    return period && completedAtMs !== undefined ? completedAtMs + period.keptMs : undefined;
  }

  #periodOf({ status }: InstanceRecord): Search | undefined {
    return this.#periods.find(({ statuses }) => statuses.includes(status));
  }

  /** An instance has been written: what the hub must wake for, if that has finished it. */
  finished(record: InstanceRecord): readonly DueTimer[] | undefined {
    const { completedAtMs } = record;
    const period = this.#periodOf(record);
    if (completedAtMs === undefined || !period) return undefined;
    const dueAtMs = completedAtMs + period.keptMs;
    // Clocks go back: it may have finished before others that the store has shown.
    period.fromMs = Math.min(period.fromMs, completedAtMs);
    period.meanwhileMs = Math.min(period.meanwhileMs, completedAtMs);
    this.#nextAtMs = Math.min(this.#nextAtMs, dueAtMs);
    this.#meanwhileAtMs = Math.min(this.#meanwhileAtMs, dueAtMs);
    return [dueTimer(record.instanceId, dueAtMs)];
  }

  /** The store's timers that are due, and the finished instances. */
  dueTimers(nowMs: number, limit: number): Awaitable<readonly DueTimer[]> {
    const timers = this.#session.dueTimers(nowMs, limit);
    if (this.#periods.length === 0 || nowMs < this.#nextAtMs) return timers;
    this.#nextAtMs = 0;
    return both(timers, this.#finishedBy(nowMs, RETENTION_BATCH_MAX), (stored, finished) => [...stored, ...finished]);
  }

  /** When the store's next timer or the next finished instance is due. Asked for when nothing is due now. */
  nextTimerAtMs(): Awaitable<number | undefined> {
    const timer = this.#session.nextTimerAtMs();
    if (this.#periods.length === 0) return timer;
    if (this.#nextAtMs > 0) return both(timer, undefined, (next) => this.#earliest(next));
    this.#meanwhileAtMs = Number.POSITIVE_INFINITY;
    return both(timer, this.#finishedBy(Number.POSITIVE_INFINITY, 1), (next, finished) => {
      this.#nextAtMs = Math.min(this.#meanwhileAtMs, ...finished.map(({ dueAtMs }) => dueAtMs));
      return this.#earliest(next);
    });
  }

  #earliest(timerAtMs: number | undefined): number | undefined {
    const earliest = Math.min(timerAtMs ?? Number.POSITIVE_INFINITY, this.#nextAtMs);
    return Number.isFinite(earliest) ? earliest : undefined;
  }

  #finishedBy(nowMs: number, limit: number): Awaitable<readonly DueTimer[]> {
    const due = this.#periods.map((period) => this.#ask(period, nowMs, limit));
    const nothing: Awaitable<readonly DueTimer[]> = [];
    return due.reduce<Awaitable<readonly DueTimer[]>>(
      (before, found) =>
        both(before, found, (items, listed) => [
          ...items,
          ...listed.map(({ record }) => dueTimer(record.instanceId, this.dueAtMs(record) ?? 0)),
        ]),
      nothing,
    );
  }

  #ask(period: Search, nowMs: number, limit: number): Awaitable<readonly ListedInstance[]> {
    const { statuses, keptMs, fromMs } = period;
    const filter = {
      statuses,
      ...(Number.isFinite(fromMs) && { completedFromMs: fromMs }),
      ...(Number.isFinite(nowMs) && { completedToMs: nowMs - keptMs }),
    };
    period.meanwhileMs = Number.POSITIVE_INFINITY;
    return both(this.#session.query({ filter, orderBy: "completed", limit }), undefined, (listed) => {
      const earliestMs = listed[0]?.record.completedAtMs ?? period.fromMs;
      period.fromMs = Math.min(Math.max(period.fromMs, earliestMs), period.meanwhileMs);
      return listed;
    });
  }
}

function dueTimer(instanceId: string, dueAtMs: number): DueTimer {
  return { instanceId, kind: "retention", timerId: 0, dueAtMs };
}

/** @throws InvalidArgumentError for a period that does not exist or makes no sense. */
export function retentionPeriods(options: RetentionOptions): RetentionPeriod[] {
  return Object.entries(options).flatMap(([name, keptMs]: [string, number | undefined]) => {
    const statuses = Object.hasOwn(STATUSES, name) ? STATUSES[name as keyof RetentionOptions] : undefined;
    if (!statuses)
      throw new InvalidArgumentError(`retention: '${name}' is not one of ${Object.keys(STATUSES).join(", ")}.`);
    if (keptMs === undefined || keptMs === Number.POSITIVE_INFINITY) return [];
    if (typeof keptMs !== "number" || !(keptMs >= 0))
      throw new InvalidArgumentError(`retention.${name} must be a number of at least 0; got ${String(keptMs)}.`);
    return [{ statuses, keptMs }];
  });
}

function both<A, B, R>(a: Awaitable<A>, b: Awaitable<B>, use: (a: A, b: B) => R): Awaitable<R> {
  return isPromise(a) || isPromise(b) ? Promise.all([a, b]).then(([x, y]) => use(x, y)) : use(a, b);
}
