/**
 * Storage that is gone. Browsers delete databases: when the disk runs short, when a person clears site data, when a file is damaged.
 * What they leave looks like a database that was never used. Two things tell the difference: Chromium's word when it had to delete
 * one (`dataLoss`), and a marker outside of IndexedDB that remembers that the hub once was.
 */
import { HoldfastError } from "../../core/errors.ts";
import type { Awaitable } from "../../core/store/contract.ts";

/** What was lost, as far as it is known. */
export interface DataLoss {
  readonly databaseName: string;
  readonly hub: string;
  /** When the lost hub was made; absent when no marker of it was found. */
  readonly createdAt?: Date;
  /** How it was noticed, in words. */
  readonly reason: string;
}

/** A hub that this database held is gone with all of its instances; nobody can bring them back. Code `storageLost`. */
export class StorageLostError extends HoldfastError {
  static override readonly errorName: string = "StorageLostError";
  readonly loss: DataLoss;
  constructor(loss: DataLoss) {
    const since = loss.createdAt ? `, kept since ${loss.createdAt.toISOString()},` : "";
    super(
      "storageLost",
      `The task hub '${loss.hub}' of the IndexedDB database '${loss.databaseName}'${since} is gone: ${loss.reason} Open it with the store's option 'onDataLoss' to be told and to begin with an empty hub.`,
    );
    this.loss = loss;
  }
}

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
