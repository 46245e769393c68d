/** The recorded history of the order on show: every event that a replay would go through again. Asked for only while it is open. */
import { element, make } from "./elements.ts";
import type { HistoryEntry } from "./management-api.ts";

/** Owns the history's fold-out. */
export class OrderHistory {
  readonly #details = element("history", HTMLDetailsElement);
  readonly #list = element("history-list", HTMLElement);

  /** @param onOpen called when somebody opens it. */
  constructor(onOpen: () => void) {
    this.#details.addEventListener("toggle", () => {
      if (this.#details.open) onOpen();
    });
  }

  get isOpen(): boolean {
    return this.#details.open;
  }

  show(entries: readonly HistoryEntry[]): void {
    const startedAtMs = entries[0] === undefined ? 0 : Date.parse(entries[0].Timestamp);
    this.#list.replaceChildren(...entries.map((entry) => this.#entry(entry, startedAtMs)));
  }

  #entry(entry: HistoryEntry, startedAtMs: number): HTMLElement {
    const seconds = (Date.parse(entry.Timestamp) - startedAtMs) / 1_000;
    const name = entry.FunctionName ?? entry.Name ?? entry.OrchestrationStatus ?? (entry.FireAt ? "durable timer" : "");
    const isBad = entry.EventType.endsWith("Failed");
    return make(
      "li",
      { class: isBad ? "bad" : "" },
      make("span", { class: "at", text: Number.isFinite(seconds) ? `+${seconds.toFixed(1)} s` : "" }),
      make("span", { class: "event", text: entry.EventType }),
      make("span", { class: "name", text: [name, entry.Reason].filter(Boolean).join(" – ") }),
    );
  }
}
