/**
 * The catalogue of errors that a caller can meet.
 *
 * E1. Every error has a `name` equal to its class and a stable `code`; callers recognise errors by `code`, never by text.
 * E2. `name`, `code`, `message` and own fields are plain data, so that an error can cross HTTP, a tab or a Durable Object without losing either.
 * E3. A message says what happened (values quoted), what was expected, and what to do next.
 */
import type { FailureDetails } from "./failure.ts";

/** Base of every error of Holdfast. `code` is stable across releases and transports. */
export class HoldfastError extends Error {
  /** Stable, machine-readable kind of the error. */
  readonly code: string;
  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    Object.defineProperty(this, "name", { value: new.target.errorName, configurable: true, writable: true });
  }
  /** The class name, kept as text so that minified bundles keep it too. */
  static readonly errorName: string = "HoldfastError";
}

/** An activity, sub-orchestration or entity call failed. `failure` is the failure of that call itself. Code `taskFailed`. */
export class TaskFailedError extends HoldfastError {
  static override readonly errorName: string = "TaskFailedError";
  /** What the callee reported. */
  readonly failure: FailureDetails;
  constructor(message: string, failure: FailureDetails, code = "taskFailed") {
    super(code, message);
    this.failure = failure;
  }
}

/** Thrown by an activity, entity or child to say: trying again is pointless. Retry policies stop at once. Code `nonRetriable`. */
export class NonRetriableError extends HoldfastError {
  static override readonly errorName: string = "NonRetriableError";
  constructor(message: string, options?: { cause?: unknown }) {
    super("nonRetriable", message, options);
  }
}

/** What `NonDeterminismError` reports about the place where history and code part. */
export interface NonDeterminismReport {
  /** Sequence id of the step, where it has one. */
  readonly sequenceId?: number;
  /** Index of the event in the history, from 0. */
  readonly eventIndex?: number;
  /** The step the history recorded, in words. */
  readonly recorded: string;
  /** The step today's code takes there, in words. */
  readonly taken: string;
  /** Where in user code today's step was taken, when the engine knows. */
  readonly callSite?: string;
  /** Where in user code the recorded step was taken: known to `checkDeterminism`, which has just run it; a stored history holds no places. */
  readonly recordedCallSite?: string;
}

/** Replay took another path than the recorded history. Code `nonDeterminism`. */
export class NonDeterminismError extends HoldfastError {
  static override readonly errorName: string = "NonDeterminismError";
  readonly report: NonDeterminismReport;
  constructor(message: string, report: NonDeterminismReport) {
    super("nonDeterminism", message);
    this.report = report;
  }
}

/** Time ran out: a wait of a client, or a wait with a timeout inside an orchestrator. Code `timeout`. */
export class TimeoutError extends HoldfastError {
  static override readonly errorName: string = "TimeoutError";
  constructor(message: string) {
    super("timeout", message);
  }
}

/** Thrown by `unwrapOutput` for an orchestration that did not complete. Code `orchestrationFailed`. */
export class OrchestrationFailedError extends HoldfastError {
  static override readonly errorName: string = "OrchestrationFailedError";
  readonly failure: FailureDetails;
  constructor(message: string, failure: FailureDetails) {
    super("orchestrationFailed", message);
    this.failure = failure;
  }
}

/** The instance id is in use by an instance in a status that may not be replaced. Code `orchestrationAlreadyExists`. */
export class OrchestrationAlreadyExistsError extends HoldfastError {
  static override readonly errorName: string = "OrchestrationAlreadyExistsError";
  constructor(instanceId: string, status: string) {
    super(
      "orchestrationAlreadyExists",
      `An orchestration with the id '${instanceId}' already exists and is ${status}. Use another id, terminate it first, or allow its replacement with dedupeStatuses.`,
    );
  }
}

/** No instance has this id. Code `instanceNotFound`. */
export class InstanceNotFoundError extends HoldfastError {
  static override readonly errorName: string = "InstanceNotFoundError";
  constructor(instanceId: string) {
    super(
      "instanceNotFound",
      `There is no instance with the id '${instanceId}' in this task hub. It was never started, or has been purged.`,
    );
  }
}

/** No schedule has this id. Code `scheduleNotFound`. */
export class ScheduleNotFoundError extends HoldfastError {
  static override readonly errorName: string = "ScheduleNotFoundError";
  constructor(scheduleId: string) {
    super(
      "scheduleNotFound",
      `There is no schedule with the id '${scheduleId}' in this task hub. It was never created, or has been deleted.`,
    );
  }
}

