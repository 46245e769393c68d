/** The functions of the demo on virtual time: every way an order can go, and what is left behind. */
import {
  type ActivityContext,
  type ActivityDefinition,
  type FunctionDefinition,
  type OrchestrationState,
  ValidationError,
} from "holdfast";
import { replayHistory, TestTaskHub } from "holdfast/testing";
import { describe, expect, it } from "vitest";
import { helloCities, helloCitiesGenerator } from "../../web-demo/functions/hello-cities.ts";
import { functions } from "../../web-demo/functions/index.ts";
import { APPROVAL_LIMIT_MINOR, type Order, orderIssues } from "../../web-demo/functions/order.ts";
import { orderProcessing, type Receipt, type Rejection } from "../../web-demo/functions/order-processing.ts";
import type { OrderProgress } from "../../web-demo/functions/order-progress.ts";
import { SAMPLE_ORDERS } from "../../web-demo/functions/sample-orders.ts";

/** One execution of an activity, and what clients saw of the order while it ran. */
interface Execution {
  readonly name: string;
  readonly input: unknown;
  readonly attempt: number;
  readonly idempotencyKey: string;
  readonly progress: OrderProgress | undefined;
}

/** A hub with the demo's functions whose activities are noted down as they run, and fail where `failing` says so. */
async function openDesk(failing: Readonly<Record<string, (ctx: ActivityContext) => boolean>> = {}) {
  const hub = await TestTaskHub.open({ functions });
  const executions: Execution[] = [];
  for (const activity of functions.filter(isActivity)) {
    hub.mockActivity<unknown, unknown>(activity.name, async (ctx, input) => {
      const { name, attempt, idempotencyKey } = ctx;
      const state = await hub.getOrchestrationState(ctx.instanceId);
      executions.push({ name, input, attempt, idempotencyKey, progress: state?.customStatus as OrderProgress });
      if (failing[name]?.(ctx)) throw new Error(`${name} is out of order`);
      return activity.run(ctx, input as never);
    });
  }
  return {
    hub,
    executions,
    ran: (): string[] => executions.map(({ name }) => name),
    /** Starts an order and lets everything happen that needs no time. */
    async start(order: Order): Promise<void> {
      await hub.scheduleNewOrchestration(orderProcessing, order, { instanceId: order.id });
      await hub.runUntilIdle();
    },
    async approve(order: Order, approval: unknown): Promise<void> {
      await hub.raiseOrchestrationEvent(order.id, "Approval", approval);
      await hub.runUntilIdle();
    },
    async state(order: Order): Promise<OrchestrationState<Receipt | Rejection>> {
      const state = await hub.getOrchestrationState<Receipt | Rejection>(order.id);
      if (state === undefined) throw new Error(`There is no order ${order.id}.`);
      return state;
    },
    async progress(order: Order): Promise<OrderProgress> {
      return (await this.state(order)).customStatus as OrderProgress;
    },
  };
}

function isActivity(definition: FunctionDefinition): definition is ActivityDefinition {
  return definition.kind === "activity";
}

const LAMPS = { sku: "desk-lamp", quantity: 2, unitPriceMinor: 4_900 };
const CHAIR = { sku: "office-chair", quantity: 1, unitPriceMinor: 34_900 };
const SMALL: Order = { id: "small", customer: "Ada", currency: "EUR", lines: [LAMPS, CHAIR] };
const LARGE: Order = { id: "large", customer: "Grace", currency: "EUR", lines: [{ ...CHAIR, quantity: 3 }, LAMPS] };
const DAY = { days: 1 };

describe.each([
  ["async", helloCities],
  ["generator", helloCitiesGenerator],
])("helloCities, %s", (_shape, orchestrator) => {
  it.each([[[]], [["Tokyo"]], [["Tokyo", "London", "Seattle"]]])("greets %j in the order given", async (cities) => {
    const hub = await TestTaskHub.open({ functions });
    const id = await hub.scheduleNewOrchestration(orchestrator, cities);
    const state = await hub.waitForOrchestrationCompletion(id);
    expect(state.runtimeStatus).toBe("Completed");
    expect(state.output).toEqual(cities.map((city) => `Hello, ${city}!`));
    await replayHistory(orchestrator, await hub.getOrchestrationHistory(id));
  });
});

