/**
 * The model of a store that the conformance suite uses, with two things more: timers of an instance of which nothing else is left, and
 * which instants of a last update are right when clocks have gone back.
 */
import type { InstanceChange, StoredTimer } from "../../../core/store/contract.ts";
import { HubModel, timerKey } from "../../conformance/hub-model.ts";

/** Instants of what is left of an instance. */
interface Instants {
  /** Of its last change. */
  readonly lastMs: number;
  /** The latest of all its changes. */
  readonly latestMs: number;
  readonly turnMs: number;
  /** By sequence. */
  readonly messagesMs: ReadonlyMap<number, number>;
}

export class StoreModel extends HubModel {
  readonly #orphans = new Map<string, readonly StoredTimer[]>();
  readonly #instants = new Map<string, Instants>();

  override apply(change: InstanceChange): void {
    const { instanceId, isPurge, isReset, timersRemoved = [], timersAdded = [] } = change;
    const isThere = this.instances.has(instanceId);
    const orphans = this.#orphans.get(instanceId) ?? [];
    const before = this.get(instanceId).timers;
    super.apply(change);
    const after = this.instances.get(instanceId);
    if (after) this.#instants.set(instanceId, instantsAfter(this.#instants.get(instanceId), change));
    else this.#instants.delete(instanceId);
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

  /** What a store may give as the instant of an instance's last update: that of its last change, or a later one that a part of it is from. */
  updatedBetween(instanceId: string): { readonly fromMs: number; readonly toMs: number } {
    const known = this.#instants.get(instanceId);
    if (!known) return { fromMs: 0, toMs: 0 };
    return { fromMs: Math.max(known.lastMs, known.turnMs, ...known.messagesMs.values()), toMs: known.latestMs };
  }
}

function instantsAfter(before: Instants | undefined, change: InstanceChange): Instants {
  const { atMs, isPurge, isReset, turns = [], inboxRemoved = [], inboxAdded = [] } = change;
  const messagesMs = new Map(isPurge ? [] : before?.messagesMs);
  for (const sequence of inboxRemoved) messagesMs.delete(sequence);
  for (const { sequence } of inboxAdded) messagesMs.set(sequence, atMs);
  const keptMs = isPurge || isReset ? 0 : (before?.turnMs ?? 0);
  return {
    lastMs: atMs,
    latestMs: Math.max(before?.latestMs ?? 0, atMs),
    turnMs: turns.length > 0 ? atMs : keptMs,
    messagesMs,
  };
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
