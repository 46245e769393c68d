/** A task hub in this process: the engine behind the client interface. */

import type {
  CleanEntityStorageRequest,
  CleanEntityStorageResult,
  EntityMetadata,
  EntityQuery,
  OrchestrationId,
  OrchestrationQuery,
  OrchestrationState,
  Pageable,
  PurgeCriteria,
  PurgeResult,
  StartOrchestrationOptions,
  TaskHubClient,
} from "../client/client.ts";
import { defaultCodec, type SyncCodec } from "../codec/codec.ts";
import type { InputAndOptions } from "../definition/arguments.ts";
import type { FunctionDefinition, OrchestratorDefinition } from "../definition/definitions.ts";
import type { Duration } from "../duration.ts";
import { FunctionNotRegisteredError, InstanceNotFoundError, InvalidArgumentError, TimeoutError } from "../errors.ts";
import type { ExecutionStartedEvent, HistoryEvent } from "../history/events.ts";
import { checkInstanceId, checkName, type EntityIdLike, isTaskHubName } from "../identity.ts";
import { type Limits, limitsOf } from "../limits.ts";
import { type Logger, silentLogger } from "../logger.ts";
import { OrchestratorRun } from "../replay/run.ts";
import {
  type HubStore,
  type InstanceFilter,
  type InstanceRecord,
  isPromise,
  type ListedInstance,
  type StoreSession,
} from "../store/contract.ts";
import { MemoryStore } from "../store/memory.ts";
import { Engine } from "./engine.ts";
import { cleanEntityStorage, getEntity, queryEntities, signalEntity } from "./entity-client.ts";
import { type Host, systemHost } from "./host.ts";
import { isFinal } from "./message.ts";
import { checkStatus, filterOf, instant, pageable } from "./pages.ts";
import { Payloads } from "./payloads.ts";
import { Registry } from "./registry.ts";
import { stateOf } from "./state.ts";
import type { Waiter } from "./waiters.ts";

/** How a hub is opened. */
export interface TaskHubOptions {
  /** 1–64 letters, digits, `-`, `_`; `"default"` unless given. Hubs of one store are kept apart by it. */
  readonly name?: string;
  /** Where the hub is kept; a new `MemoryStore` unless given. */
  readonly store?: HubStore;
  readonly functions: readonly FunctionDefinition[];
  readonly codec?: SyncCodec;
  readonly logger?: Logger;
  /** Activities that run at once in this hub. */
  readonly maxConcurrentActivities?: number;
  /** Orchestrators kept live in memory. */
  readonly maxLiveInstances?: number;
  readonly limits?: Partial<Limits>;
  /** Host resources that activities and entities see as `ctx.env`. */
  readonly env?: unknown;
  /** Clock and event loop; the platform's own unless given. */
  readonly host?: Host;
}

type Payload = string | undefined;

/**
 * A task hub: orchestrations, their activities and their state over one store. The only writer of its data.
 * Every method rejects with `HubClosedError` after `close`, and with `HubFencedError` once another hub has opened the same store.
 */
export class TaskHub implements TaskHubClient {
  readonly name: string;
  readonly #engine: Engine;
  readonly #session: StoreSession;
  readonly #host: Host;
  readonly #registry: Registry;
  readonly #payloads: Payloads;

  protected constructor(engine: Engine) {
    this.name = engine.options.hubName;
    this.#engine = engine;
    this.#session = engine.options.session;
    this.#host = engine.options.host;
    this.#registry = engine.options.registry;
    this.#payloads = engine.options.payloads;
  }

  /**
   * Opens a hub over a store and takes up what was outstanding. A hub that had the store open is fenced.
   * @throws InvalidArgumentError for options that make no sense, two definitions of one name and version among them.
   */
  static async open(options: TaskHubOptions): Promise<TaskHub> {
    const engine = await openEngine(options);
    await engine.recover();
    return new TaskHub(engine);
  }

