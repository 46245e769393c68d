/** When the host of an object lets the event loop look after its I/O, on a clock of the test's own. */
import { expect, test } from "vitest";
import { systemHost } from "../../core/index.ts";
import { ObjectAlarm } from "../../worker/object-alarm.ts";
import { IO_PATIENCE_MS, objectHost } from "../../worker/object-host.ts";

/** Asks for turns, each so long after the one before; gives which of them let I/O in. */
function turns(...gapsMs: readonly number[]): readonly boolean[] {
  let nowMs = 1_000_000;
  const letIn: boolean[] = [];
  const now = (): number => nowMs;
  const alarm = new ObjectAlarm({
    now,
    getAlarm: async () => null,
    setAlarm: async () => {},
    delay: () => () => {},
    waitUntil: () => {},
    failed: () => {},
  });
  const way =
    (isIo: boolean) =>
    (callback: () => void): void => {
      letIn.push(isIo);
      callback();
    };
  const host = objectHost(alarm, { ...systemHost(), now, afterMicrotasks: way(false), afterIo: way(true) });
  for (const gapMs of gapsMs) {
    nowMs += gapMs;
    host.afterMicrotasks(() => {});
  }
  return letIn;
}

const HALF = IO_PATIENCE_MS / 2;

test("turns that follow each other let I/O in when they have had the event loop for long enough, and again after that", () => {
  expect(turns(0, HALF, HALF, 1, HALF, HALF, 1)).toEqual([false, false, false, true, false, false, true]);
});

test("turns after a rest do not wait for I/O", () => {
  expect(turns(0, IO_PATIENCE_MS + 1, 1, IO_PATIENCE_MS + 1)).toEqual([false, false, false, false]);
});
