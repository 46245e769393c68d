/**
 * The contract as a model: random commits to two hubs of one database, with closing, reopening and taking over in between. After
 * each step everything that the store shows of both hubs must be what a few maps and arrays in memory say.
 */
import fc from "fast-check";
import { expect } from "vitest";
import type { HubStore, InstanceQuery, StoreSession } from "../../core/store/contract.ts";
import { HubModel } from "./hub-model.ts";
import { changeOf, ENTITY_IDS, HUBS, IDS, type Step, step } from "./steps.ts";
import { END_OF_TIME_MS, type TestDatabase, type WithDatabase } from "./subject.ts";

const RUNS = 60;
const STEPS_MAX = 25;

/** Checks all that the store shows of a hub. */
async function expectModel(
  session: StoreSession,
  model: HubModel,
  { filter: wanted, entityFilter, orderBy, limit, after, dueAtMs }: Step,
): Promise<void> {
  for (const id of IDS) {
    const { turns, timers: _, entity: __, ...expected } = model.get(id);
    const stored = await session.load(id);
    expect(await session.history(id)).toEqual(turns.flat());
    if (!model.instances.has(id)) expect(stored).toBeUndefined();
    else {
      // The instant of an instance that has no record yet is nobody's business.
      const lastUpdatedAtMs = expected.record ? expected.lastUpdatedAtMs : stored?.lastUpdatedAtMs;
      expect(stored).toEqual({
        ...expected,
        lastUpdatedAtMs,
        turnCount: turns.length,
        eventCount: turns.flat().length,
      });
    }
  }
  for (const id of ENTITY_IDS) {
    const { inbox, entity: expected } = model.get(id);
    const stored = await session.load(id);
    expect(stored && [stored.record, stored.entity, stored.inbox]).toEqual(
      model.instances.has(id) ? [undefined, expected, inbox] : undefined,
    );
  }
  for (const each of [entityFilter, { includesTransient: true, limit: 100 }]) {
    expect(await session.queryEntities(each)).toEqual(model.listEntities(each));
  }
  const open = [...model.instances].filter(([, { record: one, inbox }]) => one?.isBusy || inbox.length > 0);
  expect([...(await session.openInstances())].sort()).toEqual(open.map(([id]) => id).sort());
  const timers = model.timers();
  expect(await session.dueTimers(END_OF_TIME_MS, 1_000)).toEqual(timers);
  expect(await session.dueTimers(dueAtMs, limit)).toEqual(
    timers.filter((timer) => timer.dueAtMs <= dueAtMs).slice(0, limit),
  );
  expect(await session.nextTimerAtMs()).toBe(timers[0]?.dueAtMs);
  const query: InstanceQuery = { filter: wanted, orderBy, limit, ...(after && { after }) };
  for (const each of [query, { ...query, filter: {} }, { filter: wanted, orderBy, limit: 1_000 }]) {
    expect(await session.query(each)).toEqual(model.list(each));
  }
}

interface Opened {
  store: HubStore;
  session: StoreSession;
  readonly model: HubModel;
}

/** Takes one step in one hub. */
async function take(
  database: TestDatabase,
  name: string,
  opened: Opened,
  { action, changes }: Step,
  atMs: number,
): Promise<void> {
  if (action === "commit") {
    const fitted = changes.map((each) => {
      const change = changeOf(opened.model, each, atMs);
      opened.model.apply(change);
      return change;
    });
    await opened.session.commit(fitted);
    return;
  }
  const older = opened.session;
  if (action === "reopen") await older.close();
  else opened.store = database.connect?.() ?? opened.store;
  opened.session = await opened.store.open(name);
  opened.model.epoch++;
  if (action === "takeOver") await older.close();
}

async function follow(database: TestDatabase, steps: readonly Step[]): Promise<void> {
  const hubs = new Map<string, Opened>();
  for (const name of HUBS) {
    hubs.set(name, { store: database.store, session: await database.store.open(name), model: new HubModel() });
  }
  let atMs = 10_000;
  for (const next of steps) {
    atMs += next.dueAtMs;
    for (const [name, opened] of hubs) {
      if (name === next.hub) await take(database, name, opened, next, atMs);
      expect(opened.session.epoch).toBe(opened.model.epoch);
      expect(opened.session.isFenced).toBe(false);
      await expectModel(opened.session, opened.model, next);
    }
  }
  for (const { session } of hubs.values()) await session.close();
}

/** Runs random sequences of steps, each in a fresh database; a failure prints the seed that repeats it. */
export async function followsTheModel(withDatabase: WithDatabase): Promise<void> {
  const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: STEPS_MAX }), (steps) =>
    withDatabase((database) => follow(database, steps)),
  );
  await fc.assert(property, { numRuns: RUNS });
}
