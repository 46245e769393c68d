/** Seeds that broke an invariant before the hub was mended, with what was wrong. They are chosen anew when worlds change: the mutants that undo the mending tell which. */
import type { Selection } from "./world/choices.ts";

export interface Regression {
  readonly seed: number;
  readonly selection: Selection;
  readonly says: string;
}

export const REGRESSIONS: readonly Regression[] = [
  { seed: 32, selection: {}, says: "a scheduled start that was replaced ran beside the one in its place" },
  { seed: 233, selection: {}, says: "the unlock of a replaced generation withdrew the lock of its successor" },
  { seed: 342, selection: {}, says: "the answer of an entity that came after a failure was lost to the rewind" },
  { seed: 1_742, selection: {}, says: "the timer of a scheduled start that was replaced began its successor" },
];
