/**
 * Storage that is gone. Browsers delete databases: when the disk runs short, when a person clears site data, when a file is damaged.
 * What they leave looks like a database that was never used. Two things tell the difference: Chromium's word when it had to delete
 * one (`dataLoss`), and a marker outside of IndexedDB that remembers that the hub once was.
 */
import type { Awaitable } from "../../core/store/contract.ts";

/**
 * A small memory outside of IndexedDB. `localStorage` is one. Give one of your own where there is none (in a worker), or to remember
 * further away than this browser does. A marker that fails is left out: it costs the detection, not the hub.
 */
export interface StorageMarker {
  getItem(key: string): Awaitable<string | null>;
  setItem(key: string, value: string): Awaitable<unknown>;
}

/** What a marker remembers of a hub. */
export interface Mark {
  readonly creationId: string;
  readonly createdAtMs: number;
}

/** The markers of one database. */
export class Marks {
  readonly #marker: StorageMarker | undefined;
  readonly #databaseName: string;

  constructor(marker: StorageMarker | undefined, databaseName: string) {
    this.#marker = marker;
    this.#databaseName = databaseName;
  }

  async read(hub: string): Promise<Mark | undefined> {
    try {
      const text = await this.#marker?.getItem(this.#key(hub));
      return text ? (JSON.parse(text) as Mark) : undefined;
    } catch {
      return undefined;
    }
  }

  async write(hub: string, { creationId, createdAtMs }: Mark): Promise<void> {
    try {
      await this.#marker?.setItem(this.#key(hub), JSON.stringify({ creationId, createdAtMs }));
    } catch {
      // No room for the marker, or no right to it.
    }
  }

  #key(hub: string): string {
    return `holdfast/${this.#databaseName}/${hub}`;
  }
}

/** The page's `localStorage`, where there is one and it may be used. */
export function pageMarker(): StorageMarker | undefined {
  try {
    return globalThis.localStorage ?? undefined;
  } catch {
    return undefined;
  }
}
