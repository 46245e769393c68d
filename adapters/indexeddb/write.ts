/**
 * Writing the changes of one commit: requests only, nothing is awaited.
 *
 * W1. All requests of a commit are issued at once, in order. Only what must know an older row waits for an answer: `touch`.
 */
import type { InstanceChange, InstanceRecord } from "../../core/store/contract.ts";
import { type HistoryKey, type InstanceRow, type StoreName, startingWith } from "./schema.ts";

/** A transaction to write in, for one hub. */
export interface Target {
  readonly store: (name: StoreName) => IDBObjectStore;
  readonly hub: number;
}

/**
 * Issues the requests of all changes.
 * @returns true when further requests will be issued as answers come in, so that the transaction must not be committed before.
 */
export function writeChanges(target: Target, changes: readonly InstanceChange[]): boolean {
  const touched = new Map<string, number>();
  for (const change of changes) {
    writeChange(target, change);
    if (!leavesItsInstant(change)) touched.set(change.instanceId, change.atMs);
  }
  for (const [instanceId, atMs] of touched) touch(target, instanceId, atMs);
  return touched.size > 0;
}

function writeChange(target: Target, change: InstanceChange): void {
  const { store, hub } = target;
  const { instanceId, atMs, record, entity, turns = [], firstTurn = 0 } = change;
  if (change.isPurge || change.isReset) {
    store("history").delete(startingWith(hub, instanceId));
    store("timers").delete(startingWith(hub, instanceId));
  }
  if (change.isPurge) {
    store("instances").delete([hub, instanceId]);
    store("entities").delete([hub, instanceId]);
    store("inbox").delete(startingWith(hub, instanceId));
  }
  if (record) store("instances").put(rowOf(hub, record, atMs), [hub, instanceId]);
  if (entity) store("entities").put({ entity, updatedAtMs: atMs }, [hub, instanceId]);
  else if (entity === null) store("entities").delete([hub, instanceId]);
  if (turns.length > 0) {
    const events = turns.flat();
    const key: HistoryKey = [hub, instanceId, firstTurn, turns.length, events.length, atMs];
    store("history").put(events, key);
  }
  for (const { kind, timerId } of change.timersRemoved ?? []) store("timers").delete([hub, instanceId, kind, timerId]);
  for (const timer of change.timersAdded ?? []) {
    store("timers").put({ ...timer, hub }, [hub, instanceId, timer.kind, timer.timerId]);
  }
  for (const sequence of change.inboxRemoved ?? []) store("inbox").delete([hub, instanceId, sequence]);
  for (const message of change.inboxAdded ?? []) {
    store("inbox").put({ message, atMs }, [hub, instanceId, message.sequence]);
  }
}

function rowOf(hub: number, record: InstanceRecord, updatedAtMs: number): InstanceRow {
  return { hub, record, updatedAtMs, ...(record.isBusy && { busy: hub }) };
}

/** True when a row tells afterwards when the change was. */
function leavesItsInstant({ isPurge, record, entity, turns = [], inboxAdded = [] }: InstanceChange): boolean {
  return (
    (isPurge ?? false) || record !== undefined || entity !== undefined || turns.length > 0 || inboxAdded.length > 0
  );
}

/** Notes the instant of a change that leaves no row of its own with the instance, when there is one. */
function touch({ store, hub }: Target, instanceId: string, atMs: number): void {
  const instances = store("instances");
  const request: IDBRequest<InstanceRow | undefined> = instances.get([hub, instanceId]);
  request.onsuccess = () => {
    const row = request.result;
    if (row && row.updatedAtMs < atMs) instances.put({ ...row, updatedAtMs: atMs }, [hub, instanceId]);
  };
}