  async scheduleNewOrchestration<TInput, TOutput>(
    orchestrator: OrchestratorDefinition<TInput, TOutput> | string,
    ...args: InputAndOptions<TInput, StartOrchestrationOptions> | [unknown?, StartOrchestrationOptions?]
  ): Promise<OrchestrationId<TOutput>> {
    this.#checkOpen();
    const [input, options = {}] = args;
    const name = typeof orchestrator === "string" ? orchestrator : orchestrator?.name;
    checkName(name, "The name of the orchestrator to start");
    const version =
      options.version ??
      (typeof orchestrator === "string" ? this.#registry.defaultVersion(name) : orchestrator.version);
    const definition = this.#registry.orchestrator(name, version);
    if (!definition) throw new FunctionNotRegisteredError("orchestrator", name, version);
    if (options.instanceId !== undefined) checkInstanceId(options.instanceId);
    for (const status of options.dedupeStatuses ?? []) checkStatus(status);
    const scheduledAtMs = options.startAt && instant(options.startAt, "startAt");
    const payload = this.#payloads.encodeOptional(await this.#payloads.checkInput(definition, input));
    const instanceId = options.instanceId ?? this.#host.randomId();
    const event: ExecutionStartedEvent = {
      type: "ExecutionStarted",
      eventId: 0,
      timestamp: this.#now(),
      name,
      ...(version !== "" && { version }),
      ...(payload !== undefined && { input: payload }),
      orchestrationInstance: { instanceId, executionId: this.#engine.newExecutionId() },
      ...(scheduledAtMs !== undefined && { scheduledStartTimestamp: new Date(scheduledAtMs) }),
      ...(options.tags && { tags: { ...options.tags } }),
    };
    await this.#engine.send(instanceId, {
      kind: "start",
      event,
      ...(options.dedupeStatuses && { dedupeStatuses: options.dedupeStatuses }),
    });
    return instanceId;
  }

  async getOrchestrationState<TOutput = unknown>(
    id: OrchestrationId<TOutput>,
    options: { readonly fetchPayloads?: boolean } = {},
  ): Promise<OrchestrationState<TOutput> | undefined> {
    this.#checkOpen();
    checkInstanceId(id);
    const found = await this.#find(id);
    return found && this.#state<TOutput>(found.record, found.lastUpdatedAtMs, options.fetchPayloads);
  }

  waitForOrchestrationStart<TOutput = unknown>(
    id: OrchestrationId<TOutput>,
    options: { readonly timeoutMs?: number } = {},
  ): Promise<OrchestrationState<TOutput>> {
    return this.#waitFor<TOutput>(id, (record) => record.status !== "Pending", "start", options.timeoutMs);
  }

  waitForOrchestrationCompletion<TOutput = unknown>(
    id: OrchestrationId<TOutput>,
    options: { readonly timeoutMs?: number } = {},
  ): Promise<OrchestrationState<TOutput>> {
    return this.#waitFor<TOutput>(id, (record) => isFinal(record.status), "completion", options.timeoutMs);
  }

  async raiseOrchestrationEvent(id: string, name: string, data?: unknown): Promise<void> {
    this.#checkOpen();
    checkInstanceId(id);
    checkName(name, "The name of the event to raise");
    await this.#raise(id, "EventRaised", { name, ...withInput(this.#payloads.encodeOptional(data)) });
  }

