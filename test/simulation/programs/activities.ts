/** The activities that programs call, as data: their definitions, and what the invariants hold them to. */
import type { Random } from "../replay/random.ts";
import type { Retrying } from "./retry.ts";

/** What limits the time of a call; a call's own limits win over the definition's. */
export interface TimeLimits {
  /** Of one attempt. */
  readonly timeoutMs?: number;
  /** Of the call, all its attempts and delays included. */
  readonly scheduleToCloseTimeoutMs?: number;
  readonly heartbeatTimeoutMs?: number;
}

export interface ActivityTraits {
  readonly limits: TimeLimits;
  readonly retry?: Retrying;
  /** How many attempts run at once. */
  readonly maxConcurrency?: number;
  readonly requires?: "network";
}

export const ACTIVITIES = {
  work: { limits: {} },
  /** Called by code of another deployment only. */
  added: { limits: {} },
  online: { limits: {}, requires: "network", maxConcurrency: 2 },
  narrow: {
    limits: { timeoutMs: 2_000, scheduleToCloseTimeoutMs: 9_000, heartbeatTimeoutMs: 400 },
    retry: { kind: "policy", maxAttempts: 3, firstMs: 3_000, backoff: 2 },
    maxConcurrency: 1,
  },
} as const satisfies Readonly<Record<string, ActivityTraits>>;

export type ActivityName = keyof typeof ACTIVITIES;

/** The traits of an activity, as far as it is one of these. */
export function traitsOf(name: string): ActivityTraits | undefined {
  return (ACTIVITIES as Readonly<Record<string, ActivityTraits>>)[name];
}

export function inventLimits(random: Random): TimeLimits {
  return {
    ...(random.chance(0.5) && { timeoutMs: random.pick([50, 500]) }),
    ...(random.chance(0.5) && { scheduleToCloseTimeoutMs: random.pick([300, 4_000, 90_000]) }),
    ...(random.chance(0.3) && { heartbeatTimeoutMs: random.pick([100, 2_500]) }),
  };
}
