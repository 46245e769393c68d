/** The crash points over a Durable Object: the same scenarios as in Node, inside the object, at every statement. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { DurableObjectStore } from "../../adapters/durable-objects/index.ts";
import { type Medium, sqlPoints } from "../crash-points/media.ts";
import { crashPoints, type WithMedium } from "../crash-points/suite.ts";

/** The storage of an object as its processes see it: each has its own view, as each has its own memory. */
function objectMedium(storage: DurableObjectStorage): Medium {
  return {
    connect(process) {
      const { statement, transaction } = sqlPoints(process);
      return new DurableObjectStore({
        sql: {
          exec: (query, ...bindings) => statement(query, () => storage.sql.exec(query, ...bindings)),
        },
        transactionSync: (closure) => transaction((work) => storage.transactionSync(work), closure),
      });
    },
  };
}

let objectCount = 0;

/** An object of its own for each life. */
const inDurableObject: WithMedium = (use) =>
  runInDurableObject(env.TASK_HUBS.getByName(`crash-points-${++objectCount}`), (_, { storage }) =>
    use(objectMedium(storage)),
  );

crashPoints("DurableObjectStore", inDurableObject, { stride: env.CRASH_POINTS === "all" ? 1 : 5 });
