/**
 * The physical limit of a SQLite file: one inserted row for every activity, as large as the events of a turn, and no engine. Sequential work
 * commits every row, because nothing may go on before its commit; many instances share a transaction for as many rows as fit a group commit.
 */
import { DatabaseSync } from "node:sqlite";
import type { Bench, Meter, Round, Subject } from "../subject.ts";
import { expectedOutput, stepsOf, type Variant, type Workload } from "../workload.ts";
import { newFolder, type Synchronous } from "./sqlite-file.ts";

/** Rows that share a transaction. */
const ROWS_PER_COMMIT = 1_000;
/** What a turn of these workloads leaves: its start, the result of one activity, the call of the next. */
const EVENTS = JSON.stringify([
  { type: "OrchestratorStarted", eventId: -1, timestamp: 1_767_225_600_000 },
  { type: "TaskCompleted", eventId: -1, timestamp: 1_767_225_600_000, taskScheduledId: 500, result: "500" },
  { type: "TaskScheduled", eventId: 501, timestamp: 1_767_225_600_000, name: "addOne", input: "500" },
]);

const over = (synchronous: Synchronous): Subject => ({
  bench(_variant: Variant, meter: Meter): Bench {
    return { round: async (workload) => limitRound(workload, synchronous, meter) };
  },
});

export const normal: Subject = over("NORMAL");
export const full: Subject = over("FULL");

function limitRound(workload: Workload, synchronous: Synchronous, meter: Meter): Round {
  const { path, discard } = newFolder();
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}; PRAGMA wal_autocheckpoint = 8000;
    CREATE TABLE turns (id INTEGER PRIMARY KEY, atMs INTEGER, events TEXT)`);
  const insert = db.prepare("INSERT INTO turns (atMs, events) VALUES (?, ?)");
  const instances = workload.kind === "instances" ? workload.instances : 1;
  return {
    async run() {
      for (let row = 0; row < stepsOf(workload); row++) {
        if (instances > 1 && row % ROWS_PER_COMMIT === 0) db.exec(row === 0 ? "BEGIN" : "COMMIT; BEGIN");
        insert.run(row, EVENTS);
        meter.tick();
      }
      if (instances > 1) db.exec("COMMIT");
      return Array.from({ length: instances }, (_, index) => expectedOutput(workload, index));
    },
    async end() {
      db.close();
      await discard();
    },
  };
}
