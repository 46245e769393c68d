/** Streams of states, pushed by the commits that changed them. */
import type { OrchestrationQuery, OrchestrationState } from "../client/client.ts";
import { InstanceNotFoundError } from "../errors.ts";
import { checkInstanceId } from "../identity.ts";
import type { InstanceRecord, ListedInstance } from "../store/contract.ts";
import { matches } from "../store/memory.ts";
import type { ClientPorts } from "./engine-ports.ts";
import { isFinal } from "./message.ts";
import { filterOf } from "./pages.ts";
import { findInstance, listInstances, viewOf } from "./views.ts";
import type { Waiter } from "./waiters.ts";

/** States a consumer may lag behind; beyond it the oldest are dropped. */
const BACKLOG_MAX = 1_000;

/** Changes as they come, for one consumer. */
class ChangeStream implements Waiter {
  readonly #changes: ListedInstance[] = [];
  #error: Error | undefined;
  #isPurged = false;
  #wake: (() => void) | undefined;

  changed(record: InstanceRecord | undefined, lastUpdatedAtMs: number): boolean {
    if (record) this.#changes.push({ record, lastUpdatedAtMs });
    else this.#isPurged = true;
    if (this.#changes.length > BACKLOG_MAX) this.#changes.shift();
    this.#wake?.();
    return false;
  }
  closed(error: Error): void {
    this.#error = error;
    this.#wake?.();
  }
  /** The next change; `undefined` when the instance has been purged. Rejects when the hub closes. */
  async next(): Promise<ListedInstance | undefined> {
    for (;;) {
      const change = this.#changes.shift();
      if (change) return change;
      if (this.#error) throw this.#error;
      if (this.#isPurged) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }
}

/** The states of one instance, from now to its end. @throws InstanceNotFoundError */
export async function* watchOne<TOutput>(
  engine: ClientPorts,
  id: string,
): AsyncGenerator<OrchestrationState<TOutput>, void, undefined> {
  engine.checkOpen();
  checkInstanceId(id);
  const changes = new ChangeStream();
  engine.waiters.add(id, changes);
  try {
    const found = await findInstance(engine, id);
    if (!found) throw new InstanceNotFoundError(id);
    let seen: ListedInstance | undefined;
    for (let change: ListedInstance | undefined = found; change; change = await changes.next()) {
      if (seen && isSame(seen, change)) continue;
      seen = change;
      yield viewOf<TOutput>(engine, change.record, change.lastUpdatedAtMs);
      if (isFinal(change.record.status)) return;
    }
  } finally {
    engine.waiters.remove(id, changes);
  }
}

/** The states of all instances that fit: first those that exist, then every change, until the consumer stops. */
export async function* watchMany(
  engine: ClientPorts,
  query: OrchestrationQuery,
): AsyncGenerator<OrchestrationState, void, undefined> {
  engine.checkOpen();
  const filter = filterOf(query);
  const changes = new ChangeStream();
  engine.waiters.addForAll(changes);
  try {
    const listed = new Map<string, ListedInstance>();
    for await (const instance of listInstances(engine, query)) {
      listed.set(instance.record.instanceId, instance);
      yield viewOf(engine, instance.record, instance.lastUpdatedAtMs, query.fetchPayloads);
    }
    for (let change = await changes.next(); change; change = await changes.next()) {
      const seen = listed.get(change.record.instanceId);
      listed.delete(change.record.instanceId);
      const isOld = seen !== undefined && (isSame(seen, change) || change.lastUpdatedAtMs < seen.lastUpdatedAtMs);
      if (!isOld && matches(change.record, filter))
        yield viewOf(engine, change.record, change.lastUpdatedAtMs, query.fetchPayloads);
    }
  } finally {
    engine.waiters.removeForAll(changes);
  }
}

function isSame(a: ListedInstance, b: ListedInstance): boolean {
  return a.record === b.record && a.lastUpdatedAtMs === b.lastUpdatedAtMs;
}
