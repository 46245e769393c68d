/**
 * Runs programs as orchestrator code. Statements are run by plain generators that yield whatever is to be awaited; an orchestrator of each
 * shape, and every helper, is a real async function, generator or async generator around one of them.
 */
import {
  type CancelableTask,
  defineOrchestrator,
  type EntityLock,
  type OrchestrationContext,
  type OrchestratorDefinition,
  type Retry,
  type Task,
  whenAll,
  whenAny,
} from "holdfast";
import type { Awaited, Call, Program, RetryPlan, Statement } from "./program.ts";
import { awaitNull, drive, flow, mappedStream, nestedPromise, Roundabout, thenableOf } from "./promises.ts";
import type { ProgramInput, Recorder } from "./recorder.ts";

/** What an activity of a program is called with. */
export interface ActivityInput {
  /** The call, unique among all calls of a run. */
  readonly call: string;
  readonly id: number;
  readonly hops: number;
  readonly failures: number;
  readonly isFinalFailure: boolean;
  /** What the branches had written when the call was made: another interleaving is another input. */
  readonly written: string;
}

/** What the branches of one execution share. */
interface Scope {
  readonly ctx: OrchestrationContext;
  readonly program: Program;
  readonly input: ProgramInput;
  readonly say: (text: string) => void;
  readonly entries: readonly string[];
  readonly slots: Map<number, unknown>;
  sum: number;
  callCount: number;
}
type Code<T> = Generator<unknown, T, unknown>;

/** The programs as orchestrators `p0`, `p1` …, whose observations go to a recorder. */
export function definitionsOf(programs: readonly Program[], recorder: Recorder): OrchestratorDefinition[] {
  return programs.map((program, index) => {
    const begin = (ctx: OrchestrationContext, input: ProgramInput): Code<unknown> => {
      const execution = recorder.begin(ctx, input);
      const say = (text: string): void => execution.say(text);
      return main({ ctx, program, input, say, entries: execution.log, slots: new Map(), sum: 0, callCount: 0 });
    };
    const name = `p${index}`;
    switch (program.shape) {
      case "async":
        return defineOrchestrator(name, (ctx, input: ProgramInput) => drive(begin(ctx, input)));
      case "generator":
        return defineOrchestrator(
          name,
          begin as (ctx: OrchestrationContext, input: ProgramInput) => Generator<Task<unknown>>,
        );
      default:
        return defineOrchestrator(name, (ctx, input: ProgramInput) => flow(begin(ctx, input)));
    }
  }) as OrchestratorDefinition[];
}

function* main(scope: Scope): Code<unknown> {
  yield* block(scope.program.body, scope);
  return { sum: scope.sum, log: scope.entries };
}

function* block(body: readonly Statement[], scope: Scope): Code<void> {
  for (const statement of body) yield* perform(statement, scope);
}

function* perform(statement: Statement, scope: Scope): Code<void> {
  switch (statement.do) {
    case "await":
      saw(statement, scope, yield make(statement.what, scope));
      break;
    case "start":
      scope.slots.set(statement.slot, started(make(statement.what, scope)));
      break;
    case "join":
      saw(statement, scope, yield* joined(scope.slots.get(statement.slot)));
      break;
    case "add": {
      const before = scope.sum;
      yield make(statement.what, scope);
      scope.sum = before + 1;
      scope.say(`${statement.at} sum ${scope.sum}`);
      break;
    }
    case "if":
      scope.say(`${statement.at} if ${scope.sum}`);
      yield* block((scope.sum + scope.entries.length) % 2 === 0 ? statement.body : statement.otherwise, scope);
      break;
    case "try":
      yield* guarded(statement, scope);
      break;
    case "locked":
      yield* locked(statement, scope);
      break;
    case "repeat":
      for (let i = 0; i < statement.times; i++) yield* block(statement.body, scope);
      break;
    case "throw":
      scope.say(`${statement.at} throw`);
      throw new RangeError(`thrown at ${statement.at}`);
    default:
      note(statement, scope);
  }
}

/** `catch` and `finally`; without a handler the error is logged and goes no further. */
function* guarded(statement: Extract<Statement, { do: "try" }>, scope: Scope): Code<void> {
  try {
    yield* block(statement.body, scope);
  } catch (error) {
    scope.say(`${statement.at} caught ${show(error)}`);
    yield* block(statement.handler, scope);
  } finally {
    scope.say(`${statement.at} finally`);
    yield* block(statement.last, scope);
  }
}

