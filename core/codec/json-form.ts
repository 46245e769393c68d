/** The plain JSON view of payloads, for readers that know nothing of the codec: management APIs, dashboards, logs. */
import { bytesOf } from "./binary.ts";

/** Levels shown; below them stands `"[Too deep]"`. Payloads themselves end before. */
const SHOWN_DEPTH_MAX = 1_100;
/** Values and characters shown once more because they are shared; objects after that are `"[Repeated]"`. A small payload of shared lists could grow without end otherwise. */
const REPEATED_SIZE_MAX = 1_000_000;

/**
 * The plain JSON view of a decoded payload; the argument is not changed. Never throws for what the codec decodes.
 *
 * - Date and URL: their text (ISO 8601, href). RegExp: its text. BigInt: decimal text. NaN and ±Infinity: null.
 * - Map: an object if all its keys are text, otherwise a list of `[key, value]`. Set: a list.
 * - Typed arrays: a list of their numbers; ArrayBuffer and DataView: a list of their bytes.
 * - Error: `{ name, message, …own properties, cause?, errors? }`, without the stack.
 * - undefined: no member; null as an element or as the whole payload.
 * - An object inside itself: `"[Circular]"`. An object in several places is shown in each, up to a bound, then `"[Repeated]"`.
 */
export function toJsonForm(value: unknown): unknown {
  return new JsonForm().of(value) ?? null;
}

class JsonForm {
  /** The objects around the one at hand. */
  readonly #around: Set<object> = new Set();
  readonly #seen: Set<object> = new Set();
  /** How many of those around were shown before. */
  #repeatsAround = 0;
  #repeatedSize = 0;

  /** The view of a value; undefined for what has none. */
  of(value: unknown): unknown {
    if (this.#repeatsAround > 0) this.#repeatedSize += typeof value === "string" ? value.length + 1 : 1;
    switch (typeof value) {
      case "string":
      case "boolean":
        return value;
      case "number":
        return Number.isFinite(value) ? value : null;
      case "bigint":
        return value.toString();
      case "object":
        return value === null ? null : this.#object(value);
      default:
        return undefined;
    }
  }

  #object(value: object): unknown {
    if (this.#around.has(value)) return "[Circular]";
    if (this.#around.size >= SHOWN_DEPTH_MAX) return "[Too deep]";
    if (this.#repeatedSize > REPEATED_SIZE_MAX && (this.#repeatsAround > 0 || this.#seen.has(value)))
      return "[Repeated]";
    const repeat = this.#seen.has(value) ? 1 : 0;
    this.#seen.add(value);
    this.#around.add(value);
    this.#repeatsAround += repeat;
    const form = this.#contents(value);
    this.#repeatsAround -= repeat;
    this.#around.delete(value);
    return form;
  }

  #contents(value: object): unknown {
    if (Array.isArray(value) || value instanceof Set) return this.#list(value);
    if (value instanceof Map) return this.#map(value);
    if (value instanceof Error) return this.#error(value);
    if (value instanceof RegExp) return String(value);
    if (value instanceof ArrayBuffer || value instanceof DataView) return this.#list(bytesOf(value));
    if (ArrayBuffer.isView(value)) return this.#list(value as Uint8Array);
    const { toJSON } = value as { toJSON?: unknown };
    return typeof toJSON === "function" ? this.of(toJSON.call(value)) : this.#members({}, Object.entries(value));
  }

  #list(values: Iterable<unknown>): unknown[] {
    return Array.from(values, (value) => this.of(value) ?? null);
  }

  #map(map: Map<unknown, unknown>): unknown {
    const isNamed = (entry: [unknown, unknown]): entry is [string, unknown] => typeof entry[0] === "string";
    const entries = [...map];
    return entries.every(isNamed) ? this.#members({}, entries) : this.#list(entries);
  }

  #error(error: Error): unknown {
    const hidden = ["cause", "errors"].filter(
      (name) => Object.hasOwn(error, name) && !Object.keys(error).includes(name),
    );
    const members: [string, unknown][] = hidden.map((name) => [
      name,
      (error as unknown as Record<string, unknown>)[name],
    ]);
    return this.#members({ name: error.name, message: error.message }, [...Object.entries(error), ...members]);
  }

  #members(target: Record<string, unknown>, entries: Iterable<readonly [string, unknown]>): unknown {
    for (const [name, member] of entries) {
      if (this.#repeatsAround > 0) this.#repeatedSize += name.length;
      const value = this.of(member);
      if (value === undefined) continue;
      Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
    }
    return target;
  }
}
