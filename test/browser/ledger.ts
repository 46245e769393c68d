/**
 * What pages have been promised and what they saw: the book that their deaths are judged by. It lives with the test, so that a page that says
 * something and dies has still said it.
 */
import { isDeepStrictEqual } from "node:util";
import type { JourneyOutput } from "../end-to-end/functions.ts";

/** How long a living page may say nothing, in ms: a loaded machine is slow, but not that slow. */
const SILENCE_MS_MAX = 60_000;

/** What a page says. Each is said as soon as the page knows it. */
export type Said =
  /** It has begun, and asks what the pages before it were promised. */
  | { readonly type: "begun" }
  | { readonly type: "started" | "approved"; readonly index: number }
  | { readonly type: "finished"; readonly index: number; readonly output: JourneyOutput }
  /** An activity ran; its result may yet be lost. */
  | { readonly type: "executed"; readonly nonce: string }
  /** All journeys are over, and their stored histories have been looked at. */
  | { readonly type: "audited"; readonly finishedNames: readonly string[] }
  /** The store says that the browser has lost its data. */
  | { readonly type: "wiped"; readonly message: string }
  /** A promise was broken, or something failed that must not. */
  | { readonly type: "violated"; readonly message: string };

/** How far a journey has come, as far as it was acknowledged. */
export type Progress = { -readonly [K in "isStarted" | "isApproved"]?: true } & { output?: JourneyOutput };

export class Ledger {
  readonly journeys: Progress[];
  readonly #executed = new Set<string>();
  readonly violations: string[] = [];
  finishedNames: readonly string[] | undefined;
  wipe: string | undefined;
  /** Acknowledgements heard: the clock by which pages are killed. */
  heardCount = 0;
  #wake = (): void => {};

  constructor(journeyCount: number) {
    this.journeys = Array.from({ length: journeyCount }, () => ({}));
  }

  get executionCount(): number {
    return this.#executed.size;
  }

  /** True when there is nothing more to wait for. */
  get isOver(): boolean {
    return this.finishedNames !== undefined || this.wipe !== undefined || this.violations.length > 0;
  }

  hear(said: Said): readonly Progress[] | undefined {
    this.#write(said);
    if (said.type !== "executed") this.heardCount++;
    this.#wake();
    return said.type === "begun" ? this.journeys : undefined;
  }

  /** Resolves when that many acknowledgements have been heard, or all is over. A page that goes silent has lost something. */
  async heard(count: number): Promise<void> {
    while (this.heardCount < count && !this.isOver) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          this.violations.push(
            `nothing was heard for ${SILENCE_MS_MAX} ms; unfinished: ${this.#unfinished().join(", ")}`,
          );
          resolve();
        }, SILENCE_MS_MAX);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Everything that speaks against the store, once all journeys are over. */
  faults(): readonly string[] {
    const unfinished = this.#unfinished().map((index) => `journey ${index} did not end`);
    const wrong = this.journeys.flatMap(({ output }, index) => {
      const expected = { name: `trip ${index}`, approval: `yes ${index}`, steps: [1, 2, 3, 4, 5, 6, 7], results: 7 };
      const { name, approval, marks } = output ?? { marks: [] };
      const steps = marks.map(({ step }) => step);
      const found = { name, approval, steps, results: new Set(marks.map(({ nonce }) => nonce)).size };
      return !output || isDeepStrictEqual(found, expected)
        ? []
        : [`journey ${index} ended with ${JSON.stringify(output)}`];
    });
    const expectedNames = this.journeys.map((_, index) => `trip ${index}`).sort();
    const names = this.finishedNames?.toSorted();
    const signals = isDeepStrictEqual(names, expectedNames) ? [] : [`the entity got the signals ${names?.join(", ")}`];
    return [...this.violations, ...unfinished, ...wrong, ...signals];
  }

  #unfinished(): number[] {
    return this.journeys.flatMap(({ output }, index) => (output ? [] : [index]));
  }

  #write(said: Said): void {
    switch (said.type) {
      case "begun":
        return;
      case "started":
        this.#journey(said.index).isStarted = true;
        return;
      case "approved":
        this.#journey(said.index).isApproved = true;
        return;
      case "finished":
        this.#finish(said.index, said.output);
        return;
      case "executed":
        this.#executed.add(said.nonce);
        return;
      case "audited":
        this.finishedNames = said.finishedNames;
        return;
      case "wiped":
        this.wipe = said.message;
        return;
      case "violated":
        this.violations.push(said.message);
    }
  }

  #finish(index: number, output: JourneyOutput): void {
    const journey = this.#journey(index);
    const before = journey.output;
    if (before && JSON.stringify(before) !== JSON.stringify(output))
      this.violations.push(
        `journey ${index} had ended with ${JSON.stringify(before)}, now with ${JSON.stringify(output)}`,
      );
    journey.output = output;
    for (const { nonce } of output.marks)
      if (!this.#executed.has(nonce))
        this.violations.push(`journey ${index} has a result that no execution gave: ${nonce}`);
  }

  #journey(index: number): Progress {
    const journey = this.journeys[index];
    if (!journey) throw new Error(`There is no journey ${index}.`);
    return journey;
  }
}
