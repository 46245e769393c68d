/** What a machine leaves behind in a file: its absolute paths, and the package registry that it uses. */
import { lineAt, type Offence, type Source } from "./sources.ts";

const MACHINE_PATH = /(?<![\w.~}\-/])\/(?:work|root|home|Users)\/[\w.-]/g;
const REGISTRY = /https?:\/\/[\w.-]*(?:registry|npmjs\.org|mirror)[\w.:-]*|registry\.npmjs\.\w+|"resolved":\s*"http/g;

function traces(sources: readonly Source[], pattern: RegExp, what: string): Offence[] {
  return sources.flatMap(({ path, text }) =>
    [...text.matchAll(pattern)].map((match) => ({
      path,
      says: `line ${lineAt(text, match.index)}: ${what}, ${JSON.stringify(match[0])}`,
    })),
  );
}

/** Absolute paths of the machine that a file was written on. */
export function machinePaths(sources: readonly Source[]): Offence[] {
  return traces(sources, MACHINE_PATH, "a path of some machine");
}

/** Addresses of package registries, in the sources and in the lock file. */
export function registryHosts(sources: readonly Source[]): Offence[] {
  return traces(sources, REGISTRY, "the address of a package registry");
}
