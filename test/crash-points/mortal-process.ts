/**
 * A process that dies at a chosen point of its dealings with the store. From there on it neither changes anything nor is heard of: stores that
 * see it refuse its commits, the outside world ignores its activities, and the client takes none of its answers for an acknowledgement.
 */
import { HubFencedError } from "holdfast";

export class MortalProcess {
  /** The points it has passed alive, in words; the last one is where it died. */
  readonly points: string[] = [];
  readonly #diesAt: number;
  readonly #mourners: (() => void)[] = [];
  #isDead = false;

  /** @param diesAt the index of the point at which it dies; it lives on unless given. */
  constructor(diesAt: number = Number.POSITIVE_INFINITY) {
    this.#diesAt = diesAt;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Calls something at the instant of its death. */
  whenDead(callback: () => void): void {
    this.#mourners.push(callback);
  }

  /** Comes to a point. True when the process is dead from here on. */
  reach(point: string): boolean {
    if (!this.#isDead) {
      this.#isDead = this.points.length === this.#diesAt;
      this.points.push(point);
      if (this.#isDead) for (const callback of this.#mourners) callback();
    }
    return this.#isDead;
  }

  /** Comes to a point that the dead do not pass: a hub that meets this error stops and delivers nothing. @throws HubFencedError */
  pass(point: string): void {
    if (this.reach(point)) throw new HubFencedError(`of a process that died at: ${this.points.at(-1)}`);
  }
}
