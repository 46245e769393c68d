/** Every rule of the house, by the sentence it holds. */
import { forbiddenImports, importCycles } from "./arrows.ts";
import { emptyGuarantees } from "./guarantees.ts";
import { isCode, type Module, type Offence, parseModule, type Source } from "./sources.ts";
import { anyTypes, emptyNames, longFiles, longFunctions, sharedLetters } from "./style.ts";
import { machinePaths, registryHosts } from "./traces.ts";

const ON_MODULES: Readonly<Record<string, (modules: readonly Module[]) => Offence[]>> = {
  "every room imports only what its row of the table allows": forbiddenImports,
  "no files import each other in a circle": importCycles,
  "a function of the library has at most 75 lines": longFunctions,
  "a file of the library has at most 450 lines": longFiles,
  "the library does not use the type any": anyTypes,
};

const ON_SOURCES: Readonly<Record<string, (sources: readonly Source[]) => Offence[]>> = {
  "every file is named for its subject": emptyNames,
  "a letter of numbered rules belongs to one file of its folder": sharedLetters,
  "every guarantee names tests that exist": emptyGuarantees,
  "no file holds an absolute path of a machine": machinePaths,
  "no file names a package registry": registryHosts,
};

/** The offences against each rule, by the rule's sentence. */
export function inspect(sources: readonly Source[]): Map<string, Offence[]> {
  const modules = sources.filter(isCode).map(parseModule);
  return new Map([
    ...Object.entries(ON_MODULES).map(([rule, find]): [string, Offence[]] => [rule, find(modules)]),
    ...Object.entries(ON_SOURCES).map(([rule, find]): [string, Offence[]] => [rule, find(sources)]),
  ]);
}