  async terminateOrchestration(
    id: string,
    options: { readonly output?: unknown; readonly recursive?: boolean } = {},
  ): Promise<void> {
    this.#checkOpen();
    checkInstanceId(id);
    await this.#raise(id, "ExecutionTerminated", {
      recurse: options.recursive ?? false,
      ...withInput(this.#payloads.encodeOptional(options.output)),
    });
  }

  async suspendOrchestration(id: string, reason?: string): Promise<void> {
    this.#checkOpen();
    checkInstanceId(id);
    await this.#raise(id, "ExecutionSuspended", withInput(reason));
  }

  async resumeOrchestration(id: string, reason?: string): Promise<void> {
    this.#checkOpen();
    checkInstanceId(id);
    await this.#raise(id, "ExecutionResumed", withInput(reason));
  }

  async purgeOrchestration(
    target: string | PurgeCriteria,
    _options: { readonly recursive?: boolean } = {},
  ): Promise<PurgeResult> {
    this.#checkOpen();
    if (typeof target === "string") {
      checkInstanceId(target);
      return { deletedInstanceCount: await this.#purge(target), isComplete: true };
    }
    const { timeoutMs, ...query } = target;
    const deadlineMs = timeoutMs === undefined ? Number.POSITIVE_INFINITY : this.#host.now() + checkTimeout(timeoutMs);
    let deletedInstanceCount = 0;
    for await (const state of this.queryOrchestrations({ ...query, fetchPayloads: false })) {
      if (this.#host.now() >= deadlineMs) return { deletedInstanceCount, isComplete: false };
      if (isFinal(state.runtimeStatus)) deletedInstanceCount += await this.#purge(state.instanceId);
    }
    return { deletedInstanceCount, isComplete: true };
  }

  queryOrchestrations(query: OrchestrationQuery = {}): Pageable<OrchestrationState> {
    const filter = filterOf(query);
    return pageable(
      query,
      async (after, limit) => this.#list(filter, after, limit),
      ({ record }) => ({ atMs: record.createdAtMs, instanceId: record.instanceId }),
      ({ record, lastUpdatedAtMs }) => this.#state(record, lastUpdatedAtMs, query.fetchPayloads),
    );
  }

  async signalEntity(
    id: EntityIdLike,
    operation: string,
    input?: unknown,
    options: { readonly signalTime?: Date | Duration } = {},
  ): Promise<void> {
    this.#checkOpen();
    await signalEntity(this.#engine, id, operation, input, options);
  }

  async getEntity<TState = unknown>(
    id: EntityIdLike,
    options: { readonly includeState?: boolean } = {},
  ): Promise<EntityMetadata<TState> | undefined> {
    this.#checkOpen();
    return getEntity<TState>(this.#engine, id, options.includeState ?? true);
  }

  queryEntities(query: EntityQuery = {}): Pageable<EntityMetadata> {
    return queryEntities(this.#engine, query);
  }

  async cleanEntityStorage(request: CleanEntityStorageRequest = {}): Promise<CleanEntityStorageResult> {
    this.#checkOpen();
    return cleanEntityStorage(this.#engine, request);
  }

  async getOrchestrationHistory(id: string): Promise<readonly HistoryEvent[]> {
    this.#checkOpen();
    checkInstanceId(id);
    return this.#session.history(id);
  }

  /** Gives the hub up: running activities get their signal and run again after the next opening; waits reject with `HubClosedError`. */
  async close(): Promise<void> {
    this.#engine.close();
    await this.#session.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // ---- how calls reach the engine

  #checkOpen(): void {
    const { stopped } = this.#engine;
    if (stopped) throw stopped;
  }

  #now(): Date {
    return new Date(this.#host.now());
  }

  #raise(id: string, type: HistoryEvent["type"], fields: Record<string, unknown>): Promise<unknown> {
    const event = { type, eventId: -1, timestamp: this.#now(), ...fields } as HistoryEvent;
    return this.#engine.send(id, { kind: "event", event });
  }

  async #purge(id: string): Promise<number> {
    return (await this.#engine.send(id, { kind: "purge" })) as number;
  }

  #list(
    filter: InstanceFilter,
    after: { readonly atMs: number; readonly instanceId: string } | undefined,
    limit: number,
  ): readonly ListedInstance[] | Promise<readonly ListedInstance[]> {
    this.#checkOpen();
    return this.#session.query({ filter, orderBy: "created", limit, ...(after && { after }) });
  }

  #find(id: string): ListedInstance | undefined | Promise<ListedInstance | undefined> {
    const live = this.#engine.find(id);
    if (live) return live.visible && { record: live.visible, lastUpdatedAtMs: live.visibleAtMs };
    const listed = (stored: Awaited<ReturnType<StoreSession["load"]>>): ListedInstance | undefined =>
      stored?.record && { record: stored.record, lastUpdatedAtMs: stored.lastUpdatedAtMs };
    const stored = this.#session.load(id);
    return isPromise(stored) ? stored.then(listed) : listed(stored);
  }

  #state<TOutput>(record: InstanceRecord, atMs: number, fetchPayloads = true): OrchestrationState<TOutput> {
    return stateOf(
      record,
      atMs,
      fetchPayloads ? (text) => this.#payloads.decode(text) : undefined,
    ) as OrchestrationState<TOutput>;
  }

  /** Listens first and looks afterwards, so that no change falls between the two. */
  async #waitFor<TOutput>(
    id: string,
    isReached: (record: InstanceRecord) => boolean,
    what: string,
    timeoutMs?: number,
  ): Promise<OrchestrationState<TOutput>> {
    this.#checkOpen();
    checkInstanceId(id);
    if (timeoutMs !== undefined) checkTimeout(timeoutMs);
    const { waiters } = this.#engine;
    return new Promise((resolve, reject) => {
      let cancelTimeout = (): void => {};
      const waiter: Waiter = {
        changed: (record, atMs) => {
          if (record && !isReached(record)) return false;
          cancelTimeout();
          if (record) resolve(this.#state<TOutput>(record, atMs));
          else reject(new InstanceNotFoundError(id));
          return true;
        },
        closed: (error) => {
          cancelTimeout();
          reject(error);
        },
      };
      const look = (found: ListedInstance | undefined): void => {
        if (waiter.changed(found?.record, found?.lastUpdatedAtMs ?? 0)) waiters.remove(id, waiter);
      };
      waiters.add(id, waiter);
      if (timeoutMs !== undefined) {
        cancelTimeout = this.#host.delay(timeoutMs, () => {
          waiters.remove(id, waiter);
          reject(
            new TimeoutError(
              `The ${what} of '${id}' was not reached within ${timeoutMs} ms. The orchestration goes on; wait again, or look at its state.`,
            ),
          );
        });
      }
      const found = this.#find(id);
      if (isPromise(found)) found.then(look, (error) => waiter.closed(error));
      else look(found);
    });
  }
}

