/** Invents programs. The first is the one that is started; it and its children call only programs that come later. */
import type { Awaited, Call, Link, Program, RetryPlan, Shape, Statement } from "./program.ts";
import { ENTITY_KEYS, EVENT_NAMES } from "./program.ts";
import type { Random } from "./random.ts";

export function generatePrograms(random: Random, isSolitary: boolean): readonly Program[] {
  const count = isSolitary
    ? 1
    : random.weighted([
        [4, 1],
        [4, 2],
        [2, 3],
      ]);
  return Array.from({ length: count }, (_, index) => new Writer(random, index, count, isSolitary).program());
}

/** Writes one program, statement by statement, until its budget is used up. */
class Writer {
  readonly #random: Random;
  readonly #shape: Shape;
  readonly #children: readonly number[];
  readonly #isSolitary: boolean;
  #budget: number;
  #at = 0;
  #slots = 0;

  constructor(random: Random, index: number, count: number, isSolitary: boolean) {
    this.#random = random;
    this.#isSolitary = isSolitary;
    this.#shape = random.weighted([
      [6, "async"],
      [2, "generator"],
      [2, "asyncGenerator"],
    ]);
    this.#children = Array.from({ length: count - index - 1 }, (_, i) => index + 1 + i);
    this.#budget = index === 0 ? random.integer(4, 22) : random.integer(2, 8);
  }

  program(): Program {
    const body: Statement[] = [];
    while (this.#budget > 0) body.push(this.#guarded());
    return {
      shape: this.#shape,
      body,
      generations: this.#random.weighted([
        [5, 0],
        [2, 1],
        [1, 2],
      ]),
      keepsEvents: this.#random.chance(0.8),
    };
  }

  /** A statement of the program's body, every other one so that the program goes on when it fails. */
  #guarded(): Statement {
    const at = ++this.#at;
    const statement = this.#statement(0);
    return this.#random.chance(0.5) ? { at, do: "try", body: [statement], handler: [], last: [] } : statement;
  }

  #block(depth: number, longest = 4): Statement[] {
    const body = [this.#statement(depth)];
    for (let left = this.#random.integer(0, longest - 1); left > 0 && this.#budget > 0; left--)
      body.push(this.#statement(depth));
    return body;
  }

  #statement(depth: number): Statement {
    this.#budget--;
    const at = ++this.#at;
    const slot = this.#random.integer(0, Math.max(0, this.#slots - 1));
    const leaf = (): Statement => ({ at, do: "await", what: this.#awaited(depth) });
    const nested = depth < 3 && this.#budget > 0;
    const choices: [number, () => Statement][] = [
      [24, leaf],
      [7, () => ({ at, do: "start", slot: this.#slots++, what: this.#awaited(depth) })],
      [this.#slots > 0 ? 6 : 0, () => ({ at, do: "join", slot })],
      [this.#slots > 0 ? 4 : 0, () => ({ at, do: this.#random.pick(["cancel", "look", "listen"]), slot })],
      [5, () => ({ at, do: "add", what: this.#awaited(depth) })],
      [6, () => ({ at, do: this.#random.pick(["status", "guid", "random", "now", "patched"]) })],
      [2, () => ({ at, do: "send", name: this.#random.pick(EVENT_NAMES) })],
      [this.#isSolitary ? 0 : 1, () => ({ at, do: "signal", key: this.#random.pick(ENTITY_KEYS) })],
      [
        nested && !this.#isSolitary ? 1.5 : 0,
        () => ({ at, do: "locked", keys: this.#keys(), body: this.#block(depth + 1) }),
      ],
      [depth === 0 ? 2 : 0, () => ({ at, do: "again" })],
      [nested ? 4 : 0, () => ({ at, do: "if", body: this.#block(depth + 1), otherwise: this.#block(depth + 1) })],
      [nested ? 5 : 0, () => this.#try(at, depth)],
      [
        nested ? 3 : 0,
        () => ({ at, do: "repeat", times: this.#random.integer(2, 3), body: this.#block(depth + 1, 2) }),
      ],
      [depth > 0 ? 1 : 0, () => ({ at, do: "throw" })],
    ];
    return this.#random.weighted(choices)();
  }

  #try(at: number, depth: number): Statement {
    return {
      at,
      do: "try",
      body: this.#block(depth + 1),
      handler: this.#random.chance(0.5) ? this.#block(depth + 1, 2) : [],
      last: this.#random.chance(0.4) ? this.#block(depth + 1, 2) : [],
    };
  }

  /** Something to await: in a generator only what is durable. */
  #awaited(depth: number): Awaited {
    const call = (): Awaited => ({ kind: "call", call: this.#call(2) });
    if (this.#shape === "generator") return call();
    const deep = depth < 4;
    const choices: [number, () => Awaited][] = [
      [30, call],
      [8, () => ({ kind: "hops", count: this.#hops(), fails: this.#random.chance(0.15) })],
      [3, () => ({ kind: "nested", depth: this.#random.integer(1, 8), awaits: this.#random.chance(0.5) })],
      [deep ? 3 : 0, () => this.#wrapped(depth)],
      [deep ? 4 : 0, () => ({ kind: "chain", of: this.#awaited(depth + 1), links: this.#links() })],
      [deep && this.#budget > 0 ? 10 : 0, () => ({ kind: "helper", body: this.#block(depth + 1) })],
      [deep ? 2 : 0, () => ({ kind: "stream", of: this.#several(depth) })],
      [deep ? 14 : 0, () => this.#combined(depth)],
    ];
    return this.#random.weighted(choices)();
  }

  #wrapped(depth: number): Awaited {
    const of = this.#awaited(depth + 1);
    if (this.#random.chance(0.4)) return { kind: "subclass", of };
    return { kind: "thenable", manner: this.#random.pick(["sync", "later", "passing"] as const), of };
  }

  #combined(depth: number): Awaited {
    const kind = this.#random.weighted([
      [4, "all"],
      [3, "race"],
      [2, "any"],
      [2, "allSettled"],
    ] as const);
    return { kind, of: this.#several(depth) };
  }

  #several(depth: number): Awaited[] {
    return Array.from({ length: this.#random.integer(1, 4) }, () => this.#awaited(depth + 1));
  }

  #links(): Link[] {
    return Array.from({ length: this.#random.integer(1, 3) }, () => ({
      method: this.#random.pick(["then", "catch", "finally"] as const),
      hops: this.#random.chance(0.4) ? this.#hops() : 0,
    }));
  }

  /** How often `null` is awaited in a row: mostly a few times, now and then a thousand. */
  #hops(): number {
    return this.#random.weighted([
      [10, () => this.#random.integer(1, 6)],
      [5, () => this.#random.integer(7, 60)],
      [2, () => this.#random.integer(61, 250)],
      [1, () => 1_000],
    ])();
  }

  #call(depth: number): Call {
    const choices: [number, () => Call][] = [
      [24, () => this.#activity()],
      [8, () => ({ kind: "timer", ms: this.#delayMs(), isDate: this.#random.chance(0.2) })],
      [9, () => this.#wait()],
      [this.#isSolitary ? 0 : 5, () => this.#entity()],
      [this.#isSolitary ? 0 : 0.5, () => ({ kind: "lock", keys: this.#keys() })],
      [this.#children.length > 0 ? 7 : 0, () => this.#child()],
      // An empty whenAll belongs to no run: in a generator, a callback on it is as unordered as one on any other promise.
      [depth > 0 ? 4 : 0, () => ({ kind: "whenAll", of: this.#calls(depth, this.#shape === "generator" ? 1 : 0) })],
      [depth > 0 ? 4 : 0, () => ({ kind: "whenAny", of: this.#calls(depth, 1) })],
    ];
    return this.#random.weighted(choices)();
  }

  #calls(depth: number, least: number): Call[] {
    const length = this.#random.chance(0.1) ? least : this.#random.integer(1, 4);
    return Array.from({ length }, () => this.#call(depth - 1));
  }

  #activity(): Call {
    const failures = this.#random.chance(0.3) ? this.#random.integer(1, 3) : 0;
    return {
      kind: "activity",
      name: this.#random.pick(this.#isSolitary ? (["sync", "open"] as const) : (["sync", "hops", "open"] as const)),
      id: ++this.#at,
      hops: this.#random.integer(1, 12),
      failures,
      isFinalFailure: failures > 0 && this.#random.chance(0.15),
      ...(this.#random.chance(failures > 0 ? 0.7 : 0.1) && { retry: this.#retry() }),
    };
  }

  #wait(): Call {
    return {
      kind: "event",
      name: this.#random.pick(EVENT_NAMES),
      ...(this.#random.chance(0.4) && { timeoutMs: this.#delayMs() }),
    };
  }

  #entity(): Call {
    const operation = this.#random.pick(["add", "add", "slow", "fail"] as const);
    return { kind: "entity", key: this.#random.pick(ENTITY_KEYS), operation };
  }

  #keys(): string[] {
    return this.#random.chance(0.5) ? [this.#random.pick(ENTITY_KEYS)] : [...ENTITY_KEYS];
  }

  #child(): Call {
    return {
      kind: "child",
      program: this.#random.pick(this.#children),
      isNamed: this.#random.chance(0.2),
      ...(this.#random.chance(0.3) && { retry: this.#retry() }),
    };
  }

  #retry(): RetryPlan {
    const maxAttempts = this.#random.integer(1, 4);
    if (this.#random.chance(0.4)) {
      return {
        kind: "policy",
        maxAttempts,
        firstMs: Math.max(1, this.#delayMs()),
        backoff: this.#random.pick([1, 2]),
        ...(this.#random.chance(0.4) && { askedHops: this.#random.integer(0, 20) }),
      };
    }
    const manner = this.#random.pick(["sync", "hops", "forks", "timer"] as const);
    const delayMs = this.#random.chance(0.5) ? 0 : this.#delayMs();
    return { kind: "handler", manner, hops: this.#random.integer(1, 30), maxAttempts, delayMs };
  }

  #delayMs(): number {
    return this.#random.pick([0, 1, 10, 10, 100, 100, 1_000, 1_000, 60_000]);
  }
}
