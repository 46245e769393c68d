/**
 * The entity behind each schedule: keeps it, wakes itself when its next run is due, and starts its runs.
 *
 * S1. A run is started, and the one it replaces terminated, by the commit that moves the schedule past the run's time: once, whatever crashes when.
 * S2. At most one wake-up counts: the one the schedule names. Others that are still under way (of earlier times, of a deleted schedule) do nothing.
 * S3. While there is a next run, a wake-up is under way that is not later.
 */
import type { EntityDefinition } from "../definition/entity.ts";
import { defineEntity } from "../definition/entity.ts";
import { InvalidArgumentError, ScheduleAlreadyExistsError, ScheduleNotFoundError } from "../errors.ts";
import type { Engine } from "../hub/engine.ts";
import { type OwnEntityContext, signalEvent } from "../hub/entity-operation.ts";
import { isFinal } from "../hub/message.ts";
import type { InstanceRecord } from "../store/contract.ts";
import { changed, newSchedule, type ScheduledFunction, type Settings, setsTimes } from "./options.ts";
import { entityIdOfSchedule, runIdOf, SCHEDULE_ENTITY, SCHEDULE_TAG, type Schedule } from "./schedule.ts";
import { dropBuffered, startBuffered, type TickDecision, tick, without } from "./tick.ts";
import { timesOf } from "./timing.ts";

/** How long a schedule whose times cannot be found on this host waits before it tries again, in ms. */
const RETRY_MS = 60_000;

type Context = OwnEntityContext<Schedule | undefined>;

/** The definition of the entities that are schedules. The engine is asked for when an operation runs. */
export function scheduleEntity(engine: () => Engine): EntityDefinition {
  const on =
    <TInput, TOutput>(operation: (turn: ScheduleTurn, input: TInput) => TOutput) =>
    (ctx: unknown, input: TInput): TOutput =>
      operation(new ScheduleTurn(ctx as Context, engine()), input);
  return defineEntity(SCHEDULE_ENTITY, {
    operations: {
      create: on((turn, input: Settings & { call: ScheduledFunction }) => turn.create(input)),
      update: on((turn, input: Settings) => turn.update(input)),
      pause: on((turn) => turn.pause()),
      resume: on((turn) => turn.resume()),
      delete: on((turn) => turn.delete()),
      wake: on((turn, atMs: number) => turn.wake(atMs)),
      ended: on((turn, instanceId: string) => turn.ended(instanceId)),
    },
  });
}

/** One operation of a schedule. */
class ScheduleTurn {
  readonly #ctx: Context;
  readonly #engine: Engine;
  readonly #id: string;
  readonly #nowMs: number;

  constructor(ctx: Context, engine: Engine) {
    this.#ctx = ctx;
    this.#engine = engine;
    this.#id = ctx.id.key;
    this.#nowMs = engine.options.host.now();
  }

