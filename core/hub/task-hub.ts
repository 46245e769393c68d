/** A task hub in this process: the engine behind the client interface. */
import type {
  CleanEntityStorageRequest,
  CleanEntityStorageResult,
  EntityMetadata,
  EntityQuery,
  ListInstanceIdsQuery,
  OrchestrationId,
  OrchestrationQuery,
  OrchestrationState,
  Page,
  Pageable,
  PurgeCriteria,
  PurgeResult,
  StartOrchestrationOptions,
  TaskHubClient,
} from "../client/client.ts";
import type { ScheduleClient } from "../client/schedules.ts";
import type { OrchestratorDefinition } from "../definition/definitions.ts";
import type { Duration } from "../duration.ts";
import type { HistoryEvent } from "../history/events.ts";
import { checkInstanceId, type EntityIdLike } from "../identity.ts";
import { HubSchedules } from "../schedules/hub-schedules.ts";
import * as commands from "./commands.ts";
import type { Engine } from "./engine.ts";
import * as entities from "./entity-client.ts";
import { isFinal } from "./message.ts";
import { openEngine, type TaskHubOptions } from "./open-engine.ts";
import * as views from "./views.ts";
import { watchMany, watchOne } from "./watch.ts";

/** Options of the waits. */
interface WaitOptions {
  readonly timeoutMs?: number;
}
const STARTED: views.Goal = { name: "start", isReached: (record) => record.status !== "Pending" };
const COMPLETED: views.Goal = { name: "completion", isReached: (record) => isFinal(record.status) };

/**
 * A task hub: orchestrations, their activities and their state over one store. The only writer of its data.
 * Every method rejects with `HubClosedError` after `close`, and with `HubFencedError` once another hub has opened the same store.
 */
export class TaskHub implements TaskHubClient {
  readonly name: string;
  readonly schedules: ScheduleClient;
  readonly #engine: Engine;
  #closing: Promise<void> | undefined;

  protected constructor(engine: Engine) {
    this.name = engine.options.hubName;
    this.schedules = new HubSchedules(engine);
    this.#engine = engine;
  }

  /**
   * Opens a hub over a store and takes up what was outstanding. A hub that had the store open is fenced.
   * @throws InvalidArgumentError for options that make no sense, two definitions of one name and version among them; and whatever keeps the
   * store from being opened or read. The store is closed then.
   */
  static async open(options: TaskHubOptions): Promise<TaskHub> {
    const hub = new TaskHub(await openEngine(options));
    await hub.recover();
    return hub;
  }

