/** What the management API tells of an instance: status, history, result, and the addresses it is managed at. */
import { describe, expect, test } from "vitest";
import { TimeoutError } from "../../core/errors.ts";
import type { FailureDetails } from "../../core/failure.ts";
import { silentLogger } from "../../core/logger.ts";
import { managementApi } from "../../worker/api/management-api.ts";
import { settingsOf } from "../../worker/options.ts";
import { fakeCall, stateOf } from "./fake-client.ts";

const BASE = "/runtime/webhooks/durabletask";
const api = managementApi(settingsOf({ functions: [], logger: silentLogger }));
const failure: FailureDetails = {
  errorType: "TypeError",
  errorMessage: "no such city",
  isNonRetriable: false,
  isCausedBy: () => false,
};

async function status(state: ReturnType<typeof stateOf>, query = "", headers: Record<string, string> = {}) {
  const response = await api.request(`${BASE}/instances/i${query}`, { headers }, fakeCall({ states: [state] }));
  return { response, body: (await response.json()) as Record<string, unknown> };
}

describe("a status", () => {
  test("has every field, null when it is empty", async () => {
    const { response, body } = await status(stateOf());
    expect(response.headers.get("Content-Type")).toBe("application/json");
    expect(body).toEqual({
      name: "helloCities",
      instanceId: "i",
      runtimeStatus: "Running",
      input: null,
      customStatus: null,
      output: null,
      createdTime: "2026-01-31T10:20:30Z",
      lastUpdatedTime: "2026-01-31T10:20:31Z",
    });
  });

  test.for([
    ["Pending", 202],
    ["Running", 202],
    ["Suspended", 202],
    ["ContinuedAsNew", 202],
    ["Completed", 200],
    ["Failed", 200],
    ["Terminated", 200],
    ["Canceled", 200],
  ] as const)("of an instance that is %s is %i", async ([runtimeStatus, code]) => {
    const { response, body } = await status(stateOf({ runtimeStatus }), "?taskHub=default&code=k");
    expect([response.status, body.runtimeStatus]).toEqual([code, runtimeStatus]);
    expect([response.headers.get("Location"), response.headers.get("Retry-After")]).toEqual(
      code === 202 ? [`http://localhost${BASE}/instances/i?taskHub=default&code=k`, "5"] : [null, null],
    );
  });

  test("of a failed instance is 500 when the caller asks for that", async () => {
    const ask = (runtimeStatus: "Failed" | "Terminated" | "Completed") =>
      status(stateOf({ runtimeStatus, failure }), "?returnInternalServerErrorOnFailure=TRUE");
    expect((await ask("Failed")).response.status).toBe(500);
    expect((await ask("Failed")).body).toMatchObject({ runtimeStatus: "Failed", output: "no such city" });
    expect((await ask("Terminated")).response.status).toBe(200);
    expect((await ask("Completed")).response.status).toBe(200);
  });

  test("tells the error's message as the output of a failed instance", async () => {
    const { body } = await status(stateOf({ runtimeStatus: "Failed", failure }));
    expect(body.output).toBe("no such city");
  });

  test("tells the reason as the output of a terminated instance", async () => {
    const { body } = await status(stateOf({ runtimeStatus: "Terminated", output: "enough" }));
    expect(body.output).toBe("enough");
  });

  test("hides the input on demand", async () => {
    const state = stateOf({ input: { secret: true } });
    expect((await status(state, "?showInput=false")).body.input).toBeNull();
    expect((await status(state, "?showInput=true")).body.input).toEqual({ secret: true });
  });

  test("tells rich values in their JSON form", async () => {
    const input = { at: new Date(0), big: 12n, set: new Set([1]), map: new Map([["a", 1]]), url: new URL("a:b") };
    const { body } = await status(
      stateOf({ input, customStatus: new Date(0), runtimeStatus: "Completed", output: 1n }),
    );
    expect(body).toMatchObject({
      input: { at: "1970-01-01T00:00:00.000Z", big: "12", set: [1], map: { a: 1 }, url: "a:b" },
      customStatus: "1970-01-01T00:00:00.000Z",
      output: "1",
    });
  });

  test("has no history unless it is asked for", async () => {
    expect((await status(stateOf(), "?showHistory=false")).body).not.toHaveProperty("historyEvents");
    expect((await status(stateOf(), "?showHistory=true")).body.historyEvents).toEqual([]);
  });

  test("of what does not exist is 404", async () => {
    const response = await api.request(`${BASE}/instances/missing`, {}, fakeCall());
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: "instanceNotFound", name: "InstanceNotFoundError" } });
  });

  test("has the codec's own text for who asks for it", async () => {
    const state = stateOf({ input: [new Date(0)], runtimeStatus: "Failed", failure, tags: { a: "b" } });
    const { response, body } = await status(state, "", { Accept: "text/html, Application/vnd.holdfast+json;q=0.9" });
    expect(response.headers.get("Content-Type")).toBe("application/vnd.holdfast+json");
    expect(body).toEqual({
      instanceId: "i",
      name: "helloCities",
      version: "",
      runtimeStatus: "Failed",
      createdAt: "2026-01-31T10:20:30.999Z",
      lastUpdatedAt: "2026-01-31T10:20:31.001Z",
      input: expect.stringContaining("1970"),
      failure: { errorType: "TypeError", errorMessage: "no such city", isNonRetriable: false },
      tags: { a: "b" },
    });
  });
});

