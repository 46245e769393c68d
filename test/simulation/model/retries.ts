/** When a failed call is tried again, as the documentation has it: the reference for the hub's own decision. */
import { isUnforgivable, type Retrying } from "../programs/retry.ts";

export interface FailedCall {
  /** Attempts that have failed. */
  readonly attempts: number;
  readonly elapsedMs: number;
  readonly message: string;
  readonly isForGood: boolean;
}

const HOUR_MS = 3_600_000;

/** The delay before the next attempt, in ms; `undefined` when there is none. */
export function delayBeforeNext(retrying: Retrying | undefined, failed: FailedCall): number | undefined {
  const { attempts, elapsedMs, message, isForGood } = failed;
  if (!retrying || isForGood) return undefined;
  if (retrying.kind === "handler") {
    const answer = retrying.answers[attempts - 1];
    if (elapsedMs > retrying.patienceMs || isUnforgivable(message)) return undefined;
    return answer === true ? 0 : answer;
  }
  const { maxAttempts, firstMs, backoff = 1, maxMs = HOUR_MS, timeoutMs = Number.POSITIVE_INFINITY } = retrying;
  if (attempts >= maxAttempts || (retrying.isChoosy && isUnforgivable(message))) return undefined;
  const delayMs = Math.min(maxMs, firstMs * backoff ** (attempts - 1));
  return elapsedMs < timeoutMs && elapsedMs + delayMs <= timeoutMs ? delayMs : undefined;
}
