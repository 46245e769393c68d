/**
 * Holds replayed code against its recorded history: every recorded action must be taken again in the same turn, with the same kind, name and id.
 * Source of the rules: Durable Task non-determinism checks, and beyond them: extra steps, steps of another turn, and inputs (as a warning).
 */
import { NonDeterminismError, type NonDeterminismReport } from "../errors.ts";
import type { OrchestratorAction } from "../history/actions.ts";
import type { ActionEvent, HistoryEvent } from "../history/events.ts";
import { SparseMap } from "../sparse-map.ts";
import { unreachable } from "../unreachable.ts";

/** A recorded action that the code has yet to take, and where in the history it stands. */
interface Expected {
  readonly event: ActionEvent;
  readonly eventIndex: number;
}

/** How one replayed action compares with what was recorded. */
export type Verdict =
  | { readonly type: "same" }
  | { readonly type: "input"; readonly error: NonDeterminismError }
  | { readonly type: "unrecorded" }
  | { readonly type: "mismatch"; readonly error: NonDeterminismError };

export class Expectations {
  readonly #open = new SparseMap<number, Expected>();
  readonly #isStrict: boolean;
  readonly #callSites: SparseMap<number, string> | undefined;

  constructor(isStrict: boolean, callSites: SparseMap<number, string> | undefined) {
    this.#isStrict = isStrict;
    this.#callSites = callSites;
  }

