/** How far an order has come: the custom status of its orchestration. */
import type { OrchestrationContext } from "holdfast";
import { type Order, orderTotalMinor } from "./order.ts";

/** The steps on the way, in order. An order up to the approval limit skips `awaitingApproval`. */
export const FORWARD_STEPS = ["reserving", "awaitingApproval", "charging", "shipping", "invoicing"] as const;
export type ForwardStep = (typeof FORWARD_STEPS)[number];
/** Where an order can be: on its way, on its way back, or at one of its three ends. */
export type OrderStep = ForwardStep | "undoing" | "fulfilled" | "rejected" | "failed";

/** Who can approve: first the approver; when nobody answered, the supervisor. */
export type Approver = "approver" | "supervisor";

/** What clients see while an order is processed, and after. Plain JSON. */
export interface OrderProgress {
  readonly step: OrderStep;
  /** The step in one sentence. */
  readonly message: string;
  readonly totalMinor: number;
  readonly currency: string;
  /** Whose answer the order waits for, and until when (ISO text). */
  readonly approval?: { readonly approver: Approver; readonly until: string };
  /** The step that failed or was refused, once the order turns back. */
  readonly stoppedAt?: ForwardStep;
  /** What was undone so far, in the order in which it happened. */
  readonly undone?: readonly string[];
}

type Details = Pick<OrderProgress, "approval" | "undone">;

/** Reports the steps of one order as its custom status, and remembers how far it came. */
export class ProgressReport {
  readonly #ctx: OrchestrationContext;
  readonly #order: Order;
  #reached: ForwardStep = "reserving";

  constructor(ctx: OrchestrationContext, order: Order) {
    this.#ctx = ctx;
    this.#order = order;
  }

  /** The last step on the way that was begun. */
  get reached(): ForwardStep {
    return this.#reached;
  }

  /** The order begins a step on its way. */
  forward(step: ForwardStep, message: string, details: Details = {}): void {
    this.#reached = step;
    this.#set({ step, message, ...details });
  }

  /** The order has all it wanted. */
  fulfilled(message: string): void {
    this.#set({ step: "fulfilled", message });
  }

  /** The order turns back, or has come back. */
  back(step: "undoing" | "rejected" | "failed", message: string, undone: readonly string[]): void {
    this.#set({ step, message, stoppedAt: this.#reached, undone: [...undone] });
  }

  #set(progress: Omit<OrderProgress, "totalMinor" | "currency">): void {
    const { currency } = this.#order;
    const status: OrderProgress = { ...progress, totalMinor: orderTotalMinor(this.#order), currency };
    this.#ctx.setCustomStatus(status);
  }
}
