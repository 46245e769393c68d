/** What is under way when a runtime is killed: journeys, and orders of the demo. Each trip knows how it must end. */
import assert from "node:assert/strict";
import type { OrchestratorDefinition } from "holdfast";
import { orderProcessing, type Receipt } from "../../web-demo/functions/order-processing.ts";
import { SAMPLE_ORDERS } from "../../web-demo/functions/sample-orders.ts";
import { type JourneyOutput, journey } from "./functions.ts";

/** An instance as the management API shows it. */
export interface Status {
  readonly runtimeStatus: string;
  readonly customStatus: unknown;
  readonly output: unknown;
}

/** One instance: how it is started, what event it is sent, and what must come of it. */
export interface Trip {
  readonly id: string;
  readonly orchestrator: OrchestratorDefinition<never, unknown>;
  readonly input: unknown;
  /** Data of the event `Approval`. */
  readonly approval: unknown;
  /** @throws AssertionError when it has ended in another way than it must. */
  check(end: Status): void;
  /** What no other trip may have: names of bookings, numbers of executions. */
  uniques(end: Status): readonly string[];
}

/** What `finished` is told by the journey of that number. */
export function tripName(index: number): string {
  return `trip ${index}`;
}

/** A journey: fan-out, an approval, a child, a sequence. */
export function journeyTrip(index: number): Trip {
  const approval = `yes ${index}`;
  return {
    id: `journey-${index}`,
    orchestrator: journey,
    input: tripName(index),
    approval,
    check({ runtimeStatus, customStatus, output }) {
      assert.deepEqual([runtimeStatus, customStatus], ["Completed", "finishing"]);
      const { name, marks, ...rest } = output as JourneyOutput;
      assert.deepEqual({ name, ...rest }, { name: tripName(index), approval });
      assert.deepEqual(
        marks.map(({ step }) => step),
        [1, 2, 3, 4, 5, 6, 7],
      );
    },
    uniques: ({ output }) => (output as JourneyOutput).marks.map(({ nonce }) => nonce),
  };
}

/** How long approvers that do not answer have. */
const APPROVAL_WAIT_MS = 1_000;

/** An order of the demo; the samples take turns. */
export function orderTrip(index: number): Trip {
  const { order, ending } = SAMPLE_ORDERS[index % SAMPLE_ORDERS.length] ?? SAMPLE_ORDERS[0];
  const id = `order-${index}`;
  const isLeftAlone = order.approvalWaitMs !== undefined;
  return {
    id,
    orchestrator: orderProcessing,
    input: { ...order, id, ...(isLeftAlone && { approvalWaitMs: APPROVAL_WAIT_MS }) },
    approval: isLeftAlone ? undefined : { approved: true, by: "Margaret Hamilton" },
    check({ runtimeStatus, output }) {
      assert.equal(runtimeStatus, ending === "failed" ? "Failed" : "Completed");
      if (ending === "failed") assert.match(String(output), /^Order order-\d+ failed while /);
      else assert.equal((output as { outcome: string }).outcome, ending);
    },
    uniques({ output }) {
      if (ending !== "fulfilled") return [];
      const { lines, chargeId, trackingNumber, invoiceNumber } = output as Receipt;
      return [...lines.map(({ reservationId }) => reservationId), chargeId, trackingNumber, invoiceNumber];
    },
  };
}
