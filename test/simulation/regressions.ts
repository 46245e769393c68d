/** Seeds that broke an invariant before the hub was mended, with what was wrong. They are chosen anew when worlds change: the mutants that undo the mending tell which. */
import type { Selection } from "./world/choices.ts";

export interface Regression {
  readonly seed: number;
  readonly selection: Selection;
  readonly says: string;
}

export const REGRESSIONS: readonly Regression[] = [
  { seed: 34, selection: {}, says: "a scheduled start that was replaced ran beside the one in its place" },
  { seed: 93, selection: {}, says: "the unlock of a replaced generation withdrew the lock of its successor" },
  { seed: 1_100_679, selection: {}, says: "a hub that had been taken over asked for timers without end" },
];