  async create(settings: Settings & { call: ScheduledFunction }): Promise<Schedule> {
    if (this.#ctx.state) throw new ScheduleAlreadyExistsError(this.#id);
    return this.#keep(await this.#withNextRun(newSchedule(settings, settings.call, this.#nowMs), true));
  }

  async update(settings: Settings): Promise<Schedule> {
    const schedule = changed(this.#schedule, settings, this.#nowMs);
    const kept = schedule.overlap === "buffer" ? schedule : dropBuffered(schedule);
    return this.#keep(
      setsTimes(settings) ? await this.#withNextRun(kept, typeof settings.startAtMs === "number") : kept,
    );
  }

  pause(): Schedule {
    const schedule = this.#schedule;
    if (schedule.status === "Paused") return schedule;
    const paused = dropBuffered(without(schedule, "nextRunAtMs"));
    return this.#keep({ ...paused, status: "Paused", lastUpdatedAtMs: this.#nowMs });
  }

  async resume(): Promise<Schedule> {
    const schedule = this.#schedule;
    if (schedule.status === "Active") return schedule;
    const nextRunAtMs = (await timesOf(schedule)).nextAfter(this.#nowMs);
    const next = nextRunAtMs === undefined ? {} : { nextRunAtMs };
    return this.#keep({ ...schedule, ...next, status: "Active", lastUpdatedAtMs: this.#nowMs });
  }

  delete(): void {
    if (!this.#ctx.state) throw new ScheduleNotFoundError(this.#id);
    this.#ctx.deleteState();
  }

  /** A wake-up that was asked for has come. */
  async wake(atMs: number): Promise<void> {
    const schedule = this.#ctx.state;
    if (schedule?.wakeAtMs !== atMs) return;
    const awake = without(schedule, "wakeAtMs");
    if (awake.nextRunAtMs === undefined || awake.nextRunAtMs > this.#nowMs) {
      this.#keep(awake);
      return;
    }
    try {
      const times = await timesOf(awake);
      await this.#perform(tick(this.#id, awake, times, this.#nowMs, await this.#isGoing(awake)));
    } catch (error) {
      this.#ctx.log.error(
        `The schedule '${this.#id}' could not go on; it tries again in ${RETRY_MS / 1_000} s. ${(error as Error).message}`,
        { scheduleId: this.#id },
      );
      this.#wakeAt(awake, this.#nowMs + RETRY_MS);
    }
  }

  /** A run has ended. Answers at once where nothing waits for it, so that most ends cost no more than a look. */
  ended(instanceId: string): void | Promise<void> {
    const schedule = this.#ctx.state;
    if (!schedule || schedule.bufferedRunAtMs === undefined || schedule.lastInstanceId !== instanceId) return;
    return this.#perform(startBuffered(this.#id, schedule));
  }

  /** @throws ScheduleNotFoundError */
  get #schedule(): Schedule {
    if (!this.#ctx.state) throw new ScheduleNotFoundError(this.#id);
    return this.#ctx.state;
  }

  /** Finds the next run. A start that is given anew may be this very instant. @throws InvalidArgumentError when none is to come */
  async #withNextRun(schedule: Schedule, isStartGiven: boolean): Promise<Schedule> {
    const times = await timesOf(schedule);
    const afterMs = isStartGiven && schedule.timing.startAtMs !== undefined ? this.#nowMs - 1 : this.#nowMs;
    const nextRunAtMs = times.nextAfter(afterMs);
    if (nextRunAtMs === undefined)
      throw new InvalidArgumentError(
        `The schedule '${this.#id}' would never run: its cron expression, startAt and endAt leave no time after ${new Date(this.#nowMs).toISOString()}.`,
      );
    return schedule.status === "Paused" ? schedule : { ...schedule, nextRunAtMs };
  }

  async #perform({ schedule, startsMs, replaces }: TickDecision): Promise<void> {
    if (replaces !== undefined) this.#terminate(replaces);
    let repeatedCount = 0;
    for (const atMs of startsMs) {
      if (await this.#recordOf(runIdOf(this.#id, atMs))) repeatedCount++;
      else this.#start(schedule, atMs);
    }
    this.#keep({ ...schedule, runCount: schedule.runCount - repeatedCount });
  }

  #start({ orchestratorName: name, version: asked, input }: Schedule, runAtMs: number): void {
    const { registry } = this.#engine.options;
    const version = registry.orchestrator(name, asked) ? asked : registry.defaultVersion(name);
    this.#ctx.start({
      type: "ExecutionStarted",
      eventId: 0,
      timestamp: new Date(this.#nowMs),
      name,
      ...(version !== "" && { version }),
      ...(input !== undefined && { input }),
      orchestrationInstance: {
        instanceId: runIdOf(this.#id, runAtMs),
        executionId: this.#engine.newExecutionId(),
      },
      tags: { [SCHEDULE_TAG]: this.#id },
    });
  }

  /** Ends the run that is to be replaced, with its children. If it has just ended by itself, nothing happens. */
  #terminate(instanceId: string): void {
    this.#ctx.send(instanceId, {
      type: "ExecutionTerminated",
      eventId: -1,
      timestamp: new Date(this.#nowMs),
      recurse: true,
      input: this.#engine.options.payloads.encode(`Replaced by the next run of the schedule '${this.#id}'.`),
    });
  }

  async #isGoing({ overlap, lastInstanceId }: Schedule): Promise<boolean> {
    if (overlap === "allow" || lastInstanceId === undefined) return false;
    const record = await this.#recordOf(lastInstanceId);
    return record !== undefined && !isFinal(record.status);
  }

  /** An instance as it was decided last, committed or not. */
  async #recordOf(instanceId: string): Promise<InstanceRecord | undefined> {
    const live = this.#engine.find(instanceId);
    return live ? live.record : (await this.#engine.options.session.load(instanceId))?.record;
  }

  /** Makes this the schedule's state, and sees to its wake-up. */
  #keep(schedule: Schedule): Schedule {
    const { nextRunAtMs, wakeAtMs } = schedule;
    const isCovered = nextRunAtMs === undefined || (wakeAtMs !== undefined && wakeAtMs <= nextRunAtMs);
    if (!isCovered) return this.#wakeAt(schedule, nextRunAtMs);
    this.#ctx.state = schedule;
    return schedule;
  }

  #wakeAt(schedule: Schedule, wakeAtMs: number): Schedule {
    const { payloads, host } = this.#engine.options;
    const target = entityIdOfSchedule(this.#id);
    const input = payloads.encode(wakeAtMs);
    this.#ctx.send(target, signalEvent(target, "wake", input, wakeAtMs, host.randomId(), this.#nowMs));
    const armed = { ...schedule, wakeAtMs };
    this.#ctx.state = armed;
    return armed;
  }
}
