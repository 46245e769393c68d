/** The management API over a fake client: routes, parameters, statuses and bodies, without any hub. */
import { describe, expect, test } from "vitest";
import {
  FunctionNotRegisteredError,
  HubClosedError,
  HubFencedError,
  InstanceNotFoundError,
  InstanceNotRunningError,
  InvalidArgumentError,
  InvalidInstanceIdError,
  InvalidInstanceStateError,
  LimitExceededError,
  OrchestrationAlreadyExistsError,
  PayloadError,
  TaskCanceledError,
  TimeoutError,
  ValidationError,
  VersionMismatchError,
} from "../../core/errors.ts";
import { silentLogger } from "../../core/logger.ts";
import type { ManagementCall } from "../../worker/api/call.ts";
import { managementApi } from "../../worker/api/management-api.ts";
import { settingsOf } from "../../worker/options.ts";
import { fakeCall, stateOf } from "./fake-client.ts";

const BASE = "/runtime/webhooks/durabletask";
const JSON_TYPE = { "Content-Type": "application/json" };
const api = managementApi(settingsOf({ functions: [], logger: silentLogger, limits: { payloadBytesMax: 1_000 } }));

interface Sent {
  readonly body?: BodyInit;
  readonly headers?: Record<string, string>;
}

async function send(call: ManagementCall, method: string, path: string, sent: Sent = {}): Promise<Response> {
  return api.request(BASE + path, { method, ...sent }, call);
}

async function errorOf(response: Response): Promise<Record<string, unknown>> {
  expect(response.headers.get("Content-Type")).toBe("application/json");
  return ((await response.json()) as { error: Record<string, unknown> }).error;
}

const running = stateOf({ instanceId: "running" });
const suspended = stateOf({ instanceId: "suspended", runtimeStatus: "Suspended" });
const completed = stateOf({ instanceId: "completed", runtimeStatus: "Completed", output: [1] });
const terminated = stateOf({ instanceId: "terminated", runtimeStatus: "Terminated", output: "enough" });
const failed = stateOf({
  instanceId: "failed",
  runtimeStatus: "Failed",
  failure: { errorType: "TypeError", errorMessage: "no such city", isNonRetriable: false, isCausedBy: () => false },
});
const states = [running, suspended, completed, terminated, failed];

