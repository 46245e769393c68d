/**
 * Runs activities: at least once each, first in first out, up to a bound at once.
 *
 * X1. An activity starts only after the commit that scheduled it.
 * X2. Its outcome is reported once; an attempt interrupted by the closing of the hub reports nothing and runs again after the next opening.
 * X3. `idempotencyKey` is the same for every attempt and every re-execution of one call.
 */
import type { ActivityContext } from "../definition/activity-context.ts";
import type { ActivityDefinition } from "../definition/definitions.ts";
import { FunctionNotRegisteredError } from "../errors.ts";
import { type FailureData, failureFrom } from "../failure.ts";
import type { HistoryEvent, TaskScheduledEvent } from "../history/events.ts";
import type { Logger } from "../logger.ts";
import { type Awaitable, isPromise } from "../store/contract.ts";
import type { Payloads } from "./payloads.ts";
import type { Registry } from "./registry.ts";

/** One attempt of an activity call. */
export interface ActivityJob {
  readonly instanceId: string;
  readonly executionId: string;
  readonly event: TaskScheduledEvent;
}

export interface ActivityRunnerPorts {
  readonly registry: Registry;
  readonly payloads: Payloads;
  readonly logger: Logger;
  readonly env: unknown;
  readonly concurrentMax: number;
  now(): number;
  /** Takes the outcome of a job. */
  report(job: ActivityJob, event: HistoryEvent): void;
  /** Told when the first activity begins to wait for something, and when the last has ended. */
  working(isWorking: boolean): void;
}

export class ActivityRunner {
  readonly #ports: ActivityRunnerPorts;
  readonly #running = new Map<string, RunningActivity>();
  #queue: ActivityJob[] = [];
  #queueHead = 0;
  #isClosed = false;

  constructor(ports: ActivityRunnerPorts) {
    this.#ports = ports;
  }

  /** Attempts that are running or waiting for their turn. */
  get openCount(): number {
    return this.#running.size + this.#queue.length - this.#queueHead;
  }

  start(job: ActivityJob): void {
    if (this.#isClosed || this.#running.has(keyOf(job))) return;
    if (this.#running.size >= this.#ports.concurrentMax) this.#queue.push(job);
    else this.#run(job);
  }

  /** Cancels the attempts of an instance's generation, or one of them: queued ones are dropped, running ones get their signal. */
  cancel(instanceId: string, executionId: string, taskId: number | undefined, reason: string): void {
    if (this.#running.size === 0 && this.#queue.length === this.#queueHead) return;
    const isMeant = (job: ActivityJob): boolean =>
      job.instanceId === instanceId &&
      job.executionId === executionId &&
      (taskId === undefined || job.event.eventId === taskId);
    this.#queue = this.#queue.slice(this.#queueHead).filter((job) => !isMeant(job));
    this.#queueHead = 0;
    for (const running of this.#running.values()) if (isMeant(running.job)) running.abort(reason);
  }

  /** Tells every running attempt to stop; nothing is reported any more. */
  close(reason: string): void {
    this.#isClosed = true;
    this.#queue = [];
    this.#queueHead = 0;
    for (const running of this.#running.values()) running.abort(reason);
    this.#running.clear();
    this.#ports.working(false);
  }

  #run(job: ActivityJob): void {
    const definition = this.#ports.registry.activity(job.event.name, job.event.version ?? "");
    if (!definition) {
      const failure = failureFrom(new FunctionNotRegisteredError("activity", job.event.name, job.event.version));
      this.#report(job, undefined, {
        ...failure,
        isNonRetriable: true,
        properties: { code: "functionNotRegistered", unregistered: job.event.name },
      });
      return;
    }
    const running = new RunningActivity(job, this.#ports);
    try {
      const output = this.#outputOf(
        definition,
        definition.run(running, this.#ports.payloads.decode(job.event.input) as never),
      );
      if (isPromise(output)) this.#await(job, running, output);
      else this.#report(job, output, undefined);
    } catch (error) {
      this.#report(job, undefined, failureFrom(error));
    }
  }

  /** The encoded result, at once when neither the activity nor its schema makes a promise. */
  #outputOf(definition: ActivityDefinition, result: unknown): Awaitable<string | undefined> {
    const { payloads } = this.#ports;
    if (isPromise(result))
      return result
        .then((value) => payloads.checkOutput(definition, value))
        .then((value) => payloads.encodeOptional(value));
    const checked = payloads.checkOutput(definition, result);
    return isPromise(checked)
      ? checked.then((value) => payloads.encodeOptional(value))
      : payloads.encodeOptional(checked);
  }

  #await(job: ActivityJob, running: RunningActivity, output: Promise<string | undefined>): void {
    const key = keyOf(job);
    this.#running.set(key, running);
    if (this.#running.size === 1) this.#ports.working(true);
    const end = (report: () => void): void => {
      if (this.#isClosed) return;
      this.#running.delete(key);
      report();
      this.#startQueued();
      if (this.#running.size === 0) this.#ports.working(false);
    };
    output.then(
      (result) => end(() => this.#report(job, result, undefined)),
      (error) => end(() => this.#report(job, undefined, failureFrom(error))),
    );
  }

  #startQueued(): void {
    while (this.#running.size < this.#ports.concurrentMax && this.#queueHead < this.#queue.length) {
      const job = this.#queue[this.#queueHead++];
      if (job) this.#run(job);
    }
    if (this.#queueHead === this.#queue.length) {
      this.#queue = [];
      this.#queueHead = 0;
    }
  }

  #report(job: ActivityJob, result: string | undefined, failure: FailureData | undefined): void {
    const base = { eventId: -1, timestamp: new Date(this.#ports.now()), taskScheduledId: job.event.eventId };
    if (failure) this.#ports.report(job, { type: "TaskFailed", ...base, failureDetails: failure });
    else
      this.#ports.report(
        job,
        result === undefined ? { type: "TaskCompleted", ...base } : { type: "TaskCompleted", ...base, result },
      );
  }
}

/** The context of one attempt. What few activities use is made on demand. */
class RunningActivity implements ActivityContext {
  readonly job: ActivityJob;
  readonly #ports: ActivityRunnerPorts;
  #controller: AbortController | undefined;

  constructor(job: ActivityJob, ports: ActivityRunnerPorts) {
    this.job = job;
    this.#ports = ports;
  }
  get instanceId(): string {
    return this.job.instanceId;
  }
  get executionId(): string {
    return this.job.executionId;
  }
  get taskId(): number {
    return this.job.event.eventId;
  }
  get name(): string {
    return this.job.event.name;
  }
  get attempt(): number {
    return this.job.event.attempt ?? 1;
  }
  get idempotencyKey(): string {
    return `${this.job.instanceId}:${this.job.executionId}:${this.job.event.firstAttemptId ?? this.job.event.eventId}`;
  }
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }
  get lastHeartbeat(): unknown {
    return undefined;
  }
  get env(): unknown {
    return this.#ports.env;
  }
  get log(): Logger {
    return this.#ports.logger;
  }
  heartbeat(): void {}
  abort(reason: string): void {
    this.#controller ??= new AbortController();
    this.#controller.abort(new Error(reason));
  }
}

function keyOf(job: ActivityJob): string {
  return `${job.instanceId} ${job.executionId} ${job.event.eventId}`;
}
