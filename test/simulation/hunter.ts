/** The thread in which a planted bug is hunted (see hunt.ts). */
import { parentPort, workerData } from "node:worker_threads";
import { useSources } from "./sources.ts";

const { mutant, seedsMax, shrinks } = workerData as import("./hunt.ts").Hunt;
useSources(mutant);
const { simulate } = await import("./simulate.ts");
const { shrink } = await import("./shrink.ts");
let found: Omit<import("./hunt.ts").Hunted, "mutant"> = { seeds: undefined, says: "" };
for (let seed = 1; seed <= seedsMax && found.seeds === undefined; seed++) {
  const outcome = await simulate(seed);
  const [violation] = outcome.violations;
  if (!violation) continue;
  found = { seeds: seed, says: `${violation.invariant}: ${violation.details}` };
  if (shrinks) found = { ...found, selection: (await shrink(outcome)).selection };
}
parentPort?.postMessage(found);
