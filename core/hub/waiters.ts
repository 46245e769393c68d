/** Clients that wait for an instance to change. They are told by the commit itself; nobody polls. */
import type { InstanceRecord } from "../store/contract.ts";

export interface Waiter {
  /** Sees every committed change of the instance; true when it has seen enough. */
  changed(record: InstanceRecord | undefined, atMs: number): boolean;
  closed(error: Error): void;
}

export class Waiters {
  readonly #forAll = new Set<Waiter>();
  readonly #byInstance = new Map<string, Set<Waiter>>();

  add(instanceId: string, waiter: Waiter): void {
    const waiters = this.#byInstance.get(instanceId);
    if (waiters) waiters.add(waiter);
    else this.#byInstance.set(instanceId, new Set([waiter]));
  }

  /** Adds one that sees the changes of every instance; purges are not reported to it. */
  addForAll(waiter: Waiter): void {
    this.#forAll.add(waiter);
  }
  removeForAll(waiter: Waiter): void {
    this.#forAll.delete(waiter);
  }

  remove(instanceId: string, waiter: Waiter): void {
    const waiters = this.#byInstance.get(instanceId);
    if (waiters?.delete(waiter) && waiters.size === 0) this.#byInstance.delete(instanceId);
  }

  /** Tells those who wait for the instance; `record` is `undefined` when it has been purged. */
  changed(instanceId: string, record: InstanceRecord | undefined, atMs: number): void {
    const waiters = this.#byInstance.get(instanceId);
    if (waiters) for (const waiter of waiters) if (waiter.changed(record, atMs)) this.remove(instanceId, waiter);
    if (record && this.#forAll.size > 0) for (const waiter of this.#forAll) waiter.changed(record, atMs);
  }

  close(error: Error): void {
    const all = [...this.#byInstance.values()].flatMap((waiters) => [...waiters]);
    all.push(...this.#forAll);
    this.#byInstance.clear();
    this.#forAll.clear();
    for (const waiter of all) waiter.closed(error);
  }
}
