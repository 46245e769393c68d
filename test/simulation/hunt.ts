/** Runs planted bugs, each in a thread of its own with sources of its own, until the simulation finds them. */
import { Worker } from "node:worker_threads";
import { MUTANTS, type Mutant } from "./mutants.ts";
import type { Selection } from "./world/choices.ts";

/** What came of one mutant. */
export interface Hunted {
  readonly mutant: Mutant;
  /** Seeds until it was found; `undefined` when it was not. */
  readonly seeds: number | undefined;
  /** By which invariant, and what was said. */
  readonly says: string;
  /** What is left of the seed that found it, when it was made small. */
  readonly selection?: Selection;
}

/** What a thread is to look for. */
export interface Hunt {
  readonly mutant: Mutant;
  readonly seedsMax: number;
  /** Makes the seed that finds it small. */
  readonly shrinks: boolean;
}

/** Looks for one planted bug in the seeds from 1 on. */
export function hunt(mutant: Mutant, seedsMax: number, shrinks = false): Promise<Hunted> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./hunter.ts", import.meta.url), {
      workerData: { mutant, seedsMax, shrinks } satisfies Hunt,
    });
    worker.once("message", (found: Omit<Hunted, "mutant">) => resolve({ mutant, ...found }));
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
