/**
 * Watches the store's timers: wakes when the earliest is due, and hands out whatever is due by then.
 *
 * W1. What is due is found by asking the store, never by remembering what was armed; so overdue timers fire on start.
 * W2. A timer is handed out once until the commit that consumes it.
 * W3. What is handed out is given a moment to be done with, before more is asked for. What takes longer, as the operation of an entity may,
 *     keeps nothing else from being handed out.
 * W4. What a commit has removed while the store was answering is not handed out, although the answer may still hold it. An answer
 *     that was asked for before a commit failed is not used: the commit may have taken effect, and have removed what is in it.
 * W5. What nobody knows, although the store has it, is not asked for again at once: a newer hub has written it, and this one has not heard of that yet.
 * W6. Once it is closed it hands out nothing and wakes nobody, whatever commits or answers of the store still come in.
 */
import { COMMIT_RETRY_DELAY_MS, TIMER_BATCH_MAX, TIMER_PATIENCE_MS } from "../limits.ts";
import { type Awaitable, isPromise, type StoredTimer } from "../store/contract.ts";
import type { Host } from "./host.ts";

/** Something that is due: a stored timer, or a finished instance that has been kept long enough. */
export type DueTimer = Omit<StoredTimer, "kind"> & { readonly kind: StoredTimer["kind"] | "retention" };

export interface TimerWatchPorts {
  readonly host: Host;
  dueTimers(dueAtMs: number, limit: number): Awaitable<readonly DueTimer[]>;
  nextTimerAtMs(): Awaitable<number | undefined>;
  fire(timer: DueTimer): void;
  /** The store could not be read; it is tried again. */
  failed(error: Error): void;
}

export class TimerWatch {
  readonly #ports: TimerWatchPorts;
  /** Timers handed out whose commit is not done. */
  readonly #firing = new Set<string>();
  /** Timers that commits have removed since the store was asked. */
  readonly #removed = new Set<string>();
  #armedAtMs: number | undefined;
  #stopWaiting = (): void => {};
  #isAsking = false;
  /** An alarm rang while the store was answering, which may not have known of what it rang for. */
  #mustLookAgain = false;
  /** A commit has failed while the store was answering. */
  #isAnswerVoid = false;
  #isClosed = false;

  constructor(ports: TimerWatchPorts) {
    this.#ports = ports;
  }

  /** True while timers that are due have not been handed out. */
  get isAsking(): boolean {
    return this.#isAsking;
  }

