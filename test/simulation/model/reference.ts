/**
 * The reference model of an orchestrator: runs a program over what a history says has happened, and says where the history should read otherwise.
 * It shares the program's statements with the hub and nothing else: no promises, no replay, no store. A task is a box; an event fills it; then the
 * program goes on until it waits for a box that is empty.
 */
import type { HistoryEvent } from "../../../core/history/events.ts";
import { type ActivityTraits, traitsOf } from "../programs/activities.ts";
import {
  type ActivityCall,
  type ActivityInput,
  CALL_IS_LATE,
  type ChildCall,
  interpret,
  type Surface,
} from "../programs/interpret.ts";
import type { EntityOperation, Program, ProgramInput } from "../programs/program.ts";
import type { Retrying } from "../programs/retry.ts";
import { Box, failed } from "./box.ts";
import { type Decode, described, type Expected, limitsOf } from "./described.ts";
import { delayBeforeNext } from "./retries.ts";

/** A call, as often as it is tried. */
interface Attempts {
  readonly retrying: Retrying | undefined;
  readonly deadlineMs: number;
  /** True for what cannot be given up, as children are. */
  readonly isLasting?: boolean;
  /** Records an attempt, from 1, and gives its id. */
  attempt(number: number, beat: string | undefined): number;
}

/** Sentences about everything in which the history of one generation differs from what its program does; none when all is well. */
export function differences(
  programs: readonly Program[],
  history: readonly HistoryEvent[],
  instanceId: string,
  decode: Decode,
): string[] {
  const reference = new Reference(programs, history, instanceId, decode);
  return reference.run();
}

/** The custom status that the record of a generation should show. */
export function customStatusOf(
  programs: readonly Program[],
  history: readonly HistoryEvent[],
  instanceId: string,
  decode: Decode,
): string | undefined {
  const reference = new Reference(programs, history, instanceId, decode);
  reference.run();
  return reference.customStatus;
}

class Reference implements Surface<Box> {
  readonly #programs: readonly Program[];
  readonly #history: readonly HistoryEvent[];
  readonly #instanceId: string;
  readonly #decode: Decode;
  readonly #problems: string[] = [];
  readonly #patches: ReadonlySet<string>;
  readonly #operations = new Map<number, (outcome: HistoryEvent) => void>();
  readonly #requests = new Map<number, (outcome: HistoryEvent) => void>();
  /** Sequence id of the call by the request id that the history gave it. */
  readonly #requestIds = new Map<string, number>();
  readonly #waiters = new Map<string, Box[]>();
  readonly #kept = new Map<string, HistoryEvent[]>();
  /** Actions of the turn. */
  #actions = new Map<number, Expected>();
  #sequence = 0;
  #nowMs = 0;
  #status: string | undefined;
  #recordedStatus: string | undefined;
  #hasParent: string | undefined;
  #executionId = "";
  #code: Generator<Box, ProgramInput, unknown> | undefined;
  #waitsFor: Box | undefined;
  #end: { readonly output: ProgramInput } | { readonly error: unknown } | undefined;
  #isSuspended = false;
  readonly #waits: Box[] = [];
  /** Timers that the program gave up, by the turn in which it did. */
  readonly #withdrawn = new Map<number, number>();
  #turn = 0;
  #held: HistoryEvent[] = [];

  constructor(programs: readonly Program[], history: readonly HistoryEvent[], instanceId: string, decode: Decode) {
    this.#programs = programs;
    this.#history = history;
    this.#instanceId = instanceId;
    this.#decode = decode;
    this.#patches = new Set(history.flatMap((event) => (event.type === "GenericEvent" ? (event.data ?? "") : [])));
    for (const event of history)
      if (event.type === "EntityOperationCalled") this.#requestIds.set(event.requestId, event.eventId);
      else if (event.type === "EntityLockRequested") this.#requestIds.set(event.criticalSectionId, event.eventId);
  }

  run(): string[] {
    let recorded: HistoryEvent[] = [];
    for (const event of this.#history) {
      if (event.type === "OrchestratorStarted") {
        this.#endTurn(recorded);
        recorded = [];
        this.#turn++;
        this.#nowMs = event.timestamp.getTime();
      } else if (event.eventId > 0) recorded.push(event);
      else {
        this.#checkArrival(event);
        this.#receive(event);
      }
    }
    this.#endTurn(recorded);
    return this.#problems;
  }

