/** Seeds that broke an invariant before the hub was mended, with what was wrong. They are chosen anew when worlds change: the mutants that undo the mending tell which. */
import type { Selection } from "./world/choices.ts";

export interface Regression {
  readonly seed: number;
  readonly selection: Selection;
  readonly says: string;
}

export const REGRESSIONS: readonly Regression[] = [
  { seed: 18, selection: {}, says: "a scheduled start that was replaced ran beside the one in its place" },
  { seed: 521, selection: {}, says: "the unlock of a replaced generation withdrew the lock of its successor" },
  { seed: 22, selection: {}, says: "a timer that took the place of one of the same instant held up all others" },
  { seed: 181, selection: {}, says: "an alarm that rang while the store was being asked was lost" },
];
