/**
 * The times of a schedule: those of a grid (interval), or those a cron expression names in its time zone. Arithmetic on instants; no clock.
 * The cron library is loaded with the first expression: hubs without one do without it.
 */
import type { Cron as CronJob } from "croner";
import { INSTANT_MS_MAX } from "../duration.ts";
import { InvalidArgumentError } from "../errors.ts";
import type { Awaitable } from "../store/contract.ts";
import type { Schedule, Timing } from "./schedule.ts";

/** Times of a cron expression that are counted one by one when a schedule catches up: each costs about 0.1 ms. */
const COUNTED_MAX = 1_000;

/** Times that have come. */
export interface DueTimes {
  /** The latest, in order. */
  readonly latestMs: readonly number[];
  /** How many there are, as far as they are counted. */
  readonly count: number;
}

/** The times of a schedule. */
export interface RunTimes {
  /** The first one after an instant; `undefined` when none is to come. */
  nextAfter(afterMs: number): number | undefined;
  /** Those between two instants, both included: the latest `max` of them, and their number. `fromMs` must be one of them. */
  between(fromMs: number, toMs: number, max: number): DueTimes;
}

/**
 * The times of a schedule, its start and end regarded.
 * @throws InvalidArgumentError for an expression or a time zone that is none.
 */
export function timesOf({ timing, endAtMs }: Pick<Schedule, "timing" | "endAtMs">): Awaitable<RunTimes> {
  const last = Math.min(endAtMs ?? INSTANT_MS_MAX, INSTANT_MS_MAX);
  if (timing.kind === "interval") return bounded(intervalTimes(timing), timing.startAtMs, last);
  const { startAtMs } = timing;
  return cronTimes(timing).then((times) => bounded(times, startAtMs, last));
}

function bounded(times: RunTimes, startAtMs: number | undefined, lastMs: number): RunTimes {
  return {
    nextAfter: (afterMs) => {
      const next = times.nextAfter(startAtMs === undefined ? afterMs : Math.max(afterMs, startAtMs - 1));
      return next === undefined || next > lastMs ? undefined : next;
    },
    between: (fromMs, toMs, max) => times.between(fromMs, Math.min(toMs, lastMs), max),
  };
}

/** Drift-free: every time is the anchor and a whole number of intervals. */
function intervalTimes({ intervalMs, anchorMs }: Extract<Timing, { kind: "interval" }>): RunTimes {
  return {
    nextAfter: (afterMs) => anchorMs + intervalMs * Math.max(0, Math.floor((afterMs - anchorMs) / intervalMs) + 1),
    between: (fromMs, toMs, max) => {
      const count = toMs < fromMs ? 0 : Math.floor((toMs - fromMs) / intervalMs) + 1;
      const kept = Math.min(count, max);
      const latestMs = Array.from({ length: kept }, (_, index) => fromMs + intervalMs * (count - kept + index));
      return { latestMs, count };
    },
  };
}

async function cronTimes({ cron, timeZone }: Extract<Timing, { kind: "cron" }>): Promise<RunTimes> {
  const job = await parse(cron, timeZone);
  const nextAfter = (afterMs: number): number | undefined => job.nextRun(new Date(afterMs))?.getTime();
  return {
    nextAfter,
    between: (fromMs, toMs, max) => {
      const times: number[] = [];
      for (let at: number | undefined = fromMs; at !== undefined && at <= toMs; at = nextAfter(at)) {
        times.push(at);
        if (times.length >= COUNTED_MAX) return { latestMs: latest(job, toMs, max), count: times.length };
      }
      return { latestMs: times.slice(-max), count: times.length };
    },
  };
}

/** The latest times up to an instant, in order. */
function latest(job: CronJob, toMs: number, max: number): number[] {
  // The library looks back from whole seconds, the one it is given left out.
  const times = job.previousRuns(max + 1, new Date(toMs + 1_000)).map((date) => date.getTime());
  return times
    .filter((ms) => ms <= toMs)
    .slice(0, max)
    .reverse();
}

async function parse(cron: string, timeZone: string): Promise<CronJob> {
  checkTimeZone(timeZone);
  const { Cron } = await import("croner");
  try {
    // The library takes a date for an expression too; a schedule has recurring times.
    if (!/^@|\s/.test(cron.trim())) throw new TypeError(`'${cron}' has one field.`);
    // Lists and ranges of hours are fixed times too, as in the cron of Unix.
    return new Cron(cron, { timezone: timeZone, paused: true, fixedTimeRule: "no-wildcard" });
  } catch (error) {
    throw new InvalidArgumentError(
      `'${cron}' is not a cron expression: ${(error as Error).message.replace(/^Cron\w*: /, "")} Expected five fields (minute, hour, day of month, month, day of week), or six with seconds in front.`,
    );
  }
}

function checkTimeZone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat("en", { timeZone });
  } catch {
    throw new InvalidArgumentError(
      `'${timeZone}' is not a time zone that this host knows. Expected an IANA name such as 'Europe/Berlin' or 'UTC'.`,
    );
  }
}
