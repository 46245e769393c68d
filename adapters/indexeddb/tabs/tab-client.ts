/** The client interface in any tab: each call goes to whoever leads, and comes back as if the hub were here. */
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
} from "../../../core/client/client.ts";
import type { ScheduleClient } from "../../../core/client/schedules.ts";
import type { OrchestratorDefinition } from "../../../core/definition/definitions.ts";
import { checkTimeout, type Duration, dueAtMs } from "../../../core/duration.ts";
import { TimeoutError } from "../../../core/errors.ts";
import type { HistoryEvent } from "../../../core/history/events.ts";
import type { Host } from "../../../core/hub/host.ts";
import { type EntityIdLike, entityIdOf } from "../../../core/identity.ts";
import { stoppable } from "../../../core/stoppable.ts";
import { listing } from "./listing.ts";
import type { Outbox } from "./outbox.ts";
import type { WatchTarget } from "./protocol.ts";
import { functionName, TabSchedules } from "./tab-schedules.ts";
import { watch } from "./watch.ts";
import type { Wire, WireState } from "./wire.ts";

interface WaitOptions {
  readonly timeoutMs?: number;
}

export class TabClient implements TaskHubClient {
  readonly schedules: ScheduleClient;
  readonly #outbox: Outbox;
  readonly #wire: Wire;
  readonly #host: Host;

  constructor(outbox: Outbox, wire: Wire, host: Host) {
    this.schedules = new TabSchedules(outbox, wire);
    this.#outbox = outbox;
    this.#wire = wire;
    this.#host = host;
  }

