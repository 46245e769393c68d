/** What a conformance case works on: one hub of the store under test, with a second hub beside it that must never notice. */
import { expect } from "vitest";
import type { Awaitable, HubStore, InstanceChange, StoredTimer, StoreSession } from "../../core/store/contract.ts";
import { entity, message, record, turn } from "./samples.ts";

/** A fresh, empty database. */
export interface TestDatabase {
  readonly store: HubStore;
  /** Another store object over the same database, as another process would make it; absent when the data lives in the object. */
  connect?(): HubStore;
}

/** Makes a database, hands it to one case, and disposes of it afterwards. The case runs where the store can be used. */
export type WithDatabase = (run: (database: TestDatabase) => Promise<void>) => Promise<void>;

/** A case: it throws when the store breaks the sentence that it is named for. */
export type Case = (hub: HubUnderTest) => Promise<void>;

/** Cases by their sentence. */
export type Cases = Readonly<Record<string, Case>>;

export const HUB = "orders";
export const OTHER_HUB = "billing";

/** Ids that cases use, so that the other hub can have instances of the same ids. */
export const IDS: readonly string[] = ["a", "b", "c"];

/** One hub of the store under test. */
export class HubUnderTest {
  readonly database: TestDatabase;
  session: StoreSession;
  /** Why the case says nothing about this store, once it has found that out. */
  inapplicable: string | undefined;

  constructor(database: TestDatabase, session: StoreSession) {
    this.database = database;
    this.session = session;
  }

  /** Another store object over the same database; without one the case does not apply. */
  connect(): HubStore | undefined {
    const store = this.database.connect?.();
    if (!store) this.inapplicable = "its data lives in one store object";
    return store;
  }

  /** A promise even when the store is synchronous: a failure is a rejection. */
  async commit(...changes: InstanceChange[]): Promise<void> {
    await this.session.commit(changes);
  }

  /** Closes the hub and opens it again. */
  async reopen(): Promise<void> {
    await this.session.close();
    this.session = await this.database.store.open(HUB);
  }

  /** All that the contract shows of the hub. */
  async view(ids: readonly string[] = IDS): Promise<HubView> {
    return viewOf(this.session, ids);
  }
}

/** All that the contract shows of a hub. */
export interface HubView {
  readonly instances: Readonly<Record<string, { stored: unknown; history: unknown }>>;
  readonly openInstances: readonly string[];
  readonly timers: readonly StoredTimer[];
  readonly nextTimerAtMs: number | undefined;
  readonly created: unknown;
  readonly completed: unknown;
  readonly entities: unknown;
}

/** Later than any timer of a case. */
export const END_OF_TIME_MS = 8_640_000_000_000_000;

export async function viewOf(session: StoreSession, ids: readonly string[]): Promise<HubView> {
  const instances: Record<string, { stored: unknown; history: unknown }> = {};
  for (const id of ids) instances[id] = { stored: await session.load(id), history: await session.history(id) };
  return {
    instances,
    openInstances: [...(await session.openInstances())].sort(),
    timers: await session.dueTimers(END_OF_TIME_MS, 1_000),
    nextTimerAtMs: await session.nextTimerAtMs(),
    created: await session.query({ filter: {}, orderBy: "created", limit: 1_000 }),
    completed: await session.query({ filter: {}, orderBy: "completed", limit: 1_000 }),
    entities: await session.queryEntities({ includesTransient: true, limit: 1_000 }),
  };
}

/** What the other hub holds: everything a hub can hold, under the ids that cases use. */
function bystanders(): InstanceChange[] {
  const instances = IDS.map(
    (instanceId, index): InstanceChange => ({
      instanceId,
      atMs: 500,
      record: record(instanceId, {
        name: "bystander",
        createdAtMs: 1_000 + index,
        isBusy: index === 0,
        ...(index === 2 && { status: "Completed" as const, completedAtMs: 2_000 }),
      }),
      firstTurn: 0,
      turns: [turn(1_000, "bystander"), turn(1_001, "bystander")],
      timersAdded: [{ instanceId, kind: "timer", timerId: 1, dueAtMs: 1_000 }],
      inboxAdded: [message(1, "bystander")],
    }),
  );
  return [...instances, { instanceId: "@counter@k", atMs: 500, entity: entity("@counter@k", { state: "bystander" }) }];
}

/**
 * Runs a case in a hub of a fresh database, with the other hub opened before it, and looks at the other hub afterwards.
 * @returns why the case does not apply to the store, if it does not.
 */
export async function runCase(withDatabase: WithDatabase, run: Case): Promise<string | undefined> {
  let inapplicable: string | undefined;
  await withDatabase(async (database) => {
    const other = await database.store.open(OTHER_HUB);
    await other.commit(bystanders());
    const before = await viewOf(other, IDS);
    const hub = new HubUnderTest(database, await database.store.open(HUB));
    await run(hub);
    inapplicable = hub.inapplicable;
    expect(await viewOf(other, IDS), "the other hub").toEqual(before);
    expect(other.isFenced, "the other hub").toBe(false);
    await other.commit([{ instanceId: "a", atMs: 3_000, record: record("a", { name: "still writable" }) }]);
    await other.close();
    await hub.session.close();
  });
  return inapplicable;
}

/** Awaits a call of a contract whose answer may be a value or a promise, turning a throw into a rejection. */
export async function outcomeOf<T>(call: () => Awaitable<T>): Promise<T> {
  return await call();
}
