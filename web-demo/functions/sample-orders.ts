/** Orders to start with: one for each path through the processing, and how each path ends. */
import type { Order } from "./order.ts";

/** An order that still needs an id. */
export interface SampleOrder {
  readonly title: string;
  /** What it shows, in one sentence. */
  readonly shows: string;
  readonly order: Omit<Order, "id">;
  /** How it ends when whoever is asked approves it, if anyone answers in time. */
  readonly ending: "fulfilled" | "rejected" | "failed";
}

const LAMP = { sku: "desk-lamp", quantity: 2, unitPriceMinor: 4_900 } as const;
const CHAIR = { sku: "office-chair", quantity: 1, unitPriceMinor: 34_900 } as const;
const DESK = { sku: "standing-desk", quantity: 6, unitPriceMinor: 62_000 } as const;

/** The samples, the plainest first. */
export const SAMPLE_ORDERS: readonly [SampleOrder, ...SampleOrder[]] = [
  {
    title: "Everything goes well",
    shows: "Below the approval limit: reserved, charged, shipped and invoiced without a stop.",
    order: { customer: "Ada Lovelace", currency: "EUR", lines: [LAMP, CHAIR] },
    ending: "fulfilled",
  },
  {
    title: "Needs approval",
    shows: "Above the limit: it waits for you to approve or reject it, for a day if need be.",
    order: { customer: "Grace Hopper", currency: "EUR", lines: [DESK, { ...CHAIR, quantity: 12 }] },
    ending: "fulfilled",
  },
  {
    title: "Nobody answers",
    shows: "The approver has 15 seconds, then the supervisor has as long; then it is rejected and its stock released.",
    order: { customer: "Alan Turing", currency: "GBP", lines: [DESK], approvalWaitMs: 15_000 },
    ending: "rejected",
  },
  {
    title: "Flaky courier",
    shows: "The courier fails twice and takes the parcel at the third attempt: retries with growing delays.",
    order: { customer: "Katherine Johnson", currency: "USD", lines: [LAMP], courier: "flaky" },
    ending: "fulfilled",
  },
  {
    title: "Sold out",
    shows: "One line cannot be reserved and is not tried again; the stock of the others is released.",
    order: {
      customer: "Edsger Dijkstra",
      currency: "EUR",
      lines: [LAMP, { sku: "sold-out-globe", quantity: 1, unitPriceMinor: 12_900 }],
    },
    ending: "failed",
  },
  {
    title: "Card declined",
    shows: "The bank refuses the charge for good: no further attempt, and the stock is released.",
    order: {
      customer: "Barbara Liskov",
      currency: "JPY",
      lines: [{ ...LAMP, unitPriceMinor: 7_400 }],
      card: "declined",
    },
    ending: "failed",
  },
  {
    title: "Courier unreachable",
    shows: "Four attempts in seven seconds, then everything is undone in reverse: the money first, then the stock.",
    order: { customer: "Tony Hoare", currency: "EUR", lines: [CHAIR, LAMP], courier: "unreachable" },
    ending: "failed",
  },
];
