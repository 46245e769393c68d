/**
 * Which instances the tables hold, as far as it is known without asking: most instances that a busy hub looks for are new, and asking
 * the database for what is not there takes longer than writing it.
 */

/** Ids kept in memory at most, about a megabyte; with more the database is asked. */
export const STORED_IDS_MAX = 10_000;

export class StoredIds {
  #ids: Set<string> | undefined;

  /** `ids` are all there are, when they are at most `STORED_IDS_MAX`. */
  constructor(ids: readonly string[]) {
    this.#ids = ids.length <= STORED_IDS_MAX ? new Set(ids) : undefined;
  }

  /** False when the tables do not hold the instance. */
  mayHave(instanceId: string): boolean {
    return this.#ids?.has(instanceId) ?? true;
  }

  /** Notes ids that the tables may hold now. */
  add(ids: Iterable<string>): void {
    for (const id of ids) this.#ids?.add(id);
    if (this.#ids && this.#ids.size > STORED_IDS_MAX) this.#ids = undefined;
  }
}