  async scheduleNewOrchestration<TInput, TOutput>(
    orchestrator: OrchestratorDefinition<TInput, TOutput>,
    input: NoInfer<TInput>,
    options?: StartOrchestrationOptions,
  ): Promise<OrchestrationId<TOutput>>;
  async scheduleNewOrchestration<TOutput>(
    orchestrator: OrchestratorDefinition<undefined, TOutput>,
  ): Promise<OrchestrationId<TOutput>>;
  async scheduleNewOrchestration<TOutput = unknown>(
    name: string,
    input?: unknown,
    options?: StartOrchestrationOptions,
  ): Promise<OrchestrationId<TOutput>>;
  async scheduleNewOrchestration(
    orchestrator: OrchestratorDefinition<never, unknown> | string,
    input?: unknown,
    options: StartOrchestrationOptions = {},
  ): Promise<string> {
    return commands.start(this.#open, orchestrator, input, options);
  }

  async getOrchestrationState<TOutput = unknown>(
    id: OrchestrationId<TOutput>,
    options: { readonly fetchPayloads?: boolean } = {},
  ): Promise<OrchestrationState<TOutput> | undefined> {
    const engine = this.#open;
    checkInstanceId(id);
    const found = await views.findInstance(engine, id);
    return found && views.viewOf<TOutput>(engine, found.record, found.lastUpdatedAtMs, options.fetchPayloads);
  }

  async waitForOrchestrationStart<TOutput = unknown>(
    id: OrchestrationId<TOutput>,
    options: WaitOptions = {},
  ): Promise<OrchestrationState<TOutput>> {
    return views.waitFor<TOutput>(this.#open, id, STARTED, options.timeoutMs);
  }

  async waitForOrchestrationCompletion<TOutput = unknown>(
    id: OrchestrationId<TOutput>,
    options: WaitOptions = {},
  ): Promise<OrchestrationState<TOutput>> {
    return views.waitFor<TOutput>(this.#open, id, COMPLETED, options.timeoutMs);
  }

  watchOrchestration<TOutput = unknown>(id: OrchestrationId<TOutput>): AsyncIterable<OrchestrationState<TOutput>> {
    return watchOne<TOutput>(this.#engine, id);
  }

  watchOrchestrations(query: OrchestrationQuery = {}): AsyncIterable<OrchestrationState> {
    return watchMany(this.#engine, query);
  }

  async raiseOrchestrationEvent(
    id: string,
    name: string,
    data?: unknown,
    options: { readonly eventId?: string } = {},
  ): Promise<void> {
    await commands.raiseEvent(this.#open, id, name, data, options.eventId);
  }

  async terminateOrchestration(
    id: string,
    options: { readonly output?: unknown; readonly recursive?: boolean } = {},
  ): Promise<void> {
    await commands.terminate(this.#open, id, options.output, options.recursive ?? false);
  }

  async suspendOrchestration(id: string, reason?: string): Promise<void> {
    await commands.hold(this.#open, id, "ExecutionSuspended", reason);
  }

  async resumeOrchestration(id: string, reason?: string): Promise<void> {
    await commands.hold(this.#open, id, "ExecutionResumed", reason);
  }

  async rewindOrchestration(id: string, reason?: string): Promise<void> {
    await commands.rewind(this.#open, id, reason);
  }

  async restartOrchestration(id: string, options: { readonly newInstanceId?: string | true } = {}): Promise<string> {
    return commands.restart(this.#open, id, options.newInstanceId);
  }

  async purgeOrchestration(
    target: string | PurgeCriteria,
    options: { readonly recursive?: boolean } = {},
  ): Promise<PurgeResult> {
    return commands.purge(this.#open, target, options.recursive ?? false);
  }

  queryOrchestrations(query: OrchestrationQuery = {}): Pageable<OrchestrationState> {
    return views.queryOrchestrations(this.#engine, query);
  }

  async listInstanceIds(query: ListInstanceIdsQuery = {}): Promise<Page<string>> {
    return views.listInstanceIds(this.#open, query);
  }

  async getOrchestrationHistory(id: string): Promise<readonly HistoryEvent[]> {
    const engine = this.#open;
    checkInstanceId(id);
    return engine.options.session.history(id);
  }

  async signalEntity(
    id: EntityIdLike,
    operation: string,
    input?: unknown,
    options: { readonly signalTime?: Date | Duration } = {},
  ): Promise<void> {
    await entities.signalEntity(this.#open, id, operation, input, options);
  }

  async getEntity<TState = unknown>(
    id: EntityIdLike,
    options: { readonly includeState?: boolean } = {},
  ): Promise<EntityMetadata<TState> | undefined> {
    return entities.getEntity<TState>(this.#open, id, options.includeState ?? true);
  }

  queryEntities(query: EntityQuery = {}): Pageable<EntityMetadata> {
    return entities.queryEntities(this.#engine, query);
  }

  async cleanEntityStorage(request: CleanEntityStorageRequest = {}): Promise<CleanEntityStorageResult> {
    return entities.cleanEntityStorage(this.#open, request);
  }

  /**
   * Gives the hub up: running activities get their signal and run again after the next opening; waits reject with `HubClosedError`.
   * Every call resolves when the store has been closed.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#engine.close();
    await this.#engine.options.session.close();
  }

  /** Takes up what was outstanding; a hub that cannot is closed. */
  protected async recover(): Promise<void> {
    try {
      await this.#engine.recover();
    } catch (error) {
      await this.close().catch(() => {});
      throw error;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The engine, as long as it takes calls. */
  get #open(): Engine {
    this.#engine.checkOpen();
    return this.#engine;
  }
}
