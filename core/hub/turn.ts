/** One turn of an orchestrator: the waiting events of an instance, run over its live or replayed code. */
import type { NonDeterminismError, VersionMismatchError } from "../errors.ts";
import { failureFrom } from "../failure.ts";
import type { CompleteOrchestrationAction, TurnDecision } from "../history/actions.ts";
import type { ExecutionTerminatedEvent, HistoryEvent } from "../history/events.ts";
import type { OrchestratorRun } from "../replay/run.ts";
import { DeterminismCheck } from "./determinism-check.ts";
import type { LiveInstance } from "./live-instance.ts";
import type { Message } from "./message.ts";

export class Turn {
  readonly live: LiveInstance;
  readonly messages: readonly Message[];
  /** The turn's own events, `OrchestratorStarted` first. */
  readonly fresh: readonly HistoryEvent[];
  readonly now: Date;
  readonly termination: ExecutionTerminatedEvent | undefined;
  /** Why the instance must not run; it fails with it. */
  readonly #refusal: VersionMismatchError | undefined;
  #decision: TurnDecision | undefined;
  #check: DeterminismCheck | undefined;

  constructor(
    live: LiveInstance,
    messages: readonly Message[],
    events: readonly HistoryEvent[],
    now: Date,
    refusal: VersionMismatchError | undefined,
  ) {
    this.live = live;
    this.messages = messages;
    this.now = now;
    this.fresh = [{ type: "OrchestratorStarted", eventId: -1, timestamp: now }, ...events];
    this.termination = events.find((event) => event.type === "ExecutionTerminated");
    this.#refusal = refusal;
  }

  /** How code and history differ, once they do. */
  get mismatch(): NonDeterminismError | undefined {
    return this.live.run?.mismatch ?? this.#check?.mismatch;
  }

  begin(newRun: () => OrchestratorRun): void {
    if (this.termination || this.#refusal) return;
    const { live } = this;
    const past = live.past ?? [];
    live.past = undefined;
    if (live.run) live.run.begin([], this.fresh);
    else {
      live.run = newRun();
      live.run.begin(past, this.fresh);
    }
  }

  /** Goes on; true when the microtask queue must run empty first. An instance that is terminated or refused runs no code. */
  step(): boolean {
    if (this.#check) return this.#check.step();
    return this.termination || this.#refusal ? false : (this.live.run?.step() ?? false);
  }

  /** Runs the turn once more from scratch, to compare; false when there is nothing to compare or it has been done. */
  beginCheck(history: readonly HistoryEvent[], newRun: (isStrict: boolean) => OrchestratorRun): boolean {
    if (this.#check || this.termination || this.#refusal) return false;
    this.#check = new DeterminismCheck(newRun(true), [...history, ...this.fresh], this.finish(), this.now);
    return true;
  }

  finish(): TurnDecision {
    this.#decision ??= this.#decide();
    return this.#decision;
  }

  #decide(): TurnDecision {
    if (this.termination)
      return this.#ended({
        status: "ORCHESTRATION_STATUS_TERMINATED",
        ...(this.termination.input !== undefined && { result: this.termination.input }),
      });
    if (this.#refusal)
      return this.#ended({
        status: "ORCHESTRATION_STATUS_FAILED",
        failure: { ...failureFrom(this.#refusal), isNonRetriable: true },
      });
    return (this.live.run as OrchestratorRun).finish();
  }

  #ended(end: Omit<CompleteOrchestrationAction, "kind" | "id">): TurnDecision {
    const lastId =
      this.live.run?.sequence ?? (this.live.past ?? []).reduce((max, event) => Math.max(max, event.eventId), 0);
    return {
      actions: [{ kind: "completeOrchestration", id: lastId + 1, ...end }],
      notes: [],
      canceledTimers: [],
      canceledTasks: [],
      customStatus: this.live.record?.customStatus,
    };
  }
}
