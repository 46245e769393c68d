/** The client of a task hub: what every way of reaching a hub offers (in process, over HTTP, from another tab, from a Worker). */

import type { OrchestratorDefinition } from "../definition/definitions.ts";
import type { Duration } from "../duration.ts";
import type { FailureDetails } from "../failure.ts";
import type { HistoryEvent, Tags } from "../history/events.ts";
import type { EntityId, EntityIdLike } from "../identity.ts";
import type { OrchestrationStatus } from "../store/contract.ts";
import type { ScheduleClient } from "./schedules.ts";

declare const outputOf: unique symbol;
/** An instance id that remembers the type of its orchestration's output. A plain string at run time. */
export type OrchestrationId<TOutput> = string & { readonly [outputOf]?: TOutput };

/** What clients see of an instance. Payloads are decoded values. */
export interface OrchestrationState<TOutput = unknown> {
  readonly instanceId: string;
  readonly name: string;
  /** `""` when it has none. */
  readonly version: string;
  readonly runtimeStatus: OrchestrationStatus;
  readonly createdAt: Date;
  readonly lastUpdatedAt: Date;
  readonly completedAt?: Date;
  readonly input?: unknown;
  /** The result; of a terminated instance, what `terminate` was given. */
  readonly output?: TOutput;
  readonly customStatus?: unknown;
  /** Why it failed, or why it is parked. */
  readonly failure?: FailureDetails;
  /** What a person should know although it goes on: its history has passed `limits.historyEventsWarning`. Gone after `continueAsNew`. */
  readonly warning?: string;
  readonly tags: Tags;
  readonly parentInstanceId?: string;
}

/** Options of a start. */
export interface StartOrchestrationOptions {
  /** A random UUID unless given. */
  readonly instanceId?: string;
  /** Do not start before; `Pending` until then. */
  readonly startAt?: Date;
  /** The definition's own version unless given. */
  readonly version?: string;
  readonly tags?: Tags;
  /**
   * Statuses in which an instance of the same id must not be replaced. Without it: every status that is not final.
   * An instance in a status that is not listed is terminated if need be, and replaced in one step.
   */
  readonly dedupeStatuses?: readonly OrchestrationStatus[];
}

/** Which instances a listing gives. Bounds are inclusive. */
export interface OrchestrationQuery {
  readonly statuses?: readonly OrchestrationStatus[];
  readonly names?: readonly string[];
  readonly createdFrom?: Date;
  readonly createdTo?: Date;
  readonly instanceIdPrefix?: string;
  /** Every one of these must be on the instance. */
  readonly tags?: Tags;
  /** Instances a page; 100 unless given. */
  readonly pageSize?: number;
  readonly continuationToken?: string;
  /** Decode input, output and custom status; true unless given. */
  readonly fetchPayloads?: boolean;
}

/** Which finished instances to list. Bounds are inclusive. */
export interface ListInstanceIdsQuery {
  readonly statuses?: readonly OrchestrationStatus[];
  readonly completedFrom?: Date;
  readonly completedTo?: Date;
  readonly pageSize?: number;
  readonly continuationToken?: string;
}

/** Which finished instances to purge. */
export interface PurgeCriteria {
  readonly createdFrom?: Date;
  readonly createdTo?: Date;
  readonly statuses?: readonly OrchestrationStatus[];
  /** Stop after this time and report how far it got. */
  readonly timeoutMs?: number;
}

export interface PurgeResult {
  readonly deletedInstanceCount: number;
  /** False when time ran out first. */
  readonly isComplete: boolean;
}

/** What clients see of an entity. */
export interface EntityMetadata<TState = unknown> {
  readonly id: EntityId;
  /** Decoded; absent when it has none, or was not asked for. */
  readonly state?: TState;
  /** Instant of the last change of its state. */
  readonly lastModifiedAt: Date;
  /** Messages that wait for it. */
  readonly backlogQueueSize: number;
  /** Instance id of the orchestration that holds its lock. */
  readonly lockedBy?: string;
}

/** Which entities a listing gives, in order of ids. Bounds are inclusive. */
export interface EntityQuery {
  /** `@name@key…`; the leading `@` may be left out, the name's case does not count. */
  readonly instanceIdPrefix?: string;
  readonly lastModifiedFrom?: Date;
  readonly lastModifiedTo?: Date;
  /** True unless given. */
  readonly includeState?: boolean;
  /** Entities without a state too, which are only locked; false unless given. */
  readonly includeTransient?: boolean;
  readonly pageSize?: number;
  readonly continuationToken?: string;
}

/** What to clean; both true unless given. */
export interface CleanEntityStorageRequest {
  readonly removeEmptyEntities?: boolean;
  readonly releaseOrphanedLocks?: boolean;
}
export interface CleanEntityStorageResult {
  readonly emptyEntitiesRemoved: number;
  readonly orphanedLocksReleased: number;
}

/** One page of a listing. */
export interface Page<T> {
  readonly values: readonly T[];
  /** Absent on the last page. */
  readonly continuationToken?: string;
}

/** A listing: iterate over its values, or over its pages. */
export interface Pageable<T> extends AsyncIterable<T> {
  pages(): AsyncIterable<Page<T>>;
}

