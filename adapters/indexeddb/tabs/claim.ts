/** A tab's claim to the lead: one place in the queue for the lock, and the lock once it is the tab's turn. */
import type { Locks } from "./platform.ts";

type Stage =
  | { readonly kind: "queued" }
  | { readonly kind: "held"; readonly release: () => void }
  | { readonly kind: "over" };

export interface ClaimPorts {
  readonly locks: Locks;
  readonly lockName: string;
  /** The lead is this tab's. */
  won(): void;
  /** Another tab has taken it. */
  lost(): void;
  /** The platform gives no locks. */
  failed(error: unknown): void;
}

export class LeadClaim {
  readonly #queued = new AbortController();
  #stage: Stage = { kind: "queued" };

  /** `isTaking`: do not queue, but take the lock from whoever has it. */
  constructor({ locks, lockName, won, lost, failed }: ClaimPorts, isTaking: boolean) {
    const held = (): Promise<void> =>
      new Promise((release) => {
        if (this.#stage.kind === "over") return release();
        this.#stage = { kind: "held", release };
        won();
      });
    const options = isTaking ? { steal: true } : { signal: this.#queued.signal };
    locks.request(lockName, options, held).catch((error: unknown) => {
      const isOver = this.#stage.kind === "over";
      this.#stage = { kind: "over" };
      // It may be taken from a frozen tab that has been given it and does not know yet.
      if (!isOver && (error as Error)?.name === "AbortError") lost();
      else if (!isOver) failed(error);
    });
  }

  /** Leaves the queue, or gives the lock to the next one. */
  release(): void {
    const stage = this.#stage;
    this.#stage = { kind: "over" };
    if (stage.kind === "held") stage.release();
    else if (stage.kind === "queued") this.#queued.abort();
  }
}
