/** Resets and purges: what they drop and what they leave. */
import { expect } from "vitest";
import type { InstanceChange } from "../../core/store/contract.ts";
import { fullRecord, message, record, timer, turn } from "./samples.ts";
import type { Cases } from "./subject.ts";

export const DROPS: Cases = {
  "a reset drops the history and the timers, and leaves the record and the inbox": async (hub) => {
    const kept = fullRecord("a");
    await hub.commit({
      instanceId: "a",
      atMs: 1_000,
      record: kept,
      firstTurn: 0,
      turns: [turn(1_000, "one"), turn(1_000, "two")],
      timersAdded: [timer("a", 1, 5_000)],
      inboxAdded: [message(1, "go")],
    });
    await hub.commit({ instanceId: "a", atMs: 2_000, isReset: true });
    expect(await hub.session.history("a")).toEqual([]);
    expect(await hub.session.dueTimers(9_000, 10)).toEqual([]);
    expect(await hub.session.load("a")).toEqual({
      record: kept,
      lastUpdatedAtMs: 2_000,
      turnCount: 0,
      eventCount: 0,
      inbox: [message(1, "go")],
    });
  },

  "a reset with a new generation beside it leaves only the new one": async (hub) => {
    await hub.commit({
      instanceId: "a",
      atMs: 1_000,
      record: record("a"),
      firstTurn: 0,
      turns: [turn(1_000, "one"), turn(1_000, "two")],
      timersAdded: [timer("a", 1, 5_000)],
    });
    const next = record("a", { executionId: "a-2", createdAtMs: 1_500 });
    await hub.commit({
      instanceId: "a",
      atMs: 2_000,
      isReset: true,
      record: next,
      firstTurn: 0,
      turns: [turn(2_000, "new")],
      timersAdded: [timer("a", 1, 6_000)],
    });
    expect(await hub.session.history("a")).toEqual(turn(2_000, "new"));
    expect(await hub.session.load("a")).toMatchObject({
      record: next,
      turnCount: 1,
      eventCount: 2,
      lastUpdatedAtMs: 2_000,
    });
    expect(await hub.session.dueTimers(9_000, 10)).toEqual([timer("a", 1, 6_000)]);
  },

  "a purge drops everything of the instance and nothing else": async (hub) => {
    const everything = (instanceId: string): InstanceChange => ({
      instanceId,
      atMs: 1_000,
      record: fullRecord(instanceId),
      firstTurn: 0,
      turns: [turn(1_000, "one"), turn(1_000, "two")],
      timersAdded: [timer(instanceId, 1, 5_000), timer(instanceId, 0, 4_000, "start")],
      inboxAdded: [message(1, "go")],
    });
    await hub.commit(everything("b"), everything("bb"));
    const before = await hub.view(["b", "bb"]);
    await hub.commit(everything("a"));
    await hub.commit({ instanceId: "a", atMs: 2_000, isPurge: true });
    expect(await hub.session.load("a")).toBeUndefined();
    expect(await hub.session.history("a")).toEqual([]);
    expect(await hub.view(["b", "bb"])).toEqual(before);
    await hub.commit({ instanceId: "a", atMs: 3_000, record: record("a"), firstTurn: 0, turns: [turn(3_000, "new")] });
    expect(await hub.session.load("a")).toEqual({
      record: record("a"),
      lastUpdatedAtMs: 3_000,
      turnCount: 1,
      eventCount: 2,
      inbox: [],
    });
  },

  "a purge with a record beside it replaces the instance": async (hub) => {
    await hub.commit({
      instanceId: "a",
      atMs: 1_000,
      record: fullRecord("a"),
      firstTurn: 0,
      turns: [turn(1_000, "one")],
      inboxAdded: [message(1, "go")],
      timersAdded: [timer("a", 1, 5_000)],
    });
    await hub.commit({
      instanceId: "a",
      atMs: 2_000,
      isPurge: true,
      record: record("a"),
      firstTurn: 0,
      turns: [turn(2_000, "new")],
      inboxAdded: [message(2, "on")],
    });
    expect(await hub.session.load("a")).toEqual({
      record: record("a"),
      lastUpdatedAtMs: 2_000,
      turnCount: 1,
      eventCount: 2,
      inbox: [message(2, "on")],
    });
    expect(await hub.session.history("a")).toEqual(turn(2_000, "new"));
    expect(await hub.session.nextTimerAtMs()).toBeUndefined();
  },

  "what is made anew after a purge has nothing of what was there, though clocks have gone back": async (hub) => {
    await hub.commit({ instanceId: "a", atMs: 5_000, record: record("a"), inboxAdded: [message(1, "go")] });
    await hub.commit({ instanceId: "a", atMs: 6_000, isPurge: true });
    await hub.commit({ instanceId: "a", atMs: 1_000, record: record("a") });
    expect(await hub.session.load("a")).toEqual({
      record: record("a"),
      lastUpdatedAtMs: 1_000,
      turnCount: 0,
      eventCount: 0,
      inbox: [],
    });
  },

  "a purge or reset of what is not there changes nothing": async (hub) => {
    await hub.commit({ instanceId: "b", atMs: 1_000, record: record("b"), firstTurn: 0, turns: [turn(1_000, "one")] });
    const before = await hub.view();
    await hub.commit({ instanceId: "a", atMs: 2_000, isPurge: true });
    await hub.commit({ instanceId: "c", atMs: 2_000, isPurge: true });
    expect(await hub.view()).toEqual(before);
  },
};
