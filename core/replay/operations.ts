/**
 * The open operations of an orchestrator: timers, waits for events, and (in call-task.ts) calls with their retries.
 * Each is a task; the run hands it the recorded outcome of the sequence ids it has consumed.
 */
import type { Retry } from "../definition/retry.ts";
import { TimeoutError } from "../errors.ts";
import type { FailureData, FailureDetails } from "../failure.ts";
import type { OrchestratorAction } from "../history/actions.ts";
import type { EventRaisedEvent } from "../history/events.ts";
import type { EventWaiter } from "./mailbox.ts";
import { TaskNode, type TaskOwner } from "./task.ts";

/** What waits for the outcome of a sequence id. */
export interface Operation {
  completed?(result: string | undefined): void;
  /** With an activity's failure come the details of its last heartbeat, as stored text. */
  failed?(failure: FailureData, lastHeartbeat?: string): void;
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
  /** Withdraws the attempt of an activity: its action when it is not committed yet, else the attempt itself. */
  withdrawTask(id: number): void;
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
