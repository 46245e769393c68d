/** The schedules of a hub in this process. */
import type { Pageable } from "../client/client.ts";
import type {
  NewSchedule,
  ScheduleChanges,
  ScheduleClient,
  ScheduledCall,
  ScheduledCallByName,
  ScheduleQuery,
  ScheduleState,
} from "../client/schedules.ts";
import type { OrchestratorDefinition } from "../definition/definitions.ts";
import {
  FunctionNotRegisteredError,
  InvalidArgumentError,
  ScheduleAlreadyExistsError,
  ScheduleNotFoundError,
} from "../errors.ts";
import type { FailureData } from "../failure.ts";
import type { ClientPorts } from "../hub/engine-ports.ts";
import { callOwnEntity, EntityCallFailure } from "../hub/entity-client.ts";
import { pageable } from "../hub/pages.ts";
import { checkName, EntityId } from "../identity.ts";
import type { ListedEntity } from "../store/contract.ts";
import { readSettings, type ScheduledFunction, type Settings } from "./options.ts";
import { checkScheduleId, entityIdOfSchedule, type Schedule, stateOfSchedule } from "./schedule.ts";

export class HubSchedules implements ScheduleClient {
  readonly #engine: ClientPorts;

  constructor(engine: ClientPorts) {
    this.#engine = engine;
  }

  async create<TInput>(options: NewSchedule & (ScheduledCall<TInput> | ScheduledCallByName)): Promise<ScheduleState> {
    this.#engine.checkOpen();
    const settings = readSettings(options as unknown as ScheduleChanges, ["id"]);
    checkScheduleId(options.id);
    const call = this.#functionOf(options.fn);
    const input = await this.#inputOf(call, options.input);
    return this.#change(options.id, "create", { ...settings, call, input });
  }

  async get(id: string): Promise<ScheduleState | undefined> {
    const schedule = await this.#find(id);
    return schedule && this.#stateOf(id, schedule);
  }

  list(query: ScheduleQuery = {}): Pageable<ScheduleState> {
    const { idPrefix = "" } = query;
    const instanceIdPrefix = entityIdOfSchedule(idPrefix);
    return pageable(
      query,
      (after, limit) => this.#page(query, instanceIdPrefix, after?.instanceId, limit),
      ({ id }: ScheduleState) => ({ atMs: 0, instanceId: entityIdOfSchedule(id) }),
      (state) => state,
    );
  }

  async update(id: string, changes: ScheduleChanges): Promise<ScheduleState> {
    checkScheduleId(id);
    const settings = readSettings(changes);
    const schedule = await this.#find(id);
    if (!schedule) throw new ScheduleNotFoundError(id);
    const call = changes.fn === undefined ? undefined : this.#functionOf(changes.fn);
    const hasInput = Object.hasOwn(changes, "input");
    const input = hasInput ? await this.#inputOf(call ?? schedule, changes.input) : undefined;
    return this.#change(id, "update", { ...settings, ...(call && { call }), ...(input && { input }) });
  }

  pause(id: string): Promise<ScheduleState> {
    return this.#change(id, "pause");
  }

  resume(id: string): Promise<ScheduleState> {
    return this.#change(id, "resume");
  }

  async delete(id: string): Promise<void> {
    await this.#call(id, "delete");
  }

  async #change(id: string, operation: string, settings?: Settings): Promise<ScheduleState> {
    return this.#stateOf(id, (await this.#call(id, operation, settings)) as Schedule);
  }

  async #call(id: string, operation: string, input?: Settings): Promise<unknown> {
    this.#engine.checkOpen();
    checkScheduleId(id);
    try {
      return await callOwnEntity(this.#engine, entityIdOfSchedule(id), operation, input);
    } catch (error) {
      throw error instanceof EntityCallFailure ? errorOf(id, error.failure) : error;
    }
  }

  async #find(id: string): Promise<Schedule | undefined> {
    this.#engine.checkOpen();
    checkScheduleId(id);
    const stored = await this.#engine.options.session.load(entityIdOfSchedule(id));
    return this.#decoded(stored?.entity?.state);
  }

  /** Schedules that fit, up to `limit`, from as many rows as it takes. */
  async #page(
    { statuses, orchestratorNames }: ScheduleQuery,
    instanceIdPrefix: string,
    from: string | undefined,
    limit: number,
  ): Promise<ScheduleState[]> {
    const found: ScheduleState[] = [];
    for (let after = from, isLast = false; !isLast && found.length < limit; ) {
      this.#engine.checkOpen();
      const filter = { instanceIdPrefix, includesTransient: false, limit, ...(after !== undefined && { after }) };
      const rows: readonly ListedEntity[] = await this.#engine.options.session.queryEntities(filter);
      for (const { entity } of rows) {
        const schedule = this.#decoded(entity.state);
        if (!schedule || (statuses && !statuses.includes(schedule.status))) continue;
        if (orchestratorNames && !orchestratorNames.includes(schedule.orchestratorName)) continue;
        found.push(this.#stateOf(EntityId.parse(entity.instanceId).key, schedule));
      }
      after = rows.at(-1)?.entity.instanceId;
      isLast = rows.length < limit;
    }
    return found.slice(0, limit);
  }

  #functionOf(fn: unknown): ScheduledFunction {
    const { registry } = this.#engine.options;
    const given = fn as OrchestratorDefinition | string | undefined;
    const orchestratorName = typeof given === "string" ? given : given?.name;
    checkName(orchestratorName, "The orchestrator of a schedule (`fn`)");
    const version = typeof given === "string" ? registry.defaultVersion(given) : (given?.version ?? "");
    if (!registry.orchestrator(orchestratorName, version))
      throw new FunctionNotRegisteredError("orchestrator", orchestratorName, version);
    return { orchestratorName, version: typeof given === "string" ? "" : version };
  }

  /** The input as runs will get it: checked and made by the orchestrator's schema, and encoded. */
  async #inputOf({ orchestratorName, version }: ScheduledFunction, input: unknown): Promise<{ text?: string }> {
    const { registry, payloads } = this.#engine.options;
    const definition = registry.orchestrator(orchestratorName, version || registry.defaultVersion(orchestratorName));
    const text = payloads.encodeOptional(await payloads.checkInput(definition, input));
    return text === undefined ? {} : { text };
  }

  #decoded(state: string | undefined): Schedule | undefined {
    return this.#engine.options.payloads.decode(state) as Schedule | undefined;
  }

  #stateOf(id: string, schedule: Schedule): ScheduleState {
    return stateOfSchedule(id, schedule, (text) => this.#engine.options.payloads.decode(text));
  }
}

/** The error that an operation was refused with. */
function errorOf(id: string, { errorType, errorMessage }: FailureData): Error {
  switch (errorType) {
    case ScheduleNotFoundError.errorName:
      return new ScheduleNotFoundError(id);
    case ScheduleAlreadyExistsError.errorName:
      return new ScheduleAlreadyExistsError(id);
    case InvalidArgumentError.errorName:
      return new InvalidArgumentError(errorMessage);
    default:
      return new Error(`The schedule '${id}' could not be changed: ${errorMessage}`);
  }
}
