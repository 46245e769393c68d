/**
 * How a follower tells a leader that is frozen from one that has nothing to say.
 *
 * P1. Nobody is given up unasked: between the question and taking the lead lie `PATIENCE_MS` and `PATIENCE_LOOKS` looks without any sign.
 */
import { PATIENCE_LOOKS, PATIENCE_MS, SILENCE_MS } from "./bounds.ts";

type Doubt = { readonly kind: "none" } | { readonly kind: "asked"; readonly atMs: number; readonly looks: number };

export class Pulse {
  readonly #patienceMs: number;
  #lastSignMs: number;
  #doubt: Doubt = { kind: "none" };

  constructor(nowMs: number, spreadMs: number) {
    this.#lastSignMs = nowMs;
    this.#patienceMs = PATIENCE_MS + spreadMs;
  }

  /** The leader has been heard. */
  sign(nowMs: number): void {
    this.#lastSignMs = nowMs;
    this.#doubt = { kind: "none" };
  }

  /** What to do about the leader now. */
  look(nowMs: number): "wait" | "ask" | "takeLead" {
    const doubt = this.#doubt;
    if (doubt.kind === "none") {
      if (nowMs - this.#lastSignMs < SILENCE_MS) return "wait";
      this.#doubt = { kind: "asked", atMs: nowMs, looks: 0 };
      return "ask";
    }
    const looks = doubt.looks + 1;
    this.#doubt = { ...doubt, looks };
    if (nowMs - doubt.atMs < this.#patienceMs || looks < PATIENCE_LOOKS) return "wait";
    this.sign(nowMs);
    return "takeLead";
  }
}
