/** Runs planted bugs, each in a thread of its own with sources of its own, until the simulation finds them. */
import { Worker } from "node:worker_threads";
import { MUTANTS, type Mutant } from "./mutants.ts";

/** What came of one mutant. */
export interface Hunted {
  readonly mutant: Mutant;
  /** Seeds until it was found; `undefined` when it was not. */
  readonly seeds: number | undefined;
  /** By which invariant, and what was said. */
  readonly says: string;
}

/** Looks for one planted bug in the seeds from 1 on. */
export function hunt(mutant: Mutant, seedsMax: number): Promise<Hunted> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./hunter.ts", import.meta.url), { workerData: { mutant, seedsMax } });
    worker.once("message", ({ seeds, says }: Omit<Hunted, "mutant">) => resolve({ mutant, seeds, says }));
    worker.once("error", reject);
  });
}

/** Hunts all of them and says after how many seeds each was found; true when all were. */
export async function reportMutants(seedsMax: number): Promise<boolean> {
  let areAllFound = true;
  for (const mutant of MUTANTS) {
    const { seeds, says } = await hunt(mutant, seedsMax);
    areAllFound &&= seeds !== undefined;
    console.log(
      `${seeds === undefined ? `survives ${seedsMax}` : String(seeds).padStart(5)}  ${mutant.says} (${mutant.file}) ${says.slice(0, 160)}`,
    );
  }
  return areAllFound;
}
