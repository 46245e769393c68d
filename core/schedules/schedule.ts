/** A schedule as it is stored (the state of its entity), the names that belong to it, and what clients see of it. */
import type { ScheduleCatchUp, ScheduleOverlap, ScheduleState } from "../client/schedules.ts";
import { InvalidInstanceIdError } from "../errors.ts";
import { checkInstanceId, OWN_PREFIX } from "../identity.ts";

/** Name of the entities that are schedules. */
export const SCHEDULE_ENTITY: string = `${OWN_PREFIX}schedule`;
/** Tag that a run has: the id of its schedule. */
export const SCHEDULE_TAG: string = `${OWN_PREFIX}schedule`;
/** Longest id of a schedule, in UTF-16 units: its entity, its runs and their children get ids of at most 100 with it. */
export const SCHEDULE_ID_LENGTH_MAX = 64;

/** When a schedule runs. */
export type Timing =
  | { readonly kind: "cron"; readonly cron: string; readonly timeZone: string; readonly startAtMs?: number }
  | {
      readonly kind: "interval";
      readonly intervalMs: number;
      /** What the runs are counted from. */
      readonly anchorMs: number;
      readonly startAtMs?: number;
    };

/** All that is stored of a schedule. Immutable. */
export interface Schedule {
  readonly status: "Active" | "Paused";
  readonly timing: Timing;
  readonly endAtMs?: number;
  readonly orchestratorName: string;
  /** Version of the definition it was given; `""` when it had none. */
  readonly version: string;
  /** Encoded, as its schema made it. */
  readonly input?: string;
  readonly overlap: ScheduleOverlap;
  readonly catchUp: ScheduleCatchUp;
  readonly nextRunAtMs?: number;
  readonly lastRunAtMs?: number;
  readonly lastInstanceId?: string;
  readonly bufferedRunAtMs?: number;
  /** Instant of the signal that is under way to the entity: never later than the next run. */
  readonly wakeAtMs?: number;
  readonly runCount: number;
  readonly skippedCount: number;
  readonly createdAtMs: number;
  readonly lastUpdatedAtMs: number;
}

/** @throws InvalidInstanceIdError */
export function checkScheduleId(id: unknown): asserts id is string {
  checkInstanceId(id);
  if (id.length > SCHEDULE_ID_LENGTH_MAX)
    throw new InvalidInstanceIdError(
      `The schedule id '${id}' has a length of ${id.length}; at most ${SCHEDULE_ID_LENGTH_MAX} characters are allowed.`,
    );
}

/** Instance id of the entity that is a schedule. */
export function entityIdOfSchedule(id: string): string {
  return `@${SCHEDULE_ENTITY}@${id}`;
}

/** Instance id of the run that is due at an instant: the same whenever it is asked for. */
export function runIdOf(id: string, runAtMs: number): string {
  return `${id}@${new Date(runAtMs).toISOString()}`;
}

export function stateOfSchedule(id: string, schedule: Schedule, decode: (text: string) => unknown): ScheduleState {
  const { timing, input, endAtMs, nextRunAtMs, lastRunAtMs, lastInstanceId, bufferedRunAtMs } = schedule;
  const instant = <K extends string>(name: K, ms: number | undefined): { [P in K]?: Date } =>
    ms === undefined ? {} : ({ [name]: new Date(ms) } as { [P in K]: Date });
  return {
    id,
    status: schedule.status,
    orchestratorName: schedule.orchestratorName,
    ...(timing.kind === "cron" ? { cron: timing.cron, timeZone: timing.timeZone } : { intervalMs: timing.intervalMs }),
    overlap: schedule.overlap,
    catchUp: schedule.catchUp,
    ...(input !== undefined && { input: decode(input) }),
    ...instant("startAt", timing.startAtMs),
    ...instant("endAt", endAtMs),
    ...instant("nextRunAt", nextRunAtMs),
    ...instant("lastRunAt", lastRunAtMs),
    ...(lastInstanceId !== undefined && { lastInstanceId }),
    ...instant("bufferedRunAt", bufferedRunAtMs),
    runCount: schedule.runCount,
    skippedCount: schedule.skippedCount,
    createdAt: new Date(schedule.createdAtMs),
    lastUpdatedAt: new Date(schedule.lastUpdatedAtMs),
  };
}
