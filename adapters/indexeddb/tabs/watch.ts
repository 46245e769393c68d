/**
 * A tab's side of a watch. It outlives leaders: with a new one it begins again, and passes on only what the consumer has not seen.
 *
 * H1. A state that is as the last one the consumer saw of the instance is not given again, for as many instances as are remembered.
 * H2. The watch of one instance ends after its final state, or when the instance is gone; whoever leads then.
 */
import { InstanceNotFoundError } from "../../../core/errors.ts";
import { isFinal } from "../../../core/hub/message.ts";
import { stoppable } from "../../../core/stoppable.ts";
import { WATCH_SEEN_MAX } from "./bounds.ts";
import type { Outbox } from "./outbox.ts";
import type { WatchTarget } from "./protocol.ts";
import type { WireState } from "./wire.ts";

export interface WatchPorts {
  readonly outbox: Outbox;
  newId(): string;
}

/** The states of what is watched, until the end or until the consumer stops. */
export function watch(target: WatchTarget, ports: WatchPorts): AsyncGenerator<WireState, void, undefined> {
  const stopped = new AbortController();
  return stoppable(statesOf(target, ports, stopped.signal), () => stopped.abort());
}

async function* statesOf(
  target: WatchTarget,
  { outbox, newId }: WatchPorts,
  stopped: AbortSignal,
): AsyncGenerator<WireState, void, undefined> {
  let id = newId();
  let received = 0;
  const seen = new Map<string, string>();
  try {
    for (;;) {
      const batch = await next(id, received, seen.size > 0);
      if (!batch) return;
      if (batch.kind === "restart") {
        id = newId();
        received = 0;
        continue;
      }
      received += batch.states.length;
      for (const state of batch.states) {
        if (!isNew(state, seen)) continue;
        yield state;
        if (target.kind === "one" && isFinal(state.runtimeStatus)) return;
      }
      if (batch.isEnd) return;
    }
  } finally {
    // Nobody waits for this; if it is lost the leader forgets the watch with the tab.
    outbox.call("unwatch", { watch: id }).catch(() => {});
  }

  async function next(watchId: string, count: number, hasBegun: boolean) {
    try {
      return await outbox.call("watchNext", { watch: watchId, target, received: count }, stopped);
    } catch (error) {
      if (stopped.aborted) return undefined;
      // It was there, and was purged while another leader took over.
      if (target.kind === "one" && hasBegun && error instanceof InstanceNotFoundError) return undefined;
      throw error;
    }
  }
}

/** Notes the state as the last one of its instance; false when it was. */
function isNew(state: WireState, seen: Map<string, string>): boolean {
  const { instanceId } = state;
  const mark = markOf(state);
  const before = seen.get(instanceId);
  // What was seen last comes last.
  seen.delete(instanceId);
  seen.set(instanceId, mark);
  for (const oldest of seen.keys()) {
    if (seen.size <= WATCH_SEEN_MAX) break;
    seen.delete(oldest);
  }
  return before !== mark;
}

/** What tells one state of an instance from the next. */
function markOf({ lastUpdatedAt, runtimeStatus, createdAt, payloads }: WireState): string {
  return `${lastUpdatedAt.getTime()} ${createdAt.getTime()} ${runtimeStatus} ${payloads.customStatus ?? ""}`;
}
