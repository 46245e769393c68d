/**
 * The open operations of an orchestrator: calls with their retries, timers, waits for events.
 * Each is a task; the run hands it the recorded outcome of the sequence ids it has consumed.
 */
import type { Retry } from "../definition/retry.ts";
import { type Duration, durationMs } from "../duration.ts";
import { FunctionNotRegisteredError, TaskFailedError, TimeoutError } from "../errors.ts";
import { type FailureData, type FailureDetails, failureDetails } from "../failure.ts";
import type { OrchestratorAction } from "../history/actions.ts";
import type { EventRaisedEvent } from "../history/events.ts";
import type { EventWaiter } from "./mailbox.ts";
import { retryDelayMs } from "./retry-decision.ts";
import { TaskNode, type TaskOwner } from "./task.ts";

/** What waits for the outcome of a sequence id. */
export interface Operation {
  completed?(result: string | undefined): void;
  failed?(failure: FailureData): void;
  fired?(): void;
}

/** What operations need of the run they belong to. */
export interface OperationHost extends TaskOwner {
  readonly nowMs: number;
  /** Consumes a sequence id. */
  nextId(): number;
  /** Takes an action and lines up who waits for its outcome. */
  take(action: OrchestratorAction, operation?: Operation): void;
  /** Throws outside a turn, and when code and history differ. */
  checkActive(method: string): void;
  /** Withdraws a timer: its action when it is not committed yet, else the timer itself. */
  withdrawTimer(id: number): void;
  decode(text: string | undefined): unknown;
  warn(message: string, fields: Record<string, unknown>): void;
  /** Asks a retry handler; may answer later, within the turn. */
  askRetryHandler(
    retry: Extract<Retry, (...args: never) => unknown>,
    attempt: number,
    failure: FailureDetails,
    elapsedMs: number,
  ): unknown;
}

/** One attempt of a call, as an action. */
export type AttemptAction = (id: number, attempt: number, firstId: number) => OrchestratorAction;

/** A call of an activity or sub-orchestration, with its retries. Every attempt and every delay between two consumes a new sequence id. */
export class CallTask<T> extends TaskNode<T> implements Operation {
  readonly #host: OperationHost;
  readonly #what: "Activity" | "Sub-orchestration";
  readonly #name: string;
  readonly #attemptAction: AttemptAction;
  readonly #retry: Retry | undefined;
  readonly #startedAtMs: number;
  #attempt = 1;
  #id = 0;
  #firstId = 0;

  constructor(
    host: OperationHost,
    what: "Activity" | "Sub-orchestration",
    name: string,
    attemptAction: AttemptAction,
    retry: Retry | undefined,
  ) {
    super(host);
    this.#host = host;
    this.#what = what;
    this.#name = name;
    this.#attemptAction = attemptAction;
    this.#retry = retry;
    this.#startedAtMs = host.nowMs;
    this.#schedule();
  }

  completed(result: string | undefined): void {
    try {
      this.complete(this.#host.decode(result) as T);
    } catch (error) {
      this.fail(error as Error);
    }
  }

  failed(data: FailureData): void {
    const failure = failureDetails(data);
    const retry = this.#retry;
    if (retry === undefined) {
      this.#giveUp(failure);
      return;
    }
    // Handlers are user code: what they start without waiting for it goes on in the microtask queue.
    this.#host.hasWoken = true;
    const elapsedMs = this.#host.nowMs - this.#startedAtMs;
    if (typeof retry === "function") {
      this.#askHandler(retry, failure, elapsedMs);
      return;
    }
    const delayMs = retryDelayMs(retry, { attempt: this.#attempt, failure, elapsedMs }, (error) =>
      this.#warn("handleFailure", error),
    );
    if (delayMs === undefined) this.#giveUp(failure);
    else this.#againAfter(delayMs);
  }

  /** The delay between two attempts is over. */
  fired(): void {
    this.#again();
  }

  #schedule(): void {
    this.#id = this.#host.nextId();
    if (this.#firstId === 0) this.#firstId = this.#id;
    this.#host.take(this.#attemptAction(this.#id, this.#attempt, this.#firstId), this);
  }

  #again(): void {
    this.#attempt++;
    this.#schedule();
  }

  #againAfter(delayMs: number): void {
    const id = this.#host.nextId();
    this.#host.take({ kind: "createTimer", id, fireAtMs: this.#host.nowMs + delayMs }, this);
  }

