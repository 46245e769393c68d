/**
 * A tab's time in office: it has the hub open and answers the calls of all tabs, its own among them.
 *
 * G1. The term is the epoch of the hub's session, or one more than the highest term heard when the store has been wiped.
 * G2. What is read, and what is refused, is answered once the store has been asked whether the hub is still this leader's: only commits ask by themselves.
 * G3. A tab is forgotten, with its receipts, when its presence lock is free: it has gone, or has left with no change under way.
 */
import { HubFencedError, StorageLostError } from "../../../core/errors.ts";
import type { Engine } from "../../../core/hub/engine.ts";
import { openEngine, type TaskHubOptions } from "../../../core/hub/open-engine.ts";
import { ReceiptBooks } from "../../../core/hub/receipts.ts";
import { LEFT_TABS_MAX } from "./bounds.ts";
import { Caller, type CallerPorts } from "./caller.ts";
import type { TabPlatform } from "./platform.ts";
import type { Outcome, Request } from "./protocol.ts";
import type { Wire } from "./wire.ts";

export interface LeaderPorts {
  readonly platform: TabPlatform;
  readonly wire: Wire;
  readonly options: TaskHubOptions;
  /** The highest term this tab has heard of. */
  readonly lastTerm: number;
  /** The lock that a tab holds while it may send something again. */
  presenceOf(tab: string): string;
  answer(term: number, tab: string, id: number, outcome: Outcome): void;
  /** A tab is gone. */
  gone(tab: string): void;
}

export class Leader {
  readonly term: number;
  readonly #ports: LeaderPorts;
  readonly #engine: Engine;
  readonly #books: ReceiptBooks;
  readonly #callers = new Map<string, Caller>();
  /** Where tabs were that are forgotten: a message of theirs that is still on its way must not look like a new one. */
  readonly #left = new Map<string, number>();
  readonly #watched = new Set<string>();
  readonly #ended = new AbortController();

  private constructor(ports: LeaderPorts, engine: Engine, books: ReceiptBooks) {
    this.#ports = ports;
    this.#engine = engine;
    this.#books = books;
    this.term = Math.max(engine.options.session.epoch, ports.lastTerm + 1);
    for (const { caller } of books.all) this.#watchPresence(caller);
  }

  /** Opens the hub, which fences whoever had it. `isWanted` is asked first and on the way; once it says no, nothing is left open. */
  static async open(ports: LeaderPorts, isWanted: () => boolean): Promise<Leader | undefined> {
    if (!isWanted()) return undefined;
    const books = new ReceiptBooks();
    const engine = await openEngine(ports.options, books);
    try {
      await books.load(engine.options.session);
      if (isWanted()) await engine.recover();
      if (isWanted()) return new Leader(ports, engine, books);
    } catch (error) {
      await closeQuietly(engine);
      throw error;
    }
    await closeQuietly(engine);
    return undefined;
  }

  /** True once the hub takes nothing more: it was fenced, or its store failed. */
  get isStopped(): boolean {
    return this.#engine.stopped !== undefined;
  }

  receive(request: Request): void {
    if (request.term !== this.term || this.isStopped) return;
    const { tab } = request;
    let caller = this.#callers.get(tab);
    if (!caller) {
      const { wire } = this.#ports;
      const ports: CallerPorts = {
        engine: this.#engine,
        books: this.#books,
        wire,
        isInOffice: () => this.#isInOffice(),
        answer: (to, id, outcome) => this.#ports.answer(this.term, to, id, outcome),
      };
      caller = new Caller(tab, ports, this.#left.get(tab));
      this.#callers.set(tab, caller);
      this.#watchPresence(tab);
    }
    caller.receive(request);
  }

  /** A tab sends nothing again. */
  forget(tab: string): void {
    const caller = this.#callers.get(tab);
    // Also what took effect under an earlier leader: this one may not have been sent it again yet.
    const next = Math.max(caller?.next ?? 0, this.#books.knownBelow(tab));
    if (next > 0) this.#left.set(tab, next);
    for (const oldest of this.#left.keys()) if (this.#left.size > LEFT_TABS_MAX) this.#left.delete(oldest);
    caller?.close();
    this.#callers.delete(tab);
    this.#books.drop(tab);
    this.#ports.gone(tab);
  }

  /** Asks the store whether this leader still has the hub. A tab that hung does not know that another has taken over. */
  async #isInOffice(): Promise<boolean> {
    const { session } = this.#engine.options;
    try {
      await session.checkFence?.();
      if (session.isFenced) this.#engine.stop(new HubFencedError(this.#engine.options.hubName));
    } catch (error) {
      if (error instanceof HubFencedError || error instanceof StorageLostError) this.#engine.stop(error);
      return false;
    }
    return !this.isStopped;
  }

  /** Gives the hub up. Calls that are not answered by now are not answered at all. */
  async close(): Promise<void> {
    this.#ended.abort();
    for (const caller of this.#callers.values()) caller.close();
    await closeQuietly(this.#engine);
  }

  /** Waits for the tab's presence lock: it is free when the tab is gone. */
  #watchPresence(tab: string): void {
    if (this.#watched.has(tab)) return;
    this.#watched.add(tab);
    const { signal } = this.#ended;
    const gone = async (): Promise<void> => {
      this.#watched.delete(tab);
      if (!signal.aborted) this.forget(tab);
    };
    this.#ports.platform.locks.request(this.#ports.presenceOf(tab), { signal }, gone).catch(() => {});
  }
}

async function closeQuietly(engine: Engine): Promise<void> {
  try {
    await engine.close();
    await engine.options.session.close();
  } catch (error) {
    engine.options.logger.warn("A task hub could not be closed in order; the next one over its store goes on.", {
      error: (error as Error).message,
    });
  }
}
