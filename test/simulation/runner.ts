/** Runs seeds, each twice: the second run must be the first one to the letter. */
import type { FaultCounts } from "./faults/faults.ts";
import { type Outcome, simulate } from "./simulate.ts";
import type { Selection } from "./world/choices.ts";

/** Runs a seed, and again to compare, unless the first run found something. */
export async function runTwice(seed: number, selection: Selection = {}): Promise<Outcome> {
  const first = await simulate(seed, selection);
  if (first.violations.length > 0) return first;
  const second = await simulate(seed, selection);
  const at = first.trace.findIndex((line, index) => line !== second.trace[index]);
  if (at < 0 && first.trace.length === second.trace.length) return first;
  const details = `in line ${at} the first run has '${first.trace[at]}', the second '${second.trace[at]}'`;
  return { ...first, violations: [{ invariant: "I39", details }] };
}

/** Adds the faults of one run to those of others. */
export function addCounts(total: FaultCounts, counts: FaultCounts): void {
  for (const [id, count] of counts) total.set(id, (total.get(id) ?? 0) + count);
}
