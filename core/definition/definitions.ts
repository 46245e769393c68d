/** Definitions: a function of the user together with its name, and the types that calls of it are checked against. */
import { InvalidArgumentError } from "../errors.ts";
import { checkName } from "../identity.ts";
import type { Task } from "../replay/task.ts";
import type { ActivityContext } from "./activity-context.ts";
import type { EntityDefinition } from "./entity.ts";
import type { OrchestrationContext } from "./orchestration-context.ts";
import { checkRetry, type Retry } from "./retry.ts";
import type { StandardSchema } from "./schema.ts";

declare const inputType: unique symbol;
declare const outputType: unique symbol;

/** Durations and bounds that a definition sets for every call of an activity, and that a call may override. */
export interface ActivityOptions {
  /** What to do when an attempt fails. */
  readonly retry?: Retry;
  /** Longest time of one attempt, in ms, from its start; an attempt that takes longer fails, and may be tried again. */
  readonly timeoutMs?: number;
  /** Longest time from the call to its result, in ms: queueing and retries included. Then the call fails and is not tried again. */
  readonly scheduleToCloseTimeoutMs?: number;
  /** Longest silence of a running attempt, in ms, between two calls of `heartbeat()`; one that is silent for longer fails, and may be tried again. */
  readonly heartbeatTimeoutMs?: number;
}

/** An activity: a function that does real work. It runs at least once per call; its result is recorded once. */
export interface ActivityDefinition<in TInput = never, out TOutput = unknown> {
  readonly kind: "activity";
  readonly name: string;
  readonly version: string;
  readonly options: ActivityOptions;
  /** Attempts of this activity that run at once in one hub. */
  readonly maxConcurrency?: number;
  /** What the host must have for an attempt to start. */
  readonly requires?: "network";
  readonly inputSchema?: StandardSchema<unknown, unknown>;
  readonly outputSchema?: StandardSchema<unknown, unknown>;
  readonly run: (ctx: ActivityContext, input: never) => unknown;
  readonly [inputType]?: (input: TInput) => void;
  readonly [outputType]?: TOutput;
}

/** An orchestrator: deterministic code that calls everything else. */
export interface OrchestratorDefinition<in TInput = never, out TOutput = unknown> {
  readonly kind: "orchestrator";
  readonly name: string;
  readonly version: string;
  readonly inputSchema?: StandardSchema<unknown, unknown>;
  readonly outputSchema?: StandardSchema<unknown, unknown>;
  readonly run: (ctx: OrchestrationContext, input: never) => unknown;
  readonly [inputType]?: (input: TInput) => void;
  readonly [outputType]?: TOutput;
}

/** Anything that a hub can be opened with. */
export type FunctionDefinition = ActivityDefinition | OrchestratorDefinition | EntityDefinition;

/** Everything an activity can be defined with. */
interface ActivityBase extends ActivityOptions {
  readonly name: string;
  readonly version?: string;
  readonly maxConcurrency?: number;
  readonly requires?: "network";
}
interface OrchestratorBase {
  readonly name: string;
  readonly version?: string;
}
/** The type a definition answers with: what its output schema makes of the result, or the result itself. */
type Checked<TSchema, TResult> = TSchema extends StandardSchema<unknown, infer O> ? O : TResult;
type AnySchema = StandardSchema<unknown, unknown>;
/** What the code of a definition may give: what its output schema takes, or anything. */
type Given<TSchema> = TSchema extends StandardSchema<infer TTaken, unknown> ? TTaken : unknown;
type GivenLater<TSchema> = Given<TSchema> | PromiseLike<Given<TSchema>>;
/** Demands nothing of a function, and the impossible of a generator: one that yields anything but tasks is no orchestrator. */
type NoGenerator<TResult> = [TResult] extends [never]
  ? unknown
  : [TResult] extends [Generator<unknown, unknown, never>]
    ? "a generator that yields tasks only"
    : unknown;

