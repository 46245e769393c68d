/** Keeps task hubs in a SQLite file, through Node's own `node:sqlite`. */
import { StoreError, TimeoutError } from "../../core/errors.ts";
import type { HubStore, SyncStoreSession } from "../../core/store/contract.ts";
import { SqlDatabase } from "../sql/database.ts";
import { type Connection, connect } from "./connection.ts";
import { checkOptions, IN_MEMORY, type Settings, type SqliteStoreOptions, type WhenOpen } from "./options.ts";
import { type Presence, takePresence } from "./presence.ts";

export type { SqliteStoreOptions, WhenOpen } from "./options.ts";

/** How often a hub that is open elsewhere is looked at, in ms. */
const LOOK_INTERVAL_MS = 100;

interface OpenFile {
  readonly connection: Connection;
  readonly database: SqlDatabase;
}

/**
 * A store over one SQLite file, or over memory with the path `:memory:`. Any number of hubs; several processes may share a file,
 * each with hubs of its own. The file is opened with the first hub and released with the last; what is in memory lives as long as
 * the store.
 */
export class SqliteStore<const W extends WhenOpen = "fence"> implements HubStore {
  readonly #settings: Settings;
  #open: OpenFile | undefined;
  /** Sessions, and openings under way. */
  #userCount = 0;

  /** @throws InvalidArgumentError for an option that makes no sense. Nothing is opened yet. */
  constructor(options: SqliteStoreOptions<W>) {
    this.#settings = checkOptions(options);
  }

  /**
   * Opens a hub. With `whenOpen: "fence"` at once: its older sessions are fenced, those of other processes too. With `"wait"` the promise
   * resolves when nobody else has the hub open any more: the others have closed it, or their processes have ended.
   * @throws StoreError when the file cannot be opened, read or written, or a newer release has written it (`storeTooNew`).
   * @throws TimeoutError when the wait took longer than `waitTimeoutMs`. The wait also ends with the reason of `signal`.
   */
  open(hub: string): W extends "wait" ? Promise<SyncStoreSession> : SyncStoreSession;
  open(hub: string): SyncStoreSession | Promise<SyncStoreSession> {
    return this.#settings.whenOpen === "wait" ? this.#wait(hub) : (this.#enter(hub) as SyncStoreSession);
  }

  /** Looks at the hub from time to time until nobody else has it open. */
  async #wait(hub: string): Promise<SyncStoreSession> {
    const { path, waitTimeoutMs, signal } = this.#settings;
    const startedAtMs = performance.now();
    for (;;) {
      signal?.throwIfAborted();
      const session = this.#look(hub);
      if (session) return session;
      const leftMs = waitTimeoutMs - (performance.now() - startedAtMs);
      if (leftMs <= 0) {
        throw new TimeoutError(
          `The task hub '${hub}' of '${path}' was still open elsewhere after ${waitTimeoutMs} ms. Close it there, wait longer, or take it over with whenOpen: "fence".`,
        );
      }
      await pause(Math.min(LOOK_INTERVAL_MS, leftMs), signal);
    }
  }

  /** Opens the hub unless it is open elsewhere. A file that is being written just now is looked at again later. */
  #look(hub: string): SyncStoreSession | undefined {
    try {
      return this.#enter(hub);
    } catch (error) {
      if (error instanceof StoreError && error.code === "storeBusy") return undefined;
      throw error;
    }
  }

  /** Opens the hub; `undefined` when it is open elsewhere and this store waits. */
  #enter(hub: string): SyncStoreSession | undefined {
    const { path, whenOpen } = this.#settings;
    const { database } = this.#use();
    let presence: Presence | undefined;
    try {
      return database.open(hub, {
        claiming: () => {
          if (path === IN_MEMORY) return;
          presence = takePresence(path, hub, whenOpen === "wait");
          if (!presence) throw OCCUPIED;
        },
        left: () => presence?.end(),
        closed: () => this.#release(),
      });
    } catch (error) {
      presence?.end();
      this.#release();
      if (error === OCCUPIED) return undefined;
      throw error;
    }
  }

  /** The open file; `#release` gives it back. */
  #use(): OpenFile {
    this.#open ??= openFile(this.#settings);
    this.#userCount++;
    return this.#open;
  }

  #release(): void {
    this.#userCount--;
    if (this.#userCount > 0 || this.#settings.path === IN_MEMORY) return;
    this.#open?.connection.close();
    this.#open = undefined;
  }
}

function openFile(settings: Settings): OpenFile {
  const connection = connect(settings);
  return { connection, database: new SqlDatabase(connection.driver, "open") };
}

/** Takes back the opening of a hub that is open elsewhere. */
const OCCUPIED = new Error("The hub is open elsewhere.");

/** Resolves after a while; rejects with the reason of the signal as soon as it is aborted. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
