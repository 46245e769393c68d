/** What follows a commit: clients see the new state, watchers and callers are told, activities and timers begin. */
import type { ActivityRunner } from "./activities.ts";
import type { Group } from "./group.ts";
import type { Instances } from "./instances.ts";
import type { LiveInstance } from "./live-instance.ts";
import { isFinal } from "./message.ts";
import type { Retention } from "./retention.ts";
import type { TimerWatch } from "./timer-watch.ts";
import type { Waiters } from "./waiters.ts";

export interface DeliveryPorts {
  readonly retention: Retention;
  readonly waiters: Waiters;
  readonly instances: Instances;
  readonly timers: TimerWatch;
  readonly activities: ActivityRunner;
  enqueue(live: LiveInstance): void;
  /** True once the hub takes nothing more. */
  isStopped(): boolean;
}

export function deliverGroup(group: Group, ports: DeliveryPorts): void {
  const { retention, waiters, instances, timers, activities } = ports;
  for (const draft of group.drafts.values()) {
    const { live } = draft;
    draft.end();
    ports.enqueue(live);
    if (draft.isOfKnown) {
      live.visible = draft.visible;
      live.visibleAtMs = draft.atMs;
    }
    const deletion = live.visible && retention.finished(live.visible);
    if (draft.timersAdded.length > 0 || deletion) timers.added([...draft.timersAdded, ...(deletion ?? [])]);
    if (draft.isNews && draft.isOfKnown) waiters.changed(live.instanceId, live.visible, draft.atMs);
    if (live.isDone) instances.ended(live);
  }
  group.tell();
  if (ports.isStopped()) return; // What follows is the newer hub's by now.
  activities.cancel(group.cancellations);
  for (const job of group.jobs) activities.start(job);
  for (const { timersDone, isNews } of group.drafts.values()) {
    if (timersDone.length === 0) continue;
    if (isNews) timers.removed(timersDone);
    else timers.passedOver(timersDone);
  }
}

/** What may have been committed without the hub having heard of it, as it has been read since. */
export function deliverReread(live: LiveInstance, ports: DeliveryPorts): void {
  const { waiters, retention, timers, instances, activities } = ports;
  const goesOn = live.visible && !isFinal(live.visible.status);
  activities.leave(live.instanceId, goesOn ? live.visible?.executionId : undefined);
  const deletion = live.visible && retention.finished(live.visible);
  if (deletion) timers.added(deletion);
  waiters.changed(live.instanceId, live.visible, live.visibleAtMs);
  if (live.isDone) instances.ended(live);
}
