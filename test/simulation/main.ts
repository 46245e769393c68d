/**
 * The simulation by hand: `npm run sim -- [--minutes N] [--seeds N] [--seed S] [--mutants]`.
 *
 * `--seed S` runs one seed and shows what happened; with `--minutes` or `--seeds` runs from there (or from 1) until something is found or the time is over, then
 * says which faults came about and which branches of the library were run. `--mutants` runs every planted bug and says after how many seeds it was found.
 */
import { parseArgs } from "node:util";
import { useSources } from "./sources.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string" },
    seeds: { type: "string" },
    seed: { type: "string" },
    mutants: { type: "boolean" },
  },
});

useSources();
if (values.mutants) {
  const { reportMutants } = await import("./hunt.ts");
  process.exitCode = (await reportMutants(Number(values.seeds ?? 1_000))) ? 0 : 1;
} else {
  const { showSeed, soak } = await import("./soak.ts");
  const first = Number(values.seed ?? 1);
  const isOne = values.minutes === undefined && values.seeds === undefined && values.seed !== undefined;
  const isClean = isOne
    ? await showSeed(first)
    : await soak(first, {
        untilMs: Date.now() + Number(values.minutes ?? 60) * 60_000,
        seedsMax: Number(values.seeds ?? (values.minutes === undefined ? 1_000 : Number.POSITIVE_INFINITY)),
      });
  process.exitCode = isClean ? 0 : 1;
}
