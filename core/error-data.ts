/**
 * Errors as plain data, and errors again: how one crosses to another tab or over HTTP without losing its class, code or fields.
 * Errors of the catalogue come back as instances of their class; any other error as the built-in one it extends, with its name.
 */
import { defaultCodec } from "./codec/codec.ts";
import { toJsonForm } from "./codec/json-form.ts";
import * as catalogue from "./errors.ts";
import { type FailureData, failureDetails } from "./failure.ts";

/** An error as data: it survives JSON and structured cloning. */
export type ErrorData =
  | {
      readonly kind: "catalogue";
      readonly name: string;
      readonly code: string;
      readonly message: string;
      readonly stack?: string;
      /** The failure that a failed call carries. */
      readonly failure?: FailureData;
      /** Own fields, as text of the default codec. */
      readonly fields?: string;
    }
  /** Whatever else was thrown, as text of the default codec. */
  | { readonly kind: "other"; readonly value: string };

type ErrorClass = typeof catalogue.HoldfastError;
/** The classes of the catalogue by their name. */
const CLASSES: ReadonlyMap<string, ErrorClass> = /* @__PURE__ */ new Map(
  (Object.values(catalogue) as unknown as ErrorClass[]).map((known) => [known.errorName, known]),
);
/** Members that have a place of their own. */
const PLACED: ReadonlySet<string> = new Set(["name", "code", "message", "stack", "failure"]);

/** Takes an error apart. Never throws, whatever the value. */
export function errorData(error: unknown): ErrorData {
  if (!(error instanceof catalogue.HoldfastError)) return { kind: "other", value: textOf(error) };
  const { name, code, message, stack } = error;
  const { failure } = error as { failure?: FailureData };
  const own = Object.entries(error).filter(([key]) => !PLACED.has(key));
  return {
    kind: "catalogue",
    name,
    code,
    message,
    ...(stack !== undefined && { stack }),
    ...(failure && { failure: JSON.parse(JSON.stringify(failure)) as FailureData }),
    ...(own.length > 0 && { fields: textOf(Object.fromEntries(own)) }),
  };
}

/** Puts an error together again. */
export function reviveError(data: ErrorData): unknown {
  if (data.kind === "other") return defaultCodec.decode(data.value);
  const { name, code, message, stack, failure, fields } = data;
  const known = CLASSES.get(name) ?? catalogue.HoldfastError;
  // The class's own constructor would make another message: what it adds are fields, which are set below.
  const error = Reflect.construct(catalogue.HoldfastError, [code, message], known) as Error;
  const hidden = { configurable: true, writable: true };
  Object.defineProperty(error, "name", { value: name, ...hidden });
  if (stack !== undefined) Object.defineProperty(error, "stack", { value: stack, ...hidden });
  if (failure) Object.assign(error, { failure: failureDetails(failure) });
  if (fields !== undefined) Object.assign(error, defaultCodec.decode(fields));
  return error;
}

/** What a codec cannot keep goes in its JSON form, and what has none as its text. */
function textOf(value: unknown): string {
  try {
    return defaultCodec.encode(value);
  } catch {
    try {
      return defaultCodec.encode(toJsonForm(value));
    } catch {
      return defaultCodec.encode(value instanceof Error ? new Error(value.message) : String(value));
    }
  }
}