describe("an order up to the approval limit", () => {
  it("is reserved, charged, shipped and invoiced in this order, and ends with a receipt whose totals add up", async () => {
    const desk = await openDesk();
    await desk.start(SMALL);
    expect(desk.ran()).toEqual(["reserveStock", "reserveStock", "chargePayment", "shipOrder", "sendInvoice"]);
    const { runtimeStatus, output } = await desk.state(SMALL);
    expect(runtimeStatus).toBe("Completed");
    expect(output).toEqual({
      outcome: "fulfilled",
      orderId: "small",
      customer: "Ada",
      currency: "EUR",
      lines: [
        { ...LAMPS, totalMinor: 9_800, reservationId: expect.stringMatching(/^RSV-[0-9A-F]{8}$/) },
        { ...CHAIR, totalMinor: 34_900, reservationId: expect.stringMatching(/^RSV-[0-9A-F]{8}$/) },
      ],
      totalMinor: 44_700,
      chargeId: expect.stringMatching(/^CHG-/),
      trackingNumber: expect.stringMatching(/^TRK-/),
      invoiceNumber: expect.stringMatching(/^INV-/),
      fulfilledAt: desk.hub.now,
    });
  });

  it("tells at every step where it is", async () => {
    const desk = await openDesk();
    await desk.start(SMALL);
    expect(desk.executions.map(({ name, progress }) => [name, progress?.step])).toEqual([
      ["reserveStock", "reserving"],
      ["reserveStock", "reserving"],
      ["chargePayment", "charging"],
      ["shipOrder", "shipping"],
      ["sendInvoice", "invoicing"],
    ]);
    expect(await desk.progress(SMALL)).toMatchObject({ step: "fulfilled", totalMinor: 44_700, currency: "EUR" });
  });

  it("reserves all lines at once", async () => {
    const desk = await openDesk();
    await desk.start(SMALL);
    const events = await desk.hub.getOrchestrationHistory(SMALL.id);
    const steps = events.map(({ type }) => type).filter((type) => /^Task(Scheduled|Completed)$/.test(type));
    expect(steps.slice(0, 4)).toEqual(["TaskScheduled", "TaskScheduled", "TaskCompleted", "TaskCompleted"]);
  });

  it("needs no approval at exactly the limit, and one above it", async () => {
    const line = { sku: "gold", quantity: 1, unitPriceMinor: APPROVAL_LIMIT_MINOR };
    const desk = await openDesk();
    const at: Order = { ...SMALL, id: "at", lines: [line] };
    const above: Order = { ...SMALL, id: "above", lines: [{ ...line, unitPriceMinor: APPROVAL_LIMIT_MINOR + 1 }] };
    await desk.start(at);
    await desk.start(above);
    expect((await desk.state(at)).runtimeStatus).toBe("Completed");
    expect((await desk.progress(above)).step).toBe("awaitingApproval");
  });
});

