/** Holds a stored history against today's code: would the instance it belongs to still replay? */
import { defaultCodec, type SyncCodec } from "../codec/codec.ts";
import type { FunctionDefinition, OrchestratorDefinition } from "../definition/definitions.ts";
import { InvalidArgumentError } from "../errors.ts";
import type { CompleteOrchestrationAction } from "../history/actions.ts";
import { type ExecutionCompletedEvent, type HistoryEvent, reviveEvents } from "../history/events.ts";
import { systemHost } from "../hub/host.ts";
import { runPorts } from "../hub/open-engine.ts";
import { Payloads } from "../hub/payloads.ts";
import { Registry } from "../hub/registry.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import { type Logger, silentLogger } from "../logger.ts";
import { otherOutcome } from "../replay/expectations.ts";
import { OrchestratorRun } from "../replay/run.ts";

export interface ReplayHistoryOptions {
  /** Definitions that the orchestrator calls by name, for their retry policies and schemas. */
  readonly functions?: readonly FunctionDefinition[];
  readonly codec?: SyncCodec;
  /** Hears of steps whose input differs from the recorded one. */
  readonly logger?: Logger;
}

/**
 * Replays a history (as `getOrchestrationHistory` gives it, or its JSON) through an orchestrator's code. Nothing is executed.
 * @throws NonDeterminismError when the code takes another step, or comes to another result, than the history recorded.
 * @throws InvalidArgumentError when the history does not begin with a start.
 */
export async function replayHistory<TInput, TOutput>(
  orchestrator: OrchestratorDefinition<TInput, TOutput>,
  history: readonly HistoryEvent[],
  options: ReplayHistoryOptions = {},
): Promise<void> {
  const events = reviveEvents(history.map((event) => ({ ...event })));
  const started = events.find((event) => event.type === "ExecutionStarted");
  if (!started)
    throw new InvalidArgumentError(
      "The history holds no ExecutionStarted event. Pass the whole history of one instance, oldest event first.",
    );
  const definition = { ...orchestrator, name: started.name, version: started.version ?? "" } as OrchestratorDefinition;
  const others = (options.functions ?? []).filter(
    (f) => f.kind !== "orchestrator" || f.name !== definition.name || f.version !== definition.version,
  );
  const registry = new Registry([definition, ...others]);
  const payloads = new Payloads(options.codec ?? defaultCodec, DEFAULT_LIMITS);
  const { instanceId } = started.orchestrationInstance;
  const ports = runPorts(registry, payloads, options.logger ?? silentLogger);
  const run = new OrchestratorRun(ports, { instanceId, isStrict: false, onViolation: () => {} });
  const host = systemHost();
  run.begin(untilTermination(events), []);
  while (run.step()) await new Promise<void>((resolve) => host.afterMicrotasks(resolve));
  const decision = run.finish();
  if (run.mismatch) throw run.mismatch;
  const completed = events.find((event) => event.type === "ExecutionCompleted");
  const completion = decision.actions.find((action) => action.kind === "completeOrchestration");
  compareOutcomes(instanceId, events, completed, completion);
}

/** The turn in which an instance is terminated runs no code, whatever else came with it. */
function untilTermination(events: readonly HistoryEvent[]): readonly HistoryEvent[] {
  const termination = events.findIndex((event) => event.type === "ExecutionTerminated");
  if (termination < 0) return events;
  return events.slice(
    0,
    events.findLastIndex((event, index) => index < termination && event.type === "OrchestratorStarted"),
  );
}

function compareOutcomes(
  instanceId: string,
  events: readonly HistoryEvent[],
  completed: ExecutionCompletedEvent | undefined,
  completion: CompleteOrchestrationAction | undefined,
): void {
  if (completed?.orchestrationStatus === "ORCHESTRATION_STATUS_TERMINATED") return;
  const recorded = completed
    ? words(completed.orchestrationStatus, completed.result, completed.failureDetails?.errorMessage)
    : "nothing: the orchestration had not ended";
  const taken = completion
    ? words(completion.status, completion.result, completion.failure?.errorMessage)
    : "nothing: the orchestration has not ended";
  if ((completed || completion) && recorded !== taken)
    throw otherOutcome(instanceId, completed ? events.indexOf(completed) : events.length, recorded, taken);
}

function words(status: string, result: string | undefined, failure: string | undefined): string {
  return `the end of the orchestration (${status}) with ${failure === undefined ? `the result ${result ?? "undefined"}` : `the failure '${failure}'`}`;
}
