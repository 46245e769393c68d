/**
 * Media: what of a store outlives its process, and the points at which a process that uses it may die. The stores are the real ones.
 *
 * K1. A synchronous process gets its answers to the end, so that a death at a read shows with the next commit; nothing lasting lies between.
 * K2. An asynchronous process that has died is told so by every answer, late ones included.
 */
import { type HubStore, MemoryStore, type StoreSession, systemHost } from "holdfast";
import { SqlDatabase } from "../../adapters/sql/database.ts";
import type { SqlDriver, SqlRow, SqlValue } from "../../adapters/sql/driver.ts";
import { type Call, interposed } from "./interposed.ts";
import type { MortalProcess } from "./mortal-process.ts";

/** The data of one store. */
export interface Medium {
  /** The store as a new process opens it. */
  connect(process: MortalProcess): HubStore;
}

/** A session whose calls all go through `call`; it counts as fenced once its process is dead. */
function observed(session: StoreSession, process: MortalProcess, call: Call): StoreSession {
  return interposed(session, call, () => process.isDead);
}

/** Memory: a commit is one step, so a process dies before it or after it. */
export function memoryMedium(): Medium {
  const store = new MemoryStore();
  return {
    connect: (process) => ({
      open(hub) {
        process.pass("before open");
        const session = store.open(hub);
        process.pass("after open");
        return observed(session, process, (name, perform) => {
          if (name === "close") return perform();
          if (name !== "commit") {
            process.reach(name);
            return perform();
          }
          process.pass("before commit");
          perform();
          process.pass("after commit");
          return undefined;
        });
      },
    }),
  };
}

/** Memory behind promises: every call is applied one turn of the event loop after it was made, and answered one turn after that. */
export function deferredMedium(): Medium {
  const store = new MemoryStore();
  return {
    connect(process) {
      const later = async (point: string): Promise<void> => {
        await new Promise<void>((resolve) => systemHost().afterIo(resolve));
        process.pass(point);
      };
      return {
        async open(hub) {
          await later("before open");
          const session = store.open(hub);
          await later("after open");
          return observed(session, process, async (name, perform) => {
            if (name === "close") return perform();
            process.pass(`asked for ${name}`);
            await later(`before ${name}`);
            const answer = perform();
            await later(`after ${name}`);
            return answer;
          });
        },
      };
    },
  };
}

/** A SQL database, through a connection that may be each process's own. Processes die at every statement, in transactions and around them. */
export function sqlMedium(connect: (process: MortalProcess) => SqlDriver): Medium {
  return {
    connect: (process) => ({
      open: (hub) => new SqlDatabase(mortalDriver(connect(process), process), "open").open(hub),
    }),
  };
}

function mortalDriver(driver: SqlDriver, process: MortalProcess): SqlDriver {
  const { statement, transaction } = sqlPoints(process);
  return {
    all: <Row extends SqlRow>(sql: string, ...params: readonly SqlValue[]): readonly Row[] =>
      statement(sql, () => driver.all<Row>(sql, ...params)),
    run: (sql, ...params) => statement(sql, () => driver.run(sql, ...params)),
    transaction: (work) => transaction((inside) => driver.transaction(inside), work),
  };
}

/** What a process that uses a SQL database comes by. */
interface SqlPoints {
  /** Runs a statement by way of `perform`. One that writes and is in no transaction is its own. */
  statement<T>(sql: string, perform: () => T): T;
  /** Runs a transaction by way of `perform`. */
  transaction<T>(perform: (work: () => T) => T, work: () => T): T;
}

/** The points of one process. */
export function sqlPoints(process: MortalProcess): SqlPoints {
  let isInside = false;
  return {
    statement(sql, perform) {
      const point = sql.replace(/\s+/g, " ").slice(0, 60);
      const isRead = point.startsWith("SELECT");
      if (isInside) process.pass(`inside, before ${point}`);
      else if (isRead) process.reach(point);
      else process.pass(`before ${point}`);
      const result = perform();
      if (!isInside && !isRead) process.pass(`after ${point}`);
      return result;
    },
    transaction(perform, work) {
      process.pass("before the transaction");
      const result = perform(() => {
        isInside = true;
        try {
          const done = work();
          process.pass("inside, before the end of the transaction");
          return done;
        } finally {
          isInside = false;
        }
      });
      process.pass("after the transaction");
      return result;
    },
  };
}
