/** Durable timers. */
import { expect } from "vitest";
import { record, timer, turn } from "./samples.ts";
import type { Cases } from "./subject.ts";

export const TIMERS: Cases = {
  "due timers come earliest first, then by instance, kind and number": async (hub) => {
    const sorted = [
      timer("b", 9, 1_000),
      timer("a", 0, 2_000, "start"),
      timer("a", 2, 2_000),
      timer("a", 10, 2_000),
      timer("b", 0, 2_000, "start"),
      timer("b", 1, 2_000),
      timer("a", 1, 10_000),
    ];
    const of = (id: string) => sorted.filter(({ instanceId }) => instanceId === id).reverse();
    await hub.commit(
      { instanceId: "b", atMs: 100, record: record("b"), timersAdded: of("b") },
      { instanceId: "a", atMs: 100, record: record("a"), timersAdded: of("a") },
    );
    expect(await hub.session.dueTimers(10_000, 100)).toEqual(sorted);
    expect(await hub.session.dueTimers(10_000, 3)).toEqual(sorted.slice(0, 3));
  },

  "a timer is due at its instant and not before": async (hub) => {
    await hub.commit({
      instanceId: "a",
      atMs: 100,
      record: record("a"),
      timersAdded: [timer("a", 1, 5_000), timer("a", 2, -5)],
    });
    expect(await hub.session.nextTimerAtMs()).toBe(-5);
    expect(await hub.session.dueTimers(-6, 10)).toEqual([]);
    expect(await hub.session.dueTimers(4_999, 10)).toEqual([timer("a", 2, -5)]);
    expect(await hub.session.dueTimers(5_000, 10)).toEqual([timer("a", 2, -5), timer("a", 1, 5_000)]);
  },

  "timers stay until they are removed, however often they are read": async (hub) => {
    await hub.commit({
      instanceId: "a",
      atMs: 100,
      record: record("a"),
      timersAdded: [timer("a", 1, 1_000), timer("a", 2, 2_000)],
    });
    for (let round = 0; round < 2; round++) expect(await hub.session.dueTimers(3_000, 10)).toHaveLength(2);
    await hub.commit({ instanceId: "a", atMs: 100, timersRemoved: [timer("a", 1, 1_000)] });
    expect(await hub.session.dueTimers(3_000, 10)).toEqual([timer("a", 2, 2_000)]);
    expect(await hub.session.nextTimerAtMs()).toBe(2_000);
    await hub.commit({ instanceId: "a", atMs: 100, timersRemoved: [timer("a", 2, 2_000), timer("a", 7, 7_000)] });
    expect(await hub.session.nextTimerAtMs()).toBeUndefined();
  },

  "removing one timer leaves those of the same number of another kind or instance": async (hub) => {
    const timers = [timer("a", 1, 1_000), timer("a", 1, 1_000, "start"), timer("b", 1, 1_000)];
    await hub.commit(
      { instanceId: "a", atMs: 100, record: record("a"), timersAdded: timers.slice(0, 2) },
      { instanceId: "b", atMs: 100, record: record("b"), timersAdded: timers.slice(2) },
    );
    await hub.commit({ instanceId: "a", atMs: 100, timersRemoved: [timer("a", 1, 1_000)] });
    expect(await hub.session.dueTimers(1_000, 10)).toEqual([timer("a", 1, 1_000, "start"), timer("b", 1, 1_000)]);
  },

  "a timer that is removed and added again in one change has moved": async (hub) => {
    const beside = [timer("a", 1, 2_000, "start"), timer("a", 2, 2_000)];
    const change = { instanceId: "a", atMs: 100, record: record("a") };
    await hub.commit({ ...change, timersAdded: [timer("a", 1, 1_000), ...beside] });
    for (const [from, to] of [
      [1_000, 500],
      [500, 6_000],
      [6_000, 6_000],
    ] as const) {
      const moved = { timersRemoved: [timer("a", 1, from)], timersAdded: [timer("a", 1, to)] };
      await hub.commit({ instanceId: "a", atMs: 200, ...moved });
      const left = to < 2_000 ? [timer("a", 1, to), ...beside] : [...beside, timer("a", 1, to)];
      expect(await hub.session.dueTimers(9_000, 10)).toEqual(left);
    }
  },

  "the latest instant that there is can be waited for": async (hub) => {
    const latest = timer("a", 1, 8_640_000_000_000_000);
    await hub.commit({ instanceId: "a", atMs: 100, record: record("a"), timersAdded: [latest] });
    expect(await hub.session.dueTimers(8_640_000_000_000_000, 10)).toEqual([latest]);
  },

  "a reset drops every timer of the instance, however it was added, and no other": async (hub) => {
    await hub.commit(
      { instanceId: "a", atMs: 100, record: record("a"), timersAdded: [timer("a", 0, 1_000, "start")] },
      {
        instanceId: "b",
        atMs: 100,
        record: record("b"),
        timersAdded: [timer("b", 1, 1_000), timer("b", 0, 1_000, "start")],
      },
    );
    await hub.commit({
      instanceId: "a",
      atMs: 200,
      firstTurn: 0,
      turns: [turn(200, "one"), turn(200, "two")],
      timersAdded: [timer("a", 1, 1_000), timer("a", 2, 3_000)],
    });
    await hub.commit({ instanceId: "a", atMs: 300, timersAdded: [timer("a", 3, 500)] });
    await hub.commit({
      instanceId: "a",
      atMs: 400,
      firstTurn: 2,
      turns: [turn(400, "three")],
      timersRemoved: [timer("a", 1, 1_000)],
      timersAdded: [timer("a", 4, 4_000)],
    });
    await hub.commit({
      instanceId: "b",
      atMs: 400,
      firstTurn: 0,
      turns: [turn(400, "one")],
      timersAdded: [timer("b", 2, 4_000)],
    });
    await hub.reopen();
    await hub.commit({ instanceId: "a", atMs: 500, isReset: true, firstTurn: 0, turns: [turn(500, "new")] });
    expect(await hub.session.dueTimers(9_000, 10)).toEqual([
      timer("b", 0, 1_000, "start"),
      timer("b", 1, 1_000),
      timer("b", 2, 4_000),
    ]);
    expect(await hub.session.nextTimerAtMs()).toBe(1_000);
  },

  "many timers are read in pages": async (hub) => {
    const timers = Array.from({ length: 500 }, (_, index) => timer("a", index, 1_000 + ((index * 7) % 500)));
    await hub.commit({
      instanceId: "a",
      atMs: 100,
      record: record("a"),
      firstTurn: 0,
      turns: [turn(100, "one")],
      timersAdded: timers,
    });
    const read: number[] = [];
    for (;;) {
      const due = await hub.session.dueTimers(2_000, 64);
      if (due.length === 0) break;
      read.push(...due.map(({ dueAtMs }) => dueAtMs));
      await hub.commit({ instanceId: "a", atMs: 200, timersRemoved: due });
    }
    expect(read).toEqual(timers.map(({ dueAtMs }) => dueAtMs).sort((a, b) => a - b));
  },
};
