/** SQL in the worlds: the SQLite store with a connection for each process, and the storage of a Durable Object. Any statement may fail, or be the last. */
import { randomUUID } from "node:crypto";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { DurableObjectStore, type ObjectStorage } from "../../../adapters/durable-objects/index.ts";
import { SqlDatabase } from "../../../adapters/sql/database.ts";
import type { SqlDriver } from "../../../adapters/sql/driver.ts";
import { TURNS_MAX } from "../../../adapters/sql/turn-keys.ts";
import { type Connection, connect } from "../../../adapters/sqlite/connection.ts";
import type { DatabasePorts, OpenDatabase } from "./databases.ts";
import type { Process } from "./process.ts";
import { ProcessGone, StoreFailure } from "./store.ts";

const PAGES_MAX = 1_000_000;

/** Every process has a connection of its own, as if it were on a file that they share. */
export function sqlite(ports: DatabasePorts, isSynchronous: boolean): OpenDatabase {
  // One that has no room in another's name: threads of one Node process share such databases.
  const path = `file:${randomUUID()}?mode=memory&cache=shared`;
  const rival = new DatabaseSync(path);
  const connections: Connection[] = [];
  return {
    name: `SQLite, answering ${isSynchronous ? "at once" : "with promises"}`,
    isSynchronous,
    isOutspoken: false,
    knowsItsRoom: true,
    connect: (process) => {
      const connection = connect({ path, synchronous: "FULL", busyTimeoutMs: 0 });
      connections.push(connection);
      const database = new SqlDatabase(brittle(connection.driver, process, rival, ports), "open");
      return { open: (hub) => database.open(hub) };
    },
    leftovers: async () => leftovers(rival),
    dispose: () => {
      for (const { close } of connections) close();
      rival.close();
    },
  };
}

/** A driver whose statements fail, or whose process ends between two of them; at times another process is writing, or there is no room. */
function brittle(driver: SqlDriver, process: Process, rival: DatabaseSync, ports: DatabasePorts): SqlDriver {
  const { choices } = ports.world;
  const pagesMax = (pages: number): void => {
    driver.all(`PRAGMA max_page_count = ${pages}`);
  };
  const transaction = <T>(work: () => T): T => {
    const isFull = ports.isFull();
    const isBusy = choices.fault("F50");
    if (isFull) pagesMax(1);
    if (isBusy) rival.exec("BEGIN IMMEDIATE");
    try {
      return driver.transaction(() => {
        const result = work();
        stumble(process, ports);
        return result;
      });
    } finally {
      if (isBusy) rival.exec("ROLLBACK");
      if (isFull) pagesMax(PAGES_MAX);
    }
  };
  return {
    all: (sql, ...params) => {
      stumble(process, ports);
      return driver.all(sql, ...params);
    },
    run: (sql, ...params) => {
      stumble(process, ports);
      return driver.run(sql, ...params);
    },
    transaction,
  };
}

/** Turns of instances that are gone or have begun anew, and pieces of long texts that no row has any more. */
function leftovers(db: DatabaseSync): string[] {
  // Tables are made by the first commit.
  if (!db.prepare(`SELECT 1 FROM sqlite_master WHERE name = 'holdfast_turns'`).get()) return [];
  const turns = db.prepare(
    `SELECT id FROM holdfast_turns WHERE id / ${TURNS_MAX} NOT IN (SELECT turnsKey FROM holdfast_instances)`,
  );
  const chunks = db.prepare(`SELECT DISTINCT instanceId, kind, number FROM holdfast_chunks AS c WHERE NOT EXISTS (
    SELECT 1 FROM holdfast_instances AS i WHERE c.kind = 'record' AND i.hub = c.hub AND i.instanceId = c.instanceId AND i.record IS NULL
    UNION ALL SELECT 1 FROM holdfast_entities AS e WHERE c.kind = 'entity' AND e.hub = c.hub AND e.instanceId = c.instanceId AND e.entity IS NULL
    UNION ALL SELECT 1 FROM holdfast_inbox AS m
      WHERE c.kind = 'message' AND m.hub = c.hub AND m.instanceId = c.instanceId AND m.sequence = c.number AND m.message IS NULL
    UNION ALL SELECT 1 FROM holdfast_instances AS i JOIN holdfast_turns AS t ON t.id = i.turnsKey * ${TURNS_MAX} + c.number
      WHERE c.kind = 'turn' AND i.hub = c.hub AND i.instanceId = c.instanceId AND t.events IS NULL)`);
  return [
    ...turns.all().map(({ id }) => `turn ${id}`),
    ...chunks.all().map(({ kind, number, instanceId }) => `text of ${kind} ${number} of '${instanceId}'`),
  ];
}

function stumble(process: Process, { world: { choices } }: DatabasePorts): void {
  if (choices.fault("F05")) {
    process.die("between two statements");
    throw new ProcessGone(`${process.name} is gone`);
  }
  if (choices.fault("F08")) throw new StoreFailure("a statement failed");
}

/** One Durable Object: its processes live in one isolate, and when it goes all of them do. The next one knows what is stored, no more. */
export function objectStorage(ports: DatabasePorts): OpenDatabase {
  const db = new DatabaseSync(":memory:");
  let isolate: { readonly processes: Process[]; readonly storage: ObjectStorage } | undefined;
  const enter = (process: Process): ObjectStorage => {
    if (!isolate?.processes.some(({ isAlive }) => isAlive)) {
      isolate = { processes: [], storage: storageOver(db, ports, () => isolate?.processes ?? []) };
      ports.forgetEpochs();
    }
    const { processes, storage } = isolate;
    processes.push(process);
    process.whenDead(() => {
      // A hub that was closed leaves the others be.
      if (!process.isStopped) for (const other of processes) other.die("with its object");
    });
    return storage;
  };
  return {
    name: "the storage of a Durable Object",
    isSynchronous: true,
    isOutspoken: false,
    knowsItsRoom: false,
    connect: (process) => new DurableObjectStore(enter(process)),
    leftovers: async () => leftovers(db),
    dispose: () => db.close(),
  };
}

function storageOver(db: DatabaseSync, ports: DatabasePorts, processes: () => readonly Process[]): ObjectStorage {
  const pass = (): void => {
    // One whose hub is closed would be gone by itself; all others go with one of them.
    const process = processes().find(({ isAlive, isStopped }) => isAlive && !isStopped);
    if (process) stumble(process, ports);
  };
  const statements = new Map<string, StatementSync>();
  const exec: ObjectStorage["sql"]["exec"] = (query, ...bindings) => {
    pass();
    const statement = statements.get(query) ?? db.prepare(query);
    statements.set(query, statement);
    if (statement.columns().length > 0) {
      const rows = statement.all(...bindings);
      return { toArray: () => rows, rowsWritten: 0 };
    }
    const { changes } = statement.run(...bindings);
    return { toArray: () => [], rowsWritten: Number(changes) };
  };
  return {
    sql: { exec },
    transactionSync: (closure) => {
      db.exec("BEGIN");
      try {
        const result = closure();
        pass();
        db.exec("COMMIT");
        return result;
      } catch (error) {
        db.exec("ROLLBACK");
        throw error;
      }
    },
  };
}