describe("a listing", () => {
  const states = [stateOf({ instanceId: "a", input: 1 }), stateOf({ instanceId: "b", runtimeStatus: "Completed" })];

  test("is an array of statuses, and tells where to go on", async () => {
    const response = await api.request(`${BASE}/instances`, {}, fakeCall({ states, continuationToken: "next" }));
    expect(response.status).toBe(200);
    expect(response.headers.get("x-ms-continuation-token")).toBe("next");
    expect(await response.json()).toMatchObject([
      { instanceId: "a", input: 1, output: null },
      { instanceId: "b", input: null, runtimeStatus: "Completed" },
    ]);
  });

  test("has no continuation on its last page", async () => {
    const response = await api.request(`${BASE}/instances?showInput=false`, {}, fakeCall({ states }));
    expect(response.headers.has("x-ms-continuation-token")).toBe(false);
    expect(await response.json()).toMatchObject([{ input: null }, {}]);
  });

  test("of nothing is an empty array", async () => {
    const response = await api.request(`${BASE}/instances`, {}, fakeCall());
    expect([response.status, await response.json()]).toEqual([200, []]);
  });
});

describe("a history", () => {
  const timestamp = new Date("2026-01-31T10:20:30.123Z");
  const at = timestamp.toISOString();
  const later = new Date("2026-01-31T10:20:31.456Z");
  const answered = { timestamp: later, eventId: -1 };
  const failureDetails = { errorType: "Error", errorMessage: "broke" };
  const history = [
    { type: "OrchestratorStarted", eventId: -1, timestamp },
    {
      type: "ExecutionStarted",
      eventId: 0,
      timestamp,
      name: "o",
      input: '"in"',
      orchestrationInstance: { instanceId: "i", executionId: "e" },
    },
    { type: "TaskScheduled", eventId: 1, timestamp, name: "a", input: "[1]" },
    { type: "TaskScheduled", eventId: 2, timestamp, name: "b" },
    { type: "TimerCreated", eventId: 3, timestamp, fireAt: later },
    { type: "SubOrchestrationInstanceCreated", eventId: 4, timestamp, name: "child", instanceId: "c", input: "2" },
    { type: "SubOrchestrationInstanceCreated", eventId: 5, timestamp, name: "child", instanceId: "d" },
    { type: "EventSent", eventId: 6, timestamp, instanceId: "other", name: "ping", input: "3" },
    { type: "TaskScheduled", eventId: 7, timestamp, name: "still open" },
    { type: "GenericEvent", eventId: -1, timestamp, data: "engine" },
    { type: "OrchestratorStarted", ...answered },
    { type: "TaskCompleted", ...answered, taskScheduledId: 1, result: '{"n":1}' },
    { type: "TaskFailed", ...answered, taskScheduledId: 2, failureDetails },
    { type: "TimerFired", ...answered, timerId: 3, fireAt: later },
    { type: "SubOrchestrationInstanceCompleted", ...answered, taskScheduledId: 4, result: "20" },
    { type: "SubOrchestrationInstanceFailed", ...answered, taskScheduledId: 5, failureDetails },
    { type: "EventRaised", ...answered, name: "go", input: "true" },
    { type: "ExecutionSuspended", ...answered, input: "lunch" },
    { type: "ExecutionResumed", ...answered },
    { type: "ExecutionTerminated", ...answered, input: '"enough"', recurse: false },
    {
      type: "ExecutionCompleted",
      ...answered,
      eventId: 8,
      orchestrationStatus: "ORCHESTRATION_STATUS_TERMINATED",
      result: '"enough"',
    },
  ] as const;
  const Timestamp = later.toISOString();
  const ScheduledTime = at;

  async function entries(query: string): Promise<unknown> {
    const call = fakeCall({ states: [stateOf()], history });
    const response = await api.request(`${BASE}/instances/i?showHistory=true${query}`, {}, call);
    return ((await response.json()) as { historyEvents: unknown }).historyEvents;
  }

  test("folds what was scheduled into what came of it", async () => {
    expect(await entries("&showHistoryOutput=true")).toEqual([
      { EventType: "ExecutionStarted", FunctionName: "o", Input: "in", Timestamp: at },
      { EventType: "EventSent", Name: "ping", Input: 3, Timestamp: at },
      { EventType: "TaskCompleted", FunctionName: "a", Input: [1], ScheduledTime, Result: { n: 1 }, Timestamp },
      { EventType: "TaskFailed", FunctionName: "b", ScheduledTime, Reason: "broke", Timestamp },
      { EventType: "TimerFired", ScheduledTime, FireAt: Timestamp, Timestamp },
      {
        EventType: "SubOrchestrationInstanceCompleted",
        FunctionName: "child",
        Input: 2,
        ScheduledTime,
        Result: 20,
        Timestamp,
      },
      { EventType: "SubOrchestrationInstanceFailed", FunctionName: "child", ScheduledTime, Reason: "broke", Timestamp },
      { EventType: "EventRaised", Name: "go", Input: true, Timestamp },
      { EventType: "ExecutionSuspended", Reason: "lunch", Timestamp },
      { EventType: "ExecutionResumed", Timestamp },
      { EventType: "ExecutionTerminated", Reason: "enough", Timestamp },
      { EventType: "ExecutionCompleted", OrchestrationStatus: "Terminated", Result: "enough", Timestamp },
    ]);
  });

  test("tells no results unless they are asked for, and no inputs when they are not wanted", async () => {
    const shown = JSON.stringify(await entries(""));
    expect(shown).toContain('"Input":[1]');
    expect(shown).not.toContain("Result");
    expect(JSON.stringify(await entries("&showInput=false&showHistoryOutput=true"))).not.toContain("Input");
  });

  test("tells entity operations and locks by what came of them", async () => {
    const called = {
      type: "EntityOperationCalled",
      eventId: 1,
      timestamp,
      operation: "add",
      targetInstanceId: "@c@k",
    } as const;
    const events = [
      { ...called, requestId: "r1", input: "5" },
      { ...called, requestId: "r2" },
      { type: "EntityLockRequested", eventId: 3, timestamp, criticalSectionId: "s", lockSet: ["@c@k"], position: 0 },
      {
        type: "EntityOperationSignaled",
        eventId: 4,
        timestamp,
        requestId: "r3",
        operation: "reset",
        targetInstanceId: "@c@k",
      },
      { type: "EntityOperationCompleted", ...answered, requestId: "r1", output: "6" },
      { type: "EntityOperationFailed", ...answered, requestId: "r2", failureDetails },
      { type: "EntityLockGranted", ...answered, criticalSectionId: "s" },
      { type: "EntityUnlockSent", eventId: 5, timestamp, criticalSectionId: "s", targetInstanceId: "@c@k" },
      { type: "ExecutionRewound", ...answered, reason: "again" },
    ] as const;
    const call = fakeCall({ states: [stateOf()], history: events });
    const response = await api.request(`${BASE}/instances/i?showHistory=true&showHistoryOutput=true`, {}, call);
    expect(await response.json()).toMatchObject({
      historyEvents: [
        { EventType: "EntityOperationSignaled", FunctionName: "reset", Timestamp: at },
        { EventType: "EntityOperationCompleted", FunctionName: "add", Input: 5, ScheduledTime, Result: 6, Timestamp },
        { EventType: "EntityOperationFailed", FunctionName: "add", ScheduledTime, Reason: "broke", Timestamp },
        { EventType: "EntityLockGranted", ScheduledTime, Timestamp },
        { EventType: "EntityUnlockSent", Timestamp: at },
        { EventType: "ExecutionRewound", Reason: "again", Timestamp },
      ],
    });
  });

  test("tells how a failed orchestration ended", async () => {
    const events = [
      { type: "ExecutionCompleted", ...answered, orchestrationStatus: "ORCHESTRATION_STATUS_FAILED", failureDetails },
    ] as const;
    const call = fakeCall({ states: [stateOf()], history: events });
    const response = await api.request(`${BASE}/instances/i?showHistory=true`, {}, call);
    expect(await response.json()).toMatchObject({
      historyEvents: [{ EventType: "ExecutionCompleted", OrchestrationStatus: "Failed", Reason: "broke" }],
    });
  });
});

