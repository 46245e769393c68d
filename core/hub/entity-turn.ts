/**
 * One turn of an entity: its waiting messages, one after the other, then one commit of state, lock, answers and everything sent.
 * Source of the semantics: Durable Entities and critical sections.
 *
 * Y1. Operations are serial, in the order in which they came; asynchronous ones are waited for.
 * Y2. A failed operation leaves no trace but its answer.
 * Y3. While locked, only calls of the lock's owner and its release are taken; everything else keeps its place in the queue.
 * Y4. A lock request that its owner has already withdrawn is never granted.
 */
import { FunctionNotRegisteredError } from "../errors.ts";
import { type FailureData, failureFrom } from "../failure.ts";
import type {
  EntityLockRequestedEvent,
  EntityOperationCalledEvent,
  EntityOperationSignaledEvent,
  EntityUnlockSentEvent,
  HistoryEvent,
} from "../history/events.ts";
import { EntityId } from "../identity.ts";
import { type Awaitable, type EntityRecord, isPromise } from "../store/contract.ts";
import { type EntityPorts, type OperationOutcome, runOperation } from "./entity-operation.ts";
import type { EventMessage } from "./message.ts";

/** A message to another instance that the entity's commit promises. */
export type EntityOutgoing =
  | { readonly type: "start"; readonly event: Extract<HistoryEvent, { type: "ExecutionStarted" }> }
  | {
      readonly type: "event";
      readonly instanceId: string;
      readonly executionId?: string;
      readonly event: HistoryEvent;
    };

type Operation = EntityOperationCalledEvent | EntityOperationSignaledEvent;
type Lock = NonNullable<EntityRecord["lockedBy"]>;

export class EntityTurn {
  readonly #id: EntityId;
  readonly #ports: EntityPorts;
  readonly #queue: EventMessage[];
  readonly taken: EventMessage[] = [];
  readonly outgoing: EntityOutgoing[] = [];
  /** Answers to calls that no orchestration made, by call. */
  readonly answers: Map<HistoryEvent, HistoryEvent> = new Map();
  state: string | undefined;
  lockedBy: Lock | undefined;
  hasStateChanged = false;

  constructor(
    instanceId: string,
    entity: EntityRecord | undefined,
    messages: readonly EventMessage[],
    ports: EntityPorts,
  ) {
    this.#id = EntityId.parse(instanceId);
    this.#ports = ports;
    this.#queue = [...messages];
    this.state = entity?.state;
    this.lockedBy = entity?.lockedBy;
  }

  /** Messages that must wait for the lock to be released. */
  get waiting(): readonly EventMessage[] {
    return this.#queue;
  }

  /** Takes all messages that can be taken now. A promise as soon as an operation makes one. */
  run(): Awaitable<void> {
    for (let message = this.#next(); message; message = this.#next()) {
      this.taken.push(message);
      const { event } = message;
      if (event.type === "EntityLockRequested") this.#lock(event);
      else if (event.type === "EntityUnlockSent") this.#unlock(event);
      else {
        const done = this.#operate(event as Operation);
        if (isPromise(done)) return done.then(() => this.run());
      }
    }
  }

