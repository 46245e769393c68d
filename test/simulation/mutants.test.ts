/** Every planted bug is found. How soon, `npm run sim -- --mutants` says. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hunt } from "./hunt.ts";
import { MUTANTS } from "./mutants.ts";

const SEEDS_MAX = 1_000;

describe("planted bugs", () => {
  it("are thirty at least, each one change of one place", () => {
    expect(MUTANTS.length).toBeGreaterThanOrEqual(30);
    for (const { file, find } of MUTANTS) {
      const source = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
      expect(source.split(find).length - 1, `places in ${file} that read '${find}'`).toBe(1);
    }
  });

  it.each(MUTANTS)("are found: $says", { timeout: 600_000 }, async (mutant) => {
    expect((await hunt(mutant, SEEDS_MAX)).seeds).toBeLessThanOrEqual(SEEDS_MAX);
  });
});
