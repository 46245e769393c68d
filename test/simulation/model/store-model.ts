/** The model of a store that the conformance suite uses, with one thing more: timers of an instance of which nothing else is left. */
import type { InstanceChange, StoredTimer } from "../../../core/store/contract.ts";
import { HubModel, timerKey } from "../../conformance/hub-model.ts";

export class StoreModel extends HubModel {
  readonly #orphans = new Map<string, readonly StoredTimer[]>();

  override apply(change: InstanceChange): void {
    const { instanceId, isPurge, isReset, timersRemoved = [], timersAdded = [] } = change;
    const isThere = this.instances.has(instanceId);
    const orphans = this.#orphans.get(instanceId) ?? [];
    const before = this.get(instanceId).timers;
    super.apply(change);
    const after = this.instances.get(instanceId);
    if (after && !isThere && !isPurge && !isReset) after.timers.unshift(...without(orphans, timersRemoved));
    this.#orphans.delete(instanceId);
    if (after || isPurge || isReset) return;
    const left = [...without([...orphans, ...before], timersRemoved), ...timersAdded];
    if (left.length > 0) this.#orphans.set(instanceId, left);
  }

  override timers(): StoredTimer[] {
    const all = [...super.timers(), ...[...this.#orphans.values()].flat()];
    return all.sort((a, b) => a.dueAtMs - b.dueAtMs || compare(placeOf(a), placeOf(b)) || a.timerId - b.timerId);
  }
}

function without(timers: readonly StoredTimer[], removed: readonly StoredTimer[]): readonly StoredTimer[] {
  const keys = new Set(removed.map(timerKey));
  return timers.filter((timer) => !keys.has(timerKey(timer)));
}

function placeOf({ instanceId, kind }: StoredTimer): string {
  return `${instanceId}\u0000${kind}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
