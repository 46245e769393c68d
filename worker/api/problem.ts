/**
 * Errors as HTTP answers: a status, and the body `{ "error": { "code", "name", "message", … } }`.
 *
 * B1. `code` and `name` are those of the error where it was thrown, so that a client can throw the same error again.
 * B2. An error that is not of the catalogue is told as `internal` and nothing more; neither its text nor any stack leaves the worker.
 */
import { toJsonForm } from "../../core/codec/codec.ts";
import { HoldfastError } from "../../core/errors.ts";
import type { Logger } from "../../core/logger.ts";
import { REQUEST_ERROR_STATUS, RequestError } from "./request-error.ts";

/** Statuses of the errors that a hub answers with. Codes that are missing here mean that something is wrong with the worker: 500. */
const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  ...REQUEST_ERROR_STATUS,
  invalidArgument: 400,
  invalidInstanceId: 400,
  functionNotRegistered: 400,
  versionMismatch: 400,
  validation: 400,
  payload: 400,
  instanceNotFound: 404,
  orchestrationAlreadyExists: 409,
  invalidInstanceState: 409,
  instanceNotRunning: 410,
  limitExceeded: 429,
  hubClosed: 503,
  hubFenced: 503,
  timeout: 504,
};

/** Seconds after which a client may try again what was refused with 429 or 503. */
const RETRY_AFTER_SECONDS = 2;

/** The body of every answer with a status of 400 and above, but those that carry the status of an instance. */
export interface ProblemBody {
  readonly error: {
    readonly code: string;
    readonly name: string;
    readonly message: string;
    readonly [field: string]: unknown;
  };
}

/** The answer to an error. What is the worker's own fault goes to its log, with everything that is known about it. */
export function problemResponse(error: unknown, logger: Logger): Response {
  const known = knownError(error, logger);
  const status = STATUS_BY_CODE[known.code] ?? 500;
  const headers = new Headers({ "Content-Type": "application/json" });
  if (status === 401) headers.set("WWW-Authenticate", "Bearer");
  if (status === 429 || status === 503) headers.set("Retry-After", String(RETRY_AFTER_SECONDS));
  return new Response(JSON.stringify(problemBody(known)), { status, headers });
}

function problemBody(error: HoldfastError): ProblemBody {
  const fields = toJsonForm(Object.fromEntries(Object.entries(error))) as Record<string, unknown>;
  return { error: { ...fields, code: error.code, name: error.name, message: error.message } };
}

/** The error itself when callers may know it, otherwise a plain one in its place. */
function knownError(error: unknown, logger: Logger): HoldfastError {
  if (error instanceof HoldfastError && STATUS_BY_CODE[error.code] !== undefined) return error;
  const details =
    error instanceof Error
      ? { name: error.name, message: error.message, stack: error.stack }
      : { thrown: String(error) };
  logger.error("A request failed in a way that it should not.", details);
  return new RequestError("internal", "The task hub could not serve this request. The log of the worker says why.");
}
