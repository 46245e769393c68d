/**
 * The first step of storing a value: a private copy of it, made of kept things only, or a refusal that names the place.
 *
 * S1. Every getter and every element is read once; what was checked is what is stored.
 * S2. Nothing is changed silently: what the stored form has no place for is refused.
 * S3. The copy has the shape of the original: one copy per object, so shared and circular references stay what they are.
 * S4. A small plain payload costs a few allocations: no Set, no Map, no path text. Paths become text only in a refusal.
 */
import { PayloadError } from "../errors.ts";
import { unreachable } from "../unreachable.ts";
import { base64From, binaryType, bytesOf } from "./binary.ts";
import { addedMember, type BuiltinKind, builtinKind, isForeignPlainObject, isPlainArray } from "./builtins.ts";
import { errorParts } from "./error-parts.ts";
import { type PathStep, pathText, shownPath } from "./path.ts";
import { Tagged } from "./tagged.ts";

/** Containers inside each other, at most: what every runtime can encode, decode and walk without running out of stack. */
export const PAYLOAD_DEPTH_MAX = 1_000;
/** Holes an array may have, at most: each becomes a stored `undefined`, and a length is set in no time. */
const ARRAY_HOLES_MAX = 1_000_000;
/** Up to this many containers a list is searched; beyond it a Map is worth its allocation. */
const SEARCHED_CONTAINERS_MAX = 16;

/** A class whose instances a codec keeps, by the prototype they have. */
export interface ClassEntry {
  /** Stable name in stored text. */
  readonly name: string;
  toPayload(instance: object): unknown;
}

/** True for what JSON keeps as it is and that holds nothing. */
export function isJsonLeaf(value: unknown): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0);
    default:
      return value === null;
  }
}

/** A container being copied, or copied before. */
interface Frame {
  readonly original: object;
  readonly copy: object;
  /** The container around it. */
  readonly parent: Frame | undefined;
  /** The container met before it, while few were met. */
  readonly previous: Frame | undefined;
  /** Where in the container the copying is. */
  step: PathStep;
}

/** Copies one value; use a new one for each. */
export class Snapshot {
  /** True once something was met that plain JSON has no form for. */
  isRich = false;
  /** Copies that are reached more than once; undefined while there is none. */
  shared: Set<object> | undefined;
  readonly #classes: ReadonlyMap<object, ClassEntry>;
  /** The container met last, from which the earlier ones are found. */
  #last: Frame | undefined;
  #count = 0;
  /** Copies by original, once there are too many containers to search. */
  #index: Map<object, object> | undefined;
  /** What holds the value at hand; undefined for the payload itself. */
  #around: Frame | undefined;

  constructor(classes: ReadonlyMap<object, ClassEntry>) {
    this.#classes = classes;
  }

