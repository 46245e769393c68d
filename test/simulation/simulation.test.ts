/** The simulation in the test suite: regressions first, then seeds. `SEED` and `SEEDS` choose others. */
import { describe, expect, it } from "vitest";
import { FAULT_IDS, type FaultCounts } from "./faults/faults.ts";
import { INVARIANTS } from "./model/invariants.ts";
import { REGRESSIONS } from "./regressions.ts";
import { addCounts, runTwice } from "./runner.ts";
import { report } from "./soak.ts";

const FIRST = Number(process.env.SEED ?? 1);
const COUNT = Number(process.env.SEEDS ?? 400);
/** Seeds a test runs in a row. */
const BATCH = 20;

describe("the hub in a world where everything goes wrong", () => {
  const counts: FaultCounts = new Map();

  it.each(REGRESSIONS)("keeps its promises where it once did not: $says", async ({ seed, selection }) => {
    const outcome = await runTwice(seed, selection);
    expect(outcome.violations.length, report(outcome)).toBe(0);
  });

  for (let first = FIRST; first < FIRST + COUNT; first += BATCH)
    it(`keeps its promises (seeds ${first} to ${first + BATCH - 1})`, async () => {
      for (let seed = first; seed < first + BATCH; seed++) {
        const outcome = await runTwice(seed);
        addCounts(counts, outcome.faultCounts);
        expect(outcome.violations.length, report(outcome)).toBe(0);
      }
    });

  it.runIf(COUNT >= 300)("has met every kind of fault", () => {
    expect(FAULT_IDS.filter((id) => !counts.has(id))).toEqual([]);
    expect(FAULT_IDS.length).toBeGreaterThanOrEqual(25);
    expect(Object.keys(INVARIANTS).length).toBeGreaterThanOrEqual(25);
  });
});
