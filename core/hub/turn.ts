/** One turn of an orchestrator: the waiting events of an instance, run over its live or replayed code. */
import type { NonDeterminismError, VersionMismatchError } from "../errors.ts";
import { failureFrom } from "../failure.ts";
import type { CompleteOrchestrationAction, TurnDecision } from "../history/actions.ts";
import type { ExecutionTerminatedEvent, HistoryEvent } from "../history/events.ts";
import type { OrchestratorRun } from "../replay/run.ts";
import { DeterminismCheck } from "./determinism-check.ts";
import type { LiveInstance } from "./live-instance.ts";
import type { Message } from "./message.ts";
import { rewoundHistories } from "./rewind.ts";

export class Turn {
  readonly live: LiveInstance;
  readonly messages: readonly Message[];
  /** The turn's own events, `OrchestratorStarted` first. */
  readonly fresh: readonly HistoryEvent[];
  readonly now: Date;
  readonly termination: ExecutionTerminatedEvent | undefined;
  /** True when the instance goes on from a history that was taken apart; see `past`. */
  readonly isRewind: boolean;
  /** Why the instance must not run; it fails with it. */
  readonly #refusal: VersionMismatchError | undefined;
  #decision: TurnDecision | undefined;
  #check: DeterminismCheck | undefined;
  /** Histories that a rewind can go on from, best first; the first is the one being tried. */
  readonly #pasts: (readonly HistoryEvent[])[];

  constructor(
    live: LiveInstance,
    messages: readonly Message[],
    fresh: readonly HistoryEvent[],
    now: Date,
    refusal: VersionMismatchError | undefined,
  ) {
    this.live = live;
    this.messages = messages;
    this.now = now;
    this.fresh = fresh;
    this.termination = fresh.find((event) => event.type === "ExecutionTerminated");
    this.#refusal = refusal;
    this.isRewind = fresh.some((event) => event.type === "ExecutionRewound");
    this.#pasts = this.isRewind ? rewoundHistories(live.past ?? []) : [live.past ?? []];
  }

  /** The recorded history that the turn goes on from; empty for a live orchestrator. */
  get past(): readonly HistoryEvent[] {
    return this.#pasts[0] ?? [];
  }

  /** The highest id that an action has, recorded or taken. */
  get lastId(): number {
    return this.past.reduce((max, event) => Math.max(max, event.eventId), this.live.run?.sequence ?? 0);
  }

  /** How code and history differ, once they do. */
  get mismatch(): NonDeterminismError | undefined {
    return this.live.run?.mismatch ?? this.#check?.mismatch;
  }

  begin(newRun: () => OrchestratorRun): void {
    if (this.termination || this.#refusal) return;
    const { live } = this;
    live.past = undefined;
    if (live.run && !this.isRewind) live.run.begin([], this.fresh);
    else {
      live.run = newRun();
      live.run.begin(this.past, this.fresh);
    }
  }

  /** Takes the next history that a rewind can go on from, if the one before does not fit the code; false when there is none. */
  tryNextPast(newRun: () => OrchestratorRun): boolean {
    if (!this.isRewind || !this.live.run?.mismatch || this.#pasts.length < 2) return false;
    this.#pasts.shift();
    this.begin(newRun);
    return true;
  }

  /** Goes on; true when the microtask queue must run empty first. An instance that is terminated or refused runs no code. */
  step(): boolean {
    if (this.#check) return this.#check.step();
    return this.termination || this.#refusal ? false : (this.live.run?.step() ?? false);
  }

  /** Runs the turn once more from scratch, to compare; false when there is nothing to compare or it has been done. */
  beginCheck(history: readonly HistoryEvent[], newRun: () => OrchestratorRun): boolean {
    if (this.#check || this.termination || this.#refusal) return false;
    this.#check = new DeterminismCheck(newRun(), [...history, ...this.fresh], this.finish(), this.now);
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
    return {
      actions: [{ kind: "completeOrchestration", id: this.lastId + 1, ...end }],
      notes: [],
      canceledTimers: [],
      canceledTasks: [],
      customStatus: this.live.record?.customStatus,
    };
  }
}