  /** The custom status as the last turn that ran the program has left it. */
  get customStatus(): string | undefined {
    return this.#recordedStatus;
  }

  // ---- events

  /** What the program gave up in an earlier turn does not come any more; one that came in the same turn may be held for a resume. */
  #checkArrival(event: HistoryEvent): void {
    if (event.type === "TimerFired" && (this.#withdrawn.get(event.timerId) ?? this.#turn) < this.#turn)
      this.#problems.push(`the timer ${event.timerId} fired, which was cancelled`);
  }

  #receive(event: HistoryEvent): void {
    if (this.#isSuspended && event.type !== "ExecutionResumed" && event.type !== "ExecutionSuspended") {
      this.#held.push(event);
      return;
    }
    if (this.#end) return;
    switch (event.type) {
      case "ExecutionStarted":
        this.#start(event);
        break;
      case "TaskCompleted":
      case "TaskFailed":
      case "SubOrchestrationInstanceCompleted":
      case "SubOrchestrationInstanceFailed":
        this.#take(this.#operations, event.taskScheduledId, event);
        break;
      case "TimerFired":
        this.#take(this.#operations, event.timerId, event);
        break;
      case "EntityOperationCompleted":
      case "EntityOperationFailed":
        this.#take(this.#requests, this.#requestIds.get(event.requestId) ?? 0, event);
        break;
      case "EntityLockGranted":
        this.#take(this.#requests, this.#requestIds.get(event.criticalSectionId) ?? 0, event);
        break;
      case "EventRaised":
        this.#raise(event);
        break;
      case "ExecutionSuspended":
        this.#isSuspended = true;
        break;
      case "ExecutionResumed": {
        this.#isSuspended = false;
        for (const held of this.#held.splice(0)) this.#receive(held);
        break;
      }
      default:
        break;
    }
    this.#goOn();
  }

  #take(waiting: Map<number, (outcome: HistoryEvent) => void>, id: number, event: HistoryEvent): void {
    const settle = waiting.get(id);
    waiting.delete(id);
    settle?.(event);
  }

  #raise(event: Extract<HistoryEvent, { type: "EventRaised" }>): void {
    const waiters = this.#waiters.get(event.name) ?? [];
    for (let waiter = waiters.shift(); waiter; waiter = waiters.shift()) {
      if (waiter.outcome !== undefined) continue;
      this.#accept(waiter, event);
      return;
    }
    const kept = this.#kept.get(event.name) ?? [];
    kept.push(event);
    this.#kept.set(event.name, kept);
  }

  #accept(waiter: Box, event: Extract<HistoryEvent, { type: "EventRaised" }>): void {
    waiter.withdraw?.();
    waiter.settle({ value: event.input === undefined ? undefined : this.#decode(event.input) });
  }

  #start(event: Extract<HistoryEvent, { type: "ExecutionStarted" }>): void {
    const program = this.#programs[Number(event.name.slice(1))] as Program;
    this.#hasParent = event.parentInstance?.instanceId;
    this.#executionId = event.orchestrationInstance.executionId;
    const input = this.#decode(event.input ?? "null") as ProgramInput;
    this.#code = interpret(program, this, input);
  }

