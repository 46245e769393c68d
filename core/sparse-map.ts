/**
 * A map that costs next to nothing while it is empty. An empty `Map` takes some 200 bytes, and an instance in memory has a dozen of which it
 * hardly ever uses one.
 */
export class SparseMap<K, V> {
  /** Made with the first entry, given up by `clear`. */
  #map: Map<K, V> | undefined;

  get size(): number {
    return this.#map?.size ?? 0;
  }
  get(key: K): V | undefined {
    return this.#map?.get(key);
  }
  has(key: K): boolean {
    return this.#map?.has(key) ?? false;
  }
  set(key: K, value: V): void {
    this.#map ??= new Map();
    this.#map.set(key, value);
  }
  /** True when there was one. */
  delete(key: K): boolean {
    return this.#map?.delete(key) ?? false;
  }
  clear(): void {
    this.#map = undefined;
  }
  /** In the order in which they were added, like those of a `Map`. */
  keys(): Iterable<K> {
    return this.#map?.keys() ?? [];
  }
  values(): Iterable<V> {
    return this.#map?.values() ?? [];
  }
  [Symbol.iterator](): Iterator<[K, V]> {
    return (this.#map ?? NO_ENTRIES)[Symbol.iterator]();
  }
}

const NO_ENTRIES: readonly never[] = [];
