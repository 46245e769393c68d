/** Entities: small pieces of durable state with named operations, one at a time. Source: Durable Entities. */
import type { Duration } from "../duration.ts";
import type { EntityId, EntityIdLike } from "../identity.ts";
import type { Logger } from "../logger.ts";
import type { Task } from "../replay/task.ts";
import type { InputAndOptions } from "./arguments.ts";
import type { OrchestratorDefinition } from "./definitions.ts";

/** What an operation of an entity may do. */
export interface EntityContext<TState = unknown> {
  readonly id: EntityId;
  /** The entity's state; assign to change it, `undefined` deletes. Rolled back when the operation fails. */
  state: TState;
  readonly operationName: string;
  readonly log: Logger;
  /** Host resources, as activities have them. */
  readonly env: unknown;
  /** Sends an operation to an entity when this operation succeeds. */
  signalEntity(
    id: EntityIdLike,
    operation: string,
    input?: unknown,
    options?: { readonly signalTime?: Date | Duration },
  ): void;
  /** Starts an orchestration when this operation succeeds. An id in use drops the start with a warning. */
  scheduleNewOrchestration<TInput>(
    orchestrator: OrchestratorDefinition<TInput, unknown> | string,
    input?: TInput,
    options?: { readonly instanceId?: string; readonly startAt?: Date; readonly version?: string },
  ): string;
  /** Deletes the entity's state. */
  deleteState(): void;
}

/** A table of operations: `(ctx, input) => result`, plain or async. */
export type EntityOperations<TState> = Readonly<Record<string, (ctx: EntityContext<TState>, input: never) => unknown>>;

/** A named kind of entity. */
export interface EntityDefinition<TState = never, TOperations = unknown> {
  readonly kind: "entity";
  readonly name: string;
  readonly initialState?: () => unknown;
  /** The operation table, or one function for all operations. */
  readonly operations:
    | Readonly<Record<string, (ctx: EntityContext<never>, input: never) => unknown>>
    | ((ctx: EntityContext<never>, input: never) => unknown);
  readonly stateType?: (state: TState) => void;
  readonly operationTypes?: TOperations;
}

/** The input an operation takes. */
export type OperationInput<F> = F extends (ctx: never, ...rest: infer R) => unknown
  ? R extends readonly []
    ? undefined
    : R[0]
  : never;
/** The result an operation gives, its promise unwrapped. */
export type OperationOutput<F> = F extends (...args: never) => infer R ? Awaited<R> : never;

/** Calls by method: each operation of the entity as a function that returns a task. */
export type EntityProxy<TOperations> = {
  readonly [K in keyof TOperations]: (
    ...args: InputAndOptions<OperationInput<TOperations[K]>, never>
  ) => Task<OperationOutput<TOperations[K]>>;
};
