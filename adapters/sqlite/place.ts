/**
 * Whether an open database is still the file at its path. A file that is removed, moved or replaced under an open connection can be written all
 * the same, and what is written to it then is seen by nobody.
 */
import { statSync } from "node:fs";
import { replacedError } from "./failure.ts";

/** How often is looked at most, in ms: a look costs a tenth of a small commit. */
const LOOK_INTERVAL_MS = 100;
/** The database and its log. */
const SUFFIXES = ["", "-wal"] as const;

export class Place {
  readonly #path: string;
  /** Which file was found first, by suffix. */
  readonly #found = new Map<string, string>();
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  /** `path` is that of a database that has just been opened. */
  constructor(path: string) {
    this.#path = path;
  }

  /**
   * To be called before each write; looks from time to time.
   * @throws StoreError (code `storeFailed`) while another file or none is at the place of the database or of its log.
   */
  check(): void {
    const nowMs = performance.now();
    if (nowMs - this.#lookedAtMs < LOOK_INTERVAL_MS) return;
    for (const suffix of SUFFIXES) {
      const path = this.#path + suffix;
      const file = statSync(path, { throwIfNoEntry: false });
      const identity = file && `${file.dev} ${file.ino}`;
      const known = this.#found.get(suffix);
      if (known !== undefined && identity !== known) throw replacedError(this.#path, path, identity !== undefined);
      if (identity !== undefined) this.#found.set(suffix, identity);
    }
    this.#lookedAtMs = nowMs;
  }
}
