/** Schedules as clients see them: orchestrations that a hub starts by itself, at times given by a cron expression or an interval. */
import type { OrchestratorDefinition } from "../definition/definitions.ts";
import type { Duration } from "../duration.ts";
import type { Pageable } from "./client.ts";

/**
 * What happens when a run is due and the previous one has not ended. `skip`: the new one is left out. `buffer`: it starts as soon as the
 * previous one has ended; one waits at most, further ones are left out. `allow`: both run. `replace`: the previous one is terminated, with its
 * sub-orchestrations.
 */
export type ScheduleOverlap = "skip" | "buffer" | "allow" | "replace";

/**
 * What happens to runs whose time passed while the hub was closed (or could not keep up). `skip`: they are left out; one that is less than a
 * minute late, with no later one due, still counts as on time. `one`: the latest of them is started, the others are left out. `all`: all of them
 * are started in order, up to the latest 100, each subject to the overlap policy. Times that pass while a schedule is paused are never caught up.
 */
export type ScheduleCatchUp = "skip" | "one" | "all";

/** When a schedule runs: a cron expression or an interval, not both. */
export type ScheduleTiming =
  | {
      /**
       * Five fields (minute, hour, day of month, month, day of week), six with seconds in front, seven with years at the end, or a nickname
       * (`@daily`). When clocks go forward, a run at a fixed time that is skipped comes at the first instant after the gap; when they go back, it
       * comes once. A run by `*` or a step (every so many minutes or hours) follows real time instead: none in the gap, all in the doubled hour.
       */
      readonly cron: string;
      /** IANA name of the zone that the expression is read in; `UTC` unless given. */
      readonly timeZone?: string;
      readonly interval?: undefined;
    }
  | {
      /** Time between two runs, at least one second. Counted from `startAt`, or from the creation: it does not drift. */
      readonly interval: Duration;
      readonly cron?: undefined;
      readonly timeZone?: undefined;
    };

/** What a schedule may be given beside its id, its times and its orchestrator. */
export interface ScheduleSettings {
  /** `skip` unless given. */
  readonly overlap?: ScheduleOverlap;
  /** `one` unless given. */
  readonly catchUp?: ScheduleCatchUp;
  /** No run before. With an interval: the first run, and what the others are counted from. */
  readonly startAt?: Date;
  /** No run after. */
  readonly endAt?: Date;
}

/** A new schedule. */
export type NewSchedule = ScheduleTiming &
  ScheduleSettings & {
    /** 1–64 characters, under the rules of instance ids. Ids of its runs begin with it. */
    readonly id: string;
  };

/** The orchestrator to start, and its input, which may be left out when `undefined` is a legal one. */
export type ScheduledCall<TInput> = { readonly fn: OrchestratorDefinition<TInput, unknown> } & (undefined extends TInput
  ? { readonly input?: NoInfer<TInput> }
  : { readonly input: NoInfer<TInput> });
/** The same by name, unchecked by the compiler. */
export interface ScheduledCallByName {
  readonly fn: string;
  readonly input?: unknown;
}

/** Changes of a schedule. What is not given stays; `null` takes an option away. A new `cron` takes the place of an interval, and the other way round. */
export interface ScheduleChanges {
  readonly cron?: string;
  readonly interval?: Duration;
  readonly timeZone?: string | null;
  readonly fn?: OrchestratorDefinition<never, unknown> | string;
  readonly input?: unknown;
  readonly overlap?: ScheduleOverlap;
  readonly catchUp?: ScheduleCatchUp;
  readonly startAt?: Date | null;
  readonly endAt?: Date | null;
}

/** A schedule as it stands. */
export interface ScheduleState {
  readonly id: string;
  readonly status: "Active" | "Paused";
  readonly orchestratorName: string;
  readonly cron?: string;
  /** Time between two runs, in ms. */
  readonly intervalMs?: number;
  /** Of a cron expression. */
  readonly timeZone?: string;
  readonly overlap: ScheduleOverlap;
  readonly catchUp: ScheduleCatchUp;
  /** Decoded. */
  readonly input?: unknown;
  readonly startAt?: Date;
  readonly endAt?: Date;
  /** Absent while it is paused, and once there is no run to come. */
  readonly nextRunAt?: Date;
  /** The time that the latest run was due at; it may have started later. */
  readonly lastRunAt?: Date;
  /** Instance id of the latest run: the schedule's id, `@` and the instant it was due at. */
  readonly lastInstanceId?: string;
  /** The time of a run that waits for the previous one to end (`overlap: "buffer"`). */
  readonly bufferedRunAt?: Date;
  /** Runs started. */
  readonly runCount: number;
  /** Runs left out because of the overlap or catch-up policy. After a long absence times of a cron expression are counted to 1,000. */
  readonly skippedCount: number;
  readonly createdAt: Date;
  readonly lastUpdatedAt: Date;
}

/** Which schedules a listing gives, in order of ids. */
export interface ScheduleQuery {
  readonly statuses?: readonly ("Active" | "Paused")[];
  readonly idPrefix?: string;
  readonly orchestratorNames?: readonly string[];
  /** Schedules a page; 100 unless given. */
  readonly pageSize?: number;
  readonly continuationToken?: string;
}

/**
 * The schedules of a task hub. Each is kept with the hub's data: it survives restarts, and each of its times starts one orchestration exactly once.
 * Runs are ordinary orchestrations with the tag `holdfast:schedule` (the schedule's id); changing, pausing or deleting a schedule leaves them alone.
 * An answered call is durable.
 */
export interface ScheduleClient {
  /**
   * Creates a schedule.
   * @throws ScheduleAlreadyExistsError, InvalidInstanceIdError, FunctionNotRegisteredError, ValidationError, PayloadError,
   * InvalidArgumentError for options that make no sense: a bad expression, an unknown time zone, an interval below one second, both or neither of
   * them, times that are all past.
   */
  create<TInput>(options: NewSchedule & ScheduledCall<TInput>): Promise<ScheduleState>;
  create(options: NewSchedule & ScheduledCallByName): Promise<ScheduleState>;
  /** A schedule; `undefined` when there is none of that id. */
  get(id: string): Promise<ScheduleState | undefined>;
  list(query?: ScheduleQuery): Pageable<ScheduleState>;
  /** Changes a schedule; a run that is under way goes on. @throws ScheduleNotFoundError, and what `create` throws */
  update(id: string, changes: ScheduleChanges): Promise<ScheduleState>;
  /** Starts no more runs until it is resumed; pausing what is paused does nothing. @throws ScheduleNotFoundError */
  pause(id: string): Promise<ScheduleState>;
  /** Goes on with the next time to come. @throws ScheduleNotFoundError */
  resume(id: string): Promise<ScheduleState>;
  /** @throws ScheduleNotFoundError */
  delete(id: string): Promise<void>;
}