describe("the answer to a start", () => {
  const base = `http://localhost${BASE}/instances/a%20b`;
  const start = (path = "/orchestrators/o/a%20b", call = fakeCall(), own = api) =>
    own.request(BASE + path, { method: "POST" }, call);

  test("has the nine addresses of the instance", async () => {
    const response = await start();
    expect(response.status).toBe(202);
    expect(response.headers.get("Location")).toBe(`${base}?taskHub=default`);
    expect(response.headers.get("Retry-After")).toBe("10");
    expect(await response.json()).toEqual({
      id: "a b",
      statusQueryGetUri: `${base}?taskHub=default`,
      sendEventPostUri: `${base}/raiseEvent/{eventName}?taskHub=default`,
      terminatePostUri: `${base}/terminate?reason={text}&taskHub=default`,
      rewindPostUri: `${base}/rewind?reason={text}&taskHub=default`,
      purgeHistoryDeleteUri: `${base}?taskHub=default`,
      restartPostUri: `${base}/restart?taskHub=default`,
      suspendPostUri: `${base}/suspend?reason={text}&taskHub=default`,
      resumePostUri: `${base}/resume?reason={text}&taskHub=default`,
    });
  });

  test("has the key in every address when there is one", async () => {
    const response = await start(undefined, { ...fakeCall(), taskHub: "orders", code: "k&1" });
    const { id, ...uris } = (await response.json()) as Record<string, string>;
    expect(id).toBe("a b");
    for (const uri of Object.values(uris)) expect(uri).toMatch(/[?&]taskHub=orders&code=k%261$/);
  });

  test("begins with the public address when the worker has one", async () => {
    const publicUrl = "https://hubs.example/edge/";
    const own = managementApi(settingsOf({ functions: [], logger: silentLogger, publicUrl }));
    const started = await start(undefined, fakeCall(), own);
    const address = `https://hubs.example/edge${BASE}/instances/a%20b?taskHub=default`;
    expect(started.headers.get("Location")).toBe(address);
    const asked = await own.request(`${BASE}/instances/i?a=b`, {}, fakeCall({ states: [stateOf()] }));
    expect(asked.headers.get("Location")).toBe(`https://hubs.example/edge${BASE}/instances/i?a=b`);
  });
});

