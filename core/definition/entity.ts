/** Entities: small pieces of durable state with named operations, one at a time. Source: Durable Entities. */
import type { Duration } from "../duration.ts";
import { InvalidArgumentError } from "../errors.ts";
import { checkName, type EntityId, type EntityIdLike } from "../identity.ts";
import type { Logger } from "../logger.ts";
import type { Task } from "../replay/task.ts";
import type { InputArguments } from "./arguments.ts";
import type { OrchestratorDefinition } from "./definitions.ts";

/** Options of an orchestration that an entity starts. */
export interface EntityStartOptions {
  readonly instanceId?: string;
  readonly startAt?: Date;
  readonly version?: string;
}

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
  /** Starts an orchestration when this operation succeeds, and gives its id at once. An id in use drops the start with a warning. */
  scheduleNewOrchestration<TInput>(
    orchestrator: OrchestratorDefinition<TInput, unknown>,
    input: NoInfer<TInput>,
    options?: EntityStartOptions,
  ): string;
  scheduleNewOrchestration(orchestrator: OrchestratorDefinition<undefined, unknown>): string;
  scheduleNewOrchestration(name: string, input?: unknown, options?: EntityStartOptions): string;
  /** Deletes the entity's state. */
  deleteState(): void;
}

/** One operation of an entity: plain or async. */
export type EntityOperation<TState> = (ctx: EntityContext<TState>, input: never) => unknown;
/** A table of operations. */
export type EntityOperations<TState> = Readonly<Record<string, EntityOperation<TState>>>;

/** A named kind of entity. */
export interface EntityDefinition<in TState = never, out TOperations = unknown> {
  readonly kind: "entity";
  /** Lower-cased. */
  readonly name: string;
  readonly initialState?: () => unknown;
  /** The operation table, or one function for all operations. */
  readonly operations: EntityOperations<never> | EntityOperation<never>;
  /** The types of state and operations, for the compiler alone. */
  readonly types?: (state: TState) => TOperations;
}

/** The input an operation takes. */
export type OperationInput<F> = F extends (ctx: never, ...rest: infer R) => unknown
  ? R extends readonly []
    ? undefined
    : R[0]
  : unknown;
/** The result an operation gives, its promise unwrapped. */
export type OperationOutput<F> = F extends (...args: never) => infer R ? Awaited<R> : unknown;

/** Calls by method: each operation of the entity as a function that returns a task. */
export type EntityProxy<TOperations> = {
  readonly [K in keyof TOperations]: (
    ...args: InputArguments<OperationInput<TOperations[K]>>
  ) => Task<OperationOutput<TOperations[K]>>;
};

/**
 * Defines an entity by a table of operations, or by one function that looks at `ctx.operationName`.
 * @throws InvalidArgumentError for an empty name, one with `@`, or operations that are not functions.
 */
export function defineEntity<TState, TOperations extends EntityOperations<TState>>(
  name: string,
  spec: { readonly initialState?: () => TState; readonly operations: TOperations & EntityOperations<TState> },
): EntityDefinition<TState, TOperations>;
export function defineEntity<TInput, TOutput>(
  name: string,
  operation: (ctx: EntityContext<unknown>, input: TInput) => TOutput,
): EntityDefinition<unknown, Readonly<Record<string, (ctx: EntityContext<unknown>, input: TInput) => TOutput>>>;
export function defineEntity(name: string, spec: object): EntityDefinition<unknown, never> {
  checkName(name, "The name of an entity");
  if (name.includes("@")) throw new InvalidArgumentError(`The entity name '${name}' must not contain '@'.`);
  const { initialState, operations } = (typeof spec === "function" ? { operations: spec } : (spec ?? {})) as {
    initialState?: () => unknown;
    operations?: unknown;
  };
  if (initialState !== undefined && typeof initialState !== "function")
    throw new InvalidArgumentError(`The entity '${name}': initialState must be a function that makes the state.`);
  for (const [operation, code] of typeof operations === "function"
    ? []
    : Object.entries((operations ?? { "(none)": undefined }) as object)) {
    if (typeof code !== "function")
      throw new InvalidArgumentError(`The entity '${name}': the operation '${operation}' must be a function.`);
  }
  return Object.freeze({
    kind: "entity",
    name: name.toLowerCase(),
    operations: operations as EntityOperations<never>,
    ...(initialState && { initialState }),
  });
}
