/**
 * Recognises the language's own objects, from this realm or another (frames, `node:vm`).
 *
 * Recognition asks the object's internal slots, not its name: a class that calls itself `Map` is no Map, and a subclass of Map
 * is a class of its own, which a payload cannot keep.
 */

/** What a payload keeps besides plain objects and arrays. */
export type BuiltinKind = "ArrayBuffer" | "Binary view" | "Date" | "Error" | "Map" | "RegExp" | "Set" | "URL";

type Probe = (this: unknown) => unknown;

function getter(prototype: object | undefined, name: string): Probe {
  return (prototype && Object.getOwnPropertyDescriptor(prototype, name)?.get) ?? refuseAll;
}
function refuseAll(): never {
  throw new TypeError("this runtime has no such type");
}

/** For each type a function of its prototype that throws unless `this` really is one. */
const PROBES: ReadonlyMap<string, Probe> = new Map<string, Probe>([
  ["ArrayBuffer", getter(ArrayBuffer.prototype, "byteLength")],
  ["Date", Date.prototype.getTime],
  ["Map", getter(Map.prototype, "size")],
  ["RegExp", getter(RegExp.prototype, "source")],
  ["Set", getter(Set.prototype, "size")],
  ["URL", getter((globalThis as { URL?: { prototype: object } }).URL?.prototype, "href")],
]);

/** How many prototypes an object has above it. */
function prototypeCount(value: object): number {
  let count = 0;
  for (let next: unknown = Object.getPrototypeOf(value); next !== null; next = Object.getPrototypeOf(next)) count++;
  return count;
}

/** True for an object whose prototype is the `Object.prototype` of another realm. */
export function isForeignPlainObject(prototype: object): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf");
}

/** True for an array of this or another realm, false for an instance of a subclass. */
export function isPlainArray(value: readonly unknown[]): boolean {
  return Object.getPrototypeOf(value) === Array.prototype || prototypeCount(value) === 2;
}

/** The kind of an object a payload keeps; undefined for instances of any other class, subclasses of built-in ones included (Error and Node's Buffer apart). */
export function builtinKind(value: object): BuiltinKind | undefined {
  if (ArrayBuffer.isView(value)) return isOwnView(value) ? "Binary view" : undefined;
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  if (value instanceof Error || (tag === "Error" && !(Symbol.toStringTag in value))) return "Error";
  const probe = PROBES.get(tag);
  if (!probe || prototypeCount(value) !== 2) return undefined;
  try {
    probe.call(value);
    return tag as BuiltinKind;
  } catch {
    return undefined;
  }
}

function isOwnView(view: ArrayBufferView): boolean {
  const isBuffer = (view.constructor as { isBuffer?: (value: unknown) => boolean } | undefined)?.isBuffer;
  return (
    prototypeCount(view) === (view instanceof DataView ? 2 : 3) || (typeof isBuffer === "function" && isBuffer(view))
  );
}

/** Views longer than this, in elements, are not searched for added members: the search names every element. */
const SEARCHED_VIEW_LENGTH_MAX = 65_536;

/** The first enumerable member someone added to a built-in object, which its stored form has no place for. */
export function addedMember(value: object): string | undefined {
  const length = ArrayBuffer.isView(value) && !(value instanceof DataView) ? (value as Uint8Array).length : 0;
  return length > SEARCHED_VIEW_LENGTH_MAX ? undefined : Object.keys(value)[length];
}