describe("a start that waits", () => {
  const start = (call: ReturnType<typeof fakeCall>, query = "timeout=2.5&pollingInterval=1", headers = {}) =>
    api.request(`${BASE}/orchestrators/o/i?${query}`, { method: "POST", headers }, call);

  test("answers with the plain result of what completes in time", async () => {
    const call = fakeCall({ states: [stateOf({ runtimeStatus: "Completed", output: ["Hello", new Date(0)] })] });
    const response = await start(call);
    expect(call.asked[1]).toEqual(["waitForOrchestrationCompletion", "i", { timeoutMs: 2_500 }]);
    expect([response.status, await response.json()]).toEqual([200, ["Hello", "1970-01-01T00:00:00.000Z"]]);
    expect(response.headers.get("Content-Type")).toBe("application/json");
  });

  test("answers null for a result of nothing", async () => {
    const response = await start(fakeCall({ states: [stateOf({ runtimeStatus: "Completed" })] }), "timeout=1");
    expect([response.status, await response.text()]).toEqual([200, "null"]);
  });

  test.for(["Failed", "Terminated", "Canceled"] as const)(
    "answers with the status of what is %s",
    async (runtimeStatus) => {
      const call = fakeCall({ states: [stateOf({ runtimeStatus, failure })] });
      const response = await start(call);
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ instanceId: "i", runtimeStatus });
      const asError = await start(call, "timeout=1&returnInternalServerErrorOnFailure=true");
      expect(asError.status).toBe(runtimeStatus === "Failed" ? 500 : 200);
    },
  );

  test("answers with the addresses when time runs out", async () => {
    const call = fakeCall();
    call.client.waitForOrchestrationCompletion = async () => {
      throw new TimeoutError("too late");
    };
    const response = await start(call, "timeout=0");
    expect(response.status).toBe(202);
    expect(await response.json()).toMatchObject({ id: "i", statusQueryGetUri: expect.any(String) });
  });

  test("does not wait when only an interval is given", async () => {
    const call = fakeCall();
    expect((await start(call, "pollingInterval=1")).status).toBe(202);
    expect(call.asked).toHaveLength(1);
  });

  test("tells the codec's own text to who asks for it", async () => {
    const call = fakeCall({ states: [stateOf({ runtimeStatus: "Completed", output: new Date(0) })] });
    const response = await start(call, "timeout=1", { Accept: "application/vnd.holdfast+json" });
    expect(response.headers.get("Content-Type")).toBe("application/vnd.holdfast+json");
    expect(await response.json()).toMatchObject({
      runtimeStatus: "Completed",
      output: expect.stringContaining("1970"),
    });
  });
});
