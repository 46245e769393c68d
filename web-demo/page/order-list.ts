/** The list of orders started in this browser. */
import type { OrderProgress } from "../functions/order-progress.ts";
import { element, make } from "./elements.ts";
import { moneyText } from "./money.ts";
import { badgeKind, badgeText } from "./order-view.ts";
import type { RememberedOrder } from "./remembered-orders.ts";

/** Owns the list card. */
export class OrderList {
  readonly #list = element("orders", HTMLElement);
  readonly #empty = element("list-empty", HTMLElement);
  readonly #forget = element("forget", HTMLButtonElement);
  readonly #onOpen: (id: string) => void;
  #drawn = "";

  constructor(onOpen: (id: string) => void, onForget: () => void) {
    this.#onOpen = onOpen;
    this.#forget.addEventListener("click", onForget);
  }

  /** Draws the orders, with the one on show marked. Keeps the focus where it was. */
  show(orders: readonly RememberedOrder[], shownId: string | undefined): void {
    const drawn = JSON.stringify([orders, shownId]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const focusedId = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.order : undefined;
    this.#empty.hidden = orders.length > 0;
    this.#forget.hidden = !orders.some(hasEnded);
    this.#list.replaceChildren(...orders.map((order) => this.#item(order, order.id === shownId)));
    if (focusedId !== undefined)
      this.#list.querySelector<HTMLElement>(`[data-order="${CSS.escape(focusedId)}"]`)?.focus();
  }

  #item(order: RememberedOrder, isShown: boolean): HTMLElement {
    const progress = { step: order.step as OrderProgress["step"] };
    const button = make(
      "button",
      { attributes: { type: "button", "data-order": order.id } },
      make("span", { class: "who", text: order.customer }),
      make("span", { class: "sum", text: moneyText(order.totalMinor, order.currency) }),
      make("span", { class: "id", text: order.id }),
      make("span", {
        class: `badge ${badgeKind(order.runtimeStatus, progress)}`,
        text: badgeText(order.runtimeStatus, progress),
      }),
    );
    if (isShown) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => this.#onOpen(order.id));
    return make("li", {}, button);
  }
}

/** True for an order that nothing more will happen to. */
export function hasEnded({ runtimeStatus }: RememberedOrder): boolean {
  return ["Completed", "Failed", "Terminated", "Canceled", "Gone"].includes(runtimeStatus);
}
