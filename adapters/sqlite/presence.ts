/**
 * Who has a hub of a file open, among all processes: each session holds a shared lock on a small file beside the database, from its opening
 * until it closes or finds itself fenced. The operating system takes the lock back when a process ends, however it ends.
 *
 * L1. Looking and taking happen inside the transaction that claims the hub, so that no two processes do it at once.
 */
import { DatabaseSync } from "node:sqlite";
import { refuseReadOnly, storeErrorOf } from "./failure.ts";

/** The shared lock of one session. */
export interface Presence {
  /** Gives the lock back; again does nothing. */
  end(): void;
}

const SQLITE_BUSY = 5;

/** The file of a hub's locks. Capitals are marked, because some file systems do not tell them from small letters. */
export function presencePath(path: string, hub: string): string {
  return `${path}-${hub.replaceAll(/[A-Z]/g, (capital) => `~${capital.toLowerCase()}`)}.lock`;
}

/** Takes the shared lock; `undefined` when `isAlone` is asked for and somebody else has the hub open. */
export function takePresence(path: string, hub: string, isAlone: boolean): Presence | undefined {
  const file = presencePath(path, hub);
  const db = openLock(file);
  try {
    if (isAlone && !isFree(db)) {
      db.close();
      return undefined;
    }
    // A read inside a transaction holds SQLite's shared lock until the transaction ends.
    db.exec("BEGIN");
    db.prepare("SELECT count(*) FROM sqlite_master").get();
  } catch (error) {
    db.close();
    throw storeErrorOf(error, file);
  }
  return {
    end() {
      if (db.isOpen) db.close();
    },
  };
}

function openLock(file: string): DatabaseSync {
  refuseReadOnly(file);
  try {
    return new DatabaseSync(file);
  } catch (error) {
    throw storeErrorOf(error, file);
  }
}

/** True when nobody holds the shared lock. */
function isFree(db: DatabaseSync): boolean {
  try {
    db.exec("BEGIN EXCLUSIVE; COMMIT");
    return true;
  } catch (error) {
    if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY) return false;
    throw error;
  }
}
