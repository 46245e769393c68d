/** A SQL database with task hubs in it: who has which hub, and the tables that they share. */
import { SQL_BOUNDS } from "./bounds.ts";
import type { SqlDriver } from "./driver.ts";
import { migrate, SCHEMA_VERSION, schemaVersion } from "./schema.ts";
import { SqlSession } from "./session.ts";

/**
 * When a session claims its hub. `"open"`: at once, and every commit asks the database whether it still has it, because other
 * processes may open the same file. `"firstCommit"`: lazily and without asking, for a database that one process alone reaches.
 */
export type ClaimTime = "open" | "firstCommit";

/** A hub that a session has claimed: its number, and the last of its block of turn keys. */
export interface Claimed {
  readonly hub: number;
  readonly keysEnd: number;
}

/** What the owner of the database does around a session. */
export interface SessionHooks {
  /** Called in the transaction that claims the hub; refuses the opening by a throw. With `"open"` only. */
  claiming?(): void;
  /** The hub is no longer the session's: it was closed, or finds itself fenced. May be called twice. */
  left?(): void;
  /** The session has been closed. */
  closed?(): void;
}

interface HubRow {
  readonly hub: number | undefined;
  readonly epoch: number;
}

export class SqlDatabase {
  readonly #driver: SqlDriver;
  readonly #claimTime: ClaimTime;
  /** The newest session of each hub, closed or not: its epoch may be known here only. */
  readonly #newest = new Map<string, SqlSession>();

  constructor(driver: SqlDriver, claimTime: ClaimTime) {
    this.#driver = driver;
    this.#claimTime = claimTime;
  }

  /**
   * Opens a hub; every older session of it is fenced.
   * @throws StoreError (code `storeTooNew`) when a newer Holdfast has written the tables.
   */
  open(name: string, hooks: SessionHooks = {}): SqlSession {
    const session =
      this.#claimTime === "open" ? this.#driver.transaction(() => this.#claimed(name, hooks)) : this.#lazy(name, hooks);
    this.#newest.get(name)?.fence();
    this.#newest.set(name, session);
    return session;
  }

  #claimed(name: string, hooks: SessionHooks): SqlSession {
    hooks.claiming?.();
    migrate(this.#driver);
    const epoch = this.#hubRow(name).epoch + 1;
    const claimed = this.#claim(name, epoch);
    return this.#session(name, hooks, epoch, claimed.hub, claimed);
  }

  #lazy(name: string, hooks: SessionHooks): SqlSession {
    const version = schemaVersion(this.#driver);
    if (version > 0 && version < SCHEMA_VERSION) this.#driver.transaction(() => migrate(this.#driver));
    const stored: HubRow = version > 0 ? this.#hubRow(name) : { hub: undefined, epoch: 0 };
    const epoch = Math.max(stored.epoch, this.#newest.get(name)?.epoch ?? 0) + 1;
    return this.#session(name, hooks, epoch, stored.hub, undefined);
  }

  #session(
    name: string,
    hooks: SessionHooks,
    epoch: number,
    hub: number | undefined,
    claimed: Claimed | undefined,
  ): SqlSession {
    const port = {
      driver: this.#driver,
      claim: (): Claimed => {
        migrate(this.#driver);
        return this.#claim(name, epoch);
      },
      isOwner: (): boolean => this.#claimTime === "firstCommit" || this.#hubRow(name).epoch === epoch,
      left: () => hooks.left?.(),
      closed: () => hooks.closed?.(),
    };
    return new SqlSession(name, port, epoch, hub, claimed);
  }

  #hubRow(name: string): HubRow {
    const [row] = this.#driver.all<{ hub: number; epoch: number }>(
      `SELECT hub, epoch FROM holdfast_hubs WHERE name = ?1`,
      name,
    );
    return row ?? { hub: undefined, epoch: 0 };
  }

  /** Writes the epoch, and takes a block of turn keys. */
  #claim(name: string, epoch: number): Claimed {
    const [row] = this.#driver.all<{ hub: number; keysEnd: number }>(
      `INSERT INTO holdfast_hubs (name, hub, epoch, keysEnd)
      SELECT ?1, coalesce(max(hub), 0) + 1, ?2, coalesce(max(keysEnd), 0) + ?3 FROM holdfast_hubs WHERE true
      ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch, keysEnd = excluded.keysEnd RETURNING hub, keysEnd`,
      name,
      epoch,
      SQL_BOUNDS.turnKeysPerBlock,
    );
    if (!row) throw new TypeError(`The database did not answer the number of the hub '${name}'.`);
    return row;
  }
}
