/** Timers in one group commit: what is stored of them, and what counts as done with. */
import { describe, expect, it } from "vitest";
import { Group } from "../../core/hub/group.ts";
import { LiveInstance } from "../../core/hub/live-instance.ts";
import type { StoredTimer } from "../../core/store/contract.ts";

const timer: StoredTimer = { instanceId: "one", kind: "timer", timerId: 1, dueAtMs: 5 };

describe("a timer that is added and removed in one group", () => {
  it("is not stored, and counts as done with: an earlier generation may have had one of its id and instant handed out", () => {
    const draft = new Group().draft(new LiveInstance("one"), 0);
    draft.addTimer(timer);
    draft.removeTimer(timer);
    expect(draft.timersDone).toEqual([timer]);
    expect(draft.change()).toBeUndefined();
  });

  it("leaves one of an earlier group to be removed", () => {
    const draft = new Group().draft(new LiveInstance("one"), 0);
    draft.removeTimer(timer);
    expect(draft.timersDone).toEqual([timer]);
    expect(draft.change()?.timersRemoved).toEqual([timer]);
  });
});
