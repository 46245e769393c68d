/** Errors of IndexedDB in the words of Holdfast: what happened, to which database, and what to do. */
import { HoldfastError } from "../../core/errors.ts";

/** By name of the `DOMException`: our code, what happened, and what to do next. */
const KNOWN: Readonly<Record<string, readonly [code: string, what: string, next: string]>> = {
  QuotaExceededError: [
    "storeFull",
    "could not grow because this origin may store no more",
    "Free some space, or ask for persistent storage; the hub goes on where it stopped",
  ],
  VersionError: [
    "storeTooNew",
    "was written by a newer release of Holdfast",
    "Load the newest version of this page; nothing was changed",
  ],
  NotReadableError: [
    "storeCorrupt",
    "has lost a part of its data",
    "Export what can be read, then begin a new database",
  ],
  SecurityError: ["storeFailed", "may not be used by this page", "Allow this site to store data"],
};

/** Names of exceptions that tell of a connection that is gone, or of a browser that ended it: another may work. */
const LOST: ReadonlySet<string> = new Set([
  "InvalidStateError",
  "AbortError",
  "UnknownError",
  "TransactionInactiveError",
]);

function nameOf(error: unknown): string {
  return error instanceof Error || error instanceof DOMException ? error.name : "";
}

/** True for an error after which the same work may succeed over a new connection. Whether it took effect is not known. */
export function isConnectionLost(error: unknown): boolean {
  return !(error instanceof HoldfastError) && LOST.has(nameOf(error));
}

/** True for the refusal to add a row where there is one. */
export function isPositionTaken(error: unknown): boolean {
  return nameOf(error) === "ConstraintError";
}

/**
 * An error of the database `databaseName` with a code that callers can tell apart: `storeFull`, `storeTooNew`, `storeCorrupt` or
 * `storeFailed`. What is not the browser's is given back as it is, and so is its refusal to clone a value.
 */
export function storeErrorOf(error: unknown, databaseName: string): unknown {
  if (!(error instanceof DOMException) || error.name === "DataCloneError") return error;
  const [code, what, next] = KNOWN[error.name] ?? [
    "storeFailed",
    "could not be read or written",
    "Try again; reload the page if it goes on",
  ];
  const cause = error.message || error.name;
  return new HoldfastError(code, `The IndexedDB database '${databaseName}' ${what} (${cause}). ${next}.`, {
    cause: error,
  });
}
