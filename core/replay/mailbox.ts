/**
 * External events of one generation: buffered while nobody waits, handed out first come first served.
 * Names are compared without case (`toLowerCase`, so that no locale changes what matches). Source: Durable Task external events.
 *
 * M1. An event goes to exactly one wait: the oldest open one of its name.
 * M2. A wait that was cancelled or has timed out takes nothing.
 */
import type { EventRaisedEvent } from "../history/events.ts";

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
  readonly #waiters = new Map<string, Queue<EventWaiter>>();
  readonly #buffered = new Map<string, Queue<Buffered>>();
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

function queueIn<T>(queues: Map<string, Queue<T>>, name: string): Queue<T> {
  const queue = queues.get(name) ?? new Queue<T>();
  queues.set(name, queue);
  return queue;
}

/** First in, first out, with a cheap `shift` however long it is. */
class Queue<T> {
  #items: T[] = [];
  #head = 0;
  push(item: T): void {
    this.#items.push(item);
  }
  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head++];
    if (this.#head > 64 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
  drop(isUnwanted: (item: T) => boolean): void {
    this.#items = this.items().filter((item) => !isUnwanted(item));
    this.#head = 0;
  }
  items(): T[] {
    return this.#items.slice(this.#head);
  }
}
