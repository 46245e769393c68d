import { describe, expect, it } from "vitest";
import { attentive, oneAlarm } from "../../core/hub/host.ts";
import { ALARM_LOOK_MS } from "../../core/limits.ts";
import { VirtualHost } from "../../core/testing/virtual-host.ts";

const DAY_MS = 86_400_000;

describe("the alarm of a system host", () => {
  /** A machine whose clock may be off what its timers have counted. */
  function machine() {
    const timers = new VirtualHost(0);
    let offsetMs = 0;
    const now = (): number => timers.now() + offsetMs;
    const wakeAt = oneAlarm(attentive(timers.delay.bind(timers)), now);
    return {
      wakeAt,
      now,
      jump: (ms: number) => {
        offsetMs += ms;
      },
      run: (ms: number) => {
        const untilMs = timers.now() + ms;
        for (let atMs = timers.nextAtMs(); atMs !== undefined && atMs <= untilMs; atMs = timers.nextAtMs()) {
          timers.moveTo(atMs);
          timers.fireOne();
        }
        timers.moveTo(untilMs);
      },
    };
  }

  it("rings soon after a sleep in which its timers stood still", () => {
    const { wakeAt, jump, run } = machine();
    let ringCount = 0;
    wakeAt(7 * DAY_MS, () => ringCount++);
    run(1_000);
    jump(8 * DAY_MS);
    run(ALARM_LOOK_MS);
    expect(ringCount).toBe(1);
  });

  it("is never early, when the clock is set back", () => {
    const { wakeAt, now, jump, run } = machine();
    const rings: number[] = [];
    wakeAt(DAY_MS, () => rings.push(now()));
    jump(-3_600_000);
    run(DAY_MS);
    expect(rings).toEqual([]);
    run(3_600_000);
    expect(rings).toEqual([DAY_MS]);
  });

  it("looks at the clock no more often than it must", () => {
    let lookCount = 0;
    const timers = new VirtualHost(0);
    const delay = attentive((delayMs, callback) => {
      lookCount++;
      return timers.delay(delayMs, callback);
    });
    const wakeAt = oneAlarm(delay, () => timers.now());
    wakeAt(ALARM_LOOK_MS * 3 + 1, () => {});
    for (let atMs = timers.nextAtMs(); atMs !== undefined; atMs = timers.nextAtMs()) {
      timers.moveTo(atMs);
      timers.fireOne();
    }
    expect(lookCount).toBe(4);
  });
});
