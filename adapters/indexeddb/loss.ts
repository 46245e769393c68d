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
  /** Of hubs that were opened here: a person who clears the data of a site clears the marker too. */
  readonly #known = new Map<string, Mark>();

  constructor(marker: StorageMarker | undefined, databaseName: string) {
    this.#marker = marker;
    this.#databaseName = databaseName;
  }

  async read(hub: string): Promise<Mark | undefined> {
    try {
      const text = await this.#marker?.getItem(this.#key(hub));
      if (text) this.#known.set(hub, JSON.parse(text) as Mark);
    } catch {
      // As if there were none.
    }
    return this.#known.get(hub);
  }

  async write(hub: string, { creationId, createdAtMs }: Mark): Promise<void> {
    const mark: Mark = { creationId, createdAtMs };
    this.#known.set(hub, mark);
    try {
      await this.#marker?.setItem(this.#key(hub), JSON.stringify(mark));
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
