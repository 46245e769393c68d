/** The thread in which a planted bug is hunted (see hunt.ts). */
import { parentPort, workerData } from "node:worker_threads";
import { useSources } from "./sources.ts";

const { mutant, seedsMax } = workerData as Parameters<typeof import("./hunt.ts").hunt> extends [infer M, infer N]
  ? { mutant: M & Parameters<typeof useSources>[0]; seedsMax: N & number }
  : never;
useSources(mutant);
const { simulate } = await import("./simulate.ts");
let found: { seeds: number | undefined; says: string } = { seeds: undefined, says: "" };
for (let seed = 1; seed <= seedsMax && found.seeds === undefined; seed++) {
  const [violation] = (await simulate(seed)).violations;
  if (violation) found = { seeds: seed, says: `${violation.invariant}: ${violation.details}` };
}
parentPort?.postMessage(found);
