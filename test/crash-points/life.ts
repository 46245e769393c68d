/** Lets a client carry out a scenario while processes die under it, each replaced by a new one over the same data. */
import { TestTaskHub } from "holdfast/testing";
import type { Medium } from "./media.ts";
import { MortalProcess } from "./mortal-process.ts";
import { contentOf, outcomeOf, violations } from "./outcome.ts";
import type { Scenario } from "./scenario.ts";
import { witnessed } from "./witness.ts";
import { World } from "./world.ts";

const HUB = "crash-points";
/** How long nobody runs after a death. */
const DOWNTIME_MS = 60_000;

/** What came of a scenario. */
export interface Life {
  /** The points that each process came to. */
  readonly points: readonly (readonly string[])[];
  readonly outcome: readonly string[];
  readonly violations: readonly string[];
}

/** Carries out the scenario; process n dies at its point `deaths[n]`, those after the last death live on. */
export async function live(scenario: Scenario, medium: Medium, deaths: readonly number[]): Promise<Life> {
  const world = new World();
  const processes: MortalProcess[] = [];
  let hub: TestTaskHub | undefined;
  let startAt: Date | undefined;
  /** Brings a process up if there is none alive; undefined when it dies on the way. */
  const running = async (): Promise<TestTaskHub | undefined> => {
    if (hub) return hub;
    const process = new MortalProcess(deaths[processes.length]);
    processes.push(process);
    hub = await TestTaskHub.open({
      name: HUB,
      store: witnessed(medium.connect(process), world),
      functions: scenario.functions,
      env: { world, process },
      ...(startAt && { startAt }),
    }).catch((error) => {
      if (process.isDead) return undefined;
      throw error;
    });
    return hub;
  };
  for (const step of scenario.steps) {
    for (let isAcknowledged = false; !isAcknowledged; ) {
      const current = await running();
      const process = processes.at(-1);
      try {
        if (current) await step(current, world);
      } catch (error) {
        if (!process?.isDead) throw error;
      }
      isAcknowledged = current !== undefined && !process?.isDead;
      if (isAcknowledged) continue;
      if (current) startAt = new Date(current.now.getTime() + DOWNTIME_MS);
      hub = undefined;
    }
  }
  await hub?.close();
  const content = await contentOf(medium.connect(new MortalProcess()), HUB);
  return {
    points: processes.map(({ points }) => points),
    outcome: outcomeOf(content),
    violations: violations(content, world),
  };
}
