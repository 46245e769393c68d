/** Seeds that broke an invariant before the hub was mended, with what was wrong. They are chosen anew when worlds change: the mutants that undo the mending tell which. */
import type { Selection } from "./world/choices.ts";

export interface Regression {
  readonly seed: number;
  readonly selection: Selection;
  readonly says: string;
}

export const REGRESSIONS: readonly Regression[] = [
  { seed: 20, selection: {}, says: "a scheduled start that was replaced ran beside the one in its place" },
  { seed: 91, selection: {}, says: "the timer of a scheduled start that was replaced began its successor" },
  { seed: 184, selection: {}, says: "the unlock of a replaced generation withdrew the lock of its successor" },
  { seed: 4_251_432, selection: {}, says: "an activity was started again while its result was being written" },
  {
    seed: 4_702_543,
    selection: {},
    says: "an activity of a run that had ended again was started by a recovery from before its rewind",
  },
];
