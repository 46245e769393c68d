/**
 * The stored shape of rich values: a tree without shared or circular references, without hostile names and of limited depth,
 * so that superjson only ever meets what it keeps exactly (Date, Map, Set, BigInt, undefined, RegExp, URL, NaN, infinities, -0).
 *
 * Names in the tree that begin with `~` are ours:
 * T1. `{"~ref": n}` stands for the n-th root. A text with references is `{"~roots": [value, …]}`: each object that is reached more
 *     than once, and each that lies `TREE_DEPTH_MAX` levels below its root, is a root of its own.
 * T2. `{"~error": type, …, own}`, `{"~class": name, value}` and `{"~bytes": base64, type}` stand for what superjson has no exact form for.
 * T3. A user's name that begins with `~`, or that could reach a prototype, has one `~` put before it.
 */
import { binaryFrom } from "./binary.ts";
import { emptyError, fillError } from "./error-parts.ts";

/** Levels a tree has at most: superjson's recursion and its paths, which grow with the square of the depth, stay small. */
const TREE_DEPTH_MAX = 100;

/** An object of ours in a snapshot: its fields keep their names, the user's names below them are escaped. */
export class Tagged {
  readonly fields: Record<string, unknown>;
  /** True while the payload of a class instance is being made. */
  isOpen = false;
  constructor(fields: Record<string, unknown>) {
    this.fields = fields;
  }
}

function mustEscape(name: string): boolean {
  return name.startsWith("~") || name === "__proto__" || name === "constructor" || name === "prototype";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Turns a snapshot, which it uses up, into a tree. */
export class TreeWriter {
  readonly #shared: ReadonlySet<unknown>;
  readonly #roots: unknown[] = [];
  readonly #rootNumbers: Map<unknown, number> = new Map();
  #hasReferences = false;

  constructor(shared: ReadonlySet<unknown> | undefined) {
    this.#shared = shared ?? new Set();
  }

  /** The tree of a whole payload. Roots wait in a list, so deep values need no deep recursion. */
  write(payload: unknown): unknown {
    if (!isObject(payload)) return payload;
    this.#rootNumber(payload);
    for (let n = 0; n < this.#roots.length; n++) this.#roots[n] = this.#tree(this.#roots[n] as object, 0);
    return this.#hasReferences ? { "~roots": this.#roots } : this.#roots[0];
  }

  #rootNumber(value: object): number {
    let number = this.#rootNumbers.get(value);
    if (number === undefined) {
      number = this.#roots.push(value) - 1;
      this.#rootNumbers.set(value, number);
    }
    return number;
  }

  #child(value: unknown, depth: number): unknown {
    if (!isObject(value)) return value;
    if (depth < TREE_DEPTH_MAX && !this.#shared.has(value)) return this.#tree(value, depth);
    this.#hasReferences = true;
    return { "~ref": this.#rootNumber(value) };
  }

  #tree(value: object, depth: number): unknown {
    const child = (inner: unknown): unknown => this.#child(inner, depth + 1);
    if (Array.isArray(value)) return value.map(child);
    if (value instanceof Map)
      return new Map(Array.from(value as Map<unknown, unknown>, ([key, member]) => [child(key), child(member)]));
    if (value instanceof Set) return new Set(Array.from(value as Set<unknown>, child));
    if (value instanceof Tagged)
      return Object.fromEntries(Object.entries(value.fields).map(([name, member]) => [name, child(member)]));
    if (Object.getPrototypeOf(value) !== Object.prototype) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [mustEscape(name) ? `~${name}` : name, child(member)]),
    );
  }
}

/** Makes the instance of a registered class from its stored payload. */
export type ClassReader = (name: string, payload: unknown) => unknown;

/** Turns a tree, which it uses up, back into the value. Every object is made before what it holds, so references to it find it. */
export class TreeReader {
  readonly #readClass: ClassReader;
  #roots: readonly unknown[] = [];
  /** What the roots became, as soon as it exists. */
  readonly #made: Map<number, unknown> = new Map();

  constructor(readClass: ClassReader) {
    this.#readClass = readClass;
  }

  /** @throws TypeError, or any error of a class, when the tree is not one that `TreeWriter` made. */
  read(tree: unknown): unknown {
    const roots: unknown =
      isObject(tree) && Object.hasOwn(tree, "~roots") ? (tree as Record<string, unknown>)["~roots"] : [tree];
    if (!Array.isArray(roots)) throw new TypeError("its list of roots is missing");
    this.#roots = roots;
    return this.#root(0);
  }

  #root(n: unknown): unknown {
    if (typeof n !== "number" || !(n in this.#roots)) throw new TypeError("a reference leads nowhere");
    if (this.#made.has(n)) return this.#made.get(n);
    return this.#value(this.#roots[n], (made) => this.#made.set(n, made));
  }

  /** The value of a tree. `announce` is told the object before it is filled. */
  #value(tree: unknown, announce?: (made: unknown) => void): unknown {
    if (!isObject(tree)) return tree;
    if (Array.isArray(tree)) {
      announce?.(tree);
      return this.#array(tree);
    }
    if (tree instanceof Map || tree instanceof Set) {
      announce?.(tree);
      return tree instanceof Map ? this.#map(tree) : this.#set(tree);
    }
    if (Object.getPrototypeOf(tree) === Object.prototype) return this.#plain(tree as Record<string, unknown>, announce);
    announce?.(tree);
    return tree;
  }

  #array(elements: unknown[]): unknown[] {
    for (let i = 0; i < elements.length; i++) {
      if (!(i in elements)) throw new TypeError("a list has a hole");
      elements[i] = this.#value(elements[i]);
    }
    return elements;
  }

  #map(map: Map<unknown, unknown>): unknown {
    const entries = [...map];
    map.clear();
    for (const [key, member] of entries) map.set(this.#value(key), this.#value(member));
    return map;
  }

  #set(set: Set<unknown>): unknown {
    const elements = [...set];
    set.clear();
    for (const element of elements) set.add(this.#value(element));
    return set;
  }

  #plain(tree: Record<string, unknown>, announce?: (made: unknown) => void): unknown {
    const names = Object.keys(tree);
    const first = names[0];
    switch (first) {
      case "~ref":
        return this.#root(tree[first]);
      case "~error":
        return this.#error(tree, announce);
      case "~class":
      case "~bytes": {
        const made =
          first === "~class"
            ? this.#readClass(String(tree[first]), this.#value(tree.value))
            : binaryFrom(String(tree.type), String(tree[first]));
        announce?.(made);
        return made;
      }
    }
    const target: Record<string, unknown> = names.some((name) => name.startsWith("~")) ? {} : tree;
    announce?.(target);
    for (const name of names) {
      const value = this.#value(tree[name]);
      Object.defineProperty(target, name.startsWith("~") ? name.slice(1) : name, {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return target;
  }

  #error(tree: Record<string, unknown>, announce?: (made: unknown) => void): unknown {
    const { "~error": type, own, ...hidden } = tree;
    const error = emptyError(String(type));
    announce?.(error);
    fillError(
      error,
      this.#plain(hidden) as Record<string, unknown>,
      (this.#value(own) ?? {}) as Record<string, unknown>,
    );
    return error;
  }
}
