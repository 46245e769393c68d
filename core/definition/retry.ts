/**
 * Retry policies and retry handlers. Source: Durable Task `RetryPolicy`, `RetryHandler` and `RetryContext`.
 */
import { type Duration, durationMs } from "../duration.ts";
import { InvalidArgumentError } from "../errors.ts";
import type { FailureDetails } from "../failure.ts";
import type { OrchestrationContext } from "./orchestration-context.ts";

/** Tries again after a delay that grows: `min(firstRetryInterval × backoffCoefficient^(attempt − 1), maxRetryInterval)`. */
export interface RetryPolicy {
  /** Attempts in all, the first included; an integer of at least 1. */
  readonly maxAttempts: number;
  /** Delay before the second attempt; more than 0. */
  readonly firstRetryInterval: Duration;
  /** At least 1; 1 unless given. */
  readonly backoffCoefficient?: number;
  /** Upper bound of the delay, not below the first interval; one hour unless given. */
  readonly maxRetryInterval?: Duration;
  /** Time from the first call after which no new attempt begins; unbounded unless given. */
  readonly retryTimeout?: Duration;
  /** Asked before each further attempt; `false` stops. Must be deterministic. */
  readonly handleFailure?: (failure: FailureDetails) => boolean;
}

/** What a retry handler decides on. */
export interface RetryContext {
  readonly orchestrationContext: OrchestrationContext;
  /** How many attempts have failed so far. */
  readonly lastAttemptNumber: number;
  readonly lastFailure: FailureDetails;
  /** Time since the first call, in ms. */
  readonly totalRetryTimeMs: number;
}

/** `true`: again at once; a duration: again after it; anything else, or a throw: give up. Must be deterministic. */
export type RetryHandler = (retryContext: RetryContext) => boolean | Duration | Promise<boolean | Duration>;

/** How failed calls are tried again. */
export type Retry = RetryPolicy | RetryHandler;

/** Longest delay between two attempts unless the policy says otherwise: one hour. */
export const MAX_RETRY_INTERVAL_MS = 3_600_000;

/**
 * Refuses a policy that makes no sense.
 * @throws InvalidArgumentError
 */
export function checkRetry(retry: Retry | undefined, what: string): void {
  if (retry === undefined || typeof retry === "function") return;
  if (typeof retry !== "object" || retry === null)
    throw new InvalidArgumentError(`${what}: retry must be a policy or a handler function.`);
  const refuse = (option: string, expected: string, value: unknown): never => {
    throw new InvalidArgumentError(`${what}: retry.${option} must be ${expected}; got ${String(value)}.`);
  };
  if (!Number.isInteger(retry.maxAttempts) || retry.maxAttempts < 1)
    refuse("maxAttempts", "an integer of at least 1", retry.maxAttempts);
  const firstMs = durationMs(retry.firstRetryInterval, `${what}: retry.firstRetryInterval`);
  if (firstMs <= 0) refuse("firstRetryInterval", "longer than 0", firstMs);
  const { backoffCoefficient } = retry;
  if (backoffCoefficient !== undefined && !(Number.isFinite(backoffCoefficient) && backoffCoefficient >= 1)) {
    refuse("backoffCoefficient", "a finite number of at least 1", backoffCoefficient);
  }
  if (retry.maxRetryInterval !== undefined) {
    const maxMs = durationMs(retry.maxRetryInterval, `${what}: retry.maxRetryInterval`);
    if (maxMs < firstMs) refuse("maxRetryInterval", "at least firstRetryInterval", maxMs);
  }
  if (retry.retryTimeout !== undefined) {
    const timeoutMs = durationMs(retry.retryTimeout, `${what}: retry.retryTimeout`);
    if (timeoutMs <= 0) refuse("retryTimeout", "longer than 0", timeoutMs);
  }
  if (retry.handleFailure !== undefined && typeof retry.handleFailure !== "function")
    refuse("handleFailure", "a function", retry.handleFailure);
}
