/** The seam between the benchmark and what it measures: one subject per library and store. */
import type { Variant, Workload } from "./workload.ts";

/** One timed go at a workload. Whatever must be there first (a new hub, a new store, a recorded history) is made before. */
export interface Round {
  /** Does the work; gives the output of each orchestration. */
  run(): Promise<readonly unknown[]>;
  /** Gives back what the round held. */
  end(): Promise<void>;
}

/** A library, made ready for one line of the table. */
export interface Bench {
  /** Makes the next round ready. The warm-up asks for the workload in a smaller size. */
  round(workload: Workload): Promise<Round>;
  /** Processor time that other processes have taken for the work so far, in ms. */
  processorMs?(): number;
  /** Gives back what all rounds shared. */
  end?(): Promise<void>;
}

/** Something that can be measured. A subject lives in the process of one line. */
export interface Subject {
  /** The library's name and version, for the foot of the table; absent where there is no library. */
  readonly version?: string;
  /** True when the work is done in another process: its memory is not known then, its processor time only by `Bench.processorMs`. */
  readonly isElsewhere?: boolean;
  bench(variant: Variant, meter: Meter): Bench;
}

/** Activities between two looks at the clock. */
const TICKS_PER_LOOK = 16;
const REPORT_INTERVAL_MS = 250;

/** Counts the activities of a round, and says from time to time how far it is: a process that is stopped cannot. */
export class Meter {
  #runs = 0;
  #reportedAtMs = 0;
  readonly #report: (runs: number) => void;

  constructor(report: (runs: number) => void) {
    this.#report = report;
  }

  get runs(): number {
    return this.#runs;
  }
  reset(): void {
    this.#runs = 0;
  }
  /** Called by every activity. */
  tick(): void {
    if (++this.#runs % TICKS_PER_LOOK !== 0) return;
    const nowMs = performance.now();
    if (nowMs - this.#reportedAtMs < REPORT_INTERVAL_MS) return;
    this.#reportedAtMs = nowMs;
    this.#report(this.#runs);
  }
}
