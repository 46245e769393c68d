/**
 * Runs one operation of an entity: all of its effects, or, when it fails, none.
 * Source of the semantics: Durable Entities (per-operation rollback).
 */

import type { OrchestratorDefinition } from "../definition/definitions.ts";
import type { EntityContext, EntityDefinition, EntityOperation, EntityStartOptions } from "../definition/entity.ts";
import { type Duration, dueAtMs } from "../duration.ts";
import { InvalidArgumentError } from "../errors.ts";
import type { EntityOperationSignaledEvent, ExecutionStartedEvent, HistoryEvent } from "../history/events.ts";
import { checkInstanceId, checkName, type EntityId, type EntityIdLike, foreignEntityIdOf } from "../identity.ts";
import type { Logger } from "../logger.ts";
import { type Awaitable, isPromise } from "../store/contract.ts";
import { instant } from "./pages.ts";
import type { Payloads } from "./payloads.ts";
import type { Registry } from "./registry.ts";

/** What operations need from the hub. */
export interface EntityPorts {
  readonly payloads: Payloads;
  readonly registry: Registry;
  readonly logger: Logger;
  readonly env: unknown;
  now(): number;
  newId(): string;
}

/** What an operation of the hub's own entities may do besides: send messages that it has made itself. */
export interface OwnEntityContext<TState> extends EntityContext<TState> {
  send(instanceId: string, event: HistoryEvent): void;
  start(event: ExecutionStartedEvent): void;
}

/** What an operation did. */
export interface OperationOutcome {
  /** Encoded state afterwards; `undefined` when there is none. */
  readonly state: string | undefined;
  /** Encoded result. */
  readonly output: string | undefined;
  /** Messages to instances there are, in order. */
  readonly sent: readonly { readonly instanceId: string; readonly event: HistoryEvent }[];
  readonly starts: readonly ExecutionStartedEvent[];
}

/**
 * Runs an operation over a state. Throws (or rejects with) what the operation threw, and then nothing of it has happened.
 * @throws InvalidArgumentError when the entity has no such operation.
 */
export function runOperation(
  definition: EntityDefinition,
  id: EntityId,
  operation: string,
  input: string | undefined,
  state: string | undefined,
  ports: EntityPorts,
): Awaitable<OperationOutcome> {
  const context = new OperationContext(definition, id, operation, state, ports);
  const code = codeOf(definition, operation);
  if (!code)
    throw new InvalidArgumentError(
      `The entity '${definition.name}' has no operation '${operation}'. Operations are the functions of its table; their names are case-sensitive.`,
    );
  const result = code(context as unknown as EntityContext<never>, ports.payloads.decode(input) as never);
  return isPromise(result) ? result.then((value) => context.outcome(value)) : context.outcome(result);
}

/** The code of an operation. Every entity can be deleted, unless it says itself what that means. */
function codeOf({ operations }: EntityDefinition, operation: string): EntityOperation<never> | undefined {
  if (typeof operations === "function") return operations;
  if (Object.hasOwn(operations, operation)) return operations[operation];
  return operation === "delete" ? (ctx) => ctx.deleteState() : undefined;
}

class OperationContext implements OwnEntityContext<unknown> {
  readonly id: EntityId;
  readonly operationName: string;
  readonly #definition: EntityDefinition;
  readonly #ports: EntityPorts;
  #state: unknown;
  readonly #sent: { readonly instanceId: string; readonly event: HistoryEvent }[] = [];
  readonly #starts: ExecutionStartedEvent[] = [];
  #hasEnded = false;

  constructor(
    definition: EntityDefinition,
    id: EntityId,
    operationName: string,
    state: string | undefined,
    ports: EntityPorts,
  ) {
    this.id = id;
    this.operationName = operationName;
    this.#definition = definition;
    this.#ports = ports;
    this.#state = state === undefined ? definition.initialState?.() : ports.payloads.decode(state);
  }

  get state(): unknown {
    return this.#state;
  }
  set state(value: unknown) {
    this.#checkOpen();
    this.#state = value;
  }
  get log(): Logger {
    return this.#ports.logger;
  }
  get env(): unknown {
    return this.#ports.env;
  }
  deleteState(): void {
    this.#checkOpen();
    this.#state = undefined;
  }

  signalEntity(
    id: EntityIdLike,
    operation: string,
    input?: unknown,
    options: { readonly signalTime?: Date | Duration } = {},
  ): void {
    this.#checkOpen();
    const target = foreignEntityIdOf(id).toString();
    checkName(operation, "The name of the operation to signal");
    const nowMs = this.#ports.now();
    const atMs = options.signalTime === undefined ? undefined : dueAtMs(options.signalTime, nowMs, "signalTime");
    const payload = this.#ports.payloads.encodeOptional(input);
    this.send(target, signalEvent(target, operation, payload, atMs, this.#ports.newId(), nowMs));
  }

  scheduleNewOrchestration(
    orchestrator: OrchestratorDefinition | string,
    input?: unknown,
    options: EntityStartOptions = {},
  ): string {
    this.#checkOpen();
    const name = typeof orchestrator === "string" ? orchestrator : orchestrator?.name;
    checkName(name, "The name of the orchestrator to start");
    if (options.instanceId !== undefined) checkInstanceId(options.instanceId);
    const startAtMs = options.startAt && instant(options.startAt, "startAt");
    const { registry, payloads } = this.#ports;
    const version =
      options.version ?? (typeof orchestrator === "string" ? registry.defaultVersion(name) : orchestrator.version);
    const payload = payloads.encodeOptional(payloads.checkInputNow(registry.orchestrator(name, version), input));
    const instanceId = options.instanceId ?? this.#ports.newId();
    this.#starts.push({
      type: "ExecutionStarted",
      eventId: 0,
      timestamp: new Date(this.#ports.now()),
      name,
      ...(version !== "" && { version }),
      ...(payload !== undefined && { input: payload }),
      orchestrationInstance: { instanceId, executionId: this.#ports.newId().replaceAll("-", "") },
      ...(startAtMs !== undefined && { scheduledStartTimestamp: new Date(startAtMs) }),
    });
    return instanceId;
  }

  send(instanceId: string, event: HistoryEvent): void {
    this.#checkOpen();
    this.#sent.push({ instanceId, event });
  }
  start(event: ExecutionStartedEvent): void {
    this.#checkOpen();
    this.#starts.push(event);
  }

  outcome(result: unknown): OperationOutcome {
    this.#hasEnded = true;
    const { payloads } = this.#ports;
    return {
      state: payloads.encodeOptional(this.#state),
      output: payloads.encodeOptional(result),
      sent: this.#sent,
      starts: this.#starts,
    };
  }

  /** What an operation does after it has ended (a promise it did not wait for, say) would be lost. */
  #checkOpen(): void {
    if (!this.#hasEnded) return;
    throw new InvalidArgumentError(
      `The operation '${this.operationName}' of entity '${this.id.toString()}' (${this.#definition.name}) has ended; its context can no longer be used. Await everything inside the operation.`,
    );
  }
}

/** A signal as a message. `atMs`: not to be delivered before. */
export function signalEvent(
  targetInstanceId: string,
  operation: string,
  input: string | undefined,
  atMs: number | undefined,
  requestId: string,
  nowMs: number,
): EntityOperationSignaledEvent {
  return {
    type: "EntityOperationSignaled",
    eventId: -1,
    timestamp: new Date(nowMs),
    requestId,
    targetInstanceId,
    operation,
    ...(input !== undefined && { input }),
    ...(atMs !== undefined && { scheduledTime: new Date(atMs) }),
  };
}