describe("an order above the approval limit", () => {
  it("holds its stock and waits for a day, with nothing charged", async () => {
    const desk = await openDesk();
    await desk.start(LARGE);
    expect(desk.ran()).toEqual(["reserveStock", "reserveStock"]);
    expect(await desk.progress(LARGE)).toMatchObject({
      step: "awaitingApproval",
      approval: { approver: "approver", until: "2026-01-02T00:00:00.000Z" },
    });
  });

  it("is fulfilled once approved, and names who approved it", async () => {
    const desk = await openDesk();
    await desk.start(LARGE);
    await desk.hub.advance({ hours: 23 });
    await desk.approve(LARGE, { approved: true, by: "Margaret" });
    const { runtimeStatus, output } = await desk.state(LARGE);
    expect(runtimeStatus).toBe("Completed");
    expect(output).toMatchObject({ outcome: "fulfilled", approvedBy: "Margaret", totalMinor: 114_500 });
  });

  it("takes an approval that came before it asked", async () => {
    const desk = await openDesk();
    await desk.hub.scheduleNewOrchestration(orderProcessing, LARGE, { instanceId: LARGE.id });
    await desk.approve(LARGE, { approved: true, by: "Margaret" });
    expect((await desk.state(LARGE)).output).toMatchObject({ outcome: "fulfilled", approvedBy: "Margaret" });
  });

  it("releases its stock when rejected, the last line first, and completes as rejected", async () => {
    const desk = await openDesk();
    await desk.start(LARGE);
    await desk.approve(LARGE, { approved: false, by: "Margaret", comment: "too many chairs" });
    expect(desk.ran()).toEqual(["reserveStock", "reserveStock", "releaseStock", "releaseStock"]);
    const { runtimeStatus, output } = await desk.state(LARGE);
    expect(runtimeStatus).toBe("Completed");
    expect(output).toEqual({
      outcome: "rejected",
      orderId: "large",
      rejectedBy: "Margaret",
      comment: "too many chairs",
      undone: ["released 2 × desk-lamp", "released 3 × office-chair"],
    });
    expect(await desk.progress(LARGE)).toMatchObject({ step: "rejected", stoppedAt: "awaitingApproval" });
  });

  it("escalates when the approver does not answer, and takes the supervisor's answer", async () => {
    const desk = await openDesk();
    await desk.start(LARGE);
    await desk.hub.advance(DAY);
    expect(desk.ran()).toEqual(["reserveStock", "reserveStock", "escalateApproval"]);
    expect((await desk.progress(LARGE)).approval).toEqual({
      approver: "supervisor",
      until: "2026-01-03T00:00:00.000Z",
    });
    await desk.approve(LARGE, { approved: true, by: "the supervisor" });
    expect((await desk.state(LARGE)).output).toMatchObject({ outcome: "fulfilled", approvedBy: "the supervisor" });
  });

  it("is rejected when nobody answers at all, not a moment before the second day is over", async () => {
    const desk = await openDesk();
    await desk.start(LARGE);
    await desk.hub.advance({ hours: 47, minutes: 59, seconds: 59, milliseconds: 999 });
    expect((await desk.state(LARGE)).runtimeStatus).toBe("Running");
    await desk.hub.advance({ milliseconds: 1 });
    expect((await desk.state(LARGE)).output).toMatchObject({ outcome: "rejected", rejectedBy: "the deadline" });
    expect(desk.ran().slice(-2)).toEqual(["releaseStock", "releaseStock"]);
  });

  it("gives each approver as long as the order says", async () => {
    const desk = await openDesk();
    await desk.start({ ...LARGE, approvalWaitMs: 15_000 });
    await desk.hub.advance({ seconds: 15 });
    expect((await desk.progress(LARGE)).approval?.approver).toBe("supervisor");
    await desk.hub.advance({ seconds: 15 });
    expect((await desk.progress(LARGE)).step).toBe("rejected");
  });

  it.each([[undefined], [null], ["yes"], [{ approved: "yes", by: "Margaret" }], [{ approved: true }]])(
    "passes over an answer of %j, which gives it no more time",
    async (nonsense) => {
      const desk = await openDesk();
      await desk.start(LARGE);
      await desk.hub.advance({ hours: 12 });
      await desk.approve(LARGE, nonsense);
      expect((await desk.progress(LARGE)).approval?.approver).toBe("approver");
      await desk.hub.advance({ hours: 12 });
      expect((await desk.progress(LARGE)).approval?.approver).toBe("supervisor");
    },
  );
});

