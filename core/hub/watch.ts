/** Streams of states, pushed by the commits that changed them. */
import type { OrchestrationQuery, OrchestrationState } from "../client/client.ts";
import { InstanceNotFoundError } from "../errors.ts";
import { checkInstanceId } from "../identity.ts";
import { stoppable } from "../stoppable.ts";
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
  #isOver = false;
  #wake: (() => void) | undefined;

  changed(record: InstanceRecord | undefined, lastUpdatedAtMs: number): boolean {
    if (record) this.#changes.push({ record, lastUpdatedAtMs });
    else this.#isOver = true;
    if (this.#changes.length > BACKLOG_MAX) this.#changes.shift();
    this.#wake?.();
    return false;
  }
  closed(error: Error): void {
    this.#error = error;
    this.#wake?.();
  }
  /** The consumer wants no more. */
  stop(): void {
    this.#isOver = true;
    this.#wake?.();
  }
  /** The next change; `undefined` when the instance has been purged or the consumer has stopped. Rejects when the hub closes. */
  async next(): Promise<ListedInstance | undefined> {
    for (;;) {
      const change = this.#changes.shift();
      if (change) return change;
      if (this.#error) throw this.#error;
      if (this.#isOver) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }
}

/** The states of one instance, from now to its end or until the consumer stops. @throws InstanceNotFoundError */
export function watchOne<TOutput>(
  engine: ClientPorts,
  id: string,
): AsyncGenerator<OrchestrationState<TOutput>, void, undefined> {
  const changes = new ChangeStream();
  return stoppable(statesOfOne(engine, id, changes), () => changes.stop());
}

async function* statesOfOne<TOutput>(
  engine: ClientPorts,
  id: string,
  changes: ChangeStream,
): AsyncGenerator<OrchestrationState<TOutput>, void, undefined> {
  engine.checkOpen();
  checkInstanceId(id);
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
export function watchMany(
  engine: ClientPorts,
  query: OrchestrationQuery,
): AsyncGenerator<OrchestrationState, void, undefined> {
  const changes = new ChangeStream();
  return stoppable(statesOfMany(engine, query, changes), () => changes.stop());
}

async function* statesOfMany(
  engine: ClientPorts,
  query: OrchestrationQuery,
  changes: ChangeStream,
): AsyncGenerator<OrchestrationState, void, undefined> {
  engine.checkOpen();
  const filter = filterOf(query);
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
