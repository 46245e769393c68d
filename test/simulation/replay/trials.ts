/** Holds the law of replay against a range of seeds, and reports the first that breaks it. */
import type { OpenHub } from "./hosted.ts";
import { differenceOf, programsOf, type Tally } from "./law.ts";
import { scriptOf } from "./script.ts";
import { shrink } from "./shrink.ts";

/** A range of seeds, tried in one test. */
export interface Trials {
  readonly first: number;
  readonly count: number;
  readonly open: OpenHub;
}

/** Ranges of seeds, one for each test. */
export function trialsOf(first: number, count: number, perTest: number, open: OpenHub): Trials[] {
  return Array.from({ length: Math.ceil(count / perTest) }, (_, index) => ({
    first: first + index * perTest,
    count: Math.min(perTest, count - index * perTest),
    open,
  }));
}

/**
 * Tries every seed of a range.
 * @throws Error with the seed, the difference and the script of the smallest program that shows one.
 */
export async function tryAll({ first, count, open }: Trials): Promise<Tally> {
  const tally: Tally = { completed: 0, turns: 0, executions: 0, replays: 0, observations: 0 };
  await withoutStacks(async () => {
    for (let seed = first; seed < first + count; seed++) await tryOne(String(seed), open, tally);
  });
  return tally;
}

/** Errors are part of every program; their stacks would take a third of the time. */
async function withoutStacks(work: () => Promise<void>): Promise<void> {
  const errors = Error as { stackTraceLimit?: number };
  const { stackTraceLimit = 10 } = errors;
  errors.stackTraceLimit = 0;
  try {
    await work();
  } finally {
    errors.stackTraceLimit = stackTraceLimit;
  }
}

/** Tries one seed: what to call with the number of a report. */
export async function tryOne(seed: string, open: OpenHub, tally: Tally): Promise<void> {
  const programs = programsOf(seed);
  const difference = await differenceOf(programs, seed, open, tally);
  if (difference === undefined) return;
  const fails = (candidate: typeof programs): Promise<string | undefined> =>
    differenceOf(candidate, seed, open, { ...tally });
  const smallest = await shrink(programs, fails);
  throw new Error(
    `Seed ${seed}: ${difference}\n\nProgram:\n${scriptOf(programs)}\nThe smallest that still differs:\n${scriptOf(smallest)}\n${await fails(smallest)}`,
  );
}
