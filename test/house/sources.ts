/** Reads the project's own text files, and finds what a source file imports. The rules work on these values alone. */
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { type Program, parseSync } from "oxc-parser";

/** A text file; `path` is relative to the project's root, with forward slashes. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/** One place where a rule is broken, as a line to print. */
export interface Offence {
  readonly path: string;
  readonly says: string;
}

/** One import or re-export. `target` is a path in the project for a relative specifier, and the specifier itself for any other. */
export interface Import {
  readonly target: string;
  readonly relative: boolean;
  /** Whether the import is gone at run time: `import type`, `export type` or a type in `import("…")`. */
  readonly typeOnly: boolean;
}

/** A parsed source file. */
export interface Module extends Source {
  readonly program: Program;
  readonly imports: readonly Import[];
}

const NOT_OURS = new Set([".git", "node_modules", "dist", "coverage", ".wrangler", ".holdfast"]);
const TEXT =
  /(^|\/)(LICENSE|run|\.[a-z]+(rc|ignore|attributes))$|\.(c|m)?(j|t)sx?$|\.(json|jsonc|md|toml|html|css|yml|yaml|sh)$/;

/** Every text file of the project under `root`. */
export function readSources(root: string, folder = ""): Source[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true }).filter((entry) => !NOT_OURS.has(entry.name));
  return entries.flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) return readSources(root, path);
    return entry.isFile() && TEXT.test(path) ? [{ path, text: readFileSync(join(root, path), "utf8") }] : [];
  });
}

/** Whether a file holds code that the rules on code look at. */
export function isCode(source: Source): boolean {
  return /\.(c|m)?(j|t)sx?$/.test(source.path);
}

/** Parses one source file. @throws Error when it does not parse. */
export function parseModule(source: Source): Module {
  const { program, module, errors } = parseSync(source.path, source.text);
  if (errors[0] !== undefined) throw new Error(`${source.path} does not parse: ${errors[0].message}`);
  const found: [specifier: string, statement: string][] = [
    ...module.staticImports.map((one): [string, string] => [
      one.moduleRequest.value,
      source.text.slice(one.start, one.end),
    ]),
    ...module.staticExports.flatMap((one) =>
      one.entries.flatMap((entry): [string, string][] =>
        entry.moduleRequest === null ? [] : [[entry.moduleRequest.value, source.text.slice(one.start, one.end)]],
      ),
    ),
    ...[...source.text.matchAll(/\b(typeof\s+)?import\(\s*["'`]([^"'`]+)["'`]/g)].map((match): [string, string] => [
      match[2]!,
      match[1] === undefined ? "" : "import type",
    ]),
  ];
  const imports = found.map(([specifier, statement]) => ({
    target: specifier.startsWith(".") ? posix.join(posix.dirname(source.path), specifier) : specifier,
    relative: specifier.startsWith("."),
    typeOnly: /^(import|export)\s+type\b/.test(statement),
  }));
  return { ...source, program, imports };
}

/** The number of the line, from 1, that holds the character at `offset`. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}
