/** The form that an order is made with: a sample to begin with, lines to edit, and the ways to make it difficult. */
import { APPROVAL_LIMIT_MINOR, type Order, type OrderIssue, type OrderLine, orderIssues } from "../functions/order.ts";
import { SAMPLE_ORDERS, type SampleOrder } from "../functions/sample-orders.ts";
import { element, make, setText } from "./elements.ts";
import { minorDigits, moneyText, parsedAmountMinor, typedAmount } from "./money.ts";

/** The fields of one line, and the row they are in. */
interface LineRow {
  readonly row: HTMLTableRowElement;
  readonly sku: HTMLInputElement;
  readonly quantity: HTMLInputElement;
  readonly unitPrice: HTMLInputElement;
  readonly total: HTMLElement;
}

/** Owns everything inside the form. Calls `onSubmit` with an order that has no issues. */
export class OrderForm {
  readonly #form = element("order-form", HTMLFormElement);
  readonly #samples = element("samples", HTMLElement);
  readonly #sampleShows = element("sample-shows", HTMLElement);
  readonly #customer = element("customer", HTMLInputElement);
  readonly #currency = element("currency", HTMLInputElement);
  readonly #lines = element("lines", HTMLTableSectionElement);
  readonly #total = element("total", HTMLOutputElement);
  readonly #card = element("card", HTMLSelectElement);
  readonly #courier = element("courier", HTMLSelectElement);
  readonly #approvalWait = element("approval-wait", HTMLInputElement);
  readonly #issues = element("form-issues", HTMLUListElement);
  readonly #approvalHint = element("approval-hint", HTMLElement);
  readonly #start = element("start", HTMLButtonElement);
  #rows: LineRow[] = [];

