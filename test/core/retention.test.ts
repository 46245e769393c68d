/** What retention asks of its store. What it deletes and keeps is told by the scenarios (../scenarios/retention.ts). */
import { defineOrchestrator, type HubStore, type InstanceQuery, MemoryStore, type StoreSession } from "holdfast";
import { expect, it } from "vitest";
import { errorOf, openHub, run } from "./running.ts";

/** A memory store that remembers which listings it was asked for, and refuses some. */
class AskedStore implements HubStore {
  readonly #inner = new MemoryStore();
  readonly queries: InstanceQuery[] = [];
  /** Whether the listing fails. */
  refuses: (asked: InstanceQuery) => boolean = () => false;

  open(hub: string): StoreSession {
    const session: StoreSession = this.#inner.open(hub);
    const query = session.query.bind(session);
    session.query = (asked) => {
      this.queries.push(asked);
      if (this.refuses(asked)) throw new Error("a read that fails");
      return query(asked);
    };
    return session;
  }
}

it("asks for nothing that it has walked through before, so that what is kept for ever costs nothing", async () => {
  const store = new AskedStore();
  const ends = defineOrchestrator("ends", async (_ctx, fails: boolean) => {
    if (fails) throw new Error("as asked");
  });
  const hub = await openHub([ends], { store, retention: { failedMs: 60_000 } });
  const rounds = 5;
  const failedAt: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (let n = 0; n < 10; n++) await run(hub, ends, false);
    failedAt.push(hub.now.getTime());
    await run(hub, ends, true, { instanceId: `failed${round}` });
    await hub.advance({ seconds: 10 });
  }
  store.queries.length = 0;
  await hub.advance({ minutes: 2 });
  for (let round = 0; round < rounds; round++)
    expect(await errorOf(() => hub.restartOrchestration(`failed${round}`))).toMatchObject({ code: "instanceNotFound" });
  const fromMs = store.queries.map(({ filter }) => filter.completedFromMs ?? Number.NEGATIVE_INFINITY);
  expect(fromMs.length).toBeGreaterThanOrEqual(rounds);
  // The first one may have to look for where to begin.
  expect(fromMs.slice(1).every((ms) => ms >= (failedAt[0] as number))).toBe(true);
  expect(fromMs.at(-1)).toBeGreaterThanOrEqual(failedAt.at(-1) as number);
});

it("is not forgotten when the store cannot say what is due next", async () => {
  const store = new AskedStore();
  const ends = defineOrchestrator("ends", async (_ctx, fails: boolean) => {
    if (fails) throw new Error("as asked");
  });
  const hub = await openHub([ends], { store, retention: { failedMs: 1_000, completedMs: 60_000 } });
  await run(hub, ends, false, { instanceId: "later" });
  await run(hub, ends, true, { instanceId: "sooner" });
  let refusals = 0;
  // Asked for when what was due is done with.
  store.refuses = ({ filter }) => filter.completedToMs === undefined && refusals++ === 0;
  await hub.advance({ minutes: 2 });
  expect(refusals).toBeGreaterThan(0);
  for (const id of ["sooner", "later"])
    expect(await errorOf(() => hub.restartOrchestration(id))).toMatchObject({ code: "instanceNotFound" });
});
