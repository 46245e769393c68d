/** The lock that says a tab is there and may send a request again: whoever leads keeps the tab's receipts for as long. */
import type { Locks } from "./platform.ts";

export class Presence {
  readonly #locks: Locks;
  readonly #name: string;
  #release: (() => void) | undefined;

  constructor(locks: Locks, name: string) {
    this.#locks = locks;
    this.#name = name;
  }

  /** Resolves when the tab is present. Rejects when the platform gives no locks. */
  begin(): Promise<void> {
    if (this.#release) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const held = (): Promise<void> =>
        new Promise((release) => {
          this.#release = release;
          resolve();
        });
      this.#locks.request(this.#name, {}, held).catch(reject);
    });
  }

  end(): void {
    this.#release?.();
    this.#release = undefined;
  }
}
