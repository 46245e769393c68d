/**
 * The store as a process sees it: a production store behind everything that can come between the two. Each operation is asked, done and answered, and at
 * each of these moments the process may die, the store fail, or others be faster. What really is in the store, the ledger knows.
 */
import { HoldfastError, StoreError } from "holdfast";
import type { HistoryEvent } from "../../../core/history/events.ts";
import type { HubStore, StoreSession } from "../../../core/store/contract.ts";
import type { Violate } from "../model/invariants.ts";
import type { Ledger } from "../model/ledger.ts";
import { type Asked, ask, Question } from "../model/questions.ts";
import { afterCommit, ofAll } from "./audit.ts";
import type { Process } from "./process.ts";
import type { World } from "./world.ts";

/** A database, whatever runs over it. */
export interface Database {
  readonly name: string;
  /** True when the hub gets its answers at once, as long as nothing comes between. */
  readonly isSynchronous: boolean;
  /** True when it says itself what is durable; otherwise that is what it has answered. */
  readonly isOutspoken: boolean;
  /** True when it refuses by itself what it has no room for. */
  readonly knowsItsRoom: boolean;
  /** The store as one process has it, with everything that can go wrong in it. */
  connect(process: Process, word: Word): HubStore;
}

/** What an outspoken database says of one process, at the moment it is so. */
export interface Word {
  /** Its claim of the hub is durable. */
  claimed(): void;
  /** Its commit is durable. */
  committed(): void;
}

/** Thrown out of a transaction whose process has died, so that it is undone. */
export class ProcessGone extends Error {
  override name = "ProcessGone";
}
/** What a process that has died hears of the store. */
const never = (): Promise<never> => new Promise(() => {});
/** What a store says that cannot do what it was asked, for now. */
export class StoreFailure extends Error {
  override name = "StoreFailure";
}

/** True for what a store may say in a world where stores fail. */
export function isStoreTrouble(error: unknown): boolean {
  if (error instanceof StoreFailure || error instanceof ProcessGone) return true;
  return error instanceof HoldfastError && ["storeBusy", "storeFull", "storeFailed"].includes(error.code);
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
  /** A process begins to write an instance. */
  writing(process: Process, instanceId: string): void;
}

/** The store of one process. */
export function storeOf(process: Process, ports: StorePorts): HubStore {
  return {
    open: (hub) =>
      new Promise<StoreSession>((resolve, reject) => {
        const open = (): void => {
          new Opening(process, hub, ports).session().then(resolve, reject);
        };
        ports.world.after(0, `${process.name} opens the store`, open, process);
      }),
  };
}

/** One opening of a hub by one process. */
class Opening {
  readonly #process: Process;
  readonly #hub: string;
  readonly #ports: StorePorts;
  /** The epoch that is claimed, as far as the database has said. */
  #epoch = 0;
  #committed: () => void = () => {};

  constructor(process: Process, hub: string, ports: StorePorts) {
    this.#process = process;
    this.#hub = hub;
    this.#ports = ports;
  }