  constructor(onSubmit: (order: Order) => Promise<void>) {
    for (const [index, sample] of SAMPLE_ORDERS.entries()) this.#addSample(sample, index === 0);
    element("add-line", HTMLButtonElement).addEventListener("click", () => {
      this.#addLine({ sku: "", quantity: 1, unitPriceMinor: 0 }).sku.focus();
      this.#refresh();
    });
    this.#form.addEventListener("input", () => this.#refresh());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit(onSubmit);
    });
    this.#fill(SAMPLE_ORDERS[0]);
  }

  async #submit(onSubmit: (order: Order) => Promise<void>): Promise<void> {
    const order = this.#order();
    const issues = orderIssues(order);
    this.#showIssues(issues);
    if (issues.length > 0) return;
    this.#start.disabled = true;
    try {
      await onSubmit(order);
    } finally {
      this.#start.disabled = false;
    }
  }

  #addSample(sample: SampleOrder, isChecked: boolean): void {
    const radio = make("input", { attributes: { type: "radio", name: "sample" } });
    radio.checked = isChecked;
    // A click, unlike a change, also comes when the sample that is chosen is chosen again: to begin it anew.
    radio.addEventListener("click", () => this.#fill(sample));
    this.#samples.append(make("label", { class: "chip" }, radio, make("span", { text: sample.title })));
  }

  #fill({ order, shows }: SampleOrder): void {
    setText(this.#sampleShows, shows);
    this.#customer.value = order.customer;
    this.#currency.value = order.currency;
    this.#card.value = order.card ?? "valid";
    this.#courier.value = order.courier ?? "steady";
    this.#approvalWait.value = order.approvalWaitMs === undefined ? "" : String(order.approvalWaitMs / 1_000);
    this.#rows = [];
    this.#lines.replaceChildren();
    for (const line of order.lines) this.#addLine(line);
    this.#showIssues([]);
    this.#refresh();
  }

  #addLine(line: OrderLine): LineRow {
    const field = (label: string, value: string, mode: string): HTMLInputElement => {
      const input = make("input", { attributes: { "aria-label": label, inputmode: mode, autocomplete: "off" } });
      input.value = value;
      return input;
    };
    const sku = field("SKU", line.sku, "text");
    const quantity = field("Pieces", String(line.quantity), "numeric");
    const unitPrice = field("Unit price", typedAmount(line.unitPriceMinor, this.#currency.value), "decimal");
    const total = make("td", { class: "number" });
    const remove = make("button", {
      class: "quiet",
      text: "×",
      attributes: { type: "button", "aria-label": "Remove this line" },
    });
    const row = make(
      "tr",
      {},
      make("td", {}, sku),
      make("td", {}, quantity),
      make("td", {}, unitPrice),
      total,
      make("td", {}, remove),
    );
    const lineRow: LineRow = { row, sku, quantity, unitPrice, total };
    remove.addEventListener("click", () => {
      this.#rows = this.#rows.filter((other) => other !== lineRow);
      row.remove();
      this.#refresh();
    });
    this.#rows.push(lineRow);
    this.#lines.append(row);
    return lineRow;
  }

  /** The order as it stands in the form, right or wrong. */
  #order(): Order {
    const wait = this.#approvalWait.value.trim();
    return {
      id: `order-${Date.now().toString(36)}`,
      customer: this.#customer.value.trim(),
      currency: this.#currency.value.trim().toUpperCase(),
      lines: this.#rows.map((row) => this.#line(row)),
      ...(this.#card.value === "declined" && { card: "declined" }),
      ...((this.#courier.value === "flaky" || this.#courier.value === "unreachable") && {
        courier: this.#courier.value,
      }),
      ...(wait !== "" && { approvalWaitMs: Math.round(Number(wait.replace(",", ".")) * 1_000) }),
    };
  }

  #line({ sku, quantity, unitPrice }: LineRow): OrderLine {
    const pieces = quantity.value.trim();
    return {
      sku: sku.value.trim(),
      quantity: pieces === "" ? Number.NaN : Number(pieces),
      unitPriceMinor: parsedAmountMinor(unitPrice.value, this.#currency.value.trim().toUpperCase()),
    };
  }

  /** Brings totals and hints in line with the fields. */
  #refresh(): void {
    const currency = this.#currency.value.trim().toUpperCase();
    let totalMinor = 0;
    for (const row of this.#rows) {
      const { quantity, unitPriceMinor } = this.#line(row);
      const lineMinor = quantity * unitPriceMinor;
      setText(row.total, Number.isFinite(lineMinor) ? moneyText(lineMinor, currency) : "–");
      totalMinor += lineMinor;
    }
    const isKnown = Number.isFinite(totalMinor);
    setText(this.#total, isKnown ? moneyText(totalMinor, currency) : "–");
    const limit = moneyText(APPROVAL_LIMIT_MINOR, currency);
    const needsApproval = isKnown && totalMinor > APPROVAL_LIMIT_MINOR;
    setText(
      this.#approvalHint,
      needsApproval ? `Above ${limit}: it will wait for an approval.` : `Up to ${limit} no approval is needed.`,
    );
    this.#approvalHint.classList.toggle("strong", needsApproval);
  }

  #showIssues(issues: readonly OrderIssue[]): void {
    this.#issues.hidden = issues.length === 0;
    this.#issues.replaceChildren(...issues.map((issue) => make("li", { text: this.#issueText(issue) })));
  }

  /** An issue in the words of the form. */
  #issueText({ path, message }: OrderIssue): string {
    const [field, index, part] = path;
    if (field === "approvalWaitMs") return "Time to approve: a number of seconds, at most 30 days";
    if (field === "customer") return `Customer: ${message}`;
    if (field === "currency") return `Currency: ${message}`;
    if (field !== "lines" || typeof index !== "number") return message.replace(/^must/, "An order must");
    if (part !== "unitPriceMinor") return `Line ${index + 1}, ${part === "sku" ? "SKU" : "pieces"}: ${message}`;
    const digits = minorDigits(this.#currency.value.trim().toUpperCase());
    return `Line ${index + 1}, unit price: an amount${digits > 0 ? ` with at most ${digits} decimals` : " without decimals"}`;
  }
}
