/** The host of a hub that lives in a Durable Object: the platform's event loop, and the object's alarm for what must outlive it. */
import { type Host, systemHost } from "../core/hub/host.ts";
import type { ObjectAlarm } from "./object-alarm.ts";

/**
 * How long turns that follow each other keep the event loop to themselves, in ms. workerd looks for requests and answers only when nothing else is
 * ready, and with code that waits for microtasks every turn takes the disk's time for a commit.
 */
export const IO_PATIENCE_MS = 50;

/** See `Host`. Turns that wait for the event loop are covered by the alarm's watchdog: other events, and the end of the object, may come between. */
export function objectHost(alarm: ObjectAlarm, system: Host = systemHost()): Host {
  let ioAtMs = Number.NEGATIVE_INFINITY;
  let askedAtMs = ioAtMs;
  const afterIo = (callback: () => void): void => {
    system.afterIo(
      alarm.spanning(() => {
        ioAtMs = system.now();
        callback();
      }),
    );
  };
  return {
    ...system,
    afterMicrotasks(callback) {
      const nowMs = system.now();
      // After a rest the event loop has seen to its I/O by itself.
      if (nowMs - askedAtMs > IO_PATIENCE_MS) ioAtMs = nowMs;
      askedAtMs = nowMs;
      if (nowMs - ioAtMs > IO_PATIENCE_MS) afterIo(callback);
      else system.afterMicrotasks(alarm.spanning(callback));
    },
    afterIo,
    wakeAt: (dueAtMs, wake) => alarm.wakeAt(dueAtMs, wake),
    working: (isWorking) => alarm.setWorking(isWorking),
  };
}
