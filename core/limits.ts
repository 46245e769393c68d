/** Every bound of a hub in one place, with its unit and its reason. */
import { InvalidArgumentError } from "./errors.ts";

/** Bounds a hub may be opened with. */
export interface Limits {
  /** Largest encoded payload (input, output, event, entity state), in UTF-16 units of its stored text. 10 MiB: what one request body brings. */
  readonly payloadBytesMax: number;
  /** Largest encoded custom status: it is rewritten with every change. */
  readonly customStatusBytesMax: number;
  /** Largest encoded details of a heartbeat, in UTF-16 units: they are rewritten while the activity runs. */
  readonly heartbeatBytesMax: number;
  /** Longest history of one generation, in events; beyond it the orchestration fails. A replay must stay a matter of seconds. */
  readonly historyEventsMax: number;
  /** Length of a history, in events, from which on the instance is warned about. */
  readonly historyEventsWarning: number;
  /** Orchestrators kept live in memory; the least recently used idle one is dropped beyond it, and replayed when needed. */
  readonly liveInstancesMax: number;
  /** Activities that run at once in this hub. */
  readonly concurrentActivitiesMax: number;
}

/** The bounds of a hub opened without `limits`. */
export const DEFAULT_LIMITS: Limits = {
  payloadBytesMax: 10_485_760,
  customStatusBytesMax: 65_536,
  heartbeatBytesMax: 65_536,
  historyEventsMax: 100_000,
  historyEventsWarning: 10_000,
  liveInstancesMax: 10_000,
  concurrentActivitiesMax: 10_000,
};

/** Events one turn takes at most; the rest waits for the next turn, so that one commit stays small. */
export const TURN_EVENTS_MAX = 10_000;
/** Ids of raised events that an instance remembers; older ones are forgotten, and would count again. */
export const SEEN_EVENT_IDS_MAX = 1_000;
/** Turns one group commit takes at most. */
export const GROUP_TURNS_MAX = 4_096;
/** Rounds of turns that may follow from each other's messages inside one group commit: bounds how long an acknowledgement waits for a chain of instances. */
export const GROUP_ROUNDS_MAX = 16;
/** Group commits between two yields to the host's event loop, so that timers, I/O and requests are never starved. */
export const COMMITS_PER_YIELD = 128;
/** Finished instances deleted at once because their time is over (`retention`): a portion must not hold up other work. */
export const RETENTION_BATCH_MAX = 100;
/** How long the hub waits after a failed commit before it takes up its work again, in ms: a full or busy disk needs a moment. */
export const COMMIT_RETRY_DELAY_MS = 1_000;
/** Instances that have ended and stay in memory: those who started a thousand at once wait for their ends next. */
export const ENDED_INSTANCES_MAX = 1_024;
/** Longest input, output and status of one that stays, together, in characters: all of them take a few MB at most. */
export const ENDED_TEXT_MAX = 4_096;
/** Commits of one instance alone that fail in a row before it is taken for one that the store refuses: a store may stumble twice. */
export const REFUSALS_MIN = 3;
/** Longest time between two tries of what the store refuses, in ms: five minutes, after which more room, or a newer release, is noticed soon enough. */
export const REFUSED_DELAY_MS_MAX = 300_000;
/** Longest time between two tries of what a full, busy or read-only store refuses while it takes other things, in ms: that may be over any moment. */
export const PASSING_DELAY_MS_MAX = 30_000;
/** Instances that are remembered to have had a part in a commit that failed. */
export const SUSPECTS_MAX = 10_000;
/** Shortest time between two writes of heartbeat details, in ms: they cost a row for each instance, and only a crash loses what is not written. */
export const HEARTBEAT_WRITE_INTERVAL_MS = 5_000;
/** How long timers that were handed out may take before the hub looks for others, in ms. */
export const TIMER_PATIENCE_MS = 100;
/** Due timers fetched from the store at once. */
export const TIMER_BATCH_MAX = 1_000;
/** Longest delay given to the host's own timer, in ms (2^31 − 1 is the platform limit); longer waits are taken up again. */
export const HOST_TIMER_MS_MAX = 2_147_483_647;
/** How often an alarm of the system host looks at the clock, in ms: timers of platforms stand still while a machine sleeps, and know nothing of a clock that is set. */
export const ALARM_LOOK_MS = 30_000;
/** Longest time of one request of `callHttp` unless it says otherwise, in ms: five minutes, what platforms wait for an answer themselves. */
export const HTTP_TIMEOUT_MS = 300_000;
/** Redirects that one request of `callHttp` follows. */
export const HTTP_REDIRECTS_MAX = 10;
/** Delay between two requests of a poll when the 202 does not say, in ms: that of Durable Functions. */
export const HTTP_POLL_MS = 30_000;
/** Page size of queries when none is given, and the largest one. */
export const PAGE_SIZE = 100;
export const PAGE_SIZE_MAX = 10_000;

/**
 * Fills in the bounds that were not given.
 * @throws InvalidArgumentError for a bound that is not a positive whole number or `Infinity`.
 */
export function limitsOf(given: Partial<Limits> | undefined): Limits {
  const limits = { ...DEFAULT_LIMITS };
  for (const key of Object.keys(given ?? {}) as (keyof Limits)[]) {
    const value = given?.[key];
    if (value === undefined) continue;
    if (!(key in DEFAULT_LIMITS))
      throw new InvalidArgumentError(
        `'${key}' is not a limit of a task hub. Known limits: ${Object.keys(DEFAULT_LIMITS).join(", ")}.`,
      );
    if (!(Number.isInteger(value) || value === Number.POSITIVE_INFINITY) || value < 1)
      throw new InvalidArgumentError(
        `The limit '${key}' must be a positive whole number, or Infinity; got ${String(value)}.`,
      );
    limits[key] = value;
  }
  return limits;
}
