/** Each time of a schedule starts one run, wherever between two commits the hub stops. */
import {
  defineActivity,
  defineEntity,
  defineOrchestrator,
  type HubStore,
  MemoryStore,
  type NewSchedule,
  type StoreSession,
} from "holdfast";
import { TestTaskHub } from "holdfast/testing";
import { describe, expect, it } from "vitest";
import { openHub } from "./running.ts";

const MINUTE = 60_000;
const END_AT = new Date("2026-01-01T00:06:00Z");

/** A store whose session loses its database with the commit of a number: that commit still reaches it, or does not. */
class FailingStore implements HubStore {
  readonly #inner: MemoryStore;
  readonly #isAsync: boolean;
  #commitsLeft: number;
  readonly #losesLast: boolean;

  constructor(inner: MemoryStore, isAsync: boolean, commitCount: number, losesLast: boolean) {
    this.#inner = inner;
    this.#isAsync = isAsync;
    this.#commitsLeft = commitCount;
    this.#losesLast = losesLast;
  }

  get hasFailed(): boolean {
    return this.#commitsLeft < 0;
  }

  open(hub: string): StoreSession {
    const session = this.#inner.open(hub);
    const answer = (act: () => unknown): unknown =>
      this.#isAsync ? new Promise((resolve) => setImmediate(resolve)).then(act) : act();
    const commit: StoreSession["commit"] = (changes) => {
      if (this.#commitsLeft-- > 0) return answer(() => session.commit(changes)) as Promise<void>;
      if (this.#commitsLeft === -1 && !this.#losesLast) session.commit(changes);
      const fail = () => {
        throw new Error("The database is gone.");
      };
      return answer(fail) as Promise<void>;
    };
    return new Proxy(session, {
      get: (target, key) => {
        if (key === "commit") return commit;
        const value = Reflect.get(target, key) as unknown;
        if (typeof value !== "function") return value;
        const call = (...args: unknown[]): unknown => Reflect.apply(value, target, args);
        return key === "close" ? call : (...args: unknown[]) => answer(() => call(...args));
      },
    });
  }
}

/** Runs a schedule for six minutes; the hub stops at a commit and is opened again at once. Gives the runs, and how often each was started. */
async function runsWith(settings: Partial<NewSchedule>, isAsync: boolean, commitCount: number, losesLast: boolean) {
  const executions = new Map<string, Set<string>>();
  const mark = defineActivity("mark", (ctx) => {
    executions.set(ctx.instanceId, (executions.get(ctx.instanceId) ?? new Set()).add(ctx.executionId));
  });
  const slow = defineOrchestrator("slow", async (ctx) => {
    await ctx.callActivity(mark);
    await ctx.createTimer(1.5 * MINUTE);
  });
  const functions = [slow, mark];
  const inner = new MemoryStore();
  const failing = new FailingStore(inner, isAsync, commitCount, losesLast);
  const create = (hub: TestTaskHub): Promise<unknown> =>
    hub.schedules
      .create({ id: "s", cron: "* * * * *", fn: slow, catchUp: "all", endAt: END_AT, ...settings } as never)
      .catch(() => {});
  const first = await TestTaskHub.open({ functions, store: failing });
  await create(first);
  for (let step = 0; step < 6 * 8 && !failing.hasFailed; step++) await first.advance(MINUTE / 8);
  await first.close().catch(() => {});
  const hub = await openHub(functions, { store: inner, startAt: first.now });
  if ((await hub.schedules.get("s")) === undefined) await create(hub);
  await hub.advance(END_AT.getTime() - first.now.getTime() + 10 * MINUTE);
  const runs: string[] = [];
  for await (const run of hub.queryOrchestrations()) runs.push(`${run.instanceId} ${run.runtimeStatus}`);
  const state = await hub.schedules.get("s");
  return {
    hasFailed: failing.hasFailed,
    runs: runs.sort(),
    startsOf: [...executions].map(([id, ids]) => `${id} ${ids.size}`).sort(),
    counts: [state?.runCount, state?.skippedCount],
  };
}

describe.each(["skip", "buffer", "allow", "replace"] as const)("overlap: %s", (overlap) => {
  it.each([
    ["synchronous", false],
    ["asynchronous", true],
  ] as const)(
    "a hub over a %s store may stop at any commit",
    async (_what, isAsync) => {
      const undisturbed = await runsWith({ overlap }, isAsync, 1_000, true);
      expect(undisturbed.runs.length).toBeGreaterThanOrEqual(3);
      for (let commitCount = 0; ; commitCount++) {
        const lost = await runsWith({ overlap }, isAsync, commitCount, true);
        const kept = await runsWith({ overlap }, isAsync, commitCount, false);
        if (!lost.hasFailed) break;
        expect({ commitCount, ...lost }).toEqual({ ...undisturbed, commitCount, hasFailed: true });
        expect({ commitCount, ...kept }).toEqual({ ...undisturbed, commitCount, hasFailed: true });
      }
    },
    60_000,
  );
});

it("a signal for later is not lost when the hub stops during its asynchronous operation", async () => {
  const store = new MemoryStore();
  let isStuck = true;
  const patient = defineEntity("patient", async (ctx) => {
    if (isStuck) await new Promise(() => {});
    ctx.state = "done";
  });
  const first = await openHub([patient], { store });
  await first.signalEntity("@patient@a", "go", undefined, { signalTime: 1_000 });
  await first.advance(1_000);
  await first.close();
  isStuck = false;
  const hub = await openHub([patient], { store, startAt: first.now });
  await hub.runUntilIdle();
  expect((await hub.getEntity("@patient@a"))?.state).toBe("done");
});
