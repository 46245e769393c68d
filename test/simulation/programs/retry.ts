/** How calls of programs are tried again, as data, and what the hub is told about it. What it should then do, `model/retries.ts` says. */
import type { Retry } from "holdfast";
import type { Random } from "../replay/random.ts";

export type Retrying =
  | {
      readonly kind: "policy";
      readonly maxAttempts: number;
      readonly firstMs: number;
      readonly backoff?: number;
      readonly maxMs?: number;
      readonly timeoutMs?: number;
      readonly isChoosy?: true;
    }
  | {
      readonly kind: "handler";
      /** What it answers after the first failure, the second and so on; after that it refuses. */
      readonly answers: readonly (number | true)[];
      readonly isAsync: boolean;
      readonly patienceMs: number;
    };

/** A failure that choosy policies and all handlers do not forgive. */
export function isUnforgivable(message: string): boolean {
  return message.endsWith("7");
}

/** The same for the hub. */
export function retryOf(retrying: Retrying): Retry {
  if (retrying.kind === "policy") {
    const { maxAttempts, firstMs, backoff, maxMs, timeoutMs, isChoosy } = retrying;
    return {
      maxAttempts,
      firstRetryInterval: firstMs,
      ...(backoff !== undefined && { backoffCoefficient: backoff }),
      ...(maxMs !== undefined && { maxRetryInterval: maxMs }),
      ...(timeoutMs !== undefined && { retryTimeout: timeoutMs }),
      ...(isChoosy && { handleFailure: ({ errorMessage }) => !isUnforgivable(errorMessage) }),
    };
  }
  const { answers, isAsync, patienceMs } = retrying;
  const decide: Extract<Retry, (...args: never) => unknown> = ({ lastAttemptNumber, lastFailure, totalRetryTimeMs }) =>
    totalRetryTimeMs <= patienceMs && !isUnforgivable(lastFailure.errorMessage)
      ? (answers[lastAttemptNumber - 1] ?? false)
      : false;
  return isAsync ? async (context) => decide(context) : decide;
}

export function inventRetrying(random: Random): Retrying {
  if (random.chance(0.4)) {
    const answers = Array.from({ length: random.integer(1, 3) }, () => random.pick([true, 0, 50, 5_000] as const));
    return { kind: "handler", answers, isAsync: random.chance(0.5), patienceMs: random.pick([10, 10_000, 1e9]) };
  }
  const firstMs = random.pick([100, 100, 1_000, 60_000]);
  return {
    kind: "policy",
    maxAttempts: random.integer(2, 4),
    firstMs,
    ...(random.chance(0.5) && { backoff: random.pick([1.5, 3]) }),
    ...(random.chance(0.3) && { maxMs: firstMs * 2 }),
    ...(random.chance(0.3) && { timeoutMs: random.pick([firstMs * 2, 5_000]) }),
    ...(random.chance(0.2) && { isChoosy: true as const }),
  };
}
