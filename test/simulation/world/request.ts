/** One request of a client, as data: what it asks, and what an answer must be. */
import type { TaskHub } from "holdfast";
import type { Violate } from "../model/invariants.ts";
import type { Ledger } from "../model/ledger.ts";
import type { World } from "./world.ts";

/** What requests are made of. */
export interface RequestPorts {
  readonly world: World;
  readonly programCount: number;
  /** Whether instances are started with versions. */
  readonly hasVersions: boolean;
  readonly violate: Violate;
  readonly ledger: (hub: string) => Ledger;
}

/** One request, as often as it is made. */
export interface Request {
  readonly says: string;
  /** The instance it is for. */
  readonly about?: string;
  make(hub: TaskHub, ledger: Ledger, attempt: number): Promise<unknown>;
  /** Checks an answer. `askedAt` is the step of the question. */
  answered?(value: unknown, ledger: Ledger, askedAt: number): void;
  /** Codes of refusals that may be right. */
  readonly refusals: readonly string[];
  /** Whether asking again is harmless. */
  readonly isRepeatable: boolean;
}

/** Refusals of those who ask about what is not there. */
export const GONE = ["instanceNotFound"];