  async session(): Promise<StoreSession> {
    const { database, ledger: ledgerOf, violate } = this.#ports;
    const ledger = ledgerOf(this.#hub);
    const claimed = (): void => {
      ledger.newestEpoch++;
      this.#epoch = ledger.newestEpoch;
    };
    const store = database.connect(this.#process, { claimed, committed: () => this.#committed() });
    const opened = store.open(this.#hub);
    // A store that answers at once is not interrupted.
    const session = database.isOutspoken ? await opened : (opened as StoreSession);
    if (!database.isOutspoken) claimed();
    if (session.epoch !== this.#epoch)
      violate("I01", `hub ${this.#hub} was opened with epoch ${session.epoch}, it should have been ${this.#epoch}`);
    this.#process.epoch = session.epoch;
    ledger.committers.set(session.epoch, this.#process);
    ledger.told(session.epoch);
    const simulated = new SimulatedSession(this.#process, session, ledger, this.#ports, (committed) => {
      this.#committed = committed;
    });
    simulated.opened();
    return simulated;
  }
}

class SimulatedSession implements StoreSession {
  readonly epoch: number;
  readonly #process: Process;
  readonly #inner: StoreSession;
  readonly #ledger: Ledger;
  readonly #ports: StorePorts;
  readonly #onCommitted: (committed: () => void) => void;

  constructor(
    process: Process,
    inner: StoreSession,
    ledger: Ledger,
    ports: StorePorts,
    onCommitted: (committed: () => void) => void,
  ) {
    this.epoch = inner.epoch;
    this.#process = process;
    this.#inner = inner;
    this.#ledger = ledger;
    this.#ports = ports;
    this.#onCommitted = onCommitted;
  }

  get isFenced(): boolean {
    return this.#inner.isFenced;
  }

  commit: StoreSession["commit"] = (changes) => {
    if (!this.#process.isAlive) return never();
    if (this.#process.isCommitting)
      this.#ports.violate("I02", `${this.#process.name} began a commit before the last was done`);
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
        if (error instanceof ProcessGone) return never();
        throw error;
      }
    }
    this.#process.isCommitting = true;
    if (choices.about("interjections").chance(0.03)) this.#interject(changes);
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
          this.#process.isCommitting = false;
          this.#ledger.told(this.epoch);
          if (!(error instanceof ProcessGone)) reject(error as Error);
          return;
        }
        if (choices.fault("F10")) {
          this.#process.isStuck = true;
          this.#ports.world.trace.say(`  ${this.#process.name} never hears of its commit`);
          return;
        }
        this.#process.isCommitting = false;
        this.#answer(() => {
          this.#ledger.told(this.epoch);
          resolve();
        }, undefined);
      });
    });
  };

  /** Somebody asks about what is on its way. */
  #interject(changes: Parameters<StoreSession["commit"]>[0]): void {
    const { world, writing } = this.#ports;
    const ids = changes.flatMap(({ instanceId }) => (instanceId.startsWith("@") ? [] : instanceId));
    const id = ids.length > 0 ? world.choices.about("interjections").pick(ids) : undefined;
    if (id !== undefined) void Promise.resolve().then(() => writing(this.#process, id));
  }

  load: StoreSession["load"] = (id) => this.#read(["load", id]) as ReturnType<StoreSession["load"]>;
  history: StoreSession["history"] = (id) => this.#read(["history", id]) as ReturnType<StoreSession["history"]>;
  openInstances: StoreSession["openInstances"] = () =>
    this.#read(["openInstances"]) as ReturnType<StoreSession["openInstances"]>;
  dueTimers: StoreSession["dueTimers"] = (dueAtMs, limit) =>
    this.#read(["dueTimers", dueAtMs, limit]) as ReturnType<StoreSession["dueTimers"]>;
  nextTimerAtMs: StoreSession["nextTimerAtMs"] = () =>
    this.#read(["nextTimerAtMs"]) as ReturnType<StoreSession["nextTimerAtMs"]>;
  query: StoreSession["query"] = (query) => this.#read(["query", query]) as ReturnType<StoreSession["query"]>;
  queryEntities: StoreSession["queryEntities"] = (filter) =>
    this.#read(["queryEntities", filter]) as ReturnType<StoreSession["queryEntities"]>;

  close(): void {
    if (this.#process.isAlive) void this.#inner.close();
  }

  /** It sees all that was committed before; what it asks of a database that is slow takes up what it would find otherwise, so not always. */
  opened(): void {
    const random = this.#ports.world.choices.about("audits");
    if (this.#ports.database.isSynchronous || random.chance(0.3)) this.#audit(ofAll(random, this.#ledger.model));
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
    if (!this.#ports.database.knowsItsRoom && this.#ports.isFull())
      throw new StoreError("storeFull", "The store is full.");
  }

  #apply(changes: Parameters<StoreSession["commit"]>[0]): void | Promise<void> {
    const { database, world, violate } = this.#ports;
    let isDurable = false;
    const committed = (): void => {
      if (isDurable) violate("I02", `${this.#process.name} wrote a commit twice: ${summary(changes)}`);
      isDurable = true;
      if (this.#process.isClosed)
        violate("I60", `${this.#process.name} commits ${summary(changes)} and has been closed`);
      world.trace.say(`  ${this.#process.name} commits ${summary(changes)}`);
      this.#ledger.applied(this.epoch, changes);
    };
    const answered = (): void => {
      if (!database.isOutspoken) committed();
      if (!isDurable) violate("I22", `${this.#process.name} was told that a commit is durable, and it is not`);
      this.#audit(afterCommit(world.choices, this.#ledger.model, changes));
    };
    this.#onCommitted(committed);
    const done = this.#inner.commit(changes);
    if (!done) return answered();
    return done.then(answered, (error: unknown) => {
      if (isDurable) this.#process.isMisled = true;
      throw error;
    });
  }

  /** Asks what the hub does not; nothing goes wrong meanwhile in a store that answers at once. */
  #audit(questions: readonly Asked[]): void {
    const { choices } = this.#ports.world;
    choices.withoutFaults(() => {
      for (const asked of questions) {
        const question = this.#question(asked);
        try {
          const answer = ask(this.#inner, asked);
          if (answer instanceof Promise)
            answer.then((value) => this.#check(question, value), this.#unanswered(question));
          else this.#check(question, answer);
        } catch (error) {
          this.#unanswered(question)(error);
        }
      }
    });
  }

  #unanswered(question: Question): (error: unknown) => void {
    return (error) => {
      question.drop();
      const isStopped = error instanceof HoldfastError && (error.code === "hubFenced" || error.code === "hubClosed");
      if (!isStopped && !isStoreTrouble(error))
        this.#ports.violate("I25", `${question.asked[0]} of hub ${this.#ledger.hub} failed: ${String(error)}`);
    };
  }

  #question(asked: Asked): Question {
    return new Question(this.#ledger, asked);
  }

  /** Compares an answer of the store with what was committed. One that has been taken over may not know it yet. */
  #check(question: Question, answer: unknown): unknown {
    const problem = question.answered(answer);
    const isNewest = !this.#inner.isFenced && this.epoch === this.#ledger.newestEpoch;
    if (problem !== undefined && isNewest && this.#process.isAlive) this.#ports.violate("I25", problem);
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

  #read(asked: Asked): unknown {
    const { choices } = this.#ports.world;
    const [operation] = asked;
    if (this.#process.isAlive && choices.fault("F12")) this.#process.die(`while it reads (${operation})`);
    if (!this.#process.isAlive) return never();
    const fails = choices.fault("F39");
    if (this.#ports.database.isSynchronous) {
      if (fails) throw new StoreFailure(`${operation} failed`);
      return this.#readNow(asked);
    }
    return new Promise((resolve, reject) => {
      this.#later(0, operation, async () => {
        const question = this.#question(asked);
        try {
          if (fails) throw new StoreFailure(`${operation} failed`);
          this.#answer(resolve, this.#check(question, await ask(this.#inner, asked)));
        } catch (error) {
          question.drop();
          if (!(error instanceof ProcessGone)) reject(error as Error);
        }
      });
    });
  }

  #readNow(asked: Asked): unknown {
    const question = this.#question(asked);
    try {
      return this.#check(question, ask(this.#inner, asked));
    } catch (error) {
      question.drop();
      if (error instanceof ProcessGone) return never();
      throw error;
    }
  }

  /** The store gets to it; also when the process that asked is gone by then. */
  #later(delayMs: number, what: string, run: () => Promise<void>): void {
    this.#ports.world.after(delayMs, `${this.#process.name} store ${what}`, () => {
      void run();
    });
  }

  #answer(resolve: (value: never) => void, value: unknown): void {
    const { choices } = this.#ports.world;
    const delayMs = choices.fault("F11") ? choices.about("late answers").pick([1, 20, 300]) : 0;
    this.#ports.world.after(delayMs, `${this.#process.name} is answered`, () => resolve(value as never), this.#process);
  }
}

/** An event, and the action it is about. */
function named(event: HistoryEvent): string {
  if (event.eventId > 0) return `${event.type}#${event.eventId}`;
  if ("taskScheduledId" in event) return `${event.type}#${event.taskScheduledId}`;
  return "timerId" in event ? `${event.type}#${event.timerId}` : event.type;
}

/** A commit in a few words. */
function summary(changes: Parameters<StoreSession["commit"]>[0]): string {
  return changes
    .map(({ instanceId, record, turns, isReset, isPurge, inboxAdded, inboxRemoved, entity }) => {
      const parts = [
        isPurge ? "purged" : isReset ? "reset" : "",
        turns?.map((turn) => turn.slice(1).map(named).join(" ")).join(" | ") ?? "",
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