  /** Lets the program go on as long as what it waits for is there. */
  #goOn(): void {
    const code = this.#code;
    if (!code) return;
    try {
      while (!this.#end && (!this.#waitsFor || this.#waitsFor.outcome !== undefined)) {
        const outcome = this.#waitsFor?.outcome ?? { value: undefined };
        this.#waitsFor = undefined;
        const step =
          outcome === "canceled"
            ? code.throw({ name: "TaskCanceledError" })
            : "error" in outcome
              ? code.throw(outcome.error)
              : code.next(outcome.value);
        if (step.done) this.#end = { output: step.value };
        else this.#waitsFor = step.value;
      }
    } catch (error) {
      this.#end = { error };
    }
  }

  // ---- what a turn should have recorded

  #endTurn(recorded: readonly HistoryEvent[]): void {
    const expected = [...this.#actions].map(([id, action]) => ({ id, ...action }));
    this.#actions = new Map();
    const last = recorded.at(-1);
    const isOver = last?.type === "ExecutionCompleted";
    if (isOver && last.orchestrationStatus === "ORCHESTRATION_STATUS_TERMINATED") return;
    this.#recordedStatus = this.#status;
    const steps = isOver ? recorded.slice(0, -1) : recorded;
    const wanted = expected.map((action) => JSON.stringify(action));
    const found = steps.map((event) => JSON.stringify({ id: event.eventId, ...described(event, this.#decode) }));
    if (wanted.join() !== found.join())
      this.#problems.push(
        `a turn should have recorded ${wanted.join(" ") || "nothing"}, it has ${found.join(" ") || "nothing"}`,
      );
    if (isOver) this.#checkEnd(last);
    else if (this.#end) this.#problems.push("the program has ended, the history has not");
  }

  #checkEnd(event: Extract<HistoryEvent, { type: "ExecutionCompleted" }>): void {
    const status = event.orchestrationStatus.slice("ORCHESTRATION_STATUS_".length);
    if (!this.#end) {
      this.#problems.push(`the history ended (${status}), the program has not`);
      return;
    }
    const wanted = "error" in this.#end ? "FAILED" : "COMPLETED";
    if (status !== wanted) this.#problems.push(`the history ended ${status}, the program ${wanted}`);
    if (status === "COMPLETED" && "output" in this.#end) {
      const output = JSON.stringify(this.#decode(event.result ?? "null"));
      if (output !== JSON.stringify(this.#end.output))
        this.#problems.push(`the output is ${output}, it should be ${JSON.stringify(this.#end.output)}`);
    }
  }

  #act(action: Expected): number {
    const id = ++this.#sequence;
    this.#actions.set(id, action);
    return id;
  }

  // ---- the surface of the program

  activity(input: ActivityInput, { name, retry, limits }: ActivityCall): Box {
    const traits = traitsOf(name) as ActivityTraits;
    const calledAtMs = this.#nowMs;
    const { scheduleToCloseTimeoutMs = Number.POSITIVE_INFINITY } = { ...traits.limits, ...limits };
    const deadlineMs = calledAtMs + scheduleToCloseTimeoutMs;
    let first: number | undefined;
    return this.#call({
      retrying: retry ?? traits.retry,
      deadlineMs,
      attempt: (number, beat) => {
        const left = deadlineMs - this.#nowMs;
        const further = first === undefined ? {} : { attempt: number, first, beat };
        const again = first !== undefined && Number.isFinite(left) ? { scheduleToCloseTimeoutMs: left } : {};
        const id = this.#act({
          activity: name,
          call: input.call,
          ...further,
          limits: limitsOf({ ...limits, ...again }),
        });
        first ??= id;
        return id;
      },
    });
  }

  /** The attempts of a call of an activity or a child. */
  #call({ retrying, deadlineMs, isLasting = false, attempt }: Attempts): Box {
    const box = new Box();
    const waitsFor = (id: number): void => {
      if (!isLasting) box.withdraw = () => this.#withdraw(id);
    };
    const calledAtMs = this.#nowMs;
    let beat: string | undefined;
    const again = (number: number): void => {
      if (this.#nowMs >= deadlineMs) {
        box.settle(failed(CALL_IS_LATE));
        return;
      }
      const id = attempt(number, beat);
      waitsFor(id);
      this.#operations.set(id, (event) => {
        if (event.type === "TaskCompleted" || event.type === "SubOrchestrationInstanceCompleted")
          box.settle({ value: event.result === undefined ? undefined : this.#decode(event.result) });
        else if (event.type === "TaskFailed" || event.type === "SubOrchestrationInstanceFailed") {
          const { isNonRetriable, errorMessage, properties } = event.failureDetails;
          if (event.type === "TaskFailed") beat = event.lastHeartbeat ?? beat;
          const delayMs = delayBeforeNext(retrying, {
            attempts: number,
            elapsedMs: this.#nowMs - calledAtMs,
            message: errorMessage,
            isForGood: isNonRetriable || properties?.timeoutType === "scheduleToClose",
          });
          if (delayMs === undefined) box.settle(failed(errorMessage));
          else if (delayMs === 0 || this.#nowMs >= deadlineMs) again(number + 1);
          else {
            const timer = this.#timer(Math.min(delayMs, deadlineMs - this.#nowMs), () => again(number + 1));
            waitsFor(timer);
          }
        }
      });
    };
    again(1);
    return box;
  }

  #timer(ms: number, fired: () => void): number {
    const id = this.#act({ timer: this.#nowMs + ms });
    this.#operations.set(id, fired);
    return id;
  }

  #withdraw(id: number): void {
    this.#operations.delete(id);
    if (!this.#actions.delete(id)) this.#withdrawn.set(id, this.#turn);
  }

  timer(ms: number): Box {
    const box = new Box();
    const id = this.#timer(ms, () => box.settle({ value: undefined }));
    box.withdraw = () => this.#withdraw(id);
    return box;
  }

  event(name: string, timeoutMs: number | undefined): Box {
    const box = new Box();
    box.withdraw = () => {};
    this.#waits.push(box);
    if (timeoutMs !== undefined) {
      const id = this.#timer(timeoutMs, () => box.settle({ error: { name: "TimeoutError" } }));
      box.withdraw = () => this.#withdraw(id);
    }
    const kept = this.#kept.get(name)?.shift();
    if (kept?.type === "EventRaised") this.#accept(box, kept);
    else this.#waiters.set(name, [...(this.#waiters.get(name) ?? []), box]);
    return box;
  }

  child(input: ProgramInput, { program, id, retry, tags }: ChildCall): Box {
    let childId = id;
    return this.#call({
      retrying: retry,
      deadlineMs: Number.POSITIVE_INFINITY,
      isLasting: true,
      attempt: () => {
        const number = this.#sequence + 1;
        childId ??= `${this.#executionId}:${number.toString(16).padStart(4, "0")}`;
        return this.#act({ child: `p${program}`, run: input.run, id: childId, tags });
      },
    });
  }

  call(key: string, operation: EntityOperation, operationId: string): Box {
    const box = new Box();
    const id = this.#act({ call: operation, to: `@journal@${key}`, input: operationId });
    this.#requests.set(id, (event) => {
      if (event.type === "EntityOperationFailed") box.settle(failed(event.failureDetails.errorMessage));
      else if (event.type === "EntityOperationCompleted")
        box.settle({ value: event.output === undefined ? undefined : this.#decode(event.output) });
    });
    return box;
  }

  lock(keys: readonly string[]): Box {
    const box = new Box();
    const lockSet = [...new Set(keys.map((key) => `@journal@${key}`))].sort();
    const id = this.#act({ lock: lockSet.join() });
    let isHeld = true;
    const release = (): void => {
      if (isHeld) for (const unlock of lockSet) this.#act({ unlock });
      isHeld = false;
    };
    this.#requests.set(id, () => box.settle({ value: { release } }));
    return box;
  }

  all(tasks: readonly Box[]): Box {
    const all = new Box();
    let openCount = tasks.length;
    for (const task of tasks)
      task.watch(() => {
        if (--openCount > 0) return;
        const errors = tasks.flatMap(({ outcome }) =>
          typeof outcome === "object" && "error" in outcome ? [outcome.error] : [],
        );
        if (errors.length > 0) all.settle({ error: { errors } });
        else all.settle({ value: tasks.map(({ outcome }) => (outcome as { value: unknown }).value) });
      });
    return all;
  }

  any(tasks: readonly Box[]): Box {
    const first = new Box();
    tasks.forEach((task, index) => {
      task.watch(() => first.settle({ value: { index } }));
    });
    return first;
  }

  cancel(task: Box): void {
    if (task.outcome !== undefined || !task.withdraw) return;
    task.withdraw();
    task.settle("canceled");
  }

  signal(key: string, operation: EntityOperation, operationId: string): void {
    this.#act({ signal: operation, to: `@journal@${key}`, input: operationId });
  }

  send(to: "self" | "parent" | "nobody", name: string): void {
    const target = to === "self" ? this.#instanceId : to === "parent" ? (this.#hasParent ?? "nobody") : "nobody";
    this.#act({ send: name, to: target });
  }

  setStatus(text: string): void {
    this.#status = text;
  }
  guid(): string {
    return "guid";
  }
  patched(id: string): boolean {
    return this.#patches.has(`patched:${id}`);
  }
  again(): void {}
  taken(): readonly string[] {
    return this.#waits.flatMap(({ outcome }) =>
      typeof outcome === "object" && "value" in outcome ? String(outcome.value) : [],
    );
  }
}
