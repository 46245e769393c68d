/**
 * Runs activities: at least once each, first in first out, up to a bound for the hub and for each activity.
 *
 * X1. An activity starts only after the commit that scheduled it.
 * X2. Its outcome is reported once: its result, its failure, or the first of its timeouts; what comes later is dropped. An attempt interrupted by
 *     the closing of the hub reports nothing and runs again after the next opening.
 * X3. `idempotencyKey` is the same for every attempt and every re-execution of one call.
 * X4. A place is free again as soon as the outcome is decided, although a handler that ignores its signal may go on.
 * X5. An activity that answers at once and has no time limit costs no timer, no entry in a map and no `AbortController`.
 */
import { timeoutFailure } from "../activity-timeout.ts";
import type { ActivityDefinition } from "../definition/definitions.ts";
import { FunctionNotRegisteredError, TaskCanceledError } from "../errors.ts";
import { type FailureData, failureFrom } from "../failure.ts";
import type { HistoryEvent } from "../history/events.ts";
import type { Logger } from "../logger.ts";
import { type Awaitable, isPromise } from "../store/contract.ts";
import { type ActivityJob, Attempt, type AttemptPorts, attemptKey, type TimeLimit } from "./activity-attempt.ts";
import { ActivityQueue } from "./activity-queue.ts";
import { HeartbeatJournal, type InstanceHeartbeats } from "./heartbeats.ts";
import type { Host } from "./host.ts";
import type { Payloads } from "./payloads.ts";
import type { Registry } from "./registry.ts";

/** Attempts to stop: one call, or all of a generation when `taskId` is absent. */
export interface Cancellation {
  readonly instanceId: string;
  readonly executionId: string;
  readonly taskId?: number;
  /** Why, for the handler. */
  readonly reason: string;
}

export interface ActivityRunnerPorts {
  readonly registry: Registry;
  readonly payloads: Payloads;
  readonly logger: Logger;
  readonly env: unknown;
  readonly host: Host;
  readonly concurrentMax: number;
  /** True when the hub has been closed or taken over, as far as it knows: then nothing starts any more. */
  isStopped(): boolean;
  /** Takes the outcome of a job. */
  report(job: ActivityJob, event: HistoryEvent): void;
  /** Takes heartbeat details that are to be stored. */
  keepHeartbeats(heartbeats: InstanceHeartbeats): void;
}

export class ActivityRunner {
  readonly #ports: ActivityRunnerPorts;
  readonly #attemptPorts: AttemptPorts;
  /** Attempts that wait, or run and have not answered at once. */
  readonly #open = new Map<string, Attempt>();
  readonly #queue = new ActivityQueue();
  readonly #journal: HeartbeatJournal;
  readonly #endOnlineWatch: (() => void) | undefined;
  #runningCount = 0;
  #isClosed = false;

