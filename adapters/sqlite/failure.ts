/** Errors of SQLite in the words of Holdfast: what happened, to which file, and what to do. */
import { accessSync, constants } from "node:fs";
import { dirname } from "node:path";
import { StoreError, type StoreErrorCode } from "../../core/errors.ts";

/** Our code, what happened, and what to do next. */
type Kind = readonly [code: StoreErrorCode, what: string, next: string];

const READ_ONLY: Kind = [
  "storeReadOnly",
  "cannot be written to",
  "Give this process write permission to the file, its folder and its '-wal' and '-shm' files",
];

const FULL = 13;
/** No room for the index of the log: the one failure of a full disk that SQLite does not call so. */
const IOERR_SHMSIZE = 4_874;

/** By primary result code of SQLite. */
const KNOWN: Readonly<Record<number, Kind>> = {
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
  8: READ_ONLY,
  10: [
    "storeFailed",
    "could not be read or written",
    "Check the disk, and that the file still exists and is on a local file system",
  ],
  11: ["storeCorrupt", "is damaged", "Keep a copy, then restore a backup"],
  [FULL]: ["storeFull", "could not grow because the disk is full", "Free some space; the hub goes on where it stopped"],
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
  const extended = error instanceof Error && "errcode" in error ? Number(error.errcode) : 0;
  const resultCode = extended === IOERR_SHMSIZE ? FULL : extended & 0xff;
  if (!(error instanceof Error && KNOWN[resultCode])) return error;
  return errorOf(KNOWN[resultCode], path, error.message, error);
}

/**
 * SQLite opens a file that may not be written all the same, and then fails at various places with various errors, or takes a weaker lock than asked for.
 * @throws StoreError (code `storeReadOnly`)
 */
export function refuseReadOnly(path: string): void {
  for (const place of [path, dirname(path)]) {
    try {
      accessSync(place, constants.W_OK);
    } catch (error) {
      const { code = "", message } = error as NodeJS.ErrnoException;
      if (["EACCES", "EPERM", "EROFS"].includes(code)) throw errorOf(READ_ONLY, path, message, error);
    }
  }
}

/** The error of an open database at `path` whose file, at `file`, is another now (`isThere`) or gone. */
export function replacedError(path: string, file: string, isThere: boolean): StoreError {
  const what = `is written no more: '${file}' was ${isThere ? "replaced" : "removed or moved"} while it was open`;
  const next = "Put the file back, and the hub goes on; or close all hubs of this file and open them again";
  return new StoreError(
    "storeFailed",
    `The SQLite database '${path}' ${what}. Nothing of this call took effect. ${next}.`,
  );
}

function errorOf([code, what, next]: Kind, path: string, reason: string, cause: unknown): StoreError {
  const message = `The SQLite database '${path}' ${what} (${reason}). Nothing of this call took effect. ${next}.`;
  return new StoreError(code, message, { cause });
}
