/** Outcomes that come twice for one turn. */
import { expect, it } from "vitest";
import { admit } from "../../core/hub/admission.ts";
import type { EnginePorts } from "../../core/hub/engine-ports.ts";
import { Group } from "../../core/hub/group.ts";
import { LiveInstance } from "../../core/hub/live-instance.ts";
import type { Message } from "../../core/hub/message.ts";
import type { OrchestratorRun } from "../../core/replay/run.ts";
import { record } from "../conformance/samples.ts";

const timestamp = new Date(0);
const timer = { instanceId: "i", kind: "timer", timerId: 2, dueAtMs: 0 } as const;
const fired: Message = {
  kind: "event",
  event: { type: "TimerFired", eventId: -1, timestamp, fireAt: timestamp, timerId: 2 },
  timer,
};
const ended = (result: string): Message => ({
  kind: "event",
  event: { type: "TaskCompleted", eventId: -1, timestamp, taskScheduledId: 1, result },
});

it("a turn takes one outcome of an activity, and one firing of a timer", () => {
  const live = new LiveInstance("i");
  live.load({ record: record("i", { isBusy: true }), lastUpdatedAtMs: 0, turnCount: 1, eventCount: 4, inbox: [] });
  live.run = {} as OrchestratorRun;
  live.openTasks.add(1);
  live.openTimers.set(2, 0);
  live.inbox = [ended("1"), fired, ended("2"), { ...fired }].map((message) => ({ ...message }));
  const options = { host: { now: () => 0 }, versioning: {} };
  const ports = { group: new Group(), options, ensurePast: () => true };
  const turn = admit(live, ports as unknown as EnginePorts);
  expect(turn?.messages).toEqual([
    { ...ended("1"), isTaken: true },
    { ...fired, isTaken: true },
  ]);
});

it("of what was kept for another hub the turn of a termination takes one outcome of each", () => {
  const live = new LiveInstance("i");
  live.load({ record: record("i", { version: "2" }), lastUpdatedAtMs: 0, turnCount: 1, eventCount: 4, inbox: [] });
  const terminated: Message = {
    kind: "event",
    event: { type: "ExecutionTerminated", eventId: -1, timestamp, recurse: false },
  };
  live.inbox = [ended("1"), fired, ended("2"), fired, terminated].map((message) => ({ ...message }));
  let sequence = 0;
  const ports = {
    group: new Group(),
    options: { host: { now: () => 0 }, versioning: { version: "1", match: "strict" } },
    nextSequence: () => ++sequence,
    ensurePast: () => {
      live.openTasks.add(1);
      live.openTimers.set(2, 0);
      return true;
    },
  };
  const turn = admit(live, ports as unknown as EnginePorts);
  expect(turn?.messages).toMatchObject([ended("1"), fired, terminated]);
});
