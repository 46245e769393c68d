/**
 * Calls of activities and sub-orchestrations, with their retries.
 *
 * A1. Every attempt and every delay between two consumes a new sequence id.
 * A2. A call's schedule-to-close deadline counts from its first attempt. An attempt that runs or queues is ended there by the hub; a
 *     retry delay never reaches beyond it: its timer fires at the deadline at the latest, and then the call fails.
 * A3. A call that was cancelled is settled at once: nothing of it is recorded but the cancellation, and no retry follows.
 */

import { isScheduleToClose, scheduleToCloseTimeout, timeoutFailure } from "../activity-timeout.ts";
import { optionsOf } from "../definition/definitions.ts";
import type { CallActivityOptions } from "../definition/orchestration-context.ts";
import type { Retry } from "../definition/retry.ts";
import { type Duration, durationMs } from "../duration.ts";
import { FunctionNotRegisteredError, TaskFailedError } from "../errors.ts";
import { type FailureData, type FailureDetails, failureDetails } from "../failure.ts";
import type { OrchestratorAction, ScheduleTaskAction } from "../history/actions.ts";
import type { ActivityCallOptions } from "../history/events.ts";
import type { Mutable } from "../mutable.ts";
import type { Operation, OperationHost } from "./operations.ts";
import { retryDelayMs } from "./retry-decision.ts";
import { TaskNode } from "./task.ts";

/** What a further attempt is told. */
export interface Repetition {
  /** From 2. */
  readonly attempt: number;
  /** What is left of the call's schedule-to-close timeout; more than 0. */
  readonly remainingMs: number | undefined;
  /** Details of the last heartbeat so far, as stored text. */
  readonly lastHeartbeat: string | undefined;
}

/** One attempt of a call, as an action; the first has no `again`. */
export type AttemptAction = (id: number, firstId: number, again: Repetition | undefined) => OrchestratorAction;

/** The attempts of an activity call. Most calls have an input and nothing else: absent fields cost nothing. */
export function activityAttempts(
  name: string,
  version: string | undefined,
  input: string | undefined,
  options: CallActivityOptions | undefined,
): AttemptAction {
  const call: Mutable<ScheduleTaskAction> = { kind: "scheduleTask", id: 0, name };
  if (version !== undefined) call.version = version;
  if (input !== undefined) call.input = input;
  if (options) {
    if (options.tags) call.tags = { ...options.tags };
    const { retry: _retry, ...callOptions } = optionsOf(options);
    if (Object.keys(callOptions).length > 0) call.options = callOptions as ActivityCallOptions;
  }
  return (id, firstAttemptId, again) => {
    if (!again) return { ...call, id };
    const { attempt, remainingMs, lastHeartbeat } = again;
    return {
      ...call,
      id,
      attempt,
      firstAttemptId,
      ...(lastHeartbeat !== undefined && { lastHeartbeat }),
      ...(remainingMs !== undefined && { options: { ...call.options, scheduleToCloseTimeoutMs: remainingMs } }),
    };
  };
}

/** A call of an activity or sub-orchestration. */
export class CallTask<T> extends TaskNode<T> implements Operation {
  readonly #host: OperationHost;
  readonly #what: "Activity" | "Sub-orchestration";
  readonly #name: string;
  readonly #attemptAction: AttemptAction;
  readonly #retry: Retry | undefined;
  readonly #startedAtMs: number;
  readonly #deadlineMs: number;
  #attempt = 1;
  #id = 0;
  #firstId = 0;
  /** The timer of the delay before the next attempt. */
  #timerId: number | undefined;
  #lastFailure: FailureData | undefined;
  #lastHeartbeat: string | undefined;

  constructor(
    host: OperationHost,
    what: "Activity" | "Sub-orchestration",
    name: string,
    attemptAction: AttemptAction,
    retry: Retry | undefined,
    scheduleToCloseTimeoutMs?: number,
  ) {
    super(host);
    this.#host = host;
    this.#what = what;
    this.#name = name;
    this.#attemptAction = attemptAction;
    this.#retry = retry;
    this.#startedAtMs = host.nowMs;
    this.#deadlineMs = host.nowMs + (scheduleToCloseTimeoutMs ?? Number.POSITIVE_INFINITY);
    this.#schedule(undefined);
  }

  completed(result: string | undefined): void {
    try {
      this.complete(this.#host.decode(result) as T);
    } catch (error) {
      this.fail(error as Error);
    }
  }

  failed(data: FailureData, lastHeartbeat?: string): void {
    this.#lastFailure = data;
    this.#lastHeartbeat = lastHeartbeat ?? this.#lastHeartbeat;
    const failure = failureDetails(data);
    const retry = this.#retry;
    if (retry === undefined || isScheduleToClose(data)) {
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
    this.#timerId = undefined;
    this.#again();
  }

  override cancel(): void {
    if (!this.isPending) return;
    if (this.#timerId === undefined) this.#host.withdrawTask(this.#id);
    else this.#host.withdrawTimer(this.#timerId);
    super.cancel();
  }

  #schedule(again: Repetition | undefined): void {
    this.#id = this.#host.nextId();
    if (!again) this.#firstId = this.#id;
    this.#host.take(this.#attemptAction(this.#id, this.#firstId, again), this);
  }

  #again(): void {
    const remainingMs = this.#deadlineMs - this.#host.nowMs;
    if (remainingMs <= 0) {
      const timeout = scheduleToCloseTimeout(this.#name, this.#deadlineMs);
      this.#giveUp(failureDetails(timeoutFailure(timeout, this.#lastFailure)));
      return;
    }
    this.#attempt++;
    this.#schedule({
      attempt: this.#attempt,
      remainingMs: Number.isFinite(remainingMs) ? remainingMs : undefined,
      lastHeartbeat: this.#lastHeartbeat,
    });
  }

  #againAfter(delayMs: number): void {
    if (delayMs <= 0 || this.#host.nowMs >= this.#deadlineMs) {
      this.#again();
      return;
    }
    this.#timerId = this.#host.nextId();
    const fireAtMs = Math.min(this.#host.nowMs + delayMs, this.#deadlineMs);
    this.#host.take({ kind: "createTimer", id: this.#timerId, fireAtMs }, this);
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

  /** What a retry handler answered later counts within the turn only, and while the call is open. The run notes down a broken rule or a mismatch itself. */
  #inTurn(act: (value: unknown) => void): (value: unknown) => void {
    return (value) => {
      try {
        this.#host.checkActive("callActivity");
        if (this.isPending) act(value);
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