  /** The first message that may be taken, out of the queue. */
  #next(): EventMessage | undefined {
    const { lockedBy } = this;
    const index = lockedBy ? this.#queue.findIndex((message) => isForOwner(message.event, lockedBy)) : 0;
    return index < 0 ? undefined : this.#queue.splice(index, 1)[0];
  }

  #lock(event: EntityLockRequestedEvent): void {
    const withdrawal = this.#queue.findIndex(
      (m) =>
        m.event.type === "EntityUnlockSent" && isOfSection(m.event, event.criticalSectionId, event.parentExecutionId),
    );
    if (withdrawal >= 0) {
      this.taken.push(...this.#queue.splice(withdrawal, 1));
      return;
    }
    const { parentInstanceId = "", parentExecutionId = "", criticalSectionId, lockSet, position } = event;
    const next = lockSet[position + 1];
    const owner = { instanceId: parentInstanceId, executionId: parentExecutionId, criticalSectionId };
    this.lockedBy = next === undefined ? owner : { ...owner, next };
    if (next !== undefined)
      this.outgoing.push({ type: "event", instanceId: next, event: { ...event, position: position + 1 } });
    else this.#reply(event, { type: "EntityLockGranted", eventId: -1, timestamp: this.#now(), criticalSectionId });
  }

  #unlock(event: EntityUnlockSentEvent): void {
    const owner = this.lockedBy;
    if (owner && isOfSection(event, owner.criticalSectionId, owner.executionId)) {
      this.lockedBy = undefined;
      // The unlock that the next entity was sent may have overtaken the request that was passed on from here. This one cannot.
      if (owner.next !== undefined)
        this.outgoing.push({
          type: "event",
          instanceId: owner.next,
          event: { ...event, targetInstanceId: owner.next },
        });
      return;
    }
    const request = this.#queue.findIndex(
      (m) =>
        m.event.type === "EntityLockRequested" &&
        isOfSection(event, m.event.criticalSectionId, m.event.parentExecutionId),
    );
    if (request >= 0) this.taken.push(...this.#queue.splice(request, 1));
  }

  #operate(event: Operation): Awaitable<void> {
    const definition = this.#ports.registry.entity(this.#id.name);
    if (!definition) {
      const failure = failureFrom(new FunctionNotRegisteredError("entity", this.#id.name));
      this.#fail(event, {
        ...failure,
        isNonRetriable: true,
        properties: { code: "functionNotRegistered", unregistered: this.#id.name },
      });
      return;
    }
    try {
      const outcome = runOperation(definition, this.#id, event.operation, event.input, this.state, this.#ports);
      if (!isPromise(outcome)) this.#succeed(event, outcome);
      else
        return outcome.then(
          (value) => this.#succeed(event, value),
          (error) => this.#fail(event, failureFrom(error)),
        );
    } catch (error) {
      this.#fail(event, failureFrom(error));
    }
  }

  #succeed(event: Operation, outcome: OperationOutcome): void {
    if (outcome.state !== this.state) this.hasStateChanged = true;
    this.state = outcome.state;
    for (const message of outcome.sent) this.outgoing.push({ type: "event", ...message });
    for (const start of outcome.starts) this.outgoing.push({ type: "start", event: start });
    if (event.type !== "EntityOperationCalled") return;
    const { requestId } = event;
    this.#reply(event, {
      type: "EntityOperationCompleted",
      eventId: -1,
      timestamp: this.#now(),
      requestId,
      ...(outcome.output !== undefined && { output: outcome.output }),
    });
  }

  #fail(event: Operation, failure: FailureData): void {
    if (event.type === "EntityOperationCalled") {
      this.#reply(event, {
        type: "EntityOperationFailed",
        eventId: -1,
        timestamp: this.#now(),
        requestId: event.requestId,
        failureDetails: failure,
      });
      return;
    }
    this.#ports.logger.warn(
      `The signal '${event.operation}' to entity '${this.#id.toString()}' failed: ${failure.errorMessage}`,
      { errorType: failure.errorType },
    );
  }

  #reply(event: EntityOperationCalledEvent | EntityLockRequestedEvent, answer: HistoryEvent): void {
    const { parentInstanceId, parentExecutionId } = event;
    if (parentInstanceId === undefined) {
      this.answers.set(event, answer);
      return;
    }
    this.outgoing.push({
      type: "event",
      instanceId: parentInstanceId,
      event: answer,
      ...(parentExecutionId !== undefined && { executionId: parentExecutionId }),
    });
  }

  #now(): Date {
    return new Date(this.#ports.now());
  }
}

/** Whether a locked entity takes a message: a call of the lock's owner, or a release. */
export function isForOwner(event: HistoryEvent, owner: Lock): boolean {
  if (event.type === "EntityUnlockSent") return true;
  return (
    event.type === "EntityOperationCalled" &&
    event.parentInstanceId === owner.instanceId &&
    event.parentExecutionId === owner.executionId
  );
}

/**
 * Whether an unlock is meant for a section. Two generations that ask at the same instant give their sections the same id, so it takes the generation
 * too; an unlock that names none (of a lock whose holder is gone) is for any.
 */
function isOfSection(
  { criticalSectionId, parentExecutionId }: EntityUnlockSentEvent,
  id: string,
  executionId: string | undefined,
): boolean {
  return criticalSectionId === id && (parentExecutionId === undefined || parentExecutionId === executionId);
}