  /** Looks at the store: hands out what is due and arms for the next. */
  look(): void {
    if (this.#isAsking) this.#mustLookAgain = true;
    if (this.#isClosed || this.#isAsking) return;
    this.#isAsking = true;
    this.#mustLookAgain = false;
    this.#isAnswerVoid = false;
    this.#stopWaiting();
    this.#removed.clear();
    const { host, dueTimers } = this.#ports;
    // As of the question: the answer may still hold what a commit has consumed meanwhile.
    const handedOut = new Set(this.#firing);
    const isNew = (timer: DueTimer): boolean => !handedOut.has(keyOf(timer));
    this.#ask(
      () => dueTimers(host.now(), TIMER_BATCH_MAX + handedOut.size),
      (answer) => {
        if (this.#isAnswerVoid) {
          this.#isAsking = false;
          this.look();
          return;
        }
        const due = answer.filter((timer) => isNew(timer) && !this.#removed.has(setOf(timer)));
        for (const timer of due) {
          this.#firing.add(keyOf(timer));
          this.#ports.fire(timer);
        }
        if (due.length === 0) {
          this.#armForNext(handedOut.size, isNew);
          return;
        }
        this.#isAsking = false;
        this.#stopWaiting = host.delay(TIMER_PATIENCE_MS, () => this.look());
      },
    );
  }

  #armForNext(handedOutCount: number, isNew: (timer: DueTimer) => boolean): void {
    const { dueTimers, nextTimerAtMs } = this.#ports;
    const use = (next: number | undefined): void => {
      this.#isAsking = false;
      if (this.#mustLookAgain) {
        this.look();
        return;
      }
      // Timers committed while the store was answering may be due earlier than what it knew.
      const armed = this.#armedAtMs;
      if (armed === undefined || (next !== undefined && next < armed)) this.#arm(next);
    };
    if (handedOutCount === 0) this.#ask(nextTimerAtMs, use);
    else {
      this.#ask(
        () => dueTimers(Number.MAX_SAFE_INTEGER, handedOutCount + 1),
        (timers) => {
          const nextAtMs = Math.min(...timers.filter(isNew).map(({ dueAtMs }) => dueAtMs));
          use(Number.isFinite(nextAtMs) ? nextAtMs : undefined);
          // All was done with while the store was answering.
          if (this.#firing.size === 0) this.look();
        },
      );
    }
  }

  /** Timers were committed. */
  added(timers: readonly DueTimer[]): void {
    let earliest = this.#armedAtMs ?? Number.POSITIVE_INFINITY;
    for (const timer of timers) earliest = Math.min(earliest, timer.dueAtMs);
    if (earliest < (this.#armedAtMs ?? Number.POSITIVE_INFINITY)) this.#arm(earliest);
  }

  /** Timers were consumed or withdrawn by a commit. */
  removed(timers: readonly DueTimer[]): void {
    if (this.#isAsking) for (const timer of timers) this.#removed.add(setOf(timer));
    if (this.#firing.size === 0) return;
    for (const timer of timers) this.#firing.delete(keyOf(timer));
    if (this.#firing.size === 0) this.look();
  }

  /** Timers that were handed out were for nobody, and no commit has removed them. */
  passedOver(timers: readonly DueTimer[]): void {
    for (const timer of timers) this.#firing.delete(keyOf(timer));
    if (this.#firing.size > 0 || this.#isClosed) return;
    this.#stopWaiting();
    this.#stopWaiting = this.#ports.host.delay(TIMER_PATIENCE_MS, () => this.look());
  }

  /** A commit has failed. */
  doubt(): void {
    this.#isAnswerVoid = this.#isAsking;
  }

  /** Hands out an instance's timers again, after a commit of its own that failed. */
  again(instanceId: string): void {
    for (const key of this.#firing) if (key.startsWith(`${instanceId} `)) this.#firing.delete(key);
    this.look();
  }

  /** Forgets what was handed out, after a commit that failed. */
  restart(): void {
    this.#firing.clear();
    this.look();
  }

  close(): void {
    this.#isClosed = true;
    this.#stopWaiting();
    this.#ports.host.wakeAt(undefined, () => {});
  }

  #arm(dueAtMs: number | undefined): void {
    if (this.#isClosed) return;
    this.#armedAtMs = dueAtMs;
    this.#ports.host.wakeAt(dueAtMs, () => {
      this.#armedAtMs = undefined;
      this.look();
    });
  }

  #ask<T>(question: () => Awaitable<T>, use: (answer: T) => void): void {
    let answer: Awaitable<T>;
    try {
      answer = question();
    } catch (error) {
      this.#failed(error as Error);
      return;
    }
    if (!isPromise(answer)) use(answer);
    else
      answer.then(
        (value) => {
          if (this.#isClosed) this.#isAsking = false;
          else use(value);
        },
        (error: Error) => this.#failed(error),
      );
  }

  #failed(error: Error): void {
    this.#isAsking = false;
    if (this.#isClosed) return;
    this.#ports.failed(error);
    this.#ports.host.delay(COMMIT_RETRY_DELAY_MS, () => this.look());
  }
}

const keyOf = (timer: DueTimer): string => `${timer.instanceId} ${timer.kind} ${timer.timerId}`;
/** Names one that was set: a later generation may have one of the same key for another instant. */
const setOf = (timer: DueTimer): string => `${keyOf(timer)} ${Math.trunc(timer.dueAtMs)}`;
