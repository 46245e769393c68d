/**
 * Asks for the status of orders as often as it is worth it, and no more.
 *
 * W1. The order on show is asked about quickly while it moves, slowly while it waits; the others in the background, one at a time.
 * W2. A hidden page asks nothing. A worker that does not answer is asked less and less often, up to a bound.
 * W3. An order that has ended, or that the hub does not have, is not asked about again.
 */
import { ApiError, type InstanceStatus, isFinal } from "./management-api.ts";

/** How often an order that moves is asked about. */
const MOVING_MS = 350;
/** How often one that waits for a person is asked about, and any in the background. */
const WAITING_MS = 1_500;
const BACKGROUND_MS = 4_000;
/** Longest pause between two tries to reach a worker that does not answer. */
const UNREACHABLE_MS_MAX = 8_000;

/** What the watch needs to know, and whom it tells. */
export interface WatchPorts {
  /** Asks for one order; `undefined` when the hub does not have it. */
  readonly ask: (id: string) => Promise<InstanceStatus | undefined>;
  readonly onStatus: (id: string, status: InstanceStatus | undefined) => void;
  readonly onError: (error: ApiError) => void;
  /** True when the order waits for a person. */
  readonly isWaiting: (status: InstanceStatus) => boolean;
}

/** Watches any number of orders with one request under way at a time. */
export class OrderWatch {
  readonly #ports: WatchPorts;
  /** When each order is asked about next, in ms of `performance.now()`. */
  readonly #dueAtMs = new Map<string, number>();
  #shown: string | undefined;
  #timer: number | undefined;
  #isAsking = false;
  #failures = 0;

  constructor(ports: WatchPorts) {
    this.#ports = ports;
    document.addEventListener("visibilitychange", () => this.#arm());
    addEventListener("online", () => this.askNow());
  }

  /** Begins to watch an order. */
  add(id: string): void {
    this.#dueAtMs.set(id, performance.now());
    this.#arm();
  }

  /** Puts an order on show: it is asked about at once, and often while it moves. */
  show(id: string): void {
    this.#shown = id;
    this.add(id);
  }

  /** Asks about the order on show without delay, after something was done to it. */
  askNow(): void {
    if (this.#shown !== undefined) this.add(this.#shown);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (document.hidden || this.#isAsking || this.#dueAtMs.size === 0) return;
    const dueAtMs = Math.min(...this.#dueAtMs.values());
    this.#timer = setTimeout(() => void this.#askDue(), Math.max(0, dueAtMs - performance.now()));
  }

  async #askDue(): Promise<void> {
    const [id] = [...this.#dueAtMs].sort(([, a], [, b]) => a - b)[0] ?? [];
    if (id === undefined) return;
    this.#isAsking = true;
    try {
      const status = await this.#ports.ask(id);
      this.#failures = 0;
      if (status === undefined || isFinal(status.runtimeStatus)) this.#dueAtMs.delete(id);
      else this.#dueAtMs.set(id, performance.now() + this.#pauseMs(id, status));
      this.#ports.onStatus(id, status);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#failures++;
      this.#dueAtMs.set(id, performance.now() + Math.min(UNREACHABLE_MS_MAX, 500 * 2 ** this.#failures));
      this.#ports.onError(error);
    } finally {
      this.#isAsking = false;
      this.#arm();
    }
  }

  #pauseMs(id: string, status: InstanceStatus): number {
    if (id !== this.#shown) return BACKGROUND_MS;
    return status.runtimeStatus === "Suspended" || this.#ports.isWaiting(status) ? WAITING_MS : MOVING_MS;
  }
}
