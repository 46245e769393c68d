/** What is measured: the same work for every library, and the results by which each round is checked. */

/** A piece of work. Every activity in it adds 1 to its input. */
export type Workload =
  /** One orchestration that calls activities one after the other, each with the result of the one before. */
  | { readonly kind: "sequential"; readonly steps: number }
  /** One orchestration that calls all activities at once and adds their results up. */
  | { readonly kind: "fanOut"; readonly steps: number }
  /** Many orchestrations, started at once, each with a few sequential activities. */
  | { readonly kind: "instances"; readonly instances: number; readonly steps: number }
  /** The recorded history of a sequential orchestration, gone through again from its beginning; no activity runs. */
  | { readonly kind: "replay"; readonly steps: number };

/** How the work is written down for one line. */
export interface Variant {
  /** Form of the orchestrator's code; for a replay also what makes it happen. */
  readonly code: string;
  /** Whether activities are plain functions or async ones. A replay runs none. */
  readonly activities: "sync" | "async" | "–";
}

/** Code without an engine in a Durable Object that gives the event loop a turn after each row: then each is a commit of its own. */
export const TURN_FOR_EACH_ROW = "a turn for each row";

/** Number of activity calls in a workload: what its rate counts. */
export function stepsOf(workload: Workload): number {
  return workload.kind === "instances" ? workload.instances * workload.steps : workload.steps;
}

/** A workload in words. */
export function titleOf(workload: Workload): string {
  const steps = count(workload.steps);
  switch (workload.kind) {
    case "sequential":
      return `${steps} sequential`;
    case "fanOut":
      return `fan-out of ${steps}`;
    case "instances":
      return `${count(workload.instances)} instances × ${steps}`;
    case "replay":
      return `replay of ${count(3 * (workload.steps + 1))} events`;
  }
}

/** The same work, small enough to be repeated while the machine code is being made. */
export function warmUpOf(workload: Workload): Workload {
  switch (workload.kind) {
    case "sequential":
    case "fanOut":
      return { ...workload, steps: Math.min(workload.steps, WARM_UP_STEPS_MAX) };
    case "instances":
      return { ...workload, instances: Math.min(workload.instances, WARM_UP_STEPS_MAX / workload.steps) };
    case "replay":
      return workload;
  }
}

const WARM_UP_STEPS_MAX = 300;

/** What one orchestration of a workload must answer; `index` is the number of the instance, and its input. */
export function expectedOutput(workload: Workload, index: number): number {
  switch (workload.kind) {
    case "fanOut":
      return (workload.steps * (workload.steps + 1)) / 2;
    case "instances":
      return index + workload.steps;
    default:
      return workload.steps;
  }
}

/**
 * Holds what a round computed against what it should have.
 * @throws Error when an output is missing or wrong, or when activities ran more or less often than called.
 */
export function checkRound(workload: Workload, outputs: readonly unknown[], activityRuns: number): void {
  const instances = workload.kind === "instances" ? workload.instances : 1;
  if (outputs.length !== instances) throw new Error(`${outputs.length} orchestrations answered, not ${instances}.`);
  outputs.forEach((output, index) => {
    const expected = expectedOutput(workload, index);
    if (output !== expected) throw new Error(`Orchestration ${index} answered ${String(output)}, not ${expected}.`);
  });
  const expectedRuns = workload.kind === "replay" ? 0 : stepsOf(workload);
  if (activityRuns !== expectedRuns) throw new Error(`${activityRuns} activities ran, not ${expectedRuns}.`);
}

/** A whole number with separators. */
export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
