/**
 * Runs a program against a surface: the orchestration context of a hub, or the reference model. Both see the same statements in the same order, so
 * that whatever differs between the two is the doing of the hub.
 */
import type { Call, EntityOperation, Program, ProgramInput, Statement } from "./program.ts";

export type ActivityCall = Extract<Call, { kind: "activity" }>;
export type ChildCall = Extract<Call, { kind: "child" }>;

/** What a program needs of an orchestration context. `T` is what is yielded to wait for it. */
export interface Surface<T> {
  activity(input: ActivityInput, call: ActivityCall): T;
  timer(ms: number): T;
  event(name: string, timeoutMs: number | undefined): T;
  child(input: ProgramInput, call: ChildCall): T;
  call(key: string, operation: EntityOperation, operationId: string): T;
  lock(keys: readonly string[]): T;
  all(tasks: readonly T[]): T;
  any(tasks: readonly T[]): T;
  /** Gives up what is still open, where that is possible. */
  cancel(task: T): void;
  signal(key: string, operation: EntityOperation, operationId: string, delayMs: number | undefined): void;
  send(to: "self" | "parent" | "nobody", name: string, id: string): void;
  setStatus(text: string): void;
  guid(): string;
  patched(id: string): boolean;
  again(input: ProgramInput, program: Program): void;
  /** Events that its waits have taken. */
  taken(): readonly string[];
}

/** What an activity of a program is given. */
export interface ActivityInput {
  /** The call, unique among all calls of a run. */
  readonly call: string;
}
/** What waiting for a critical section gives. */
interface Lock {
  release(): void;
}
type Code<T, Result> = Generator<T, Result, unknown>;

/** How the failure of a call begins whose time is over. */
export const CALL_IS_LATE = "The call of activity";

/** A failure as programs see it, whoever made it. */
export function textOf(error: unknown): string {
  const { failure, errors, name, message } = error as {
    failure?: { errorMessage?: string };
    errors?: readonly unknown[];
    name?: string;
    message?: string;
  };
  if (errors) return `all(${errors.map(textOf).join("|")})`;
  // The instant in this one is nobody's to foretell.
  if (failure?.errorMessage?.startsWith(CALL_IS_LATE)) return "!late";
  if (failure) return `!${failure.errorMessage}`;
  return name === "Error" ? `!${message}` : `!${name}`;
}

export function* interpret<T>(program: Program, surface: Surface<T>, input: ProgramInput): Code<T, ProgramInput> {
  const scope = new Scope(surface, input);
  yield* block(program.body, scope);
  if (program.holds) yield surface.lock(program.holds);
  const taken = [...input.taken, ...surface.taken()];
  const seen: ProgramInput = { ...input, generation: input.generation + 1, log: scope.log, taken };
  if (input.generation < program.generations) surface.again(seen, program);
  return seen;
}

/** More than code asks for without a patch. */
const PATCH_IDS = 500;

class Scope<T> {
  readonly surface: Surface<T>;
  readonly log: string[];
  readonly isRetried: boolean;
  readonly generation: number;
  readonly #path: string;
  #count = 0;

  constructor(surface: Surface<T>, input: ProgramInput) {
    this.surface = surface;
    this.log = [...input.log];
    this.isRetried = input.isRetried === true;
    this.generation = input.generation;
    this.#path = `${input.run}.${input.generation}`;
  }
  /** An id that no other call of any run has. */
  id(): string {
    return `${this.#path}#${++this.#count}`;
  }
  /** Whether patched code is run. Its ids differ from those that the same run has given before the patch, in an execution that was taken back. */
  isPatched(id: string): boolean {
    const isPatched = this.surface.patched(id);
    if (isPatched) this.#count += PATCH_IDS;
    return isPatched;
  }
}

function* block<T>(body: readonly Statement[], scope: Scope<T>): Code<T, void> {
  for (const statement of body) yield* perform(statement, scope);
}

function* perform<T>(statement: Statement, scope: Scope<T>): Code<T, void> {
  const { surface, log } = scope;
  switch (statement.do) {
    case "await":
      log.push(show(yield call(statement.call, scope)));
      break;
    case "all":
      log.push(show(yield surface.all(statement.calls.map((each) => call(each, scope)))));
      break;
    case "any": {
      const tasks = statement.calls.map((each) => call(each, scope));
      const { index } = (yield surface.any(tasks)) as { index: number };
      log.push(`any ${index}`);
      for (const [each, task] of tasks.entries()) if (each !== index) surface.cancel(task);
      break;
    }
    case "beside": {
      const tasks = statement.calls.map((each) => call(each, scope));
      yield* block(statement.body, scope);
      log.push(show(yield surface.all(tasks)));
      break;
    }
    case "leave":
      call(statement.call, scope);
      break;
    case "locked": {
      const lock = (yield surface.lock(statement.keys)) as Lock;
      log.push("locked");
      try {
        yield* block(statement.body, scope);
      } finally {
        log.push("unlocked");
        lock.release();
      }
      break;
    }
    case "try":
      try {
        yield* block(statement.body, scope);
      } catch (error) {
        log.push(textOf(error));
        yield* block(statement.handler, scope);
      }
      break;
    case "patched":
      yield* block(scope.isPatched(statement.id) ? statement.body : statement.otherwise, scope);
      break;
    default:
      note(statement, scope);
  }
}

/** Statements that wait for nothing. */
function note<T>(statement: Statement, scope: Scope<T>): void {
  const { surface, log } = scope;
  switch (statement.do) {
    case "signal": {
      const id = scope.id();
      log.push(`>${statement.key} ${id}`);
      surface.signal(statement.key, statement.operation, id, statement.delayMs);
      break;
    }
    case "send":
      surface.send(statement.to, statement.name, scope.id());
      break;
    case "status":
      // A generation that says nothing has no status, whatever the one before has said.
      if (scope.generation % 2 === 0) surface.setStatus(`${log.length} seen`);
      break;
    case "guid":
      surface.guid();
      log.push("guid");
      break;
    case "throw":
      throw new Error(`thrown after ${log.length}`);
    default:
      throw new TypeError(`'${statement.do}' is not a statement that waits for nothing.`);
  }
}

function call<T>(what: Call, scope: Scope<T>): T {
  const { surface } = scope;
  switch (what.kind) {
    case "activity":
      return surface.activity({ call: scope.id() }, what);
    case "timer":
      return surface.timer(what.ms);
    case "event":
      return surface.event(what.name, what.timeoutMs);
    case "child": {
      const isRetried = scope.isRetried || what.retry !== undefined;
      const input = { run: scope.id(), generation: 0, ...(isRetried && { isRetried }), log: [], taken: [] };
      return surface.child(input, what);
    }
    default: {
      const id = scope.id();
      scope.log.push(`>${what.key} ${id}`);
      return surface.call(what.key, what.operation, id);
    }
  }
}

/** A value as an entry of the log. */
function show(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(show).join(",")}]`;
  if (typeof value === "object" && value !== null && "run" in value) return `ran ${String(value.run)}`;
  return value === undefined ? "-" : String(value);
}
