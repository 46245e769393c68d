/**
 * What a session knows of the rows of instances, so that a write need not look first. The session is the only one that writes them; whatever it
 * noted in a transaction that was undone is forgotten.
 */
import { SQL_BOUNDS } from "./bounds.ts";

/** The columns of an instance that indexes cover. */
export type IndexedColumns = Readonly<Record<"createdAtMs" | "isBusy", number>> & {
  readonly completedAtMs: number | null;
};

/** What is known of a row: it exists. */
export interface KnownRow extends IndexedColumns {
  readonly turnsKey: number;
  /** 1 when the record lies in chunks. */
  readonly isLong: number;
  /** Turns of its history, and the events in them; absent while that is not known. */
  turnCount?: number;
  eventCount?: number;
}

/** Known rows by the key of their instance; the one that was written least recently goes first when there are too many. */
export class KnownRows {
  readonly #rows = new Map<string, KnownRow>();

  get(id: string): KnownRow | undefined {
    return this.#rows.get(id);
  }
  set(id: string, row: KnownRow): void {
    if (!this.#rows.delete(id) && this.#rows.size >= SQL_BOUNDS.knownRowsMax) this.#dropOldest();
    this.#rows.set(id, row);
  }
  delete(id: string): void {
    this.#rows.delete(id);
  }
  clear(): void {
    this.#rows.clear();
  }

  #dropOldest(): void {
    for (const id of this.#rows.keys()) {
      this.#rows.delete(id);
      return;
    }
  }
}
