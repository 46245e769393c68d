/** The question an order above the limit asks: approve or reject, while there is time. */
import type { Approval } from "../functions/order.ts";
import type { OrderProgress } from "../functions/order-progress.ts";
import { element, setText } from "./elements.ts";
import { moneyText } from "./money.ts";

/** Owns the approval form. Shows it while the order waits, with the time that is left. */
export class ApprovalPanel {
  readonly #form = element("approval", HTMLFormElement);
  readonly #title = element("approval-title", HTMLElement);
  readonly #left = element("approval-left", HTMLElement);
  readonly #else = element("approval-else", HTMLElement);
  readonly #by = element("approval-by", HTMLInputElement);
  readonly #comment = element("approval-comment", HTMLInputElement);
  #untilMs = 0;
  #clock: number | undefined;

  constructor(onDecision: (approval: Approval) => void) {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      const isApproved = event.submitter instanceof HTMLButtonElement && event.submitter.value === "approve";
      const comment = this.#comment.value.trim();
      onDecision({
        approved: isApproved,
        by: this.#by.value.trim() || "someone at the order desk",
        ...(comment !== "" && { comment }),
      });
      this.#comment.value = "";
    });
  }

  /** Shows the question of this progress, or nothing when it asks none. */
  update(progress: OrderProgress | undefined): void {
    const approval = progress?.step === "awaitingApproval" ? progress.approval : undefined;
    this.#form.hidden = approval === undefined;
    clearInterval(this.#clock);
    if (progress === undefined || approval === undefined) return;
    const isFirst = approval.approver === "approver";
    const amount = moneyText(progress.totalMinor, progress.currency);
    setText(this.#title, isFirst ? `Approve ${amount}?` : `Approve ${amount}? The supervisor is asked now.`);
    setText(this.#else, isFirst ? "Then the supervisor is asked." : "Then the order is rejected.");
    this.#untilMs = Date.parse(approval.until);
    this.#tick();
    this.#clock = setInterval(() => this.#tick(), 500);
  }

  #tick(): void {
    setText(this.#left, spanText(Math.max(0, this.#untilMs - Date.now())));
  }
}

/** A span of time in its two largest units. */
function spanText(spanMs: number): string {
  const seconds = Math.ceil(spanMs / 1_000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 0) return `${days} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  if (minutes > 0) return `${minutes} min ${seconds % 60} s`;
  return `${seconds} s`;
}
