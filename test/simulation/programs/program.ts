/** Orchestrator programs of the simulation as data: `generate.ts` invents them, `interpret.ts` runs them, against the hub or against the reference. */

import type { Tags } from "../../../core/history/events.ts";
import type { ActivityName, TimeLimits } from "./activities.ts";
import type { Retrying } from "./retry.ts";

export type Shape = "async" | "generator" | "asyncGenerator";

/** Something durable: a task when it is called. */
export type Call =
  | {
      readonly kind: "activity";
      readonly name: ActivityName;
      readonly retry?: Retrying;
      readonly limits?: TimeLimits;
    }
  | { readonly kind: "timer"; readonly ms: number }
  | { readonly kind: "event"; readonly name: string; readonly timeoutMs?: number }
  | {
      readonly kind: "child";
      readonly program: number;
      readonly id?: string;
      readonly retry?: Retrying;
      readonly tags?: Tags;
    }
  | { readonly kind: "entity"; readonly key: string; readonly operation: EntityOperation };

/** What the journal entities can do: note an operation at once, later, note it and fail, send it on to another journal, note it and start a program; or say how many there are. */
export type EntityOperation = "add" | "slow" | "fail" | "relay" | "spawn" | "count" | "missing";

/** Operations that leave a journal as it is. */
export const WITHOUT_EFFECT: ReadonlySet<string> = new Set<EntityOperation>(["fail", "count", "missing"]);

export type Statement =
  | { readonly do: "await"; readonly call: Call }
  | { readonly do: "all" | "any"; readonly calls: readonly Call[] }
  /** Calls that go on beside the body and are awaited after it: what the body throws leaves them open. */
  | { readonly do: "beside"; readonly calls: readonly Call[]; readonly body: readonly Statement[] }
  /** A call that nobody waits for: it may be open still when the program ends. */
  | { readonly do: "leave"; readonly call: Call }
  | { readonly do: "signal"; readonly key: string; readonly operation: EntityOperation; readonly delayMs?: number }
  | { readonly do: "locked"; readonly keys: readonly string[]; readonly body: readonly Statement[] }
  | { readonly do: "try"; readonly body: readonly Statement[]; readonly handler: readonly Statement[] }
  /** Code that has changed: instances that came here with the old code take `otherwise`. */
  | {
      readonly do: "patched";
      readonly id: string;
      readonly body: readonly Statement[];
      readonly otherwise: readonly Statement[];
    }
  | { readonly do: "send"; readonly to: "self" | "parent" | "nobody"; readonly name: string }
  | { readonly do: "throw" | "status" | "guid" };

export interface Program {
  readonly shape: Shape;
  readonly body: readonly Statement[];
  /** Generations that `continueAsNew` adds to the first. */
  readonly generations: number;
  readonly keepsEvents: boolean;
  /** Journals that it locks at last and does not release: its end does. */
  readonly holds?: readonly string[];
  /** Version of the generations after the first; that of the one before when absent. */
  readonly nextVersion?: string;
}

/** What a program is started with, and gives back in the end: all that its earlier generations have seen. */
export interface ProgramInput {
  /** The run: unique among all starts. */
  readonly run: string;
  readonly generation: number;
  /** True for a child that may be called again under the same run, and for what it calls. */
  readonly isRetried?: true;
  readonly log: readonly string[];
  /** Events that waits of earlier generations have taken, by the ids of their senders. */
  readonly taken: readonly string[];
}

export const ENTITY_KEYS = ["a", "b"] as const;
export const EVENT_NAMES = ["x", "y"] as const;
/** Ids that clients start instances under, so that they meet each other. By code points the last two are in the other order. */
export const INSTANCE_IDS = ["i0", "i1", "i\u{ff5e}", "i\u{1f600}"] as const;
