/** Questions to a store, and the answers that are right: what was committed at some moment between the question and the answer. */
import { isDeepStrictEqual } from "node:util";
import type { ListedInstance, StoredInstance, StoreSession } from "../../../core/store/contract.ts";
import type { Ledger } from "./ledger.ts";

/** What reads a store. */
export type Operation = Exclude<keyof StoreSession, "epoch" | "isFenced" | "checkFence" | "commit" | "close">;
type Args<O extends Operation> = Parameters<StoreSession[O]>;

/** An operation and what it is asked with. */
export type Asked = { [O in Operation]: readonly [operation: O, ...args: Args<O>] }[Operation];

/** What would be right; instants of last updates are those of the answer where several are right. */
type Right = (answer: unknown) => unknown;

export class Question {
  readonly asked: Asked;
  readonly #ledger: Ledger;
  readonly #right: Right[] = [];

  constructor(ledger: Ledger, asked: Asked) {
    this.#ledger = ledger;
    this.asked = asked;
    this.changed();
    ledger.questions.add(this);
  }

  /** Something was committed meanwhile. */
  changed(): void {
    this.#right.push(rightOf(this.#ledger, this.asked));
  }

  /** What is wrong with the answer, if anything. The question is closed. */
  answered(answer: unknown): string | undefined {
    this.drop();
    const given = this.asked[0] === "openInstances" ? [...(answer as string[])].sort() : answer;
    const right = this.#right.map((one) => one(answer));
    if (right.some((one) => isDeepStrictEqual(one, given))) return undefined;
    const [operation, ...args] = this.asked;
    const wanted = right.map((one) => JSON.stringify(one)).join(" or ");
    return `${operation}(${JSON.stringify(args)}) of hub ${this.#ledger.hub} answered ${JSON.stringify(answer)}, it should have been ${wanted}`;
  }

  /** It will not be answered. */
  drop(): void {
    this.#ledger.questions.delete(this);
  }
}

/** Asks a session. */
export function ask(session: StoreSession, [operation, ...args]: Asked): unknown {
  return (session[operation] as (...args: readonly unknown[]) => unknown)(...args);
}

function rightOf(ledger: Ledger, [operation, ...args]: Asked): Right {
  const { model } = ledger;
  switch (operation) {
    case "load":
      return stored(ledger, args[0] as string);
    case "history":
      return just(ledger.history(args[0] as string));
    case "openInstances":
      return just(
        [...model.instances]
          .flatMap(([id, { record, inbox }]) => (record?.isBusy || inbox.length > 0 ? id : []))
          .sort(),
      );
    case "dueTimers": {
      const [dueAtMs, limit] = args as Args<"dueTimers">;
      return just(
        model
          .timers()
          .filter((timer) => timer.dueAtMs <= dueAtMs)
          .slice(0, limit),
      );
    }
    case "nextTimerAtMs":
      return just(model.timers()[0]?.dueAtMs);
    case "query": {
      const [query] = args as Args<"query">;
      const instants = model
        .list(query)
        .map((listed) => [listed, instantOf(ledger, listed.record.instanceId)] as const);
      return (answer) =>
        instants.map(([listed, instant], index) => {
          const found = (answer as readonly ListedInstance[])[index];
          return { ...listed, lastUpdatedAtMs: instant(found?.lastUpdatedAtMs) };
        });
    }
    case "queryEntities":
      return just(model.listEntities((args as Args<"queryEntities">)[0]));
  }
}

function stored(ledger: Ledger, instanceId: string): Right {
  const { model } = ledger;
  if (!model.instances.has(instanceId)) return just(undefined);
  const { turns, timers: _timers, entity, ...rest } = model.get(instanceId);
  const counts = { turnCount: turns.length, eventCount: turns.flat().length };
  const instant = instantOf(ledger, instanceId);
  return (answer) => {
    const givenMs = (answer as StoredInstance | undefined)?.lastUpdatedAtMs;
    // The instant of an instance without a record is nobody's business.
    const lastUpdatedAtMs = rest.record ? instant(givenMs) : (givenMs ?? 0);
    return { ...rest, lastUpdatedAtMs, ...(entity && { entity }), ...counts };
  };
}

/** The given instant, if it may be that of the last update; otherwise one that would be right. */
function instantOf({ model }: Ledger, instanceId: string): (givenMs: number | undefined) => number {
  const { fromMs, toMs } = model.updatedBetween(instanceId);
  return (givenMs = fromMs) => (givenMs >= fromMs && givenMs <= toMs ? givenMs : fromMs);
}

function just(value: unknown): Right {
  return () => value;
}
