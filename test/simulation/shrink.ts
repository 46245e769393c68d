/**
 * Makes a failing seed small: leaves out parts of programs, faults and requests, and ends the run earlier, as long as the same invariant is broken.
 * Without a part everything after it is drawn otherwise, and the bug may go unseen: then the same programs are tried with other luck.
 */
import type { InvariantId } from "./model/invariants.ts";
import { runTwice } from "./runner.ts";
import type { Outcome } from "./simulate.ts";
import type { Selection } from "./world/choices.ts";

/** Runs that are spent on one seed. */
const RUNS_MAX = 600;
/** Other lucks that a part is tried to be left out with. */
const LUCKS = 4;

/** What is left of a failing seed, and its run. */
export interface Shrunk {
  readonly selection: Selection;
  readonly outcome: Outcome;
}

export async function shrink(failed: Outcome): Promise<Shrunk> {
  return new Shrinker(failed).run();
}

class Shrinker {
  readonly #seed: number;
  readonly #invariant: InvariantId | undefined;
  #best: Outcome;
  #selection: Selection = {};
  #left = RUNS_MAX;

  constructor(failed: Outcome) {
    this.#seed = failed.seed;
    this.#invariant = failed.violations[0]?.invariant;
    this.#best = failed;
  }

  async run(): Promise<Shrunk> {
    for (let isSmaller = true; isSmaller && this.#left > 0; ) {
      const before = JSON.stringify(this.#best.trace.length) + this.#size();
      // There are few of them, and each makes much of a run.
      await this.#leaveOut("parts", this.#best.partCount);
      await this.#endEarlier();
      await this.#leaveOut("faults", this.#best.faultCount);
      await this.#leaveOut("requests", this.#best.requestCount);
      isSmaller = before !== JSON.stringify(this.#best.trace.length) + this.#size();
    }
    return { selection: this.#selection, outcome: this.#best };
  }

  #size(): string {
    const { faults, requests, parts, steps } = this.#selection;
    return ` ${faults?.size} ${requests?.size} ${parts?.size} ${steps}`;
  }

  async #endEarlier(): Promise<void> {
    for (let steps = this.#selection.steps ?? this.#best.steps, cut = steps >> 1; cut > 0; cut >>= 1)
      while (steps > cut && (await this.#fails({ ...this.#selection, steps: steps - cut }))) steps -= cut;
  }

  /** Leaves out one half, quarter … after the other. */
  async #leaveOut(what: "faults" | "requests" | "parts", count: number): Promise<void> {
    let kept = [...(this.#selection[what] ?? Array.from({ length: count }, (_, index) => index))];
    for (let size = kept.length; size > 0; size >>= 1)
      for (let at = 0; at < kept.length; ) {
        const fewer = kept.toSpliced(at, size);
        const selection = { ...this.#selection, [what]: new Set(fewer) };
        if ((await this.#fails(selection)) || (size === 1 && (await this.#failsWithOtherLuck(selection)))) kept = fewer;
        else at += size;
      }
  }

  /** Faults, requests and steps are counted in a world of one luck: once some are left out, it stays. */
  async #failsWithOtherLuck(selection: Selection): Promise<boolean> {
    if (selection.faults || selection.requests || selection.steps !== undefined) return false;
    for (let luck = 1; luck <= LUCKS; luck++) if (await this.#fails({ ...selection, luck })) return true;
    return false;
  }

  async #fails(selection: Selection): Promise<boolean> {
    if (this.#left-- <= 0) return false;
    const outcome = await runTwice(this.#seed, selection);
    if (outcome.violations[0]?.invariant !== this.#invariant) return false;
    this.#best = outcome;
    this.#selection = selection;
    return true;
  }
}

/** A selection as it stands in the list of regressions. */
export function selectionText({ faults, requests, parts, steps, luck }: Selection): string {
  const list = (numbers: ReadonlySet<number> | undefined): string => (numbers ? `[${[...numbers].join(", ")}]` : "all");
  return `faults ${list(faults)}, requests ${list(requests)}, parts ${list(parts)}, steps ${steps ?? "all"}, luck ${luck ?? "of the seed"}`;
}
