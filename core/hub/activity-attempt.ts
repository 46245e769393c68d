/** One attempt of an activity call: what its handler sees as `ctx`, and what limits its time. What few activities use is made on demand. */
import {
  type ActivityTimeoutError,
  heartbeatTimeout,
  scheduleToCloseTimeout,
  startToCloseTimeout,
} from "../activity-timeout.ts";
import type { ActivityContext } from "../definition/activity-context.ts";
import type { ActivityDefinition } from "../definition/definitions.ts";
import type { TaskScheduledEvent } from "../history/events.ts";
import type { Logger } from "../logger.ts";
import { callAt, type Host } from "./host.ts";
import type { Payloads } from "./payloads.ts";

/** The call that an attempt serves, as it was committed. */
export interface ActivityJob {
  readonly instanceId: string;
  readonly executionId: string;
  readonly event: TaskScheduledEvent;
  /** Details of its last heartbeat before a restart, as stored text. */
  readonly lastHeartbeat?: string;
}

/** What attempts need of their hub. */
export interface AttemptPorts {
  readonly payloads: Payloads;
  readonly logger: Logger;
  readonly env: unknown;
  readonly host: Host;
  /** Hears of new details, as stored text. */
  heartbeat(job: ActivityJob, details: string): void;
}

/** An instant at which an attempt ends if it has not ended before, and the error it then ends with. */
export interface TimeLimit {
  readonly atMs: number;
  error(): ActivityTimeoutError;
}

/** The queue of an activity, as far as its attempts know it. */
export interface Lane {
  /** Attempts that run. */
  runningCount: number;
  /** One of the attempts that wait has ended. */
  noteEnded(): void;
}

/** `interrupted`: the hub closed; the outcome does not count, and the attempt runs again after the next opening. */
type State = "waiting" | "running" | "ended" | "interrupted";

export class Attempt implements ActivityContext {
  readonly job: ActivityJob;
  definition: ActivityDefinition;
  state: State = "waiting";
  /** The queue it goes through; most need none. */
  lane: Lane | undefined;
  readonly #ports: AttemptPorts;
  #controller: AbortController | undefined;
  #cancelAlarm: (() => void) | undefined;
  #startedAtMs = 0;
  #beatAtMs = 0;
  #details: string | undefined;
  #hasPlace = false;

  constructor(job: ActivityJob, definition: ActivityDefinition, ports: AttemptPorts) {
    this.job = job;
    this.definition = definition;
    this.#ports = ports;
  }

  // ---- what the handler sees

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
    return this.#ports.payloads.decode(this.job.lastHeartbeat ?? this.job.event.lastHeartbeat);
  }
  get env(): unknown {
    return this.#ports.env;
  }
  get log(): Logger {
    return this.#ports.logger;
  }
  /** A function of its own, so that `const { heartbeat } = ctx` works. */
  get heartbeat(): (details?: unknown) => void {
    return (details) => this.#beat(details);
  }

  // ---- what the hub does with it

  /** Key among the attempts of a hub. */
  get key(): string {
    return attemptKey(this.job.instanceId, this.job.executionId, this.job.event.eventId);
  }

  /** Details for the attempt after this one, when they are others than this one was given by the call's history. */
  get details(): string | undefined {
    const details = this.#details ?? this.job.lastHeartbeat;
    return details === this.job.event.lastHeartbeat ? undefined : details;
  }

  /** What ends the attempt first, as it stands now; `undefined` when nothing limits it. */
  get limit(): TimeLimit | undefined {
    const { name, options, timestamp } = this.job.event;
    const defaults = this.definition.options;
    let first: TimeLimit | undefined;
    const consider = (timeoutMs: number | undefined, fromMs: number, error: TimeLimit["error"]): void => {
      if (timeoutMs === undefined || (first && first.atMs <= fromMs + timeoutMs)) return;
      first = { atMs: fromMs + timeoutMs, error };
    };
    const [callMs, attemptMs, silenceMs] = [
      options?.scheduleToCloseTimeoutMs ?? defaults.scheduleToCloseTimeoutMs,
      options?.timeoutMs ?? defaults.timeoutMs,
      options?.heartbeatTimeoutMs ?? defaults.heartbeatTimeoutMs,
    ];
    const calledAtMs = timestamp.getTime();
    consider(callMs, calledAtMs, () => scheduleToCloseTimeout(name, calledAtMs + (callMs ?? 0)));
    if (this.state !== "running") return first;
    consider(attemptMs, this.#startedAtMs, () => startToCloseTimeout(name, attemptMs ?? 0));
    consider(silenceMs, this.#beatAtMs, () => heartbeatTimeout(name, silenceMs ?? 0));
    return first;
  }

  /** Whether anything limits its time. */
  get isTimed(): boolean {
    const { timeoutMs, scheduleToCloseTimeoutMs, heartbeatTimeoutMs } = this.definition.options;
    return (
      this.job.event.options !== undefined ||
      timeoutMs !== undefined ||
      scheduleToCloseTimeoutMs !== undefined ||
      heartbeatTimeoutMs !== undefined
    );
  }

  begin(): void {
    this.state = "running";
    if (!this.isTimed) return;
    this.#startedAtMs = this.#ports.host.now();
    this.#beatAtMs = this.#startedAtMs;
  }

  /** Calls back when a limit is reached: not before, however often heartbeats move it. */
  watch(reached: (limit: TimeLimit) => void): void {
    this.#cancelAlarm?.();
    const { host } = this.#ports;
    const { limit } = this;
    if (!limit) return;
    this.#cancelAlarm = callAt(host, limit.atMs, () => {
      const { limit: current } = this;
      if (current && current.atMs <= host.now()) reached(current);
      else this.watch(reached);
    });
  }

  /** It did not answer at once: it takes a place among the attempts that run. */
  takePlace(): void {
    this.#hasPlace = true;
    if (this.lane) this.lane.runningCount++;
  }
  get hasPlace(): boolean {
    return this.#hasPlace;
  }

  /** Its outcome is decided, or does not count any more; its place is free. */
  end(state: "ended" | "interrupted"): void {
    if (this.lane) {
      if (this.#hasPlace) this.lane.runningCount--;
      else if (this.state === "waiting") this.lane.noteEnded();
    }
    this.#hasPlace = false;
    this.state = state;
    this.#cancelAlarm?.();
    this.#cancelAlarm = undefined;
  }

  /** Tells the handler to stop, and why. */
  abort(reason: Error): void {
    this.#controller ??= new AbortController();
    this.#controller.abort(reason);
  }

  #beat(details: unknown): void {
    if (this.state === "ended") return;
    if (details !== undefined) {
      this.#details = this.#ports.payloads.encodeHeartbeat(details);
      this.#ports.heartbeat(this.job, this.#details);
    }
    this.#beatAtMs = this.#ports.host.now();
  }
}

/** Names one attempt among all of a hub. */
export function attemptKey(instanceId: string, executionId: string, taskId: number): string {
  return `${instanceId} ${executionId} ${taskId}`;
}
