/**
 * The leader's side of a watch: states as they come, handed out in batches to the tab that asks for them.
 *
 * F1. A batch is kept until the next one is asked for, so that a batch whose answer was lost can be given again.
 * F2. The feed reads no more than a batch ahead; what it does not read waits in the hub's own bounded backlog.
 */
import type { OrchestrationState, TaskHubClient } from "../../../core/client/client.ts";
import { WATCH_BATCH_MAX } from "./bounds.ts";
import type { WatchBatch, WatchTarget } from "./protocol.ts";
import type { Wire, WireState } from "./wire.ts";

type End = { readonly kind: "done" } | { readonly kind: "failed"; readonly error: unknown };

export class WatchFeed {
  readonly #states: AsyncIterator<OrchestrationState>;
  readonly #wire: Wire;
  #batch: readonly WireState[] = [];
  #buffer: WireState[] = [];
  /** States handed out and confirmed. */
  #confirmed = 0;
  #end: End | undefined;
  #isReading = false;
  #wake: (() => void) | undefined;

  constructor(hub: TaskHubClient, target: WatchTarget, wire: Wire) {
    const states = target.kind === "one" ? hub.watchOrchestration(target.id) : hub.watchOrchestrations(target.query);
    this.#states = states[Symbol.asyncIterator]();
    this.#wire = wire;
    void this.#read();
  }

  /** The states after the first `received`; waits until there is one, or the end. */
  async next(received: number): Promise<WatchBatch> {
    if (received === this.#confirmed + this.#batch.length) {
      this.#confirmed = received;
      this.#batch = [];
    } else if (received !== this.#confirmed) return { kind: "restart" };
    while (this.#batch.length === 0) {
      if (this.#buffer.length > 0) {
        this.#batch = this.#buffer;
        this.#buffer = [];
        void this.#read();
      } else if (this.#end?.kind === "failed") throw this.#end.error;
      else if (this.#end) break;
      else await new Promise<void>((resolve) => this.#onChange(resolve));
    }
    return { kind: "states", states: this.#batch, isEnd: this.#end?.kind === "done" && this.#buffer.length === 0 };
  }

  close(): void {
    this.#end ??= { kind: "done" };
    this.#wake?.();
    void this.#states.return?.().catch(() => {});
  }

  #onChange(resolve: () => void): void {
    const others = this.#wake;
    this.#wake = () => {
      others?.();
      resolve();
    };
  }

  async #read(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (!this.#end && this.#buffer.length < WATCH_BATCH_MAX) {
        const next = await this.#states.next();
        if (next.done) this.#end ??= { kind: "done" };
        else this.#buffer.push(this.#wire.writeState(next.value));
        this.#wake?.();
        this.#wake = undefined;
      }
    } catch (error) {
      this.#end ??= { kind: "failed", error };
      this.#wake?.();
      this.#wake = undefined;
    } finally {
      this.#isReading = false;
    }
  }
}