/** A critical section: the lock is given back however its body ends. */
function* locked({ at, keys, body }: Extract<Statement, { do: "locked" }>, scope: Scope): Code<void> {
  const lock = (yield call({ kind: "lock", keys }, scope)) as EntityLock;
  try {
    scope.say(`${at} locked ${scope.ctx.criticalSection.lockedEntities.join()}`);
    yield* block(body, scope);
  } finally {
    lock.release();
    scope.say(`${at} released`);
  }
}

/** Waits for what a slot holds; nothing when the slot is empty so far. */
function* joined(held: unknown): Code<unknown> {
  return held === undefined ? "empty" : yield held;
}

/** Statements that wait for nothing. */
function note(statement: Statement, scope: Scope): void {
  const { ctx, say } = scope;
  const { at } = statement;
  switch (statement.do) {
    case "cancel":
      (scope.slots.get(statement.slot) as Partial<CancelableTask<unknown>> | undefined)?.cancel?.();
      break;
    case "look": {
      const task = scope.slots.get(statement.slot) as Partial<CancelableTask<unknown>> | undefined;
      say(`${at} look ${task?.isCompleted} ${task?.isFailed} ${task?.isCanceled}`);
      break;
    }
    case "listen":
      listen(scope.slots.get(statement.slot), at, scope);
      break;
    case "status":
      say(`${at} status`);
      ctx.setCustomStatus({ at, sum: scope.sum, entries: scope.entries.length });
      break;
    case "guid":
      say(`${at} guid ${ctx.newGuid()}`);
      break;
    case "random":
      say(`${at} random ${ctx.random()}`);
      break;
    case "now":
      say(`${at} now ${ctx.currentUtcDateTime.toISOString()}`);
      break;
    case "patched":
      say(`${at} patched ${ctx.patched(`patch-${at}`)}`);
      break;
    case "send":
      say(`${at} send ${statement.name}`);
      ctx.sendEvent(ctx.instanceId, statement.name, at);
      break;
    case "signal":
      say(`${at} signal ${statement.key}`);
      ctx.signalEntity({ name: "tally", key: statement.key }, "add", at);
      break;
    case "again":
      again(scope);
      break;
    default:
      throw new TypeError(`'${statement.do}' is not a statement that waits for nothing.`);
  }
}

function again({ ctx, input, program, say }: Scope): void {
  if (input.generation >= program.generations) return;
  say("again");
  ctx.continueAsNew({ ...input, generation: input.generation + 1 }, { preserveUnprocessedEvents: program.keepsEvents });
}

/** Hears of the outcome of something without waiting for it. */
function listen(held: unknown, at: number, { say }: Scope): void {
  (held as PromiseLike<unknown> | undefined)?.then(
    (value) => say(`${at} heard ${show(value)}`),
    (error: unknown) => say(`${at} heard ${show(error)}`),
  );
}

function saw({ at }: Statement, scope: Scope, value: unknown): void {
  if (typeof value === "number") scope.sum += value;
  scope.say(`${at} ${show(value)}`);
}

/** A promise that nobody may ever await must not be reported as unhandled; tasks see to that themselves. */
function started(value: unknown): unknown {
  if (value instanceof Promise) value.catch(() => {});
  return value;
}

// ---- what can be awaited

function make(what: Awaited, scope: Scope): unknown {
  switch (what.kind) {
    case "call":
      return call(what.call, scope);
    case "hops":
      return awaitNull(what.count, what.fails);
    case "nested":
      return nestedPromise(what.depth, what.awaits);
    case "thenable":
      return thenableOf(what.manner, make(what.of, scope));
    case "subclass":
      return Roundabout.resolve(make(what.of, scope));
    case "chain":
      return chained(what, scope);
    case "helper":
      return started(drive(helper(what.body, scope)));
    case "stream":
      return started(
        mappedStream(
          what.of.map((item) => () => make(item, scope)),
          (value) => scope.say(`streamed ${show(value)}`),
        ),
      );
    default:
      return started(
        combine(
          what.kind,
          what.of.map((item) => started(make(item, scope))),
        ),
      );
  }
}

function* helper(body: readonly Statement[], scope: Scope): Code<string> {
  yield* block(body, scope);
  return "helped";
}