describe("a route", () => {
  type Row = [what: string, method: string, path: string, sent: Sent, status: number, asked: unknown[][]];
  const rows: Row[] = [
    [
      "starts an orchestration under an id of the hub's choice",
      "POST",
      "/orchestrators/helloCities",
      { body: '["Tokyo"]' },
      202,
      [["scheduleNewOrchestration", "helloCities", ["Tokyo"], {}]],
    ],
    [
      "starts an orchestration under a given id",
      "POST",
      "/orchestrators/helloCities/my%20id",
      {},
      202,
      [["scheduleNewOrchestration", "helloCities", undefined, { instanceId: "my id" }]],
    ],
    [
      "starts without looking at the content type",
      "POST",
      "/orchestrators/a",
      { body: " 1 ", headers: { "Content-Type": "text/plain" } },
      202,
      [["scheduleNewOrchestration", "a", 1, {}]],
    ],
    [
      "takes what looks like an encoded value as data",
      "POST",
      "/orchestrators/a",
      { body: '{"json":{},"meta":{"values":["Date"]}}' },
      202,
      [["scheduleNewOrchestration", "a", { json: {}, meta: { values: ["Date"] } }, {}]],
    ],
    [
      "decodes a body of the codec's own type",
      "POST",
      "/orchestrators/a",
      { body: "[1]", headers: { "Content-Type": "application/vnd.holdfast+json" } },
      202,
      [["scheduleNewOrchestration", "a", [1], {}]],
    ],
    [
      "raises an event with data",
      "POST",
      "/instances/running/raiseEvent/go%20on",
      { body: '{"a":1}', headers: JSON_TYPE },
      202,
      [["raiseOrchestrationEvent", "running", "go on", { a: 1 }, {}]],
    ],
    [
      "raises an event without data",
      "POST",
      "/instances/running/raiseEvent/go",
      { headers: JSON_TYPE },
      202,
      [["raiseOrchestrationEvent", "running", "go", undefined, {}]],
    ],
    [
      "raises an event without any body or type",
      "POST",
      "/instances/running/raiseEvent/go",
      {},
      202,
      [["raiseOrchestrationEvent", "running", "go", undefined, {}]],
    ],
    [
      "raises an event with a charset in its type",
      "POST",
      "/instances/running/raiseEvent/go",
      { body: "null", headers: { "Content-Type": "Application/JSON; charset=utf-8" } },
      202,
      [["raiseOrchestrationEvent", "running", "go", null, {}]],
    ],
    [
      "raises an event once for one event id",
      "POST",
      "/instances/suspended/raiseEvent/go?eventId=e1",
      {},
      202,
      [["raiseOrchestrationEvent", "suspended", "go", undefined, { eventId: "e1" }]],
    ],
    [
      "terminates with a reason",
      "POST",
      "/instances/running/terminate?reason=no%20more",
      {},
      202,
      [["terminateOrchestration", "running", { recursive: false, output: "no more" }]],
    ],
    [
      "terminates without a reason, children too",
      "POST",
      "/instances/running/terminate?recursive=true",
      {},
      202,
      [["terminateOrchestration", "running", { recursive: true }]],
    ],
    [
      "suspends",
      "POST",
      "/instances/running/suspend?reason=lunch",
      {},
      202,
      [["suspendOrchestration", "running", "lunch"]],
    ],
    ["resumes", "POST", "/instances/suspended/resume", {}, 202, [["resumeOrchestration", "suspended", undefined]]],
    [
      "purges many",
      "DELETE",
      "/instances?createdTimeFrom=2026-01-01T00:00:00Z&createdTimeTo=2026-01-02&runtimeStatus=completed,Failed",
      {},
      200,
      [
        [
          "purgeOrchestration",
          { createdFrom: new Date("2026-01-01"), createdTo: new Date("2026-01-02"), statuses: ["Completed", "Failed"] },
        ],
      ],
    ],
    [
      "lists",
      "GET",
      "/instances?runtimeStatus=Running,%20Pending,&createdTimeFrom=2026-01-01T10:00:00%2B02:00&createdTimeTo=2026-01-01T10:00:00.5&instanceIdPrefix=or&top=7",
      { headers: { "x-ms-continuation-token": "t0" } },
      200,
      [
        [
          "queryOrchestrations",
          {
            statuses: ["Running", "Pending"],
            createdFrom: new Date("2026-01-01T08:00:00Z"),
            createdTo: new Date("2026-01-01T10:00:00.500Z"),
            instanceIdPrefix: "or",
            pageSize: 7,
            continuationToken: "t0",
          },
        ],
      ],
    ],
    [
      "lists everything without filters",
      "GET",
      "/instances?taskHub=default&connection=Storage&code=k&runtimeStatus=",
      {},
      200,
      [["queryOrchestrations", {}]],
    ],
    [
      "purges one, children too",
      "DELETE",
      "/instances/completed?recursive=true",
      {},
      200,
      [["purgeOrchestration", "completed", { recursive: true }]],
    ],
  ];
  test.for(rows)("%s", async ([, method, path, sent, status, asked]) => {
    const call = fakeCall({ states, purged: 3 });
    const response = await send(call, method, path, sent);
    expect([response.status, call.asked]).toEqual([status, asked]);
  });

  test("for a command answers without a body", async () => {
    for (const command of ["terminate", "suspend", "resume", "raiseEvent/go"]) {
      const response = await send(fakeCall({ states }), "POST", `/instances/running/${command}`);
      expect([response.status, await response.text()]).toEqual([202, ""]);
    }
  });

  test("for a purge tells how many instances are gone", async () => {
    const one = await send(fakeCall({ states, purged: 1 }), "DELETE", "/instances/completed");
    expect([one.status, await one.json()]).toEqual([200, { instancesDeleted: 1 }]);
    const many = await send(fakeCall({ purged: 4 }), "DELETE", "/instances?createdTimeFrom=2026-01-01");
    expect([many.status, await many.json()]).toEqual([200, { instancesDeleted: 4 }]);
    const none = await send(fakeCall({ purged: 0 }), "DELETE", "/instances?createdTimeFrom=2026-01-01");
    expect([none.status, await none.json()]).toEqual([404, { instancesDeleted: 0 }]);
  });

  test("answers HEAD as GET, without a body", async () => {
    for (const path of ["/instances/running", "/instances/completed", "/instances", "/instances/missing"]) {
      const call = fakeCall({ states });
      const [get, head] = [await send(call, "GET", path), await send(call, "HEAD", path)];
      expect([head.status, [...head.headers]]).toEqual([get.status, [...get.headers]]);
      expect(await head.text()).toBe("");
    }
  });
});

