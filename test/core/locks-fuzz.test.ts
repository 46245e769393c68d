/**
 * Hundreds of orchestrations over random overlapping sets of locked entities, on virtual time: nobody is ever inside somebody else's section, nobody
 * waits for ever, and nothing stays locked, however the sections end. A seed says everything; it stands in the name of its test.
 */
import { defineEntity, defineOrchestrator, MemoryStore, whenAny } from "holdfast";
import { TestTaskHub } from "holdfast/testing";
import { describe, expect, it } from "vitest";
import { listOf } from "../scenarios/place.ts";
import { Random } from "../simulation/replay/random.ts";

const ENTITY_COUNT = 7;
const INSTANCE_COUNT = 200;

/** Remembers who touched it, in order. */
const ledger = defineEntity("ledger", {
  initialState: (): string[] => [],
  operations: {
    touch(ctx, who: string) {
      ctx.state.push(who);
      if (who.endsWith("!")) throw new Error("a touch that fails");
    },
  },
});

interface Plan {
  readonly seed: string;
  readonly generation: number;
}

/** Enters a few sections one after the other, and leaves them in every way there is. */
const visitor = defineOrchestrator("visitor", async (ctx, { seed, generation }: Plan) => {
  const random = new Random(`${seed}/${ctx.instanceId}/${generation}`);
  const idsOf = () =>
    Array.from({ length: random.integer(1, 4) }, () => `@ledger@${random.integer(0, ENTITY_COUNT - 1)}`);
  for (let section = random.integer(1, 3); section > 0; section--) {
    const token = `${ctx.instanceId}/${generation}/${section}`;
    await ctx.createTimer(random.integer(0, 50));
    if (random.chance(0.3)) ctx.signalEntity(random.pick(idsOf()), "touch", `${token}/outside`);
    const ids = idsOf();
    const request = ctx.lockEntities(...ids);
    if (random.chance(0.2)) {
      const { index } = await whenAny([request, ctx.createTimer(random.integer(0, 40))]);
      if (index === 1) {
        request.cancel();
        continue;
      }
    }
    const lock = await request;
    for (let touch = random.integer(1, 3); touch > 0; touch--) {
      for (const id of new Set(ids)) {
        const fails = random.chance(0.05);
        await ctx.callEntity(id, "touch", fails ? `${token}!` : token).catch(() => {});
      }
      if (random.chance(0.5)) await ctx.createTimer(random.integer(0, 10));
    }
    const end = random.next();
    if (end < 0.05) throw new Error("left the section by failing");
    if (end < 0.1) return "left the section by returning";
    if (end < 0.15 && generation < 3) return ctx.continueAsNew({ seed, generation: generation + 1 });
    lock.release();
    if (random.chance(0.3)) ctx.signalEntity(random.pick(ids), "touch", `${token}/after`);
  }
  return "done";
});

/** Whoever stands twice in a list has nobody else in between. */
function checkContiguous(lines: readonly string[]): void {
  const left = new Set<string>();
  for (const [i, line] of lines.entries()) {
    if (i > 0 && lines[i - 1] !== line) left.add(lines[i - 1] as string);
    expect(left.has(line), `'${line}' was interrupted: ${lines.slice(Math.max(0, i - 5), i + 1).join(", ")}`).toBe(
      false,
    );
  }
}

async function fuzz(seed: string, restarts: number, options: { maxLiveInstances?: number } = {}): Promise<void> {
  const random = new Random(seed);
  const store = new MemoryStore();
  const open = (startAt?: Date) =>
    TestTaskHub.open({ functions: [ledger, visitor], store, ...(startAt && { startAt }), ...options });
  let hub = await open();
  const ids = Array.from({ length: INSTANCE_COUNT }, (_, i) => `v${i}`);
  const restartAt = new Set(Array.from({ length: restarts }, () => random.integer(0, INSTANCE_COUNT + 40)));
  for (let step = 0; step < INSTANCE_COUNT + 40; step++) {
    const id = ids[step];
    if (id !== undefined) await hub.scheduleNewOrchestration(visitor, { seed, generation: 0 }, { instanceId: id });
    if (random.chance(0.3)) await hub.advance(random.integer(0, 30));
    const victim = ids[random.integer(0, Math.min(step, INSTANCE_COUNT - 1))] as string;
    if (random.chance(0.04)) await hub.terminateOrchestration(victim).catch(() => {});
    if (random.chance(0.03)) await hub.suspendOrchestration(victim).catch(() => {});
    if (restartAt.has(step)) {
      await hub.close();
      hub = await open(hub.now);
    }
  }
  for (const id of ids) await hub.resumeOrchestration(id).catch(() => {});
  await hub.advance({ minutes: 10 });
  const open_ = (await listOf(hub.queryOrchestrations())).filter(({ completedAt }) => completedAt === undefined);
  expect(open_.map(({ instanceId, runtimeStatus }) => `${instanceId} is ${runtimeStatus}`)).toEqual([]);
  const entities = await listOf(hub.queryEntities({ includeTransient: true }));
  expect(entities.map(({ id, lockedBy, backlogQueueSize }) => [String(id), lockedBy, backlogQueueSize])).toEqual(
    Array.from({ length: ENTITY_COUNT }, (_, i) => [`@ledger@${i}`, undefined, 0]),
  );
  for (const { state } of entities) checkContiguous(state as string[]);
  expect(entities.flatMap(({ state }) => state as string[]).length).toBeGreaterThan(INSTANCE_COUNT);
  await hub.close();
}

describe("random critical sections never overlap, never deadlock and leave nothing locked", () => {
  for (let n = 1; n <= 3; n++) {
    const seed = `locks ${n}`;
    it(`seed '${seed}'`, () => fuzz(seed, 0));
    it(`seed '${seed}', with restarts in between`, () => fuzz(seed, 8));
  }
  it("seed 'locks small', with hardly any instance kept in memory and restarts", () =>
    fuzz("locks small", 5, { maxLiveInstances: 3 }));
});
