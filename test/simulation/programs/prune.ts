/** Programs with parts left out: how the programs of a failing seed are made small. Parts are statements, and calls made together but the first. */
import type { Program } from "./program.ts";

/** Leaves out every part that is not among `kept`; parts are counted from 0 through all programs, each before what is inside it. */
export function prune(
  programs: readonly Program[],
  kept?: ReadonlySet<number>,
): { programs: readonly Program[]; partCount: number } {
  let partCount = 0;
  const isKept = (): boolean => kept?.has(partCount++) ?? partCount++ >= 0;
  const pruned = (value: unknown): unknown => {
    if (Array.isArray(value)) {
      return value.flatMap((item: unknown, index) => {
        // What is left out is gone through all the same: it has numbers of its own.
        const stays = !isPart(item, index) || isKept();
        const rest = pruned(item);
        return stays ? [rest] : [];
      });
    }
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, pruned(inner)]));
  };
  return { programs: programs.map((program) => pruned(program) as Program), partCount };
}

function isPart(item: unknown, index: number): boolean {
  if (typeof item !== "object" || item === null) return false;
  return "do" in item || ("kind" in item && index > 0);
}