function withInput(input: Payload): { input?: string } {
  return input === undefined ? {} : { input };
}

function checkTimeout(timeoutMs: number): number {
  if (typeof timeoutMs === "number" && timeoutMs >= 0) return timeoutMs;
  throw new InvalidArgumentError(`timeoutMs must be a number of at least 0; got ${String(timeoutMs)}.`);
}

/** Puts a hub's parts together over a store; nothing runs before `recover`. */
export async function openEngine(options: TaskHubOptions): Promise<Engine> {
  const hubName = options.name ?? "default";
  if (!isTaskHubName(hubName))
    throw new InvalidArgumentError(`'${String(hubName)}' is not a task hub name: 1–64 letters, digits, '-' or '_'.`);
  const registry = new Registry(options.functions);
  const logger = options.logger ?? silentLogger;
  const limits = limitsOf({
    ...options.limits,
    ...(options.maxConcurrentActivities !== undefined && { concurrentActivitiesMax: options.maxConcurrentActivities }),
    ...(options.maxLiveInstances !== undefined && { liveInstancesMax: options.maxLiveInstances }),
  });
  const payloads = new Payloads(options.codec ?? defaultCodec, limits);
  const host = options.host ?? systemHost();
  const session = await (options.store ?? new MemoryStore()).open(hubName);
  const newRun = (instanceId: string, onViolation: () => void): OrchestratorRun =>
    new OrchestratorRun(runPorts(instanceId, registry, payloads, logger, onViolation));
  return new Engine({ hubName, session, host, registry, payloads, limits, logger, env: options.env, newRun });
}

/** What replay sees of a hub. */
export function runPorts(
  instanceId: string,
  registry: Registry,
  payloads: Payloads,
  logger: Logger,
  onViolation: () => void,
): OrchestratorRun["ports"] {
  return {
    instanceId,
    logger,
    onViolation,
    orchestrator: (name, version) => registry.orchestrator(name, version),
    activity: (name, version) => registry.activity(name, version),
    encode: (value) => payloads.encode(value),
    decode: (text) => payloads.decode(text),
    encodeStatus: (value) => payloads.encodeStatus(value),
    checkInput: (definition, input) => payloads.checkInputNow(definition, input),
    encodeOutput: (definition, value) => {
      const checked = payloads.checkOutput(definition, value);
      return isPromise(checked)
        ? checked.then((result) => payloads.encodeOptional(result))
        : payloads.encodeOptional(checked);
    },
  };
}
