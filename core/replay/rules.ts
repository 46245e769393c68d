/** The rules of orchestrator code that replay depends on, as the errors that name them. */
import { OrchestratorRuleError } from "../errors.ts";

/** The code waits for something that is not durable. */
export function foreignAwait(instanceId: string): OrchestratorRuleError {
  return new OrchestratorRuleError(
    "foreignAwait",
    `The orchestration '${instanceId}' is neither finished nor waiting for anything durable: its code awaits something of its own (a timer of the host, fetch, a promise from elsewhere, or one that never settles). Such a wait cannot be replayed. Do the work in an activity, use ctx.createTimer for delays and ctx.waitForExternalEvent for signals.`,
  );
}

/** The code went on between two turns; `what` says what it did: "ctx.newGuid was called". */
export function callOutsideTurn(instanceId: string, what: string): OrchestratorRuleError {
  return new OrchestratorRuleError(
    "callOutsideTurn",
    `${what} outside a turn of the orchestration '${instanceId}': its code awaited something that is not durable (a timer of the host, fetch, a promise from elsewhere), or kept the context after it ended. Do such work in an activity and await ctx.callActivity.`,
  );
}
