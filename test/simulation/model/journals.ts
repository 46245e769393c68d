/** The journals of one hub: what took effect, in which order, and under whose lock. */
import type { HistoryEvent } from "../../../core/history/events.ts";
import type { InstanceChange } from "../../../core/store/contract.ts";
import type { ModelInstance } from "../../conformance/hub-model.ts";
import type { Violate } from "./invariants.ts";
import type { Ledger } from "./ledger.ts";
import { decode, isFinal } from "./records.ts";

export class Journals {
  /** Operations that somebody meant to send: whether they take effect, and whether they may not overtake others. */
  readonly sent: Map<string, { readonly takesEffect: boolean; readonly isOrdered: boolean }> = new Map();
  /** Signals of clients that were acknowledged, by journal and id. */
  readonly promised: Set<string> = new Set();
  readonly #ledger: Ledger;
  readonly #violate: Violate;

  constructor(ledger: Ledger, violate: Violate) {
    this.#ledger = ledger;
    this.#violate = violate;
  }

  /** Notes what is sent. A run that takes place again may send something else under the same id. */
  noteSent(id: string, takesEffect: boolean, isOrdered: boolean): void {
    const before = this.sent.get(id) ?? { takesEffect, isOrdered };
    this.sent.set(id, {
      takesEffect: takesEffect || before.takesEffect,
      isOrdered: isOrdered && before.isOrdered,
    });
  }

  /** The operations that took effect on a journal, in order. */
  entries(instanceId: string): readonly string[] {
    const state = this.#ledger.model.get(instanceId).entity?.state;
    return (decode(state) ?? []) as readonly string[];
  }

  changed(instanceId: string, before: ModelInstance, after: ModelInstance): void {
    const old = (decode(before.entity?.state) ?? []) as readonly string[];
    const entries = (decode(after.entity?.state) ?? []) as readonly string[];
    if (instanceId === "@journal@never" && entries.length > 0)
      this.#violate("I14", "a failed operation has sent a signal");
    if (old.some((entry, index) => entries[index] !== entry))
      this.#violate("I14", `'${instanceId}' went from ${old.join()} to ${entries.join()}`);
    const added = entries.slice(old.length);
    for (const id of added) this.#checkEntry(instanceId, id, entries);
    this.#checkInstant(instanceId, before, after);
    this.#checkRelease(instanceId, before, after);
    const holder = before.entity?.lockedBy;
    const next = after.entity?.lockedBy;
    if (holder && holder.criticalSectionId === next?.criticalSectionId && holder.executionId === next.executionId) {
      const run = this.#ledger.generations.get(`${holder.instanceId} ${holder.executionId}`)?.run;
      for (const id of added)
        if (run !== undefined && senderOf(id) !== run)
          this.#violate("I16", `${id} changed '${instanceId}' while '${holder.instanceId}' (run ${run}) held it`);
    }
  }

  /** Nobody takes a lock from its holder: it is released by an unlock, or by the end of whoever holds it. */
  #checkRelease(instanceId: string, { entity: before }: ModelInstance, { entity: after }: ModelInstance): void {
    const { instanceId: holderId = "", executionId, criticalSectionId } = before?.lockedBy ?? {};
    if (!criticalSectionId || after?.lockedBy?.criticalSectionId === criticalSectionId) return;
    const holder = this.#ledger.record(holderId);
    if (!holder || holder.executionId !== executionId || isFinal(holder)) return;
    if (!isUnlocked(this.#ledger.history(holderId), criticalSectionId, instanceId))
      this.#violate("I16", `'${instanceId}' was taken from '${holderId}', which holds it`);
  }

  /** Who is told that it holds a lock holds it, on every entity that it is for. */
  checkGrants({ instanceId, turns = [] }: InstanceChange): void {
    const history = this.#ledger.history(instanceId);
    const record = this.#ledger.record(instanceId);
    for (const granted of turns.flat()) {
      if (granted.type !== "EntityLockGranted" || !record || isFinal(record)) continue;
      const { criticalSectionId } = granted;
      const request = history.find(
        (one) => one.type === "EntityLockRequested" && one.criticalSectionId === criticalSectionId,
      );
      for (const entity of request?.type === "EntityLockRequested" ? request.lockSet : []) {
        const { lockedBy } = this.#ledger.model.get(entity).entity ?? {};
        if (lockedBy?.criticalSectionId !== criticalSectionId && !isUnlocked(history, criticalSectionId, entity))
          this.#violate("I16", `'${instanceId}' was told that it holds '${entity}', which it does not`);
      }
    }
  }

  /** What leaves the state, a lock say, is no change of it. */
  #checkInstant(instanceId: string, { entity: before }: ModelInstance, { entity: after }: ModelInstance): void {
    if (before?.state === undefined || before.state !== after?.state) return;
    if (before.lastModifiedAtMs !== after.lastModifiedAtMs)
      this.#violate("I55", `'${instanceId}' was changed at ${after.lastModifiedAtMs}, and reads as before`);
  }

  #checkEntry(instanceId: string, id: string, entries: readonly string[]): void {
    const count = entries.filter((entry) => entry === id).length;
    const run = id.slice(0, id.lastIndexOf("#"));
    if (count > this.#ledger.copiesOf(run)) this.#violate("I14", `${id} took effect ${count} times on '${instanceId}'`);
    const sent = this.sent.get(id);
    if (sent && !sent.takesEffect) this.#violate("I14", `${id} failed, and left a trace on '${instanceId}'`);
    if (!sent?.isOrdered || this.#ledger.copiesOf(run) > 1) return;
    const earlier = entries.slice(0, entries.lastIndexOf(id)).filter((entry) => {
      return senderOf(entry) === senderOf(id) && this.sent.get(entry)?.isOrdered;
    });
    const last = earlier.findLast((entry) => placeOf(entry) > placeOf(id));
    if (last !== undefined) this.#violate("I15", `${id} took effect on '${instanceId}' after ${last}`);
  }

  /** Answers to calls in a history are the places at which the operations stand in the journal. */
  checkAnswers({ instanceId, turns }: InstanceChange): void {
    if (!turns) return;
    const history = this.#ledger.history(instanceId);
    for (const turn of turns)
      for (const event of turn) {
        if (event.type !== "EntityOperationCompleted") continue;
        const call = history.find((one) => one.type === "EntityOperationCalled" && one.requestId === event.requestId);
        if (call?.type !== "EntityOperationCalled" || call.operation === "count") continue;
        const entry = this.entries(call.targetInstanceId)[Number(decode(event.output)) - 1];
        if (entry !== decode(call.input))
          this.#violate(
            "I32",
            `'${instanceId}' was told that ${String(decode(call.input))} is number ${event.output}, which is ${entry}`,
          );
      }
  }
}

/** True when a history says that a critical section has let go of an entity. */
function isUnlocked(history: readonly HistoryEvent[], criticalSectionId: string, entity: string): boolean {
  return history.some(
    (event) =>
      event.type === "EntityUnlockSent" &&
      event.criticalSectionId === criticalSectionId &&
      event.targetInstanceId === entity,
  );
}

const PLACE = /\.(\d+)#(\d+)$/;

/** Whoever sent an operation: a run, or a client. */
function senderOf(id: string): string {
  const { index } = PLACE.exec(id) ?? {};
  return index === undefined ? "a client" : id.slice(0, index);
}

/** The place of an operation in the order of its sender: generation and count. */
function placeOf(id: string): number {
  const [, generation = "0", count = "0"] = PLACE.exec(id) ?? [];
  return Number(generation) * 10_000 + Number(count);
}