  #askHandler(handler: Extract<Retry, (...args: never) => unknown>, failure: FailureDetails, elapsedMs: number): void {
    const refuse = (error: unknown): void => {
      this.#warn("The retry handler", error);
      this.#giveUp(failure);
    };
    const decide = (answer: unknown): void => {
      let delayMs: number | undefined;
      try {
        delayMs = answer === true ? 0 : answerMs(answer);
      } catch (error) {
        refuse(error);
        return;
      }
      if (delayMs === undefined) this.#giveUp(failure);
      else if (delayMs <= 0) this.#again();
      else this.#againAfter(delayMs);
    };
    if (failure.isNonRetriable) {
      this.#giveUp(failure);
      return;
    }
    let answer: unknown;
    try {
      answer = this.#host.askRetryHandler(handler, this.#attempt, failure, elapsedMs);
    } catch (error) {
      refuse(error);
      return;
    }
    if (typeof (answer as PromiseLike<unknown> | undefined)?.then !== "function") decide(answer);
    else (answer as PromiseLike<unknown>).then(this.#inTurn(decide), this.#inTurn(refuse));
  }

  /** What a retry handler answered later counts within the turn only. The run notes down a broken rule or a mismatch itself. */
  #inTurn(act: (value: unknown) => void): (value: unknown) => void {
    return (value) => {
      try {
        this.#host.checkActive("callActivity");
        act(value);
      } catch {
        // Known to the run.
      }
    };
  }

  #warn(what: string, error: unknown): void {
    this.#host.warn(`${what} of ${this.describe()} threw; the call is not tried again.`, { error: String(error) });
  }

  #giveUp(failure: FailureDetails): void {
    if (failure.errorType === "FunctionNotRegisteredError" && failure.properties?.unregistered === this.#name) {
      this.fail(
        Object.assign(
          new FunctionNotRegisteredError(this.#what === "Activity" ? "activity" : "orchestrator", this.#name),
          { message: failure.errorMessage, failure },
        ),
      );
      return;
    }
    this.fail(new TaskFailedError(`${this.describe()} failed: ${failure.errorMessage}`, failure));
  }

  protected override describe(): string {
    return `${this.#what} '${this.#name}' (#${this.#id})`;
  }
}

/** The delay a retry handler asked for, or undefined for "give up". */
function answerMs(answer: unknown): number | undefined {
  if (typeof answer === "number") return Number.isFinite(answer) ? answer : undefined;
  return typeof answer === "object" && answer !== null
    ? durationMs(answer as Duration, "The retry handler's delay")
    : undefined;
}

/** A durable timer. */
export class TimerTaskNode extends TaskNode<void> implements Operation {
  readonly id: number;
  readonly #host: OperationHost;
  readonly #fireAtMs: number;

  constructor(host: OperationHost, fireAtMs: number) {
    super(host);
    this.#host = host;
    this.#fireAtMs = fireAtMs;
    this.id = host.nextId();
    host.take({ kind: "createTimer", id: this.id, fireAtMs }, this);
  }
  get fireAt(): Date {
    return new Date(this.#fireAtMs);
  }
  fired(): void {
    this.complete();
  }
  override cancel(): void {
    if (!this.isPending) return;
    this.#host.withdrawTimer(this.id);
    super.cancel();
  }
  protected override describe(): string {
    return `The timer #${this.id}`;
  }
}

/** A wait for an external event, with or without a timeout. */
export class EventTask<T> extends TaskNode<T> implements EventWaiter, Operation {
  readonly #host: OperationHost;
  readonly #name: string;
  readonly #onGivenUp: () => void;
  #timerId: number | undefined;
  #timeoutMs = 0;

  constructor(host: OperationHost, name: string, onGivenUp: () => void) {
    super(host);
    this.#host = host;
    this.#name = name;
    this.#onGivenUp = onGivenUp;
  }
  /** Fails the wait with `TimeoutError` after a time; consumes a sequence id for the timer. */
  limit(timeoutMs: number): void {
    this.#timeoutMs = timeoutMs;
    this.#timerId = this.#host.nextId();
    this.#host.take({ kind: "createTimer", id: this.#timerId, fireAtMs: this.#host.nowMs + timeoutMs }, this);
  }
  accept(event: EventRaisedEvent): void {
    this.#withdrawTimer();
    try {
      this.complete(this.#host.decode(event.input) as T);
    } catch (error) {
      this.fail(error as Error);
    }
  }
  fired(): void {
    this.#timerId = undefined;
    this.fail(new TimeoutError(`No event '${this.#name}' arrived within ${this.#timeoutMs} ms.`));
    this.#onGivenUp();
  }
  override cancel(): void {
    if (!this.isPending) return;
    this.#withdrawTimer();
    super.cancel();
    this.#onGivenUp();
  }
  #withdrawTimer(): void {
    if (this.#timerId !== undefined) this.#host.withdrawTimer(this.#timerId);
    this.#timerId = undefined;
  }
  protected override describe(): string {
    return `The wait for event '${this.#name}'`;
  }
}
