/** Errors of IndexedDB in the words of Holdfast: what happened, to which database, and what to do. */
import { HoldfastError, StoreError, type StoreErrorCode } from "../../core/errors.ts";

/** Our code, what happened, and what to do next. */
type Kind = readonly [code: StoreErrorCode, what: string, next: string];

/** By name of the `DOMException`. */
const KNOWN: Readonly<Record<string, Kind>> = {
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

const FAILED: Kind = [
  "storeFailed",
  "could not be read or written",
  "It is opened again with the next call, which also finds out what became of a commit; reload the page if it goes on",
];

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
 * An error of the database `databaseName` as a `StoreError`: `storeFull`, `storeTooNew`, `storeCorrupt` or `storeFailed`. What is not
 * the database's is given back as it is, and so is its refusal to clone a value.
 */
export function storeErrorOf(error: unknown, databaseName: string): unknown {
  if (!(error instanceof DOMException) || error.name === "DataCloneError") return error;
  const [code, what, next] = KNOWN[error.name] ?? FAILED;
  const message = `The IndexedDB database '${databaseName}' ${what} (${error.message || error.name}). ${next}.`;
  return new StoreError(code, message, { cause: error });
}
