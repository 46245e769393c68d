/** Small rooms, telling names, and no `any` where users look (the library: core, adapters, worker). */
import { Visitor } from "oxc-parser";
import { lineAt, type Module, type Offence, type Source } from "./sources.ts";

const FUNCTION_LINES_MAX = 75;
const FILE_LINES_MAX = 450;
/** A numbered rule in the header of a file. */
const RULE = /^ \* ([A-Z])[1-9]\. /gm;
const EMPTY_NAMES = /(^|[/.\-_])(utils?|helpers?|common|managers?|misc)(?=[/.\-_]|$)/i;

function isLibrary({ path }: Source): boolean {
  return /^(core|adapters|worker)\//.test(path);
}

/** Files of the library with more than 450 lines. */
export function longFiles(modules: readonly Module[]): Offence[] {
  return modules.filter(isLibrary).flatMap(({ path, text }) => {
    const lines = text.trimEnd().split("\n").length;
    return lines > FILE_LINES_MAX ? [{ path, says: `has ${lines} lines, more than ${FILE_LINES_MAX}` }] : [];
  });
}

/** Functions of the library with more than 75 lines, from their first line to their last, whatever is nested in them. */
export function longFunctions(modules: readonly Module[]): Offence[] {
  return modules.filter(isLibrary).flatMap(({ path, text, program }) => {
    const offences: Offence[] = [];
    const measure = ({ start, end }: { start: number; end: number }): void => {
      const [first, last] = [lineAt(text, start), lineAt(text, end)];
      const lines = last - first + 1;
      if (lines > FUNCTION_LINES_MAX) {
        offences.push({ path, says: `line ${first}: a function of ${lines} lines, more than ${FUNCTION_LINES_MAX}` });
      }
    };
    const visitor = { FunctionDeclaration: measure, FunctionExpression: measure, ArrowFunctionExpression: measure };
    new Visitor(visitor).visit(program);
    return offences;
  });
}

/** The type `any`, written anywhere in the library. */
export function anyTypes(modules: readonly Module[]): Offence[] {
  return modules.filter(isLibrary).flatMap(({ path, text, program }) => {
    const offences: Offence[] = [];
    new Visitor({
      TSAnyKeyword: ({ start }) => offences.push({ path, says: `line ${lineAt(text, start)}: the type any` }),
    }).visit(program);
    return offences;
  });
}

/** Letters of numbered rules that two files of a folder of the library share: a rule is named by its folder, letter and number. */
export function sharedLetters(sources: readonly Source[]): Offence[] {
  const owners = new Map<string, string>();
  return sources.filter(isLibrary).flatMap(({ path, text }) => {
    const letters = new Set([...text.matchAll(RULE)].map(([, letter = ""]) => letter));
    return [...letters].flatMap((letter) => {
      const name = `${path.slice(0, path.lastIndexOf("/"))} ${letter}`;
      const owner = owners.get(name);
      owners.set(name, owner ?? path);
      return owner === undefined ? [] : [{ path, says: `has rules ${letter}1 …, as ${owner} has` }];
    });
  });
}

/** Files and folders whose name says nothing. */
export function emptyNames(sources: readonly Source[]): Offence[] {
  return sources.flatMap(({ path }) => {
    const name = EMPTY_NAMES.exec(path)?.[2];
    return name === undefined ? [] : [{ path, says: `"${name}" says nothing: name the file for its subject` }];
  });
}
