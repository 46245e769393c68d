import { describe, expect, test } from "vitest";
import { BACK_END_NAMES } from "./chromium.ts";
import { killRound } from "./kills.ts";

const SEED = Number(process.env.SEED ?? 20_261_121);
/** Chromium itself loses a LevelDB in about one of forty kills; then another round is played. */
const ROUNDS_MAX = 3;

describe.each(BACK_END_NAMES)("IndexedDB in Chromium, on %s:", (backEnd) => {
  test(`kills of page and browser lose nothing that was acknowledged and use no result twice (seed ${SEED})`, async () => {
    for (let seed = SEED; seed < SEED + ROUNDS_MAX; seed++) {
      const { ledger, killed } = await killRound({ backEnd, seed, journeyCount: 120, killCount: 10 });
      expect(ledger.violations).toEqual([]);
      if (ledger.wipe === undefined) {
        expect(ledger.faults()).toEqual([]);
        expect(killed.browsers + killed.pages).toBeGreaterThanOrEqual(5);
        return;
      }
      console.log(`${backEnd}, seed ${seed}: the browser wiped its data, and the store said so: ${ledger.wipe}`);
    }
    throw new Error(`The browser wiped its data in each of ${ROUNDS_MAX} rounds.`);
  });
});
