/**
 * The crash points: each scenario is carried out once in peace, which tells its outcome and the points of its process; then once for every point,
 * with a process that dies there. However it went, the store must end up with the outcome that memory has in peace.
 */
import { describe, expect, test } from "vitest";
import { type Life, live } from "./life.ts";
import { type Medium, memoryMedium } from "./media.ts";
import type { Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";

/** Makes an empty medium, hands it to one life, and disposes of it. */
export type WithMedium = <T>(use: (medium: Medium) => Promise<T>) => Promise<T>;

export interface CrashPointOptions {
  /** The next process dies, too: at each of its first points up to this one. */
  readonly secondDeaths?: number;
  /** Of the points of the first process: one of each kind, and beside them only every so-manieth; all of them unless given. */
  readonly stride?: number;
  /** The points of the first process that count; all of them unless given. */
  readonly where?: RegExp;
  readonly scenarios?: readonly Scenario[];
}

/** Enough for every pair of deaths over the slowest store. */
const TIMEOUT_MS = 1_200_000;

/** Declares a test for each scenario over one kind of store. */
export function crashPoints(store: string, withMedium: WithMedium, options: CrashPointOptions = {}): void {
  describe(`crash points of ${store}`, () => {
    for (const scenario of options.scenarios ?? SCENARIOS)
      test(scenario.name, () => everyDeath(scenario, withMedium, options), TIMEOUT_MS);
  });
}

/** Lets processes die at every point. @throws AssertionError that names the first point after which the outcome is another. */
export async function everyDeath(
  scenario: Scenario,
  withMedium: WithMedium,
  { secondDeaths = 0, stride = 1, where = /./ }: CrashPointOptions = {},
): Promise<void> {
  const model = await live(scenario, memoryMedium(), []);
  const check = async (deaths: readonly number[]): Promise<Life> => {
    const life = await withMedium((medium) => live(scenario, medium, deaths));
    const where = deaths.map(
      (death, process) => `process ${process} dies at ${death}: ${life.points[process]?.[death]}`,
    );
    expect(life.outcome, where.join("; ")).toEqual(model.outcome);
    expect(life.violations, where.join("; ")).toEqual([]);
    return life;
  };
  const peace = await check([]);
  for (const death of chosen(peace.points[0] ?? [], stride, where)) {
    const { points } = await check([death]);
    const seconds = Math.min(points[1]?.length ?? 0, secondDeaths);
    for (let second = 0; second < seconds; second++) await check([death, second]);
  }
}

/** The indexes of some points: the first of each kind, and every `stride`th. */
function chosen(points: readonly string[], stride: number, where: RegExp): number[] {
  const kinds = new Set<string>();
  return [...points.keys()].filter((index) => {
    const point = points[index] ?? "";
    if (!where.test(point)) return false;
    const isFirst = !kinds.has(point);
    kinds.add(point);
    return isFirst || index % stride === 0;
  });
}