/** A definition by its parts, with a schema that the input is checked by: callers give what the schema takes, the handler gets what it makes. */
interface WithInput<TInput, TParsed, TSchema, TCode extends (ctx: never, input: TParsed) => unknown> {
  readonly input: StandardSchema<TInput, TParsed>;
  readonly output?: TSchema;
  readonly run: TCode;
}
interface WithoutInput<TSchema, TCode> {
  readonly input?: undefined;
  readonly output?: TSchema;
  readonly run: TCode;
}
interface LooseSpec {
  readonly input?: unknown;
  readonly output?: unknown;
  readonly run: unknown;
}
type GeneratorCode<TInput, TOutput> = (
  ctx: OrchestrationContext,
  input: TInput,
) => Generator<Task<unknown>, TOutput, unknown>;
type AsyncGeneratorCode<TInput, TOutput> = (
  ctx: OrchestrationContext,
  input: TInput,
) => AsyncGenerator<unknown, TOutput, unknown>;
type FunctionCode<TInput, TOutput> = (ctx: OrchestrationContext, input: TInput) => TOutput;
type ActivityCode<TInput, TOutput> = (ctx: ActivityContext, input: TInput) => TOutput;

/**
 * Defines an activity.
 * @throws InvalidArgumentError for an empty name or an option that makes no sense.
 */
export function defineActivity<TInput, TOutput>(
  name: string,
  run: ActivityCode<TInput, TOutput>,
): ActivityDefinition<TInput, Awaited<TOutput>>;
export function defineActivity<
  TInput,
  TParsed,
  TOutput extends GivenLater<TSchema>,
  TSchema extends AnySchema | undefined = undefined,
>(
  spec: ActivityBase & WithInput<TInput, TParsed, TSchema, ActivityCode<TParsed, TOutput>>,
): ActivityDefinition<TInput, Checked<TSchema, Awaited<TOutput>>>;
export function defineActivity<
  TInput,
  TOutput extends GivenLater<TSchema>,
  TSchema extends AnySchema | undefined = undefined,
>(
  spec: ActivityBase & WithoutInput<TSchema, ActivityCode<TInput, TOutput>>,
): ActivityDefinition<TInput, Checked<TSchema, Awaited<TOutput>>>;
export function defineActivity(first: string | object, code?: unknown): ActivityDefinition<unknown, never> {
  const spec = (typeof first === "string" ? { name: first, run: code } : first) as ActivityBase & LooseSpec;
  const what = checkSpec(spec, "activity");
  checkActivityOptions(spec, what);
  if (spec.maxConcurrency !== undefined && !(Number.isInteger(spec.maxConcurrency) && spec.maxConcurrency >= 1)) {
    throw new InvalidArgumentError(
      `${what}: maxConcurrency must be an integer of at least 1; got ${String(spec.maxConcurrency)}.`,
    );
  }
  if (spec.requires !== undefined && spec.requires !== "network") {
    throw new InvalidArgumentError(
      `${what}: requires must be "network" or absent; got ${JSON.stringify(spec.requires)}.`,
    );
  }
  return Object.freeze({
    kind: "activity",
    name: spec.name,
    version: spec.version ?? "",
    options: Object.freeze(optionsOf(spec)),
    run: spec.run as ActivityDefinition["run"],
    ...(spec.maxConcurrency !== undefined && { maxConcurrency: spec.maxConcurrency }),
    ...(spec.requires !== undefined && { requires: spec.requires }),
    ...schemasOf(spec),
  });
}

/**
 * Defines an orchestrator: an async function, a generator function, an async generator function, or a plain function that never waits.
 * @throws InvalidArgumentError for an empty name.
 */
export function defineOrchestrator<TInput, TOutput>(
  name: string,
  run: GeneratorCode<TInput, TOutput>,
): OrchestratorDefinition<TInput, TOutput>;
export function defineOrchestrator<TInput, TOutput>(
  name: string,
  run: AsyncGeneratorCode<TInput, TOutput>,
): OrchestratorDefinition<TInput, TOutput>;
export function defineOrchestrator<TInput, TOutput>(
  name: string,
  run: FunctionCode<TInput, TOutput> & NoGenerator<TOutput>,
): OrchestratorDefinition<TInput, Awaited<TOutput>>;
export function defineOrchestrator<
  TInput,
  TParsed,
  TOutput extends Given<TSchema>,
  TSchema extends AnySchema | undefined = undefined,
>(
  spec: OrchestratorBase & WithInput<TInput, TParsed, TSchema, GeneratorCode<TParsed, TOutput>>,
): OrchestratorDefinition<TInput, Checked<TSchema, TOutput>>;
export function defineOrchestrator<
  TInput,
  TParsed,
  TOutput extends Given<TSchema>,
  TSchema extends AnySchema | undefined = undefined,
