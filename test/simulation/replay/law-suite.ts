/** The law of replay as tests, for any runtime: its barrier, the cases, and random programs. */
import { describe, expect, it } from "vitest";
import { barrierCases } from "./barrier-cases.ts";
import { interleavingCases } from "./interleaving-cases.ts";
import { ruleCases } from "./rule-cases.ts";
import { type trialsOf, tryAll } from "./trials.ts";

export function replayLaw(trials: ReturnType<typeof trialsOf>): void {
  describe("the way out of the microtask queue leads out when it is", () => {
    for (const [name, check] of Object.entries(barrierCases)) it(name, check);
  });

  describe("replayed code is interleaved as it was live:", () => {
    for (const [name, check] of Object.entries(interleavingCases)) it(name, check);
  });

  describe("code that breaks a rule of orchestrators:", () => {
    for (const [name, check] of Object.entries(ruleCases)) it(name, check);
  });

  describe("random programs see and decide the same, live, dropped from memory, and replayed turn by turn:", () => {
    it.each(trials)("seeds from $first on, $count of them", { timeout: 120_000 }, async (range) => {
      const tally = await tryAll(range);
      expect(tally.completed).toBeGreaterThan(range.count);
      expect(tally.executions).toBeGreaterThan(range.count * 4);
      expect(tally.turns).toBeGreaterThan(range.count * 10);
      expect(tally.observations).toBeGreaterThan(range.count * 30);
    });
  });
}