/** The id of a new schedule is in use. Code `scheduleAlreadyExists`. */
export class ScheduleAlreadyExistsError extends HoldfastError {
  static override readonly errorName: string = "ScheduleAlreadyExistsError";
  constructor(scheduleId: string) {
    super(
      "scheduleAlreadyExists",
      `A schedule with the id '${scheduleId}' already exists. Change it with update, use another id, or delete it first.`,
    );
  }
}

/** The text breaks the rules of instance or entity ids. Code `invalidInstanceId`. */
export class InvalidInstanceIdError extends HoldfastError {
  static override readonly errorName: string = "InvalidInstanceIdError";
  constructor(message: string) {
    super("invalidInstanceId", message);
  }
}

/** A name that this task hub has no function for. Code `functionNotRegistered`. */
export class FunctionNotRegisteredError extends HoldfastError {
  static override readonly errorName: string = "FunctionNotRegisteredError";
  constructor(kind: "orchestrator" | "activity" | "entity", name: string, version?: string) {
    const which = version ? `'${name}' (version '${version}')` : `'${name}'`;
    super(
      "functionNotRegistered",
      `No ${kind} ${which} is registered in this task hub. Add its definition to \`functions\`; names are ${kind === "entity" ? "lower-cased" : "case-sensitive"}.`,
    );
  }
}

/** An operation of an entity failed. Code `entityOperationFailed`. */
export class EntityOperationFailedError extends TaskFailedError {
  static override readonly errorName: string = "EntityOperationFailedError";
  readonly entityId: string;
  readonly operationName: string;
  constructor(entityId: string, operationName: string, failure: FailureDetails) {
    super(
      `Operation '${operationName}' of entity '${entityId}' failed: ${failure.errorMessage}`,
      failure,
      "entityOperationFailed",
    );
    this.entityId = entityId;
    this.operationName = operationName;
  }
}

/** A rule of critical sections was broken. Code `lockingRulesViolation`. */
export class LockingRulesViolationError extends HoldfastError {
  static override readonly errorName: string = "LockingRulesViolationError";
  constructor(message: string) {
    super("lockingRulesViolation", message);
  }
}

/** A value that the codec cannot keep, a payload that is too large, or a text that cannot be decoded. Code `payload`. */
export class PayloadError extends HoldfastError {
  static override readonly errorName: string = "PayloadError";
  /** Where in the value, in the form `$.a[3].b`. */
  readonly path: string;
  constructor(message: string, details: { path: string }) {
    super("payload", message);
    this.path = details.path;
  }
}

/** Another hub has opened the same store; this one delivers nothing more. Code `hubFenced`. */
export class HubFencedError extends HoldfastError {
  static override readonly errorName: string = "HubFencedError";
  constructor(hub: string) {
    super(
      "hubFenced",
      `The task hub '${hub}' has been taken over: a newer hub opened the same store. Nothing of this call took effect. Close this hub and send the call to the newer one.`,
    );
  }
}

/** The hub has been closed. Code `hubClosed`. */
export class HubClosedError extends HoldfastError {
  static override readonly errorName: string = "HubClosedError";
  constructor(hub: string) {
    super(
      "hubClosed",
      `The task hub '${hub}' is closed. Open it again over the same store; it goes on where it stopped.`,
    );
  }
}

/** The instance is finished, so it can no longer be changed. Code `instanceNotRunning`. */
export class InstanceNotRunningError extends HoldfastError {
  static override readonly errorName: string = "InstanceNotRunningError";
  constructor(instanceId: string, status: string) {
    super(
      "instanceNotRunning",
      `The instance '${instanceId}' is ${status}: finished instances take no more events or commands. Start or restart it to go on.`,
    );
  }
}

/** The operation is not possible in the status the instance is in. Code `invalidInstanceState`. */
export class InvalidInstanceStateError extends HoldfastError {
  static override readonly errorName: string = "InvalidInstanceStateError";
  constructor(message: string) {
    super("invalidInstanceState", message);
  }
}

/** A schema refused an input or output. `issues` is what the schema reported. Code `validation`. */
export class ValidationError extends HoldfastError {
  static override readonly errorName: string = "ValidationError";
  readonly issues: readonly unknown[];
  constructor(message: string, issues: readonly unknown[]) {
    super("validation", message);
    this.issues = issues;
  }
}