function combine(kind: "all" | "race" | "any" | "allSettled", values: unknown[]): Promise<unknown> {
  switch (kind) {
    case "all":
      return Promise.all(values);
    case "race":
      return Promise.race(values);
    case "any":
      return Promise.any(values);
    default:
      return Promise.allSettled(values);
  }
}

function chained({ of, links }: Extract<Awaited, { kind: "chain" }>, scope: Scope): unknown {
  let promise = make(of, scope) as Promise<unknown>;
  if (typeof promise.finally !== "function") promise = Promise.resolve(promise);
  for (const { method, hops } of links) {
    const say = (value?: unknown): unknown => {
      scope.say(`${method} ${show(value)}`);
      return hops > 0 ? awaitNull(hops, false) : method;
    };
    if (method === "then") promise = promise.then(say);
    else if (method === "catch") promise = promise.catch(say);
    else promise = promise.finally(say as () => void);
  }
  return started(promise);
}

/** Calls something durable, and logs the decision. */
function call(what: Call, scope: Scope): Task<unknown> {
  const { ctx, input } = scope;
  scope.say(`call ${what.kind}${"name" in what ? ` ${what.name}` : ""}`);
  switch (what.kind) {
    case "activity": {
      const { name, id, hops, failures, isFinalFailure } = what;
      const key = `${input.path}/${input.generation}#${++scope.callCount}`;
      const written = `${scope.sum} ${scope.entries.length}`;
      const given: ActivityInput = { call: key, id, hops, failures, isFinalFailure, written };
      return ctx.callActivity(name, given, retryOf(what.retry, scope));
    }
    case "timer":
      return ctx.createTimer(what.isDate ? new Date(ctx.currentUtcDateTime.getTime() + what.ms) : what.ms);
    case "event":
      return ctx.waitForExternalEvent(what.name, what.timeoutMs === undefined ? {} : { timeout: what.timeoutMs });
    case "child": {
      const path = `${input.path}.${++scope.callCount}`;
      const given: ProgramInput = { path, generation: 0 };
      const named = what.isNamed ? { instanceId: `child-${path}` } : {};
      return ctx.callSubOrchestrator(`p${what.program}`, given, { ...retryOf(what.retry, scope), ...named });
    }
    case "entity":
      return ctx.callEntity({ name: "tally", key: what.key }, what.operation, scope.entries.length);
    case "lock":
      return ctx.lockEntities(...what.keys.map((key) => ({ name: "tally", key })));
    case "whenAll":
      return whenAll(what.of.map((task) => call(task, scope)));
    default:
      return whenAny(what.of.map((task) => call(task, scope)));
  }
}

function retryOf(plan: RetryPlan | undefined, scope: Scope): { retry?: Retry } {
  if (!plan) return {};
  const work = async (hops: number): Promise<void> => {
    await awaitNull(hops, false);
    scope.say(`retry helper after ${hops}`);
  };
  if (plan.kind === "policy") {
    const { maxAttempts, firstMs, backoff, askedHops } = plan;
    const handleFailure = (): boolean => {
      scope.say("handleFailure");
      void work(askedHops ?? 0);
      return true;
    };
    const policy = { maxAttempts, firstRetryInterval: firstMs, backoffCoefficient: backoff };
    return { retry: askedHops === undefined ? policy : { ...policy, handleFailure } };
  }
  const { manner, hops, maxAttempts, delayMs } = plan;
  const answer = (attempt: number): boolean | number => attempt < maxAttempts && (delayMs || true);
  const answers: Record<typeof manner, (attempt: number) => boolean | number | Promise<boolean | number>> = {
    sync: answer,
    hops: (attempt) => work(hops).then(() => answer(attempt)),
    forks: (attempt) => {
      void work(hops);
      return answer(attempt);
    },
    timer: async (attempt) => {
      await scope.ctx.createTimer(10);
      return answer(attempt);
    },
  };
  return {
    retry: ({ lastAttemptNumber, totalRetryTimeMs }) => {
      scope.say(`retry ${lastAttemptNumber} ${totalRetryTimeMs}`);
      return answers[manner](lastAttemptNumber);
    },
  };
}

/** A value as one line of the log. */
export function show(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  const text = JSON.stringify(value, (_key, part: unknown) => (part instanceof Error ? show(part) : part));
  return text ?? "undefined";
}
