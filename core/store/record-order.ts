/**
 * Rows in order of (instant, id). New ones nearly always come last, and old ones go first; neither costs what all the others together would.
 */

/** A row's place. */
export interface Place<TRow> {
  readonly atMs: number;
  readonly instanceId: string;
  /** `undefined` once it has been removed. */
  row: TRow | undefined;
}

/** Removed places from which on, as a part of all, the list is made anew. */
const REMOVED_SHARE_MAX = 0.5;

export class RecordOrder<TRow> {
  /** In order, removed ones among them. */
  #sorted: Place<TRow>[] = [];
  /** Added since the last look, in any order. */
  #added: Place<TRow>[] = [];
  /** Places before this one are removed. */
  #firstAt = 0;
  #removedCount = 0;

  add(atMs: number, instanceId: string, row: TRow): Place<TRow> {
    const place = { atMs, instanceId, row };
    this.#added.push(place);
    return place;
  }

  remove(place: Place<TRow>): void {
    place.row = undefined;
    this.#removedCount++;
  }

  /** Rows from the instant on, in order. */
  *from(atMs: number): IterableIterator<TRow> {
    this.#tidy();
    const sorted = this.#sorted;
    for (let at = Math.max(this.#firstAt, firstAtOrAfter(sorted, atMs, "")); at < sorted.length; at++) {
      const row = sorted[at]?.row;
      if (row !== undefined) yield row;
    }
  }

  #tidy(): void {
    if (this.#added.length > 0) {
      const added = this.#added.sort(compare);
      const { atMs, instanceId } = added[0] as Place<TRow>;
      const later = this.#sorted.splice(firstAtOrAfter(this.#sorted, atMs, instanceId));
      const tail = later.length === 0 ? added : [...later, ...added].sort(compare);
      for (const place of tail) this.#sorted.push(place);
      this.#firstAt = Math.min(this.#firstAt, this.#sorted.length - tail.length);
      this.#added = [];
    }
    if (this.#removedCount > this.#sorted.length * REMOVED_SHARE_MAX) {
      this.#sorted = this.#sorted.filter(({ row }) => row !== undefined);
      this.#removedCount = 0;
      this.#firstAt = 0;
    }
    while (this.#firstAt < this.#sorted.length && this.#sorted[this.#firstAt]?.row === undefined) this.#firstAt++;
  }
}

/** Where the first place at or after an instant and id is, or would be. */
function firstAtOrAfter<TRow>(sorted: readonly Place<TRow>[], atMs: number, instanceId: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(sorted[middle] as Place<TRow>, { atMs, instanceId }) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

type Key = Pick<Place<unknown>, "atMs" | "instanceId">;

function compare(a: Key, b: Key): number {
  return a.atMs - b.atMs || compareText(a.instanceId, b.instanceId);
}

/** Order of ids: by UTF-16 units, the same in every store and on every host. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
