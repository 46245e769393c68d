/** What a hub takes up when it recovers. */

import type { HistoryEvent, StoreSession } from "holdfast";
import { expect, it } from "vitest";
import type { ActivityJob } from "../../core/hub/activity-attempt.ts";
import { LiveInstance } from "../../core/hub/live-instance.ts";
import { Recovery, type RecoveryPorts } from "../../core/hub/recovery.ts";
import { record } from "../conformance/samples.ts";

it("leaves alone what was called after the instance had been read: that was started by its commit", async () => {
  const timestamp = new Date(0);
  const stored = record("i", { isBusy: true });
  const { executionId } = stored;
  const history: HistoryEvent[] = [
    { type: "OrchestratorStarted", eventId: -1, timestamp },
    {
      type: "ExecutionStarted",
      eventId: 0,
      timestamp,
      name: "o",
      orchestrationInstance: { instanceId: "i", executionId },
    },
    { type: "TaskScheduled", eventId: 1, timestamp, name: "old" },
    { type: "OrchestratorStarted", eventId: -1, timestamp },
    { type: "TaskScheduled", eventId: 2, timestamp, name: "new" },
  ];
  const live = new LiveInstance("i");
  live.load({ record: stored, lastUpdatedAtMs: 0, turnCount: 1, eventCount: 3, inbox: [] });
  // A turn has come between.
  live.turnCount = 2;
  live.eventCount = history.length;
  live.track(history);
  const resumed: ActivityJob[] = [];
  const session: Pick<StoreSession, "openInstances" | "history"> = {
    openInstances: () => ["i"],
    history: () => history,
  };
  const ports = {
    session,
    acquire: () => live,
    isKept: () => true,
    enqueue: () => {},
    checkOpen: () => {},
    resume: (job: ActivityJob) => resumed.push(job),
  };
  await new Recovery(ports as unknown as RecoveryPorts).run();
  expect(resumed.map(({ event }) => event.name)).toEqual(["old"]);
});

it("leaves alone what was ended after an instance had been forgotten for want of room", async () => {
  const timestamp = new Date(0);
  const stored = record("i", { isBusy: true });
  const { executionId } = stored;
  const started: HistoryEvent = {
    type: "ExecutionStarted",
    eventId: 0,
    timestamp,
    name: "o",
    orchestrationInstance: { instanceId: "i", executionId },
  };
  const history: HistoryEvent[] = [started, { type: "TaskScheduled", eventId: 1, timestamp, name: "ended" }];
  const asRead = new LiveInstance("i");
  asRead.load({ record: stored, lastUpdatedAtMs: 0, turnCount: 1, eventCount: 2, inbox: [] });
  // Forgotten, read anew for a client who ended it, and forgotten again.
  const asItIs = new LiveInstance("i");
  const ended = record("i", { status: "Terminated", completedAtMs: 1, isBusy: false });
  asItIs.load({ record: ended, lastUpdatedAtMs: 1, turnCount: 2, eventCount: 4, inbox: [] });
  const answers = [asRead, asItIs];
  const resumed: ActivityJob[] = [];
  const ports = {
    session: { openInstances: () => ["i"], history: () => history },
    acquire: () => answers.shift(),
    isKept: (live: LiveInstance) => live === asItIs,
    enqueue: () => {},
    checkOpen: () => {},
    resume: (job: ActivityJob) => resumed.push(job),
  };
  await new Recovery(ports as unknown as RecoveryPorts).run();
  expect(resumed).toEqual([]);
});
