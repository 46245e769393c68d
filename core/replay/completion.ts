/** How a generation of an orchestration ends, as the action that says so. */
import type { FailureData } from "../failure.ts";
import type { CarriedEvent, CompleteOrchestrationAction } from "../history/actions.ts";

/** What `continueAsNew` asked for. */
export interface NextGeneration {
  readonly input: string | undefined;
  readonly keepsEvents: boolean;
  readonly newVersion: string | undefined;
}

/** How the orchestrator's code ended. */
export type End =
  | { readonly status: "completed"; readonly result: string | undefined }
  | { readonly status: "failed"; readonly failure: FailureData };

/** `unprocessed`: what came and was not used, oldest first. A suspension among it holds the next generation, whatever becomes of the events. */
export function completionOf(
  id: number,
  end: End,
  next: NextGeneration | undefined,
  unprocessed: readonly CarriedEvent[],
): CompleteOrchestrationAction {
  if (end.status === "failed")
    return { kind: "completeOrchestration", id, status: "ORCHESTRATION_STATUS_FAILED", failure: end.failure };
  if (!next)
    return {
      kind: "completeOrchestration",
      id,
      status: "ORCHESTRATION_STATUS_COMPLETED",
      ...(end.result !== undefined && { result: end.result }),
    };
  return {
    kind: "completeOrchestration",
    id,
    status: "ORCHESTRATION_STATUS_CONTINUED_AS_NEW",
    ...(next.input !== undefined && { result: next.input }),
    ...(next.newVersion !== undefined && { newVersion: next.newVersion }),
    carryover: next.keepsEvents ? unprocessed : unprocessed.filter((event) => event.type !== "EventRaised"),
  };
}