describe("an order that a service lets down", () => {
  it("releases the lines that were reserved when another one is sold out, without a second try", async () => {
    const desk = await openDesk();
    const order: Order = { ...SMALL, lines: [LAMPS, { ...CHAIR, sku: "sold-out-chair" }, CHAIR] };
    await desk.start(order);
    expect(desk.ran()).toEqual(["reserveStock", "reserveStock", "reserveStock", "releaseStock", "releaseStock"]);
    const { runtimeStatus, failure } = await desk.state(order);
    expect(runtimeStatus).toBe("Failed");
    expect(failure?.errorType).toBe("OrderFailedError");
    expect(failure?.errorMessage).toBe('Order small failed while reserving: "sold-out-chair" is sold out');
    expect(failure?.isCausedBy("NonRetriableError")).toBe(true);
    expect(failure?.properties?.undone).toEqual(["released 1 × office-chair", "released 2 × desk-lamp"]);
  });

  it("releases its stock when the card is declined, without a second try", async () => {
    const desk = await openDesk();
    const order: Order = { ...SMALL, card: "declined" };
    await desk.start(order);
    expect(desk.ran().slice(2)).toEqual(["chargePayment", "releaseStock", "releaseStock"]);
    expect((await desk.state(order)).failure?.errorMessage).toBe(
      "Order small failed while charging: the card of Ada was declined",
    );
  });

  it("is shipped at the third attempt when the courier fails twice, a second and two seconds later", async () => {
    const desk = await openDesk();
    const order: Order = { ...SMALL, courier: "flaky" };
    await desk.start(order);
    expect((await desk.progress(order)).step).toBe("shipping");
    await desk.hub.advance({ milliseconds: 2_999 });
    expect((await desk.state(order)).runtimeStatus).toBe("Running");
    await desk.hub.advance({ milliseconds: 1 });
    expect((await desk.state(order)).runtimeStatus).toBe("Completed");
    const shipments = desk.executions.filter(({ name }) => name === "shipOrder");
    expect(shipments.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(new Set(shipments.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
  });

  it("is refunded, then released, when the courier never answers", async () => {
    const desk = await openDesk();
    const order: Order = { ...SMALL, courier: "unreachable" };
    await desk.start(order);
    await desk.hub.advance({ seconds: 7 });
    expect(desk.ran().slice(3)).toEqual([
      ...["shipOrder", "shipOrder", "shipOrder", "shipOrder"],
      ...["refundPayment", "releaseStock", "releaseStock"],
    ]);
    const charged = desk.executions.find(({ name }) => name === "refundPayment")?.input;
    expect(charged).toMatchObject({ amountMinor: 44_700, currency: "EUR" });
    expect(await desk.progress(order)).toMatchObject({
      step: "failed",
      stoppedAt: "shipping",
      undone: [expect.stringMatching(/^refunded CHG-/), "released 1 × office-chair", "released 2 × desk-lamp"],
    });
  });

  it("tells while it is undone what has been undone so far", async () => {
    const desk = await openDesk();
    await desk.start({ ...SMALL, card: "declined" });
    const undoing = desk.executions.filter(({ name }) => name === "releaseStock").map(({ progress }) => progress);
    expect(undoing).toMatchObject([
      { step: "undoing", stoppedAt: "charging", undone: [] },
      { step: "undoing", stoppedAt: "charging", undone: ["released 1 × office-chair"] },
    ]);
  });

  it("recalls the parcel, refunds and releases when the invoice cannot be written", async () => {
    const desk = await openDesk({ sendInvoice: () => true });
    await desk.start(SMALL);
    await desk.hub.advance({ minutes: 1 });
    expect(desk.ran().slice(-4)).toEqual(["recallShipment", "refundPayment", "releaseStock", "releaseStock"]);
    expect((await desk.state(SMALL)).runtimeStatus).toBe("Failed");
  });

  it("is undone all the same when the escalation cannot be sent", async () => {
    const desk = await openDesk({ escalateApproval: () => true });
    await desk.start(LARGE);
    await desk.hub.advance({ days: 1, minutes: 1 });
    expect((await desk.state(LARGE)).failure?.errorMessage).toContain("escalateApproval is out of order");
    expect(desk.ran().slice(-2)).toEqual(["releaseStock", "releaseStock"]);
  });

  it.each(["reserveStock", "chargePayment", "shipOrder", "sendInvoice"])(
    "goes on when %s fails once",
    async (activity) => {
      const desk = await openDesk({ [activity]: ({ attempt }) => attempt === 1 });
      await desk.start(SMALL);
      await desk.hub.advance({ seconds: 1 });
      expect((await desk.state(SMALL)).runtimeStatus).toBe("Completed");
    },
  );

  it("keeps trying to undo, for about two hours", async () => {
    const desk = await openDesk({ releaseStock: ({ attempt }) => attempt < 12 });
    const order: Order = { ...SMALL, lines: [LAMPS], card: "declined" };
    await desk.start(order);
    await desk.hub.advance({ hours: 1 });
    expect((await desk.progress(order)).step).toBe("undoing");
    await desk.hub.advance({ hours: 1 });
    expect(await desk.progress(order)).toMatchObject({ step: "failed", undone: ["released 2 × desk-lamp"] });
  });

  it("undoes the rest when one booking cannot be undone, and names that one", async () => {
    const desk = await openDesk({ refundPayment: () => true });
    const order: Order = { ...SMALL, lines: [LAMPS], courier: "unreachable" };
    await desk.start(order);
    await desk.hub.advance({ hours: 3 });
    expect(await desk.progress(order)).toMatchObject({
      step: "failed",
      undone: [expect.stringMatching(/^NOT refunded CHG-.*: refundPayment is out of order$/), "released 2 × desk-lamp"],
    });
  });
});

describe("every order", () => {
  it.each(SAMPLE_ORDERS.map((sample) => [sample.title, sample] as const))(
    "of the samples ends as its sample says: %s",
    async (_title, sample) => {
      const desk = await openDesk();
      const order: Order = { id: "sample", ...sample.order };
      await desk.start(order);
      if (sample.ending === "fulfilled" && (await desk.progress(order)).step === "awaitingApproval") {
        await desk.approve(order, { approved: true, by: "Margaret" });
      }
      await desk.hub.advance({ minutes: 1 });
      expect((await desk.progress(order)).step).toBe(sample.ending);
      await replayHistory(orderProcessing, await desk.hub.getOrchestrationHistory(order.id));
    },
  );

  it("books under one name however often an attempt is carried out", async () => {
    const desk = await openDesk();
    await desk.start(SMALL);
    for (const { name, idempotencyKey, input } of desk.executions) {
      const activity = functions.filter(isActivity).find((one) => one.name === name)!;
      const attempt = (): unknown => activity.run({ idempotencyKey, attempt: 1 } as ActivityContext, input as never);
      expect(attempt()).toEqual(attempt());
    }
    expect(new Set(desk.executions.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(desk.executions.length);
  });

  it.each<[string, object, (string | number)[]]>([
    ["no lines", { lines: [] }, ["lines"]],
    ["a fraction of a piece", { lines: [{ ...LAMPS, quantity: 0.5 }] }, ["lines", 0, "quantity"]],
    [
      "a price that is no integer",
      { lines: [LAMPS, { ...CHAIR, unitPriceMinor: 9.99 }] },
      ["lines", 1, "unitPriceMinor"],
    ],
    ["a negative price", { lines: [{ ...LAMPS, unitPriceMinor: -1 }] }, ["lines", 0, "unitPriceMinor"]],
    ["a blank sku", { lines: [{ ...LAMPS, sku: " " }] }, ["lines", 0, "sku"]],
    ["an unknown courier", { courier: "pigeon" }, ["courier"]],
    ["a currency in small letters", { currency: "eur" }, ["currency"]],
    ["a slash in its id", { id: "a/b" }, ["id"]],
    ["no time to approve", { approvalWaitMs: 0 }, ["approvalWaitMs"]],
  ])("with %s is refused before anything of it exists", async (_what, wrong, path) => {
    const desk = await openDesk();
    const order = { ...SMALL, ...wrong } as Order;
    expect(orderIssues(order)).toEqual([{ path, message: expect.any(String) }]);
    await expect(
      desk.hub.scheduleNewOrchestration(orderProcessing, order, { instanceId: "refused" }),
    ).rejects.toBeInstanceOf(ValidationError);
    expect(await desk.hub.getOrchestrationState("refused")).toBeUndefined();
  });
});
