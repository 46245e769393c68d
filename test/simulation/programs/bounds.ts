/** Children multiply: a run that would start too many others has timers in the place of the calls beyond that. */
import type { Call, Program } from "./program.ts";

/** Runs that one start can lead to, its own generations among them; retries apart. */
const RUNS_MAX = 150;

export function withinBounds(programs: readonly Program[]): readonly Program[] {
  const runCounts: number[] = [];
  const bounded: Program[] = [];
  // Each calls only those after it.
  for (const [index, program] of [...programs.entries()].reverse()) {
    let runCount = 1;
    const placed = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(placed);
      if (typeof value !== "object" || value === null) return value;
      const call = value as Call;
      if (call.kind !== "child")
        return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, placed(inner)]));
      const more = runCounts[call.program] as number;
      if ((runCount + more) * (program.generations + 1) > RUNS_MAX) return { kind: "timer", ms: 1 } satisfies Call;
      runCount += more;
      return call;
    };
    bounded[index] = placed(program) as Program;
    runCounts[index] = runCount * (program.generations + 1);
  }
  return bounded;
}
