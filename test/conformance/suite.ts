/**
 * The store conformance suite, `holdfast/conformance`: a case for every sentence of the store contract (`core/store/contract.ts`), for
 * Vitest, in Node, browsers or workerd. It needs `vitest` and `fast-check`. A store of your own is tested by one short file:
 *
 *     import { storeConformance } from "holdfast/conformance";
 *
 *     storeConformance("MyStore", async (run) => {
 *       const folder = await makeTemporaryFolder();
 *       try { await run({ store: new MyStore(folder), connect: () => new MyStore(folder) }); } finally { await folder.remove(); }
 *     });
 */
import { describe, test } from "vitest";
import { GROUPS, SEQUENCES, WITHOUT_PROMISES } from "./groups.ts";
import { followsTheModel } from "./model.ts";
import { answersWithoutPromises } from "./opening.ts";
import { runCase, type WithDatabase } from "./subject.ts";

export type { TestDatabase, WithDatabase } from "./subject.ts";

/** What the suite must know about a store. */
export interface ConformanceOptions {
  /** True when the store answers without promises; then it is held to that. */
  readonly isSynchronous?: boolean;
}

/** Declares the suite for one store. Every case gets a fresh database, and a second hub in it that must not notice the case. */
export function storeConformance(name: string, withDatabase: WithDatabase, options: ConformanceOptions = {}): void {
  describe(`${name} keeps the store contract`, () => {
    for (const [group, cases] of Object.entries(GROUPS)) {
      describe(group, () => {
        for (const [sentence, run] of Object.entries(cases)) {
          test(sentence, async ({ skip }) => {
            const inapplicable = await runCase(withDatabase, run);
            if (inapplicable) skip(inapplicable);
          });
        }
      });
    }
    test(WITHOUT_PROMISES, async ({ skip }) => {
      if (!options.isSynchronous) skip("it answers with promises");
      await runCase(withDatabase, answersWithoutPromises);
    });
    test(SEQUENCES, () => followsTheModel(withDatabase), 60_000);
  });
}
