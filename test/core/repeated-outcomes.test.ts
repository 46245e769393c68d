/** Outcomes that come twice for one turn. */
import { expect, it } from "vitest";
import { admit } from "../../core/hub/admission.ts";
import type { EnginePorts } from "../../core/hub/engine-ports.ts";
import { Group } from "../../core/hub/group.ts";
import { LiveInstance } from "../../core/hub/live-instance.ts";
import type { Message } from "../../core/hub/message.ts";
import type { OrchestratorRun } from "../../core/replay/run.ts";
import { record } from "../conformance/samples.ts";

it("a turn takes one outcome of an activity, and one firing of a timer", () => {
  const timestamp = new Date(0);
  const live = new LiveInstance("i");
  live.load({ record: record("i", { isBusy: true }), lastUpdatedAtMs: 0, turnCount: 1, eventCount: 4, inbox: [] });
  live.run = {} as OrchestratorRun;
  live.openTasks.add(1);
  live.openTimers.set(2, 0);
  const ended = (result: string): Message => ({
    kind: "event",
    event: { type: "TaskCompleted", eventId: -1, timestamp, taskScheduledId: 1, result },
  });
  const timer = { instanceId: "i", kind: "timer", timerId: 2, dueAtMs: 0 } as const;
  const fired: Message = {
    kind: "event",
    event: { type: "TimerFired", eventId: -1, timestamp, fireAt: timestamp, timerId: 2 },
    timer,
  };
  live.inbox = [ended("1"), fired, ended("2"), { ...fired }];
  const options = { host: { now: () => 0 }, versioning: {} };
  const ports = { group: new Group(), options, ensurePast: () => true };
  const turn = admit(live, ports as unknown as EnginePorts);
  expect(turn?.messages).toEqual([
    { ...ended("1"), isTaken: true },
    { ...fired, isTaken: true },
  ]);
});
