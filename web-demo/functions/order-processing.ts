/**
 * The processing of an order, from its lines to its receipt: stock, approval, payment, parcel, invoice. A saga: every step that books something
 * leaves behind how to undo it, and an order that cannot be fulfilled is undone in reverse before it ends.
 *
 * O1. Stock of all lines is reserved at once; everything after that happens in sequence.
 * O2. Whatever was booked is undone when the order is rejected or fails, the last booking first. One that cannot be undone does not keep the
 *     others from being undone; it is named in the outcome, for a person to look at.
 * O3. A rejected order completes with a `Rejection`; one that a service let down fails, with that service's error as the cause.
 */
import { defineOrchestrator, type OrchestrationContext, type Task, TaskFailedError } from "holdfast";
import {
  APPROVAL_LIMIT_MINOR,
  type Approval,
  lineTotalMinor,
  type Order,
  type OrderLine,
  orderSchema,
  orderTotalMinor,
} from "./order.ts";
import { waitForApproval } from "./order-approval.ts";
import { ProgressReport } from "./order-progress.ts";
import {
  chargePayment,
  recallShipment,
  refundPayment,
  releaseStock,
  reserveStock,
  sendInvoice,
  shipOrder,
} from "./order-services.ts";

/** What a fulfilled order ends with. */
export interface Receipt {
  readonly outcome: "fulfilled";
  readonly orderId: string;
  readonly customer: string;
  readonly currency: string;
  readonly lines: readonly (OrderLine & { readonly totalMinor: number; readonly reservationId: string })[];
  readonly totalMinor: number;
  /** Who approved it, when it was above the limit. */
  readonly approvedBy?: string;
  readonly chargeId: string;
  readonly trackingNumber: string;
  readonly invoiceNumber: string;
  readonly fulfilledAt: Date;
}

/** What a rejected order ends with. */
export interface Rejection {
  readonly outcome: "rejected";
  readonly orderId: string;
  readonly rejectedBy: string;
  readonly comment?: string;
  /** What was undone, in the order in which it happened. */
  readonly undone: readonly string[];
}

/** A booking, and how to take it back. */
interface Booking {
  readonly undoneText: string;
  readonly undo: () => Task<void>;
}

/** Processes one order. Input: an `Order`; output: a `Receipt` or a `Rejection`; custom status: an `OrderProgress`; event: an `Approval`. */
export const orderProcessing = defineOrchestrator({
  name: "orderProcessing",
  input: orderSchema,
  run: async (ctx, order): Promise<Receipt | Rejection> => {
    const progress = new ProgressReport(ctx, order);
    const bookings: Booking[] = [];
    try {
      return await fulfil(ctx, order, progress, bookings);
    } catch (error) {
      const reason = `Order ${order.id} failed while ${progress.reached}: ${reasonOf(error)}`;
      const undone = await undoAll(bookings, reason, progress);
      progress.back("failed", reason, undone);
      throw Object.assign(new Error(reason, { cause: error }), { name: "OrderFailedError", undone });
    }
  },
});

/** Takes the order forward, step by step; notes in `bookings` what would have to be undone. */
async function fulfil(
  ctx: OrchestrationContext,
  order: Order,
  progress: ProgressReport,
  bookings: Booking[],
): Promise<Receipt | Rejection> {
  const totalMinor = orderTotalMinor(order);
  progress.forward("reserving", `Reserving stock for ${order.lines.length} lines`);
  const reservationIds = await reserveLines(ctx, order, bookings);

  let approvedBy: string | undefined;
  if (totalMinor > APPROVAL_LIMIT_MINOR) {
    const answer = await waitForApproval(ctx, order, progress);
    if (!answer.approved) return reject(order, answer, progress, bookings);
    approvedBy = answer.by;
  }

  progress.forward("charging", `Charging the card of ${order.customer}`);
  const charge = await ctx.callActivity(chargePayment, order);
  bookings.push({ undoneText: `refunded ${charge.chargeId}`, undo: () => ctx.callActivity(refundPayment, charge) });

  progress.forward("shipping", "Handing the parcel to the courier");
  const shipment = await ctx.callActivity(shipOrder, order);
  const { trackingNumber } = shipment;
  bookings.push({ undoneText: `recalled ${trackingNumber}`, undo: () => ctx.callActivity(recallShipment, shipment) });

  progress.forward("invoicing", "Writing the invoice");
  const { invoiceNumber } = await ctx.callActivity(sendInvoice, order);

  progress.fulfilled(`On its way as ${trackingNumber}`);
  return {
    outcome: "fulfilled",
    orderId: order.id,
    customer: order.customer,
    currency: order.currency,
    lines: order.lines.map((line, index) => ({
      ...line,
      totalMinor: lineTotalMinor(line),
      reservationId: reservationIds[index] ?? "",
    })),
    totalMinor,
    ...(approvedBy !== undefined && { approvedBy }),
    chargeId: charge.chargeId,
    trackingNumber,
    invoiceNumber,
    fulfilledAt: ctx.currentUtcDateTime,
  };
}

/** Reserves all lines at once. When some are refused, the others are booked all the same, to be undone. */
async function reserveLines(ctx: OrchestrationContext, order: Order, bookings: Booking[]): Promise<string[]> {
  const outcomes = await Promise.allSettled(order.lines.map((line) => ctx.callActivity(reserveStock, line)));
  const reservationIds: string[] = [];
  const refusals: unknown[] = [];
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") {
      refusals.push(outcome.reason);
      continue;
    }
    const reservation = outcome.value;
    reservationIds.push(reservation.reservationId);
    bookings.push({
      undoneText: `released ${reservation.quantity} × ${reservation.sku}`,
      undo: () => ctx.callActivity(releaseStock, reservation),
    });
  }
  if (refusals.length > 0) throw new Error(refusals.map(reasonOf).join("; "), { cause: refusals[0] });
  return reservationIds;
}

async function reject(
  order: Order,
  answer: Approval,
  progress: ProgressReport,
  bookings: readonly Booking[],
): Promise<Rejection> {
  const reason = `Rejected by ${answer.by}${answer.comment === undefined ? "" : `: ${answer.comment}`}`;
  const undone = await undoAll(bookings, reason, progress);
  progress.back("rejected", reason, undone);
  return {
    outcome: "rejected",
    orderId: order.id,
    rejectedBy: answer.by,
    ...(answer.comment !== undefined && { comment: answer.comment }),
    undone,
  };
}

/** Undoes all bookings, the last one first (O2), and tells what became of each. Never throws. */
async function undoAll(bookings: readonly Booking[], reason: string, progress: ProgressReport): Promise<string[]> {
  const undone: string[] = [];
  for (const { undo, undoneText } of bookings.toReversed()) {
    progress.back("undoing", reason, undone);
    try {
      await undo();
      undone.push(undoneText);
    } catch (error) {
      undone.push(`NOT ${undoneText}: ${reasonOf(error)}`);
    }
  }
  return undone;
}

/** Why a service failed, in its own words. */
function reasonOf(error: unknown): string {
  return error instanceof TaskFailedError
    ? error.failure.errorMessage
    : error instanceof Error
      ? error.message
      : String(error);
}
