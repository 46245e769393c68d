/** Hubs on virtual time for one test, and short ways to run an orchestration and to read what came of it. */
import type {
  Duration,
  FailureDetails,
  FunctionDefinition,
  HistoryEvent,
  Logger,
  OrchestrationState,
  OrchestratorDefinition,
  StartOrchestrationOptions,
} from "holdfast";
import { TestTaskHub, type TestTaskHubOptions } from "holdfast/testing";
import { expect, onTestFinished } from "vitest";

/** A test hub that is closed when the test ends. */
export async function openHub(
  functions: readonly FunctionDefinition[],
  options: Omit<TestTaskHubOptions, "functions"> = {},
): Promise<TestTaskHub> {
  const hub = await TestTaskHub.open({ functions, ...options });
  onTestFinished(() => hub.close());
  return hub;
}

/** The state of an instance that must exist. */
export async function stateOf<TOutput = unknown>(hub: TestTaskHub, id: string): Promise<OrchestrationState<TOutput>> {
  const state = await hub.getOrchestrationState<TOutput>(id);
  if (state === undefined) throw new Error(`There is no instance '${id}'.`);
  return state;
}

export interface RunOptions extends StartOrchestrationOptions {
  /** How far the clock moves after the start. */
  readonly advance?: Duration;
}

/** Starts an orchestration, lets everything happen that the time given allows, and gives its state. */
export async function run<TInput, TOutput>(
  hub: TestTaskHub,
  orchestrator: OrchestratorDefinition<TInput, TOutput>,
  input?: TInput,
  { advance = 0, ...start }: RunOptions = {},
): Promise<OrchestrationState<TOutput>> {
  const id = await hub.scheduleNewOrchestration<TOutput>(orchestrator.name, input, {
    ...(orchestrator.version !== "" && { version: orchestrator.version }),
    ...start,
  });
  await hub.advance(advance);
  return stateOf<TOutput>(hub, id);
}

/** As `run`, for an orchestration that must complete: its output. */
export async function outputOf<TInput, TOutput>(
  hub: TestTaskHub,
  orchestrator: OrchestratorDefinition<TInput, TOutput>,
  input?: TInput,
  options: RunOptions = {},
): Promise<TOutput | undefined> {
  const state = await run(hub, orchestrator, input, options);
  expect(state.failure?.errorMessage).toBeUndefined();
  expect(state.runtimeStatus).toBe("Completed");
  return state.output;
}

/** As `run`, for an orchestration that must fail: why. */
export async function failureOf<TInput, TOutput>(
  hub: TestTaskHub,
  orchestrator: OrchestratorDefinition<TInput, TOutput>,
  input?: TInput,
  options: RunOptions = {},
): Promise<FailureDetails> {
  const state = await run(hub, orchestrator, input, options);
  expect(state.runtimeStatus).toBe("Failed");
  expect(state.output).toBeUndefined();
  if (state.failure === undefined) throw new Error(`'${state.instanceId}' failed without saying why.`);
  return state.failure;
}

/** The kinds of a history's events, in order. */
export function typesOf(history: readonly HistoryEvent[]): string[] {
  return history.map((event) => event.type);
}

/** The events of one kind. */
export function eventsOf<TType extends HistoryEvent["type"]>(
  history: readonly HistoryEvent[],
  type: TType,
): Extract<HistoryEvent, { type: TType }>[] {
  return history.filter((event): event is Extract<HistoryEvent, { type: TType }> => event.type === type);
}

/** The only event of one kind. */
export function onlyEvent<TType extends HistoryEvent["type"]>(
  history: readonly HistoryEvent[],
  type: TType,
): Extract<HistoryEvent, { type: TType }> {
  const [event, ...more] = eventsOf(history, type);
  if (event === undefined || more.length > 0) throw new Error(`Expected one ${type} in ${typesOf(history).join(", ")}`);
  return event;
}

/** Each event as `kind#id`, without the id where it is -1: a history at a glance. */
export function glance(history: readonly HistoryEvent[]): string[] {
  return history.map(({ type, eventId }) => (eventId === -1 ? type : `${type}#${eventId}`));
}

export interface LogLine {
  readonly level: keyof Logger;
  readonly message: string;
  readonly fields: Record<string, unknown> | undefined;
}

/** A logger that keeps what it hears. */
export function keepingLogger(): Logger & { readonly lines: LogLine[]; messages(level?: keyof Logger): string[] } {
  const lines: LogLine[] = [];
  const keep =
    (level: keyof Logger) =>
    (message: string, fields?: Record<string, unknown>): void => {
      lines.push({ level, message, fields });
    };
  return {
    lines,
    messages: (level) => lines.filter((line) => level === undefined || line.level === level).map((l) => l.message),
    debug: keep("debug"),
    info: keep("info"),
    warn: keep("warn"),
    error: keep("error"),
  };
}

/** The error that something throws or rejects with. */
export async function errorOf(action: () => unknown): Promise<Error & { code?: string }> {
  try {
    await action();
  } catch (error) {
    if (error instanceof Error) return error;
    throw new Error(`Not an error was thrown: ${String(error)}`);
  }
  throw new Error("Nothing was thrown.");
}

/** Throws whatever it is given, errors or not. */
export function throwValue(value: unknown): never {
  throw value;
}

/** Values that code which tests for truth would lose, and `undefined`. */
export const FALSY: readonly (readonly [string, unknown])[] = [
  ["0", 0],
  ["-0", -0],
  ["NaN", Number.NaN],
  ["the empty text", ""],
  ["false", false],
  ["null", null],
  ["undefined", undefined],
  ["0n", 0n],
];

/** Ids that break a rule, each with the rule. */
export const ILLEGAL_IDS: readonly (readonly [string, string])[] = [
  ["empty", ""],
  ["longer than 100 characters", "x".repeat(101)],
  ["starting with @", "@counter@a"],
  ["holding a slash", "a/b"],
  ["holding a backslash", "a\\b"],
  ["holding a hash", "a#b"],
  ["holding a question mark", "a?b"],
  ["holding a line break", "a\nb"],
  ["holding a null character", "a\u0000b"],
  ["holding a delete character", "a\u007fb"],
  ["holding a C1 control character", "a\u0085b"],
];
