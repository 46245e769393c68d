import { expect, it } from "vitest";
import { type DueTimer, TimerWatch } from "../../core/hub/timer-watch.ts";
import { VirtualHost } from "../../core/testing/virtual-host.ts";

it("asks a moment later for timers that nobody knows although the store has them, and not at once", () => {
  const host = new VirtualHost(0);
  const timer: DueTimer = { instanceId: "i", kind: "timer", timerId: 1, dueAtMs: 0 };
  const stored = [timer];
  let questionCount = 0;
  const watch = new TimerWatch({
    host,
    dueTimers: () => {
      questionCount++;
      return stored.slice();
    },
    nextTimerAtMs: () => stored[0]?.dueAtMs,
    fire: (fired) => watch.passedOver([fired]),
    failed: () => {},
  });
  const run = (untilMs: number): void => {
    for (let atMs = host.nextAtMs(); atMs !== undefined && atMs <= untilMs; atMs = host.nextAtMs()) {
      host.moveTo(atMs);
      host.fireOne();
    }
  };
  watch.look();
  expect(questionCount).toBe(1);
  run(1_000);
  expect(questionCount).toBeGreaterThan(1);
  expect(questionCount).toBeLessThanOrEqual(11);
  // Whoever has written it has let it fire.
  stored.pop();
  run(2_000);
  const last = questionCount;
  run(10_000);
  expect(questionCount).toBe(last);
});

/** A watch over a store that answers what is due when the test says so. */
function watchOver() {
  const host = new VirtualHost(0);
  const answers: ((timers: DueTimer[]) => void)[] = [];
  const fired: DueTimer[] = [];
  const watch = new TimerWatch({
    host,
    dueTimers: () => new Promise((resolve) => answers.push(resolve)),
    nextTimerAtMs: async () => undefined,
    fire: (due) => fired.push(due),
    failed: () => {},
  });
  const answer = async (timers: DueTimer[]): Promise<void> => {
    answers.shift()?.(timers);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { host, watch, answer, fired };
}

it("looks again when an alarm rings while the store is being asked", async () => {
  const { host, watch, answer, fired } = watchOver();
  const timer: DueTimer = { instanceId: "i", kind: "timer", timerId: 1, dueAtMs: 10 };
  watch.look();
  // Committed, and due, before the store has answered what it was asked earlier.
  watch.added([timer]);
  host.moveTo(10);
  host.fireOne();
  await answer([]);
  await answer([timer]);
  expect(fired).toEqual([timer]);
});

it("does not use an answer that was asked for before a commit failed", async () => {
  const { watch, answer, fired } = watchOver();
  const timer: DueTimer = { instanceId: "i", kind: "timer", timerId: 1, dueAtMs: 0 };
  watch.look();
  // It has taken effect although it failed, and has removed the timer.
  watch.doubt();
  await answer([timer]);
  await answer([]);
  expect(fired).toEqual([]);
});