describe("an unknown path or a wrong method is 404", () => {
  test.for([
    ["GET", ""],
    ["GET", "/"],
    ["GET", "/nothing"],
    ["GET", "/orchestrators/a"],
    ["PUT", "/orchestrators/a"],
    ["POST", "/orchestrators"],
    ["POST", "/orchestrators/"],
    ["POST", "/orchestrators/a/"],
    ["POST", "/orchestrators/a/b/c"],
    ["GET", "/instances/a/"],
    ["POST", "/instances"],
    ["PUT", "/instances/a"],
    ["PATCH", "/instances/a"],
    ["POST", "/instances/a"],
    ["GET", "/instances/"],
    ["GET", "/instances/a/terminate"],
    ["GET", "/instances/a/raiseEvent/b"],
    ["POST", "/instances/a/raiseEvent"],
    ["POST", "/instances/a/unknown"],
    ["DELETE", "/instances/a/terminate"],
    ["POST", "/instances/a/terminate/b"],
    ["POST", "/makeprimary"],
    ["POST", "/entities/a"],
    ["OPTIONS", "/instances/a"],
  ])("%s %s", async ([method, path]) => {
    const call = fakeCall({ states });
    const response = await send(call, method!, path!);
    expect(response.status).toBe(404);
    expect(await errorOf(response)).toMatchObject({ code: "routeNotFound", name: "RequestError" });
    expect(call.asked).toEqual([]);
  });

  test("as is every path outside the management API", async () => {
    for (const path of [
      "/",
      "/instances",
      "/runtime",
      "/runtime/webhooks",
      "/RUNTIME/WEBHOOKS/DURABLETASK/instances",
    ]) {
      expect((await api.request(path, {}, fakeCall())).status).toBe(404);
    }
  });
});

