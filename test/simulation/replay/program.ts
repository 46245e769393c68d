/** Orchestrator programs as data: `generate.ts` invents them, `interpret.ts` runs them, `script.ts` shows them. */

/** The three shapes of orchestrator code. */
export type Shape = "async" | "generator" | "asyncGenerator";

/** How a failed call is tried again. */
export type RetryPlan =
  | {
      readonly kind: "policy";
      readonly maxAttempts: number;
      readonly firstMs: number;
      readonly backoff: number;
      /** Whether `handleFailure` is asked; it writes to the log and starts a helper of that many hops. */
      readonly askedHops?: number;
    }
  | {
      readonly kind: "handler";
      /** `forks` answers at once but leaves a helper at work; `timer` waits for a durable timer before it answers. */
      readonly manner: "sync" | "hops" | "forks" | "timer";
      readonly hops: number;
      readonly maxAttempts: number;
      /** 0: again at once. */
      readonly delayMs: number;
    };

/** Something durable: a task when it is called. */
export type Call =
  | {
      readonly kind: "activity";
      /** Finishes at once, after some hops of its own, or when the environment says so. */
      readonly name: "sync" | "hops" | "open";
      readonly id: number;
      readonly hops: number;
      /** Attempts that fail before one succeeds. */
      readonly failures: number;
      readonly isFinalFailure: boolean;
      readonly retry?: RetryPlan;
    }
  | { readonly kind: "timer"; readonly ms: number; readonly isDate: boolean }
  | { readonly kind: "event"; readonly name: string; readonly timeoutMs?: number }
  | { readonly kind: "child"; readonly program: number; readonly isNamed: boolean; readonly retry?: RetryPlan }
  | { readonly kind: "entity"; readonly key: string; readonly operation: "add" | "slow" | "fail" }
  /** Asks for a lock that nothing but the end of the orchestration, or `cancel`, gives back. */
  | { readonly kind: "lock"; readonly keys: readonly string[] }
  | { readonly kind: "whenAll" | "whenAny"; readonly of: readonly Call[] };

/** Something that can be awaited: a task, or a promise of the code's own. */
export type Awaited =
  | { readonly kind: "call"; readonly call: Call }
  /** An async function that awaits `null` that many times. */
  | { readonly kind: "hops"; readonly count: number; readonly fails: boolean }
  /** Async functions that return each other's promises. */
  | { readonly kind: "nested"; readonly depth: number; readonly awaits: boolean }
  /** Objects with a `then` of their own. */
  | { readonly kind: "thenable"; readonly manner: "sync" | "later" | "passing"; readonly of: Awaited }
  | { readonly kind: "subclass"; readonly of: Awaited }
  | { readonly kind: "chain"; readonly of: Awaited; readonly links: readonly Link[] }
  /** An async function with a body of its own. */
  | { readonly kind: "helper"; readonly body: readonly Statement[] }
  /** An async generator over values, read with `for await`. */
  | { readonly kind: "stream"; readonly of: readonly Awaited[] }
  | { readonly kind: "all" | "race" | "any" | "allSettled"; readonly of: readonly Awaited[] };

/** One `.then`, `.catch` or `.finally` of a chain; its callback writes to the log and gives a promise of so many hops, or none. */
export interface Link {
  readonly method: "then" | "catch" | "finally";
  readonly hops: number;
}

/** One statement. `at` is its place in the script; what it observes is logged under that number. */
export type Statement = { readonly at: number } & (
  | { readonly do: "await"; readonly what: Awaited }
  /** Starts something without waiting for it, and keeps it in a slot. */
  | { readonly do: "start"; readonly slot: number; readonly what: Awaited }
  | { readonly do: "join" | "cancel" | "look" | "listen"; readonly slot: number }
  /** Reads the shared sum, waits, and writes the sum it read plus one. */
  | { readonly do: "add"; readonly what: Awaited }
  | { readonly do: "status" | "guid" | "random" | "now" | "patched" | "again" }
  | { readonly do: "send"; readonly name: string }
  | { readonly do: "signal"; readonly key: string }
  /** A critical section. */
  | { readonly do: "locked"; readonly keys: readonly string[]; readonly body: readonly Statement[] }
  /** Goes one way or the other, by what the branches have written so far. */
  | { readonly do: "if"; readonly body: readonly Statement[]; readonly otherwise: readonly Statement[] }
  | {
      readonly do: "try";
      readonly body: readonly Statement[];
      readonly handler: readonly Statement[];
      readonly last: readonly Statement[];
    }
  | { readonly do: "repeat"; readonly times: number; readonly body: readonly Statement[] }
  | { readonly do: "throw" }
);

export interface Program {
  readonly shape: Shape;
  readonly body: readonly Statement[];
  /** How many generations `again` may begin. */
  readonly generations: number;
  readonly keepsEvents: boolean;
}

/** Keys of the entities that programs call, signal and lock. */
export const ENTITY_KEYS = ["a", "b"] as const;

/** Names of the events that programs wait for and the environment raises. */
export const EVENT_NAMES = ["e0", "e1", "e2"] as const;
