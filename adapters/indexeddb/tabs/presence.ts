/** The lock that says a tab is there and may send a request again: whoever leads keeps the tab's receipts for as long. */
import type { Locks } from "./platform.ts";

export class Presence {
  readonly #locks: Locks;
  readonly #name: string;
  #held: { readonly begun: Promise<void>; readonly end: () => void } | undefined;

  constructor(locks: Locks, name: string) {
    this.#locks = locks;
    this.#name = name;
  }

  /** Resolves when the tab is present. Rejects when the platform gives no locks; it may later. */
  begin(): Promise<void> {
    if (this.#held) return this.#held.begun;
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const begun = new Promise<void>((resolve, reject) => {
      const held = (): Promise<void> => {
        resolve();
        return ended;
      };
      this.#locks.request(this.#name, {}, held).catch(reject);
    });
    const holding = { begun, end };
    this.#held = holding;
    begun.catch(() => {
      if (this.#held === holding) this.#held = undefined;
    });
    return begun;
  }

  /** Also when it has not begun yet: then it ends as soon as it does. */
  end(): void {
    this.#held?.end();
    this.#held = undefined;
  }
}
