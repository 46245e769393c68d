/** The three ways in which the time of an activity runs out, as errors and as recorded failures. */
import { TimeoutError } from "./errors.ts";
import { type FailureData, failureFrom } from "./failure.ts";

/** Which timeout it was: of one attempt from its start, of the call from its beginning, or of the silence between two heartbeats. */
export type ActivityTimeoutType = "startToClose" | "scheduleToClose" | "heartbeat";

/** A `TimeoutError` of an activity: the reason of its `ctx.signal`, and as `failure.properties` what its caller meets. */
export interface ActivityTimeoutError extends TimeoutError {
  readonly timeoutType: ActivityTimeoutType;
}

/** The error for an attempt that took too long from its start. */
export function startToCloseTimeout(activity: string, timeoutMs: number): ActivityTimeoutError {
  return timeout(
    "startToClose",
    `The activity '${activity}' did not finish within ${timeoutMs} ms of its start (timeoutMs). The attempt was told so through ctx.signal; a retry policy may try again.`,
  );
}

/** The error for a call that had no result by its deadline, whatever it was doing then. */
export function scheduleToCloseTimeout(activity: string, deadlineMs: number): ActivityTimeoutError {
  return timeout(
    "scheduleToClose",
    `The call of activity '${activity}' had no result by ${new Date(deadlineMs).toISOString()}, when its time was over (scheduleToCloseTimeoutMs, which counts queueing and retries too). It is not tried again.`,
  );
}

/** The error for a running attempt that was silent for too long. */
export function heartbeatTimeout(activity: string, timeoutMs: number): ActivityTimeoutError {
  return timeout(
    "heartbeat",
    `The activity '${activity}' gave no sign of life for ${timeoutMs} ms (heartbeatTimeoutMs). Call ctx.heartbeat() more often, or allow a longer silence; a retry policy may try again.`,
  );
}

/** The failure a timeout is recorded as: without a stack, which would show the engine only. */
export function timeoutFailure(error: ActivityTimeoutError, inner?: FailureData): FailureData {
  const { stackTrace: _stack, ...failure } = failureFrom(error);
  return { ...failure, ...(inner && { innerFailure: inner }) };
}

/** True for the failure of a call whose time is over: no retry may follow. */
export function isScheduleToClose({ errorType, properties }: FailureData): boolean {
  return errorType === TimeoutError.errorName && properties?.timeoutType === "scheduleToClose";
}

function timeout(timeoutType: ActivityTimeoutType, message: string): ActivityTimeoutError {
  return Object.assign(new TimeoutError(message), { timeoutType });
}
