/** The alarm of an object, on a clock of the test's own. */
import { beforeEach, describe, expect, test } from "vitest";
import { HANDLER_RETRY_MS, NEAR_TIMER_MS, ObjectAlarm, WATCHDOG_MS } from "../../worker/object-alarm.ts";

/** An object at rest: a clock that stands, timers that the test fires, and a storage that keeps one alarm. */
class FakeObject {
  now = 1_000_000;
  stored: number | null = null;
  readonly written: number[] = [];
  readonly timers: Set<() => void> = new Set();
  readonly held: Promise<void>[] = [];
  readonly failures: string[] = [];
  setAlarmFails = false;

  readonly alarm: ObjectAlarm = new ObjectAlarm({
    now: () => this.now,
    getAlarm: async () => this.stored,
    setAlarm: async (atMs) => {
      if (this.setAlarmFails) throw new Error("no alarm");
      this.written.push(atMs);
      this.stored = atMs;
    },
    delay: (delayMs, callback) => {
      const due = this.now + delayMs;
      const timer = (): void => {
        if (this.now >= due) {
          this.timers.delete(timer);
          callback();
        }
      };
      this.timers.add(timer);
      return () => this.timers.delete(timer);
    },
    waitUntil: (promise) => this.held.push(promise),
    failed: (what) => this.failures.push(what),
  });

  /** Lets the stored alarm go off as the runtime does: it is gone while its handler runs. */
  async goOff(open: () => Promise<unknown> = async () => {}): Promise<void> {
    const scheduled = this.stored ?? this.now;
    this.stored = null;
    await this.alarm.goOff(scheduled, open);
  }
}

let object: FakeObject;
let wakes: number;
const wake = (): void => void wakes++;
beforeEach(() => {
  object = new FakeObject();
  wakes = 0;
});

describe("the alarm", () => {
  test("is set for what is due next, and only when that comes earlier", () => {
    object.alarm.wakeAt(object.now + 60_000, wake);
    object.alarm.wakeAt(object.now + 90_000, wake);
    object.alarm.wakeAt(object.now + 60_000, wake);
    object.alarm.wakeAt(object.now + 30_000, wake);
    object.alarm.wakeAt(undefined, wake);
    expect(object.written).toEqual([object.now + 60_000, object.now + 30_000]);
  });

  test("that was stored before the object was loaded is not written again", async () => {
    object.stored = object.now + 60_000;
    await object.alarm.prepare();
    object.alarm.wakeAt(object.now + 60_000, wake);
    expect(object.written).toEqual([]);
    object.alarm.wakeAt(object.now + 59_999, wake);
    expect(object.written).toEqual([object.now + 59_999]);
  });

  test("wakes the hub when it is time, and sleeps when nothing is left", async () => {
    object.alarm.wakeAt(object.now + 60_000, wake);
    object.now += 60_000;
    await object.goOff();
    expect([wakes, object.stored]).toEqual([1, null]);
  });

  test("that goes off early is set again for the time", async () => {
    const dueAtMs = object.now + 60_000;
    object.alarm.wakeAt(dueAtMs, wake);
    object.now += 10_000;
    await object.goOff();
    expect([wakes, object.stored]).toEqual([0, dueAtMs + 1]);
    object.now = dueAtMs + 1;
    await object.goOff();
    expect(wakes).toBe(1);
  });

  test("is never set at or before the one that goes off", async () => {
    object.alarm.wakeAt(object.now + 5, wake);
    object.now += 5;
    const scheduled = object.now;
    const again = (): void => object.alarm.wakeAt(scheduled, wake);
    object.alarm.wakeAt(scheduled, again);
    await object.goOff();
    expect(object.stored).toBe(scheduled + 1);
  });

  test("is set in whole milliseconds, never before the instant", () => {
    object.alarm.wakeAt(object.now + 0.25, wake);
    expect(object.written).toEqual([object.now + 1]);
  });

  test("finds what the opening of the hub finds due", async () => {
    object.stored = object.now;
    await object.goOff(async () => object.alarm.wakeAt(object.now - 1, wake));
    expect(wakes).toBe(1);
  });

  test("survives a hub that cannot be opened, and tries again later", async () => {
    object.stored = object.now;
    await object.goOff(() => Promise.reject(new Error("no")));
    expect([object.stored, object.failures.length]).toEqual([object.now + HANDLER_RETRY_MS, 1]);
  });

  test("survives a hub that throws when it is woken", async () => {
    object.alarm.wakeAt(object.now + NEAR_TIMER_MS, () => {
      throw new Error("no");
    });
    object.now += NEAR_TIMER_MS;
    await object.goOff();
    expect([object.stored, object.failures.length]).toEqual([object.now + HANDLER_RETRY_MS, 1]);
  });

  test("that could not be set is told, and set with the next occasion", async () => {
    object.setAlarmFails = true;
    object.alarm.wakeAt(object.now + 60_000, wake);
    await Promise.resolve();
    await Promise.resolve();
    object.setAlarmFails = false;
    object.alarm.wakeAt(object.now + 60_000, wake);
    expect([object.failures.length, object.stored]).toEqual([1, object.now + 60_000]);
  });
});

