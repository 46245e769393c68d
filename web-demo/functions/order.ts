/**
 * An order: what it is made of, what it adds up to, and what is wrong with it. Plain data and pure functions, shared by the orchestration
 * and by the page that shows it.
 *
 * M1. Money is an integer number of minor units (cents, pence; whole yen) of the order's own currency.
 *
 * An order can ask for trouble, so that every path can be seen and tested without chance:
 *
 * | in the order | what happens |
 * |---|---|
 * | a line whose `sku` starts with `sold-out` | the warehouse refuses that line, and is not asked again |
 * | `card: "declined"` | the bank refuses the charge, and is not asked again |
 * | `courier: "flaky"` | the courier fails twice, and takes the parcel at the third attempt |
 * | `courier: "unreachable"` | the courier fails at every attempt |
 * | `approvalWaitMs` | how long each approver has, instead of a day |
 */
import type { StandardSchema } from "holdfast";

/** One line of an order. */
export interface OrderLine {
  readonly sku: string;
  /** Pieces; an integer of at least 1. */
  readonly quantity: number;
  /** Price of one piece in minor units. */
  readonly unitPriceMinor: number;
}

/** What a customer orders. */
export interface Order {
  /** Letters, digits, `-`, `_` and `.`: it serves as the id of the orchestration instance too. */
  readonly id: string;
  readonly customer: string;
  /** Three capital letters, as in ISO 4217. */
  readonly currency: string;
  readonly lines: readonly OrderLine[];
  /** How the bank treats the charge; `"valid"` unless given. */
  readonly card?: "valid" | "declined";
  /** How the courier treats the parcel; `"steady"` unless given. */
  readonly courier?: "steady" | "flaky" | "unreachable";
  /** How long each approver has to answer, in ms; a day unless given. */
  readonly approvalWaitMs?: number;
}

/** Name of the event that an approver answers with. */
export const APPROVAL_EVENT = "Approval";

/** What the event carries. */
export interface Approval {
  readonly approved: boolean;
  /** Who decided. */
  readonly by: string;
  readonly comment?: string;
}

/** Orders above this total need an approval: 1,000.00 of a currency with cents. */
export const APPROVAL_LIMIT_MINOR = 100_000;
/** How long each approver has to answer unless the order says otherwise: one day. */
export const APPROVAL_WAIT_MS = 86_400_000;

/** Bounds of an order. They keep every total far inside the integers a number holds exactly. */
export const ORDER_BOUNDS = {
  textCharsMax: 100,
  linesMax: 50,
  quantityMax: 1_000,
  unitPriceMinorMax: 100_000_000,
  approvalWaitMsMax: 30 * APPROVAL_WAIT_MS,
} as const;

/** What is wrong with an order, and where. */
export interface OrderIssue {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What a line costs, in minor units. */
export function lineTotalMinor(line: OrderLine): number {
  return line.quantity * line.unitPriceMinor;
}

/** What an order costs, in minor units. */
export function orderTotalMinor(order: Pick<Order, "lines">): number {
  return order.lines.reduce((totalMinor, line) => totalMinor + lineTotalMinor(line), 0);
}

/** Every issue of a value that should be an order; none when it is one. */
export function orderIssues(value: unknown): OrderIssue[] {
  if (!isRecord(value)) return [{ path: [], message: "an order is an object with id, customer, currency and lines" }];
  const { lines } = value;
  return [
    ...idIssues(value.id),
    ...textIssues(value.customer, "customer"),
    ...currencyIssues(value.currency),
    ...(Array.isArray(lines) ? linesIssues(lines) : [{ path: ["lines"], message: "must be a list of lines" }]),
    ...choiceIssues(value.card, "card", ["valid", "declined"]),
    ...choiceIssues(value.courier, "courier", ["steady", "flaky", "unreachable"]),
    ...(value.approvalWaitMs === undefined
      ? []
      : integerIssues(value.approvalWaitMs, ["approvalWaitMs"], 1, ORDER_BOUNDS.approvalWaitMsMax)),
  ];
}

/** The validator that the orchestration checks its input by: a bad order is refused before anything of it exists. */
export const orderSchema: StandardSchema<Order> = {
  "~standard": {
    version: 1,
    vendor: "holdfast-demo",
    validate: (value) => {
      const issues = orderIssues(value);
      return issues.length > 0 ? { issues } : { value: value as Order };
    },
  },
};

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textIssues(value: unknown, ...path: (string | number)[]): OrderIssue[] {
  if (typeof value !== "string" || value.trim() === "") return [{ path, message: "must be a text that is not blank" }];
  const { textCharsMax } = ORDER_BOUNDS;
  return value.length <= textCharsMax ? [] : [{ path, message: `must have at most ${textCharsMax} characters` }];
}

function idIssues(value: unknown): OrderIssue[] {
  if (typeof value !== "string" || /^[\w.-]+$/.test(value)) return textIssues(value, "id");
  return [{ path: ["id"], message: "may hold letters, digits, -, _ and . only" }];
}

function currencyIssues(value: unknown): OrderIssue[] {
  if (typeof value === "string" && /^[A-Z]{3}$/.test(value)) return [];
  return [{ path: ["currency"], message: 'must be three capital letters, such as "EUR"' }];
}

function choiceIssues(value: unknown, name: string, choices: readonly string[]): OrderIssue[] {
  if (value === undefined || (typeof value === "string" && choices.includes(value))) return [];
  return [{ path: [name], message: `must be one of ${choices.join(", ")}, or be left out` }];
}

function integerIssues(value: unknown, path: (string | number)[], min: number, max: number): OrderIssue[] {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return [];
  return [{ path, message: `must be an integer from ${min} to ${max}` }];
}

function linesIssues(lines: readonly unknown[]): OrderIssue[] {
  const { linesMax } = ORDER_BOUNDS;
  if (lines.length === 0) return [{ path: ["lines"], message: "must have at least one line" }];
  if (lines.length > linesMax) return [{ path: ["lines"], message: `must have at most ${linesMax} lines` }];
  return lines.flatMap((line: unknown, index) => {
    if (!isRecord(line))
      return [{ path: ["lines", index], message: "must be an object with sku, quantity and unitPriceMinor" }];
    return [
      ...textIssues(line.sku, "lines", index, "sku"),
      ...integerIssues(line.quantity, ["lines", index, "quantity"], 1, ORDER_BOUNDS.quantityMax),
      ...integerIssues(line.unitPriceMinor, ["lines", index, "unitPriceMinor"], 0, ORDER_BOUNDS.unitPriceMinorMax),
    ];
  });
}