describe("a request that cannot be understood is refused before the hub is asked", () => {
  const tooLong = "x".repeat(101);
  type Row = [what: string, method: string, path: string, sent: Sent, status: number, code: string];
  const rows: Row[] = [
    ["input that is no JSON", "POST", "/orchestrators/a", { body: "{" }, 400, "invalidRequest"],
    ["input with a single quote", "POST", "/orchestrators/a", { body: "'a'" }, 400, "invalidRequest"],
    [
      "input that is not UTF-8",
      "POST",
      "/orchestrators/a",
      { body: new Uint8Array([34, 255, 34]) },
      400,
      "invalidRequest",
    ],
    [
      "input cut inside a character",
      "POST",
      "/orchestrators/a",
      { body: new Uint8Array([34, 0xc3]) },
      400,
      "invalidRequest",
    ],
    ["input that is too large", "POST", "/orchestrators/a", { body: `"${"x".repeat(1_000)}"` }, 413, "bodyTooLarge"],
    [
      "a body that is not of the codec",
      "POST",
      "/orchestrators/a",
      { body: "{", headers: { "Content-Type": "application/vnd.holdfast+json" } },
      400,
      "payload",
    ],
    ["an id with a slash", "POST", "/orchestrators/a/b%2Fc", {}, 400, "invalidInstanceId"],
    ["an id with a backslash", "POST", "/orchestrators/a/b%5Cc", {}, 400, "invalidInstanceId"],
    ["an id with a hash", "POST", "/orchestrators/a/b%23c", {}, 400, "invalidInstanceId"],
    ["an id with a question mark", "POST", "/orchestrators/a/b%3Fc", {}, 400, "invalidInstanceId"],
    ["an id with a control character", "POST", "/orchestrators/a/b%00c", {}, 400, "invalidInstanceId"],
    ["an id with a line break", "POST", "/orchestrators/a/b%0A", {}, 400, "invalidInstanceId"],
    ["an id that is too long", "POST", `/orchestrators/a/${tooLong}`, {}, 400, "invalidInstanceId"],
    ["the id of an entity", "POST", "/orchestrators/a/@counter@k", {}, 400, "invalidInstanceId"],
    ["the encoded id of an entity", "GET", "/instances/%40counter%40k", {}, 400, "invalidInstanceId"],
    ["an illegal id in a status query", "GET", "/instances/b%2Fc", {}, 400, "invalidInstanceId"],
    ["an illegal id in a purge", "DELETE", `/instances/${tooLong}`, {}, 400, "invalidInstanceId"],
    ["an illegal id in an event", "POST", "/instances/b%23c/raiseEvent/go", {}, 400, "invalidInstanceId"],
    ["an illegal id in a termination", "POST", "/instances/b%5Cc/terminate", {}, 400, "invalidInstanceId"],
    ["an illegal id in a suspension", "POST", "/instances/b%5Cc/suspend", {}, 400, "invalidInstanceId"],
    ["an illegal id in a resumption", "POST", "/instances/b%5Cc/resume", {}, 400, "invalidInstanceId"],
    ["a flag that is neither true nor false", "GET", "/instances/running?showInput=1", {}, 400, "invalidRequest"],
    ["an empty flag", "GET", "/instances/running?showHistory=", {}, 400, "invalidRequest"],
    ["another such flag", "GET", "/instances/running?showHistoryOutput=yes", {}, 400, "invalidRequest"],
    ["a timeout in words", "POST", "/orchestrators/a?timeout=long", {}, 400, "invalidRequest"],
    ["a negative timeout", "POST", "/orchestrators/a?timeout=-1", {}, 400, "invalidRequest"],
    ["a timeout beyond a day", "POST", "/orchestrators/a?timeout=86401", {}, 400, "invalidRequest"],
    ["an endless timeout", "POST", "/orchestrators/a?timeout=Infinity", {}, 400, "invalidRequest"],
    ["an interval in words", "POST", "/orchestrators/a?timeout=9&pollingInterval=x", {}, 400, "invalidRequest"],
    [
      "an interval above the timeout",
      "POST",
      "/orchestrators/a?timeout=1&pollingInterval=2",
      {},
      400,
      "invalidRequest",
    ],
    ["a misspelled status", "GET", "/instances?runtimeStatus=Runing", {}, 400, "invalidRequest"],
    ["a misspelled status among others", "GET", "/instances?runtimeStatus=Running,Done", {}, 400, "invalidRequest"],
    ["a bad date", "GET", "/instances?createdTimeFrom=yesterday", {}, 400, "invalidRequest"],
    ["an empty date", "GET", "/instances?createdTimeTo=", {}, 400, "invalidRequest"],
    ["a day that is not in the calendar", "GET", "/instances?createdTimeTo=2026-02-30", {}, 400, "invalidRequest"],
    [
      "an hour that is not on the clock",
      "GET",
      "/instances?createdTimeTo=2026-02-03T25:00:00Z",
      {},
      400,
      "invalidRequest",
    ],
    ["a bare number as a date", "GET", "/instances?createdTimeTo=1700000000000", {}, 400, "invalidRequest"],
    ["a page of nothing", "GET", "/instances?top=0", {}, 400, "invalidRequest"],
    ["a page of less", "GET", "/instances?top=-3", {}, 400, "invalidRequest"],
    ["half a page", "GET", "/instances?top=1.5", {}, 400, "invalidRequest"],
    ["a misspelled filter", "GET", "/instances?runtimestatus=Failed", {}, 400, "invalidRequest"],
    [
      "a misspelled filter of a purge",
      "DELETE",
      "/instances?createdTimeFrom=2026-01-01&status=Failed",
      {},
      400,
      "invalidRequest",
    ],
    [
      "a misspelled status of a purge",
      "DELETE",
      "/instances?createdTimeFrom=2026-01-01&runtimeStatus=x",
      {},
      400,
      "invalidRequest",
    ],
    ["a bad date of a purge", "DELETE", "/instances?createdTimeFrom=x", {}, 400, "invalidRequest"],
    ["a purge without a beginning", "DELETE", "/instances", {}, 400, "invalidRequest"],
    [
      "an event that is too large",
      "POST",
      "/instances/running/raiseEvent/go",
      { body: "1".repeat(1_001) },
      413,
      "bodyTooLarge",
    ],
    [
      "an event of another type",
      "POST",
      "/instances/running/raiseEvent/go",
      { body: "1", headers: { "Content-Type": "text/plain" } },
      400,
      "invalidRequest",
    ],
    [
      "an empty event of another type",
      "POST",
      "/instances/running/raiseEvent/go",
      { headers: { "Content-Type": "text/plain" } },
      400,
      "invalidRequest",
    ],
    [
      "an event that is no JSON",
      "POST",
      "/instances/running/raiseEvent/go",
      { body: "{]", headers: JSON_TYPE },
      400,
      "invalidRequest",
    ],
  ];
  test.for(rows)("%s", async ([, method, path, sent, status, code]) => {
    const call = fakeCall({ states, purged: 1 });
    const response = await send(call, method, path, sent);
    expect([response.status, (await errorOf(response)).code]).toEqual([status, code]);
    expect(call.asked).toEqual([]);
  });

  test("a purge without a beginning says what is missing", async () => {
    const { message } = await errorOf(await send(fakeCall(), "DELETE", "/instances?runtimeStatus=Failed"));
    expect(message).toBe("Please provide value for 'createdTimeFrom' parameter.");
  });

  test("bad JSON says so", async () => {
    const { message } = await errorOf(await send(fakeCall(), "POST", "/orchestrators/a", { body: "{" }));
    expect(message).toMatch(/^Invalid JSON content/);
  });

  test("a body is read only as far as it is allowed to go", async () => {
    let chunks = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        chunks++;
        controller.enqueue(new Uint8Array(600).fill(32));
      },
    });
    const response = await send(fakeCall(), "POST", "/orchestrators/a", { body: endless });
    expect([response.status, chunks < 10]).toEqual([413, true]);
  });

  test("a body that says it is too large is not read at all", async () => {
    const headers = { "Content-Length": "1001" };
    const response = await send(fakeCall(), "POST", "/orchestrators/a", { body: new ReadableStream(), headers });
    expect(response.status).toBe(413);
  });

  test("a body of exactly the limit is served", async () => {
    const body = `"${"x".repeat(998)}"`;
    expect((await send(fakeCall(), "POST", "/orchestrators/a", { body })).status).toBe(202);
  });
});

