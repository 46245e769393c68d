/** Durable execution for JavaScript: definitions, tasks, errors, the task hub and its memory store. */
export type { ActivityTimeoutError, ActivityTimeoutType } from "./activity-timeout.ts";
export * from "./client/client.ts";
export type * from "./client/schedules.ts";
export { unwrapOutput } from "./client/unwrap-output.ts";
export { type Codec, createCodec, defaultCodec, type SyncCodec, toJsonForm } from "./codec/codec.ts";
export type { ActivityContext } from "./definition/activity-context.ts";
export {
  type ActivityDefinition,
  type ActivityOptions,
  defineActivity,
  defineOrchestrator,
  type FunctionDefinition,
  type OrchestratorDefinition,
} from "./definition/definitions.ts";
export {
  defineEntity,
  type EntityContext,
  type EntityDefinition,
  type EntityOperation,
  type EntityOperations,
  type EntityProxy,
  type EntityStartOptions,
} from "./definition/entity.ts";
export type { DurableHttpRequest, DurableHttpResponse } from "./definition/http.ts";
export type {
  CallActivityOptions,
  CallSubOrchestratorOptions,
  EntityLock,
  OrchestrationContext,
  TimerTask,
} from "./definition/orchestration-context.ts";
export type { Retry, RetryContext, RetryHandler, RetryPolicy } from "./definition/retry.ts";
export type { StandardSchema } from "./definition/schema.ts";
export type { Duration } from "./duration.ts";
export * from "./errors.ts";
export type { FailureData, FailureDetails } from "./failure.ts";
export type * from "./history/events.ts";
export { decodeEvents, encodeEvents, reviveEvents } from "./history/events.ts";
export type { EgressOptions } from "./http/egress.ts";
export type { ContentStream, Fetch, FetchInit, FetchResponse } from "./http/fetch.ts";
export { type Connectivity, type Host, systemHost } from "./hub/host.ts";
export type { TaskHubOptions } from "./hub/open-engine.ts";
export type { RetentionOptions } from "./hub/retention.ts";
export { TaskHub } from "./hub/task-hub.ts";
export { EntityId, type EntityIdLike, isTaskHubName } from "./identity.ts";
export { DEFAULT_LIMITS, type Limits } from "./limits.ts";
export type { Logger } from "./logger.ts";
export { type CancelableTask, type FirstTask, type Task, whenAll, whenAny } from "./replay/task.ts";
export type * from "./store/contract.ts";
export { MemoryStore } from "./store/memory.ts";
