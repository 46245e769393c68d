/** Errors taken apart for storing, and put together again. Subclasses come back as the built-in error they extend, with their name. */

/** What is kept of an error. */
export interface ErrorParts {
  /** The built-in class it is, or extends: `"Error"`, `"TypeError"` … */
  readonly type: string;
  /** Members that are not enumerable, as the language makes them: name, message, stack, cause, errors … */
  readonly hidden: Record<string, unknown>;
  /** The error's own enumerable properties. */
  readonly own: Record<string, unknown>;
}

type ErrorConstructor = new (errors?: readonly unknown[]) => Error;

const BUILTIN_ERROR_NAME = /^(?:Eval|Range|Reference|Syntax|Type|URI|Aggregate|Suppressed)Error$/;
/** Texts that may come from the prototype (DOMException, some engines' `stack`). */
const TEXT_MEMBERS = ["name", "message", "stack"] as const;
/** Members the language gives to errors themselves, never enumerable. */
const VALUE_MEMBERS = ["cause", "errors", "error", "suppressed"] as const;

/** Takes an error apart; reads every member once. */
export function errorParts(error: object): ErrorParts {
  const type = builtinErrorName(error);
  const own: Record<string, unknown> = { ...error };
  const hidden: Record<string, unknown> = {};
  for (const name of TEXT_MEMBERS) {
    if (Object.hasOwn(own, name)) continue;
    const text = (error as Record<string, unknown>)[name];
    const isDefault = text === "" || (name === "name" && text === type);
    if (typeof text === "string" && !isDefault) hidden[name] = text;
  }
  for (const name of VALUE_MEMBERS) {
    if (Object.hasOwn(error, name) && !Object.hasOwn(own, name))
      hidden[name] = (error as Record<string, unknown>)[name];
  }
  return { type, hidden, own };
}

function builtinErrorName(error: object): string {
  for (
    let next: unknown = Object.getPrototypeOf(error);
    typeof next === "object" && next !== null;
    next = Object.getPrototypeOf(next)
  ) {
    const name: unknown = (next as { constructor?: { name?: unknown } }).constructor?.name;
    if (typeof name === "string" && BUILTIN_ERROR_NAME.test(name)) return name;
  }
  return "Error";
}

/** An error of the built-in type and nothing in it yet, not even a stack; an unknown type gives a plain `Error`. */
export function emptyError(type: string): Error {
  const found = BUILTIN_ERROR_NAME.test(type) ? (globalThis as unknown as Record<string, unknown>)[type] : undefined;
  const BuiltinError = (typeof found === "function" ? found : Error) as ErrorConstructor;
  const error = type === "AggregateError" ? new BuiltinError([]) : new BuiltinError();
  Object.defineProperty(error, "stack", { value: undefined, enumerable: false, configurable: true, writable: true });
  return error;
}

/** Gives an error its members. */
export function fillError(error: Error, hidden: Record<string, unknown>, own: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(hidden))
    Object.defineProperty(error, key, { value, enumerable: false, configurable: true, writable: true });
  for (const [key, value] of Object.entries(own))
    Object.defineProperty(error, key, { value, enumerable: true, configurable: true, writable: true });
}