  readonly scheduleNewOrchestration: ScheduleNewOrchestration = async (
    orchestrator: OrchestratorDefinition<never, unknown> | string,
    input?: unknown,
    options: StartOrchestrationOptions = {},
  ) => {
    return this.#outbox.call("start", {
      fn: functionName(orchestrator),
      input: this.#wire.encode(input),
      options: { ...options, instanceId: options.instanceId ?? this.#host.randomId() },
    });
  };

  async getOrchestrationState<TOutput = unknown>(
    id: OrchestrationId<TOutput>,
    options: { readonly fetchPayloads?: boolean } = {},
  ): Promise<OrchestrationState<TOutput> | undefined> {
    const state = await this.#outbox.call("getState", { id, fetchPayloads: options.fetchPayloads });
    return state && this.#wire.readState<TOutput>(state);
  }

  async waitForOrchestrationStart<TOutput = unknown>(
    id: OrchestrationId<TOutput>,
    options: WaitOptions = {},
  ): Promise<OrchestrationState<TOutput>> {
    return this.#wire.readState<TOutput>(await this.#wait("waitForStart", "start", id, options));
  }

  async waitForOrchestrationCompletion<TOutput = unknown>(
    id: OrchestrationId<TOutput>,
    options: WaitOptions = {},
  ): Promise<OrchestrationState<TOutput>> {
    return this.#wire.readState<TOutput>(await this.#wait("waitForCompletion", "completion", id, options));
  }

  watchOrchestration<TOutput = unknown>(id: OrchestrationId<TOutput>): AsyncIterable<OrchestrationState<TOutput>> {
    return this.#watch<TOutput>({ kind: "one", id });
  }

  watchOrchestrations(query: OrchestrationQuery = {}): AsyncIterable<OrchestrationState> {
    return this.#watch({ kind: "many", query });
  }

  async raiseOrchestrationEvent(
    id: string,
    name: string,
    data?: unknown,
    options: { readonly eventId?: string } = {},
  ): Promise<void> {
    await this.#outbox.call("raiseEvent", { id, name, data: this.#wire.encode(data), eventId: options.eventId });
  }

  async terminateOrchestration(
    id: string,
    options: { readonly output?: unknown; readonly recursive?: boolean } = {},
  ): Promise<void> {
    const { output, recursive = false } = options;
    await this.#outbox.call("terminate", { id, output: this.#wire.encode(output), recursive });
  }

  async suspendOrchestration(id: string, reason?: string): Promise<void> {
    await this.#outbox.call("suspend", { id, reason });
  }

  async resumeOrchestration(id: string, reason?: string): Promise<void> {
    await this.#outbox.call("resume", { id, reason });
  }

  async rewindOrchestration(id: string, reason?: string): Promise<void> {
    await this.#outbox.call("rewind", { id, reason });
  }

  async restartOrchestration(id: string, options: { readonly newInstanceId?: string | true } = {}): Promise<string> {
    const newInstanceId = options.newInstanceId === true ? this.#host.randomId() : options.newInstanceId;
    return this.#outbox.call("restart", { id, newInstanceId });
  }

  async purgeOrchestration(
    target: string | PurgeCriteria,
    options: { readonly recursive?: boolean } = {},
  ): Promise<PurgeResult> {
    return this.#outbox.call("purge", { target, recursive: options.recursive ?? false });
  }

  queryOrchestrations(query: OrchestrationQuery = {}): Pageable<OrchestrationState> {
    return listing(
      query,
      (position) => this.#outbox.call("pageOfStates", position),
      (state) => this.#wire.readState(state),
    );
  }

  async listInstanceIds(query: ListInstanceIdsQuery = {}): Promise<Page<string>> {
    return this.#outbox.call("pageOfIds", query);
  }

  async getOrchestrationHistory(id: string): Promise<readonly HistoryEvent[]> {
    return this.#outbox.call("getHistory", { id });
  }

  async signalEntity(
    id: EntityIdLike,
    operation: string,
    input?: unknown,
    options: { readonly signalTime?: Date | Duration } = {},
  ): Promise<void> {
    const { signalTime } = options;
    await this.#outbox.call("signalEntity", {
      id: entityIdOf(id).toString(),
      operation,
      input: this.#wire.encode(input),
      signalTime: signalTime === undefined ? undefined : new Date(dueAtMs(signalTime, this.#host.now(), "signalTime")),
    });
  }

  async getEntity<TState = unknown>(
    id: EntityIdLike,
    options: { readonly includeState?: boolean } = {},
  ): Promise<EntityMetadata<TState> | undefined> {
    const { includeState } = options;
    const entity = await this.#outbox.call("getEntity", { id: entityIdOf(id).toString(), includeState });
    return entity && this.#wire.readEntity<TState>(entity);
  }

  queryEntities(query: EntityQuery = {}): Pageable<EntityMetadata> {
    return listing(
      query,
      (position) => this.#outbox.call("pageOfEntities", position),
      (entity) => this.#wire.readEntity(entity),
    );
  }

  async cleanEntityStorage(request: CleanEntityStorageRequest = {}): Promise<CleanEntityStorageResult> {
    return this.#outbox.call("cleanEntityStorage", request);
  }

  #watch<TOutput>(target: WatchTarget): AsyncGenerator<OrchestrationState<TOutput>, void, undefined> {
    const wire = this.#wire;
    const states = watch(target, { outbox: this.#outbox, newId: () => this.#host.randomId() });
    async function* read(): AsyncGenerator<OrchestrationState<TOutput>, void, undefined> {
      for await (const state of states) yield wire.readState<TOutput>(state);
    }
    return stoppable(read(), () => void states.return());
  }

  /** The time runs here: it goes on while the lead changes hands. */
  async #wait(
    call: "waitForStart" | "waitForCompletion",
    goal: string,
    id: string,
    { timeoutMs }: WaitOptions,
  ): Promise<WireState> {
    if (timeoutMs !== undefined) checkTimeout(timeoutMs);
    const answer = this.#outbox.call(call, { id, timeoutMs });
    if (timeoutMs === undefined || !Number.isFinite(timeoutMs)) return answer;
    return new Promise((resolve, reject) => {
      const expired = (): void =>
        reject(
          new TimeoutError(
            `The ${goal} of '${id}' was not reached within ${timeoutMs} ms. The orchestration goes on; wait again, or look at its state.`,
          ),
        );
      const cancel = this.#host.delay(timeoutMs, expired);
      answer.then(resolve, reject).finally(cancel);
    });
  }
}
