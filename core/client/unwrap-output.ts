import { InvalidInstanceStateError, OrchestrationFailedError } from "../errors.ts";
import { failureDetails } from "../failure.ts";
import type { OrchestrationState } from "./client.ts";

/**
 * The output of a completed orchestration.
 * @throws OrchestrationFailedError when it failed or was terminated, InvalidInstanceStateError while it has not finished.
 */
export function unwrapOutput<TOutput>(state: OrchestrationState<TOutput>): TOutput {
  switch (state.runtimeStatus) {
    case "Completed":
      return state.output as TOutput;
    case "Failed":
    case "Terminated":
    case "Canceled": {
      const failure =
        state.failure ??
        failureDetails({
          errorType: "OrchestrationTerminatedError",
          errorMessage: `It was ${state.runtimeStatus.toLowerCase()}.`,
        });
      throw new OrchestrationFailedError(
        `The orchestration '${state.instanceId}' (${state.name}) ended as ${state.runtimeStatus}: ${failure.errorMessage}`,
        failure,
      );
    }
    default:
      throw new InvalidInstanceStateError(
        `The orchestration '${state.instanceId}' is ${state.runtimeStatus}, so it has no output yet. Wait with waitForOrchestrationCompletion.`,
      );
  }
}
