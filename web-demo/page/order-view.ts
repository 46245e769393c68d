/** One order as it stands: its track, the approval it waits for, what it ended with, and the controls. */
import type { Approval } from "../functions/order.ts";
import type { Receipt, Rejection } from "../functions/order-processing.ts";
import type { OrderProgress } from "../functions/order-progress.ts";
import { ApprovalPanel } from "./approval-panel.ts";
import { element, make, setText } from "./elements.ts";
import { type ControlUri, historyUri, type InstanceStatus, isFinal, type ManagementUris } from "./management-api.ts";
import { moneyText } from "./money.ts";
import { drawTrack } from "./progress-track.ts";
import type { RememberedOrder } from "./remembered-orders.ts";

/** What a person can do to the order on show. */
export interface OrderActions {
  readonly onControl: (uri: ControlUri, reason: string) => void;
  readonly onDecision: (approval: Approval) => void;
}

/** The custom status of an order, when it is one. */
export function progressOf(status: InstanceStatus | undefined): OrderProgress | undefined {
  const value = status?.customStatus;
  return typeof value === "object" && value !== null && "step" in value ? (value as OrderProgress) : undefined;
}

/** Owns everything inside the order card. Shows one order at a time. */
export class OrderView {
  readonly #empty = element("order-empty", HTMLElement);
  readonly #view = element("order-view", HTMLElement);
  readonly #title = element("order-title", HTMLElement);
  readonly #summary = element("order-summary", HTMLElement);
  readonly #badge = element("order-status", HTMLElement);
  readonly #track = element("track", HTMLElement);
  readonly #message = element("order-message", HTMLElement);
  readonly #undone = element("undone", HTMLElement);
  readonly #undoneList = element("undone-list", HTMLElement);
  readonly #receipt = element("receipt", HTMLElement);
  readonly #suspend = element("suspend", HTMLButtonElement);
  readonly #resume = element("resume", HTMLButtonElement);
  readonly #terminate = element("terminate", HTMLButtonElement);
  readonly #rawStatus = element("raw-status", HTMLAnchorElement);
  readonly #rawHistory = element("raw-history", HTMLAnchorElement);
  readonly #approval: ApprovalPanel;

  constructor({ onControl, onDecision }: OrderActions) {
    this.#approval = new ApprovalPanel(onDecision);
    this.#suspend.addEventListener("click", () => onControl("suspendPostUri", "suspended from the order desk"));
    this.#resume.addEventListener("click", () => onControl("resumePostUri", "resumed from the order desk"));
    this.#terminate.addEventListener("click", () => onControl("terminatePostUri", "terminated from the order desk"));
  }

