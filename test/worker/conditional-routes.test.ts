/** Routes that depend on the state of an instance, or on what the hub can do: purge, events, rewind, restart, entities. */
import { describe, expect, test } from "vitest";
import { InvalidInstanceStateError } from "../../core/errors.ts";
import { EntityId } from "../../core/identity.ts";
import { silentLogger } from "../../core/logger.ts";
import { managementApi } from "../../worker/api/management-api.ts";
import { settingsOf } from "../../worker/options.ts";
import { type Answers, fakeCall, onePage, stateOf } from "./fake-client.ts";

const BASE = "/runtime/webhooks/durabletask";
const api = managementApi(settingsOf({ functions: [], logger: silentLogger }));
const states = [
  stateOf({ instanceId: "running" }),
  stateOf({ instanceId: "completed", runtimeStatus: "Completed" }),
  stateOf({ instanceId: "terminated", runtimeStatus: "Terminated" }),
  stateOf({ instanceId: "failed", runtimeStatus: "Failed" }),
];

type Outcome = [status: number, code?: string];

async function outcome(method: string, path: string, init: RequestInit = {}, answers: Answers = {}): Promise<Outcome> {
  const response = await api.request(BASE + path, { ...init, method }, fakeCall({ states, ...answers }));
  if (response.status < 400) return [response.status];
  return [response.status, ((await response.json()) as { error: { code: string } }).error.code];
}

describe("raising an event checks", () => {
  const bad = { body: "{", headers: { "Content-Type": "text/plain" } };
  const badJson = { body: "{", headers: { "Content-Type": "application/json" } };
  test.for([
    ["first that the instance exists", "missing", bad, [404, "instanceNotFound"]],
    ["then that it is not finished", "completed", bad, [410, "instanceNotRunning"]],
    ["then the content type", "running", bad, [400, "invalidRequest"]],
    ["then the JSON", "running", badJson, [400, "invalidRequest"]],
  ] as const)("%s", async ([, id, init, expected]) => {
    expect(await outcome("POST", `/instances/${id}/raiseEvent/go`, init)).toEqual(expected);
  });

  test("and says which content type it expects", async () => {
    const response = await api.request(
      `${BASE}/instances/running/raiseEvent/go`,
      { method: "POST", ...bad },
      fakeCall({ states }),
    );
    expect(JSON.stringify(await response.json())).toContain("Only application/json request content is supported");
  });
});

describe("purging one instance", () => {
  test.for([
    ["deletes what is finished", "completed", 1, [200]],
    ["finds nothing under an unknown id", "missing", 0, [404, "instanceNotFound"]],
    ["leaves alone what still runs", "running", 0, [409, "instanceStillRunning"]],
  ] as const)("%s", async ([, id, purged, expected]) => {
    expect(await outcome("DELETE", `/instances/${id}`, {}, { purged })).toEqual(expected);
  });
});

describe("rewinding", () => {
  const asked: unknown[] = [];
  const methods = { rewindOrchestration: async (...args: unknown[]) => void asked.push(args) };

  test("a failed instance is accepted, with its reason", async () => {
    expect(await outcome("POST", "/instances/failed/rewind?reason=fixed", {}, { methods })).toEqual([202]);
    expect(asked).toEqual([["failed", "fixed"]]);
  });

  test.for([
    ["missing", [404, "instanceNotFound"]],
    ["completed", [410, "instanceNotRunning"]],
    ["terminated", [410, "instanceNotRunning"]],
    ["a%2Fb", [400, "invalidInstanceId"]],
  ] as const)("%s is refused", async ([id, expected]) => {
    expect(await outcome("POST", `/instances/${id}/rewind`, {}, { methods })).toEqual(expected);
  });

  test("what runs is a conflict", async () => {
    const refusing = {
      rewindOrchestration: async () => {
        throw new InvalidInstanceStateError("it runs");
      },
    };
    const expected = [409, "invalidInstanceState"];
    expect(await outcome("POST", "/instances/running/rewind", {}, { methods: refusing })).toEqual(expected);
  });
});

