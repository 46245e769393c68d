/** Makes a program that shows a difference smaller, as long as it still shows one. */
import type { Program } from "./program.ts";

/** Trials that are spent on it. */
const TRIALS_MAX = 400;

/** The smallest programs found for which `fails` still gives something. */
export async function shrink(
  programs: readonly Program[],
  fails: (programs: readonly Program[]) => Promise<string | undefined>,
): Promise<readonly Program[]> {
  let smallest = programs;
  let left = TRIALS_MAX;
  for (let hasShrunk = true; hasShrunk && left > 0; ) {
    hasShrunk = false;
    for (const candidate of smaller(smallest)) {
      if (left-- <= 0) break;
      if ((await fails(candidate)) === undefined) continue;
      smallest = candidate;
      hasShrunk = true;
      break;
    }
  }
  return smallest;
}

/** The programs with one element less in one of their lists, at a time; lists that must hold something keep their last. */
function* smaller(programs: readonly Program[]): Generator<readonly Program[]> {
  for (const [index, program] of programs.entries())
    for (const without of lessOf(program)) yield programs.with(index, without);
}

function* lessOf<T>(node: T): Generator<T> {
  if (Array.isArray(node)) {
    for (const index of node.keys()) yield node.toSpliced(index, 1) as T;
    for (const [index, part] of node.entries()) for (const less of lessOf(part)) yield node.with(index, less) as T;
  } else if (typeof node === "object" && node !== null) {
    for (const [key, part] of Object.entries(node)) {
      for (const less of lessOf(part)) {
        const mustHold = key === "of" && Array.isArray(less) && less.length === 0;
        if (!mustHold) yield { ...node, [key]: less };
      }
    }
  }
}