/** Starts an orchestration by its definition, with an input of its type, or by its name. */
export interface ScheduleNewOrchestration {
  <TInput, TOutput>(
    orchestrator: OrchestratorDefinition<TInput, TOutput>,
    input: NoInfer<TInput>,
    options?: StartOrchestrationOptions,
  ): Promise<OrchestrationId<TOutput>>;
  <TOutput>(orchestrator: OrchestratorDefinition<undefined, TOutput>): Promise<OrchestrationId<TOutput>>;
  <TOutput = unknown>(
    name: string,
    input?: unknown,
    options?: StartOrchestrationOptions,
  ): Promise<OrchestrationId<TOutput>>;
}

/**
 * What can be done with a task hub. Calls about an instance that does not exist: `get…` answers `undefined` (history: an empty list),
 * everything that would change it rejects with `InstanceNotFoundError`. Calls that change a finished instance reject with `InstanceNotRunningError`,
 * calls on a closed hub with `HubClosedError`, on one that was taken over with `HubFencedError`. An acknowledged call is durable.
 */
export interface TaskHubClient {
  /** Orchestrations that the hub starts by itself, by cron expressions or intervals. */
  readonly schedules: ScheduleClient;
  /**
   * Starts an orchestration and gives its id once the start is durable.
   * @throws FunctionNotRegisteredError, OrchestrationAlreadyExistsError, InvalidInstanceIdError, PayloadError, ValidationError
   */
  readonly scheduleNewOrchestration: ScheduleNewOrchestration;

  getOrchestrationState<TOutput = unknown>(
    id: OrchestrationId<TOutput>,
    options?: { readonly fetchPayloads?: boolean },
  ): Promise<OrchestrationState<TOutput> | undefined>;

  /** Answers when the instance is no longer `Pending`. @throws InstanceNotFoundError, TimeoutError */
  waitForOrchestrationStart<TOutput = unknown>(
    id: OrchestrationId<TOutput>,
    options?: { readonly timeoutMs?: number },
  ): Promise<OrchestrationState<TOutput>>;
  /** Answers when the instance is finished, however it ended. @throws InstanceNotFoundError, TimeoutError */
  waitForOrchestrationCompletion<TOutput = unknown>(
    id: OrchestrationId<TOutput>,
    options?: { readonly timeoutMs?: number },
  ): Promise<OrchestrationState<TOutput>>;

  /** The states of an instance as they change, from now to its end. @throws InstanceNotFoundError */
  watchOrchestration<TOutput = unknown>(id: OrchestrationId<TOutput>): AsyncIterable<OrchestrationState<TOutput>>;
  /** The states of all instances that fit: those that exist, then every change, until the consumer stops. */
  watchOrchestrations(query?: OrchestrationQuery): AsyncIterable<OrchestrationState>;

  /** Raises an external event. With an `eventId` raising it again has no effect. */
  raiseOrchestrationEvent(
    id: string,
    name: string,
    data?: unknown,
    options?: { readonly eventId?: string },
  ): Promise<void>;
  /** Ends an instance without running any more of its code; `recursive` ends its children too. */
  terminateOrchestration(
    id: string,
    options?: { readonly output?: unknown; readonly recursive?: boolean },
  ): Promise<void>;
  /** Holds an instance: events are kept, code does not run. What is suspended already stays so; what is parked then waits for its resume, too. */
  suspendOrchestration(id: string, reason?: string): Promise<void>;
  resumeOrchestration(id: string, reason?: string): Promise<void>;
  /**
   * Lets a failed instance go on from where it failed: what failed is done again, everything else keeps its result. Failed children are rewound too.
   * What entities have answered since it failed is kept for it; calls of activities that were still open are made again.
   * @throws InstanceNotFoundError, InvalidInstanceStateError when it has not failed, or failed inside a critical section
   */
  rewindOrchestration(id: string, reason?: string): Promise<void>;
  /**
   * Starts an instance again with its name, input, version and tags: under its own id (which must be finished), a given one, or (`true`) a random one.
   * @throws InstanceNotFoundError, InvalidInstanceStateError, OrchestrationAlreadyExistsError, FunctionNotRegisteredError
   */
  restartOrchestration(id: string, options?: { readonly newInstanceId?: string | true }): Promise<string>;
  /** Deletes finished instances: one by id, or all that fit. Reports 0 for what is missing or still runs. */
  purgeOrchestration(target: string | PurgeCriteria, options?: { readonly recursive?: boolean }): Promise<PurgeResult>;
  queryOrchestrations(query?: OrchestrationQuery): Pageable<OrchestrationState>;
  /** One page of ids of finished instances, in order of completion. */
  listInstanceIds(query?: ListInstanceIdsQuery): Promise<Page<string>>;
  /** Sends an operation to an entity; answers when the signal is durable. @throws FunctionNotRegisteredError, InvalidInstanceIdError, PayloadError */
  signalEntity(
    id: EntityIdLike,
    operation: string,
    input?: unknown,
    options?: { readonly signalTime?: Date | Duration },
  ): Promise<void>;
  /** The last committed state of an entity; `undefined` when there is none. */
  getEntity<TState = unknown>(
    id: EntityIdLike,
    options?: { readonly includeState?: boolean },
  ): Promise<EntityMetadata<TState> | undefined>;
  queryEntities(query?: EntityQuery): Pageable<EntityMetadata>;
  /**
   * Releases locks whose owner no longer runs. Repeating it is harmless; it counts what this call has released, so that one that was cut short and
   * made again (by another tab, say) counts the rest.
   */
  cleanEntityStorage(request?: CleanEntityStorageRequest): Promise<CleanEntityStorageResult>;
  /** The history of the current generation, oldest event first. */
  getOrchestrationHistory(id: string): Promise<readonly HistoryEvent[]>;
}
