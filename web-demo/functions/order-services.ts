/**
 * The services an order needs, each behind one activity: a warehouse, a bank, a courier, a printer of invoices, and the people who approve.
 * They are simulations, with no state and no chance in them; `order.ts` says how an order asks for trouble.
 *
 * A1. Whatever a service books is named after `ctx.idempotencyKey`. The key is the same for every attempt and re-execution of one call, so a
 *     call that is carried out twice books the same thing under the same name, which is how real services recognise a repeat.
 * A2. Undoing is idempotent too, and undoing what is already undone succeeds.
 * A3. A refusal that no further attempt can change (sold out, declined) is a `NonRetriableError`; what may pass is a plain error.
 */
import { type ActivityContext, defineActivity, NonRetriableError, type RetryPolicy } from "holdfast";
import { lineTotalMinor, type Order, type OrderLine, orderTotalMinor } from "./order.ts";

/** For services that answer quickly or not at all: four attempts within seven seconds. */
export const QUICK_RETRY: RetryPolicy = { maxAttempts: 4, firstRetryInterval: { seconds: 1 }, backoffCoefficient: 2 };
/** For undoing: a promise to the customer, so it is tried for about two hours before a person has to look at it. */
export const PATIENT_RETRY: RetryPolicy = {
  maxAttempts: 12,
  firstRetryInterval: { seconds: 1 },
  backoffCoefficient: 3,
  maxRetryInterval: { minutes: 15 },
};

/** Stock that is held for an order. */
export interface Reservation {
  readonly reservationId: string;
  readonly sku: string;
  readonly quantity: number;
}

/** Money that was taken. */
export interface Charge {
  readonly chargeId: string;
  readonly amountMinor: number;
  readonly currency: string;
}

/** A parcel on its way. */
export interface Shipment {
  readonly trackingNumber: string;
  readonly pieces: number;
}

/** A bill with its lines. */
export interface Invoice {
  readonly invoiceNumber: string;
  readonly lines: readonly { readonly sku: string; readonly quantity: number; readonly amountMinor: number }[];
  readonly totalMinor: number;
  readonly currency: string;
}

/** The name of what a call books, such as `RSV-1F0C92B7` (A1). */
function bookingName(prefix: string, ctx: ActivityContext): string {
  // FNV-1a over the characters of the key: short, and the same in every runtime.
  let hash = 0x811c9dc5;
  for (const character of ctx.idempotencyKey) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  return `${prefix}-${(hash >>> 0).toString(16).toUpperCase().padStart(8, "0")}`;
}

/** Holds the stock of one line. Fails for good when the shelf is empty. */
export const reserveStock = defineActivity({
  name: "reserveStock",
  retry: QUICK_RETRY,
  run(ctx, line: OrderLine): Reservation {
    if (line.sku.startsWith("sold-out")) throw new NonRetriableError(`"${line.sku}" is sold out`);
    return { reservationId: bookingName("RSV", ctx), sku: line.sku, quantity: line.quantity };
  },
});

/** Puts held stock back on the shelf. */
export const releaseStock = defineActivity({
  name: "releaseStock",
  retry: PATIENT_RETRY,
  run(ctx, reservation: Reservation): void {
    ctx.log.info(`Released ${reservation.quantity} × ${reservation.sku}`, { reservationId: reservation.reservationId });
  },
});

/** Takes the money. Fails for good when the bank declines. */
export const chargePayment = defineActivity({
  name: "chargePayment",
  retry: QUICK_RETRY,
  run(ctx, order: Order): Charge {
    if (order.card === "declined") throw new NonRetriableError(`the card of ${order.customer} was declined`);
    return { chargeId: bookingName("CHG", ctx), amountMinor: orderTotalMinor(order), currency: order.currency };
  },
});

/** Gives the money back. */
export const refundPayment = defineActivity({
  name: "refundPayment",
  retry: PATIENT_RETRY,
  run(ctx, charge: Charge): void {
    ctx.log.info(`Refunded ${charge.amountMinor} ${charge.currency} in minor units`, { chargeId: charge.chargeId });
  },
});

/** How many attempts a flaky courier lets down before it takes the parcel. */
const FLAKY_COURIER_FAILURES = 2;

/** Hands the parcel to the courier. */
export const shipOrder = defineActivity({
  name: "shipOrder",
  retry: QUICK_RETRY,
  timeoutMs: 30_000,
  run(ctx, order: Order): Shipment {
    const isDown =
      order.courier === "unreachable" || (order.courier === "flaky" && ctx.attempt <= FLAKY_COURIER_FAILURES);
    if (isDown) throw new Error(`the courier did not answer (attempt ${ctx.attempt})`);
    const pieces = order.lines.reduce((sum, line) => sum + line.quantity, 0);
    return { trackingNumber: bookingName("TRK", ctx), pieces };
  },
});

/** Calls the parcel back. */
export const recallShipment = defineActivity({
  name: "recallShipment",
  retry: PATIENT_RETRY,
  run(ctx, shipment: Shipment): void {
    ctx.log.info(`Recalled ${shipment.trackingNumber}`);
  },
});

/** Writes the invoice. */
export const sendInvoice = defineActivity({
  name: "sendInvoice",
  retry: QUICK_RETRY,
  run(ctx, order: Order): Invoice {
    return {
      invoiceNumber: bookingName("INV", ctx),
      lines: order.lines.map((line) => ({ sku: line.sku, quantity: line.quantity, amountMinor: lineTotalMinor(line) })),
      totalMinor: orderTotalMinor(order),
      currency: order.currency,
    };
  },
});

/** Tells the supervisor that an order waits, and that nobody has answered so far. */
export const escalateApproval = defineActivity({
  name: "escalateApproval",
  retry: QUICK_RETRY,
  run(ctx, order: Order): void {
    ctx.log.info(`Asked the supervisor to approve ${order.id}`, { totalMinor: orderTotalMinor(order) });
  },
});
