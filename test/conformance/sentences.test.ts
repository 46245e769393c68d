/** The suite has a case for every sentence of the store contract, and every case belongs to one. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { GROUPS, SEQUENCES, WITHOUT_PROMISES } from "./groups.ts";
import { SENTENCES } from "./sentences.ts";

const CONTRACT = new URL("../../core/store/contract.ts", import.meta.url);
const CASES = [...Object.values(GROUPS).flatMap((cases) => Object.keys(cases)), WITHOUT_PROMISES, SEQUENCES];
/** Beyond what a sentence says: that its words hold for long texts, too. */
const OF_SIZE = new Set(Object.keys(GROUPS.sizes ?? {}));

/** The sentences of all doc comments, without the numbers of the rules. */
function sentencesOf(source: string): string[] {
  const comments = [...source.matchAll(/\/\*\*(.*?)\*\//gs)].map(([, text = ""]) =>
    text
      .replaceAll(/^\s*\* ?/gm, "")
      .replaceAll(/\s+/g, " ")
      .replaceAll(/\bS\d\. /g, ""),
  );
  return comments.flatMap((text) => text.trim().split(/(?<=\.) (?=[A-Z`@])/));
}

test("every sentence of the contract is in the table, and the table has no other", () => {
  const sentences = new Set(sentencesOf(readFileSync(CONTRACT, "utf8")));
  expect(Object.keys(SENTENCES).toSorted()).toEqual([...sentences].toSorted());
});

test("the table names cases that there are, and every case", () => {
  const named = new Set(Object.values(SENTENCES).flatMap((held) => (typeof held === "string" ? [] : held)));
  expect([...named].filter((name) => !CASES.includes(name))).toEqual([]);
  expect(CASES.filter((name) => !named.has(name) && !OF_SIZE.has(name))).toEqual([]);
});