  /** Notes where user code takes a step, for the strict run that will be held against this one. */
  noteCallSite(id: number): void {
    if (this.#isStrict || !this.#callSites) return;
    const { callSite: site } = callSite();
    if (site !== undefined) this.#callSites.set(id, site);
  }

  /** Takes up the recorded actions of the turn that begins at `start` in the history. */
  expectTurn(history: readonly HistoryEvent[], start: number): void {
    for (let index = start + 1; index < history.length; index++) {
      const event = history[index] as HistoryEvent;
      if (event.type === "OrchestratorStarted") return;
      if (isActionEvent(event)) this.#open.set(event.eventId, { event, eventIndex: index });
    }
  }

  /** Compares an action the code takes during replay with the recorded one of its id. */
  check(action: OrchestratorAction, instanceId: string): Verdict {
    const expected = this.#open.get(action.id);
    if (!expected) return { type: "unrecorded" };
    this.#open.delete(action.id);
    const { event, eventIndex } = expected;
    const recorded = describeEvent(event);
    const taken = describeAction(action);
    const differ = (was: string, is: string): NonDeterminismError =>
      mismatch(instanceId, {
        sequenceId: action.id,
        eventIndex,
        recorded: was,
        taken: is,
        ...callSite(),
        ...this.#recordedCallSite(action.id),
      });
    if (recorded !== taken) return { type: "mismatch", error: differ(recorded, taken) };
    const [was, is] = [inputOf(event), inputOfAction(action)];
    if (was === is) return { type: "same" };
    return {
      type: "input",
      error: differ(`${recorded} with ${was ?? "no input"}`, `${taken} with ${is ?? "no input"}`),
    };
  }

  /** The first recorded action that the code did not take, as an error; `undefined` when it took all. */
  leftOver(instanceId: string): NonDeterminismError | undefined {
    if (this.#open.size === 0) return undefined;
    const [next] = this.#open.values();
    if (!next) return undefined;
    const { event, eventIndex } = next;
    return mismatch(instanceId, {
      sequenceId: event.eventId,
      eventIndex,
      recorded: describeEvent(event),
      taken: "nothing: the code does not take this step here",
      ...this.#recordedCallSite(event.eventId),
    });
  }

  #recordedCallSite(id: number): { recordedCallSite?: string } {
    const site = this.#isStrict ? this.#callSites?.get(id) : undefined;
    return site === undefined ? {} : { recordedCallSite: site };
  }
}

/** The error for an action that the code takes where the history recorded none. */
export function unrecordedStep(
  action: OrchestratorAction,
  instanceId: string,
  eventIndex: number,
  site: string | undefined,
): NonDeterminismError {
  const report = {
    sequenceId: action.id,
    eventIndex,
    recorded: "nothing: the turn ended before this step",
    taken: describeAction(action),
  };
  return mismatch(instanceId, site === undefined ? report : { ...report, callSite: site });
}

/** The error for an orchestration that ended in another way than recorded. */
export function otherOutcome(
  instanceId: string,
  eventIndex: number,
  recorded: string,
  taken: string,
): NonDeterminismError {
  return mismatch(instanceId, { eventIndex, recorded, taken });
}

/** Stack frames of the engine itself, between user code and the check. Private methods may stand there without their class. */
const ENGINE_FRAME =
  /^\s*at #|\b(callSite|differ|mismatch|Expectations|OrchestratorRun|ReplayContext|CriticalSection|Proxy|\w+Task(Node)?)\b[.\s]/;

/** Where the engine gives control: below it there is no user code. A retry that falls due is taken by nobody above it. */
const ENTRY_FRAME = /\bOrchestratorRun\.step\b|\bnode:internal\b/;

/** The line of user code that is calling right now, when the host can tell. */
export function callSite(): { callSite?: string } {
  const lines = (new Error().stack ?? "").split("\n").slice(1);
  const line = lines.find((text) => ENTRY_FRAME.test(text) || !ENGINE_FRAME.test(text));
  return line && !ENTRY_FRAME.test(line) ? { callSite: line.trim().replace(/^at /, "") } : {};
}

function mismatch(instanceId: string, report: NonDeterminismReport): NonDeterminismError {
  const step = report.sequenceId === undefined ? "" : ` (sequence id ${report.sequenceId})`;
  const at = (site: string | undefined): string => (site === undefined ? "" : ` at ${site}`);
  return new NonDeterminismError(
    `The orchestrator's code no longer fits the history of '${instanceId}'. Event ${report.eventIndex ?? "?"} of the history recorded ${report.recorded}${step}${at(report.recordedCallSite)}; ` +
      `the code now takes: ${report.taken}${at(report.callSite)}. Either the code was changed while this instance was running, or it is not deterministic ` +
      "(clock, randomness, I/O or changing global state). Bring back the old path for running instances (ctx.patched, versions), or restart the instance.",
    report,
  );
}

function isActionEvent(event: HistoryEvent): event is ActionEvent {
  switch (event.type) {
    case "TaskScheduled":
    case "SubOrchestrationInstanceCreated":
    case "TimerCreated":
    case "EventSent":
    case "EntityOperationSignaled":
    case "EntityOperationCalled":
    case "EntityLockRequested":
    case "EntityUnlockSent":
      return true;
    default:
      return false;
  }
}

function describeEvent(event: ActionEvent): string {
  switch (event.type) {
    case "TaskScheduled":
      return `a call of activity '${event.name}'`;
    case "SubOrchestrationInstanceCreated":
      return `a call of sub-orchestrator '${event.name}'`;
    case "TimerCreated":
      return "a timer";
    case "EventSent":
      return `an event '${event.name}' sent to '${event.instanceId}'`;
    case "EntityOperationSignaled":
      return `a signal '${event.operation}' to entity '${event.targetInstanceId}'`;
    case "EntityOperationCalled":
      return `a call of '${event.operation}' on entity '${event.targetInstanceId}'`;
    case "EntityLockRequested":
      return `a lock of ${event.lockSet.join(", ")}`;
    case "EntityUnlockSent":
      return `a release of '${event.targetInstanceId}'`;
    default:
      return unreachable(event);
  }
}

/** An action in the same words as its recorded event. */
export function describeAction(action: OrchestratorAction): string {
  switch (action.kind) {
    case "scheduleTask":
      return `a call of activity '${action.name}'`;
    case "createSubOrchestration":
      return `a call of sub-orchestrator '${action.name}'`;
    case "createTimer":
      return "a timer";
    case "sendEvent":
      return `an event '${action.name}' sent to '${action.instanceId}'`;
    case "completeOrchestration":
      return `the end of the orchestration (${action.status})`;
    case "sendEntityMessage":
      switch (action.message.type) {
        case "signaled":
          return `a signal '${action.message.operation}' to entity '${action.message.targetInstanceId}'`;
        case "called":
          return `a call of '${action.message.operation}' on entity '${action.message.targetInstanceId}'`;
        case "lockRequested":
          return `a lock of ${action.message.lockSet.join(", ")}`;
        case "unlockSent":
          return `a release of '${action.message.targetInstanceId}'`;
        default:
          return unreachable(action.message);
      }
    default:
      return unreachable(action);
  }
}

/** What an action was given beside its kind and name, as text. */
function inputOf(event: ActionEvent): string | undefined {
  if (event.type === "TimerCreated") return event.fireAt.toISOString();
  return "input" in event ? event.input : undefined;
}

function inputOfAction(action: OrchestratorAction): string | undefined {
  if (action.kind === "createTimer") return new Date(action.fireAtMs).toISOString();
  if (action.kind === "sendEntityMessage") return "input" in action.message ? action.message.input : undefined;
  return "input" in action ? action.input : undefined;
}
