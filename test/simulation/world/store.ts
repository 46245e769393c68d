/**
 * The store as a process sees it: a production store behind everything that can come between the two. Each operation is asked, done and answered, and at
 * each of these moments the process may die, the store fail, or others be faster. What really is in the store, the ledger knows.
 */
import { isDeepStrictEqual } from "node:util";
import type { HubStore, StoreSession } from "../../../core/store/contract.ts";
import type { Violate } from "../model/invariants.ts";
import type { Ledger } from "../model/ledger.ts";
import type { Process } from "./process.ts";
import type { World } from "./world.ts";

/** A database, whatever runs over it. */
export interface Database {
  readonly name: string;
  readonly store: HubStore;
  /** True when the hub gets its answers at once, as long as nothing comes between. */
  readonly isSynchronous: boolean;
  /** While a transaction of this process is under way, its statements may fail, or the process die between two of them. */
  during<T>(process: Process, work: () => T): T;
}

/** Thrown out of a transaction whose process has died, so that it is undone. */
export class ProcessGone extends Error {
  override name = "ProcessGone";
}
/** What a process that has died hears of the store. */
const NEVER: Promise<never> = new Promise(() => {});
/** What a store says that cannot do what it was asked, for now. */
export class StoreFailure extends Error {
  override name = "StoreFailure";
}

export interface StorePorts {
  readonly world: World;
  readonly database: Database;
  readonly ledger: (hub: string) => Ledger;
  readonly violate: Violate;
  /** True while the store is full. */
  isFull(): boolean;
  /** Another process opens the hub, while this one is writing. */
  takeOver(process: Process): Promise<void>;
}

/** The store of one process. */
export function storeOf(process: Process, ports: StorePorts): HubStore {
  return {
    open: async (hub) => {
      const session = await new Promise<StoreSession>((resolve, reject) => {
        const open = async (): Promise<void> => {
          try {
            resolve(await ports.database.store.open(hub));
          } catch (error) {
            reject(error as Error);
          }
        };
        ports.world.after(0, `${process.name} opens the store`, open, process);
      });
      const ledger = ports.ledger(hub);
      process.epoch = session.epoch;
      if (session.epoch !== ledger.newestEpoch + 1)
        ports.violate("I01", `hub ${hub} was opened with epoch ${session.epoch} after ${ledger.newestEpoch}`);
      ledger.newestEpoch = session.epoch;
      ledger.told(session.epoch);
      return new SimulatedSession(process, session, ledger, ports);
    },
  };
}

/** Later than any timer. */
const END_OF_TIME_MS = 8.64e15;

type Operation = Exclude<keyof StoreSession, "epoch" | "isFenced" | "commit" | "close">;

class SimulatedSession implements StoreSession {
  readonly epoch: number;
  readonly #process: Process;
  readonly #inner: StoreSession;
  readonly #ledger: Ledger;
  readonly #ports: StorePorts;
  #isCommitting = false;

  constructor(process: Process, inner: StoreSession, ledger: Ledger, ports: StorePorts) {
    this.epoch = inner.epoch;
    this.#process = process;
    this.#inner = inner;
    this.#ledger = ledger;
    this.#ports = ports;
  }

  get isFenced(): boolean {
    return this.#inner.isFenced;
  }

