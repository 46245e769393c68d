/** One journey in a hub that is opened for it and closed afterwards. */
import { openBrowserTaskHub } from "holdfast/indexeddb";
import { functions, type JourneyOutput, journey } from "../../end-to-end/functions.ts";

export interface WorkerRun {
  /** The kind of place it ran in, as the place itself sees it. */
  readonly place: string;
  readonly role: string;
  readonly output: JourneyOutput | undefined;
}

export async function runJourney(index: number): Promise<WorkerRun> {
  await using hub = await openBrowserTaskHub({ name: "hosts", functions });
  const id = await hub.scheduleNewOrchestration(journey, `trip ${index}`);
  await hub.raiseOrchestrationEvent(id, "Approval", "yes");
  const { output } = await hub.waitForOrchestrationCompletion(id);
  return { place: globalThis.constructor.name, role: hub.role, output: output as JourneyOutput | undefined };
}
