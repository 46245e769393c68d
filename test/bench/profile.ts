/** Reads V8's CPU profiles: which functions the time of a line goes to, by the lines of their sources. */
import { existsSync, readFileSync } from "node:fs";
import { SourceMap, type SourceMapPayload } from "node:module";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  /** From 0. */
  readonly lineNumber: number;
  readonly columnNumber: number;
}
interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const SHOWN = 25;
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The functions with the most time of their own in a profile, as text. */
export function hottest(folder: string, name: string): string {
  const path = join(folder, name);
  if (!existsSync(path)) return `No profile in ${path}: the process was stopped.`;
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(path, "utf8")) as Profile;
  const places = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]));
  const selfUs = new Map<string, number>();
  samples.forEach((id, at) => {
    const place = places.get(id) ?? "?";
    selfUs.set(place, (selfUs.get(place) ?? 0) + (timeDeltas[at] ?? 0));
  });
  selfUs.delete("(idle)");
  const totalUs = [...selfUs.values()].reduce((sum, us) => sum + us, 0);
  return [...selfUs]
    .sort((a, b) => b[1] - a[1])
    .slice(0, SHOWN)
    .map(([place, us]) => `${((us / totalUs) * 100).toFixed(1).padStart(6)} %  ${place}`)
    .join("\n");
}

/** A function with its file and line: of the source it was built from, where a source map says so. */
function placeOf({ functionName, url, lineNumber, columnNumber }: CallFrame): string {
  const name = functionName === "" ? "(anonymous)" : functionName;
  if (!url.startsWith("file:")) return url === "" ? name : `${name}  ${url}`;
  const file = fileURLToPath(url);
  const entry = sourceMapOf(file)?.findEntry(lineNumber, columnNumber);
  if (entry && "originalSource" in entry) {
    const source = fileURLToPath(new URL(entry.originalSource, url));
    return `${name}  ${relative(ROOT, source)}:${entry.originalLine + 1}`;
  }
  return `${name}  ${relative(ROOT, file)}:${lineNumber + 1}`;
}

const sourceMaps = new Map<string, SourceMap | undefined>();

function sourceMapOf(file: string): SourceMap | undefined {
  if (!sourceMaps.has(file)) {
    const path = `${file}.map`;
    const isOurs = file.startsWith(join(ROOT, "dist")) && existsSync(path);
    const map = isOurs ? new SourceMap(JSON.parse(readFileSync(path, "utf8")) as SourceMapPayload) : undefined;
    sourceMaps.set(file, map);
  }
  return sourceMaps.get(file);
}
