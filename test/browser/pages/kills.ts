/** Runs journeys over IndexedDB in a page that may die at any moment, and says at once what it was promised (see ../ledger.ts). */
import { defineActivity, TaskHub } from "holdfast";
import { IndexedDbStore } from "holdfast/indexeddb";
import { replayHistory } from "holdfast/testing";
import { finished, inner, type JourneyOutput, journey, makeMark } from "../../end-to-end/functions.ts";
import type { Progress, Said } from "../ledger.ts";
import { say as post } from "./say.ts";

const PARALLEL = 24;
const ALL_STATUSES = ["Pending", "Running", "Completed", "Failed", "Terminated", "Canceled", "Suspended"] as const;

const say = (said: Said): Promise<unknown> => post(said);
const violated = (message: string): Promise<unknown> => say({ type: "violated", message });

/** The journeys' activity, except that each execution is told before it can be recorded. */
const toldMark = defineActivity("mark", async (_ctx, step: number) => {
  const result = await makeMark(step);
  await say({ type: "executed", nonce: result.nonce });
  return result;
});
const functions = [toldMark, finished, inner, journey];

const idOf = (index: number): string => `journey-${index}`;
const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;

/** Brings one journey to its end, from wherever it is. */
async function travel(hub: TaskHub, index: number, promised: Progress): Promise<void> {
  const id = idOf(index);
  const found = await hub.getOrchestrationState(id);
  if (promised.isStarted && !found) return void (await violated(`the start of ${id} was acknowledged and is lost`));
  if (promised.output && found?.runtimeStatus !== "Completed")
    return void (await violated(`${id} had ended, and is ${found?.runtimeStatus} again`));
  if (!found)
    await hub.scheduleNewOrchestration(journey, `trip ${index}`, { instanceId: id, dedupeStatuses: ALL_STATUSES });
  await say({ type: "started", index });
  if (!promised.isApproved) await approve(hub, index);
  const { runtimeStatus, output, failure } = await hub.waitForOrchestrationCompletion(id);
  if (runtimeStatus !== "Completed")
    return void (await violated(`${id} ended ${runtimeStatus}: ${failure?.errorMessage}`));
  await say({ type: "finished", index, output: output as JourneyOutput });
}

async function approve(hub: TaskHub, index: number): Promise<void> {
  try {
    await hub.raiseOrchestrationEvent(idOf(index), "Approval", `yes ${index}`, { eventId: `approval-${index}` });
  } catch (error) {
    // It was raised by a page that died before it could say so, and the journey has come to its end.
    if (codeOf(error) !== "instanceNotRunning") throw error;
  }
  await say({ type: "approved", index });
}

/** Holds every stored history against its code, and each result to be recorded once. */
async function audit(hub: TaskHub, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const history = await hub.getOrchestrationHistory(idOf(index));
    const recorded = history.flatMap((event) => (event.type === "TaskCompleted" ? [event.taskScheduledId] : []));
    if (new Set(recorded).size !== recorded.length) await violated(`${idOf(index)} has a result twice: ${recorded}`);
    await replayHistory(journey, history, { functions });
  }
  const all = await hub.getEntity("@finished@all");
  await say({ type: "audited", finishedNames: (all?.state ?? []) as string[] });
}

async function run(): Promise<void> {
  const journeys = (await say({ type: "begun" })) as Progress[];
  const store = new IndexedDbStore({ databaseName: "kills" });
  const hub = await TaskHub.open({ store, functions });
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < journeys.length; index = next++) await travel(hub, index, journeys[index] ?? {});
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, journeys.length) }, work));
  await audit(hub, journeys.length);
}

run().catch((error: unknown) =>
  codeOf(error) === "storageLost"
    ? say({ type: "wiped", message: String(error) })
    : violated(error instanceof Error ? `${error.stack}` : String(error)),
);
