/**
 * Calls of entities and critical sections inside an orchestration.
 * Source of the semantics and of the rules' wording: Durable Entities, critical sections.
 *
 * C1. At most one critical section at a time; its lock set is sorted and free of duplicates, so that no two orchestrations can wait for each other.
 * C2. Inside it only locked entities may be called, one call of each at a time; none of them may be signalled; no child may be started.
 * C3. A request that is given up is withdrawn from every entity of its set.
 */

import type { EntityLock } from "../definition/orchestration-context.ts";
import { EntityOperationFailedError, FunctionNotRegisteredError, LockingRulesViolationError } from "../errors.ts";
import { type FailureData, failureDetails } from "../failure.ts";
import { EntityId, type EntityIdLike, foreignEntityIdOf } from "../identity.ts";
import type { Operation, OperationHost } from "./operations.ts";
import { TaskNode } from "./task.ts";

/** What entity calls need of their run beside what other operations need. */
export interface EntityHost extends OperationHost {
  /** Lines up who waits for the answer to a request. */
  await(requestId: string, operation: Operation): void;
}

/** A call of an entity's operation. */
export class EntityCallTask<T> extends TaskNode<T> implements Operation {
  readonly #host: OperationHost;
  readonly #target: EntityId;
  readonly #operation: string;
  readonly #onSettled: () => void;

  constructor(
    host: EntityHost,
    target: EntityId,
    operation: string,
    input: string | undefined,
    requestId: string,
    onSettled: () => void,
  ) {
    super(host);
    this.#host = host;
    this.#target = target;
    this.#operation = operation;
    this.#onSettled = onSettled;
    const message = {
      type: "called" as const,
      requestId,
      targetInstanceId: target.toString(),
      operation,
      ...(input !== undefined && { input }),
    };
    host.take({ kind: "sendEntityMessage", id: host.nextId(), message });
    host.await(requestId, this);
  }
  completed(result: string | undefined): void {
    this.#onSettled();
    try {
      this.complete(this.#host.decode(result) as T);
    } catch (error) {
      this.fail(error as Error);
    }
  }
  failed(data: FailureData): void {
    this.#onSettled();
    const failure = failureDetails(data);
    if (failure.errorType === "FunctionNotRegisteredError" && failure.properties?.unregistered === this.#target.name) {
      this.fail(Object.assign(new FunctionNotRegisteredError("entity", this.#target.name), { failure }));
    } else this.fail(new EntityOperationFailedError(this.#target.toString(), this.#operation, failure));
  }
}

type Section =
  | { readonly type: "none" }
  | { readonly type: "requested"; readonly id: string; readonly lockSet: readonly string[] }
  | { readonly type: "held"; readonly id: string; readonly lockSet: readonly string[] };

/** The critical section of one orchestration. */
export class CriticalSection {
  readonly #host: EntityHost;
  #section: Section = { type: "none" };
  readonly #called = new Set<string>();

  constructor(host: EntityHost) {
    this.#host = host;
  }

  get lockedEntities(): readonly EntityId[] {
    return this.#section.type === "held" ? this.#section.lockSet.map((id) => EntityId.parse(id)) : [];
  }
  get isHeld(): boolean {
    return this.#section.type === "held";
  }

  /** Notes a call, if the rules allow it; gives what ends the note. @throws LockingRulesViolationError */
  call(target: string): () => void {
    if (this.#section.type === "requested")
      throw violation("Must await the completion of the lock request prior to calling any entity.");
    if (this.#section.type === "none") return () => {};
    if (!this.#section.lockSet.includes(target)) {
      throw violation(
        "Must not call an entity from a critical section if it is not one of the locked entities.",
        target,
      );
    }
    if (this.#called.has(target)) {
      throw violation(
        "Must not call an entity from a critical section while a prior call to the same entity is still pending.",
        target,
      );
    }
    this.#called.add(target);
    return () => this.#called.delete(target);
  }

  /** @throws LockingRulesViolationError when a locked entity would be signalled. */
  checkSignal(target: string): void {
    if (this.#section.type === "held" && this.#section.lockSet.includes(target)) {
      throw violation("Must not signal a locked entity from a critical section.", target);
    }
  }

  /** @throws LockingRulesViolationError while locks are held. */
  checkChild(): void {
    if (this.#section.type === "held") throw violation("While holding locks, cannot call suborchestrators.");
  }

  /** @throws LockingRulesViolationError for an empty or invalid set, or inside another critical section. */
  request(ids: readonly EntityIdLike[], newId: () => string): LockTask {
    if (this.#section.type !== "none")
      throw violation("Must not enter another critical section from within a critical section.");
    const lockSet = lockSetOf(ids);
    const id = newId();
    this.#section = { type: "requested", id, lockSet };
    this.#host.take({
      kind: "sendEntityMessage",
      id: this.#host.nextId(),
      message: { type: "lockRequested", criticalSectionId: id, lockSet },
    });
    const task = new LockTask(this.#host, () => this.#release(id));
    this.#host.await(id, {
      completed: () => {
        if (this.#section.type === "requested" && this.#section.id === id)
          this.#section = { type: "held", id, lockSet };
        task.complete(new HeldLock(() => this.#release(id)));
      },
    });
    return task;
  }

  #release(id: string): void {
    const section = this.#section;
    if (section.type === "none" || section.id !== id) return;
    this.#section = { type: "none" };
    this.#called.clear();
    for (const targetInstanceId of section.lockSet) {
      this.#host.take({
        kind: "sendEntityMessage",
        id: this.#host.nextId(),
        message: { type: "unlockSent", criticalSectionId: id, targetInstanceId },
      });
    }
  }
}

/** A request for locks. Cancelling it withdraws it everywhere. */
export class LockTask extends TaskNode<EntityLock> {
  readonly #withdraw: () => void;
  constructor(host: OperationHost, withdraw: () => void) {
    super(host);
    this.#withdraw = withdraw;
  }
  override cancel(): void {
    if (!this.isPending) return;
    this.#withdraw();
    super.cancel();
  }
  protected override describe(): string {
    return "The request for entity locks";
  }
}

class HeldLock implements EntityLock {
  readonly #release: () => void;
  constructor(release: () => void) {
    this.#release = release;
  }
  release(): void {
    this.#release();
  }
  [Symbol.dispose](): void {
    this.#release();
  }
}

/** Sorted by UTF-16 units and free of duplicates. @throws LockingRulesViolationError */
function lockSetOf(ids: readonly EntityIdLike[]): string[] {
  if (ids.length === 0) throw violation("lockEntities needs at least one entity.");
  try {
    return [...new Set(ids.map((id) => foreignEntityIdOf(id).toString()))].sort();
  } catch (error) {
    throw violation(`lockEntities was given something that is not an entity id. ${(error as Error).message}`);
  }
}

function violation(rule: string, target?: string): LockingRulesViolationError {
  return new LockingRulesViolationError(target === undefined ? rule : `${rule} (${target})`);
}