describe("a timer in memory", () => {
  test("serves what is due soon, beside the alarm", () => {
    object.alarm.wakeAt(object.now + 20, wake);
    expect([object.timers.size, object.written.length]).toEqual([1, 1]);
    object.now += 20;
    for (const timer of object.timers) timer();
    expect(wakes).toBe(1);
  });

  test("and the alarm wake the hub once for one instant", async () => {
    object.alarm.wakeAt(object.now + 20, wake);
    object.now += 20;
    for (const timer of object.timers) timer();
    await object.goOff();
    expect(wakes).toBe(1);
  });

  test("is withdrawn when the instant changes", () => {
    object.alarm.wakeAt(object.now + 20, wake);
    object.alarm.wakeAt(object.now + 50, wake);
    expect(object.timers.size).toBe(1);
    object.alarm.wakeAt(undefined, wake);
    expect(object.timers.size).toBe(0);
  });

  test("does not keep the object in memory for what is due late", () => {
    object.alarm.wakeAt(object.now + NEAR_TIMER_MS, wake);
    expect(object.timers.size).toBe(0);
  });
});

describe("while work is open", () => {
  test("a watchdog is armed, once", () => {
    object.alarm.setWorking(true);
    object.now += 100;
    object.alarm.spanning(() => {});
    object.alarm.setWorking(true);
    expect(object.written).toEqual([object.now - 100 + WATCHDOG_MS]);
  });

  test("the watchdog comes back for as long as it stays open", async () => {
    object.alarm.setWorking(true);
    object.now += WATCHDOG_MS;
    await object.goOff();
    expect(object.stored).toBe(object.now + WATCHDOG_MS);
    object.alarm.setWorking(false);
    object.now += WATCHDOG_MS;
    await object.goOff();
    expect(object.stored).toBeNull();
  });

  test("a timer that is due sooner comes first, and the watchdog after it", async () => {
    object.alarm.setWorking(true);
    object.alarm.wakeAt(object.now + 1_000, wake);
    expect(object.stored).toBe(object.now + 1_000);
    object.now += 1_000;
    await object.goOff();
    expect([wakes, object.stored]).toEqual([1, object.now + WATCHDOG_MS]);
  });

  test("a turn that waits for the event loop is covered until it goes on", async () => {
    let proceeded = 0;
    const proceed = object.alarm.spanning(() => void proceeded++);
    object.now += WATCHDOG_MS;
    await object.goOff();
    expect(object.stored).toBe(object.now + WATCHDOG_MS);
    proceed();
    await object.goOff();
    expect([proceeded, object.stored]).toEqual([1, null]);
  });

  test("the object is kept in memory until activities have ended", async () => {
    object.alarm.setWorking(true);
    expect(object.held).toHaveLength(1);
    await object.goOff();
    expect(object.held).toHaveLength(2);
    // Each watchdog renews the hold, so that the runtime's bound on one hold does not count.
    await object.held[0];
    object.alarm.setWorking(false);
    await object.held[1];
  });

  test("a short start and end in a row write one alarm", () => {
    for (let i = 0; i < 10; i++) {
      object.alarm.setWorking(true);
      object.alarm.setWorking(false);
    }
    expect(object.written).toHaveLength(1);
  });
});