  /** Shows an order before anything is known of how it stands. */
  open(order: RememberedOrder, uris: ManagementUris): void {
    this.#empty.hidden = true;
    this.#view.hidden = false;
    setText(this.#title, order.id);
    setText(
      this.#summary,
      `${order.customer} · ${moneyText(order.totalMinor, order.currency)} · ${timeText(order.startedAt)}`,
    );
    this.#rawStatus.href = uris.statusQueryGetUri;
    this.#rawHistory.href = historyUri(uris);
    this.#badge.textContent = "…";
    this.#badge.className = "badge";
    this.#message.textContent = "Asking the worker …";
    this.#controls("");
    this.#undone.hidden = true;
    this.#receipt.hidden = true;
    this.#approval.update(undefined);
    drawTrack(this.#track, undefined, false);
  }

  /** Brings everything in line with the status; `undefined`: the hub does not have the order. */
  update(status: InstanceStatus | undefined): void {
    const progress = progressOf(status);
    const runtimeStatus = status?.runtimeStatus ?? "Gone";
    setText(this.#badge, badgeText(runtimeStatus, progress));
    this.#badge.className = `badge ${badgeKind(runtimeStatus, progress)}`;
    drawTrack(this.#track, progress, isFinal(runtimeStatus));
    setText(this.#message, messageOf(status, progress));
    this.#message.classList.toggle("bad", runtimeStatus === "Failed" || progress?.step === "rejected");
    this.#approval.update(runtimeStatus === "Running" ? progress : undefined);
    this.#showUndone(progress?.undone ?? []);
    this.#showReceipt(status);
    this.#controls(runtimeStatus);
  }

  #controls(runtimeStatus: string): void {
    const isOpen = runtimeStatus === "Running" || runtimeStatus === "Pending";
    this.#suspend.hidden = runtimeStatus === "Suspended";
    this.#resume.hidden = !this.#suspend.hidden;
    this.#suspend.disabled = !isOpen;
    this.#terminate.disabled = !isOpen && runtimeStatus !== "Suspended";
  }

  #showUndone(undone: readonly string[]): void {
    this.#undone.hidden = undone.length === 0;
    if (this.#undoneList.childElementCount === undone.length) return;
    this.#undoneList.replaceChildren(...undone.map((text) => make("li", { text })));
  }

  #showReceipt(status: InstanceStatus | undefined): void {
    const outcome = status?.runtimeStatus === "Completed" ? (status.output as Receipt | Rejection | null) : null;
    this.#receipt.hidden = outcome?.outcome !== "fulfilled";
    if (outcome?.outcome !== "fulfilled") return;
    const { currency } = outcome;
    const cell = (text: string): HTMLElement => make("td", { class: "number", text });
    const rows = outcome.lines.map((line) =>
      make(
        "tr",
        {},
        make("td", { text: line.sku }),
        cell(String(line.quantity)),
        cell(moneyText(line.unitPriceMinor, currency)),
        cell(moneyText(line.totalMinor, currency)),
      ),
    );
    element("receipt-lines", HTMLElement).replaceChildren(...rows);
    setText(element("receipt-total", HTMLElement), moneyText(outcome.totalMinor, currency));
    const facts: [string, string | undefined][] = [
      ["Approved by", outcome.approvedBy],
      ["Charge", outcome.chargeId],
      ["Tracking", outcome.trackingNumber],
      ["Invoice", outcome.invoiceNumber],
    ];
    const entries = facts.flatMap(([term, fact]) =>
      fact === undefined ? [] : [make("div", {}, make("dt", { text: term }), make("dd", { text: fact }))],
    );
    element("receipt-facts", HTMLElement).replaceChildren(...entries);
  }
}

function messageOf(status: InstanceStatus | undefined, progress: OrderProgress | undefined): string {
  if (status === undefined) return "The hub does not have this order: it was purged, or belongs to another hub.";
  const { runtimeStatus, output } = status;
  if (runtimeStatus === "Failed") return typeof output === "string" ? output : (progress?.message ?? "It failed.");
  if (runtimeStatus === "Terminated")
    return `Terminated${typeof output === "string" && output !== "" ? `: ${output}` : ""}.`;
  if (runtimeStatus === "Suspended") return "Suspended. Whatever happens meanwhile is kept for when it is resumed.";
  return progress?.message ?? (runtimeStatus === "Pending" ? "Waiting for its first turn" : "Checking the order");
}

/** A status in one word: an order that was rejected has completed as far as the hub is concerned. */
export function badgeText(runtimeStatus: string, progress: Pick<OrderProgress, "step"> | undefined): string {
  return runtimeStatus === "Completed" && progress?.step === "rejected" ? "Rejected" : runtimeStatus;
}

/** The colour of a status. */
export function badgeKind(runtimeStatus: string, progress: Pick<OrderProgress, "step"> | undefined): string {
  if (runtimeStatus === "Completed") return progress?.step === "rejected" ? "warn" : "good";
  if (runtimeStatus === "Failed" || runtimeStatus === "Terminated") return "bad";
  if (runtimeStatus === "Suspended" || progress?.step === "awaitingApproval" || progress?.step === "undoing")
    return "warn";
  return runtimeStatus === "Running" || runtimeStatus === "Pending" ? "live" : "";
}

function timeText(iso: string): string {
  return new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}
