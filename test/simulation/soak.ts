/** Many seeds in a row, and what is said about them. */

import { BranchCoverage } from "./coverage.ts";
import { FAULT_IDS, FAULTS, type FaultCounts } from "./faults/faults.ts";
import { INVARIANTS } from "./model/invariants.ts";
import { addCounts, runTwice } from "./runner.ts";
import { selectionText, shrink } from "./shrink.ts";
import type { Outcome } from "./simulate.ts";

/** Seeds after which a fault that never came about is a fault of the simulation. */
const SEEDS_FOR_ALL_FAULTS = 300;

export interface SoakLimits {
  readonly untilMs: number;
  readonly seedsMax: number;
}

/** Runs seeds until the first failure or the end; true when nothing was found. */
export async function soak(first: number, { untilMs, seedsMax }: SoakLimits): Promise<boolean> {
  const coverage = await BranchCoverage.start();
  const counts: FaultCounts = new Map();
  let seed = first;
  for (; seed < first + seedsMax && Date.now() < untilMs; seed++) {
    const outcome = await runTwice(seed);
    addCounts(counts, outcome.faultCounts);
    if (outcome.violations.length > 0) {
      await explain(outcome);
      return false;
    }
  }
  console.log(`${seed - first} seeds from ${first} on, each twice: nothing found.`);
  console.log(faultTable(counts));
  console.log(await coverage.table());
  const missing = FAULT_IDS.filter((id) => !counts.has(id));
  if (missing.length === 0 || seed - first < SEEDS_FOR_ALL_FAULTS) return true;
  console.log(`These faults never came about: ${missing.join(", ")}.`);
  return false;
}

/** Runs one seed and shows what happened. */
export async function showSeed(seed: number): Promise<boolean> {
  const outcome = await runTwice(seed);
  console.log(outcome.trace.join("\n"));
  if (outcome.violations.length === 0) return true;
  await explain(outcome);
  return false;
}

/** Says what went wrong, and how it comes about with as little as possible. */
async function explain(failed: Outcome): Promise<void> {
  console.log(report(failed));
  console.log("Making it smaller …");
  const { selection, outcome } = await shrink(failed);
  console.log(outcome.trace.join("\n"));
  console.log(`seed ${failed.seed}: ${selectionText(selection)}`);
}

/** A failure in a few lines. */
export function report({ seed, violations }: Outcome): string {
  const lines = violations.map(({ invariant, details }) => `  ${invariant} (${INVARIANTS[invariant]}): ${details}`);
  return [`Seed ${seed} breaks an invariant; 'npm run sim -- --seed ${seed}' shows how.`, ...lines].join("\n");
}

function faultTable(counts: FaultCounts): string {
  return FAULT_IDS.map((id) => `${id} ${String(counts.get(id) ?? 0).padStart(8)}  ${FAULTS[id][0]}`).join("\n");
}
