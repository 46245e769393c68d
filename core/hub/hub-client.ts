/** The client interface over an engine in this process. */
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
  ScheduleNewOrchestration,
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
import type { ClientPorts } from "./engine-ports.ts";
import * as entities from "./entity-client.ts";
import { isFinal } from "./message.ts";
import * as views from "./views.ts";
import { watchMany, watchOne } from "./watch.ts";

/** Options of the waits. */
interface WaitOptions {
  readonly timeoutMs?: number;
}
const STARTED: views.Goal = { name: "start", isReached: (record) => record.status !== "Pending" };
const COMPLETED: views.Goal = { name: "completion", isReached: (record) => isFinal(record.status) };

/** The calls of clients, answered by the engine that is behind them. */
export class HubClient implements TaskHubClient {
  readonly schedules: ScheduleClient;
  readonly #engine: ClientPorts;

  constructor(engine: ClientPorts) {
    this.schedules = new HubSchedules(engine);
    this.#engine = engine;
  }

  readonly scheduleNewOrchestration: ScheduleNewOrchestration = async (
    orchestrator: OrchestratorDefinition<never, unknown> | string,
    input?: unknown,
    options: StartOrchestrationOptions = {},
  ) => {
    return commands.start(this.#open, orchestrator, input, options);
  };

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

  /** The engine, as long as it takes calls. */
  get #open(): ClientPorts {
    this.#engine.checkOpen();
    return this.#engine;
  }
}
