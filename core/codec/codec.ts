/**
 * The codec: how payloads become the text that is stored, and values again.
 *
 * C1. Plain JSON stays plain JSON: readable in the store, and as fast as `JSON.stringify` allows.
 * C2. Richer values go through superjson: Date, Map, Set, BigInt, undefined, URL, RegExp, NaN, ±Infinity, -0, typed arrays, ArrayBuffer,
 *     DataView, Error, `EntityId`, `FailureDetails`, shared and circular references, instances of registered classes.
 * C3. What cannot be kept is refused with a `PayloadError` that names its path; nothing is changed silently, with these exceptions, which
 *     are the contract: holes become `undefined`; null-prototype objects become plain ones; a Buffer becomes a Uint8Array; a subclass
 *     of Error becomes the built-in error it extends, with its name; a view keeps its own bytes, not its buffer; members that are
 *     not enumerable, a RegExp's `lastIndex` and whether an object is frozen are not part of a value.
 * C4. Text depends on the value alone, not on runtime or time. Names that could reach a prototype are data like any other.
 */
import { InvalidArgumentError, PayloadError } from "../errors.ts";
import { OWN_CLASSES } from "./own-classes.ts";
import { RICH_TEXT_START, readRichText, writeRichText } from "./rich-text.ts";
import { type ClassEntry, isJsonLeaf, Snapshot } from "./snapshot.ts";

export { toJsonForm } from "./json-form.ts";
export { PAYLOAD_DEPTH_MAX } from "./snapshot.ts";

/** Turns payloads into what is stored, and back. One that answers with promises works everywhere a hub takes a codec. */
export interface Codec {
  /** The stored form of a value. Throws `PayloadError` (code `payload`) for what it cannot keep. */
  encode(value: unknown): string | Uint8Array | Promise<string | Uint8Array>;
  /** The value of a stored form. */
  decode(text: string): unknown;
}

/** A codec that answers at once. */
export interface SyncCodec extends Codec {
  encode(value: unknown): string;
  decode(text: string): unknown;
}

/** How instances of a class are stored: as a payload they are made into, and made again from. */
export interface PayloadClass<Instance extends object> {
  /** The class itself. Instances of its subclasses are not covered. */
  readonly class: { readonly prototype: Instance };
  /** What is stored: any payload, instances of registered classes included, but not the instance itself. */
  toPayload(instance: NoInfer<Instance>): unknown;
  /** Makes an instance from what `toPayload` gave, perhaps by an older release of your code. */
  fromPayload(payload: unknown): NoInfer<Instance>;
}

/** Options of `createCodec`. */
export interface CodecOptions<Instances extends Record<string, object>> {
  /** Classes by the name they are stored under. Names stay for as long as payloads with them are stored. */
  readonly classes?: { readonly [Name in keyof Instances]: PayloadClass<Instances[Name]> };
}

/**
 * A codec that also keeps instances of the given classes.
 * @throws InvalidArgumentError (code `invalidArgument`) when one class is given twice, or something that is not a class.
 */
export function createCodec<Instances extends Record<string, object>>(
  options: CodecOptions<Instances> = {},
): SyncCodec {
  const given = Object.entries<PayloadClass<object>>(options.classes ?? {});
  const byName = new Map<string, PayloadClass<object>>(given);
  const byPrototype = new Map<object, ClassEntry>();
  for (const [name, entry] of given) {
    const prototype: unknown = entry?.class?.prototype;
    if (typeof prototype !== "object" || prototype === null || byPrototype.has(prototype)) {
      throw new InvalidArgumentError(
        `The payload class '${name}' is no class, or one that has another name already. Give each class once: { class, toPayload, fromPayload }.`,
      );
    }
    byPrototype.set(prototype, { name, toPayload: (instance) => entry.toPayload(instance) });
  }
  for (const [name, entry] of Object.entries(OWN_CLASSES)) {
    byName.set(name, entry);
    const { prototype } = entry.class;
    if (!byPrototype.has(prototype)) byPrototype.set(prototype, { name, toPayload: entry.toPayload });
  }
  const readClass = (name: string, payload: unknown): unknown => {
    const entry = byName.get(name);
    if (!entry)
      throw new TypeError(`it holds an instance of the class '${name}', which is not registered with \`createCodec\``);
    return entry.fromPayload(payload);
  };
  return { encode: (value) => encode(value, byPrototype), decode: (text) => decode(text, readClass) };
}

/** The codec of a hub that is opened without one. It knows no classes of users. */
export const defaultCodec: SyncCodec = /* @__PURE__ */ createCodec();

function encode(value: unknown, classes: ReadonlyMap<object, ClassEntry>): string {
  if (isJsonLeaf(value)) return JSON.stringify(value);
  const snapshot = new Snapshot(classes);
  const copy = snapshot.take(value);
  if (!snapshot.isRich) {
    const text = JSON.stringify(copy);
    if (!text.startsWith(RICH_TEXT_START)) return text;
  }
  return writeRichText(copy, snapshot.shared);
}

function decode(text: string, readClass: (name: string, payload: unknown) => unknown): unknown {
  try {
    return text.startsWith(RICH_TEXT_START) ? readRichText(text, readClass) : (JSON.parse(text) as unknown);
  } catch (error) {
    if (error instanceof PayloadError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new PayloadError(
      `The stored payload cannot be read: ${reason}. Another codec wrote it, or it was changed since.`,
      { path: "$" },
    );
  }
}