  constructor(ports: ActivityRunnerPorts) {
    this.#ports = ports;
    const { payloads, logger, env, host } = ports;
    this.#journal = new HeartbeatJournal(host, (heartbeats) => ports.keepHeartbeats(heartbeats));
    this.#attemptPorts = {
      payloads,
      logger,
      env,
      host,
      heartbeat: (job, details) => this.#journal.note(job, details),
    };
    this.#endOnlineWatch = host.online?.onChange(() => this.#startWaiting());
  }

  /** Attempts that run and have not answered at once. */
  get runningCount(): number {
    return this.#runningCount;
  }

  start(job: ActivityJob): void {
    if (this.#isClosed) return;
    const { event } = job;
    const definition = this.#ports.registry.activity(event.name, event.version ?? "");
    if (!definition) {
      this.#refuse(job);
      return;
    }
    const attempt = new Attempt(job, definition, this.#attemptPorts);
    // The run may have ended by a commit that was told to have failed, and have been rewound since: what runs goes on.
    if (this.#open.size > 0 && this.#open.has(attempt.key)) return;
    const isOrdinary = definition.maxConcurrency === undefined && definition.requires === undefined;
    if (isOrdinary && this.#runningCount < this.#ports.concurrentMax) {
      this.#run(attempt);
      return;
    }
    this.#open.set(attempt.key, attempt);
    this.#queue.add(attempt);
    attempt.watch((limit) => this.#expire(attempt, limit));
    this.#startWaiting();
  }

  /** Starts an outstanding call again after a restart or a failed commit, unless it is still under way; one whose result was refused fails. */
  resume(job: ActivityJob, refusal?: Error): void {
    if (refusal) {
      this.#report(job, undefined, { ...failureFrom(refusal), isNonRetriable: true });
      return;
    }
    const attempt = this.#open.get(attemptKey(job.instanceId, job.executionId, job.event.eventId));
    if (!attempt) this.start(job);
    else if (attempt.details !== undefined) this.#journal.note(attempt.job, attempt.details);
  }

  /** Stops attempts: what waits never starts, what runs gets its signal. */
  cancel(cancellations: readonly Cancellation[]): void {
    if (this.#open.size === 0 || cancellations.length === 0) return;
    const reasons = new Map<string, string>();
    for (const { instanceId, executionId, taskId, reason } of cancellations) {
      if (taskId === undefined) reasons.set(`${instanceId} ${executionId}`, reason);
      else this.#drop(this.#open.get(attemptKey(instanceId, executionId, taskId)), reason);
    }
    if (reasons.size > 0) {
      for (const attempt of [...this.#open.values()])
        this.#drop(attempt, reasons.get(`${attempt.instanceId} ${attempt.executionId}`));
    }
    this.#goOn();
  }

  /** Stops what is left of an instance's other runs than the one that goes on, if one does. */
  leave(instanceId: string, executionId: string | undefined): void {
    for (const attempt of [...this.#open.values()])
      if (attempt.instanceId === instanceId && attempt.executionId !== executionId)
        this.#drop(attempt, `The run of '${instanceId}' that called this activity has ended.`);
    this.#goOn();
  }

  /** Tells every running attempt to stop; nothing is reported any more. */
  close(reason: Error): void {
    this.#isClosed = true;
    this.#endOnlineWatch?.();
    this.#journal.close();
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const attempt of open) attempt.end("interrupted");
    for (const attempt of open) attempt.abort(reason);
    this.#ports.host.working?.(false);
  }

  /** Hands out the heartbeat details that have not been stored. */
  takeHeartbeats(): InstanceHeartbeats[] {
    return this.#journal.take();
  }

  // ---- one attempt

  #refuse(job: ActivityJob): void {
    const { name, version } = job.event;
    const failure = failureFrom(new FunctionNotRegisteredError("activity", name, version));
    const properties = { code: "functionNotRegistered", unregistered: name };
    this.#report(job, undefined, { ...failure, isNonRetriable: true, properties });
  }

  #run(attempt: Attempt): void {
    const { definition, job } = attempt;
    attempt.begin();
    const limit = attempt.isTimed ? attempt.limit : undefined;
    if (limit && limit.atMs <= this.#ports.host.now()) {
      this.#expire(attempt, limit);
      return;
    }
    let output: Awaitable<string | undefined>;
    try {
      output = this.#outputOf(
        definition,
        definition.run(attempt, this.#ports.payloads.decode(job.event.input) as never),
      );
    } catch (error) {
      this.#end(attempt, undefined, failureFrom(error));
      return;
    }
    if (isPromise(output)) this.#follow(attempt, output);
    else this.#end(attempt, output, undefined);
  }

  /** The encoded result, at once when neither the activity nor its schema makes a promise. */
  #outputOf(definition: ActivityDefinition, result: unknown): Awaitable<string | undefined> {
    const { payloads } = this.#ports;
    const encode = (value: unknown): string | undefined => payloads.encodeOptional(value);
    if (isPromise(result))
      return Promise.resolve(result)
        .then((value) => payloads.checkOutput(definition, value))
        .then(encode);
    const checked = payloads.checkOutput(definition, result);
    return isPromise(checked) ? checked.then(encode) : encode(checked);
  }

  /** Takes an attempt that did not answer at once among those that run. */
  #follow(attempt: Attempt, output: Promise<string | undefined>): void {
    this.#open.set(attempt.key, attempt);
    attempt.takePlace();
    if (++this.#runningCount === 1) this.#ports.host.working?.(true);
    attempt.watch((limit) => this.#expire(attempt, limit));
    output.then(
      (result) => this.#settle(attempt, result, undefined),
      (error) => this.#settle(attempt, undefined, failureFrom(error)),
    );
  }

  #settle(attempt: Attempt, result: string | undefined, failure: FailureData | undefined): void {
    if (attempt.state !== "running") return;
    this.#end(attempt, result, failure);
    this.#goOn();
  }

  #expire(attempt: Attempt, limit: TimeLimit): void {
    const error = limit.error();
    this.#end(attempt, undefined, timeoutFailure(error));
    attempt.abort(error);
    this.#goOn();
  }

  #drop(attempt: Attempt | undefined, reason: string | undefined): void {
    if (!attempt || reason === undefined) return;
    this.#release(attempt);
    attempt.abort(new TaskCanceledError(reason));
  }

  #end(attempt: Attempt, result: string | undefined, failure: FailureData | undefined): void {
    this.#release(attempt);
    this.#report(attempt.job, result, failure, attempt.details);
  }

  /** Ends it and gives its place back. */
  #release(attempt: Attempt): void {
    const isRunning = attempt.state === "running";
    if (isRunning || attempt.lane) this.#open.delete(attempt.key);
    if (isRunning) this.#runningCount--;
    attempt.end("ended");
    this.#journal.forget(attempt.job);
  }

  #report(
    job: ActivityJob,
    result: string | undefined,
    failure: FailureData | undefined,
    lastHeartbeat?: string | undefined,
  ): void {
    const timestamp = new Date(this.#ports.host.now());
    const taskScheduledId = job.event.eventId;
    if (failure) {
      const heartbeat = lastHeartbeat === undefined ? {} : { lastHeartbeat };
      const base = { eventId: -1, timestamp, taskScheduledId, failureDetails: failure };
      this.#ports.report(job, { type: "TaskFailed", ...base, ...heartbeat });
    } else if (result === undefined)
      this.#ports.report(job, { type: "TaskCompleted", eventId: -1, timestamp, taskScheduledId });
    else this.#ports.report(job, { type: "TaskCompleted", eventId: -1, timestamp, taskScheduledId, result });
  }

  /** After attempts have ended: others take their places. */
  #goOn(): void {
    this.#startWaiting();
    if (this.#runningCount === 0 && !this.#isClosed) this.#ports.host.working?.(false);
  }

  #startWaiting(): void {
    const { registry, host, concurrentMax, isStopped } = this.#ports;
    while (!this.#isClosed && !isStopped() && this.#runningCount < concurrentMax) {
      const attempt = this.#queue.next(host.online?.isOnline() ?? true);
      if (!attempt) return;
      const { name, version } = attempt.job.event;
      attempt.definition = registry.activity(name, version ?? "") ?? attempt.definition;
      this.#run(attempt);
    }
  }
}