>(
  spec: OrchestratorBase & WithInput<TInput, TParsed, TSchema, AsyncGeneratorCode<TParsed, TOutput>>,
): OrchestratorDefinition<TInput, Checked<TSchema, TOutput>>;
export function defineOrchestrator<
  TInput,
  TParsed,
  TOutput extends GivenLater<TSchema>,
  TSchema extends AnySchema | undefined = undefined,
>(
  spec: OrchestratorBase &
    WithInput<TInput, TParsed, TSchema, FunctionCode<TParsed, TOutput>> & { readonly run: NoGenerator<TOutput> },
): OrchestratorDefinition<TInput, Checked<TSchema, Awaited<TOutput>>>;
export function defineOrchestrator<
  TInput,
  TOutput extends Given<TSchema>,
  TSchema extends AnySchema | undefined = undefined,
>(
  spec: OrchestratorBase & WithoutInput<TSchema, GeneratorCode<TInput, TOutput>>,
): OrchestratorDefinition<TInput, Checked<TSchema, TOutput>>;
export function defineOrchestrator<
  TInput,
  TOutput extends Given<TSchema>,
  TSchema extends AnySchema | undefined = undefined,
>(
  spec: OrchestratorBase & WithoutInput<TSchema, AsyncGeneratorCode<TInput, TOutput>>,
): OrchestratorDefinition<TInput, Checked<TSchema, TOutput>>;
export function defineOrchestrator<
  TInput,
  TOutput extends GivenLater<TSchema>,
  TSchema extends AnySchema | undefined = undefined,
>(
  spec: OrchestratorBase &
    WithoutInput<TSchema, FunctionCode<TInput, TOutput>> & { readonly run: NoGenerator<TOutput> },
): OrchestratorDefinition<TInput, Checked<TSchema, Awaited<TOutput>>>;
export function defineOrchestrator(first: string | object, code?: unknown): OrchestratorDefinition<unknown, never> {
  const spec = (typeof first === "string" ? { name: first, run: code } : first) as OrchestratorBase & LooseSpec;
  checkSpec(spec, "orchestrator");
  return Object.freeze({
    kind: "orchestrator",
    name: spec.name,
    version: spec.version ?? "",
    run: spec.run as OrchestratorDefinition["run"],
    ...schemasOf(spec),
  });
}

/** The options of an activity or a call, without what was not given. */
export function optionsOf(options: ActivityOptions): ActivityOptions {
  const { retry, timeoutMs, scheduleToCloseTimeoutMs, heartbeatTimeoutMs } = options;
  return {
    ...(retry !== undefined && { retry }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(scheduleToCloseTimeoutMs !== undefined && { scheduleToCloseTimeoutMs }),
    ...(heartbeatTimeoutMs !== undefined && { heartbeatTimeoutMs }),
  };
}

/**
 * Refuses activity options that make no sense.
 * @throws InvalidArgumentError
 */
export function checkActivityOptions(options: ActivityOptions, what: string): void {
  checkRetry(options.retry, what);
  for (const option of ["timeoutMs", "scheduleToCloseTimeoutMs", "heartbeatTimeoutMs"] as const) {
    const ms: unknown = options[option];
    if (ms === undefined || (typeof ms === "number" && Number.isFinite(ms) && ms > 0)) continue;
    throw new InvalidArgumentError(
      `${what}: ${option} must be a finite number of milliseconds, more than 0; got ${typeof ms === "number" ? ms : JSON.stringify(ms)}.`,
    );
  }
}

function checkSpec(
  spec: { readonly name: unknown; readonly version?: unknown; readonly run: unknown },
  kind: string,
): string {
  checkName(spec.name, `The name of an ${kind}`);
  const what = `The ${kind} '${spec.name}'`;
  if (typeof spec.run !== "function")
    throw new InvalidArgumentError(`${what} needs a function to run; got ${typeof spec.run}.`);
  if (
    spec.version !== undefined &&
    (typeof spec.version !== "string" || (spec.version !== "" && spec.version.trim() === ""))
  ) {
    throw new InvalidArgumentError(
      `${what}: version must be a text that is not blank; got ${JSON.stringify(spec.version)}.`,
    );
  }
  return what;
}

function schemasOf(spec: { readonly input?: unknown; readonly output?: unknown }): {
  inputSchema?: StandardSchema;
  outputSchema?: StandardSchema;
} {
  return {
    ...(spec.input !== undefined && { inputSchema: spec.input as StandardSchema }),
    ...(spec.output !== undefined && { outputSchema: spec.output as StandardSchema }),
  };
}
