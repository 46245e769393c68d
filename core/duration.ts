/** Durations and instants as the public API takes them, turned into milliseconds. */
import { InvalidArgumentError } from "./errors.ts";

/** A span of time: a number of milliseconds, or its parts (added up; each finite and not negative). */
export type Duration =
  | number
  | {
      readonly days?: number;
      readonly hours?: number;
      readonly minutes?: number;
      readonly seconds?: number;
      readonly milliseconds?: number;
    };

const PART_MS = { days: 86_400_000, hours: 3_600_000, minutes: 60_000, seconds: 1_000, milliseconds: 1 } as const;
/** The largest instant a JavaScript `Date` can hold. */
export const INSTANT_MS_MAX = 8_640_000_000_000_000;

/**
 * Milliseconds of a duration.
 * @param what names the argument in the error message.
 * @throws InvalidArgumentError for a negative, non-finite or malformed duration.
 */
export function durationMs(duration: Duration, what: string): number {
  const ms = typeof duration === "number" ? duration : partsMs(duration, what);
  if (!Number.isFinite(ms) || ms < 0) {
    throw new InvalidArgumentError(
      `${what} must be a finite duration of at least 0, as milliseconds or { days, hours, minutes, seconds, milliseconds }; got ${describeDuration(duration)}.`,
    );
  }
  return ms;
}

/**
 * The instant at which something is due: a `Date` as it is, a duration counted from `nowMs`.
 * @throws InvalidArgumentError for an invalid date or duration, or an instant no `Date` can hold.
 */
export function dueAtMs(when: Date | Duration, nowMs: number, what: string): number {
  const ms = isDate(when) ? when.getTime() : nowMs + durationMs(when, what);
  if (!Number.isFinite(ms) || Math.abs(ms) > INSTANT_MS_MAX) {
    throw new InvalidArgumentError(
      `${what} must be a valid date or a duration that ends before the year 275760; got ${isDate(when) ? "an invalid date" : describeDuration(when)}.`,
    );
  }
  return ms;
}

/** The timeout of a wait, in ms. @throws InvalidArgumentError unless it is a number of at least 0 (infinite is allowed). */
export function checkTimeout(timeoutMs: number): number {
  if (typeof timeoutMs === "number" && timeoutMs >= 0) return timeoutMs;
  throw new InvalidArgumentError(`timeoutMs must be a number of at least 0; got ${String(timeoutMs)}.`);
}

function isDate(value: unknown): value is Date {
  return Object.prototype.toString.call(value) === "[object Date]";
}

function partsMs(parts: Exclude<Duration, number>, what: string): number {
  if (typeof parts !== "object" || parts === null) return Number.NaN;
  let ms = 0;
  let known = 0;
  for (const [part, amount] of Object.entries(parts) as [keyof typeof PART_MS, number | undefined][]) {
    if (amount === undefined) continue;
    if (!(part in PART_MS) || typeof amount !== "number" || !Number.isFinite(amount) || amount < 0) {
      throw new InvalidArgumentError(
        `${what}: '${part}' is not a part of a duration, or is not a finite number of at least 0.`,
      );
    }
    ms += amount * PART_MS[part];
    known++;
  }
  return known === 0 ? Number.NaN : ms;
}

function describeDuration(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
