/**
 * Keys of turns. The turns of an instance are rows with consecutive integer keys, `turnsKey * TURNS_MAX + turn`, which is the smallest key there is:
 * one row written for a turn, and appended where the instance's last one lies.
 *
 * K1. No two instances of a database get one `turnsKey`, whatever hub and process they are of: keys are given out in blocks, and a block is taken
 *     in the transaction that first uses it.
 */
import { LimitExceededError } from "../../core/errors.ts";
import { SQL_BOUNDS } from "./bounds.ts";
import type { SqlDriver } from "./driver.ts";

/** Most turns of a generation. With it there are keys for four thousand million instances, so that none is ever used again. */
export const TURNS_MAX = 2_097_152;

/** SQL that is true for the turns of the instance in the row called `instance`, for a row of turns called `turns`. */
export function isTurnOf(instance: string, turns: string): string {
  const first = `${instance}.turnsKey * ${TURNS_MAX}`;
  return `${turns}.id BETWEEN ${first} AND ${first} + ${TURNS_MAX - 1}`;
}

/** The key of a turn. @throws LimitExceededError when a generation has too many. */
export function turnId(turnsKey: number, turn: number): number {
  if (turn < TURNS_MAX) return turnsKey * TURNS_MAX + turn;
  throw new LimitExceededError(
    `A generation has ${TURNS_MAX} turns at most in this store. Keep histories short with continueAsNew or sub-orchestrations.`,
  );
}

/** The keys that a session gives out. */
export class TurnKeys {
  readonly #driver: SqlDriver;
  readonly #hub: number;
  #next: number;
  #end: number;

  /** `end` is the last key of the block that came with the claim of the hub. */
  constructor(driver: SqlDriver, hub: number, end: number) {
    this.#driver = driver;
    this.#hub = hub;
    this.#next = end - SQL_BOUNDS.turnKeysPerBlock + 1;
    this.#end = end;
  }

  /** A new key. Inside a transaction. */
  take(): number {
    if (this.#next > this.#end) {
      const [row] = this.#driver.all<{ keysEnd: number }>(
        `UPDATE holdfast_hubs SET keysEnd = (SELECT max(keysEnd) FROM holdfast_hubs) + ?2 WHERE hub = ?1 RETURNING keysEnd`,
        this.#hub,
        SQL_BOUNDS.turnKeysPerBlock,
      );
      this.#end = row?.keysEnd ?? 0;
      this.#next = this.#end - SQL_BOUNDS.turnKeysPerBlock + 1;
    }
    return this.#next++;
  }

  /** Gives the rest of the block up: the transaction that took it has been undone. */
  forget(): void {
    this.#next = this.#end + 1;
  }
}
