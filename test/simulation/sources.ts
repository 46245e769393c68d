/** Runs the sources as they are in Node: inside the project the package's own name means its sources, not what was built from them. */
import { registerHooks } from "node:module";
import packageJson from "../../package.json" with { type: "json" };

const ROOT = new URL("../../", import.meta.url);
const SOURCES = new Map(
  Object.entries(packageJson.exports).map(([subpath, target]) => [
    `${packageJson.name}${subpath.slice(1)}`,
    new URL(target.replace(/^\.\/dist\/(.*)\.js$/, "./$1.ts"), ROOT).href,
  ]),
);

/** A change to a source file as it is loaded: the file itself stays as it is. */
export interface Edit {
  /** From the project's top. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** From now on the package's name is found in its sources, one of them changed. @throws Error when there is not exactly one place to change. */
export function useSources(edit?: Edit): void {
  registerHooks({
    resolve: (specifier, context, next) => {
      const url = SOURCES.get(specifier);
      return url === undefined ? next(specifier, context) : { url, shortCircuit: true };
    },
    load: (url, context, next) => {
      const loaded = next(url, context);
      if (edit === undefined || url !== new URL(edit.file, ROOT).href) return loaded;
      const source = String(loaded.source);
      const parts = source.split(edit.find);
      if (parts.length !== 2) throw new Error(`${edit.file} has ${parts.length - 1} places that read '${edit.find}'.`);
      return { ...loaded, source: parts.join(edit.replace) };
    },
  });
}
