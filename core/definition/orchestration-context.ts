import type { Duration } from "../duration.ts";
import type { Tags } from "../history/events.ts";
import type { EntityId, EntityIdLike } from "../identity.ts";
import type { Logger } from "../logger.ts";
import type { CancelableTask, Task } from "../replay/task.ts";
import type { ActivityDefinition, ActivityOptions, OrchestratorDefinition } from "./definitions.ts";
import type { EntityDefinition, EntityProxy } from "./entity.ts";
import type { DurableHttpRequest, DurableHttpResponse } from "./http.ts";
import type { Retry } from "./retry.ts";

/** Options of one activity call. What is given here wins over the activity's definition. */
export interface CallActivityOptions extends ActivityOptions {
  readonly tags?: Tags;
  readonly version?: string;
}

/** Options of one call of a sub-orchestration. */
export interface CallSubOrchestratorOptions {
  /** Id of the child; derived from the parent's execution and the call's sequence id unless given. */
  readonly instanceId?: string;
  readonly retry?: Retry;
  /** Added to the parent's tags; these win. */
  readonly tags?: Tags;
  readonly version?: string;
}

/** A durable timer. */
export interface TimerTask extends CancelableTask<void> {
  /** When it is due. */
  readonly fireAt: Date;
}

/**
 * What an orchestrator may do, and the only things it may wait for. Everything here is recorded and replayed.
 * Source of the semantics: the Durable Task orchestration context.
 */
export interface OrchestrationContext {
  /** Name of the orchestrator. */
  readonly name: string;
  readonly instanceId: string;
  /** The orchestration that called this one. */
  readonly parent: { readonly name: string; readonly instanceId: string } | undefined;
  /** Version of the instance; `""` when it has none. */
  readonly version: string;
  /** Negative, 0 or positive: this instance's version against `version`; numbered parts compare as numbers. */
  compareVersionTo(version: string): number;
  /** The instant at which the current turn began; the same on every replay. */
  readonly currentUtcDateTime: Date;
  /** True while the code runs over recorded history. */
  readonly isReplaying: boolean;
  /** Writes nothing during replay. */
  readonly log: Logger;

  /**
   * Calls an activity. The task fails with `TaskFailedError`. Cancelling it gives the call up: a running attempt hears of it through
   * `ctx.signal`, one that waits never starts, no retry follows, and the result is dropped.
   */
  callActivity<TInput, TOutput>(
    activity: ActivityDefinition<TInput, TOutput>,
    input: NoInfer<TInput>,
    options?: CallActivityOptions,
  ): CancelableTask<TOutput>;
  callActivity<TOutput>(activity: ActivityDefinition<undefined, TOutput>): CancelableTask<TOutput>;
  callActivity<TOutput = unknown>(
    name: string,
    input?: unknown,
    options?: CallActivityOptions,
  ): CancelableTask<TOutput>;

  /** Starts a sub-orchestration and waits for its result. The task fails with `TaskFailedError`. */
  callSubOrchestrator<TInput, TOutput>(
    orchestrator: OrchestratorDefinition<TInput, TOutput>,
    input: NoInfer<TInput>,
    options?: CallSubOrchestratorOptions,
  ): Task<TOutput>;
  callSubOrchestrator<TOutput>(orchestrator: OrchestratorDefinition<undefined, TOutput>): Task<TOutput>;
  callSubOrchestrator<TOutput = unknown>(
    name: string,
    input?: unknown,
    options?: CallSubOrchestratorOptions,
  ): Task<TOutput>;

  /** A timer that survives restarts. It never fires early; one that is due in the past fires at once. */
  createTimer(fireAt: Date | Duration): TimerTask;

  /**
   * Waits for an event raised from outside. Names are compared without case; events that nobody waits for yet are kept in order.
   * With a timeout the task fails with `TimeoutError`. A cancelled or timed-out wait takes no later event.
   */
  waitForExternalEvent<T = unknown>(name: string, options?: { readonly timeout?: Duration }): CancelableTask<T>;

  /** Raises an event for another (or this) instance. An instance that does not exist or has finished drops it silently. */
  sendEvent(instanceId: string, name: string, data?: unknown): void;

  /** Ends this generation when the code returns, and starts the next one with a fresh history. Called twice, the first counts. */
  continueAsNew(
    input?: unknown,
    options?: { readonly preserveUnprocessedEvents?: boolean; readonly newVersion?: string },
  ): void;

  /** Progress for clients to see. `undefined` and `null` clear it. */
  setCustomStatus(value: unknown): void;

  /** A UUID (version 5) that is the same on every replay. */
  newGuid(): string;
  /** A number in [0, 1) from a stream that is the same on every replay. */
  random(): number;

  /** Calls an operation of an entity and waits for its result. The task fails with `EntityOperationFailedError`. */
  callEntity<TOutput = unknown>(id: EntityIdLike, operation: string, input?: unknown): Task<TOutput>;
  /** Sends an operation to an entity without waiting; `signalTime` delays it. */
  signalEntity(
    id: EntityIdLike,
    operation: string,
    input?: unknown,
    options?: { readonly signalTime?: Date | Duration },
  ): void;
  /** A typed view of one entity: `await ctx.entity(counter, "k").add(5)`. */
  entity<TOperations>(entity: EntityDefinition<never, TOperations>, key: string): EntityProxy<TOperations>;
  /** Locks entities for this orchestration alone, until `release()` or its end. */
  lockEntities(...ids: readonly EntityIdLike[]): CancelableTask<EntityLock>;
  /** Whether this orchestration holds locks, and which. */
  readonly criticalSection: { readonly inSection: boolean; readonly lockedEntities: readonly EntityId[] };

  /**
   * Makes an HTTP request and waits for its answer. Any status is an answer; a 202 with a `Location` is followed up there, with durable waits
   * of `Retry-After` (30 seconds unless given) between, until another answer comes. Each request of a poll adds to the history like an activity
   * and a timer. Redirects are followed. Credentials (`authorization`, `cookie`, `proxy-authorization`) go to the origin of `url` only, and
   * `x-functions-key` only to `url` itself. A request is sent at least once: give one that must count once a key of its own in a header.
   * The task fails with `TaskFailedError`; its failure's `errorType` is `"HttpRequestError"` or `"TimeoutError"` (after the retries),
   * `"EgressDeniedError"` for an address that the hub's `egress` refuses, or `"PayloadError"` for an answer that is too large.
   * @throws InvalidArgumentError for a request that makes no sense.
   */
  callHttp(request: DurableHttpRequest): CancelableTask<DurableHttpResponse>;

  /** True in instances that reach this point with the patched code for the first time, false in those already past it. Remembered. */
  patched(changeId: string): boolean;
}

/** A held set of entity locks. */
export interface EntityLock {
  /** Releases the locks; a second release does nothing. */
  release(): void;
  [Symbol.dispose](): void;
}
