/** A failing seed becomes a short script: what is left of its programs is little more than what the planted bug needs, and not there for the order of draws. */
import { expect, it } from "vitest";
import { hunt } from "./hunt.ts";
import { MUTANTS, type Mutant } from "./mutants.ts";
import { generatePrograms } from "./programs/generate.ts";
import { prune } from "./programs/prune.ts";
import { Random } from "./replay/random.ts";

const programs = generatePrograms(new Random("programs"), () => 1);

it("leaves programs as they are unless told otherwise", () => {
  expect(prune(programs).programs).toEqual(programs);
});

it("gives a part its number whatever else is left out", () => {
  const { partCount } = prune(programs);
  const all = Array.from({ length: partCount }, (_, index) => index);
  for (const left of all) expect(prune(programs, new Set(all.toSpliced(left, 1))).partCount).toBe(partCount);
  expect(prune(programs, new Set()).programs.map(({ body }) => body)).toEqual(programs.map(() => []));
});

it("makes the seed that finds a planted bug small", { timeout: 300_000 }, async () => {
  const mutant = MUTANTS.find(({ says }) => says === "a retry starts one attempt too many") as Mutant;
  const { selection } = await hunt(mutant, 1_000, true);
  // A call that is tried again, what fails in it, and what these stand in.
  expect(selection?.parts?.size).toBeLessThanOrEqual(5);
});
