/** Children that cannot be started, or cannot go on when their parent was rewound. */
import { FunctionNotRegisteredError, type HoldfastError } from "../errors.ts";
import { failureFrom } from "../failure.ts";
import type { HistoryEvent, ParentInstance } from "../history/events.ts";
import type { EnginePorts } from "./engine-ports.ts";

/** The parent hears of it as of a failure. */
export function refuseChild(
  name: string,
  parent: ParentInstance,
  error: HoldfastError,
  timestamp: Date,
  ports: EnginePorts,
): void {
  const unregistered = error instanceof FunctionNotRegisteredError ? { unregistered: name } : {};
  const failed: HistoryEvent = {
    type: "SubOrchestrationInstanceFailed",
    eventId: -1,
    timestamp,
    taskScheduledId: parent.taskScheduledId,
    failureDetails: { ...failureFrom(error), isNonRetriable: true, properties: { code: error.code, ...unregistered } },
  };
  ports.promise(parent.instanceId, { kind: "event", event: failed, executionId: parent.executionId, isPromised: true });
}
