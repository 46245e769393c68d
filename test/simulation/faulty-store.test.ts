/**
 * A hub over a store that answers late, refuses commits, and refuses commits after having applied them. Nothing acknowledged is lost, everything
 * takes effect exactly once, and all of it finishes once the faults stop. Every run follows from its seed, which its name shows.
 */
import {
  defineActivity,
  defineEntity,
  defineOrchestrator,
  type HubStore,
  MemoryStore,
  type StoreSession,
} from "holdfast";
import { TestTaskHub } from "holdfast/testing";
import { describe, expect, it } from "vitest";

/** Numbers in [0, 1) that follow from a seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

class FaultyStore implements HubStore {
  readonly #inner = new MemoryStore();
  readonly #random: () => number;
  hasFaults = true;

  constructor(random: () => number) {
    this.#random = random;
  }

  open(hub: string): StoreSession {
    const session = this.#inner.open(hub);
    const later = async <T>(answer: () => T | Promise<T>): Promise<T> => {
      for (let turns = Math.floor(this.#random() * 4); turns > 0; turns--)
        await new Promise<void>((resolve) => setImmediate(resolve));
      return answer();
    };
    let lastCommit: Promise<void> = Promise.resolve();
    const commit = async (changes: Parameters<StoreSession["commit"]>[0]): Promise<void> => {
      const luck = this.hasFaults ? this.#random() : 1;
      if (luck < 0.05) throw new Error("refused");
      session.commit(changes);
      if (luck < 0.1) throw new Error("applied, and then refused");
    };
    return {
      epoch: session.epoch,
      get isFenced() {
        return session.isFenced;
      },
      commit: (changes) => {
        const done = lastCommit.then(() => later(() => commit(changes)));
        lastCommit = done.catch(() => {});
        return done;
      },
      load: (instanceId) => later(() => session.load(instanceId)),
      history: (instanceId) => later(() => session.history(instanceId)),
      openInstances: () => later(() => session.openInstances()),
      dueTimers: async (dueAtMs, limit) => {
        const due = await later(() => session.dueTimers(dueAtMs, limit));
        return later(() => due);
      },
      nextTimerAtMs: () => later(() => session.nextTimerAtMs()),
      query: (query) => later(() => session.query(query)),
      queryEntities: (filter) => later(() => session.queryEntities(filter)),
      close: () => session.close(),
    };
  }
}

const work = defineActivity("work", async (_ctx, value: number) => value);
const counter = defineEntity("counter", {
  initialState: (): number[] => [],
  operations: {
    async add(ctx, value: number) {
      await Promise.resolve();
      ctx.state = [...ctx.state, value];
      return ctx.state.length;
    },
  },
});
const child = defineOrchestrator("child", async (ctx, value: number) => {
  await ctx.createTimer(value * 10);
  return ctx.callActivity(work, value);
});
/** Takes events until `end`, a generation for every four of them; works, waits and calls between. */
const collector = defineOrchestrator("collector", async (ctx, taken: number[]) => {
  const all = [...taken];
  for (let n = 0; n < 4; n++) {
    const value = await ctx.waitForExternalEvent<number>("n");
    if (value < 0) {
      const lock = await ctx.lockEntities({ name: "counter", key: "shared" });
      await ctx.callEntity({ name: "counter", key: "shared" }, "add", all.length);
      lock.release();
      return all;
    }
    all.push(await ctx.callActivity(work, value));
    if (value % 3 === 0) await ctx.createTimer(50);
    if (value % 5 === 0) await ctx.callSubOrchestrator(child, value);
    ctx.signalEntity({ name: "counter", key: ctx.instanceId }, "add", value);
  }
  ctx.continueAsNew(all);
  return all;
});

/** Does something again until it is acknowledged. */
async function insist(action: () => Promise<unknown>): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await action();
      return;
    } catch (error) {
      if (attempt === 100) throw error;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }
}

const EVENTS = 12;
const functions = [work, counter, child, collector];

async function trial(seed: number): Promise<void> {
  const random = randomOf(seed);
  const store = new FaultyStore(random);
  const maxLiveInstances = random() < 0.5 ? 1 : 100;
  let hub = await TestTaskHub.open({ store, functions, maxLiveInstances });
  const ids = ["a", "b", "c"];
  const clients = ids.map(async (id) => {
    await insist(() =>
      hub
        .scheduleNewOrchestration(collector, [], { instanceId: id, dedupeStatuses: ["Running", "Completed"] })
        .catch((error: Error & { code?: string }) => {
          if (error.code !== "orchestrationAlreadyExists") throw error;
        }),
    );
    for (let n = 0; n <= EVENTS; n++)
      await insist(() => hub.raiseOrchestrationEvent(id, "n", n === EVENTS ? -1 : n, { eventId: String(n) }));
  });
  let isSent = false;
  const sent = Promise.all(clients).then(() => {
    isSent = true;
  });
  for (let round = 0; round < 200 && !isSent; round++) {
    await hub.advance(Math.floor(random() * 1_500));
    if (random() < 0.1) {
      const startAt = hub.now;
      if (random() < 0.5) await hub.close();
      hub = await TestTaskHub.open({ store, functions, maxLiveInstances, startAt });
    }
  }
  store.hasFaults = false;
  await hub.advance(10_000);
  await sent;
  await hub.advance(60_000);
  const expected = Array.from({ length: EVENTS }, (_, n) => n);
  for (const id of ids) {
    expect(await hub.getOrchestrationState(id)).toMatchObject({ runtimeStatus: "Completed", output: expected });
    expect((await hub.getEntity({ name: "counter", key: id }))?.state).toEqual(expected);
  }
  const shared = await hub.getEntity<number[]>({ name: "counter", key: "shared" });
  expect(shared).toMatchObject({ state: [EVENTS, EVENTS, EVENTS], backlogQueueSize: 0 });
  expect(shared?.lockedBy).toBeUndefined();
  await hub.close();
}

describe("a hub over a faulty asynchronous store", () => {
  const first = Number(process.env.SEED ?? 1);
  const count = Number(process.env.SEEDS ?? 100);
  for (let seed = first; seed < first + count; seed++)
    it(`loses nothing and does nothing twice (seed ${seed})`, () => trial(seed));
});