describe("an id or name in a path is decoded once", () => {
  test.for([
    ["100%25", "100%"],
    ["a%2520b", "a%20b"],
    ["%25252F", "%252F"],
    ["a%252Fb", "a%2Fb"],
    ["caf%C3%A9", "café"],
    ["a+b", "a+b"],
    ["order:1", "order:1"],
    ["%F0%9F%99%82", "🙂"],
    ["a;b=c&d,e", "a;b=c&d,e"],
  ])("%s is %s", async ([encoded, id]) => {
    const call = fakeCall();
    const response = await send(call, "POST", `/orchestrators/${encoded}/${encoded}`);
    expect(call.asked).toEqual([["scheduleNewOrchestration", id, undefined, { instanceId: id }]]);
    const { statusQueryGetUri } = (await response.json()) as { statusQueryGetUri: string };
    const again = fakeCall({ states: [stateOf({ instanceId: id! })] });
    expect((await api.request(statusQueryGetUri, {}, again)).status).toBe(202);
  });
});

describe("an error of the hub keeps its code and name", () => {
  const rows: [error: Error & { code?: string }, status: number][] = [
    [new FunctionNotRegisteredError("orchestrator", "nope"), 400],
    [new VersionMismatchError("2", "1", "strict"), 400],
    [new InvalidArgumentError("no"), 400],
    [new InvalidInstanceIdError("no"), 400],
    [new PayloadError("no", { path: "$.a" }), 400],
    [new ValidationError("no", [{ message: "m", path: ["a"] }]), 400],
    [new InstanceNotFoundError("i"), 404],
    [new OrchestrationAlreadyExistsError("i", "Running"), 409],
    [new InvalidInstanceStateError("no"), 409],
    [new InstanceNotRunningError("i", "Completed"), 410],
    [new LimitExceededError("no"), 429],
    [new HubClosedError("h"), 503],
    [new HubFencedError("h"), 503],
    [new TimeoutError("no"), 504],
  ];
  test.for(rows)("%s is %i", async ([error, status]) => {
    const response = await send(fakeCall({ states, failure: error }), "POST", "/orchestrators/a");
    expect(response.status).toBe(status);
    expect(await errorOf(response)).toMatchObject({ code: error.code, name: error.name, message: error.message });
    expect(response.headers.has("Retry-After")).toBe(status === 503 || status === 429);
  });

  test("and its own fields", async () => {
    const refused = async (error: Error): Promise<Record<string, unknown>> =>
      errorOf(await send(fakeCall({ failure: error }), "POST", "/orchestrators/a"));
    expect(await refused(new ValidationError("no", [{ message: "m" }]))).toEqual({
      code: "validation",
      name: "ValidationError",
      message: "no",
      issues: [{ message: "m" }],
    });
    expect(await refused(new PayloadError("no", { path: "$.a" }))).toMatchObject({ path: "$.a" });
  });

  test.for([
    ["is not of the catalogue", new TypeError("secret of the engine")],
    ["is of the catalogue, but never meets a caller", new TaskCanceledError("secret of the engine")],
  ] as const)("but one that %s is told as internal, and its text goes to the log only", async ([, failure]) => {
    const logged: unknown[] = [];
    const logger = { ...silentLogger, error: (...entry: unknown[]) => void logged.push(entry) };
    const own = managementApi(settingsOf({ functions: [], logger }));
    const response = await own.request(`${BASE}/orchestrators/a`, { method: "POST" }, fakeCall({ failure }));
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(JSON.parse(text)).toMatchObject({ error: { code: "internal", name: "RequestError" } });
    expect(text).not.toMatch(/secret|stack|\.ts/);
    expect(JSON.stringify(logged)).toMatch(/secret of the engine.*stack/);
  });
});
