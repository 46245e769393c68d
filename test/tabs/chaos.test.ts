/** More of it: `TAB_SEEDS=1000 TAB_SEED=1 npx vitest run --project node test/tabs/chaos.test.ts`. */
import { expect, it } from "vitest";
import { Chaos } from "./chaos.ts";

const SEED_COUNT = Number(process.env.TAB_SEEDS ?? 25);
const FIRST_SEED = Number(process.env.TAB_SEED ?? 1);

/**
 * Seeds that have failed once. 2009: the lead is taken from a frozen tab that was given it and has not heard. 70140: a request that a tab sent
 * again comes when the tab has crashed, and been forgotten with its receipts.
 */
const ONCE_FAILED = [2_009, 70_140];

it("whatever happens to tabs, every call that was answered took effect once, and each tab's in order", async () => {
  let toldCount = 0;
  const seeds = Array.from({ length: SEED_COUNT }, (_, index) => FIRST_SEED + index);
  for (const seed of [...seeds, ...ONCE_FAILED]) {
    const chaos = new Chaos(seed);
    try {
      await chaos.run();
    } catch (error) {
      throw new Error(`Seed ${seed} fails (TAB_SEED=${seed} TAB_SEEDS=1).`, { cause: error });
    }
    toldCount += chaos.deeds.filter(({ outcome }) => outcome === "told").length;
  }
  expect(toldCount).toBeGreaterThan(5 * SEED_COUNT);
}, 600_000);
