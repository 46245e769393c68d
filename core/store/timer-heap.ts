/** Timers in order of when they are due: a binary heap in which removed timers are skipped when they surface. */
import type { StoredTimer } from "./contract.ts";

interface Entry {
  readonly timer: StoredTimer;
  isRemoved: boolean;
}

export class TimerHeap {
  #heap: Entry[] = [];
  readonly #byInstance = new Map<string, Map<string, Entry>>();

  add(timer: StoredTimer): void {
    this.remove(timer);
    const entry: Entry = { timer, isRemoved: false };
    const timers = this.#byInstance.get(timer.instanceId) ?? new Map<string, Entry>();
    this.#byInstance.set(timer.instanceId, timers);
    timers.set(keyOf(timer), entry);
    this.#heap.push(entry);
    this.#rise(this.#heap.length - 1);
  }

  remove(timer: StoredTimer): void {
    const timers = this.#byInstance.get(timer.instanceId);
    const entry = timers?.get(keyOf(timer));
    if (!timers || !entry) return;
    entry.isRemoved = true;
    timers.delete(keyOf(timer));
    if (timers.size === 0) this.#byInstance.delete(timer.instanceId);
  }

  removeInstance(instanceId: string): void {
    for (const entry of this.#byInstance.get(instanceId)?.values() ?? []) entry.isRemoved = true;
    this.#byInstance.delete(instanceId);
  }

  first(): StoredTimer | undefined {
    while (this.#heap[0]?.isRemoved) this.#pop();
    return this.#heap[0]?.timer;
  }

  /** The earliest timers due by then, in order; they stay. */
  due(dueAtMs: number, limit: number): StoredTimer[] {
    const taken: Entry[] = [];
    for (let timer = this.first(); timer && timer.dueAtMs <= dueAtMs && taken.length < limit; timer = this.first()) {
      const entry = this.#pop();
      if (entry) taken.push(entry);
    }
    for (const entry of taken) {
      this.#heap.push(entry);
      this.#rise(this.#heap.length - 1);
    }
    return taken.map((entry) => entry.timer);
  }

  #pop(): Entry | undefined {
    const top = this.#heap[0];
    const last = this.#heap.pop();
    if (last && this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#sink(0);
    }
    return top;
  }

  #rise(index: number): void {
    const entry = this.#heap[index] as Entry;
    for (let at = index; ; ) {
      const parentAt = (at - 1) >> 1;
      const parent = this.#heap[parentAt];
      if (at === 0 || !parent || compare(parent, entry) <= 0) {
        this.#heap[at] = entry;
        return;
      }
      this.#heap[at] = parent;
      at = parentAt;
    }
  }

  #sink(index: number): void {
    const entry = this.#heap[index] as Entry;
    for (let at = index; ; ) {
      const [left, right] = [this.#heap[2 * at + 1], this.#heap[2 * at + 2]];
      const childAt = right && left && compare(right, left) < 0 ? 2 * at + 2 : 2 * at + 1;
      const child = this.#heap[childAt];
      if (!child || compare(entry, child) <= 0) {
        this.#heap[at] = entry;
        return;
      }
      this.#heap[at] = child;
      at = childAt;
    }
  }
}

const keyOf = (timer: StoredTimer): string => `${timer.kind} ${timer.timerId}`;

function compare({ timer: a }: Entry, { timer: b }: Entry): number {
  if (a.dueAtMs !== b.dueAtMs) return a.dueAtMs - b.dueAtMs;
  if (a.instanceId !== b.instanceId) return a.instanceId < b.instanceId ? -1 : 1;
  if (a.kind !== b.kind) return a.kind < b.kind ? -1 : 1;
  return a.timerId - b.timerId;
}
