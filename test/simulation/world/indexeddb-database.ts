/**
 * IndexedDB in the worlds. Its engine does nothing by itself: each of its tasks is something that happens in the world, so that anything can come between
 * two of them. Connections are lost, transactions undone or done without a word at any of these moments; what a page had not ended goes with it.
 */
import "fake-indexeddb/auto";
import { forceCloseDatabase, IDBFactory } from "fake-indexeddb";
import { IndexedDbStore } from "holdfast/indexeddb";
import type { HubRow, InstanceRow, JournalRow } from "../../../adapters/indexeddb/schema.ts";
import type { DatabasePorts, OpenDatabase } from "./databases.ts";
import type { Process } from "./process.ts";
import { ProcessGone, type Word } from "./store.ts";
import type { World } from "./world.ts";

/** Most tasks of the engine between the beginning of a transaction and its untimely end. */
const TASKS_MAX = 8;
const DATABASE = "simulation";

export function indexedDb(ports: DatabasePorts): OpenDatabase {
  const { world } = ports;
  const factory = new IDBFactory();
  const engine = new Engine(world);
  const marks = new Map<string, string>();
  const marker = { getItem: (key: string) => marks.get(key) ?? null, setItem: marks.set.bind(marks) };
  return {
    name: "IndexedDB",
    isSynchronous: false,
    isOutspoken: true,
    knowsItsRoom: true,
    connect: (process, word) => {
      const indexedDB = new Page(factory, process, word, engine, ports).factory();
      return new IndexedDbStore({ databaseName: DATABASE, indexedDB, marker });
    },
    leftovers: () => leftovers(factory),
    dispose: () => engine.stop(),
  };
}

/** Runs the tasks of the database engine, in their order, as events of the world. */
class Engine {
  readonly #world: World;
  readonly #setImmediate = globalThis.setImmediate;
  readonly #tasks: (() => void)[] = [];
  #isDue = false;
  /** Called after each task. */
  readonly watchers: Set<() => void> = new Set();

  constructor(world: World) {
    this.#world = world;
    // Nobody else can ask for it: a world never waits for anything but microtasks.
    globalThis.setImmediate = ((task: () => void) => {
      this.#tasks.push(task);
      this.#goOn();
    }) as typeof setImmediate;
  }

  stop(): void {
    globalThis.setImmediate = this.#setImmediate;
    this.#tasks.length = 0;
  }

  #goOn(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#world.after(0, "IndexedDB goes on", () => this.#run());
  }

  async #run(): Promise<void> {
    const random = this.#world.choices.about("IndexedDB");
    const pause = 0.1 * this.#world.choices.liking("pauses of IndexedDB");
    for (let task = this.#tasks.shift(); task; task = random.chance(pause) ? undefined : this.#tasks.shift()) {
      task();
      await this.#world.settle();
      for (const watcher of [...this.watchers]) watcher();
    }
    this.#isDue = false;
    if (this.#tasks.length > 0) this.#goOn();
  }
}

/** How a transaction ends when it does not end well: not done, done and nobody hears of it, or refused because there is no room. */
type End = "undone" | "unheard" | "full";

/** The database as one process has it. */
class Page {
  readonly #factory: IDBFactory;
  readonly #process: Process;
  readonly #word: Word;
  readonly #engine: Engine;
  readonly #ports: DatabasePorts;
  readonly #connections = new Set<IDBDatabase>();
  readonly #transactions = new Set<IDBTransaction>();

  constructor(factory: IDBFactory, process: Process, word: Word, engine: Engine, ports: DatabasePorts) {
    this.#factory = factory;
    this.#process = process;
    this.#word = word;
    this.#engine = engine;
    this.#ports = ports;
    process.whenDead(() => {
      for (const transaction of this.#transactions) undo(transaction);
      for (const connection of this.#connections) connection.close();
    });
  }

  factory(): IDBFactory {
    return new Proxy(this.#factory, {
      get: (target, key) => {
        if (key !== "open") return Reflect.get(target, key) as unknown;
        return (name: string, version?: number) => {
          this.#checkAlive();
          const request = target.open(name, version);
          request.addEventListener("success", () => this.#opened(request.result));
          return request;
        };
      },
    });
  }

  #checkAlive(): void {
    if (!this.#process.isAlive) throw new ProcessGone(`${this.#process.name} is gone`);
  }

  #opened(connection: IDBDatabase): void {
    this.#connections.add(connection);
    if (!this.#process.isAlive) connection.close();
    const begin = connection.transaction.bind(connection);
    connection.transaction = (names, mode, options) => {
      this.#checkAlive();
      const { choices } = this.#ports.world;
      if (choices.fault("F53")) forceClose(connection);
      const transaction = begin(names, mode, options);
      this.#began(transaction);
      return transaction;
    };
  }

  #began(transaction: IDBTransaction): void {
    // A hint that costs nothing to ignore: until it is complete, anything can undo it.
    transaction.commit = () => {};
    this.#transactions.add(transaction);
    const over = (): unknown => this.#transactions.delete(transaction);
    transaction.addEventListener("abort", over);
    transaction.addEventListener("complete", () => {
      over();
      const names = [...transaction.objectStoreNames];
      if (transaction.mode !== "readwrite") return;
      if (names.includes("losses")) this.#word.claimed();
      else if (!names.includes("instances")) this.#word.committed();
    });
    const end = this.#endOf(transaction);
    if (end === "unheard") unhear(transaction);
    else if (end) this.#cutShort(transaction, end);
  }

  #endOf({ mode }: IDBTransaction): End | undefined {
    const { world, isFull } = this.#ports;
    if (mode === "readwrite" && isFull()) return "full";
    if (world.choices.fault("F51")) return "undone";
    return mode === "readwrite" && world.choices.fault("F52") ? "unheard" : undefined;
  }

