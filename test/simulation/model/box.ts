/** A task of the reference model: empty until an outcome is put into it. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown } | "canceled";

export class Box {
  outcome: Outcome | undefined;
  readonly #watchers: (() => void)[] = [];
  /** What giving it up takes back; absent for what cannot be given up. */
  withdraw: (() => void) | undefined;

  settle(outcome: Outcome): void {
    if (this.outcome !== undefined) return;
    this.outcome = outcome;
    for (const watcher of this.#watchers.splice(0)) watcher();
  }
  watch(watcher: () => void): void {
    if (this.outcome === undefined) this.#watchers.push(watcher);
    else watcher();
  }
}

/** A failure as the hub hands it to programs. */
export const failed = (errorMessage: string): { error: unknown } => ({ error: { failure: { errorMessage } } });
