/**
 * The crash points of a hub's object as production has it: the object itself is reset at a statement, and with it goes whatever it had written since
 * its last turn of the event loop. Answers must have been held back until then; the client repeats what was not answered.
 */
import { runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { expect, test } from "vitest";
import { DurableObjectStore } from "../../adapters/durable-objects/index.ts";

const BASE = "http://localhost/runtime/webhooks/durabletask";
const IDS = ["cities", "child", "event", "nap"] as const;
/** A reset takes its time, so a few must do here. */
const STRIDE = env.CRASH_POINTS === "all" ? 1 : 7;

/** Why an object is reset: workerd tells every reset on stderr, and the tool between leaves out those that begin so. */
const RESET = "Instance disposed of by the test";

/** Lets the object be reset before its statement of that number; gives how many statements it has come to. */
function resetAt(hub: string, death: number): Promise<() => number> {
  return runInDurableObject(env.TASK_HUBS.getByName(hub), (_object, state) => {
    const { sql } = state.storage;
    const exec = sql.exec.bind(sql);
    let count = 0;
    sql.exec = (query: string, ...bindings: unknown[]) => {
      if (count++ === death) state.abort(RESET);
      return exec(query, ...bindings) as never;
    };
    return () => count;
  });
}

/** Sends a request until it is answered. */
async function request(hub: string, method: string, path: string, body?: unknown): Promise<Response> {
  for (let attempt = 0; attempt < 20; attempt++) {
    try {
      const init =
        body === undefined
          ? { method }
          : { method, body: JSON.stringify(body), headers: { "content-type": "application/json" } };
      const response = await exports.default.fetch(
        `${BASE}${path}${path.includes("?") ? "&" : "?"}taskHub=${hub}`,
        init,
      );
      if (response.status < 500) return response;
      await response.arrayBuffer();
    } catch {
      // The object was reset under the request.
    }
  }
  throw new Error(`${method} ${path} is not answered.`);
}

/** What a client does, and what comes of it. */
async function carryOut(hub: string): Promise<unknown> {
  const begin = async (orchestrator: string, id: string, input?: unknown): Promise<void> => {
    expect([202, 409]).toContain((await request(hub, "POST", `/orchestrators/${orchestrator}/${id}`, input)).status);
  };
  await begin("helloCities", "cities", ["Tokyo", "London"]);
  await begin("callEcho", "child", "child-echo");
  await begin("waitForGo", "event", 1);
  const raised = await request(hub, "POST", "/instances/event/raiseEvent/go?eventId=1", "gone");
  expect([202, 410]).toContain(raised.status);
  await begin("sleep", "nap", 5);
  const outputs: unknown[] = [];
  for (const id of IDS) {
    for (;;) {
      const { runtimeStatus, output } = (await (await request(hub, "GET", `/instances/${id}`)).json()) as Record<
        string,
        unknown
      >;
      if (runtimeStatus === "Completed") {
        outputs.push(output);
        break;
      }
      expect(["Running", "Pending"]).toContain(runtimeStatus);
      await scheduler.wait(1);
    }
  }
  return outputs;
}

/** What the storage must not hold in the end. */
function leftovers(hub: string): Promise<unknown> {
  return runInDurableObject(env.TASK_HUBS.getByName(hub), (_object, { storage }) => {
    const session = new DurableObjectStore(storage).open(hub);
    const doubled = IDS.filter((id) => {
      const recorded = session
        .history(id)
        .flatMap((event) => ("taskScheduledId" in event ? [event.taskScheduledId] : []));
      return new Set(recorded).size < recorded.length;
    });
    return [doubled, session.openInstances(), session.dueTimers(Number.MAX_SAFE_INTEGER, 10)];
  });
}

test("an object that is reset at any of its statements comes to the same end", async () => {
  const countOf = await resetAt("peace", Number.POSITIVE_INFINITY);
  const outcome = await carryOut("peace");
  const statementCount = countOf();
  expect(statementCount).toBeGreaterThan(20);
  for (let death = 0; death < statementCount; death += STRIDE) {
    const hub = `reset-at-${death}`;
    await resetAt(hub, death);
    expect(await carryOut(hub), hub).toEqual(outcome);
    expect(await leftovers(hub), hub).toEqual([[], [], []]);
  }
}, 60_000);
