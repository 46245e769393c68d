/**
 * One orchestrator being run: history in, decisions out. Synchronous; knows no store, no clock, no timer, and no promise but those of the
 * orchestrator's own code.
 *
 * R1. Events are delivered one at a time. When `step` answers true, code of the orchestrator is at work in the microtask queue:
 *     the caller lets that queue run empty before it calls `step` again, live and in replay alike. So what a live run interleaved, a replay interleaves the same way.
 * R2. Every recorded action must be taken again by the code, in the same turn (see expectations.ts); the first difference ends the run with `mismatch`.
 * R3. Code runs between `begin` and `finish` only. A call outside is refused and fails the orchestration.
 * R4. A run that has ended, mismatched or been dropped never resumes user code.
 *
 * Source of the semantics: the Durable Task orchestration executor.
 */
import type { OrchestratorDefinition } from "../definition/definitions.ts";
import type { OrchestrationContext } from "../definition/orchestration-context.ts";
import type { Retry } from "../definition/retry.ts";
import { FunctionNotRegisteredError, type NonDeterminismError, OrchestratorRuleError } from "../errors.ts";
import { type FailureDetails, failureFrom } from "../failure.ts";
import { type CarriedEvent, isCarried, type OrchestratorAction, type TurnDecision } from "../history/actions.ts";
import type { ExecutionStartedEvent, GenericEvent, HistoryEvent } from "../history/events.ts";
import { SparseMap } from "../sparse-map.ts";
import { completionOf, type End, type NextGeneration } from "./completion.ts";
import { ReplayContext } from "./context.ts";
import { CriticalSection, type EntityHost } from "./entity-calls.ts";
import { callSite, Expectations, unrecordedStep } from "./expectations.ts";
import { Mailbox } from "./mailbox.ts";
import type { Operation } from "./operations.ts";
import { PATCH_NOTE } from "./patches.ts";
import type { RunOptions, RunPorts } from "./ports.ts";
import { type ProgramHost, type SynchronousProgram, startProgram } from "./program.ts";
import { callOutsideTurn, foreignAwait } from "./rules.ts";

export class OrchestratorRun implements EntityHost, ProgramHost {
  readonly ports: RunPorts;
  readonly mailbox: Mailbox = new Mailbox();
  awaitedCount = 0;
  hasWoken = false;
  nowMs = 0;
  isReplaying = false;
  /** How the history and the code differ, once they do. */
  mismatch: NonDeterminismError | undefined;
  started: ExecutionStartedEvent | undefined;
  customStatus: string | undefined;
  nextGeneration: NextGeneration | undefined;
  readonly patches: SparseMap<string, boolean> = new SparseMap();

  #past: readonly HistoryEvent[] = [];
  #fresh: readonly HistoryEvent[] = [];
  #pastIndex = 0;
  #freshIndex = 0;
  #sequence = 0;
  #isActive = false;
  #isSuspended = false;
  #isRewound = false;
  #end: End | undefined;
  #violation: OrchestratorRuleError | undefined;
  #program: SynchronousProgram | undefined;
  #context: OrchestrationContext | undefined;
  /** Events that arrived while suspended, and those of them released by a resume. */
  #held: HistoryEvent[] = [];
  #released: HistoryEvent[] = [];
  /** Events that arrived after the code had returned. */
  #late: CarriedEvent[] = [];
  #notes: GenericEvent[] = [];
  #canceledTimers: number[] = [];
  #canceledTasks: number[] = [];
  /** What the turn's code has decided so far. */
  #actions: OrchestratorAction[] = [];
  readonly #unrecorded = new SparseMap<number, string | undefined>();
  readonly #operations = new SparseMap<number, Operation>();
  readonly #requests = new SparseMap<string, Operation>();
  #criticalSection: CriticalSection | undefined;
  readonly #options: RunOptions;
  readonly #expectations: Expectations;

  constructor(ports: RunPorts, options: RunOptions) {
    this.ports = ports;
    this.#options = options;
    this.#expectations = new Expectations(options.isStrict, options.callSites);
  }

