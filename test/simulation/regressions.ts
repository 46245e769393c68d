/** Seeds that once broke an invariant, made small, with what was wrong. */
import type { Selection } from "./world/choices.ts";

export interface Regression {
  readonly seed: number;
  readonly selection: Selection;
  readonly says: string;
}

export const REGRESSIONS: readonly Regression[] = [
  { seed: 84, selection: {}, says: "a scheduled start that replaced another ran beside it" },
  { seed: 117, selection: {}, says: "a signal that was due behind a lock was lost when the clock went back" },
  { seed: 568, selection: {}, says: "the unlock of a replaced generation withdrew the lock of its successor" },
  { seed: 912, selection: {}, says: "an instance read while messages for it were stored was shown as missing" },
  { seed: 1299, selection: {}, says: "a signal that was due while its entity was busy lost its timer" },
];
