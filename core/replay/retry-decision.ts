/**
 * Whether and when a failed call is tried again. The order of the checks is that of the Durable Task retry policy:
 * non-retriable, `handleFailure`, attempts, timeout, then the delay, and the timeout again against the delay.
 */

import { MAX_RETRY_INTERVAL_MS, type RetryPolicy } from "../definition/retry.ts";
import { durationMs } from "../duration.ts";
import type { FailureDetails } from "../failure.ts";

/** What is known when an attempt has failed. */
export interface FailedAttempt {
  /** Attempts that have failed so far, this one included. */
  readonly attempt: number;
  readonly failure: FailureDetails;
  /** Time since the call, in ms, by the orchestrator's clock. */
  readonly elapsedMs: number;
}

/** Delay until the next attempt in ms; `undefined` to give up. `onHandlerError` hears of a `handleFailure` that threw. */
export function retryDelayMs(
  policy: RetryPolicy,
  failed: FailedAttempt,
  onHandlerError: (error: unknown) => void,
): number | undefined {
  if (failed.failure.isNonRetriable) return undefined;
  if (!isHandled(policy, failed.failure, onHandlerError)) return undefined;
  if (failed.attempt >= policy.maxAttempts) return undefined;
  const timeoutMs =
    policy.retryTimeout === undefined ? Number.POSITIVE_INFINITY : durationMs(policy.retryTimeout, "retryTimeout");
  if (failed.elapsedMs >= timeoutMs) return undefined;
  const maxMs =
    policy.maxRetryInterval === undefined
      ? MAX_RETRY_INTERVAL_MS
      : durationMs(policy.maxRetryInterval, "maxRetryInterval");
  const firstMs = durationMs(policy.firstRetryInterval, "firstRetryInterval");
  const delayMs = Math.min(firstMs * (policy.backoffCoefficient ?? 1) ** (failed.attempt - 1), maxMs);
  return delayMs > timeoutMs - failed.elapsedMs ? undefined : delayMs;
}

function isHandled(policy: RetryPolicy, failure: FailureDetails, onHandlerError: (error: unknown) => void): boolean {
  if (!policy.handleFailure) return true;
  try {
    return policy.handleFailure(failure) !== false;
  } catch (error) {
    onHandlerError(error);
    return false;
  }
}
