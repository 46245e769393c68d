/** The page of the benchmark: Holdfast over IndexedDB, and the same rows without an engine. ../../bench/subjects/page.ts drives it. */
import { IndexedDbStore } from "holdfast/indexeddb";
import { Meter, type Round } from "../../bench/subject.ts";
import { HoldfastBench } from "../../bench/subjects/holdfast-bench.ts";
import { expectedOutput, stepsOf, type Variant, type Workload } from "../../bench/workload.ts";

export interface PageRequest {
  readonly engine: "holdfast" | "none";
  readonly variant: Variant;
  readonly workload: Workload;
}
export interface PageAnswer {
  readonly outputs: readonly unknown[];
  readonly activityRuns: number;
}

/** Rows that share a transaction. */
const ROWS_PER_COMMIT = 1_000;
/** What a turn of these workloads leaves: its start, the result of one activity, the call of the next. */
const EVENTS = [
  { type: "OrchestratorStarted", eventId: -1, timestamp: new Date(0) },
  { type: "TaskCompleted", eventId: -1, timestamp: new Date(0), taskScheduledId: 500, result: "500" },
  { type: "TaskScheduled", eventId: 501, timestamp: new Date(0), name: "addOne", input: "500" },
];

const meter = new Meter(() => {});
let databaseCount = 0;
let round: Round | undefined;

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function done(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}

async function newStore(): Promise<{ store: IndexedDbStore; discard(): Promise<void> }> {
  const databaseName = `bench-${++databaseCount}`;
  return {
    store: new IndexedDbStore({ databaseName, marker: null }),
    discard: async () => void (await settled(indexedDB.deleteDatabase(databaseName))),
  };
}

/** Strict transactions: of one row where nothing may go on before its commit, of as many as fit a group commit elsewhere. */
async function limitRound(workload: Workload): Promise<Round> {
  const databaseName = `bench-${++databaseCount}`;
  const opening = indexedDB.open(databaseName);
  opening.onupgradeneeded = () => opening.result.createObjectStore("turns");
  const database = await settled(opening);
  const instances = workload.kind === "instances" ? workload.instances : 1;
  const rowsPerCommit = workload.kind === "sequential" ? 1 : ROWS_PER_COMMIT;
  return {
    async run() {
      const rows = stepsOf(workload);
      for (let first = 0; first < rows; first += rowsPerCommit) {
        const transaction = database.transaction("turns", "readwrite", { durability: "strict" });
        const turns = transaction.objectStore("turns");
        for (let row = first; row < Math.min(rows, first + rowsPerCommit); row++) {
          turns.add(EVENTS, row);
          meter.tick();
        }
        transaction.commit();
        await done(transaction);
      }
      return Array.from({ length: instances }, (_, index) => expectedOutput(workload, index));
    },
    async end() {
      database.close();
      await settled(indexedDB.deleteDatabase(databaseName));
    },
  };
}

const page = {
  async prepare({ engine, variant, workload }: PageRequest): Promise<void> {
    meter.reset();
    round = await (engine === "none"
      ? limitRound(workload)
      : new HoldfastBench(variant, meter, newStore).round(workload));
  },
  async run(): Promise<PageAnswer> {
    return { outputs: (await round?.run()) ?? [], activityRuns: meter.runs };
  },
  async end(): Promise<void> {
    await round?.end();
  },
};

declare global {
  var bench: typeof page;
}
globalThis.bench = page;
