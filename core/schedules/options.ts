/** Checks what schedules are created and changed with, and turns it into their stored form. */
import type { ScheduleCatchUp, ScheduleChanges, ScheduleOverlap } from "../client/schedules.ts";
import { durationMs } from "../duration.ts";
import { InvalidArgumentError } from "../errors.ts";
import type { Schedule, Timing } from "./schedule.ts";

/** Shortest time between two runs of an interval, in ms. Whoever needs it shorter wants a timer in an orchestrator. */
const INTERVAL_MS_MIN = 1_000;
const OVERLAPS: readonly ScheduleOverlap[] = ["skip", "buffer", "allow", "replace"];
const CATCH_UPS: readonly ScheduleCatchUp[] = ["skip", "one", "all"];
const CHANGEABLE = ["cron", "interval", "timeZone", "fn", "input", "overlap", "catchUp", "startAt", "endAt"] as const;

/** What is set, checked for itself; `null` takes an option away. */
export interface Settings {
  readonly cron?: string;
  readonly intervalMs?: number;
  readonly timeZone?: string | null;
  readonly startAtMs?: number | null;
  readonly endAtMs?: number | null;
  readonly overlap?: ScheduleOverlap;
  readonly catchUp?: ScheduleCatchUp;
  readonly call?: ScheduledFunction;
  /** Given whenever the input is set; its text is absent for `undefined`. */
  readonly input?: { readonly text?: string };
}

export interface ScheduledFunction {
  readonly orchestratorName: string;
  readonly version: string;
}

/**
 * Everything but the function and its input.
 * @throws InvalidArgumentError for an option that is not known or makes no sense by itself.
 */
export function readSettings(options: ScheduleChanges, alsoKnown: readonly string[] = []): Settings {
  if (typeof options !== "object" || options === null)
    throw new InvalidArgumentError(`The options of a schedule must be an object; got ${String(options)}.`);
  for (const key of Object.keys(options)) {
    if (!alsoKnown.includes(key) && !(CHANGEABLE as readonly string[]).includes(key))
      throw new InvalidArgumentError(
        `'${key}' is not an option of a schedule here. Known: ${[...alsoKnown, ...CHANGEABLE].join(", ")}.`,
      );
  }
  const { cron, interval, timeZone, overlap, catchUp, startAt, endAt } = options;
  if (cron !== undefined && interval !== undefined)
    throw new InvalidArgumentError("A schedule runs by `cron` or by `interval`, not by both. Leave one out.");
  return {
    ...(cron !== undefined && { cron: text(cron, "cron") }),
    ...(interval !== undefined && { intervalMs: intervalOf(interval) }),
    ...(timeZone !== undefined && { timeZone: timeZone === null ? null : text(timeZone, "timeZone") }),
    ...(overlap !== undefined && { overlap: oneOf(overlap, OVERLAPS, "overlap") }),
    ...(catchUp !== undefined && { catchUp: oneOf(catchUp, CATCH_UPS, "catchUp") }),
    ...(startAt !== undefined && { startAtMs: startAt === null ? null : instant(startAt, "startAt") }),
    ...(endAt !== undefined && { endAtMs: endAt === null ? null : instant(endAt, "endAt") }),
  };
}

/** A new schedule; its next run is still to be found. @throws InvalidArgumentError for options that do not fit together */
export function newSchedule(settings: Settings, call: ScheduledFunction, nowMs: number): Schedule {
  const { input, overlap = "skip", catchUp = "one", endAtMs } = settings;
  return {
    status: "Active",
    timing: timingOf(settings, undefined, nowMs),
    ...call,
    overlap,
    catchUp,
    ...(typeof endAtMs === "number" && { endAtMs }),
    ...(input?.text !== undefined && { input: input.text }),
    runCount: 0,
    skippedCount: 0,
    createdAtMs: nowMs,
    lastUpdatedAtMs: nowMs,
  };
}

/** A schedule with changes made. @throws InvalidArgumentError for changes that do not fit it */
export function changed(schedule: Schedule, settings: Settings, nowMs: number): Schedule {
  const { endAtMs: oldEndAtMs, input: oldInput, ...rest } = schedule;
  const endAtMs = settings.endAtMs === undefined ? oldEndAtMs : (settings.endAtMs ?? undefined);
  const input = settings.input ? settings.input.text : oldInput;
  return {
    ...rest,
    ...settings.call,
    timing: timingOf(settings, schedule.timing, nowMs),
    overlap: settings.overlap ?? schedule.overlap,
    catchUp: settings.catchUp ?? schedule.catchUp,
    ...(endAtMs !== undefined && { endAtMs }),
    ...(input !== undefined && { input }),
    lastUpdatedAtMs: nowMs,
  };
}

/** True when the settings say anything about times. */
export function setsTimes({ cron, intervalMs, timeZone, startAtMs, endAtMs }: Settings): boolean {
  return [cron, intervalMs, timeZone, startAtMs, endAtMs].some((value) => value !== undefined);
}

function timingOf(settings: Settings, before: Timing | undefined, nowMs: number): Timing {
  const startAtMs = settings.startAtMs === undefined ? before?.startAtMs : (settings.startAtMs ?? undefined);
  const start = startAtMs === undefined ? {} : { startAtMs };
  const cron =
    settings.cron ?? (settings.intervalMs === undefined && before?.kind === "cron" ? before.cron : undefined);
  if (cron !== undefined) {
    const inherited = before?.kind === "cron" && settings.timeZone === undefined ? before.timeZone : undefined;
    return { kind: "cron", cron, timeZone: settings.timeZone ?? inherited ?? "UTC", ...start };
  }
  const old = before?.kind === "interval" ? before : undefined;
  const intervalMs = settings.intervalMs ?? old?.intervalMs;
  if (intervalMs === undefined)
    throw new InvalidArgumentError("A schedule needs `cron` or `interval`: when is it to run?");
  if (typeof settings.timeZone === "string")
    throw new InvalidArgumentError(
      "`timeZone` belongs to `cron`: an interval is the same in every zone. Leave it out.",
    );
  const keepsAnchor = settings.intervalMs === undefined && settings.startAtMs === undefined;
  const anchorMs = (keepsAnchor ? old?.anchorMs : undefined) ?? startAtMs ?? nowMs;
  return { kind: "interval", intervalMs, anchorMs, ...start };
}

function intervalOf(interval: unknown): number {
  const ms = durationMs(interval as number, "interval");
  if (ms >= INTERVAL_MS_MIN && Number.isInteger(ms)) return ms;
  throw new InvalidArgumentError(
    `interval must be a whole number of milliseconds, at least ${INTERVAL_MS_MIN}; got ${ms}.`,
  );
}

function instant(date: unknown, what: string): number {
  const ms = Object.prototype.toString.call(date) === "[object Date]" ? (date as Date).getTime() : Number.NaN;
  if (Number.isNaN(ms)) throw new InvalidArgumentError(`${what} must be a valid Date.`);
  return ms;
}

function text(value: unknown, what: string): string {
  if (typeof value === "string" && value.trim() !== "") return value.trim();
  throw new InvalidArgumentError(`${what} must be a text that is not blank; got ${JSON.stringify(value)}.`);
}

function oneOf<T extends string>(value: unknown, choices: readonly T[], what: string): T {
  if (choices.includes(value as T)) return value as T;
  throw new InvalidArgumentError(`${what} must be one of ${choices.join(", ")}; got ${JSON.stringify(value)}.`);
}