describe("restarting", () => {
  const restart = async (path: string) => {
    const asked: unknown[][] = [];
    const methods = {
      restartOrchestration: async (...args: [string, { newInstanceId?: string | true }?]) => {
        asked.push(args);
        return args[1]?.newInstanceId ? "another" : args[0];
      },
    };
    const response = await api.request(BASE + path, { method: "POST" }, fakeCall({ states, methods }));
    return { response, asked, body: (await response.json()) as Record<string, unknown> };
  };

  test("gives the addresses of a new instance", async () => {
    const { response, asked, body } = await restart("/instances/completed/restart");
    expect([response.status, asked]).toEqual([202, [["completed", { newInstanceId: true }]]]);
    expect(body).toMatchObject({ id: "another", statusQueryGetUri: expect.stringContaining("/instances/another?") });
    expect(response.headers.get("Retry-After")).toBe("10");
  });

  test("can keep the id", async () => {
    const { asked, body } = await restart("/instances/completed/restart?restartWithNewInstanceId=false");
    expect([asked, body.id]).toEqual([[["completed", {}]], "completed"]);
  });

  test("what does not exist is 400", async () => {
    const { response, body } = await restart("/instances/missing/restart");
    expect(response.status).toBe(400);
    expect(body).toMatchObject({
      error: { message: "InstanceId does not match a valid orchestration instance." },
    });
  });
});

describe("entities", () => {
  const lastModifiedAt = new Date("2026-01-31T10:20:30.123Z");
  const entity = { id: new EntityId("counter", "K"), state: { at: new Date(0) }, lastModifiedAt, backlogQueueSize: 0 };
  const asked: unknown[][] = [];
  const methods = {
    getEntity: async (id: unknown) => (String(id) === "@counter@K" ? entity : undefined),
    signalEntity: async (id: unknown, ...args: unknown[]) => void asked.push([String(id), ...args]),
    queryEntities: (query: unknown) => {
      asked.push([query]);
      return onePage([entity], "next");
    },
  };
  const send = (method: string, path: string, init: RequestInit = {}) => {
    asked.length = 0;
    return api.request(BASE + path, { ...init, method }, fakeCall({ methods }));
  };

  test("are read as the JSON form of their state; the case of the name does not matter", async () => {
    const response = await send("GET", "/entities/Counter/K");
    expect([response.status, await response.json()]).toEqual([200, { at: "1970-01-01T00:00:00.000Z" }]);
  });

  test.for([
    ["one that does not exist", "GET", "/entities/counter/other", {}, 404],
    ["an empty key", "GET", "/entities/counter/$", {}, 400],
    ["an illegal key", "DELETE", "/entities/counter/a%2Fb", {}, 400],
    ["a signal without an operation", "POST", "/entities/counter/K", {}, 400],
    [
      "a signal with bad JSON",
      "POST",
      "/entities/counter/K?op=add",
      { body: "{", headers: { "Content-Type": "application/json" } },
      400,
    ],
    ["a listing with a bad date", "GET", "/entities?lastOperationTimeFrom=x", {}, 400],
    ["a listing with an unknown filter", "GET", "/entities/counter?since=2026-01-01", {}, 400],
  ] as const)("refuse %s", async ([, method, path, init, status]) => {
    expect([(await send(method, path, init)).status, asked]).toEqual([status, []]);
  });

  test.for([
    ["with JSON", { body: "5", headers: { "Content-Type": "application/json" } }, [5]],
    ["with text", { body: "5", headers: { "Content-Type": "text/plain" } }, ["5"]],
    ["without input", {}, [undefined]],
  ] as const)("are signaled %s", async ([, init, input]) => {
    const response = await send("POST", "/entities/counter/K?op=add", init);
    expect([response.status, asked]).toEqual([202, [["@counter@K", "add", ...input]]]);
  });

  test("are deleted by their operation", async () => {
    const response = await send("DELETE", "/entities/counter/K");
    expect([response.status, asked]).toEqual([202, [["@counter@K", "delete"]]]);
  });

  test("are listed, with their state on demand", async () => {
    const response = await send("GET", "/entities/Counter?fetchState=true&top=5&lastOperationTimeFrom=2026-01-01");
    expect(asked).toEqual([
      [{ instanceIdPrefix: "@counter@", lastModifiedFrom: new Date("2026-01-01"), pageSize: 5, includeState: true }],
    ]);
    expect(response.headers.get("x-ms-continuation-token")).toBe("next");
    expect(await response.json()).toEqual([
      {
        entityId: { name: "counter", key: "K" },
        lastOperationTime: lastModifiedAt.toISOString(),
        state: { at: "1970-01-01T00:00:00.000Z" },
      },
    ]);
    expect(await (await send("GET", "/entities")).json()).toMatchObject([{ state: null }]);
    expect(asked).toEqual([[{ includeState: false }]]);
  });
});
