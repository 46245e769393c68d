/**
 * The attempts that wait: for a place in the hub, for a place among the attempts of their activity, or for the network.
 *
 * Q1. First in, first out: of all attempts that may start, the one that has waited longest starts next.
 * Q2. An activity that may not start holds up no other.
 */
import type { ActivityDefinition } from "../definition/definitions.ts";
import { Fifo } from "../fifo.ts";
import type { Attempt, Lane } from "./activity-attempt.ts";

interface Waiting {
  readonly attempt: Attempt;
  readonly order: number;
}

/** One activity: how many of its attempts run, and which wait. */
export class ActivityLane implements Lane {
  readonly #runningMax: number;
  readonly #needsNetwork: boolean;
  readonly #waiting = new Fifo<Waiting>();
  #endedCount = 0;
  runningCount = 0;

  constructor({ maxConcurrency, requires }: ActivityDefinition) {
    this.#runningMax = maxConcurrency ?? Number.POSITIVE_INFINITY;
    this.#needsNetwork = requires === "network";
  }

  /** Whether one more attempt may run. */
  hasRoom(isOnline: boolean): boolean {
    return this.runningCount < this.#runningMax && (isOnline || !this.#needsNetwork);
  }
  add(waiting: Waiting): void {
    this.#waiting.push(waiting);
  }
  /** The one that has waited longest. */
  get first(): Waiting | undefined {
    while (this.#waiting.first && this.#waiting.first.attempt.state !== "waiting") {
      this.#waiting.shift();
      this.#endedCount--;
    }
    return this.#waiting.first;
  }
  shift(): void {
    this.#waiting.shift();
  }
  /** One of those that wait has ended; it is taken out when it comes first, or with others. */
  noteEnded(): void {
    this.#endedCount++;
    if (this.#endedCount * 2 <= this.#waiting.length) return;
    this.#waiting.drop(({ attempt }) => attempt.state !== "waiting");
    this.#endedCount = 0;
  }
}

/** All lanes of a hub; there is one for every activity that has had to wait, or has a bound of its own. */
export class ActivityQueue {
  readonly #lanes = new Map<string, ActivityLane>();
  #arrivals = 0;

  add(attempt: Attempt): void {
    const lane = this.#laneOf(attempt.definition);
    attempt.lane = lane;
    lane.add({ attempt, order: this.#arrivals++ });
  }

  /** Takes out the attempt that starts next; `undefined` when none may. */
  next(isOnline: boolean): Attempt | undefined {
    let best: ActivityLane | undefined;
    let bestOrder = Number.POSITIVE_INFINITY;
    for (const lane of this.#lanes.values()) {
      const order = lane.hasRoom(isOnline) ? (lane.first?.order ?? bestOrder) : bestOrder;
      if (order < bestOrder) [best, bestOrder] = [lane, order];
    }
    const attempt = best?.first?.attempt;
    best?.shift();
    return attempt;
  }

  /** The lane of an activity, one for each name and version. */
  #laneOf(definition: ActivityDefinition): ActivityLane {
    const key = `${definition.name}\n${definition.version}`;
    const lane = this.#lanes.get(key) ?? new ActivityLane(definition);
    this.#lanes.set(key, lane);
    return lane;
  }
}
