/**
 * Where everything that is left to chance is decided. Each question has a stream of its own that the seed determines, so that leaving out one fault
 * or one request changes the others as little as possible: that is how a failing seed is made small.
 */
import { FAULTS, type FaultCounts, type FaultId } from "../faults/faults.ts";
import { Random } from "../replay/random.ts";

/** What of a seed's mishaps, requests and programs is to be there; all of it unless told otherwise. Numbers count occurrences from 0. */
export interface Selection {
  readonly faults?: ReadonlySet<number>;
  readonly requests?: ReadonlySet<number>;
  /** Parts of its programs (see `programs/prune.ts`). */
  readonly parts?: ReadonlySet<number>;
  /** Steps with faults. */
  readonly steps?: number;
  /** The same programs in a world in which chance has it otherwise, one of many; as the seed has it unless given. */
  readonly luck?: number;
}

/** Questions about what a seed's programs are: luck changes nothing of them. */
const OF_PROGRAMS: ReadonlySet<string> = new Set(["programs", "likings"]);

export class Choices {
  readonly #seed: string;
  readonly #selection: Selection;
  readonly #streams = new Map<string, Random>();
  readonly #likings = new Map<string, number>();
  readonly faultCounts: FaultCounts = new Map();
  /** Faults that would have come about so far, taken or not. */
  faultCount = 0;
  requestCount = 0;
  hasFaults = true;

  constructor(seed: number, selection: Selection) {
    this.#seed = `world ${seed}`;
    this.#selection = selection;
  }

  /** The stream of one question. */
  about(question: string): Random {
    const known = this.#streams.get(question);
    if (known) return known;
    const { luck } = this.#selection;
    const isOfSeed = luck === undefined || OF_PROGRAMS.has(question);
    const stream = new Random(`${this.#seed}/${isOfSeed ? "" : `luck ${luck}/`}${question}`);
    this.#streams.set(question, stream);
    return stream;
  }

  /** How much more often than usual something happens in this world: every world has a character of its own, and goes where an average one does not. */
  liking(what: string): number {
    const known = this.#likings.get(what);
    if (known !== undefined) return known;
    const liking = this.about("likings").pick([0.2, 1, 1, 4]);
    this.#likings.set(what, liking);
    return liking;
  }

  /** True when the fault comes about now. */
  fault(id: FaultId): boolean {
    if (!this.hasFaults) return false;
    if (!this.about(id).chance(Math.min(0.6, FAULTS[id][1] * this.liking(id)))) return false;
    const isChosen = this.#selection.faults?.has(this.faultCount) ?? true;
    this.faultCount++;
    if (isChosen) this.faultCounts.set(id, (this.faultCounts.get(id) ?? 0) + 1);
    return isChosen;
  }

  /** Does something in which nothing goes wrong. */
  withoutFaults<T>(work: () => T): T {
    const before = this.hasFaults;
    this.hasFaults = false;
    try {
      return work();
    } finally {
      this.hasFaults = before;
    }
  }

  /** True when the next request of a client is made. */
  request(): boolean {
    return this.#selection.requests?.has(this.requestCount++) ?? true;
  }

  /** Steps with faults, in a world that takes so many times as many of them as the quickest. */
  stepsOf(factor: number): number {
    return this.#selection.steps ?? Math.floor(this.about("steps").integer(40, 220) * factor);
  }
}