  commit: StoreSession["commit"] = (changes) => {
    if (!this.#process.isAlive) return NEVER;
    if (this.#isCommitting) this.#ports.violate("I02", `${this.#process.name} began a commit before the last was done`);
    const { choices } = this.#ports.world;
    // What is committed is what is given now, whatever the hub does with it later.
    const given = structuredClone(changes);
    if (this.#ports.database.isSynchronous) {
      try {
        this.#before();
        void this.#apply(given);
        this.#ledger.told(this.epoch);
        this.#after();
        return;
      } catch (error) {
        if (error instanceof ProcessGone) return NEVER;
        throw error;
      }
    }
    this.#isCommitting = true;
    return new Promise((resolve, reject) => {
      const delayMs = choices.fault("F09") ? 500 : 0;
      this.#later(delayMs, "commit", async () => {
        try {
          // What was on its way when the process died may arrive all the same.
          if (!this.#process.isAlive && choices.about("in flight").chance(0.5)) await this.#apply(given);
          this.#before();
          if (choices.fault("F14")) await this.#ports.takeOver(this.#process);
          await this.#apply(given);
          this.#after();
        } catch (error) {
          this.#isCommitting = false;
          this.#ledger.told(this.epoch);
          if (!(error instanceof ProcessGone)) reject(error as Error);
          return;
        }
        if (choices.fault("F10")) {
          this.#process.isStuck = true;
          this.#ports.world.trace.say(`  ${this.#process.name} never hears of its commit`);
          return;
        }
        this.#isCommitting = false;
        this.#answer(() => {
          this.#ledger.told(this.epoch);
          resolve();
        }, undefined);
      });
    });
  };

  load: StoreSession["load"] = (id) => this.#read("load", [id]) as ReturnType<StoreSession["load"]>;
  history: StoreSession["history"] = (id) => this.#read("history", [id]) as ReturnType<StoreSession["history"]>;
  openInstances: StoreSession["openInstances"] = () =>
    this.#read("openInstances", []) as ReturnType<StoreSession["openInstances"]>;
  dueTimers: StoreSession["dueTimers"] = (dueAtMs, limit) =>
    this.#read("dueTimers", [dueAtMs, limit]) as ReturnType<StoreSession["dueTimers"]>;
  nextTimerAtMs: StoreSession["nextTimerAtMs"] = () =>
    this.#read("nextTimerAtMs", []) as ReturnType<StoreSession["nextTimerAtMs"]>;
  query: StoreSession["query"] = (query) => this.#read("query", [query]) as ReturnType<StoreSession["query"]>;
  queryEntities: StoreSession["queryEntities"] = (filter) =>
    this.#read("queryEntities", [filter]) as ReturnType<StoreSession["queryEntities"]>;

  close(): void {
    if (this.#process.isAlive) void this.#inner.close();
  }

  #checkAlive(): void {
    if (!this.#process.isAlive) throw new ProcessGone(`${this.#process.name} is gone`);
  }

  /** What can happen before a commit reaches the store. */
  #before(): void {
    const { choices } = this.#ports.world;
    if (choices.fault("F03")) this.#process.die("before a commit");
    this.#checkAlive();
    if (choices.fault("F06")) throw new StoreFailure("refused");
    if (this.#ports.isFull()) throw new StoreFailure("the store is full");
  }

  #apply(changes: Parameters<StoreSession["commit"]>[0]): void | Promise<void> {
    const done = this.#ports.database.during(this.#process, () => this.#inner.commit(changes));
    const note = (): void => {
      this.#ports.world.trace.say(`  ${this.#process.name} commits ${summary(changes)}`);
      this.#ledger.applied(this.epoch, changes);
    };
    if (done) {
      return done.then(async () => {
        note();
        for (const [operation, args] of this.#samples(changes))
          this.#check(operation, args, await this.#ask(operation, args));
      });
    }
    note();
    for (const [operation, args] of this.#samples(changes)) this.#check(operation, args, this.#ask(operation, args));
  }

  /** Questions that show now and then whether what was committed is what the store holds. */
  #samples(changes: Parameters<StoreSession["commit"]>[0]): (readonly [Operation, readonly unknown[]])[] {
    const random = this.#ports.world.choices.about("samples");
    const samples = changes.flatMap(({ instanceId, isReset }) => {
      if (!isReset && !random.chance(0.2)) return [];
      return [["load", [instanceId]] as const, ["history", [instanceId]] as const];
    });
    if (!random.chance(0.1)) return samples;
    const all = { filter: {}, orderBy: random.pick(["created", "completed"] as const), limit: 1_000 };
    return [
      ...samples,
      ["openInstances", []],
      ["dueTimers", [END_OF_TIME_MS, 1_000]],
      ["nextTimerAtMs", []],
      ["query", [all]],
      ["queryEntities", [{ includesTransient: true, limit: 1_000 }]],
    ];
  }

  #ask(operation: Operation, args: readonly unknown[]): unknown {
    return (this.#inner[operation] as (...args: readonly unknown[]) => unknown)(...args);
  }

  /** Compares an answer of the store with what was committed. */
  #check(operation: Operation, args: readonly unknown[], answer: unknown): unknown {
    const wanted = expected(this.#ledger, operation, args, answer);
    if (!this.#inner.isFenced && !isDeepStrictEqual(wanted, comparable(operation, answer)))
      this.#ports.violate(
        "I25",
        `${operation}(${JSON.stringify(args)}) of hub ${this.#ledger.hub} answered ${JSON.stringify(answer)}, it should have been ${JSON.stringify(wanted)}`,
      );
    return answer;
  }

  /** What can happen once it is durable. */
  #after(): void {
    const { choices } = this.#ports.world;
    if (choices.fault("F04")) this.#process.die("after a commit");
    this.#checkAlive();
    if (!choices.fault("F07")) return;
    this.#process.isMisled = true;
    throw new StoreFailure("applied, and then refused");
  }

  #read(operation: Operation, args: readonly unknown[]): unknown {
    const { choices } = this.#ports.world;
    if (this.#process.isAlive && choices.fault("F12")) this.#process.die(`while it reads (${operation})`);
    if (!this.#process.isAlive) return NEVER;
    const fails = choices.fault("F39");
    if (fails && this.#ports.database.isSynchronous) throw new StoreFailure(`${operation} failed`);
    if (this.#ports.database.isSynchronous) return this.#check(operation, args, this.#ask(operation, args));
    return new Promise((resolve, reject) => {
      this.#later(0, operation, async () => {
        try {
          if (fails) throw new StoreFailure(`${operation} failed`);
          this.#answer(resolve, this.#check(operation, args, await this.#ask(operation, args)));
        } catch (error) {
          reject(error as Error);
        }
      });
    });
  }

  /** The store gets to it; also when the process that asked is gone by then. */
  #later(delayMs: number, what: string, run: () => Promise<void>): void {
    this.#ports.world.after(delayMs, `${this.#process.name} store ${what}`, run);
  }

  #answer(resolve: (value: never) => void, value: unknown): void {
    const { choices } = this.#ports.world;
    const delayMs = choices.fault("F11") ? choices.about("late answers").pick([1, 20, 300]) : 0;
    this.#ports.world.after(delayMs, `${this.#process.name} is answered`, () => resolve(value as never), this.#process);
  }
}

