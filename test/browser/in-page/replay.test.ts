/** The law of replay in a page, whose event loop is another: the same programs, cases and barrier as in Node (../../core/replay-property.test.ts). */
import { describe, expect, it } from "vitest";
import { barrierCases } from "../../simulation/replay/barrier-cases.ts";
import { openHostedHub } from "../../simulation/replay/hosted.ts";
import { interleavingCases } from "../../simulation/replay/interleaving-cases.ts";
import { ruleCases } from "../../simulation/replay/rule-cases.ts";
import { trialsOf, tryAll } from "../../simulation/replay/trials.ts";

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
  it.each(trialsOf(20_001, 1_000, 250, openHostedHub))(
    "seeds from $first on, $count of them",
    { timeout: 120_000 },
    async (range) => {
      const tally = await tryAll(range);
      expect(tally.completed).toBeGreaterThan(range.count);
      expect(tally.executions).toBeGreaterThan(range.count * 4);
      expect(tally.turns).toBeGreaterThan(range.count * 10);
      expect(tally.observations).toBeGreaterThan(range.count * 30);
    },
  );
});
