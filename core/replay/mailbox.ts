/**
 * External events of one generation: buffered while nobody waits, handed out first come first served.
 * Names are compared without case (`toLowerCase`, so that no locale changes what matches). Source: Durable Task external events.
 *
 * M1. An event goes to exactly one wait: the oldest open one of its name.
 * M2. A wait that was cancelled or has timed out takes nothing.
 */
import { Fifo } from "../fifo.ts";
import type { EventRaisedEvent } from "../history/events.ts";
import { SparseMap } from "../sparse-map.ts";

/** A wait that can be handed an event. */
export interface EventWaiter {
  readonly isPending: boolean;
  accept(event: EventRaisedEvent): void;
}

interface Buffered {
  readonly order: number;
  readonly event: EventRaisedEvent;
}

export class Mailbox {
  readonly #waiters = new SparseMap<string, Fifo<EventWaiter>>();
  readonly #buffered = new SparseMap<string, Fifo<Buffered>>();
  #arrivals = 0;

  /** Hands an event to the oldest open wait, or keeps it. */
  raise(event: EventRaisedEvent): void {
    const name = event.name.toLowerCase();
    const waiters = this.#waiters.get(name);
    for (let waiter = waiters?.shift(); waiter; waiter = waiters?.shift()) {
      if (waiter.isPending) {
        waiter.accept(event);
        return;
      }
    }
    queueIn(this.#buffered, name).push({ order: this.#arrivals++, event });
  }

  /** Gives a new wait the oldest kept event of that name, or lines it up. */
  wait(name: string, waiter: EventWaiter): void {
    const key = name.toLowerCase();
    const kept = this.#buffered.get(key)?.shift();
    if (kept) waiter.accept(kept.event);
    else queueIn(this.#waiters, key).push(waiter);
  }

  /** Drops waits that were given up, so that they do not pile up in a loop that waits with timeouts. */
  forget(name: string): void {
    this.#waiters.get(name.toLowerCase())?.drop((waiter) => !waiter.isPending);
  }

  /** Events received and not consumed, in order of arrival. */
  unconsumed(): EventRaisedEvent[] {
    return [...this.#buffered.values()]
      .flatMap((queue) => queue.items())
      .sort((a, b) => a.order - b.order)
      .map((kept) => kept.event);
  }
}

function queueIn<T>(queues: SparseMap<string, Fifo<T>>, name: string): Fifo<T> {
  const queue = queues.get(name) ?? new Fifo<T>();
  queues.set(name, queue);
  return queue;
}
