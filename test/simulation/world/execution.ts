/** An execution of an attempt of an activity, as it looks from outside: when it began, when it last gave a sign of life, and what that allows its hub to do. */
import type { ActivityTimeoutType } from "holdfast";
import { HEARTBEAT_WRITE_INTERVAL_MS } from "../../../core/limits.ts";
import type { TimeLimits } from "../programs/activities.ts";

/** How late a limit may be noticed while nothing is wrong with clocks. */
const LIMIT_SLACK_MS = 10_000;
/** How long what failing commits keep back may take until it is written. */
const WRITE_SLACK_MS = 15_000;

/** What it has said of how far it is. */
interface Details {
  readonly text: string;
  readonly saidAtMs: number;
}

export class Execution {
  readonly activity: string;
  readonly #limits: TimeLimits;
  readonly #calledAtMs: number;
  /** By the clock of the process, and by that of the world. */
  readonly #startedAtMs: Instant;
  #beatAtMs: Instant;
  #details: Details | undefined;

  constructor(activity: string, limits: TimeLimits, calledAtMs: number, nowMs: Instant) {
    this.activity = activity;
    this.#limits = limits;
    this.#calledAtMs = calledAtMs;
    this.#startedAtMs = nowMs;
    this.#beatAtMs = nowMs;
  }

  /** It gives a sign of life. */
  beat(text: string, nowMs: Instant): void {
    this.#beatAtMs = nowMs;
    this.#details = { text, saidAtMs: nowMs.world };
  }

  /** True when a limit may end it at an instant of its process. */
  mayEnd(type: ActivityTimeoutType, nowMs: number): boolean {
    const { timeoutMs, scheduleToCloseTimeoutMs, heartbeatTimeoutMs } = this.#limits;
    switch (type) {
      case "startToClose":
        return timeoutMs !== undefined && nowMs >= this.#startedAtMs.process + timeoutMs;
      case "scheduleToClose":
        return scheduleToCloseTimeoutMs !== undefined && nowMs >= this.#calledAtMs + scheduleToCloseTimeoutMs;
      default:
        return heartbeatTimeoutMs !== undefined && nowMs >= this.#beatAtMs.process + heartbeatTimeoutMs;
    }
  }

  /** True when a limit should have ended it. */
  isOverdue(worldMs: number): boolean {
    const { timeoutMs, scheduleToCloseTimeoutMs, heartbeatTimeoutMs } = this.#limits;
    // The call may have waited for its place as long as it liked, but not since.
    const fromStart = Math.min(timeoutMs ?? Infinity, scheduleToCloseTimeoutMs ?? Infinity);
    const dueAtMs = Math.min(
      this.#startedAtMs.world + fromStart,
      this.#beatAtMs.world + (heartbeatTimeoutMs ?? Infinity),
    );
    return worldMs > dueAtMs + LIMIT_SLACK_MS;
  }

  /** What it has said so long ago that it should be written by now. */
  detailsDue(worldMs: number): string | undefined {
    const { text, saidAtMs } = this.#details ?? {};
    const dueMs = (saidAtMs ?? Infinity) + HEARTBEAT_WRITE_INTERVAL_MS + WRITE_SLACK_MS;
    return worldMs > dueMs ? text : undefined;
  }
}

/** One instant by two clocks. */
export interface Instant {
  readonly process: number;
  readonly world: number;
}
