import { join } from "node:path";
import { type HistoryEvent, TaskHub } from "holdfast";
import { replayHistory } from "holdfast/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SqliteStore } from "../../adapters/sqlite/index.ts";
import { functions, type JourneyOutput, journey } from "./functions.ts";
import { numbers } from "./numbers.ts";
import { Runtime } from "./runtime.ts";

const JOURNEYS = 48;
const KILLS = 20;
const PARALLEL = 8;
const SEED = Number(process.env.SEED ?? 20_261_120);

const runtime = new Runtime(join(import.meta.dirname, "../worker/journey-worker.ts"));
beforeAll(() => runtime.start());
afterAll(() => runtime.end());

interface Status {
  readonly runtimeStatus: string;
  readonly customStatus: unknown;
  readonly output: JourneyOutput;
}

const idOf = (index: number): string => `journey-${index}`;
const json = { "content-type": "application/json" };

async function begin(index: number): Promise<void> {
  const response = await runtime.request(`/orchestrators/journey/${idOf(index)}`, {
    method: "POST",
    body: JSON.stringify(`trip ${index}`),
    headers: json,
  });
  // A start whose answer was lost is found to be there.
  expect([202, 409]).toContain(response.status);
}

async function approve(index: number): Promise<void> {
  const response = await runtime.request(`/instances/${idOf(index)}/raiseEvent/Approval`, {
    method: "POST",
    body: JSON.stringify(`yes ${index}`),
    headers: json,
  });
  // Raised twice because an answer was lost, the second one may come after the end.
  expect([202, 410]).toContain(response.status);
}

async function statusOf(index: number): Promise<Status> {
  const response = await runtime.request(`/instances/${idOf(index)}`);
  return (await response.json()) as Status;
}

async function finish(index: number): Promise<Status> {
  for (;;) {
    const status = await statusOf(index);
    if (!["Running", "Pending"].includes(status.runtimeStatus)) return status;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Kills the runtime again and again, each time after a random number of answered requests, until it has been killed often enough. */
async function wreak(random: (max: number) => number, answered: () => number, isOver: () => boolean): Promise<void> {
  while (runtime.killCount < KILLS && !isOver()) {
    const target = answered() + 1 + random(14);
    while (answered() < target && !isOver()) await new Promise((resolve) => setTimeout(resolve, 1));
    await runtime.kill();
    await runtime.start();
  }
}

test(`${KILLS} kills of the runtime lose nothing that was acknowledged and use no result twice (seed ${SEED})`, async () => {
  const random = numbers(SEED);
  let answeredCount = 0;
  let next = 0;
  let isOver = false;
  const outcomes: Status[] = [];
  const work = async (): Promise<void> => {
    for (let index = next++; index < JOURNEYS; index = next++) {
      await begin(index);
      answeredCount++;
      await approve(index);
      answeredCount++;
      outcomes[index] = await finish(index);
      answeredCount++;
    }
  };
  const killer = wreak(
    random,
    () => answeredCount,
    () => isOver,
  );
  await Promise.all(Array.from({ length: PARALLEL }, work));
  isOver = true;
  await killer;
  while (runtime.killCount < KILLS) {
    await runtime.kill();
    await runtime.start();
  }
  expect(runtime.killCount).toBeGreaterThanOrEqual(KILLS);
  outcomes.forEach((status, index) => {
    expect(status).toMatchObject({ runtimeStatus: "Completed", customStatus: "finishing" });
    expect(status.output).toMatchObject({ name: `trip ${index}`, approval: `yes ${index}` });
    expect(status.output.marks.map((mark) => mark.step)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(new Set(status.output.marks.map((mark) => mark.nonce)).size).toBe(7);
  });
  for (let index = 0; index < JOURNEYS; index++)
    expect(await statusOf(index)).toMatchObject({ output: outcomes[index]?.output });
  const signalled = (await (await runtime.request("/entities/finished/all")).json()) as string[];
  expect([...signalled].sort()).toEqual(outcomes.map((status) => status.output.name).sort());
});

test("a history that a Durable Object stored replays in Node, with every result recorded once", async () => {
  await runtime.kill();
  const session = new SqliteStore({ path: runtime.database() }).open("default");
  for (let index = 0; index < JOURNEYS; index++) {
    const history = session.history(idOf(index));
    const recorded = history.flatMap((event) => (event.type === "TaskCompleted" ? [event.taskScheduledId] : []));
    expect(new Set(recorded).size).toBe(recorded.length);
    await replayHistory(journey, history, { functions });
  }
  session.close();
});

test("a history that Node recorded replays in workerd, and one that does not fit is refused there", async () => {
  await using hub = await TaskHub.open({ functions });
  const id = await hub.scheduleNewOrchestration(journey, "in Node");
  await hub.raiseOrchestrationEvent(id, "Approval", "yes");
  await hub.waitForOrchestrationCompletion(id);
  const history = await hub.getOrchestrationHistory(id);
  await runtime.start();
  const replayed = async (events: readonly HistoryEvent[]): Promise<number> =>
    (await runtime.fetch("/replay", { method: "POST", body: JSON.stringify(events) })).status;
  expect(await replayed(history)).toBe(200);
  expect(
    await replayed(history.map((event) => (event.type === "TaskScheduled" ? { ...event, name: "other" } : event))),
  ).toBe(409);
});

test("a hub in Node goes on with a journey that a Durable Object began", async () => {
  await begin(JOURNEYS);
  await runtime.kill();
  await using hub = await TaskHub.open({ store: new SqliteStore({ path: runtime.database() }), functions });
  await hub.raiseOrchestrationEvent(idOf(JOURNEYS), "Approval", "from Node");
  const state = await hub.waitForOrchestrationCompletion(idOf(JOURNEYS));
  expect(state).toMatchObject({ runtimeStatus: "Completed", output: { approval: "from Node" } });
});
