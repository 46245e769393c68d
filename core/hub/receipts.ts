/**
 * Receipts: which requests of a caller behind an unreliable way (another tab, say) have taken effect, and how they were answered.
 * A caller numbers the requests that change something, and sends one again when its answer does not come. Whoever gets it then, this hub or
 * the next one over the same store, finds the receipt and answers without doing anything twice.
 *
 * L1. A receipt is written by the very commit that carries the effect: there is none without its effect, and no effect without it.
 * L2. Numbers below `answeredBelow` are answered for good: they are neither kept nor applied again.
 * L3. A caller has one row, rewritten with each commit that answers it; it holds what the caller has not confirmed, no more.
 */
import { defaultCodec } from "../codec/codec.ts";
import { EntityId, OWN_PREFIX } from "../identity.ts";
import type { InstanceChange, StoreSession } from "../store/contract.ts";
import type { Engine } from "./engine.ts";
import type { ClientPorts } from "./engine-ports.ts";
import type { Ack } from "./group.ts";

/** The entity name under which books are stored; the key is the caller's id. */
const BOOK = `${OWN_PREFIX}receipts`;
/** Books read at once. */
const PAGE_SIZE = 500;

/** Where a message is noted as done. */
export interface Receipt {
  readonly book: ReceiptBook;
  /** The request's number in its caller's order. */
  readonly request: number;
}

/** A book as it is stored: answers are text of the default codec, `null` for `undefined`. */
interface StoredBook {
  readonly answers: readonly (readonly [request: number, answer: string | null])[];
  readonly answeredBelow: number;
}

/** The receipts of one caller. */
export class ReceiptBook {
  readonly caller: string;
  readonly #answers = new Map<number, unknown>();
  #answeredBelow = 0;

  /** @param text what `textWith` gave when the book was stored. */
  constructor(caller: string, text?: string) {
    this.caller = caller;
    if (text === undefined) return;
    const { answers, answeredBelow } = JSON.parse(text) as StoredBook;
    this.#answeredBelow = answeredBelow;
    for (const [request, answer] of answers)
      this.#answers.set(request, answer === null ? undefined : defaultCodec.decode(answer));
  }

  get answeredBelow(): number {
    return this.#answeredBelow;
  }
  /** The number after the last request that is known to have taken effect. */
  get knownBelow(): number {
    return Math.max(this.#answeredBelow, ...[...this.#answers.keys()].map((request) => request + 1));
  }
  /** How the request was answered, when it has taken effect. */
  find(request: number): { readonly answer: unknown } | undefined {
    return this.#answers.has(request) ? { answer: this.#answers.get(request) } : undefined;
  }
  /** The caller has every answer below this number. */
  confirm(answeredBelow: number): void {
    this.#answeredBelow = Math.max(this.#answeredBelow, answeredBelow);
    for (const request of this.#answers.keys()) if (request < this.#answeredBelow) this.#answers.delete(request);
  }
  /** A message of the request is committed. Counts of one request add up. */
  note(request: number, answer: unknown): void {
    if (request < this.#answeredBelow) return;
    this.#answers.set(request, sum(this.#answers.get(request), answer));
  }
  /** The stored form, with answers that are being committed. */
  textWith(notes: readonly (readonly [request: number, answer: unknown])[]): string {
    const answers = new Map(this.#answers);
    for (const [request, answer] of notes)
      if (request >= this.#answeredBelow) answers.set(request, sum(answers.get(request), answer));
    const stored: StoredBook = {
      answers: [...answers].map(([request, answer]) => [
        request,
        answer === undefined ? null : defaultCodec.encode(answer),
      ]),
      answeredBelow: this.#answeredBelow,
    };
    return JSON.stringify(stored);
  }
}

/** A purge of many instances is answered by many commits, each with a count. */
function sum(before: unknown, answer: unknown): unknown {
  return typeof before === "number" && typeof answer === "number" ? before + answer : answer;
}

/** The receipts of all callers of a hub. */
export class ReceiptBooks {
  readonly #books = new Map<string, ReceiptBook>();
  readonly #dropped = new Set<string>();

  /** Reads what earlier hubs have noted. */
  async load(session: StoreSession): Promise<void> {
    for (let after: string | undefined, isLast = false; !isLast; ) {
      const filter = { instanceIdPrefix: `@${BOOK}@`, includesTransient: false, limit: PAGE_SIZE };
      const page = await session.queryEntities({ ...filter, ...(after !== undefined && { after }) });
      for (const { entity } of page) {
        const { key } = EntityId.parse(entity.instanceId);
        this.#books.set(key, new ReceiptBook(key, entity.state));
      }
      after = page.at(-1)?.entity.instanceId;
      isLast = page.length < PAGE_SIZE;
    }
  }

  get all(): Iterable<ReceiptBook> {
    return this.#books.values();
  }

  /** The book of a caller; an empty one when it has none. */
  of(caller: string): ReceiptBook {
    const book = this.#books.get(caller) ?? new ReceiptBook(caller);
    this.#books.set(caller, book);
    return book;
  }

  /** The number after the last request of a caller that is known to have taken effect. */
  knownBelow(caller: string): number {
    return this.#books.get(caller)?.knownBelow ?? 0;
  }

  /** Forgets a caller that is gone for good; its row goes with the next commit, or if that fails when the next hub drops it. */
  drop(caller: string): void {
    if (this.#books.delete(caller)) this.#dropped.add(caller);
  }

  /** The rows of those whose requests a commit answers, and of those that are gone. */
  changes(acks: readonly Ack[], atMs: number): InstanceChange[] {
    const notes = new Map<ReceiptBook, [number, unknown][]>();
    for (const ack of acks) {
      const { receipt } = ack.message;
      if (!receipt || "refusal" in ack) continue;
      const { message, value } = ack;
      message.receipt = undefined;
      const noted = notes.get(receipt.book);
      if (noted) noted.push([receipt.request, value]);
      else notes.set(receipt.book, [[receipt.request, value]]);
    }
    const changes: InstanceChange[] = [];
    for (const caller of this.#dropped)
      if (!this.#books.has(caller)) changes.push({ instanceId: rowOf(caller), atMs, entity: null });
    this.#dropped.clear();
    for (const [book, answered] of notes) {
      if (this.#books.get(book.caller) !== book) continue;
      const instanceId = rowOf(book.caller);
      changes.push({
        instanceId,
        atMs,
        entity: { instanceId, lastModifiedAtMs: atMs, state: book.textWith(answered) },
      });
    }
    return changes;
  }
}

function rowOf(caller: string): string {
  return new EntityId(BOOK, caller).toString();
}

/**
 * The engine as one request sees it: what it sends is noted as done. A message that the request has sent before is not sent again, but answered
 * as it was then; purges are the exception: each is harmless to repeat, and their counts add up.
 */
export function withReceipt(engine: Engine, receipt: Receipt): ClientPorts {
  const { book, request } = receipt;
  return {
    options: engine.options,
    waiters: engine.waiters,
    checkOpen: () => engine.checkOpen(),
    find: (instanceId) => engine.find(instanceId),
    newExecutionId: () => engine.newExecutionId(),
    send: (instanceId, message) => {
      const known = message.kind === "purge" ? undefined : book.find(request);
      if (known) return Promise.resolve(known.answer);
      return new Promise((resolve, reject) => {
        // Noted at the very delivery: the next commit may be put together before any promise goes on.
        const answered = (answer: unknown): void => {
          book.note(request, answer);
          resolve(answer);
        };
        engine.post(instanceId, { ...message, receipt, ack: { resolve: answered, reject } });
      });
    },
  };
}
