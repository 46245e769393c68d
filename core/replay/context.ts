/** The context that orchestrator code sees: checks arguments, captures payloads, and turns each call into an action and a task. */
import {
  type ActivityDefinition,
  checkActivityOptions,
  type OrchestratorDefinition,
} from "../definition/definitions.ts";
import type { EntityDefinition, EntityProxy } from "../definition/entity.ts";
import type { DurableHttpRequest, DurableHttpResponse } from "../definition/http.ts";
import type {
  CallActivityOptions,
  CallSubOrchestratorOptions,
  EntityLock,
  OrchestrationContext,
  TimerTask,
} from "../definition/orchestration-context.ts";
import { checkRetry } from "../definition/retry.ts";
import { type Duration, dueAtMs, durationMs } from "../duration.ts";
import type { ExecutionStartedEvent } from "../history/events.ts";
import { checkInstanceId, checkName, EntityId, type EntityIdLike, foreignEntityIdOf } from "../identity.ts";
import { gatedLogger, type Logger } from "../logger.ts";
import { activityAttempts, CallTask } from "./call-task.ts";
import { EntityCallTask } from "./entity-calls.ts";
import { nameGuid, seededRandom } from "./guid.ts";
import { HttpTask } from "./http-task.ts";
import { EventTask, TimerTaskNode } from "./operations.ts";
import { PATCH_NOTE } from "./patches.ts";
import type { OrchestratorRun } from "./run.ts";
import type { CancelableTask, Task } from "./task.ts";
import { compareVersions } from "./versions.ts";

export class ReplayContext implements OrchestrationContext {
  readonly #run: OrchestratorRun;
  readonly #started: ExecutionStartedEvent;
  #log: Logger | undefined;
  #guidCount = 0;
  #random: (() => number) | undefined;

  constructor(run: OrchestratorRun, started: ExecutionStartedEvent) {
    this.#run = run;
    this.#started = started;
  }

