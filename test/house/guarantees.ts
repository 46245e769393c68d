/** That GUARANTEES.md names tests that exist: a link to a file, and after it, in quotes, what that file must say. */
import type { Offence, Source } from "./sources.ts";

const PATH = "GUARANTEES.md";
const LINK = /\[[^\]]*\]\(([^)#][^)]*)\)/g;
const QUOTE = /"([^"]+)"/g;
const GUARANTEE_COUNT = 12;

interface Mention {
  readonly line: number;
  readonly file: string;
  readonly names: readonly string[];
}

/** Links of a page, each with the names that stand between it and the next one of its line. */
function mentionsIn(text: string): Mention[] {
  return text.split("\n").flatMap((line, index) => {
    const links = [...line.matchAll(LINK)];
    return links.map((link, at) => {
      const after = line.slice(link.index + link[0].length, links[at + 1]?.index);
      const names = [...after.matchAll(QUOTE)].map(([, name = ""]) => name);
      return { line: index + 1, file: link[1] ?? "", names };
    });
  });
}

/** Files and tests that GUARANTEES.md names and that are not there, and guarantees without a test. */
export function emptyGuarantees(sources: readonly Source[]): Offence[] {
  const page = sources.find(({ path }) => path === PATH);
  if (!page) return [{ path: PATH, says: "is missing" }];
  const texts = new Map(sources.map(({ path, text }) => [path, text]));
  const missing = mentionsIn(page.text).flatMap(({ line, file, names }) => {
    const text = texts.get(file);
    if (text === undefined) return [`line ${line}: there is no ${file}`];
    return names.filter((name) => !text.includes(name)).map((name) => `line ${line}: ${file} does not say "${name}"`);
  });
  const sections = new Map(page.text.split(/^### /m).map((section) => [section.split("\n", 1)[0], section]));
  const bare = Array.from({ length: GUARANTEE_COUNT }, (_, index) => `G${index + 1}`).filter(
    (name) => mentionsIn(sections.get(name) ?? "").length === 0,
  );
  return [...missing, ...bare.map((name) => `${name} has no test`)].map((says) => ({ path: PATH, says }));
}
