/**
 * Random programs of calls, retries, timeouts and cancellations under random endings: a hub that crashes before every event comes to the same
 * history as one that never does, and every history replays.
 */
import fc from "fast-check";
import {
  type CallActivityOptions,
  type CancelableTask,
  defineActivity,
  type HistoryEvent,
  MemoryStore,
} from "holdfast";
import { replayHistory, TestTaskHub } from "holdfast/testing";
import { expect, it } from "vitest";
import { glance, stateOf } from "./running.ts";
import { DEFINERS, type Define } from "./shapes.ts";

const CALLS_MAX = 6;
const pick = fc.nat({ max: CALLS_MAX - 1 });
const stepOf = (limitsMax: number) =>
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ type: fc.constant("call" as const), limits: fc.nat({ max: limitsMax - 1 }) }),
    },
    { weight: 3, arbitrary: fc.record({ type: fc.constant("cancel" as const), call: pick }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant("await" as const), call: pick }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constantFrom("pause" as const, "sleep" as const) }) },
  );
type Step = ReturnType<typeof stepOf> extends fc.Arbitrary<infer T> ? T : never;

const happening = fc.oneof(
  fc.record({ type: fc.constant("go" as const) }),
  fc.record({ type: fc.constantFrom("end" as const, "fail" as const, "beat" as const), call: pick }),
  fc.record({ type: fc.constant("advance" as const), ms: fc.constantFrom(1, 500, 1_000, 2_500) }),
);
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

/** Limits that a restart does not touch, and then those of an attempt, which begin anew with it. */
const LIMITS: readonly CallActivityOptions[] = [
  {},
  { retry: { maxAttempts: 3, firstRetryInterval: 700 } },
  { scheduleToCloseTimeoutMs: 4_000, retry: { maxAttempts: 9, firstRetryInterval: 900, backoffCoefficient: 2 } },
  { scheduleToCloseTimeoutMs: 2_500, retry: () => 300 },
  { timeoutMs: 1_500, retry: { maxAttempts: 3, firstRetryInterval: 700 } },
  { heartbeatTimeoutMs: 1_200, timeoutMs: 3_000, retry: () => 300 },
];
const DURABLE_LIMITS = 4;

interface Running {
  readonly call: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly heartbeat: (details?: unknown) => void;
}

/** The program, and what of it runs right now. */
function programOf(define: Define, steps: readonly Step[]) {
  const running = new Set<Running>();
  const work = defineActivity("work", (ctx, call: number) => {
    return new Promise<unknown>((resolve, reject) => {
      const run: Running = { call, resolve, reject, heartbeat: (details) => ctx.heartbeat(details) };
      running.add(run);
      ctx.signal.addEventListener("abort", () => running.delete(run));
    });
  });
  const program = define("program", function* (ctx) {
    const tasks: CancelableTask<unknown>[] = [];
    const seen: unknown[] = [];
    for (const next of steps) {
      if (next.type === "call" && tasks.length < CALLS_MAX)
        tasks.push(ctx.callActivity(work, tasks.length, LIMITS[next.limits]));
      else if (next.type === "cancel") tasks[next.call]?.cancel();
      else if (next.type === "sleep") yield ctx.createTimer(800);
      else if (next.type === "pause") yield ctx.waitForExternalEvent("go");
      else if (next.type === "await") {
        const task = tasks[next.call];
        try {
          if (task) seen.push(yield* task);
        } catch (error) {
          seen.push((error as Error).name);
        }
      }
    }
    return [...seen, ...tasks.map((task) => [task.isCanceled, task.isCompleted, task.isFailed])];
  });
  return { program, work, running };
}

/** Runs a program, with a crash before every event or with none; gives its history and output. */
async function play(define: Define, steps: readonly Step[], happenings: readonly Happening[], crashes: boolean) {
  const { program, work, running } = programOf(define, steps);
  const functions = [program, work];
  const store = new MemoryStore();
  let hub = await TestTaskHub.open({ functions, store });
  await hub.scheduleNewOrchestration("program", undefined, { instanceId: "one" });
  await hub.runUntilIdle();
  for (const next of happenings) {
    if (crashes) {
      running.clear();
      hub = await TestTaskHub.open({ functions, store, startAt: hub.now });
      await hub.runUntilIdle();
    }
    await happen(hub, running, next);
    await hub.runUntilIdle();
  }
  const history = await hub.getOrchestrationHistory("one");
  const { runtimeStatus, output } = await stateOf(hub, "one");
  await hub.close();
  const isBusy = store.open("default").load("one")?.record?.isBusy;
  return { program, history, runtimeStatus, output, isBusy };
}

async function happen(hub: TestTaskHub, running: Set<Running>, next: Happening): Promise<void> {
  if (next.type === "go") await hub.raiseOrchestrationEvent("one", "go").catch(() => {});
  else if (next.type === "advance") await hub.advance(next.ms);
  else {
    const run = [...running].find(({ call }) => call === next.call);
    if (!run) return;
    if (next.type === "beat") run.heartbeat({ call: run.call });
    else {
      running.delete(run);
      if (next.type === "end") run.resolve(`done ${run.call}`);
      else run.reject(new RangeError(`failed ${run.call}`));
    }
  }
}

/** Attempts of which a history holds no outcome, and those of which it holds several. */
function outcomes(history: readonly HistoryEvent[]): { open: number[]; repeated: number[] } {
  const counts = new Map<number, number>();
  for (const event of history) {
    if (event.type === "TaskScheduled") counts.set(event.eventId, 0);
    else if (event.type === "TaskCompleted" || event.type === "TaskFailed")
      counts.set(event.taskScheduledId, (counts.get(event.taskScheduledId) ?? 0) + 1);
  }
  const idsWith = (fits: (count: number) => boolean): number[] =>
    [...counts].flatMap(([id, count]) => (fits(count) ? [id] : []));
  return { open: idsWith((count) => count === 0), repeated: idsWith((count) => count > 1) };
}

/** What must hold of whatever was played. */
async function expectSound({
  program,
  history,
  runtimeStatus,
  isBusy,
}: Awaited<ReturnType<typeof play>>): Promise<void> {
  const { open, repeated } = outcomes(history);
  expect(repeated).toEqual([]);
  expect(isBusy).toBe(runtimeStatus === "Running" && open.length > 0);
  await replayHistory(program, history);
}

const arbitraryOf = (limitsMax: number) =>
  fc.record({
    steps: fc.array(stepOf(limitsMax), { minLength: 1, maxLength: 14 }),
    happenings: fc.array(happening, { maxLength: 12 }),
  });

it.each(DEFINERS)("come to the same with crashes as without, as %s", async (_shape, define) => {
  await fc.assert(
    fc.asyncProperty(arbitraryOf(DURABLE_LIMITS), async ({ steps, happenings }) => {
      const calm = await play(define, steps, happenings, false);
      const stormy = await play(define, steps, happenings, true);
      expect(glance(stormy.history)).toEqual(glance(calm.history));
      expect([stormy.runtimeStatus, stormy.output]).toEqual([calm.runtimeStatus, calm.output]);
      await expectSound(calm);
      await expectSound(stormy);
    }),
    { numRuns: 60 },
  );
});

it.each(DEFINERS)("stay sound when attempts time out between crashes, as %s", async (_shape, define) => {
  await fc.assert(
    fc.asyncProperty(arbitraryOf(LIMITS.length), fc.boolean(), async ({ steps, happenings }, crashes) => {
      await expectSound(await play(define, steps, happenings, crashes));
    }),
    { numRuns: 60 },
  );
});
