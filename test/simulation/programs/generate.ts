/** Invents programs: small, always ending once every event they may wait for has come, and together using every feature. */
import type { Random } from "../replay/random.ts";
import { inventLimits } from "./activities.ts";
import { withinBounds } from "./bounds.ts";
import { type Call, ENTITY_KEYS, type EntityOperation, EVENT_NAMES, type Program, type Statement } from "./program.ts";
import { inventRetrying } from "./retry.ts";

const DEPTH_MAX = 2;
const TIMERS_MS = [1, 10, 100, 1_000, 60_000, 3_600_000] as const;

/** A few programs; each calls only those after it, so that no chain of children is endless. */
export function generatePrograms(random: Random, liking: (what: string) => number): readonly Program[] {
  const count = random.pick([1, 2, 3, 3]);
  const programs = Array.from({ length: count }, (_, index) => new Generator(random, index, count, liking).program());
  return withinBounds(programs);
}

class Generator {
  readonly #random: Random;
  readonly #index: number;
  readonly #count: number;
  #patches = 0;

  readonly #liking: (what: string) => number;

  constructor(random: Random, index: number, count: number, liking: (what: string) => number) {
    this.#liking = liking;
    this.#random = random;
    this.#index = index;
    this.#count = count;
  }

  program(): Program {
    const random = this.#random;
    return {
      shape: random.pick(["async", "generator", "asyncGenerator"] as const),
      body: this.#block(random.integer(1, 5), 0, undefined),
      // Generations of children multiply with those of their parents.
      generations: random.chance(0.25 * this.#liking("generations")) ? random.integer(1, this.#index === 0 ? 3 : 1) : 0,
      keepsEvents: random.chance(0.7),
      ...(random.chance(0.15 * this.#liking("section")) && { holds: this.#keys() }),
    };
  }

  /** `locked` are the keys of the critical section the statements stand in. */
  #block(length: number, depth: number, locked: readonly string[] | undefined): readonly Statement[] {
    return Array.from({ length }, () => this.#statement(depth, locked));
  }

  #statement(depth: number, locked: readonly string[] | undefined): Statement {
    const random = this.#random;
    const inner = (): readonly Statement[] => this.#block(random.integer(1, 2), depth + 1, locked);
    const nests = depth < DEPTH_MAX;
    const like = this.#liking;
    return random.weighted<() => Statement>([
      [10 * like("await"), () => ({ do: "await", call: this.#call(locked) })],
      [3 * like("all"), () => ({ do: "all", calls: this.#calls(locked) })],
      // What is still open would break the rules of the section later on.
      [(locked ? 0 : 3) * like("any"), () => ({ do: "any", calls: this.#calls(locked) })],
      [(locked || !nests ? 0 : 2) * like("beside"), () => ({ do: "beside", calls: this.#besides(), body: inner() })],
      [(locked ? 0 : 1) * like("leave"), () => ({ do: "leave", call: this.#call(undefined) })],
      [(locked ? 0 : 3) * like("signal"), () => this.#signal()],
      [(locked || !nests ? 0 : 3) * like("section"), () => this.#section(depth)],
      [(nests ? 2 : 0) * like("try"), () => ({ do: "try", body: inner(), handler: inner() })],
      [
        nests ? 1 : 0,
        () => ({ do: "patched", id: `${this.#index}.${this.#patches++}`, body: inner(), otherwise: inner() }),
      ],
      [
        1 * like("send"),
        () => ({ do: "send", to: random.pick(["self", "parent", "nobody"]), name: random.pick(EVENT_NAMES) }),
      ],
      [0.4, () => ({ do: "throw" })],
      [1, () => ({ do: "status" })],
      [0.5, () => ({ do: "guid" })],
    ])();
  }

  #section(depth: number): Statement {
    const keys = this.#keys();
    return { do: "locked", keys, body: this.#block(this.#random.integer(1, 3), depth + 1, keys) };
  }

  #keys(): readonly string[] {
    const random = this.#random;
    if (random.chance(0.5)) return [random.pick(ENTITY_KEYS)];
    return random.chance(0.5) ? [...ENTITY_KEYS] : [...ENTITY_KEYS].reverse();
  }

  #signal(): Statement {
    const random = this.#random;
    const signal = { do: "signal", key: random.pick(ENTITY_KEYS), operation: this.#operation() } as const;
    return random.chance(0.2) ? { ...signal, delayMs: random.pick(TIMERS_MS) } : signal;
  }

  #calls(locked: readonly string[] | undefined): readonly Call[] {
    const length = this.#random.integer(2, 4);
    // One call of each entity at a time inside a critical section: the second would break its rules.
    const calls = Array.from({ length }, () => this.#call(locked));
    const seen = new Set<string>();
    return locked
      ? calls.filter((call) => call.kind !== "entity" || (!seen.has(call.key) && seen.add(call.key)))
      : calls;
  }

  /** An activity, and something that may be slower. */
  #besides(): readonly Call[] {
    const random = this.#random;
    const slow = { kind: "entity", key: random.pick(ENTITY_KEYS), operation: "slow" } as const;
    return [this.#activity(), random.chance(0.4) ? slow : this.#call(undefined)];
  }

  #call(locked: readonly string[] | undefined): Call {
    const random = this.#random;
    const like = this.#liking;
    return random.weighted<() => Call>([
      [10 * like("activity"), () => this.#activity()],
      [4 * like("timer"), () => ({ kind: "timer", ms: random.pick(TIMERS_MS) })],
      [5 * like("event"), () => this.#event()],
      [(locked || this.#index + 1 >= this.#count ? 0 : 4) * like("child"), () => this.#child()],
      [
        5 * like("entity"),
        () => ({ kind: "entity", key: random.pick(locked ?? ENTITY_KEYS), operation: this.#operation() }),
      ],
    ])();
  }

  #activity(): Call {
    const random = this.#random;
    return {
      kind: "activity",
      name: random.weighted([
        [5, "work"],
        [1, "online"],
        [this.#liking("narrow"), "narrow"],
      ]),
      ...(random.chance(0.4) && { retry: inventRetrying(random) }),
      ...(random.chance(0.25) && { limits: inventLimits(random) }),
    };
  }

  #event(): Call {
    const event = { kind: "event", name: this.#random.pick(EVENT_NAMES) } as const;
    return this.#random.chance(0.4) ? { ...event, timeoutMs: this.#random.pick(TIMERS_MS) } : event;
  }

  #child(): Call {
    const random = this.#random;
    const program = random.integer(this.#index + 1, this.#count - 1);
    return {
      kind: "child",
      program,
      ...(random.chance(0.2) && { id: `c${program}` }),
      ...(random.chance(0.2) && { tags: { by: "its parent" } }),
      ...(random.chance(0.4) && { retry: inventRetrying(random) }),
    };
  }

  #operation(): EntityOperation {
    return this.#random.weighted([
      [8, "add"],
      [3, "slow"],
      [2, "fail"],
      [2, "relay"],
      [1, "spawn"],
      [1, "count"],
      [0.5, "missing"],
    ]);
  }
}
