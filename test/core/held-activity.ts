/** Activities that end when the test says so, and hubs that are opened again over the same store. */
import {
  type ActivityContext,
  type ActivityDefinition,
  type ActivityOptions,
  defineActivity,
  type FunctionDefinition,
  type MemoryStore,
} from "holdfast";
import type { TestTaskHub } from "holdfast/testing";
import { openHub } from "./running.ts";

/** One run of a held activity. */
export interface HeldRun {
  readonly ctx: ActivityContext;
  readonly input: unknown;
  /** `ctx.lastHeartbeat` as the run began. */
  readonly lastHeartbeat: unknown;
  resolve(value?: unknown): void;
  reject(error: unknown): void;
}

export interface HeldOptions extends ActivityOptions {
  readonly name?: string;
  readonly version?: string;
  readonly maxConcurrency?: number;
  readonly requires?: "network";
  /** Ends each run with the signal's reason as soon as it fires. */
  readonly heedsSignal?: boolean;
}

/** An activity whose runs go on until the test ends them. */
export function held({ name = "held", heedsSignal = false, ...options }: HeldOptions = {}): {
  readonly activity: ActivityDefinition<unknown, unknown>;
  readonly runs: HeldRun[];
} {
  const runs: HeldRun[] = [];
  const activity = defineActivity({
    name,
    ...options,
    run: (ctx, input: unknown) =>
      new Promise<unknown>((resolve, reject) => {
        runs.push({ ctx, input, lastHeartbeat: ctx.lastHeartbeat, resolve, reject });
        if (heedsSignal) ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason));
      }),
  });
  return { activity, runs };
}

/** The run of a number, from 0. */
export function runOf(runs: readonly HeldRun[], index: number): HeldRun {
  const run = runs[index];
  if (!run) throw new Error(`There is no run ${index}; there were ${runs.length}.`);
  return run;
}

/** Why a run was told to stop. */
export function reasonOf(run: HeldRun): Error & { readonly code?: string; readonly timeoutType?: string } {
  const { aborted, reason } = run.ctx.signal;
  if (!aborted) throw new Error("The signal has not fired.");
  if (!(reason instanceof Error)) throw new Error(`The reason is no error: ${String(reason)}`);
  return reason;
}

/** Opens a hub over the same store, as another process would, without a word to the one before; its clock goes on from there. */
export function openAfterCrash(
  before: TestTaskHub,
  functions: readonly FunctionDefinition[],
  store: MemoryStore,
  downMs = 0,
): Promise<TestTaskHub> {
  return openHub(functions, { store, startAt: new Date(before.now.getTime() + downMs) });
}

/** Closes a hub and opens it again over the same store. */
export async function reopen(
  before: TestTaskHub,
  functions: readonly FunctionDefinition[],
  store: MemoryStore,
  downMs = 0,
): Promise<TestTaskHub> {
  await before.close();
  return openAfterCrash(before, functions, store, downMs);
}
