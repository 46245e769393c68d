/**
 * The calls of one tab on their way to whoever leads, until they are answered.
 *
 * B1. A call ends once: with the first answer of the highest term heard, or with the reason for which it will get none.
 * B2. Changes are sent in the order in which they were made, again and again to every new leader, and to the same one when no answer comes.
 * B3. The numbers of changes have no gaps, and a change says which earlier ones are answered: so a leader can tell what it has not got yet.
 */
import { type ErrorData, reviveError } from "../../../core/error-data.ts";
import { InvalidArgumentError } from "../../../core/errors.ts";
import { Fifo } from "../../../core/fifo.ts";
import { CHANGES_UNDER_WAY_MAX, RESEND_DELAY_MAX_MS, RESEND_DELAY_MS } from "./bounds.ts";
import { isRead } from "./perform.ts";
import type { Answer, Args, Call, CallName, ChangeName, ReadName, Request, Result } from "./protocol.ts";

type OpenCall = {
  readonly id: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  resendAtMs: number;
  resendDelayMs: number;
  ended?: () => void;
} & ({ readonly place: number; readonly call: Call<ChangeName> } | { readonly call: Call<ReadName> });

export interface OutboxPorts {
  readonly tab: string;
  now(): number;
  post(request: Request): void;
}

export class Outbox {
  readonly #ports: OutboxPorts;
  readonly #open = new Map<number, OpenCall>();
  /** Open changes in order, by place. */
  readonly #changes = new Map<number, OpenCall>();
  /** Calls that the current leader has not been sent yet. */
  #unsent = new Fifo<OpenCall>();
  #lastId = 0;
  #nextPlace = 0;
  #term: number | undefined;
  #closed: Error | undefined;
  #refusal: Error | undefined;

  constructor(ports: OutboxPorts) {
    this.#ports = ports;
  }

  /** True while changes are under way, whose receipts whoever leads must keep. */
  get hasChanges(): boolean {
    return this.#changes.size > 0;
  }

  /** Makes a call. Its arguments are taken as they are now. A read may be given up by `signal`; it then rejects with the signal's reason. */
  call<M extends ReadName>(name: M, args: Args<M>, signal: AbortSignal): Promise<Result<M>>;
  call<M extends CallName>(name: M, args: Args<M>): Promise<Result<M>>;
  call<M extends CallName>(name: M, args: Args<M>, signal?: AbortSignal): Promise<Result<M>> {
    return new Promise<Result<M>>((resolve, reject) => {
      const refusal = this.#closed ?? this.#refusal;
      if (refusal) throw refusal;
      const call = cloned({ name, args } as Call);
      const base = {
        id: ++this.#lastId,
        resolve: resolve as (value: unknown) => void,
        reject,
        resendAtMs: 0,
        resendDelayMs: RESEND_DELAY_MS,
      };
      const open: OpenCall = isRead(call)
        ? { ...base, call }
        : { ...base, call: call as Call<ChangeName>, place: this.#nextPlace++ };
      this.#open.set(open.id, open);
      if ("place" in open) this.#changes.set(open.place, open);
      this.#unsent.push(open);
      if (signal) this.#giveUpBy(signal, open);
      this.#flush();
    });
  }

  /** There is a new leader, or the tab has been away: everything is sent again. */
  sendAll(term: number): void {
    this.#term = term;
    this.#refusal = undefined;
    this.#unsent = new Fifo<OpenCall>();
    for (const open of this.#open.values()) {
      open.resendDelayMs = RESEND_DELAY_MS;
      this.#unsent.push(open);
    }
    this.#flush();
  }

  /** Sends nothing until there is somebody to send it to again. */
  hold(): void {
    this.#term = undefined;
  }

  /** Whether calls are refused. */
  get isRefusing(): boolean {
    return this.#refusal !== undefined;
  }

  /** Ends every call under way, and those to come until there is a leader again: the one there is would not understand them. */
  refuse(error: Error): void {
    this.hold();
    this.#refusal = error;
    this.rejectAll(error);
  }

  /** Sends again what the leader should have answered by now. */
  resendLate(): void {
    if (this.#term === undefined) return;
    const nowMs = this.#ports.now();
    for (const open of this.#open.values()) {
      const waitMs = open.resendAtMs - nowMs;
      // A longer wait than the delay: the clock was put back.
      if (open.resendAtMs === 0 || (waitMs > 0 && waitMs <= open.resendDelayMs)) continue;
      open.resendDelayMs = Math.min(open.resendDelayMs * 2, RESEND_DELAY_MAX_MS);
      this.#send(open);
    }
  }

  answered({ id, outcome }: Answer): void {
    const open = this.#open.get(id);
    if (!open) return;
    this.#forget(open);
    if (outcome.kind === "value") open.resolve(outcome.value);
    else open.reject(revived(outcome.error));
    this.#flush();
  }

  /** Ends every call, and those to come. */
  close(error: Error): void {
    this.#closed = error;
    this.rejectAll(error);
  }

  /** Ends every call under way: nobody can be found who answers it. */
  rejectAll(error: unknown): void {
    for (const open of [...this.#open.values()]) {
      this.#forget(open);
      open.reject(error);
    }
  }

  #giveUpBy(signal: AbortSignal, open: OpenCall): void {
    const giveUp = (): void => {
      this.#forget(open);
      open.reject(signal.reason);
    };
    if (signal.aborted) giveUp();
    else signal.addEventListener("abort", giveUp);
    open.ended = () => signal.removeEventListener("abort", giveUp);
  }

  #forget(open: OpenCall): void {
    this.#open.delete(open.id);
    if ("place" in open) this.#changes.delete(open.place);
    open.ended?.();
  }

  /** The first change without an answer. */
  get #answeredBelow(): number {
    for (const place of this.#changes.keys()) return place;
    return this.#nextPlace;
  }

  #flush(): void {
    if (this.#term === undefined) return;
    for (let open = this.#unsent.first; open; open = this.#unsent.first) {
      if ("place" in open && open.place >= this.#answeredBelow + CHANGES_UNDER_WAY_MAX) return;
      this.#unsent.shift();
      if (this.#open.has(open.id)) this.#send(open);
    }
  }

  #send(open: OpenCall): void {
    const { tab } = this.#ports;
    const { id } = open;
    const term = this.#term as number;
    open.resendAtMs = this.#ports.now() + open.resendDelayMs;
    const request: Request =
      "place" in open
        ? { kind: "change", tab, term, id, place: open.place, answeredBelow: this.#answeredBelow, call: open.call }
        : { kind: "read", tab, term, id, call: open.call };
    try {
      this.#ports.post(request);
    } catch (error) {
      // The browser would refuse it again; the others go on.
      this.#forget(open);
      open.reject(error);
    }
  }
}

/** The error of an answer; when it cannot be put together again, what that failed with. */
function revived(data: ErrorData): unknown {
  try {
    return reviveError(data);
  } catch (error) {
    return error;
  }
}

/** A copy that later changes of the caller's objects do not reach. @throws InvalidArgumentError for what cannot be sent to another tab */
function cloned(call: Call): Call {
  try {
    return structuredClone(call);
  } catch (error) {
    throw new InvalidArgumentError(
      `An argument of this call cannot be sent to another tab: ${(error as Error).message}. Options are plain values; payloads are what the codec keeps.`,
    );
  }
}
