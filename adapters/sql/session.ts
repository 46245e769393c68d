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
import { queryEntities, queryInstances } from "./query.ts";
import { loadInstance, readDueTimers, readHistory, readNextTimerAtMs, readOpenInstances } from "./read.ts";
import { applyChange } from "./write.ts";

/** How a session and its database deal with each other. */
export interface SessionPort {
  readonly driver: SqlDriver;
  /** Writes the session's epoch and makes the tables if there are none; answers the hub's number. Inside a transaction. */
  claim(): number;
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
  #isClaimed: boolean;
  #isFenced = false;
  #isClosed = false;

  /** `hub` is the hub's number, when it has one; `isClaimed` tells whether the epoch is written. */
  constructor(name: string, port: SessionPort, epoch: number, hub: number | undefined, isClaimed: boolean) {
    this.#name = name;
    this.#port = port;
    this.epoch = epoch;
    this.#hub = hub;
    this.#isClaimed = isClaimed;
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
    this.#hub = driver.transaction(() => {
      const hub = this.#own();
      for (const change of changes) applyChange(driver, hub, change);
      return hub;
    });
    this.#isClaimed = true;
  }

  load(instanceId: string): StoredInstance | undefined {
    return this.#read((driver, hub) => loadInstance(driver, hub, instanceId), undefined);
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

  /** The hub's number, after making sure that the hub is this session's. */
  #own(): number {
    if (!this.#isClaimed || this.#hub === undefined) return this.#port.claim();
    if (this.#port.isOwner()) return this.#hub;
    this.fence();
    throw new HubFencedError(this.#name);
  }

  #read<T>(read: (driver: SqlDriver, hub: number) => T, nothing: T): T {
    if (this.#isClosed) throw new HubClosedError(this.#name);
    return this.#hub === undefined ? nothing : read(this.#port.driver, this.#hub);
  }
}
