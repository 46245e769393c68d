/**
 * One hub's view of a SQL database.
 *
 * P1. The epoch row of a hub belongs to its newest session. A session that finds another epoch there is fenced for good.
 * P2. Where one process alone can reach the database, the epoch is claimed by the first commit: opening and reading write nothing.
 */
import { HubClosedError, HubFencedError } from "../../core/errors.ts";
import type { HistoryEvent } from "../../core/history/events.ts";
import type {
  EntityFilter,
  InstanceChange,
  InstanceQuery,
  ListedEntity,
  ListedInstance,
  StoredInstance,
  StoredTimer,
  StoreSession,
} from "../../core/store/contract.ts";
import type { SqlDriver } from "./driver.ts";
import { KnownRows } from "./known-rows.ts";
import { queryEntities, queryInstances } from "./query.ts";
import { loadInstance, readDueTimers, readHistory, readNextTimerAtMs, readOpenInstances } from "./read.ts";
import { TurnKeys } from "./turn-keys.ts";
import { appendTurn } from "./turns.ts";
import { applyChange, type Writer } from "./write.ts";

/** How a session and its database deal with each other. */
export interface SessionPort {
  readonly driver: SqlDriver;
  /** Writes the session's epoch and makes the tables if there are none. Inside a transaction. */
  claim(): { readonly hub: number; readonly keysEnd: number };
  /** True while the epoch in the database is the session's own. Inside a transaction. */
  isOwner(): boolean;
  /** The hub is no longer the session's: it was closed, or finds itself fenced. May be called twice. */
  left(): void;
  /** The session has been closed. */
  closed(): void;
}

/** A session of a SQL store; made by `SqlDatabase.open`. */
export class SqlSession implements StoreSession {
  readonly epoch: number;
  readonly #name: string;
  readonly #port: SessionPort;
  /** Number of the hub in the database; `undefined` while the database has nothing of it. */
  #hub: number | undefined;
  /** Keys for new instances; `undefined` while the epoch is not written. */
  #keys: TurnKeys | undefined;
  readonly #rows = new KnownRows();
  #isFenced = false;
  #isClosed = false;

  /** `hub` is the hub's number, when it has one; `claimed` what the claim has brought, when the epoch is written. */
  constructor(
    name: string,
    port: SessionPort,
    epoch: number,
    hub: number | undefined,
    claimed: { readonly hub: number; readonly keysEnd: number } | undefined,
  ) {
    this.#name = name;
    this.#port = port;
    this.epoch = epoch;
    this.#hub = hub;
    this.#keys = claimed && new TurnKeys(port.driver, claimed.hub, claimed.keysEnd);
  }

  get isFenced(): boolean {
    return this.#isFenced;
  }

  /** Notes that a newer session has the hub now. */
  fence(): void {
    this.#isFenced = true;
    this.#port.left();
  }

  /** @throws HubFencedError when a newer session has opened the hub. @throws HubClosedError after `close`. */
  commit(changes: readonly InstanceChange[]): void {
    if (this.#isClosed) throw new HubClosedError(this.#name);
    if (this.#isFenced) throw new HubFencedError(this.#name);
    if (changes.length === 0) return;
    const { driver } = this.#port;
    const [first] = changes;
    try {
      if (changes.length === 1 && first && this.#append(first)) return;
      const { hub, keys } = driver.transaction(() => {
        const owned = this.#own();
        for (const change of changes) applyChange(owned, change);
        return owned;
      });
      this.#hub = hub;
      this.#keys = keys;
    } catch (error) {
      this.#rows.clear();
      this.#keys?.forget();
      throw error;
    }
  }

  load(instanceId: string): StoredInstance | undefined {
    return this.#read((driver, hub) => loadInstance(driver, hub, instanceId, this.#rows), undefined);
  }
  history(instanceId: string): readonly HistoryEvent[] {
    return this.#read((driver, hub) => readHistory(driver, hub, instanceId), []);
  }
  openInstances(): readonly string[] {
    return this.#read((driver, hub) => readOpenInstances(driver, hub), []);
  }
  dueTimers(dueAtMs: number, limit: number): readonly StoredTimer[] {
    return this.#read((driver, hub) => readDueTimers(driver, hub, dueAtMs, limit), []);
  }
  nextTimerAtMs(): number | undefined {
    return this.#read((driver, hub) => readNextTimerAtMs(driver, hub), undefined);
  }
  query(query: InstanceQuery): readonly ListedInstance[] {
    return this.#read((driver, hub) => queryInstances(driver, hub, query), []);
  }
  queryEntities(filter: EntityFilter): readonly ListedEntity[] {
    return this.#read((driver, hub) => queryEntities(driver, hub, filter), []);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#port.left();
    this.#port.closed();
  }

  /** Commits what is one turn and nothing else; false when the change is more than that. */
  #append(change: InstanceChange): boolean {
    if (!this.#keys) return false;
    const isWritten = appendTurn(this.#port.driver, this.#rows, change, { name: this.#name, epoch: this.epoch });
    if (isWritten === false) this.#refuse();
    return isWritten === true;
  }

  /** @throws HubFencedError because another session has the hub. */
  #refuse(): never {
    this.fence();
    throw new HubFencedError(this.#name);
  }

  /** What is written to, after making sure that the hub is this session's. */
  #own(): Writer {
    const { driver } = this.#port;
    const rows = this.#rows;
    if (!this.#keys || this.#hub === undefined) {
      const { hub, keysEnd } = this.#port.claim();
      return { driver, hub, rows, keys: new TurnKeys(driver, hub, keysEnd) };
    }
    if (this.#port.isOwner()) return { driver, hub: this.#hub, rows, keys: this.#keys };
    return this.#refuse();
  }

  #read<T>(read: (driver: SqlDriver, hub: number) => T, nothing: T): T {
    if (this.#isClosed) throw new HubClosedError(this.#name);
    return this.#hub === undefined ? nothing : read(this.#port.driver, this.#hub);
  }
}
