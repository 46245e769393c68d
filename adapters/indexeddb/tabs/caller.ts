/**
 * One tab as the leader sees it: takes its changes in their order, each once, and answers its reads.
 *
 * K1. A change is applied when all before it have been taken; one that came too early waits, one that came before is answered again.
 * K2. What the receipts of an earlier leader show as done is answered from them.
 * K3. A tab that is forgotten gets no answers to its reads: should it come back, it asks again. Nothing is answered once the leader's hub takes no calls any more: its last words could be wrong.
 */
import { errorData } from "../../../core/error-data.ts";
import type { Engine } from "../../../core/hub/engine.ts";
import { HubClient } from "../../../core/hub/hub-client.ts";
import { type ReceiptBook, type ReceiptBooks, withReceipt } from "../../../core/hub/receipts.ts";
import { perform, settled } from "./perform.ts";
import type { Args, Call, ChangeName, Outcome, ReadName, Request, Result } from "./protocol.ts";
import { WatchFeed } from "./watch-feed.ts";
import type { Wire } from "./wire.ts";

type Change = Extract<Request, { kind: "change" }>;
type Read = Extract<Request, { kind: "read" }>;

export interface CallerPorts {
  readonly engine: Engine;
  readonly books: ReceiptBooks;
  readonly wire: Wire;
  /** Whether the leader still has the hub, as the store says. */
  isInOffice(): Promise<boolean>;
  answer(tab: string, id: number, outcome: Outcome): void;
}

export class Caller {
  readonly #tab: string;
  readonly #ports: CallerPorts;
  readonly #hub: HubClient;
  readonly #feeds = new Map<string, WatchFeed>();
  /** Reads that are being answered, by id. */
  readonly #reading = new Set<number>();
  /** Changes that came before their turn, by place. */
  readonly #early = new Map<number, Change>();
  /** Outcomes that the tab has not confirmed, by place; `undefined` while a change is being made. */
  readonly #outcomes = new Map<number, Outcome | undefined>();
  #next: number | undefined;
  #isClosed = false;

  constructor(tab: string, ports: CallerPorts, next: number | undefined) {
    this.#next = next;
    this.#tab = tab;
    this.#ports = ports;
    this.#hub = new HubClient(ports.engine);
  }

  /** The place of the next change; unknown until the tab has sent one. */
  get next(): number | undefined {
    return this.#next;
  }

  receive(request: Request): void {
    if (request.kind === "change") this.#takeChange(request);
    else void this.#read(request);
  }

  close(): void {
    this.#isClosed = true;
    for (const feed of this.#feeds.values()) feed.close();
    this.#feeds.clear();
  }

  // ---- changes

  #takeChange(change: Change): void {
    const { place, answeredBelow } = change;
    const book = this.#ports.books.of(this.#tab);
    book.confirm(answeredBelow);
    for (const confirmed of this.#outcomes.keys()) if (confirmed < answeredBelow) this.#outcomes.delete(confirmed);
    this.#next = Math.max(this.#next ?? 0, book.answeredBelow);
    if (place < this.#next) {
      const outcome = this.#outcomes.get(place);
      if (outcome) void this.#answerChange(change.id, outcome);
      return;
    }
    this.#early.set(place, change);
    for (let next = this.#early.get(this.#next); next; next = this.#early.get(this.#next)) {
      this.#early.delete(this.#next);
      this.#next++;
      void this.#change(next, book);
    }
  }

  async #change({ id, place, call }: Change, book: ReceiptBook): Promise<void> {
    this.#outcomes.set(place, undefined);
    const outcome = await outcomeOf(this.#resultOf(call, place, book));
    if (this.#ports.engine.stopped) return;
    if (this.#outcomes.has(place)) this.#outcomes.set(place, outcome);
    await this.#answerChange(id, outcome);
  }

  /** What the store cannot vouch for now is answered when the tab asks again. */
  async #answerChange(id: number, outcome: Outcome): Promise<void> {
    // A refusal commits nothing, which would have failed if another leader had the hub by now.
    if (outcome.kind === "value" || (await this.#ports.isInOffice())) this.#ports.answer(this.#tab, id, outcome);
  }

  async #resultOf(call: Call<ChangeName>, place: number, book: ReceiptBook): Promise<unknown> {
    const { engine, wire } = this.#ports;
    // Cleaning is harmless to repeat, and more than one message: it leaves no receipts.
    if (call.name === "cleanEntityStorage") return perform(this.#hub, call, wire);
    const done = book.find(place);
    const known = done && settled(call, done.answer);
    if (known) return known.value;
    const hub = new HubClient(withReceipt(engine, { book, request: place }));
    const result = await perform(hub, call, wire);
    if (call.name !== "purge" || typeof done?.answer !== "number") return result;
    const purged = result as Result<"purge">;
    return { ...purged, deletedInstanceCount: purged.deletedInstanceCount + done.answer };
  }

  // ---- reads

  async #read({ id, call }: Read): Promise<void> {
    if (this.#reading.has(id)) return;
    this.#reading.add(id);
    const outcome = await outcomeOf(this.#readingOf(call));
    this.#reading.delete(id);
    if ((await this.#ports.isInOffice()) && !this.#isClosed) this.#ports.answer(this.#tab, id, outcome);
  }

  async #readingOf(call: Call<ReadName>): Promise<unknown> {
    switch (call.name) {
      case "watchNext":
        return this.#watchNext(call.args);
      case "unwatch":
        this.#feeds.get(call.args.watch)?.close();
        this.#feeds.delete(call.args.watch);
        return undefined;
      default:
        return perform(this.#hub, call, this.#ports.wire);
    }
  }

  async #watchNext({ watch, target, received }: Args<"watchNext">): Promise<Result<"watchNext">> {
    let feed = this.#feeds.get(watch);
    if (!feed) {
      if (received > 0) return { kind: "restart" };
      feed = new WatchFeed(this.#hub, target, this.#ports.wire);
      this.#feeds.set(watch, feed);
    }
    const batch = await feed.next(received);
    if (batch.kind === "restart" || batch.isEnd) {
      feed.close();
      this.#feeds.delete(watch);
    }
    return batch;
  }
}

async function outcomeOf(result: Promise<unknown>): Promise<Outcome> {
  try {
    return { kind: "value", value: await result };
  } catch (error) {
    return { kind: "error", error: errorData(error) };
  }
}