/** A timer, wait or call was cancelled by the orchestrator itself. Code `taskCanceled`. */
export class TaskCanceledError extends HoldfastError {
  static override readonly errorName: string = "TaskCanceledError";
  constructor(message: string) {
    super("taskCanceled", message);
  }
}

/** Which rule of orchestrator code was broken. */
export type OrchestratorRule = "foreignAwait" | "callOutsideTurn" | "yieldedNonTask";

/** Orchestrator code broke a rule that replay depends on. The code names the rule. */
export class OrchestratorRuleError extends HoldfastError {
  static override readonly errorName: string = "OrchestratorRuleError";
  constructor(rule: OrchestratorRule, message: string) {
    super(rule, message);
  }
}

/** The hub does not run instances of this version (see `versioning`). Code `versionMismatch`. */
export class VersionMismatchError extends HoldfastError {
  static override readonly errorName: string = "VersionMismatchError";
  constructor(version: string, hubVersion: string, match: string) {
    super(
      "versionMismatch",
      `The version '${version}' of the instance does not fit the version '${hubVersion}' of the task hub (match: ${match}). Open a hub of a fitting version, or change versioning.match.`,
    );
  }
}

/** `callHttp` was about to reach an address that the hub's egress policy refuses; nothing was sent. Never tried again. Code `egressDenied`. */
export class EgressDeniedError extends HoldfastError {
  static override readonly errorName: string = "EgressDeniedError";
  readonly host: string;
  constructor(host: string, message: string) {
    super("egressDenied", message);
    this.host = host;
  }
  get isNonRetriable(): boolean {
    return true;
  }
}

/** A request of `callHttp` got no answer: no connection, a broken one, or too many redirects. Code `httpRequest`. */
export class HttpRequestError extends HoldfastError {
  static override readonly errorName: string = "HttpRequestError";
  constructor(message: string, options?: { cause?: unknown }) {
    super("httpRequest", message, options);
  }
}

/** An argument or option makes no sense. Code `invalidArgument`. */
export class InvalidArgumentError extends HoldfastError {
  static override readonly errorName: string = "InvalidArgumentError";
  constructor(message: string) {
    super("invalidArgument", message);
  }
}

/**
 * What can be wrong with a store. `storeBusy`: somebody else is using it; trying again helps. `storeFull`: no room; nothing is lost, and the hub
 * goes on once there is some. `storeReadOnly`: it may not be written. `storeCorrupt`: it is damaged, or none of ours. `storeTooNew`: a newer
 * release has written it. `storeFailed`: it cannot be reached, opened or read.
 */
export type StoreErrorCode =
  | "storeBusy"
  | "storeFull"
  | "storeReadOnly"
  | "storeCorrupt"
  | "storeTooNew"
  | "storeFailed";

/** A store could not do what it was asked for; nothing of that took effect. Code: a `StoreErrorCode`. */
export class StoreError extends HoldfastError {
  static override readonly errorName: string = "StoreError";
  constructor(code: StoreErrorCode, message: string, options?: { cause?: unknown }) {
    super(code, message, options);
  }
}

/** A hub that is gone from its store, as far as it is known. */
export interface DataLoss {
  readonly hub: string;
  readonly databaseName: string;
  /** When the lost hub was made, in ms; absent when nothing remembers it. */
  readonly createdAtMs?: number;
  /** How it was noticed, in words. */
  readonly reason: string;
}

/** The store held this hub once, and does not any more; nobody can bring it back. A hub that was open over it stops. Code `storageLost`. */
export class StorageLostError extends HoldfastError {
  static override readonly errorName: string = "StorageLostError";
  readonly loss: DataLoss;
  constructor(loss: DataLoss) {
    const since = loss.createdAtMs === undefined ? "" : `, kept since ${new Date(loss.createdAtMs).toISOString()},`;
    super(
      "storageLost",
      `The task hub '${loss.hub}' of the database '${loss.databaseName}'${since} is gone: ${loss.reason} Open it with the store's option 'onDataLoss' to be told of it and to begin anew.`,
    );
    this.loss = loss;
  }
}

/** A bound of the hub was reached (see `limits`). Code `limitExceeded`. */
export class LimitExceededError extends HoldfastError {
  static override readonly errorName: string = "LimitExceededError";
  constructor(message: string) {
    super("limitExceeded", message);
  }
}
