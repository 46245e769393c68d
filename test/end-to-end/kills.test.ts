/** Real kills: the process of a runtime ends without notice, again and again, while instances run. Long rounds: `npm run kills`. */
import { type HistoryEvent, TaskHub } from "holdfast";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SqliteStore } from "../../adapters/sqlite/index.ts";
import { functions, journey } from "./functions.ts";
import { begin, killRound, type Round } from "./kill-round.ts";
import { Runtime } from "./runtime.ts";
import { RUNTIMES } from "./runtimes.ts";
import { journeyTrip } from "./trips.ts";

const SEED = Number(process.env.SEED ?? 20_261_120);
/** A journey that no round has. */
const ANOTHER = 1_000_000;

/** Declares the test of one round over a runtime that is up. */
function survives(runtime: Runtime, round: Omit<Round, "seed">): void {
  const load = `${round.kills} kills under ${round.journeys} journeys and ${round.orders} orders`;
  test(`${load} lose nothing that was acknowledged and use no result twice (seed ${SEED})`, () =>
    killRound(runtime, { ...round, seed: SEED }));
}

/** A runtime that is up while the tests of a block run. */
function running(kind: keyof typeof RUNTIMES): Runtime {
  const runtime = new Runtime(RUNTIMES[kind]);
  beforeAll(() => runtime.start());
  afterAll(() => runtime.end());
  return runtime;
}

describe("Node with a SQLite file, FULL", () => {
  survives(running("node-full"), { journeys: 200, orders: 21, kills: 10, parallel: 24 });
});

describe("Node with a SQLite file, NORMAL", () => {
  survives(running("node-normal"), { journeys: 200, orders: 21, kills: 10, parallel: 24 });
});

describe("workerd", () => {
  const runtime = running("workerd");
  survives(runtime, { journeys: 48, orders: 14, kills: 16, parallel: 8 });

  test("a history that Node recorded replays in workerd, and one that does not fit is refused there", async () => {
    await using hub = await TaskHub.open({ functions });
    const id = await hub.scheduleNewOrchestration(journey, "in Node");
    await hub.raiseOrchestrationEvent(id, "Approval", "yes");
    await hub.waitForOrchestrationCompletion(id);
    const history = await hub.getOrchestrationHistory(id);
    const replayed = async (events: readonly HistoryEvent[]): Promise<number> =>
      (await runtime.fetch("/replay", { method: "POST", body: JSON.stringify(events) })).status;
    expect(await replayed(history)).toBe(200);
    expect(
      await replayed(history.map((event) => (event.type === "TaskScheduled" ? { ...event, name: "other" } : event))),
    ).toBe(409);
  });

  test("a hub in Node goes on with a journey that a Durable Object began", async () => {
    const trip = journeyTrip(ANOTHER);
    await begin(runtime, trip);
    await runtime.kill();
    await using hub = await TaskHub.open({ store: new SqliteStore({ path: runtime.database() }), functions });
    await hub.raiseOrchestrationEvent(trip.id, "Approval", "from Node");
    const state = await hub.waitForOrchestrationCompletion(trip.id);
    expect(state).toMatchObject({ runtimeStatus: "Completed", output: { approval: "from Node" } });
  });
});
