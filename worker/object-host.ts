/** The host of a hub that lives in a Durable Object: the platform's event loop, and the object's alarm for what must outlive it. */
import { type Host, systemHost } from "../core/hub/host.ts";
import type { ObjectAlarm } from "./object-alarm.ts";

/** See `Host`. Turns that wait for the event loop are covered by the alarm's watchdog: other events, and the end of the object, may come between. */
export function objectHost(alarm: ObjectAlarm): Host {
  const system = systemHost();
  return {
    ...system,
    afterMicrotasks: (callback) => system.afterMicrotasks(alarm.spanning(callback)),
    afterIo: (callback) => system.afterIo(alarm.spanning(callback)),
    wakeAt: (dueAtMs, wake) => alarm.wakeAt(dueAtMs, wake),
    working: (isWorking) => alarm.setWorking(isWorking),
  };
}
