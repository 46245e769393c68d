/**
 * Failures as data: how an error becomes part of a history, and how it is read again.
 * Follows the Durable Task `TaskFailureDetails` (error type, message, stack, inner failure, non-retriable, properties).
 *
 * F1. Nothing of a message is lost on the way from an activity to a client: causes are kept to `CAUSE_DEPTH_MAX` levels, deeper ones are summed up in the last message.
 * F2. Failure data is plain JSON.
 */
import { FunctionNotRegisteredError, NonRetriableError, TaskFailedError, ValidationError } from "./errors.ts";

/** A failure as it is stored: plain JSON. */
export interface FailureData {
  /** `name` of the error, or the name of its class when it sets none; `"UnknownError"` for a thrown value that is no error. */
  readonly errorType: string;
  readonly errorMessage: string;
  readonly stackTrace?: string;
  /** The error's `cause`, or for a failed call the failure of the callee. */
  readonly innerFailure?: FailureData;
  /** True when retry policies must not try again. */
  readonly isNonRetriable?: boolean;
  /** The error's own enumerable properties, in their plain JSON form. */
  readonly properties?: Readonly<Record<string, unknown>>;
}

/** A failure as users meet it. */
export interface FailureDetails extends FailureData {
  readonly innerFailure?: FailureDetails;
  /** True when retry policies must not try again. */
  readonly isNonRetriable: boolean;
  /** True when this failure or any inner one has the error type. */
  isCausedBy(errorType: string): boolean;
}

/** Errors that come again however often the call is made. */
const NON_RETRIABLE = [NonRetriableError, ValidationError, FunctionNotRegisteredError] as const;
/** How many levels of `cause` a failure keeps. */
const CAUSE_DEPTH_MAX = 10;
/** Properties of an error that have a place of their own in the failure. */
const KNOWN_PROPERTIES: ReadonlySet<string> = new Set(["name", "message", "stack", "cause", "failure"]);

/** The one implementation of `FailureDetails`. */
export class Failure implements FailureDetails {
  readonly errorType: string;
  readonly errorMessage: string;
  declare readonly stackTrace?: string;
  declare readonly innerFailure?: FailureDetails;
  declare readonly isNonRetriable: boolean;
  declare readonly properties?: Readonly<Record<string, unknown>>;
  static {
    // What most failures say stands on the prototype, so that it is read but not stored.
    Object.defineProperty(Failure.prototype, "isNonRetriable", { value: false, writable: true });
  }
  constructor(data: FailureData) {
    this.errorType = data.errorType;
    this.errorMessage = data.errorMessage;
    if (data.stackTrace !== undefined) this.stackTrace = data.stackTrace;
    if (data.innerFailure !== undefined) this.innerFailure = new Failure(data.innerFailure);
    if (data.isNonRetriable) this.isNonRetriable = true;
    if (data.properties !== undefined) this.properties = data.properties;
  }
  isCausedBy(errorType: string): boolean {
    for (let failure: FailureDetails | undefined = this; failure; failure = failure.innerFailure) {
      if (failure.errorType === errorType) return true;
    }
    return false;
  }
}

/** Gives stored failure data its methods. */
export function failureDetails(data: FailureData): FailureDetails {
  return new Failure(data);
}

/** Describes whatever was thrown as plain failure data. Never throws, whatever the value. */
export function failureFrom(thrown: unknown): FailureData {
  return describe(thrown, 1);
}

function describe(thrown: unknown, depth: number): FailureData {
  if (!isErrorLike(thrown)) return { errorType: "UnknownError", errorMessage: textOf(thrown) };
  const data: { -readonly [K in keyof FailureData]: FailureData[K] } = {
    errorType: errorTypeOf(thrown),
    errorMessage: messageOf(thrown),
  };
  const stack = read(thrown, "stack");
  if (typeof stack === "string") data.stackTrace = stack;
  const inner = innerOf(thrown, depth);
  if (typeof inner === "string") data.errorMessage += inner;
  else if (inner) data.innerFailure = inner;
  if (NON_RETRIABLE.some((type) => thrown instanceof type)) data.isNonRetriable = true;
  else if (read(thrown, "isNonRetriable") === true) data.isNonRetriable = true;
  else if (thrown instanceof TaskFailedError && thrown.failure.isNonRetriable) data.isNonRetriable = true;
  const properties = propertiesOf(thrown);
  if (properties) data.properties = properties;
  return data;
}

/** The inner failure, or, past the depth limit, a text that sums up the causes below. */
function innerOf(error: object, depth: number): FailureData | string | undefined {
  const failure = read(error, "failure");
  if (error instanceof TaskFailedError && failure) return plain(failure as FailureData);
  const cause = read(error, "cause");
  if (cause === undefined || cause === null) return undefined;
  if (depth < CAUSE_DEPTH_MAX) return describe(cause, depth + 1);
  const messages: string[] = [];
  for (
    let next: unknown = cause;
    next !== undefined && next !== null && messages.length < 100;
    next = isErrorLike(next) ? read(next, "cause") : undefined
  ) {
    messages.push(isErrorLike(next) ? messageOf(next) : textOf(next));
  }
  return ` (caused by: ${messages.join("; caused by: ")})`;
}

function plain(failure: FailureData): FailureData {
  return JSON.parse(JSON.stringify(failure)) as FailureData;
}

function isErrorLike(value: unknown): value is object {
  return value instanceof Error || Object.prototype.toString.call(value) === "[object Error]";
}

/** Reads a property that user code may have made throw. */
function read(target: object, key: string): unknown {
  try {
    return (target as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

function errorTypeOf(error: object): string {
  const name = read(error, "name");
  const constructorName = read((read(error, "constructor") as object | undefined) ?? {}, "name");
  const inherited =
    name === "Error" && typeof constructorName === "string" && constructorName !== "" && constructorName !== "Error";
  if (inherited) return constructorName;
  return typeof name === "string" && name !== "" ? name : "Error";
}

function messageOf(error: object): string {
  const message = textOf(read(error, "message") ?? "");
  const errors = read(error, "errors");
  if (!Array.isArray(errors)) return message;
  const missing = errors
    .map((e) => (isErrorLike(e) ? messageOf(e) : textOf(e)))
    .filter((text) => !message.includes(text));
  if (missing.length === 0) return message;
  return message === "" ? missing.join("; ") : `${message}: ${missing.join("; ")}`;
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  try {
    if (typeof value === "object" && value !== null) {
      const text = JSON.stringify(value);
      if (typeof text === "string") return text;
    }
    return String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

function propertiesOf(error: object): Record<string, unknown> | undefined {
  let properties: Record<string, unknown> | undefined;
  const put = (key: string, value: unknown): void => {
    const json = jsonForm(value);
    if (json === undefined) return;
    properties ??= {};
    Object.defineProperty(properties, key, { value: json, enumerable: true, configurable: true, writable: true });
  };
  for (const key of Object.keys(error)) if (!KNOWN_PROPERTIES.has(key)) put(key, read(error, key));
  const errors = read(error, "errors");
  if (Array.isArray(errors))
    put(
      "errors",
      errors.map((e) => describe(e, 1)),
    );
  return properties;
}

/** The plain JSON form of a property, or undefined when it has none. */
function jsonForm(value: unknown): unknown {
  try {
    const text = JSON.stringify(value, (_key, member: unknown) =>
      typeof member === "bigint"
        ? member.toString()
        : isErrorLike(member)
          ? { name: errorTypeOf(member), message: messageOf(member) }
          : member,
    );
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}
