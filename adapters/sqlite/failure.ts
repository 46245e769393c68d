/** Errors of SQLite in the words of Holdfast: what happened, to which file, and what to do. */
import { HoldfastError } from "../../core/errors.ts";

/** By primary result code of SQLite: our code, what happened, and what to do next. */
const KNOWN: Readonly<Record<number, readonly [code: string, what: string, next: string]>> = {
  5: [
    "storeBusy",
    "is locked by another process that is writing",
    "Try again; if it goes on, look for a process that keeps a transaction open, or raise 'busyTimeoutMs'",
  ],
  6: [
    "storeBusy",
    "is locked by another connection of this process",
    "Try again, and do not write to it through a second connection meanwhile",
  ],
  8: [
    "storeReadOnly",
    "cannot be written to",
    "Give this process write permission to the file, its folder and its '-wal' and '-shm' files",
  ],
  10: [
    "storeFailed",
    "could not be read or written",
    "Check the disk, and that the file still exists and is on a local file system",
  ],
  11: ["storeCorrupt", "is damaged", "Keep a copy, then restore a backup"],
  13: ["storeFull", "could not grow because the disk is full", "Free some space; the hub goes on where it stopped"],
  14: [
    "storeFailed",
    "could not be opened",
    "Check that the folder exists and that this process may read and write there",
  ],
  26: ["storeCorrupt", "is not a SQLite database", "Choose another path"],
};

/**
 * An error thrown by `node:sqlite` about the file at `path`, with a code that callers can tell apart: `storeBusy`, `storeReadOnly`,
 * `storeFull`, `storeCorrupt` or `storeFailed`. Any other error is given back as it is.
 */
export function storeErrorOf(error: unknown, path: string): unknown {
  const resultCode = error instanceof Error && "errcode" in error ? Number(error.errcode) & 0xff : 0;
  const known = KNOWN[resultCode];
  if (!known || !(error instanceof Error)) return error;
  const [code, what, next] = known;
  return new HoldfastError(
    code,
    `The SQLite database '${path}' ${what} (${error.message}). Nothing of this call took effect. ${next}.`,
    {
      cause: error,
    },
  );
}
