/**
 * The development check: a turn is run again from scratch over the history it has just made, with a clock that is off by a day and random
 * numbers of its own, and every step, input and result must come out the same. What depends on the time, on chance or on global state shows on the first run.
 */
import type { NonDeterminismError } from "../errors.ts";
import type { CompleteOrchestrationAction, TurnDecision } from "../history/actions.ts";
import type { HistoryEvent } from "../history/events.ts";
import { otherOutcome } from "../replay/expectations.ts";
import type { OrchestratorRun } from "../replay/run.ts";
import { eventOf } from "./outcome.ts";

export class DeterminismCheck {
  readonly #run: OrchestratorRun;
  readonly #decision: TurnDecision;
  readonly #eventCount: number;
  #restore: (() => void) | undefined;
  #isDone = false;
  mismatch: NonDeterminismError | undefined;

  /** `history`: everything up to and including the turn's own events; the events of its actions are added here. */
  constructor(run: OrchestratorRun, history: readonly HistoryEvent[], decision: TurnDecision, now: Date) {
    this.#run = run;
    this.#decision = decision;
    const events = [...history, ...decision.notes, ...decision.actions.map((action) => eventOf(action, now))];
    this.#eventCount = events.length;
    run.begin(events, []);
  }

  step(): boolean {
    this.#restore?.();
    this.#restore = shiftAmbient();
    if (this.#run.step()) return true;
    this.#restore();
    this.#restore = undefined;
    if (!this.#isDone) this.#compare(this.#run.finish());
    this.#isDone = true;
    return false;
  }

  #compare(again: TurnDecision): void {
    this.mismatch = this.#run.mismatch;
    const [recorded, taken] = [outcomeOf(this.#decision), outcomeOf(again)];
    if (!this.mismatch && recorded !== taken)
      this.mismatch = otherOutcome(this.#run.instanceId, this.#eventCount, recorded, taken);
  }
}

function outcomeOf(decision: TurnDecision): string {
  const end = decision.actions.find(
    (action): action is CompleteOrchestrationAction => action.kind === "completeOrchestration",
  );
  const status = `the custom status ${decision.customStatus ?? "(none)"}`;
  return end ? `${end.status} with ${end.result ?? end.failure?.errorMessage ?? "undefined"} and ${status}` : status;
}

/** How far the clock is off during a check, in ms: a day, an hour, a minute and a bit, so that every part of a date differs. */
const SHIFT_MS = 90_061_001;

/** Shifts what the platform tells of time; gives what undoes it. */
function shiftAmbient(): () => void {
  const OriginalDate = globalThis.Date;
  const now = (): number => OriginalDate.now() + SHIFT_MS;
  globalThis.Date = new Proxy(OriginalDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as object,
    apply: () => new OriginalDate(now()).toString(),
    get: (target, key) => (key === "now" ? now : (Reflect.get(target, key) as unknown)),
  });
  const originalNow = performance.now;
  performance.now = () => originalNow.call(performance) + SHIFT_MS;
  return () => {
    globalThis.Date = OriginalDate;
    performance.now = originalNow;
  };
}
