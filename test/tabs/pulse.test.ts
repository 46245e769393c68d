import { describe, expect, it } from "vitest";
import { PATIENCE_SPREAD_MS } from "../../adapters/indexeddb/tabs/bounds.ts";
import { Pulse } from "../../adapters/indexeddb/tabs/pulse.ts";

/** How long after the last sign of the leader a follower takes the lead, when it looks around at these instants; and when it asked before. */
function silence(looksAtMs: Iterable<number>, spreadMs: number): { askedMs: number; takenMs: number } {
  const pulse = new Pulse(0, spreadMs);
  let askedMs = Number.NaN;
  for (const atMs of looksAtMs) {
    const next = pulse.look(atMs);
    if (next === "ask") askedMs = atMs;
    if (next === "takeLead") return { askedMs, takenMs: atMs };
  }
  throw new Error("It never took the lead.");
}

function* every(intervalMs: number, firstMs: number): Generator<number> {
  for (let atMs = firstMs; ; atMs += intervalMs) yield atMs;
}

describe("a leader that says nothing", () => {
  it.each([
    ["visible, looks twice a second", 500],
    ["hidden, looks once a second", 1_000],
  ])("is replaced within five seconds by a tab that is %s", (_, intervalMs) => {
    for (let firstMs = 0; firstMs < intervalMs; firstMs += 50) {
      for (const spreadMs of [0, PATIENCE_SPREAD_MS - 1]) {
        const { takenMs } = silence(every(intervalMs, firstMs), spreadMs);
        expect(takenMs).toBeLessThan(5_000);
      }
    }
  });

  it("is asked, and given two more looks to answer, however late they come", () => {
    expect(silence([60_000, 120_000, 180_000], 0)).toEqual({ askedMs: 60_000, takenMs: 180_000 });
  });

  it("is not given up when it answers, or when a look before the answer is late", () => {
    const pulse = new Pulse(0, 0);
    expect(pulse.look(60_000)).toBe("ask");
    expect(pulse.look(120_000)).toBe("wait");
    pulse.sign(120_001);
    expect(pulse.look(121_000)).toBe("wait");
    expect(pulse.look(121_501)).toBe("ask");
  });
});
