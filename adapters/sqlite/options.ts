/** How a SQLite store is made. */
import { InvalidArgumentError } from "../../core/errors.ts";

/** What opening does with a hub that is open elsewhere: take it over, or wait until it is free. */
export type WhenOpen = "fence" | "wait";

/** Options of `SqliteStore`. */
export interface SqliteStoreOptions<W extends WhenOpen = WhenOpen> {
  /** The database file, made when it is missing; or `:memory:`. Must be on a local file system: locks of network ones are not to be trusted. */
  readonly path: string;
  /**
   * `"FULL"` (the default): a commit survives a loss of power. `"NORMAL"`: a commit survives the end of the process, and after
   * a loss of power the newest ones may be missing; never a part of one. Several times faster.
   */
  readonly synchronous?: "FULL" | "NORMAL";
  /** How long a commit waits while another process writes, in ms; it blocks this one meanwhile. 5,000 by default. */
  readonly busyTimeoutMs?: number;
  /**
   * What opening a hub does when another process, or another store of this one, has it open. `"fence"` (the default): takes it over; the
   * other one delivers nothing more. `"wait"`: waits until it has been closed there or that process has ended. Needs a file.
   */
  readonly whenOpen?: W;
  /** Longest wait of `whenOpen: "wait"`, in ms; for ever unless given. */
  readonly waitTimeoutMs?: number;
  /** Ends the wait of `whenOpen: "wait"`. */
  readonly signal?: AbortSignal;
}

/** The options with their defaults. */
export interface Settings {
  readonly path: string;
  readonly synchronous: "FULL" | "NORMAL";
  readonly busyTimeoutMs: number;
  readonly whenOpen: WhenOpen;
  readonly waitTimeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** The path of a database that has no file. */
export const IN_MEMORY = ":memory:";
const BUSY_TIMEOUT_MS = 5_000;

/** @throws InvalidArgumentError for an option that makes no sense. */
export function checkOptions(options: SqliteStoreOptions): Settings {
  const { path, synchronous = "FULL", busyTimeoutMs = BUSY_TIMEOUT_MS } = options;
  const { whenOpen = "fence", waitTimeoutMs = Number.POSITIVE_INFINITY, signal } = options;
  if (typeof path !== "string" || path === "") refuse("path", 'that of a file, or ":memory:"', path);
  if (synchronous !== "FULL" && synchronous !== "NORMAL") refuse("synchronous", `"FULL" or "NORMAL"`, synchronous);
  if (!(Number.isInteger(busyTimeoutMs) && busyTimeoutMs >= 0)) {
    refuse("busyTimeoutMs", "a whole number of milliseconds from 0", busyTimeoutMs);
  }
  if (whenOpen !== "fence" && whenOpen !== "wait") refuse("whenOpen", `"fence" or "wait"`, whenOpen);
  if (!(waitTimeoutMs >= 0)) refuse("waitTimeoutMs", "a number of milliseconds from 0", waitTimeoutMs);
  if (whenOpen === "wait" && path === IN_MEMORY)
    refuse("whenOpen", `"fence" in memory, which nobody else reaches`, whenOpen);
  return { path, synchronous, busyTimeoutMs, whenOpen, waitTimeoutMs, signal };
}

function refuse(option: keyof SqliteStoreOptions, expected: string, value: unknown): never {
  const got = typeof value === "string" ? JSON.stringify(value) : String(value);
  throw new InvalidArgumentError(`'${option}' of SqliteStore must be ${expected}; got ${got}.`);
}