/** What the ledger says an operation must answer. */
function expected(ledger: Ledger, operation: Operation, [first, second]: readonly unknown[], answer: unknown): unknown {
  const { model } = ledger;
  switch (operation) {
    case "load": {
      if (!model.instances.has(first as string)) return undefined;
      const { turns, timers: _timers, entity, ...rest } = model.get(first as string);
      // The instant of an instance without a record is nobody's business.
      const { lastUpdatedAtMs } = rest.record && !ledger.hasOddInstants ? rest : ((answer ?? {}) as typeof rest);
      const counts = { turnCount: turns.length, eventCount: turns.flat().length };
      return { ...rest, lastUpdatedAtMs, ...(entity && { entity }), ...counts };
    }
    case "history":
      return ledger.history(first as string);
    case "openInstances":
      return [...model.instances]
        .filter(([, one]) => one.record?.isBusy || one.inbox.length > 0)
        .map(([id]) => id)
        .sort();
    case "dueTimers":
      return model
        .timers()
        .filter(({ dueAtMs }) => dueAtMs <= (first as number))
        .slice(0, second as number);
    case "nextTimerAtMs":
      return model.timers()[0]?.dueAtMs;
    case "query":
      return model.list(first as Parameters<StoreSession["query"]>[0]).map((listed, index) => {
        const found = (answer as (typeof listed)[])[index];
        return ledger.hasOddInstants && found ? { ...listed, lastUpdatedAtMs: found.lastUpdatedAtMs } : listed;
      });
    default:
      return model.listEntities(first as Parameters<StoreSession["queryEntities"]>[0]);
  }
}

function comparable(operation: Operation, answer: unknown): unknown {
  return operation === "openInstances" ? [...(answer as string[])].sort() : answer;
}

/** A commit in a few words. */
function summary(changes: Parameters<StoreSession["commit"]>[0]): string {
  return changes
    .map(({ instanceId, record, turns, isReset, isPurge, inboxAdded, inboxRemoved, entity }) => {
      const parts = [
        isPurge ? "purged" : isReset ? "reset" : "",
        turns
          ?.map((turn) =>
            turn
              .slice(1)
              .map(({ type, eventId }) => (eventId > 0 ? `${type}#${eventId}` : type))
              .join(" "),
          )
          .join(" | ") ?? "",
        record?.status ?? "",
        inboxAdded ? `+${inboxAdded.length}` : "",
        inboxRemoved ? `-${inboxRemoved.length}` : "",
        entity === undefined
          ? ""
          : `state ${entity?.state ?? "none"}${entity?.lockedBy ? ` held by ${entity.lockedBy.instanceId}` : ""}`,
      ];
      return `${instanceId} (${parts.filter((part) => part !== "").join("; ")})`;
    })
    .join(", ");
}
