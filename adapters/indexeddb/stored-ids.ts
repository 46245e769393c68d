/**
 * Which instances the tables hold, as far as it is known without asking: most instances that a busy hub looks for are new, and asking
 * the database for what is not there takes longer than writing it.
 */
import { INDEXED_DB_BOUNDS } from "./bounds.ts";

export class StoredIds {
  #ids: Set<string> | undefined;

  /** `ids` are all there are, when they are at most `storedIdsMax`. */
  constructor(ids: readonly string[]) {
    this.#ids = ids.length <= INDEXED_DB_BOUNDS.storedIdsMax ? new Set(ids) : undefined;
  }

  /** False when the tables do not hold the instance. */
  mayHave(instanceId: string): boolean {
    return this.#ids?.has(instanceId) ?? true;
  }

  /** Notes ids that the tables may hold now. */
  add(ids: Iterable<string>): void {
    for (const id of ids) this.#ids?.add(id);
    if (this.#ids && this.#ids.size > INDEXED_DB_BOUNDS.storedIdsMax) this.#ids = undefined;
  }
}
