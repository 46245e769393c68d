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

/**
 * `starting`: its handler has not answered yet. `running`: it has answered with a promise, and has a place among those that run. `interrupted`: the hub
 * closed; the outcome does not count, and the attempt runs again after the next opening.
 */
type State = "waiting" | "starting" | "running" | "ended" | "interrupted";

/** What only attempts with time limits or heartbeats have. */
interface Pulse {
  startedAtMs: number;
  beatAtMs: number;
  cancelAlarm: (() => void) | undefined;
  /** Details of its own last heartbeat, as stored text. */
  details: string | undefined;
}

export class Attempt implements ActivityContext {
  readonly job: ActivityJob;
  definition: ActivityDefinition;
  /** The queue it goes through; most need none. */
  lane: Lane | undefined;
  #state: State = "waiting";
  readonly #ports: AttemptPorts;
  #controller: AbortController | undefined;
  #pulse: Pulse | undefined;
  #key: string | undefined;

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

  get state(): State {
    return this.#state;
  }

  /** Key among the attempts of a hub. */
  get key(): string {
    this.#key ??= attemptKey(this.job.instanceId, this.job.executionId, this.job.event.eventId);
    return this.#key;
  }

  /** Details for the attempt after this one, when they are others than this one was given by the call's history. */
  get details(): string | undefined {
    const details = this.#pulse?.details ?? this.job.lastHeartbeat;
    return details === this.job.event.lastHeartbeat ? undefined : details;
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
    if (this.#state === "waiting" || !this.#pulse) return first;
    consider(attemptMs, this.#pulse.startedAtMs, () => startToCloseTimeout(name, attemptMs ?? 0));
    consider(silenceMs, this.#pulse.beatAtMs, () => heartbeatTimeout(name, silenceMs ?? 0));
    return first;
  }

  /** Its handler is about to be called. */
  begin(): void {
    this.#state = "starting";
    if (!this.isTimed) return;
    const pulse = this.#takePulse();
    pulse.startedAtMs = this.#ports.host.now();
    pulse.beatAtMs = pulse.startedAtMs;
  }

  /** Its handler has answered with a promise. */
  takePlace(): void {
    this.#state = "running";
    if (this.lane) this.lane.runningCount++;
  }

  /** Its outcome is decided, or does not count any more; its place is free. */
  end(state: "ended" | "interrupted"): void {
    if (this.lane) {
      if (this.#state === "running") this.lane.runningCount--;
      else if (this.#state === "waiting") this.lane.noteEnded();
    }
    this.#state = state;
    this.#pulse?.cancelAlarm?.();
  }

  /** Calls back when a limit is reached: not before, however often heartbeats move it. */
  watch(reached: (limit: TimeLimit) => void): void {
    if (!this.isTimed) return;
    const { host } = this.#ports;
    const { limit } = this;
    const pulse = this.#takePulse();
    pulse.cancelAlarm?.();
    pulse.cancelAlarm =
      limit &&
      callAt(host, limit.atMs, () => {
        const { limit: current } = this;
        if (current && current.atMs <= host.now()) reached(current);
        else this.watch(reached);
      });
  }

  /** Tells the handler to stop, and why. */
  abort(reason: Error): void {
    this.#controller ??= new AbortController();
    this.#controller.abort(reason);
  }

  #beat(details: unknown): void {
    if (this.#state === "ended") return;
    const pulse = this.#takePulse();
    if (details !== undefined) {
      pulse.details = this.#ports.payloads.encodeHeartbeat(details);
      this.#ports.heartbeat(this.job, pulse.details);
    }
    pulse.beatAtMs = this.#ports.host.now();
  }

  #takePulse(): Pulse {
    this.#pulse ??= { startedAtMs: 0, beatAtMs: 0, cancelAlarm: undefined, details: undefined };
    return this.#pulse;
  }
}

/** Names one attempt among all of a hub. */
export function attemptKey(instanceId: string, executionId: string, taskId: number): string {
  return `${instanceId} ${executionId} ${taskId}`;
}
