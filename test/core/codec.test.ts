/** The payload codec: what is kept, what is refused and where, and what hostile text can do (nothing). */
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { createCodec, defaultCodec, PAYLOAD_DEPTH_MAX, type SyncCodec, toJsonForm } from "../../core/codec/codec.ts";
import { PayloadError, TaskFailedError } from "../../core/errors.ts";
import { type FailureDetails, failureDetails } from "../../core/failure.ts";
import { EntityId } from "../../core/identity.ts";

const RICH_START = '{"$superjson":1,';

function roundTrip<Value>(value: Value, codec: SyncCodec = defaultCodec): Value {
  return codec.decode(codec.encode(value)) as Value;
}

/** The error with which something is refused. */
function refusal(run: () => unknown): PayloadError {
  try {
    run();
  } catch (error) {
    if (error instanceof PayloadError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

function nested(depth: number, wrap: (inner: unknown) => unknown, innermost: unknown = 1): unknown {
  let value = innermost;
  for (let i = 0; i < depth; i++) value = wrap(value);
  return value;
}

function detachedBuffer(): ArrayBuffer {
  const buffer = new ArrayBuffer(8);
  structuredClone(buffer, { transfer: [buffer] });
  return buffer;
}

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** What an object consists of: each part with a name that tells it from the others. */
function partsOf(value: object): [string, unknown][] {
  if (value instanceof Date) return [["time", value.getTime()]];
  if (value instanceof RegExp || value instanceof URL) return [["text", String(value)]];
  if (value instanceof Map) return [...value].flat().map((part, at) => [`part ${at}`, part]);
  if (value instanceof Set) return [...value].map((part, at) => [`part ${at}`, part]);
  if (value instanceof ArrayBuffer) return [["bytes", [...new Uint8Array(value)].join()]];
  if (ArrayBuffer.isView(value))
    return partsOf(value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength));
  const own = Object.entries(value);
  if (Array.isArray(value)) return [["length", value.length], ...own];
  const hidden = ["name", "message", "stack", "cause", "errors"].filter((name) => !Object.keys(value).includes(name));
  const parts: [string, unknown][] = hidden.map((name) => [name, (value as Record<string, unknown>)[name]]);
  return value instanceof Error ? [...parts, ...own] : own;
}

/** Fails unless both are the same graph: equal values, the same kinds of objects, and one object wherever the other has one object. */
function expectSameGraph(actual: unknown, expected: unknown): void {
  const pairs = new Map<unknown, unknown>();
  const compare = (a: unknown, e: unknown, path: string): void => {
    if (typeof e !== "object" || e === null || typeof a !== "object" || a === null) {
      if (!Object.is(a, e)) expect(a, path).toBe(e);
    } else if (pairs.has(e) || pairs.has(a)) {
      expect(pairs.get(e) === a && pairs.get(a) === e, `${path} is the same object in both`).toBe(true);
    } else {
      pairs.set(e, a).set(a, e);
      expect(Object.getPrototypeOf(a) === Object.getPrototypeOf(e), `${path} has the same prototype in both`).toBe(
        true,
      );
      const [aParts, eParts] = [partsOf(a), partsOf(e)];
      const namesOf = (parts: [string, unknown][]): string[] => parts.map(([name]) => name);
      expect(namesOf(aParts), path).toEqual(namesOf(eParts));
      for (const [at, [name, part]] of eParts.entries()) compare(aParts[at]?.[1], part, `${path}.${name}`);
    }
  };
  compare(actual, expected, "$");
}

describe("plain JSON", () => {
  // biome-ignore format: a table, one entry per line.
  const values: unknown[] = [
    ..."text|\ud800 alone|\udc00|\u2028\u0000|$superjson".split("|"), "", 0, 1.5, -1e300, true, false, null, [], {}, [[], {}],
    [null, 0, "", false], { a: [1, { b: null }] }, { json: { a: 1 }, meta: { values: { a: ["Date"] } } }, { nested: { $superjson: 1 } },
    { "": 1, "a.b": 2, "~": 3, "~ref": 0, "~~ref": 0 }, { toJSON: "data" }, { "\ud800": "\udfff" },
    JSON.parse('{"__proto__":{"x":1},"constructor":{"prototype":{"y":2}},"prototype":[1]}'),
  ];

  test.each(values.map((value) => [JSON.stringify(value), value]))("%s is stored as JSON writes it", (text, value) => {
    expect(defaultCodec.encode(value)).toBe(text);
    expectSameGraph(roundTrip(value), value);
  });

  test("any JSON value is stored as JSON writes it, and read back", () => {
    const json = fc.json({ maxDepth: 5, stringUnit: "binary" });
    const property = fc.property(json, (text) => {
      const value: unknown = JSON.parse(text, (_, member) => (member === 0 ? 0 : member));
      expect(defaultCodec.encode(value)).toBe(JSON.stringify(value));
      expectSameGraph(roundTrip(value), value);
    });
    fc.assert(property);
  });

  test("an object that has the reserved first member is stored in the rich form, so that reading is never ambiguous", () => {
    for (const value of [{ $superjson: 1 }, { $superjson: 1, json: 1, meta: {} }, { $superjson: { a: 1 } }]) {
      expect(defaultCodec.encode(value).startsWith(`${RICH_START}"json":{"$superjson":`)).toBe(true);
      expectSameGraph(roundTrip(value), value);
    }
  });

  test("a rich text is a value like any other, and so is what it parses to", () => {
    const text = defaultCodec.encode([1n]);
    expect(roundTrip(text)).toBe(text);
    expectSameGraph(roundTrip(JSON.parse(text)), JSON.parse(text));
  });

  test("a plain object without a prototype becomes a plain object", () => {
    expectSameGraph(roundTrip(Object.assign(Object.create(null), { a: 1 })), { a: 1 });
    expect(defaultCodec.encode(Object.create(null))).toBe("{}");
  });

  test("members that are not enumerable are not part of a value", () => {
    expect(defaultCodec.encode(Object.defineProperty({ a: 1 }, "b", { value: () => 1 }))).toBe('{"a":1}');
  });

  test("a polluted Object.prototype adds nothing to a value", () => {
    const prototype = Object.prototype as unknown as Record<string, unknown>;
    prototype.polluted = { x: 1 };
    try {
      expect(defaultCodec.encode({ a: { b: 1 } })).toBe('{"a":{"b":1}}');
    } finally {
      delete prototype.polluted;
    }
  });
});

const bytes = Uint8Array.from([0, 1, 127, 128, 255, 7, 8, 9]);
const typedArrays = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
];
// biome-ignore format: a table, one entry per line.
const kept: Record<string, unknown> = {
  undefined: undefined,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
  "-0": -0,
  "a BigInt": -(2n ** 200n),
  "a Date": new Date(-1),
  "the last Date": new Date(8.64e15),
  "a RegExp": /a\/[/]\n"(?<x>\u{1F600})/giu,
  "an empty RegExp": /(?:)/,
  "a URL": new URL("https://user:pw@example.com:8080/a%20b?q=1#h"),
  "a Map": new Map<unknown, unknown>([["a", 1], [1, "a"], [Number.NaN, undefined], [{ k: 1 }, new Map()]]),
  "a Set": new Set<unknown>([1, "1", undefined, null, Number.NaN, new Set(), new Date(0), [], []]),
  "an empty Map and Set": [new Map(), new Set()],
  "falsy members": { a: undefined, b: null, c: 0, d: "", e: false, f: -0, g: 0n, h: Number.NaN },
  "falsy elements": [undefined, null, 0, "", false, -0, 0n, Number.NaN],
  "equal BigInts and equal NaNs": [1n, 1n, Number.NaN, Number.NaN, { a: 1n }],
  "names with dots and backslashes": { "a.b": 1n, "a\\.b": 2n, "a\\": { "": 3n }, "": undefined, "0": new Date(0) },
  "names that the stored form uses itself": { "~ref": 0, "~roots": [1], "~error": "x", "~class": "C", "~bytes": "AA==", "~~": 1n, "~": { "~ref": 1 } },
  "names that could reach a prototype": JSON.parse('{"__proto__":{"__proto__":"n","a":2},"constructor":{"prototype":"n"},"prototype":4,"~__proto__":5}', (_, value) => (value === "n" ? 1n : value)),
  "an ArrayBuffer": bytes.buffer,
  "an empty ArrayBuffer": new ArrayBuffer(0),
  "a DataView": new DataView(bytes.buffer, 1, 3),
  "a large Uint8Array": new Uint8Array(100_000).map((_, at) => at * 7),
  "floats with NaN and -0 among them": Float64Array.from([Number.NaN, -0, Number.POSITIVE_INFINITY, 0.1]),
  "an Error": new Error("broken", { cause: new TypeError("inner", { cause: "text" }) }),
  "an Error without a message": new Error(),
  "an Error with a falsy cause": [new Error("a", { cause: undefined }), new Error("b", { cause: 0 })],
  "an AggregateError": new AggregateError([new RangeError("one"), 2n, undefined], "several"),
  "an Error with properties": Object.assign(new SyntaxError("bad"), { code: "E1", at: new Date(5), "~x": 1, details: { constructor: 1 }, gone: undefined }),
  "an Error with its name and cause assigned": Object.assign(new Error("x"), { name: "QuotaError", cause: 1n }),
  "lone surrogates among rich values": new Map([["\ud800", { "\udfff": "\udc00", n: 1n }]]),
  ...Object.fromEntries(typedArrays.map((type) => [`a ${type.name}`, new type(bytes.buffer)])),
};

describe("rich values", () => {
  test.each(Object.keys(kept))("%s comes back as it was, alone and inside others", (name) => {
    const value = kept[name];
    const places = [
      value,
      [value],
      { a: { b: value } },
      new Map([[value, 1]]),
      new Map([[1, value]]),
      new Set([[value]]),
      new Error("e", { cause: value }),
    ];
    for (const place of places) expectSameGraph(roundTrip(place), place);
    expect(defaultCodec.encode(roundTrip([value]))).toBe(defaultCodec.encode([value]));
  });

  test.runIf("Float16Array" in globalThis)("a Float16Array comes back as it was", () => {
    const { Float16Array } = globalThis as unknown as { Float16Array: Float32ArrayConstructor };
    const value = new Float16Array([1.5, -0]);
    expectSameGraph(roundTrip(value), value);
  });

  test("the text is superjson's own for what superjson keeps", () => {
    const value = { at: new Date(0), tags: new Set(["a"]), gone: undefined };
    expect(JSON.parse(defaultCodec.encode(value))).toEqual({
      $superjson: 1,
      json: { at: "1970-01-01T00:00:00.000Z", tags: ["a"], gone: null },
      meta: { values: { at: ["Date"], tags: ["set"], gone: ["undefined"] }, v: 1 },
    });
  });

  test("holes become undefined", () => {
    // biome-ignore lint/suspicious/noSparseArray: holes are what is tested.
    const sparse = [1, , 3, ,];
    expectSameGraph(roundTrip(sparse), [1, undefined, 3, undefined]);
    expectSameGraph(roundTrip(new Array(3)), [undefined, undefined, undefined]);
  });

  test("a Buffer becomes a Uint8Array of its own bytes alone", () => {
    const read = roundTrip(Buffer.from("abc")) as Uint8Array;
    expectSameGraph(read, Uint8Array.from([97, 98, 99]));
    expect(read.buffer.byteLength).toBe(3);
  });

  test("a view keeps the part of the buffer that it shows", () => {
    const read = roundTrip({ part: bytes.subarray(2, 5) }).part;
    expect([...read]).toEqual([127, 128, 255]);
    expect(read.buffer.byteLength).toBe(3);
  });

  test("a subclass of an error becomes the built-in error it extends, with its name and properties", () => {
    class QuotaError extends RangeError {
      override readonly name = "QuotaError";
      readonly used = 5;
    }
    const error = new QuotaError("full");
    const read = roundTrip<Error>(error);
    expect(Object.getPrototypeOf(read)).toBe(RangeError.prototype);
    expect({ ...read, message: read.message, stack: read.stack }).toEqual({
      name: "QuotaError",
      used: 5,
      message: "full",
      stack: error.stack,
    });
  });

  test("an abort reason, whose name and message are inherited, keeps both", () => {
    const { name, message } = roundTrip<Error>(AbortSignal.abort().reason);
    expect({ name, message }).toEqual({ name: "AbortError", message: "This operation was aborted" });
  });

  test("an error takes its name from its class, unless it has its own", () => {
    expect(Object.hasOwn(roundTrip(new TypeError("t")), "name")).toBe(false);
    const read = roundTrip(Object.defineProperty(new TypeError("t"), "name", { value: "Own" }));
    expect(Object.getOwnPropertyDescriptor(read, "name")).toMatchObject({ value: "Own", enumerable: false });
  });

  test("an error without a stack gets none", () => {
    const error = new Error("quiet");
    delete error.stack;
    expect(roundTrip(error).stack).toBeUndefined();
  });

  test("built-in objects of another realm are kept as this realm's", () => {
    const foreign = runInNewContext(
      '({ a: [1, new Date(0), new Map([[1, new Set([2])]])], r: /x/g, b: new Uint8Array([1]), e: new TypeError("t") })',
    );
    const { e, ...others } = roundTrip(foreign);
    expectSameGraph(others, { a: [1, new Date(0), new Map([[1, new Set([2])]])], r: /x/g, b: Uint8Array.from([1]) });
    expect([Object.getPrototypeOf(e), e.message]).toEqual([TypeError.prototype, "t"]);
    expect(defaultCodec.encode(runInNewContext("({ a: [{ b: 1 }] })"))).toBe('{"a":[{"b":1}]}');
  });

  test("encoding changes nothing in the value", () => {
    const value = Object.freeze({
      at: Object.freeze([new Date(0), Object.freeze(new Map([["__proto__", 1n]]))]),
      "~x": undefined,
    });
    const before = structuredClone(value);
    defaultCodec.encode(value);
    expectSameGraph(value, before);
  });

  test("every getter is read once", () => {
    let reads = 0;
    const getter = {
      get a() {
        return ++reads;
      },
    };
    expect(defaultCodec.encode(getter)).toBe('{"a":1}');
    expectSameGraph(roundTrip([getter, new Date(0), 1n]), [{ a: 2 }, new Date(0), 1n]);
    expect(reads).toBe(2);
    const error = Object.defineProperty(new Error(), "stack", { get: () => `read ${++reads}`, enumerable: true });
    expect(roundTrip(error).stack).toBe("read 3");
    expect(reads).toBe(3);
  });
});

describe("shared and circular references", () => {
  const shared = { n: 1 };
  const date = new Date(0);
  const buffer = new ArrayBuffer(4);
  const error = new Error("shared", { cause: shared });
  // biome-ignore format: a table, one entry per line.
  const graphs: Record<string, () => unknown> = {
    "a value used twice in plain data": () => [shared, { again: shared }],
    "an empty list used twice": () => ((list) => [list, list])([]),
    "more containers than are searched one by one": () => [...Array.from({ length: 50 }, (_, n) => ({ n })), shared, shared],
    "dates, buffers and patterns used twice": () => ((pattern) => [date, buffer, pattern, { date, buffer, pattern }])(/x/),
    "members of sets that are shared": () => [shared, date, new Set([shared, date, [shared]]), new Set([shared])],
    "keys and values of maps that are shared": () => [new Map<unknown, unknown>([[shared, date], [date, shared]]), shared, new Map([[shared, 1]])],
    "errors and their causes": () => [error, shared, new AggregateError([error, error], "a", { cause: error }), { error }],
    "shared values with names that are escaped": () => ((hostile) => [hostile, hostile])(JSON.parse('{"__proto__":[1],"~ref":0}')),
    "an object that holds itself": () => { const a: Record<string, unknown> = {}; a.self = a; return a; },
    "an object with an escaped name that holds itself": () => { const a: { [name: string]: unknown } = { "~ref": 1n }; Object.assign(a, { constructor: a }); return a; },
    "a list that holds itself": () => { const a: unknown[] = [1]; a.push(a, { a }); return a; },
    "a map that is its own key and value": () => { const a = new Map<unknown, unknown>(); a.set(a, a).set("last", 1); return a; },
    "a set that holds itself between others": () => { const a = new Set<unknown>(["first"]); a.add(a).add("last"); return { a }; },
    "an error that is its own cause": () => { const a = new Error("e"); a.cause = [a]; return a; },
    "a circle below the top": () => { const a: unknown[] = []; a.push({ back: a }); return { a }; },
  };

  test.each(Object.keys(graphs))("%s stay what they are", (name) => {
    const value = graphs[name]?.();
    expectSameGraph(roundTrip(value), value);
  });

  test("primitives that are equal are no shared references", () => {
    expect(defaultCodec.encode(["a", "a", 1, 1, null, null])).toBe('["a","a",1,1,null,null]');
  });

  test("a value that doubles with every level stays as small as it is", () => {
    const text = defaultCodec.encode(nested(200, (inner) => [inner, inner], new Date(0)));
    expect(text.length).toBeLessThan(20_000);
    expect(defaultCodec.encode(defaultCodec.decode(text))).toBe(text);
  });
});

describe("random graphs", () => {
  type Filler = (parts: readonly unknown[]) => unknown;
  // biome-ignore format: a table, one entry per line.
  const name = fc.oneof(
    fc.string({ unit: "binary", maxLength: 4 }),
    fc.constantFrom("__proto__", "constructor", "prototype", "~ref", "~", "a.b", "a\\", "toJSON", "length", "stack", "cause", "errors", "$superjson"),
  );
  // biome-ignore format: a table, one entry per line.
  const leaf = fc.oneof(
    fc.constantFrom<unknown>(undefined, null, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0, 0n, "", false),
    fc.string({ unit: "binary" }), fc.double(), fc.bigInt(), fc.boolean(),
  );

  function put(target: object, key: string, value: unknown, enumerable = true): void {
    Object.defineProperty(target, key, { value, enumerable, configurable: true, writable: true });
  }
  const leafObject = (value: object): [object, Filler] => [value, () => undefined];
  /** Makes an empty object of some kind, and what gives it its parts: objects are there before their parts, so any graph can be made. */
  const shell: fc.Arbitrary<() => [object, Filler]> = fc.oneof(
    fc.constant((): [object, Filler] => {
      const list: unknown[] = [];
      return [list, (parts) => list.push(...parts)];
    }),
    fc.array(name, { maxLength: 4 }).map((names) => (): [object, Filler] => {
      const target = {};
      return [
        target,
        (parts) => [...parts.entries()].forEach(([at, part]) => void put(target, names[at] ?? `p${at}`, part)),
      ];
    }),
    fc.constant((): [object, Filler] => {
      const map = new Map<unknown, unknown>();
      return [map, (parts) => [...parts.entries()].forEach(([at, part]) => void map.set(part, parts[at + 1]))];
    }),
    fc.constant((): [object, Filler] => {
      const set = new Set<unknown>();
      return [set, (parts) => parts.forEach((part) => void set.add(part))];
    }),
    fc
      .tuple(fc.constantFrom(Error, TypeError, RangeError), fc.string(), name)
      .map(([type, message, own]) => (): [object, Filler] => {
        const error = new type(message);
        return [error, ([cause, member]) => [put(error, own, member), put(error, "cause", cause, false)]];
      }),
    fc.date({ noInvalidDate: true }).map((date) => () => leafObject(new Date(date))),
    fc.uint8Array().map((view) => () => leafObject(view.slice())),
    fc.float64Array().map((view) => () => leafObject(view.slice())),
    fc.bigInt64Array().map((view) => () => leafObject(view.slice().buffer)),
    fc.webUrl().map((url) => () => leafObject(new URL(url))),
    fc.constantFrom(/a/, /b\/./gi).map((pattern) => () => leafObject(new RegExp(pattern))),
  );
  /** A graph: node 0 is the payload; a part is a leaf or the number of any node, earlier, later or its own. */
  const part = fc.oneof(
    leaf.map((value) => ({ value })),
    fc.nat(40).map((node) => ({ node })),
  );
  const graph = fc.array(fc.record({ shell, parts: fc.array(part, { maxLength: 5 }) }), {
    minLength: 1,
    maxLength: 20,
  });

  test("come back with every value and every reference, and always as the same text", () => {
    const property = fc.property(graph, (nodes) => {
      const made = nodes.map((node) => node.shell());
      nodes.forEach(({ parts }, at) => {
        made[at]?.[1](parts.map((part) => ("node" in part ? made[part.node % made.length]?.[0] : part.value)));
      });
      const value = made[0]?.[0];
      const text = defaultCodec.encode(value);
      const read = defaultCodec.decode(text);
      expectSameGraph(read, value);
      expect(defaultCodec.encode(read)).toBe(text);
      JSON.stringify(toJsonForm(read));
    });
    fc.assert(property, { numRuns: 500 });
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});

class Money {
  readonly amount: number;
  constructor(amount: number) {
    this.amount = amount;
  }
}

describe("refusals", () => {
  class Point {
    x = 1;
  }
  // biome-ignore format: a table, one entry per line.
  const refused: [what: string, value: unknown, path: string, says: string][] = [
    ["a function", { a: [0, 1, 2, { b: function onClick() {} }] }, "$.a[3].b", "is a function ('onClick')"],
    ["a function as the payload", () => 1, "$", "is a function"],
    ["a class", { a: Point }, "$.a", "is a function ('Point')"],
    ["toJSON", { a: { toJSON: () => 1 } }, "$.a.toJSON", "is a function ('toJSON')"],
    ["a symbol", [Symbol("s")], "$[0]", "is a symbol (Symbol(s))"],
    ["a member named by a symbol", { a: { [Symbol("s")]: 1 } }, "$.a[Symbol(s)]", "is a member named by a symbol"],
    ["a list's member named by a symbol", [Object.assign([1], { [Symbol("s")]: 1 })], "$[0][Symbol(s)]", "is a member named by a symbol"],
    ["an error's member named by a symbol", Object.assign(new Error("x"), { [Symbol("s")]: 1 }), "$[Symbol(s)]", "is a member named by a symbol"],
    ["a promise", { a: Promise.resolve(1) }, "$.a", "is a promise"],
    ["an instance of a class", { a: new Point() }, "$.a", "an instance of the class 'Point'"],
    ["an instance of a subclass of Map", [new (class Table extends Map {})()], "$[0]", "class 'Table'"],
    ["an instance of a subclass of Array", [new (class List extends Array {})()], "$[0]", "class 'List'"],
    ["an instance of a subclass of Date", [new (class Day extends Date {})()], "$[0]", "class 'Day'"],
    ["an instance of a subclass of Uint8Array", [new (class Bytes extends Uint8Array {})()], "$[0]", "class 'Bytes'"],
    ["a class that calls itself Date", [new (class Fake { get [Symbol.toStringTag]() { return "Date"; } })()], "$[0]", "class 'Fake'"],
    ["a class that calls itself Error", [new (class Fake { get [Symbol.toStringTag]() { return "Error"; } })()], "$[0]", "class 'Fake'"],
    ["an object with another prototype", { a: Object.create({ b: 1 }) }, "$.a", "a prototype of its own"],
    ["a boxed number", { a: Object(1) }, "$.a", "class 'Number'"],
    ["a WeakMap", { a: new WeakMap() }, "$.a", "class 'WeakMap'"],
    ["a generator", { a: (function* () {})() }, "$.a", "an instance of the class"],
    ["a SharedArrayBuffer", { a: new SharedArrayBuffer(1) }, "$.a", "class 'SharedArrayBuffer'"],
    ["Math", { a: Math }, "$.a[Symbol(Symbol.toStringTag)]", "is a member named by a symbol"],
    ["Headers", { a: new Headers() }, "$.a", "class 'Headers'"],
    ["a Blob", { a: new Blob([]) }, "$.a", "class 'Blob'"],
    ["an invalid date", { a: { at: new Date(Number.NaN) } }, "$.a.at", "is an invalid Date"],
    ["a list with a named member", { a: Object.assign([1, 2], { b: 3 }) }, "$.a.b", "is a member added to an array"],
    ["a list with a named member in place of a hole", Object.assign(new Array(1), { b: 3 }), "$.b", "is a member added to an array"],
    ["a list with a negative index", Object.assign([1], { "-1": 3 }), '$["-1"]', "is a member added to an array"],
    ["a list with a number that is no index", Object.assign([1], { "4294967295": 3 }), '$["4294967295"]', "is a member added to an array"],
    ["a match with its groups", "abc".match(/b/), "$.index", "is a member added to an array"],
    ["a Map with an added member", { m: Object.assign(new Map(), { extra: 1 }) }, "$.m.extra", "is a member added to a Map"],
    ["a Date with an added member", Object.assign(new Date(0), { extra: 1 }), "$.extra", "is a member added to a Date"],
    ["a typed array with an added member", Object.assign(new Uint8Array(2), { extra: 1 }), "$.extra", "is a member added to a Binary view"],
    ["a list that is almost all holes", { a: new Array(4_294_967_295) }, "$.a", "is an array with more than 1000000 holes"],
    ["a detached buffer", { buffer: detachedBuffer() }, "$.buffer", "could not be read"],
    ["a getter that throws", { a: { get b() { throw new Error("no b today"); } } }, "$.a", "could not be read: no b today"],
    ["a revoked proxy", [revokedProxy()], "$[0]", "could not be read"],
    ["something in a map's value", { m: new Map([["k", 1], ["l", () => 1] as never]) }, "$.m[1][1]", "is a function"],
    ["something in a map's key", new Map([[{ k: Symbol.iterator }, 1]]), "$[0][0].k", "is a symbol"],
    ["something in a set", new Set([1, [() => 1]]), "$[1][0]", "is a function"],
    ["something in a cause", { e: new Error("a", { cause: { f: () => 1 } }) }, "$.e.cause.f", "is a function"],
    ["something among the errors of an error", new AggregateError([1, () => 1]), "$.errors[1]", "is a function"],
    ["a method of an error", Object.assign(new Error("a"), { retry: () => 1 }), "$.retry", "is a function"],
    ["something below names that need quotes", { "a b": { "": { "0": { $ok_1: () => 1 } } } }, '$["a b"][""]["0"].$ok_1', "is a function"],
    ["something below a hostile name", JSON.parse('{"__proto__":{"constructor":"x"}}', (_, value) => (value === "x" ? () => 1 : value)), "$.__proto__.constructor", "is a function"],
  ];

  test.each(refused)("%s is refused, with its path", (_, value, path, says) => {
    const error = refusal(() => defaultCodec.encode(value));
    expect(error).toMatchObject({ name: "PayloadError", code: "payload", path });
    expect(error.message).toContain(`the value at ${path} `);
    expect(error.message).toContain(says);
  });

  test("anything refused is refused wherever it lies, with the right path", () => {
    const key = fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom("a", "b1", "__proto__"));
    // biome-ignore format: a table, one entry per line.
    const step = fc.oneof(
      key.map((name) => ({ text: /^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`, wrap: (inner: unknown) => Object.defineProperty({ first: new Date(0) }, name, { value: inner, enumerable: true, configurable: true }) as unknown })),
      fc.nat(3).map((at) => ({ text: `[${at}]`, wrap: (inner: unknown): unknown => [..."abc".slice(0, at), inner, "last"] })),
      fc.nat(3).map((at) => ({ text: `[${at}]`, wrap: (inner: unknown): unknown => new Set([..."abc".slice(0, at), inner]) })),
      fc.nat(1).map((at) => ({ text: `[1][${at}]`, wrap: (inner: unknown): unknown => new Map([["a", "b"], at === 0 ? [inner, 1] : [1, inner]] as [unknown, unknown][]) })),
      fc.constant({ text: ".cause", wrap: (inner: unknown): unknown => new Error("e", { cause: inner }) }),
    );
    const bad = fc.constantFrom<() => unknown>(
      () => () => 1,
      () => Symbol("x"),
      () => Promise.resolve(),
      () => new Point(),
      () => new Date(Number.NaN),
    );
    const property = fc.property(fc.array(step, { maxLength: 12 }), bad, (steps, make) => {
      const value = steps.reduceRight((inner, { wrap }) => wrap(inner), make());
      expect(refusal(() => defaultCodec.encode(value)).path).toBe(`$${steps.map(({ text }) => text).join("")}`);
    });
    fc.assert(property, { numRuns: 300 });
  });

  test("what could not be stored leaves no trace in the next value", () => {
    refusal(() => defaultCodec.encode([{ a: [() => 1] }]));
    expect(defaultCodec.encode([{ a: [1] }])).toBe('[{"a":[1]}]');
  });
});

describe("depth", () => {
  const wraps: [string, (inner: unknown) => unknown][] = [
    ["lists", (inner) => [inner]],
    ["objects", (inner) => ({ inner })],
    ["maps", (inner) => new Map([["k", inner]])],
    ["map keys", (inner) => new Map([[inner, 1]])],
    ["sets", (inner) => new Set([inner])],
    ["causes", (inner) => new Error("e", { cause: inner })],
    ["properties of errors", (inner) => Object.assign(new Error("e"), { inner })],
  ];

  test.each(wraps)(`%s may be nested ${PAYLOAD_DEPTH_MAX} deep, and no deeper`, (_, wrap) => {
    for (const innermost of [1, 1n]) {
      const value = nested(PAYLOAD_DEPTH_MAX, wrap, innermost);
      const text = defaultCodec.encode(value);
      expect(defaultCodec.encode(defaultCodec.decode(text))).toBe(text);
      JSON.stringify(toJsonForm(defaultCodec.decode(text)));
      const error = refusal(() => defaultCodec.encode(wrap(value)));
      expect(error.message).toContain("is nested more than 1000 levels deep");
      expect(error.message.length).toBeLessThan(500);
    }
    expect(refusal(() => defaultCodec.encode(nested(100_000, wrap))).code).toBe("payload");
  });

  test("nested lists that are all shared keep both their depth and their identity", () => {
    const levels: unknown[] = [1n];
    for (let i = 1; i < PAYLOAD_DEPTH_MAX; i++) levels.push([levels.at(-1)]);
    const value = [levels.at(-1), levels];
    const read = roundTrip(value) as [unknown[], unknown[]];
    expect(read[0]).toBe(read[1].at(-1));
    expect(defaultCodec.encode(read)).toBe(defaultCodec.encode(value));
  });
});

describe("hostile and damaged text", () => {
  const rich = (json: unknown, values?: unknown, more: object = {}): string =>
    `${RICH_START}${JSON.stringify({ json, ...(values !== undefined && { meta: { values, v: 1 } }), ...more }).slice(1)}`;
  // biome-ignore format: a table, one entry per line.
  const texts: [string, string][] = [
    ["no JSON", "{oops"],
    ["no text", ""],
    ["another version", '{"$superjson":2,"json":1}'],
    ["an annotation that reaches __proto__", rich({}, { "__proto__.polluted": ["undefined"] })],
    ["an annotation that reaches constructor.prototype", rich({}, { "constructor.prototype.polluted": ["undefined"] })],
    ["an annotation of a class", rich({}, [["class", "Object"]])],
    ["a custom annotation", rich({}, [["custom", "__proto__"]])],
    ["a typed array of a length of its own choice", rich({ a: 4e9 }, { a: [["typed-array", "Uint8Array"]] })],
    ["an Error of superjson's", rich({ a: {} }, { a: ["Error"] })],
    ["an annotation named like a member of every object", rich({}, { a: ["constructor"] })],
    ["a list made long by an annotation", rich({ a: [1] }, { "a.4000000000": ["undefined"], "a.999999": ["undefined"] })],
    ["a value where a list is expected", rich({ a: 1 }, { "a.b.c": ["map"], a: ["map"] })],
    ["a reference to nowhere", rich({ "~roots": [{ "~ref": 7 }] })],
    ["a reference to itself", rich({ "~roots": [{ "~ref": 0 }] })],
    ["a reference by name", rich({ "~roots": [{ "~ref": "__proto__" }] })],
    ["a reference without roots", rich({ a: { "~ref": "length" } })],
    ["roots that are no list", rich({ "~roots": { 0: 1 } })],
    ["bytes of a type that is not binary", rich({ "~bytes": "AAAA", type: "Date" })],
    ["bytes that are no base64", rich({ "~bytes": "?", type: "Uint8Array" })],
    ["bytes that do not fill the type", rich({ "~bytes": "AAAA", type: "Float64Array" })],
    ["an unknown class", rich({ "~class": "toString", value: 1 })],
    ["nesting without end", rich(null).replace("null", `${"[".repeat(100_000)}${"]".repeat(100_000)}`)],
  ];

  test.each(texts)("%s is refused as a payload that cannot be read", (_, text) => {
    const error = refusal(() => defaultCodec.decode(text));
    expect(error).toMatchObject({ code: "payload", path: "$" });
    expect(error.message).toMatch(/^The stored payload /);
  });

  test("names that could reach a prototype are own members, whatever form the text has", () => {
    const member = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';
    for (const text of [
      member,
      `${RICH_START}"json":${member}}`,
      `${RICH_START}"json":{"~~":1,"~__proto__":{"polluted":1},"__proto__":{"polluted":1}}}`,
    ]) {
      const read = defaultCodec.decode(text) as Record<string, unknown>;
      expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
      expect(Object.hasOwn(read, "__proto__")).toBe(true);
    }
    const error = defaultCodec.decode(
      `${RICH_START}"json":{"~error":"constructor","__proto__":{"polluted":1},"own":{"~__proto__":{"polluted":1}}}}`,
    );
    expect(Object.getPrototypeOf(error)).toBe(Error.prototype);
  });

  test("random changes of a text give a value or a PayloadError, and never pollute", () => {
    const original = defaultCodec.encode([
      new Map([["__proto__", new Set([1n])]]),
      new Error("e", { cause: bytes }),
      ((o) => [o, o])({ constructor: undefined }),
    ]);
    const word = fc.constantFrom(
      "__proto__",
      "constructor",
      "~ref",
      "~roots",
      "~error",
      "~class",
      "~bytes",
      "map",
      "set",
      "0",
      "1",
      "null",
      "values",
      ".",
      "\\",
      "[",
      "{",
      '"',
      ",",
    );
    const property = fc.property(
      fc.array(fc.tuple(fc.nat(original.length), fc.nat(8), word), { minLength: 1, maxLength: 3 }),
      (changes) => {
        const text = changes.reduce(
          (changed, [at, length, put]) => changed.slice(0, at) + put + changed.slice(at + length),
          original,
        );
        try {
          toJsonForm(defaultCodec.decode(text));
        } catch (error) {
          expect(error).toBeInstanceOf(PayloadError);
        }
        expect(Object.getOwnPropertyNames({})).toEqual([]);
      },
    );
    const before = Reflect.ownKeys(Object.prototype);
    fc.assert(property, { numRuns: 1_000 });
    expect(Reflect.ownKeys(Object.prototype)).toEqual(before);
  });
});

describe("what the hub itself hands out", () => {
  const inner = { errorType: "Declined", errorMessage: "no", properties: { code: 7 }, isNonRetriable: true };
  const caught = failureDetails({
    errorType: "TaskFailedError",
    errorMessage: "failed",
    stackTrace: "at",
    innerFailure: inner,
  });

  test("a failure comes back with what it says and can be asked", () => {
    const again = roundTrip({ caught, inner: caught.innerFailure });
    expect(again).toEqual({ caught, inner: caught.innerFailure });
    expect(again.caught.isCausedBy("Declined")).toBe(true);
    expect([again.caught.isNonRetriable, again.inner?.isNonRetriable]).toEqual([false, true]);
    expect(toJsonForm(again.caught)).toEqual({
      errorType: "TaskFailedError",
      errorMessage: "failed",
      stackTrace: "at",
      innerFailure: inner,
    });
  });

  test("an error that carries a failure comes back with it", () => {
    const error = roundTrip(new TaskFailedError("failed", caught)) as Error & { failure: FailureDetails };
    expect([error.name, error.message]).toEqual(["TaskFailedError", "failed"]);
    expect(error.failure.isCausedBy("Declined")).toBe(true);
  });

  test("the id of an entity comes back as one, also as the key of a map", () => {
    const id = new EntityId("Counter", "a@b");
    const [again, map] = roundTrip([id, new Map([[id, 1]])] as const);
    expect(again).toBeInstanceOf(EntityId);
    expect(String(again)).toBe("@counter@a@b");
    expect(map.get(again)).toBe(1);
    expect(toJsonForm(id)).toEqual({ name: "counter", key: "a@b" });
  });

  test("a codec may keep them its own way", () => {
    const codec = createCodec({
      classes: { Id: { class: EntityId, toPayload: String, fromPayload: (text) => EntityId.parse(text as string) } },
    });
    const text = codec.encode(new EntityId("counter", "a"));
    expect(text).toContain('"Id"');
    expect(codec.decode(text)).toEqual(new EntityId("counter", "a"));
    expect(codec.decode(defaultCodec.encode(new EntityId("counter", "b")))).toEqual(new EntityId("counter", "b"));
  });
});

describe("registered classes", () => {
  const money = {
    class: Money,
    toPayload: (value: Money) => value.amount,
    fromPayload: (payload: unknown) => new Money(Number(payload)),
  };
  class Tree {
    readonly name: string;
    readonly branches: unknown;
    constructor(name: string, branches: unknown) {
      this.name = name;
      this.branches = branches;
    }
  }
  const tree = {
    class: Tree,
    toPayload: (value: Tree) => ({ name: value.name, branches: value.branches }),
    fromPayload: (payload: unknown) => ((parts) => new Tree(parts.name, parts.branches))(payload as Tree),
  };
  const codec = createCodec({ classes: { Money: money, Tree: tree } });

  test("instances come back as instances, shared ones as one", () => {
    const five = new Money(5);
    const read = roundTrip<unknown[]>(
      [five, new Map([["m", five]]), new Tree("oak", [five, new Tree("twig", undefined)])],
      codec,
    );
    expect(read).toEqual([
      new Money(5),
      new Map([["m", new Money(5)]]),
      new Tree("oak", [new Money(5), new Tree("twig", undefined)]),
    ]);
    expect(read[0]).toBeInstanceOf(Money);
    expect((read[1] as Map<string, unknown>).get("m")).toBe(read[0]);
    expect(roundTrip(new Money(0), codec)).toEqual(new Money(0));
  });

  test("an instance below itself is refused, one beside itself is not", () => {
    const list: unknown[] = [];
    list.push(new Tree("a", list));
    const read = roundTrip<unknown[]>(list, codec);
    expect((read[0] as Tree).branches).toBe(read);
    expect(refusal(() => codec.encode(list[0])).path).toBe("$.toPayload().branches[0]");
  });

  test("what toPayload gives is checked like everything else, and its errors are told with the path", () => {
    expect(refusal(() => codec.encode([new Tree("a", () => 1)])).path).toBe("$[0].toPayload().branches");
    const broken = createCodec({
      classes: {
        Money: {
          ...money,
          toPayload: () => {
            throw new Error("no money");
          },
        },
      },
    });
    expect(refusal(() => broken.encode({ a: new Money(1) }))).toMatchObject({
      path: "$.a",
      message: expect.stringContaining("no money"),
    });
    const endless = createCodec({ classes: { Money: { ...money, toPayload: () => new Money(1) } } });
    expect(refusal(() => endless.encode(new Money(1))).message).toContain("nested more than");
  });

  test("a codec that does not know the class says which one it is, on writing and on reading", () => {
    expect(refusal(() => defaultCodec.encode({ m: new Money(1) })).message).toContain("class 'Money'");
    expect(refusal(() => defaultCodec.decode(codec.encode(new Money(1)))).message).toContain("class 'Money'");
    expect(refusal(() => codec.encode(new (class Euro extends Money {})(1))).message).toContain("class 'Euro'");
  });

  test("a class is registered once, and is a class", () => {
    expect(() => createCodec({ classes: { A: money, B: money } })).toThrow(
      expect.objectContaining({ code: "invalidArgument" }),
    );
    expect(() => createCodec({ classes: { A: { ...money, class: undefined as unknown as typeof Money } } })).toThrow(
      expect.objectContaining({ code: "invalidArgument" }),
    );
  });

  test("its types follow from the class", () => {
    createCodec({
      classes: {
        Money: {
          class: Money,
          toPayload: (value) => expectTypeOf(value).toEqualTypeOf<Money>() && value.amount,
          fromPayload: (amount: number) => new Money(amount),
        },
        // @ts-expect-error -- a Date is not a Tree.
        Tree: { class: Tree, toPayload: () => 1, fromPayload: () => new Date(0) },
      },
    });
    expectTypeOf(createCodec()).toEqualTypeOf<SyncCodec>();
    expectTypeOf(defaultCodec.decode("1")).toEqualTypeOf<unknown>();
  });
});

describe("the plain JSON view", () => {
  const self: Record<string, unknown> = { n: 1 };
  self.self = [self];
  const twice = { n: 1n };
  // biome-ignore format: a table, one entry per line.
  const views: [string, unknown, unknown][] = [
    ["plain data is itself", { a: [1, "x", null, true] }, { a: [1, "x", null, true] }],
    ["a Date is its ISO text", new Date(0), "1970-01-01T00:00:00.000Z"],
    ["a URL is its text", new URL("https://example.com/a"), "https://example.com/a"],
    ["a RegExp is its text", /a\/b/gi, "/a\\/b/gi"],
    ["a BigInt is decimal text", [12n], ["12"]],
    ["numbers JSON has not are null", [Number.NaN, Number.POSITIVE_INFINITY, -0], [null, null, -0]],
    ["undefined is no member, and null as an element or alone", [{ a: undefined, b: 0 }, undefined], [{ b: 0 }, null]],
    ["undefined alone is null", undefined, null],
    ["a Map with text keys is an object", new Map<string, unknown>([["a", 1n], ["__proto__", 2], ["u", undefined]]), JSON.parse('{"a":"1","__proto__":2}')],
    ["a Map with other keys is a list of pairs", new Map<unknown, unknown>([["a", 1], [2, new Date(0)]]), [["a", 1], [2, "1970-01-01T00:00:00.000Z"]]],
    ["a Set is a list", new Set([1, undefined, "a"]), [1, null, "a"]],
    ["a typed array is a list of its numbers", [Uint8Array.from([1, 2]), Float32Array.from([1.5, Number.NaN]), BigInt64Array.from([3n])], [[1, 2], [1.5, null], ["3"]]],
    ["a buffer is a list of its bytes", [Uint8Array.from([1, 2]).buffer, new DataView(Uint8Array.from([1, 2]).buffer, 1)], [[1, 2], [2]]],
    ["an Error is its name, message, cause and properties", Object.assign(new TypeError("t", { cause: new Error("c") }), { code: 1n }), { name: "TypeError", message: "t", code: "1", cause: { name: "Error", message: "c" } }],
    ["an AggregateError shows its errors", new AggregateError([new Error("a")], "m"), { name: "AggregateError", message: "m", errors: [{ name: "Error", message: "a" }] }],
    ["an object inside itself is said to be", self, { n: 1, self: ["[Circular]"] }],
    ["an object in two places is shown twice", [twice, { twice }], [{ n: "1" }, { twice: { n: "1" } }]],
    ["an instance is its members, or what its toJSON says", [new Money(5), { a: { toJSON: () => new Date(0) } }], [{ amount: 5 }, { a: "1970-01-01T00:00:00.000Z" }]],
    ["hostile names are members", JSON.parse('{"__proto__":{"a":1},"constructor":2}'), JSON.parse('{"__proto__":{"a":1},"constructor":2}')],
  ];

  test.each(views)("%s", (_, value, view) => {
    expectSameGraph(toJsonForm(value), view);
  });

  test("a small value that doubles with every level does not grow without end", () => {
    for (const innermost of [1, "x".repeat(1_000)]) {
      const view = JSON.stringify(toJsonForm(nested(100, (inner) => [inner, inner], innermost)));
      expect(view.length).toBeLessThan(20_000_000);
      expect(view).toContain('"[Repeated]"');
    }
  });
});