  /** Ends a transaction after some tasks of the engine, unless it is over by then. */
  #cutShort(transaction: IDBTransaction, end: End): void {
    const { watchers } = this.#engine;
    let left = this.#ports.world.choices.about("ends").integer(0, TASKS_MAX);
    const watch = (): void => {
      if (this.#transactions.has(transaction) && left-- > 0) return;
      watchers.delete(watch);
      if (!this.#transactions.has(transaction)) return;
      Object.defineProperty(transaction, "error", { value: end === "full" ? noRoom() : connectionLost() });
      undo(transaction);
      if (end === "undone") forceClose(transaction.db);
    };
    watchers.add(watch);
  }
}

/** Commits that are folded and still in the journal, and histories that no instance has. */
async function leftovers(indexedDB: IDBFactory): Promise<string[]> {
  const request = indexedDB.open(DATABASE);
  const database = await answerTo(request);
  const transaction = database.transaction(["hubs", "journal", "instances", "history"]);
  const all = <T>(name: string): Promise<[IDBValidKey[], T[]]> => {
    const store = transaction.objectStore(name);
    return Promise.all([answerTo(store.getAllKeys()), answerTo(store.getAll() as IDBRequest<T[]>)]);
  };
  const [[, hubs], [positions, commits], [ids, instances], [turns]] = await Promise.all([
    all<HubRow>("hubs"),
    all<JournalRow>("journal"),
    all<InstanceRow>("instances"),
    all("history"),
  ]);
  database.close();
  const folded = new Map(hubs.map((row) => [row.hub, row.folded]));
  const turnCounts = new Map(ids.map((key, index) => [String(key), instances[index]?.turnCount ?? 0]));
  return [
    ...positions.flatMap((key, index) => {
      const [hub, position] = key as [number, number];
      const isClaim = commits[index]?.changes.length === 0;
      return !isClaim && position <= (folded.get(hub) ?? 0) ? `commit ${String(key)}` : [];
    }),
    ...turns.flatMap((key) => {
      const [hub, instanceId, firstTurn] = key as [number, string, number];
      return firstTurn < (turnCounts.get(String([hub, instanceId])) ?? 0) ? [] : `turns ${String(key)}`;
    }),
  ];
}

function answerTo<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error as DOMException);
  });
}

/** Lets whoever began it believe that the connection was lost, when it is done. */
function unhear(transaction: IDBTransaction): void {
  let tell: (event: Event) => void = () => {};
  Object.defineProperty(transaction, "oncomplete", { set: () => {} });
  Object.defineProperty(transaction, "onabort", {
    set: (handler: typeof tell) => {
      tell = handler;
    },
  });
  transaction.addEventListener("abort", (event) => tell(event));
  transaction.addEventListener("complete", (event) => {
    Object.defineProperty(transaction, "error", { value: connectionLost() });
    forceClose(transaction.db);
    tell(event);
  });
}

function undo(transaction: IDBTransaction): void {
  try {
    transaction.abort();
  } catch {
    // It has ended already.
  }
}

function connectionLost(): DOMException {
  return new DOMException("Connection to Indexed Database server lost.", "UnknownError");
}

function noRoom(): DOMException {
  return new DOMException("The quota has been exceeded.", "QuotaExceededError");
}

/** Ends a connection as the browser does when it must. */
function forceClose(connection: IDBDatabase): void {
  // Its types say the class; it wants a connection.
  (forceCloseDatabase as unknown as (connection: IDBDatabase) => void)(connection);
}