  /**
   * The copy of the value.
   * @throws PayloadError for what cannot be kept, with its path.
   */
  take(value: unknown): unknown {
    try {
      return this.#take(value, undefined, 0);
    } catch (error) {
      if (error instanceof PayloadError) throw error;
      throw this.#refusal(
        `could not be read: ${error instanceof Error ? error.message : String(error)}`,
        "Pass plain data.",
      );
    }
  }

  #take(value: unknown, around: Frame | undefined, depth: number): unknown {
    this.#around = around;
    switch (typeof value) {
      case "object":
        return value === null ? null : this.#object(value, around, depth);
      case "function":
        throw this.#refusal(`is a function ('${value.name}')`, "Pass data, or the name of what is to run.");
      case "symbol":
        throw this.#refusal(`is a symbol (${String(value)})`, "Pass a text.");
      default:
        this.isRich ||= !isJsonLeaf(value);
        return value;
    }
  }

  #object(value: object, around: Frame | undefined, depth: number): unknown {
    const known = around && this.#known(value);
    if (known) return known;
    if (depth >= PAYLOAD_DEPTH_MAX)
      throw this.#refusal(`is nested more than ${PAYLOAD_DEPTH_MAX} levels deep`, "Make the chain a list.");
    if (Array.isArray(value)) return this.#array(value, around, depth);
    const prototype = Object.getPrototypeOf(value) as object | null;
    return prototype === Object.prototype || prototype === null
      ? this.#plain(value, around, depth)
      : this.#instance(value, prototype, around, depth);
  }

  /** The copy of an object met before, or undefined. A second way to one object makes the payload rich. */
  #known(value: object): object | undefined {
    let copy = this.#index?.get(value);
    if (!this.#index) {
      let frame = this.#last;
      while (frame && frame.original !== value) frame = frame.previous;
      copy = frame?.copy;
    }
    if (!copy) return undefined;
    if (copy instanceof Tagged && copy.isOpen)
      throw this.#refusal("is the class instance that contains it", "Leave it out in `toPayload`.");
    this.isRich = true;
    this.shared ??= new Set();
    this.shared.add(copy);
    return copy;
  }

  #remember(original: object, copy: object, around: Frame | undefined): Frame {
    const previous = this.#last;
    const frame: Frame = { original, copy, parent: around, previous: this.#index ? undefined : previous, step: "" };
    this.#last = frame;
    if (this.#index) this.#index.set(original, copy);
    else if (++this.#count > SEARCHED_CONTAINERS_MAX) {
      this.#index = new Map([[original, copy]]);
      for (let earlier = previous; earlier; earlier = earlier.previous) this.#index.set(earlier.original, earlier.copy);
    }
    return frame;
  }

  #plain(value: object, around: Frame | undefined, depth: number): unknown {
    this.#refuseSymbolKeys(value);
    const copy: Record<string, unknown> = { ...value };
    this.#members(copy, this.#remember(value, copy, around), depth);
    return copy;
  }

  /** Replaces the members of a fresh copy by their own copies. They are own data properties, so even `__proto__` is a plain assignment. */
  #members(copy: Record<string, unknown>, frame: Frame, depth: number): void {
    for (const key in copy) {
      const member = copy[key];
      if (isJsonLeaf(member) || !Object.hasOwn(copy, key)) continue;
      frame.step = key;
      copy[key] = this.#take(member, frame, depth + 1);
    }
  }

  #array(value: readonly unknown[], around: Frame | undefined, depth: number): unknown {
    if (!isPlainArray(value)) return this.#instance(value, Object.getPrototypeOf(value) as object, around, depth);
    this.#refuseSymbolKeys(value);
    const copy = this.#elements(value);
    const frame = this.#remember(value, copy, around);
    for (let i = 0; i < copy.length; i++) {
      const element = copy[i];
      if (isJsonLeaf(element)) continue;
      frame.step = i;
      copy[i] = this.#take(element, frame, depth + 1);
    }
    return copy;
  }

  /** The elements, with `undefined` in place of holes. `Object.values` sees added members too, without making names of all indexes. */
  #elements(array: readonly unknown[]): unknown[] {
    const values = Object.values(array);
    let isDense = values.length === array.length;
    for (let i = 0; isDense && i < values.length; i++) isDense = i in array;
    if (isDense) return values;
    const keys = Object.keys(array);
    const added = keys.find((key) => String(Number(key) >>> 0) !== key || Number(key) >= array.length);
    if (added !== undefined) throw this.#refuseMember(added, "an array");
    if (array.length - keys.length > ARRAY_HOLES_MAX)
      throw this.#refusal(`is an array with more than ${ARRAY_HOLES_MAX} holes`, "Pass a Map.");
    const elements = new Array<unknown>(array.length).fill(undefined);
    keys.forEach((key, at) => {
      elements[Number(key)] = values[at];
    });
    return elements;
  }

  #instance(value: object, prototype: object, around: Frame | undefined, depth: number): unknown {
    const entry = this.#classes.get(prototype);
    if (entry) return this.#registered(value, entry, around, depth);
    if (isForeignPlainObject(prototype)) return this.#plain(value, around, depth);
    const kind = builtinKind(value);
    if (!kind) throw this.#refuseInstance(value);
    this.isRich = true;
    if (kind === "Error") return this.#error(value, around, depth);
    this.#refuseSymbolKeys(value);
    const added = addedMember(value);
    if (added !== undefined) throw this.#refuseMember(added, `a ${kind}`);
    if (kind === "Map") return this.#map(value as Map<unknown, unknown>, around, depth);
    if (kind === "Set") return this.#set(value as Set<unknown>, around, depth);
    const copy = this.#leaf(value, kind);
    this.#remember(value, copy, around);
    return copy;
  }

  /** The copy of an object that holds no others. */
  #leaf(value: object, kind: Exclude<BuiltinKind, "Error" | "Map" | "Set">): object {
    switch (kind) {
      case "Date": {
        const copy = new Date(Date.prototype.getTime.call(value));
        if (Number.isNaN(copy.getTime())) throw this.#refusal("is an invalid Date", "Pass an instant, or null.");
        return copy;
      }
      case "RegExp":
        return new RegExp((value as RegExp).source, (value as RegExp).flags);
      case "URL": {
        const { URL } = globalThis as unknown as { URL: new (href: string) => object };
        return new URL((value as { href: string }).href);
      }
      case "ArrayBuffer":
      case "Binary view": {
        const binary = value as ArrayBuffer | ArrayBufferView;
        return new Tagged({ "~bytes": base64From(bytesOf(binary)), type: binaryType(binary) });
      }
      default:
        return unreachable(kind);
    }
  }

  #map(value: Map<unknown, unknown>, around: Frame | undefined, depth: number): unknown {
    const copy = new Map<unknown, unknown>();
    const frame = this.#remember(value, copy, around);
    let at = 0;
    for (const [key, member] of value) {
      frame.step = { text: `[${at}][0]` };
      const keyCopy = this.#take(key, frame, depth + 1);
      frame.step = { text: `[${at++}][1]` };
      copy.set(keyCopy, this.#take(member, frame, depth + 1));
    }
    return copy;
  }

  #set(value: Set<unknown>, around: Frame | undefined, depth: number): unknown {
    const copy = new Set<unknown>();
    const frame = this.#remember(value, copy, around);
    let at = 0;
    for (const element of value) {
      frame.step = at++;
      copy.add(this.#take(element, frame, depth + 1));
    }
    return copy;
  }

  #error(value: object, around: Frame | undefined, depth: number): unknown {
    const { type, hidden, own } = errorParts(value);
    this.#refuseSymbolKeys(own);
    const copy = new Tagged({ "~error": type, ...hidden });
    const frame = this.#remember(value, copy, around);
    this.#members(copy.fields, frame, depth);
    this.#members(own, frame, depth);
    if (Object.keys(own).length > 0) copy.fields.own = own;
    return copy;
  }

  #registered(value: object, entry: ClassEntry, around: Frame | undefined, depth: number): unknown {
    this.isRich = true;
    const copy = new Tagged({ "~class": entry.name });
    const frame = this.#remember(value, copy, around);
    frame.step = { text: ".toPayload()" };
    copy.isOpen = true;
    copy.fields.value = this.#take(entry.toPayload(value), frame, depth + 1);
    copy.isOpen = false;
    return copy;
  }

  #refuseSymbolKeys(value: object): void {
    const keys = Object.getOwnPropertySymbols(value);
    if (keys.length > 0)
      throw this.#refusal("is a member named by a symbol", "Name it by a text.", { text: `[${String(keys[0])}]` });
  }

  #refuseMember(key: string, owner: string): PayloadError {
    return this.#refusal(`is a member added to ${owner}`, "Pass it beside, in a plain object.", key);
  }

  #refuseInstance(value: object): PayloadError {
    const tag = Object.prototype.toString.call(value).slice(8, -1);
    if (tag === "Promise") return this.#refusal("is a promise", "Await it first.");
    const name: unknown = (value as { constructor?: { name?: unknown } }).constructor?.name;
    const className = typeof name === "string" && name !== "" ? name : tag;
    if (className === "Object")
      return this.#refusal("is an object with a prototype of its own", "Pass a plain object.");
    return this.#refusal(
      `is an instance of the class '${className}', which is not registered`,
      "Pass a plain object, or register the class with `createCodec`.",
    );
  }

  /** The error for the value at hand, or for a member of it. */
  #refusal(what: string, advice: string, member?: PathStep): PayloadError {
    const steps: PathStep[] = member === undefined ? [] : [member];
    for (let frame = this.#around; frame; frame = frame.parent) steps.push(frame.step);
    const path = pathText(steps.reverse());
    return new PayloadError(`The payload cannot be stored: the value at ${shownPath(path)} ${what}. ${advice}`, {
      path,
    });
  }
}
