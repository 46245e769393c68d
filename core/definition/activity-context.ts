import type { Logger } from "../logger.ts";

/** What an activity knows about the call it serves, and how it stays in touch with the hub. */
export interface ActivityContext {
  /** Instance id of the orchestration that called. */
  readonly instanceId: string;
  /** Id of that orchestration's generation. */
  readonly executionId: string;
  /** Sequence id of this attempt. */
  readonly taskId: number;
  /** Name of the activity. */
  readonly name: string;
  /** Which attempt of the call this is, from 1. */
  readonly attempt: number;
  /** The same for every attempt and re-execution of one call: give it to whatever must happen once only. */
  readonly idempotencyKey: string;
  /**
   * Fires on timeout, on the end of the orchestration, on cancellation of the call, and when the hub closes. Its reason is an error that says why:
   * `TimeoutError` (with `timeoutType`), `TaskCanceledError`, `HubClosedError` or `HubFencedError`. After the last two the attempt runs again.
   */
  readonly signal: AbortSignal;
  /** Details of the last `heartbeat` of the attempts before this one, or of this one before a restart; `undefined` when there were none. */
  readonly lastHeartbeat: unknown;
  /** Host resources: what the hub was opened with as `env`; on the edge the Worker's own `env`. */
  readonly env: unknown;
  readonly log: Logger;
  /**
   * Says that the attempt is alive, with details that the next attempt can go on from. They are captured at the call, and written down every few
   * seconds at most: closing the hub loses none, a crash those of the last seconds. Without details the ones before stay.
   * @throws PayloadError for details that cannot be kept, or are larger than `limits.heartbeatBytesMax`.
   */
  heartbeat(details?: unknown): void;
}
