/**
 * What a schedule does when its time has come, as a decision over data.
 *
 * K1. A time is decided upon once: it leads to one run, waits for the previous run to end, or is counted as skipped.
 * K2. What is decided depends on the schedule, its times and the clock alone; the previous run counts only as going or ended.
 */
import { unreachable } from "../unreachable.ts";
import { runIdOf, type Schedule } from "./schedule.ts";
import type { DueTimes, RunTimes } from "./timing.ts";

/** Runs that `catchUp: "all"` starts at most; older ones are left out, so that a long absence does not end in a flood. */
const CATCH_UP_RUNS_MAX = 100;
/** How late a run may be, in ms, to count as on time: hosts slow timers down (a hidden tab to one a minute) and take a while to restart. */
const LATE_MS_MAX = 60_000;

export interface TickDecision {
  readonly schedule: Schedule;
  /** Times of the runs to start, in order. */
  readonly startsMs: readonly number[];
  /** Instance id of the run to terminate first. */
  readonly replaces?: string;
}

/** The schedule has a next run, and its time has come. `isGoing`: the latest run has not ended. */
export function tick(id: string, schedule: Schedule, times: RunTimes, nowMs: number, isGoing: boolean): TickDecision {
  const fromMs = schedule.nextRunAtMs ?? nowMs;
  const due = times.between(fromMs, nowMs, CATCH_UP_RUNS_MAX);
  const wanted = caughtUp(schedule, due, nowMs);
  const overlap = overlapping(schedule, wanted, isGoing);
  const nextRunAtMs = times.nextAfter(nowMs);
  const skipped = due.count - wanted.length + overlap.skippedCount;
  return {
    schedule: {
      ...started(id, without(schedule, "nextRunAtMs", "bufferedRunAtMs"), overlap.startsMs),
      ...(nextRunAtMs !== undefined && { nextRunAtMs }),
      ...(overlap.bufferedRunAtMs !== undefined && { bufferedRunAtMs: overlap.bufferedRunAtMs }),
      skippedCount: schedule.skippedCount + skipped,
    },
    startsMs: overlap.startsMs,
    ...(overlap.isReplacing && schedule.lastInstanceId !== undefined && { replaces: schedule.lastInstanceId }),
  };
}

/** The run that the buffered one waited for has ended. */
export function startBuffered(id: string, schedule: Schedule): TickDecision {
  const startsMs = schedule.bufferedRunAtMs === undefined ? [] : [schedule.bufferedRunAtMs];
  return { schedule: started(id, without(schedule, "bufferedRunAtMs"), startsMs), startsMs };
}

/** Leaves a buffered run out. */
export function dropBuffered(schedule: Schedule): Schedule {
  if (schedule.bufferedRunAtMs === undefined) return schedule;
  return { ...without(schedule, "bufferedRunAtMs"), skippedCount: schedule.skippedCount + 1 };
}

/** A schedule without some of its optional fields. */
export function without<K extends keyof Schedule>(
  schedule: Schedule,
  ...fields: readonly K[]
): Omit<Schedule, K> & Schedule {
  const rest: Schedule = { ...schedule };
  for (const field of fields) delete (rest as Partial<Schedule>)[field];
  return rest as Omit<Schedule, K> & Schedule;
}

function started(id: string, schedule: Schedule, startsMs: readonly number[]): Schedule {
  const lastRunAtMs = startsMs.at(-1);
  if (lastRunAtMs === undefined) return schedule;
  return {
    ...schedule,
    lastRunAtMs,
    lastInstanceId: runIdOf(id, lastRunAtMs),
    runCount: schedule.runCount + startsMs.length,
  };
}

function caughtUp({ catchUp }: Schedule, { latestMs }: DueTimes, nowMs: number): readonly number[] {
  switch (catchUp) {
    case "all":
      return latestMs;
    case "one":
      return latestMs.slice(-1);
    case "skip":
      return latestMs.slice(-1).filter((ms) => nowMs - ms < LATE_MS_MAX);
    default:
      return unreachable(catchUp);
  }
}

interface Overlapped {
  readonly startsMs: readonly number[];
  readonly bufferedRunAtMs?: number | undefined;
  readonly skippedCount: number;
  readonly isReplacing?: boolean;
}

/** What the overlap policy makes of runs that are wanted now. Those of one decision overlap each other. */
function overlapping(
  { overlap, bufferedRunAtMs }: Schedule,
  wantedMs: readonly number[],
  isGoing: boolean,
): Overlapped {
  switch (overlap) {
    case "allow":
      return { startsMs: wantedMs, skippedCount: 0 };
    case "skip": {
      const startsMs = isGoing ? [] : wantedMs.slice(0, 1);
      return { startsMs, skippedCount: wantedMs.length - startsMs.length };
    }
    case "replace": {
      const startsMs = wantedMs.slice(-1);
      return { startsMs, skippedCount: wantedMs.length - startsMs.length, isReplacing: isGoing && startsMs.length > 0 };
    }
    case "buffer": {
      const queue = bufferedRunAtMs === undefined ? wantedMs : [bufferedRunAtMs, ...wantedMs];
      const startsMs = isGoing ? [] : queue.slice(0, 1);
      const waiting = queue.slice(startsMs.length);
      return { startsMs, bufferedRunAtMs: waiting[0], skippedCount: Math.max(0, waiting.length - 1) };
    }
    default:
      return unreachable(overlap);
  }
}
