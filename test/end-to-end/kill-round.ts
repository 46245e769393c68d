/**
 * One round: hundreds of instances are started and sent their events while the runtime is killed again and again; then it is judged whether
 * anything that was acknowledged was lost, or any result was recorded or used twice.
 */
import assert from "node:assert/strict";
import { replayHistory } from "holdfast/testing";
import { SqliteStore } from "../../adapters/sqlite/index.ts";
import { functions as demoFunctions } from "../../web-demo/functions/index.ts";
import { functions } from "./functions.ts";
import { numbers } from "./numbers.ts";
import type { Runtime } from "./runtime.ts";
import { journeyTrip, orderTrip, type Status, type Trip, tripName } from "./trips.ts";

/** How much is under way, and how often it is interrupted. */
export interface Round {
  readonly journeys: number;
  readonly orders: number;
  readonly kills: number;
  /** Requests at a time. */
  readonly parallel: number;
  readonly seed: number;
}

const JSON_HEADERS = { "content-type": "application/json" };
/** A start whose answer was lost is found to be there. */
const STARTED = [202, 409];
/** An event raised again may come after the end. */
const RAISED = [202, 410];

/** Runs a round to its end and judges it. The runtime must be up, and is up afterwards. @throws AssertionError for whatever was lost or doubled */
export async function killRound(runtime: Runtime, round: Round): Promise<void> {
  const trips = [
    ...Array.from({ length: round.orders }, (_, index) => orderTrip(index)),
    ...Array.from({ length: round.journeys }, (_, index) => journeyTrip(index)),
  ];
  const ends = await carryOut(runtime, trips, round);
  await judgeAnswers(runtime, trips, ends, round);
  await runtime.kill();
  try {
    await judgeDatabase(runtime.database(), trips);
  } finally {
    await runtime.start();
  }
}

/** The client's side: every trip is begun, every one gets its event, and every one is waited for. */
async function carryOut(runtime: Runtime, trips: readonly Trip[], round: Round): Promise<Status[]> {
  const { parallel, kills, seed } = round;
  const killsBefore = runtime.killCount;
  const random = numbers(seed);
  const spacing = Math.ceil((4 * trips.length) / Math.max(1, kills));
  let answeredCount = 0;
  let isOver = false;
  const ends: Status[] = [];
  const each = async (visit: (trip: Trip, index: number) => Promise<unknown>): Promise<void> => {
    let next = 0;
    const work = async (): Promise<void> => {
      for (let index = next++; index < trips.length; index = next++) {
        const trip = trips[index];
        if (trip) await visit(trip, index);
        answeredCount++;
      }
    };
    await Promise.all(Array.from({ length: parallel }, work));
  };
  const killing = (async (): Promise<void> => {
    while (runtime.killCount - killsBefore < kills) {
      const target = answeredCount + 1 + random(spacing);
      while (answeredCount < target && !isOver) await pause(1);
      await runtime.kill();
      await runtime.start();
    }
  })();
  await each((trip) => begin(runtime, trip));
  await each((trip) => approve(runtime, trip));
  await each(async (trip, index) => {
    ends[index] = await finish(runtime, trip);
  });
  isOver = true;
  await killing;
  return ends;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Starts a trip, until that is acknowledged. */
export async function begin(runtime: Runtime, { id, orchestrator, input }: Trip): Promise<void> {
  const body = JSON.stringify(input);
  const init = { method: "POST", body, headers: JSON_HEADERS };
  const { status } = await runtime.request(`/orchestrators/${orchestrator.name}/${id}`, init);
  assert.ok(STARTED.includes(status), `the start of ${id} was answered with ${status}`);
}

async function approve(runtime: Runtime, { id, approval }: Trip): Promise<void> {
  if (approval === undefined) return;
  const init = { method: "POST", body: JSON.stringify(approval), headers: JSON_HEADERS };
  const { status } = await runtime.request(`/instances/${id}/raiseEvent/Approval?eventId=approval`, init);
  assert.ok(RAISED.includes(status), `the approval of ${id} was answered with ${status}`);
}

async function statusOf(runtime: Runtime, { id }: Trip): Promise<Status> {
  const response = await runtime.request(`/instances/${id}`);
  assert.ok(response.status === 200 || response.status === 202, `${id} is gone: ${response.status}`);
  return (await response.json()) as Status;
}

async function finish(runtime: Runtime, trip: Trip): Promise<Status> {
  for (;;) {
    const status = await statusOf(runtime, trip);
    if (!["Running", "Pending"].includes(status.runtimeStatus)) return status;
    await pause(25);
  }
}

/** Every trip has ended as it must, still says so, and has used nothing that another has; every journey has been counted once. */
async function judgeAnswers(
  runtime: Runtime,
  trips: readonly Trip[],
  ends: readonly Status[],
  round: Round,
): Promise<void> {
  const uniques: string[] = [];
  for (const [index, trip] of trips.entries()) {
    const end = ends[index];
    assert.ok(end);
    trip.check(end);
    uniques.push(...trip.uniques(end));
    const { runtimeStatus, output } = await statusOf(runtime, trip);
    assert.deepEqual({ runtimeStatus, output }, { runtimeStatus: end.runtimeStatus, output: end.output });
  }
  assert.equal(new Set(uniques).size, uniques.length, "a result was used twice");
  const counted = (await (await runtime.request("/entities/finished/all")).json()) as string[];
  const expected = Array.from({ length: round.journeys }, (_, index) => tripName(index));
  assert.deepEqual(counted.toSorted(), expected.toSorted());
}

/** Histories record every result once and replay; nothing is left over. */
async function judgeDatabase(path: string, trips: readonly Trip[]): Promise<void> {
  const session = new SqliteStore({ path }).open("default");
  try {
    for (const { id, orchestrator } of trips) {
      const history = session.history(id);
      const recorded = history.flatMap((event) =>
        event.type === "TaskCompleted" || event.type === "TaskFailed" ? [event.taskScheduledId] : [],
      );
      assert.equal(new Set(recorded).size, recorded.length, `${id} has two results of one call`);
      await replayHistory(orchestrator, history, { functions: [...functions, ...demoFunctions] });
    }
    assert.deepEqual(session.openInstances(), []);
    assert.deepEqual(session.dueTimers(Number.MAX_SAFE_INTEGER, 10), []);
  } finally {
    session.close();
  }
}
