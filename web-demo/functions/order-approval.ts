/** The approval of an order above the limit: one approver, then the supervisor, then a rejection. */
import { type OrchestrationContext, TimeoutError } from "holdfast";
import { APPROVAL_EVENT, APPROVAL_WAIT_MS, type Approval, type Order } from "./order.ts";
import type { Approver, ProgressReport } from "./order-progress.ts";
import { escalateApproval } from "./order-services.ts";

/**
 * Waits for the answer of an approver. Nobody answers in time: the supervisor is told, and has as long again; then the order is rejected.
 * An event that is not an `Approval` is logged and passed over; it does not extend the time.
 */
export async function waitForApproval(
  ctx: OrchestrationContext,
  order: Order,
  progress: ProgressReport,
): Promise<Approval> {
  const first = await answerOf("approver", ctx, order, progress);
  if (first !== undefined) return first;
  await ctx.callActivity(escalateApproval, order);
  const second = await answerOf("supervisor", ctx, order, progress);
  if (second !== undefined) return second;
  return { approved: false, by: "the deadline", comment: "neither the approver nor the supervisor answered in time" };
}

/** The answer of one approver, or `undefined` when time ran out. */
async function answerOf(
  approver: Approver,
  ctx: OrchestrationContext,
  order: Order,
  progress: ProgressReport,
): Promise<Approval | undefined> {
  const untilMs = ctx.currentUtcDateTime.getTime() + (order.approvalWaitMs ?? APPROVAL_WAIT_MS);
  const until = new Date(untilMs).toISOString();
  progress.forward("awaitingApproval", `Waiting for the ${approver} to decide`, { approval: { approver, until } });
  for (;;) {
    const timeout = Math.max(0, untilMs - ctx.currentUtcDateTime.getTime());
    try {
      const answer = await ctx.waitForExternalEvent(APPROVAL_EVENT, { timeout });
      if (isApproval(answer)) return answer;
      ctx.log.warn(`${APPROVAL_EVENT} must be { approved, by, comment? }; what came was passed over.`, { answer });
    } catch (error) {
      if (error instanceof TimeoutError) return undefined;
      throw error;
    }
  }
}

function isApproval(value: unknown): value is Approval {
  if (typeof value !== "object" || value === null) return false;
  const { approved, by, comment } = value as Partial<Record<keyof Approval, unknown>>;
  return (
    typeof approved === "boolean" && typeof by === "string" && (comment === undefined || typeof comment === "string")
  );
}
