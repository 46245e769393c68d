/** What a request itself did wrong, or what the edge could not do for it: errors that exist over HTTP only. */
import { HoldfastError } from "../../core/errors.ts";

/** Codes of `RequestError` with the HTTP status each is answered with. */
export const REQUEST_ERROR_STATUS = {
  /** A parameter, header or body that cannot be understood. */
  invalidRequest: 400,
  /** `taskHub` names no hub that could exist. */
  invalidTaskHubName: 400,
  /** The key is missing or wrong. */
  unauthorized: 401,
  /** The worker has no key, and the request is not a local one. */
  keyNotConfigured: 403,
  /** No route has this method and path. */
  routeNotFound: 404,
  /** Only what is finished can be purged. */
  instanceStillRunning: 409,
  /** The body is larger than the limit. */
  bodyTooLarge: 413,
  /** The object of the hub has more requests than it can serve. */
  hubOverloaded: 429,
  /** Something unexpected; the worker's log has the details. */
  internal: 500,
  /** The object of the hub could not be reached, or was reset meanwhile. */
  hubUnavailable: 503,
} as const;

/** A stable, machine-readable kind of a `RequestError`. */
export type RequestErrorCode = keyof typeof REQUEST_ERROR_STATUS;

/** An error that is answered with a status of its own. */
export class RequestError extends HoldfastError {
  static override readonly errorName: string = "RequestError";
  declare readonly code: RequestErrorCode;
  constructor(code: RequestErrorCode, message: string, options?: { cause?: unknown }) {
    super(code, message, options);
  }
}
