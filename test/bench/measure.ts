/** The process of one line: warms up, measures rounds, checks every result, and reports as it goes. */
import { LINES } from "./lines.ts";
import { median } from "./statistics.ts";
import { type Bench, Meter, type Round, type Subject } from "./subject.ts";
import { checkRound, type Workload, warmUpOf } from "./workload.ts";

/** How long a line is measured. */
export interface Effort {
  /** Rounds that are measured at least, unless they take longer than `measureMsMax` together. */
  readonly roundsMin: number;
  readonly roundsMax: number;
  /** Rounds go on for this long. */
  readonly measureMs: number;
  readonly measureMsMax: number;
  readonly warmUpMs: number;
}

/** What the process of a line tells its parent. Each phase may take as long as the time cap. */
export type Report =
  | { readonly type: "phase"; readonly phase: "preparing" | "warming up" | "running" }
  | { readonly type: "progress"; readonly activityRuns: number }
  | { readonly type: "done"; readonly measured: Measured }
  | { readonly type: "failed"; readonly error: string };

/** What was measured. */
export interface Measured {
  /** The time of each round, in ms. */
  readonly roundsMs: readonly number[];
  /** Processor time of all rounds together, of every thread, in ms: what does not depend on who else uses the machine. */
  readonly processorMs?: number;
  /** Highest resident memory up to the end of the first full round, over that after loading the library, in bytes. */
  readonly peakBytes?: number;
  /** Time of a fixed piece of arithmetic in this process, in ms: the speed of the machine just then. */
  readonly referenceMs: number;
  readonly version?: string;
}

/** Runs one line, in a process that was started for it. */
export async function measureLine(id: string, effort: Effort): Promise<void> {
  const report = (message: Report): Promise<void> =>
    new Promise((resolve) => process.send?.(message, undefined, undefined, () => resolve()));
  process.once("disconnect", () => process.exit(1));
  try {
    const line = LINES.find((known) => known.id === id);
    if (!line) throw new Error(`There is no line '${id}'.`);
    const { subject } = await line.load();
    const meter = new Meter((activityRuns) => void report({ type: "progress", activityRuns }));
    const bench = subject.bench(line.variant, meter);
    const measured = await rounds(
      async (workload) => {
        await report({ type: "phase", phase: "preparing" });
        const round = await bench.round(workload);
        await report({ type: "phase", phase: workload === line.workload ? "running" : "warming up" });
        return timed(round, workload, meter, () => bench.processorMs?.() ?? 0);
      },
      line.workload,
      effort,
    );
    await bench.end?.();
    await report({ type: "done", measured: known(measured, subject, bench) });
  } catch (error) {
    await report({ type: "failed", error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
  process.exit();
}

/** What is known of a measured line. */
function known(measured: Omit<Measured, "version">, { version, isElsewhere }: Subject, bench: Bench): Measured {
  const { processorMs, peakBytes, ...everywhere } = measured;
  return {
    ...everywhere,
    ...((!isElsewhere || bench.processorMs) && processorMs !== undefined && { processorMs }),
    ...(!isElsewhere && peakBytes !== undefined && { peakBytes }),
    ...(version !== undefined && { version }),
  };
}

/** The cost of one round, in ms. */
interface Cost {
  readonly ms: number;
  readonly processorMs: number;
}

/**
 * The cost of one round; its result is checked, the clock stands still meanwhile. Garbage is left to V8: a forced collection throws
 * compiled code away, and what would be measured is its making.
 */
async function timed(round: Round, workload: Workload, meter: Meter, elsewhereMs: () => number): Promise<Cost> {
  meter.reset();
  const elsewhereBeforeMs = elsewhereMs();
  const usedBefore = process.cpuUsage();
  const startedAtMs = performance.now();
  const outputs = await round.run();
  const ms = performance.now() - startedAtMs;
  const used = process.cpuUsage(usedBefore);
  const usedElsewhereMs = elsewhereMs() - elsewhereBeforeMs;
  checkRound(workload, outputs, meter.runs);
  await round.end();
  return { ms, processorMs: (used.user + used.system) / 1_000 + usedElsewhereMs };
}

async function rounds(
  run: (workload: Workload) => Promise<Cost>,
  workload: Workload,
  effort: Effort,
): Promise<Omit<Measured, "version">> {
  const startBytes = process.memoryUsage.rss();
  const warmUp = warmUpOf(workload);
  for (let warmMs = 0; warmUp !== workload && warmMs < effort.warmUpMs; ) warmMs += (await run(warmUp)).ms;
  if (warmUp === workload) await run({ ...workload });
  const referenceMs = reference();
  const roundsMs: number[] = [];
  let peakBytes = 0;
  let totalMs = 0;
  let processorMs = 0;
  do {
    const cost = await run(workload);
    roundsMs.push(cost.ms);
    totalMs += cost.ms;
    processorMs += cost.processorMs;
    peakBytes ||= process.resourceUsage().maxRSS * 1024 - startBytes;
  } while (
    totalMs < effort.measureMsMax &&
    roundsMs.length < effort.roundsMax &&
    (roundsMs.length < effort.roundsMin || totalMs < effort.measureMs)
  );
  return { roundsMs, processorMs, peakBytes, referenceMs };
}

/** The median time of a fixed piece of arithmetic. */
function reference(): number {
  return median(
    Array.from({ length: 5 }, () => {
      const startedAtMs = performance.now();
      let state = 1;
      for (let turn = 0; turn < 5_000_000; turn++) state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
      return state === 0 ? 0 : performance.now() - startedAtMs;
    }),
  );
}