  get name(): string {
    return this.#started.name;
  }
  get instanceId(): string {
    return this.#run.instanceId;
  }
  get parent(): { readonly name: string; readonly instanceId: string } | undefined {
    const parent = this.#started.parentInstance;
    return parent && { name: parent.name, instanceId: parent.instanceId };
  }
  get version(): string {
    return this.#started.version ?? "";
  }
  compareVersionTo(version: string): number {
    return compareVersions(this.version, version);
  }
  get currentUtcDateTime(): Date {
    return new Date(this.#run.nowMs);
  }
  get isReplaying(): boolean {
    return this.#run.isReplaying;
  }
  get log(): Logger {
    this.#log ??= gatedLogger(this.#run.ports.logger, () => this.#run.isReplaying);
    return this.#log;
  }

  callActivity<TOutput>(
    activity: ActivityDefinition<never, TOutput> | string,
    input?: unknown,
    options?: CallActivityOptions,
  ): CancelableTask<TOutput> {
    this.#run.checkActive("callActivity");
    const name = typeof activity === "string" ? activity : activity?.name;
    checkName(name, "The name of the activity to call");
    if (options) checkActivityOptions(options, `The call of activity '${name}'`);
    const version = options?.version ?? (typeof activity === "string" ? undefined : activity.version || undefined);
    const definition = typeof activity === "string" ? this.#run.ports.activity(name, version ?? "") : activity;
    const payload = this.#payload(this.#run.ports.checkInput(definition, input));
    const attempts = activityAttempts(name, version, payload, options);
    const retry = options?.retry ?? definition?.options.retry;
    const timeoutMs = options?.scheduleToCloseTimeoutMs ?? definition?.options.scheduleToCloseTimeoutMs;
    return new CallTask<TOutput>(this.#run, "Activity", name, attempts, retry, timeoutMs);
  }

  callSubOrchestrator<TOutput>(
    orchestrator: OrchestratorDefinition<never, TOutput> | string,
    input?: unknown,
    options: CallSubOrchestratorOptions = {},
  ): Task<TOutput> {
    this.#run.checkActive("callSubOrchestrator");
    const name = typeof orchestrator === "string" ? orchestrator : orchestrator?.name;
    checkName(name, "The name of the sub-orchestrator to call");
    checkRetry(options.retry, `The call of sub-orchestrator '${name}'`);
    if (options.instanceId !== undefined) checkInstanceId(options.instanceId);
    this.#run.criticalSection.checkChild();
    const version =
      options.version ?? (typeof orchestrator === "string" ? undefined : orchestrator.version || undefined);
    const definition =
      typeof orchestrator === "string" ? this.#run.ports.orchestrator(name, version ?? "") : orchestrator;
    const payload = this.#payload(this.#run.ports.checkInput(definition, input));
    const { executionId } = this.#started.orchestrationInstance;
    const common = {
      kind: "createSubOrchestration" as const,
      name,
      ...(version !== undefined && { version }),
      ...(payload !== undefined && { input: payload }),
      ...(options.tags && { tags: { ...options.tags } }),
    };
    return new CallTask<TOutput>(
      this.#run,
      "Sub-orchestration",
      name,
      (id, firstId) => ({
        id,
        ...common,
        instanceId: options.instanceId ?? `${executionId}:${firstId.toString(16).padStart(4, "0")}`,
      }),
      options.retry,
    );
  }

  createTimer(fireAt: Date | Duration): TimerTask {
    this.#run.checkActive("createTimer");
    return new TimerTaskNode(this.#run, dueAtMs(fireAt, this.#run.nowMs, "The argument of createTimer"));
  }

  waitForExternalEvent<T>(name: string, options: { readonly timeout?: Duration } = {}): CancelableTask<T> {
    this.#run.checkActive("waitForExternalEvent");
    checkName(name, "The name of the event to wait for");
    const timeoutMs =
      options.timeout === undefined ? undefined : durationMs(options.timeout, "The timeout of waitForExternalEvent");
    if (timeoutMs !== undefined) dueAtMs(timeoutMs, this.#run.nowMs, "The timeout of waitForExternalEvent");
    const wait = new EventTask<T>(this.#run, name, () => this.#run.mailbox.forget(name));
    if (timeoutMs !== undefined) wait.limit(timeoutMs);
    this.#run.mailbox.wait(name, wait);
    return wait;
  }

  sendEvent(instanceId: string, name: string, data?: unknown): void {
    this.#run.checkActive("sendEvent");
    checkInstanceId(instanceId);
    checkName(name, "The name of the event to send");
    const input = this.#payload(data);
    this.#run.take({
      kind: "sendEvent",
      id: this.#run.nextId(),
      instanceId,
      name,
      ...(input !== undefined && { input }),
    });
  }

  continueAsNew(
    input?: unknown,
    options: { readonly preserveUnprocessedEvents?: boolean; readonly newVersion?: string } = {},
  ): void {
    this.#run.checkActive("continueAsNew");
    this.#run.nextGeneration ??= {
      input: this.#payload(input),
      keepsEvents: options.preserveUnprocessedEvents ?? true,
      newVersion: options.newVersion,
    };
  }

  setCustomStatus(value: unknown): void {
    this.#run.checkActive("setCustomStatus");
    this.#run.customStatus = value === undefined || value === null ? undefined : this.#run.ports.encodeStatus(value);
  }

  newGuid(): string {
    this.#run.checkActive("newGuid");
    return nameGuid(`${this.instanceId}_${new Date(this.#run.nowMs).toISOString()}_${this.#guidCount++}`);
  }

  random(): number {
    this.#run.checkActive("random");
    this.#random ??= seededRandom(`${this.instanceId}_${this.#started.orchestrationInstance.executionId}`);
    return this.#random();
  }

  callEntity<TOutput>(id: EntityIdLike, operation: string, input?: unknown): Task<TOutput> {
    this.#run.checkActive("callEntity");
    const target = foreignEntityIdOf(id);
    checkName(operation, "The name of the operation to call");
    const payload = this.#payload(input);
    const settled = this.#run.criticalSection.call(target.toString());
    return new EntityCallTask<TOutput>(this.#run, target, operation, payload, this.newGuid(), settled);
  }

  signalEntity(
    id: EntityIdLike,
    operation: string,
    input?: unknown,
    options: { readonly signalTime?: Date | Duration } = {},
  ): void {
    this.#run.checkActive("signalEntity");
    const targetInstanceId = foreignEntityIdOf(id).toString();
    checkName(operation, "The name of the operation to signal");
    const payload = this.#payload(input);
    const scheduledTimeMs =
      options.signalTime === undefined ? undefined : dueAtMs(options.signalTime, this.#run.nowMs, "signalTime");
    this.#run.criticalSection.checkSignal(targetInstanceId);
    const message = {
      type: "signaled" as const,
      requestId: this.newGuid(),
      targetInstanceId,
      operation,
      ...(payload !== undefined && { input: payload }),
      ...(scheduledTimeMs !== undefined && { scheduledTimeMs }),
    };
    this.#run.take({ kind: "sendEntityMessage", id: this.#run.nextId(), message });
  }

  entity<TOperations>(entity: EntityDefinition<never, TOperations>, key: string): EntityProxy<TOperations> {
    const id = new EntityId(entity.name, key);
    const { operations } = entity;
    const call = (operation: string | symbol): unknown => {
      const isCallable =
        typeof operation === "string" &&
        (typeof operations === "function"
          ? operation !== "then"
          : Object.hasOwn(operations, operation) || operation === "delete");
      return isCallable ? (input?: unknown) => this.callEntity(id, operation, input) : undefined;
    };
    return new Proxy({}, { get: (_target, operation) => call(operation) }) as EntityProxy<TOperations>;
  }

  lockEntities(...ids: readonly EntityIdLike[]): CancelableTask<EntityLock> {
    this.#run.checkActive("lockEntities");
    return this.#run.criticalSection.request(ids, () => this.newGuid());
  }

  get criticalSection(): { readonly inSection: boolean; readonly lockedEntities: readonly EntityId[] } {
    const { isHeld, lockedEntities } = this.#run.criticalSection;
    return { inSection: isHeld, lockedEntities };
  }

  callHttp(request: DurableHttpRequest): CancelableTask<DurableHttpResponse> {
    this.#run.checkActive("callHttp");
    const { ports } = this.#run;
    const sending = ports.httpRequest(request);
    const { retry, timeoutMs } = request;
    return new HttpTask(this.#run, sending, { retry, timeoutMs }, (next) => ports.encode(next));
  }

  patched(changeId: string): boolean {
    this.#run.checkActive("patched");
    checkName(changeId, "The id of the change given to patched");
    const known = this.#run.patches.get(changeId);
    if (known !== undefined) return known;
    const isTaken = !this.#run.isReplaying;
    this.#run.patches.set(changeId, isTaken);
    if (isTaken) this.#run.note(PATCH_NOTE + changeId);
    return isTaken;
  }

  #payload(value: unknown): string | undefined {
    return value === undefined ? undefined : this.#run.ports.encode(value);
  }
}