  get instanceId(): string {
    return this.#options.instanceId;
  }
  get isSuspended(): boolean {
    return this.#isSuspended;
  }
  get hasEnded(): boolean {
    return this.#end !== undefined;
  }
  /** The highest sequence id consumed so far. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Starts a turn: `past` is the recorded history (only for a run that is new), `fresh` the turn's own events, `OrchestratorStarted` first. */
  begin(past: readonly HistoryEvent[], fresh: readonly HistoryEvent[]): void {
    this.#past = past;
    this.#pastIndex = 0;
    this.#fresh = fresh;
    this.#freshIndex = 0;
    this.#canceledTimers = [];
    this.#canceledTasks = [];
    this.#notes = [];
    for (const event of past) this.#foresee(event);
    for (const event of fresh) this.#foresee(event);
    this.#isActive = true;
    if (this.#violation) this.failed(this.#violation);
  }

  /** Delivers the next events; true when the microtask queue must run empty before it is called again, false when all are delivered. */
  step(): boolean {
    this.hasWoken = false;
    if (!this.#isStopped) this.#program?.resume();
    while (!this.hasWoken && !this.mismatch) {
      const event = this.#next();
      if (!event) return false;
      this.#deliver(event);
    }
    return !this.mismatch;
  }

  /** Ends the turn: what was decided in it. */
  finish(): TurnDecision {
    this.#endReplayedTurn(this.#pastIndex);
    this.#checkForeignAwait();
    this.#isActive = false;
    this.#past = [];
    this.#fresh = [];
    const actions = this.#actions;
    this.#actions = [];
    if (this.#end) {
      const unprocessed = [...this.mailbox.unconsumed(), ...this.#late];
      actions.push(completionOf(this.nextId(), this.#end, this.nextGeneration, unprocessed));
    }
    return {
      actions,
      notes: this.#notes,
      canceledTimers: this.#canceledTimers,
      canceledTasks: this.#canceledTasks,
      customStatus: this.customStatus,
    };
  }

  // ---- what operations and the context ask of the run

  nextId(): number {
    return ++this.#sequence;
  }

  take(action: OrchestratorAction, operation?: Operation): void {
    if (operation) this.#operations.set(action.id, operation);
    this.#expectations.noteCallSite(action.id);
    if (!this.isReplaying) {
      this.#actions.push(action);
      return;
    }
    const verdict = this.#expectations.check(action, this.instanceId);
    if (verdict.type === "mismatch") throw this.#mismatched(verdict.error);
    if (verdict.type === "unrecorded") {
      this.#actions.push(action);
      this.#unrecorded.set(action.id, callSite().callSite);
    } else if (verdict.type === "input" && this.#options.isStrict) {
      throw this.#mismatched(verdict.error);
    } else if (verdict.type === "input") {
      this.warn(
        `On replay step #${action.id} of '${this.instanceId}' has another input than the one recorded; the recorded result counts. The orchestrator may not be deterministic.`,
        { sequenceId: action.id },
      );
    }
  }

  await(requestId: string, operation: Operation): void {
    this.#requests.set(requestId, operation);
  }

  get criticalSection(): CriticalSection {
    this.#criticalSection ??= new CriticalSection(this);
    return this.#criticalSection;
  }

  withdrawTimer(id: number): void {
    this.#withdraw(id, this.#canceledTimers);
  }

  withdrawTask(id: number): void {
    this.#withdraw(id, this.#canceledTasks);
  }

  /** Takes back an action that is not committed yet; one that is becomes part of the turn's decision. */
  #withdraw(id: number, canceled: number[]): void {
    this.#operations.delete(id);
    this.#unrecorded.delete(id);
    const at = this.#indexOf(id);
    if (at >= 0) this.#actions.splice(at, 1);
    else if (!this.isReplaying) canceled.push(id);
  }

  /** Where an action stands among what the turn has decided; -1 when it is not there. */
  #indexOf(id: number): number {
    return this.#actions.findLastIndex((action) => action.id === id);
  }

  decode(text: string | undefined): unknown {
    return text === undefined ? undefined : this.ports.decode(text);
  }

  warn(message: string, fields: Record<string, unknown>): void {
    this.ports.logger.warn(message, { instanceId: this.instanceId, ...fields });
  }

  askRetryHandler(
    retry: Extract<Retry, (...args: never) => unknown>,
    attempt: number,
    failure: FailureDetails,
    elapsedMs: number,
  ): unknown {
    if (!this.#context) return false;
    return retry({
      orchestrationContext: this.#context,
      lastAttemptNumber: attempt,
      lastFailure: failure,
      totalRetryTimeMs: elapsedMs,
    });
  }

  note(data: string): void {
    this.#notes.push({ type: "GenericEvent", eventId: -1, timestamp: new Date(this.nowMs), data });
  }

  /** Refuses calls of user code that come at the wrong time. */
  checkActive(method: string): void {
    if (this.mismatch) throw this.mismatch;
    if (this.#isActive) return;
    const error = callOutsideTurn(this.instanceId, `ctx.${method} was called`);
    this.#violate(error);
    throw error;
  }

  awaits(): void {
    if (!this.#isActive) this.#violate(callOutsideTurn(this.instanceId, "A task was awaited"));
  }

  // ---- what the program reports

  succeeded(value: unknown): void {
    if (this.#isStopped) return;
    if (!this.#isActive) {
      this.#violate(foreignAwait(this.instanceId));
      return;
    }
    try {
      const result = this.nextGeneration ? undefined : this.ports.encodeOutput(this.#definition, value);
      if (typeof result === "object") this.#endLater(result);
      else this.#end = { status: "completed", result };
    } catch (error) {
      this.failed(error);
    }
  }

  failed(error: unknown): void {
    if (this.mismatch || this.#end?.status === "failed") return;
    if (!this.#isActive) this.#violate(error instanceof OrchestratorRuleError ? error : foreignAwait(this.instanceId));
    else this.#end = { status: "failed", failure: failureFrom(error) };
  }

  // ---- events

  get #isStopped(): boolean {
    return this.#end !== undefined || this.mismatch !== undefined;
  }

  get #definition(): OrchestratorDefinition | undefined {
    return this.started && this.ports.orchestrator(this.started.name, this.started.version ?? "");
  }

  /** Facts about the whole history that its replay must know from the start. */
  #foresee(event: HistoryEvent): void {
    if (event.type === "ExecutionRewound") this.#isRewound = true;
    if (event.type === "GenericEvent" && event.data?.startsWith(PATCH_NOTE))
      this.patches.set(event.data.slice(PATCH_NOTE.length), true);
  }

  #next(): HistoryEvent | undefined {
    const released = this.#released.shift();
    if (released) return released;
    if (this.#pastIndex < this.#past.length) {
      this.isReplaying = true;
      return this.#past[this.#pastIndex++];
    }
    this.isReplaying = false;
    return this.#fresh[this.#freshIndex++];
  }

  #deliver(event: HistoryEvent): void {
    if (event.type === "OrchestratorStarted") {
      this.#startTurn(event.timestamp.getTime());
      return;
    }
    if (this.#isSuspended && event.type !== "ExecutionSuspended" && event.type !== "ExecutionResumed") {
      this.#held.push(event);
      return;
    }
    if (this.#end) {
      if (isCarried(event)) this.#late.push(event);
      return;
    }
    try {
      this.#apply(event);
    } catch (error) {
      // A retry that the history did not record is found here, outside user code.
      if (error !== this.mismatch) throw error;
    }
    if (!this.#isStopped) this.#program?.resume();
  }

  #apply(event: HistoryEvent): void {
    switch (event.type) {
      case "ExecutionStarted":
        this.#start(event);
        break;
      case "TaskCompleted":
      case "SubOrchestrationInstanceCompleted":
        this.#settle(event.taskScheduledId)?.completed?.(event.result);
        break;
      case "TaskFailed":
        this.#settle(event.taskScheduledId)?.failed?.(event.failureDetails, event.lastHeartbeat);
        break;
      case "SubOrchestrationInstanceFailed":
        this.#settle(event.taskScheduledId)?.failed?.(event.failureDetails);
        break;
      case "TimerFired":
        this.#settle(event.timerId)?.fired?.();
        break;
      case "EventRaised":
        this.mailbox.raise(event);
        break;
      case "EntityOperationCompleted":
        this.#answer(event.requestId)?.completed?.(event.output);
        break;
      case "EntityOperationFailed":
        this.#answer(event.requestId)?.failed?.(event.failureDetails);
        break;
      case "EntityLockGranted":
        this.#answer(event.criticalSectionId)?.completed?.(undefined);
        break;
      case "ExecutionSuspended":
        this.#isSuspended = true;
        break;
      case "ExecutionResumed":
        this.#isSuspended = false;
        this.#released.push(...this.#held.splice(0));
        break;
      default:
        // Actions were compared when the turn began; everything else is for readers of the history.
        break;
    }
  }

  #startTurn(nowMs: number): void {
    this.#endReplayedTurn(this.#pastIndex - (this.isReplaying ? 1 : 0));
    this.nowMs = nowMs;
    if (!this.isReplaying || this.mismatch) return;
    this.#expectations.expectTurn(this.#past, this.#pastIndex - 1);
    this.#recordRewound();
  }

  /** Steps that a rewind took out of the history stand again where they were taken anew. */
  #recordRewound(): void {
    for (const id of this.#unrecorded.keys()) {
      const at = this.#indexOf(id);
      const action = this.#actions[at];
      if (!action || this.#expectations.check(action, this.instanceId).type === "unrecorded") continue;
      this.#actions.splice(at, 1);
      this.#unrecorded.delete(id);
    }
  }

  #start(event: ExecutionStartedEvent): void {
    this.started = event;
    const definition = this.#definition;
    if (!definition) {
      this.failed(new FunctionNotRegisteredError("orchestrator", event.name, event.version));
      return;
    }
    const context = new ReplayContext(this, event);
    this.#context = context;
    this.#program = startProgram(() => definition.run(context, this.decode(event.input) as never), this);
  }

  #settle(id: number): Operation | undefined {
    const operation = this.#operations.get(id);
    this.#operations.delete(id);
    return operation;
  }

  #answer(requestId: string): Operation | undefined {
    const operation = this.#requests.get(requestId);
    this.#requests.delete(requestId);
    return operation;
  }

  /** At the end of a replayed turn code and history must have taken the same steps. */
  #endReplayedTurn(eventIndex: number): void {
    if (this.mismatch) return;
    const leftOver = this.#expectations.leftOver(this.instanceId);
    if (leftOver) {
      this.#mismatched(leftOver);
      return;
    }
    if (this.#isRewound) return;
    for (const [id, site] of this.#unrecorded) {
      const action = this.#actions[this.#indexOf(id)];
      if (action) {
        this.#mismatched(unrecordedStep(action, this.instanceId, eventIndex, site));
        return;
      }
    }
  }

  #checkForeignAwait(): void {
    if (this.#isStopped || this.#isSuspended || !this.started || this.#program?.isWaiting || this.awaitedCount > 0)
      return;
    this.failed(foreignAwait(this.instanceId));
  }

  /** The output's schema answers with a promise: the end comes with it, still within the turn. */
  #endLater(result: Promise<string | undefined>): void {
    this.hasWoken = true;
    result.then(
      (text) => {
        if (this.#isStopped) return;
        if (this.#isActive) this.#end = { status: "completed", result: text };
        else this.#violate(foreignAwait(this.instanceId));
      },
      (error) => this.failed(error),
    );
  }

  #violate(error: OrchestratorRuleError): void {
    if (this.#violation || this.#isStopped) return;
    this.#violation = error;
    this.#options.onViolation();
  }

  #mismatched(error: NonDeterminismError): NonDeterminismError {
    this.mismatch = error;
    return error;
  }
}
