/** The whole way from a request to the disk of an object and back: the real worker, the real hub. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { DurableObjectStore } from "../../adapters/durable-objects/index.ts";
import { TaskHub } from "../../core/index.ts";
import { functions, keyInUse, logged, slowEnds, slowStarts, told } from "./entry.ts";

const BASE = "http://localhost/runtime/webhooks/durabletask";

/** A hub of the test's own: storage is shared by the tests of a file. */
let hubCount = 0;
function newHub(): string {
  return `hub-${++hubCount}`;
}

async function send(hub: string, method: string, path: string, init: RequestInit = {}): Promise<Response> {
  const separator = path.includes("?") ? "&" : "?";
  return exports.default.fetch(`${BASE}${path}${separator}taskHub=${hub}`, { ...init, method });
}

async function start(hub: string, path: string, input?: unknown): Promise<Response> {
  return send(hub, "POST", `/orchestrators/${path}`, input === undefined ? {} : { body: JSON.stringify(input) });
}

async function statusOf(hub: string, id: string, query = ""): Promise<Record<string, unknown>> {
  return (await send(hub, "GET", `/instances/${id}${query}`)).json();
}

/** How long a machine that is busy with other things may take to get there. */
const SOON = { timeout: 60_000, interval: 10 };

async function until(hub: string, id: string, runtimeStatus: string): Promise<Record<string, unknown>> {
  return vi.waitFor(async () => {
    const status = await statusOf(hub, id);
    expect(status.runtimeStatus).toBe(runtimeStatus);
    return status;
  }, SOON);
}

function stubOf(hub: string): DurableObjectStub {
  return env.TASK_HUBS.getByName(hub);
}

function alarmOf(hub: string): Promise<number | null> {
  return runInDurableObject(stubOf(hub), (_object, state) => state.storage.getAlarm());
}

/** Ends an object as a crash does: its memory is gone, and what it was doing with it. (The runtime says so on stderr.) */
async function crash(hub: string): Promise<void> {
  const ended = runInDurableObject(stubOf(hub), (_object, state) => state.abort("Instance disposed of by the test"));
  await expect(ended).rejects.toMatchObject({ durableObjectReset: true });
}

/** Ends an object as idleness does. */
function evict(hub: string): Promise<void> {
  return evictDurableObject(stubOf(hub));
}

function tablesOf(hub: string): Promise<unknown[]> {
  return runInDurableObject(stubOf(hub), (_object, state) =>
    state.storage.sql.exec("SELECT name FROM sqlite_master WHERE name LIKE 'holdfast%'").toArray(),
  );
}

afterEach(() => {
  logged.length = 0;
  keyInUse.key = undefined;
  for (const id of slowStarts.keys()) slowEnds.add(id);
});

describe("an orchestration over HTTP", () => {
  test("is started, runs, and tells its result", async () => {
    const hub = newHub();
    const started = await start(hub, "helloCities/greet", ["Tokyo", "London"]);
    expect(started.status).toBe(202);
    const { id, statusQueryGetUri } = (await started.json()) as Record<string, string>;
    expect([id, started.headers.get("Location")]).toEqual(["greet", statusQueryGetUri]);
    await until(hub, "greet", "Completed");
    const response = await exports.default.fetch(`${statusQueryGetUri}&showHistory=true&showHistoryOutput=true`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      name: "helloCities",
      input: ["Tokyo", "London"],
      output: ["Hello, Tokyo!", "Hello, London!"],
      historyEvents: [
        { EventType: "ExecutionStarted", FunctionName: "helloCities" },
        { EventType: "TaskCompleted", FunctionName: "sayHello", Input: "Tokyo", Result: "Hello, Tokyo!" },
        { EventType: "TaskCompleted", FunctionName: "sayHello", Input: "London", Result: "Hello, London!" },
        { EventType: "ExecutionCompleted", OrchestrationStatus: "Completed" },
      ],
    });
  });

  test("gets an id of its own when none is given", async () => {
    const { id } = (await (await start(newHub(), "echo")).json()) as { id: string };
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("answers with its result when the caller waits", async () => {
    const response = await start(newHub(), "helloCities?timeout=10&pollingInterval=1", ["Seattle"]);
    expect([response.status, await response.json()]).toEqual([200, ["Hello, Seattle!"]]);
  });

  test("answers with its addresses when the caller has waited long enough", async () => {
    const response = await start(newHub(), "waitForGo/a?timeout=0.01");
    expect(response.status).toBe(202);
    expect(await response.json()).toMatchObject({ id: "a" });
  });

  test("answers HEAD as GET, without a body", async () => {
    const hub = newHub();
    await start(hub, "waitForGo/a");
    const [get, head] = [await send(hub, "GET", "/instances/a"), await send(hub, "HEAD", "/instances/a")];
    expect([head.status, head.headers.get("Location")]).toEqual([202, get.headers.get("Location")]);
    expect([(await get.text()) === "", await head.text()]).toEqual([false, ""]);
    expect((await send(hub, "HEAD", "/instances/missing")).status).toBe(404);
  });

  test("takes an event, and tells its custom status until then", async () => {
    const hub = newHub();
    await start(hub, "waitForGo/a", 7);
    const waiting = await send(hub, "GET", "/instances/a");
    expect(waiting.status).toBe(202);
    expect(await waiting.json()).toMatchObject({ customStatus: { waiting: true, input: 7 }, output: null });
    const headers = { "Content-Type": "application/json" };
    const raised = await send(hub, "POST", "/instances/a/raiseEvent/go", { body: '{"on":1}', headers });
    expect(raised.status).toBe(202);
    expect((await until(hub, "a", "Completed")).output).toEqual({ on: 1 });
  });

  test("takes an empty event as one without data", async () => {
    const hub = newHub();
    await start(hub, "waitForGo/a");
    expect((await send(hub, "POST", "/instances/a/raiseEvent/go")).status).toBe(202);
    expect((await until(hub, "a", "Completed")).output).toBeNull();
  });

  test("is suspended and resumed, once or twice", async () => {
    const hub = newHub();
    await start(hub, "waitForGo/a");
    for (const [command, status] of [
      ["suspend", "Suspended"],
      ["suspend", "Suspended"],
      ["resume", "Running"],
      ["resume", "Running"],
    ]) {
      expect((await send(hub, "POST", `/instances/a/${command}?reason=lunch`)).status).toBe(202);
      expect((await statusOf(hub, "a")).runtimeStatus).toBe(status);
    }
  });

  test("is terminated with the reason as its output", async () => {
    const hub = newHub();
    await start(hub, "waitForGo/a");
    expect((await send(hub, "POST", "/instances/a/terminate?reason=no%20more")).status).toBe(202);
    expect(await statusOf(hub, "a")).toMatchObject({ runtimeStatus: "Terminated", output: "no more" });
  });

  test("that failed tells its error", async () => {
    const hub = newHub();
    await start(hub, "failing/a?timeout=5", "no such city");
    const response = await send(hub, "GET", "/instances/a?returnInternalServerErrorOnFailure=true");
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ runtimeStatus: "Failed", output: "no such city" });
  });

  test("tells rich values in their JSON form, and in the codec's own text on demand", async () => {
    const hub = newHub();
    const at = "1970-01-01T00:00:00.000Z";
    const output = { at, big: "12", set: [1, 2], url: "https://example.com/a" };
    const plain = await start(hub, "richValues/a?timeout=5");
    expect(await plain.json()).toEqual(output);
    expect(await statusOf(hub, "a")).toMatchObject({ output, customStatus: { since: at } });
    const asked = await send(hub, "GET", "/instances/a", { headers: { Accept: "application/vnd.holdfast+json" } });
    const { output: text } = (await asked.json()) as { output: string };
    const headers = { "Content-Type": "application/vnd.holdfast+json" };
    const echoed = await send(hub, "POST", "/orchestrators/echo?timeout=5", { body: text, headers });
    expect(await echoed.json()).toEqual(output);
  });

  test("takes bodies that look like encoded values as they are", async () => {
    for (const value of [{ json: {}, meta: { values: ["Date"] } }, { "~ref": 0 }, { constructor: 1 }, [{ json: 1 }]]) {
      expect(await (await start(newHub(), "echo?timeout=5", value)).json()).toEqual(value);
    }
    const headers = { "Content-Type": "application/json" };
    const body = '{"__proto__":{"polluted":true}}';
    const echoed = await send(newHub(), "POST", "/orchestrators/echo?timeout=5", { body, headers });
    expect(await echoed.text()).toBe(body);
  });

  test("sees the Worker's environment in its activities", async () => {
    expect(await (await start(newHub(), "seesEnv?timeout=5")).json()).toBe(true);
  });

  test("may have a large input", async () => {
    const input = "x".repeat(10_485_758);
    const response = await start(newHub(), "waitForGo", input);
    expect(response.status).toBe(202);
    const tooLarge = await start(newHub(), "waitForGo", `${input}x`);
    expect(tooLarge.status).toBe(413);
  });
});

describe("the hub refuses", () => {
  const json = { headers: { "Content-Type": "application/json" } };
  const rows: [what: string, method: string, path: string, init: RequestInit, status: number, code: string][] = [
    ["a function that is not registered", "POST", "/orchestrators/nope", {}, 400, "functionNotRegistered"],
    ["a function in other letters", "POST", "/orchestrators/HelloCities", {}, 400, "functionNotRegistered"],
    ["an activity as an orchestrator", "POST", "/orchestrators/sayHello", {}, 400, "functionNotRegistered"],
    ["a name of every object", "POST", "/orchestrators/constructor", {}, 400, "functionNotRegistered"],
    ["an id that runs", "POST", "/orchestrators/waitForGo/running", {}, 409, "orchestrationAlreadyExists"],
    [
      "input nested beyond all bounds",
      "POST",
      "/orchestrators/echo",
      { body: "[".repeat(5_000) + "]".repeat(5_000) },
      400,
      "payload",
    ],
    ["to tell what does not exist", "GET", "/instances/missing", {}, 404, "instanceNotFound"],
    ["an event for what does not exist", "POST", "/instances/missing/raiseEvent/go", json, 404, "instanceNotFound"],
    ["an event for what is finished", "POST", "/instances/done/raiseEvent/go", json, 410, "instanceNotRunning"],
    ["to terminate what does not exist", "POST", "/instances/missing/terminate", {}, 404, "instanceNotFound"],
    ["to terminate what is finished", "POST", "/instances/done/terminate", {}, 410, "instanceNotRunning"],
    ["to suspend what does not exist", "POST", "/instances/missing/suspend", {}, 404, "instanceNotFound"],
    ["to suspend what is finished", "POST", "/instances/done/suspend", {}, 410, "instanceNotRunning"],
    ["to resume what does not exist", "POST", "/instances/missing/resume", {}, 404, "instanceNotFound"],
    ["to resume what is finished", "POST", "/instances/done/resume", {}, 410, "instanceNotRunning"],
    ["to purge what does not exist", "DELETE", "/instances/missing", {}, 404, "instanceNotFound"],
    ["to purge what runs", "DELETE", "/instances/running", {}, 409, "instanceStillRunning"],
    [
      "a made-up continuation",
      "GET",
      "/instances",
      { headers: { "x-ms-continuation-token": "made up" } },
      400,
      "invalidArgument",
    ],
    ["a path that leads nowhere", "GET", "/nothing", {}, 404, "routeNotFound"],
    ["a method that is not there", "PUT", "/instances/running", {}, 404, "routeNotFound"],
  ];
  test("with the same code and name across the object", async () => {
    const hub = newHub();
    await start(hub, "waitForGo/running");
    await start(hub, "echo/done?timeout=5");
    for (const [what, method, path, init, status, code] of rows) {
      const response = await send(hub, method, path, init);
      const { error } = (await response.json()) as { error: Record<string, string> };
      expect([what, response.status, error.code, error.name !== ""]).toEqual([what, status, code, true]);
    }
  });
});

describe("a hub", () => {
  test("keeps nothing of requests that change nothing", async () => {
    const hub = newHub();
    for (const path of ["/instances", "/instances/a", "/nothing"]) await send(hub, "GET", path);
    await start(hub, "nope");
    await send(hub, "POST", "/instances/a/terminate");
    await send(hub, "DELETE", "/instances/a");
    expect([await tablesOf(hub), await alarmOf(hub)]).toEqual([[], null]);
    await start(hub, "waitForGo");
    expect(await tablesOf(hub)).not.toEqual([]);
  });

  test("sees only its own instances; names differ by case", async () => {
    const hub = newHub();
    await start(hub, "waitForGo/a");
    for (const other of [hub.toUpperCase(), `${hub}-`, "default"]) {
      expect((await send(other, "GET", "/instances/a")).status).toBe(404);
      expect(await (await send(other, "GET", "/instances")).json()).toEqual([]);
    }
  });

  test("is the one named default when none is named", async () => {
    await exports.default.fetch(`${BASE}/orchestrators/waitForGo/in-default`, { method: "POST" });
    expect((await send("default", "GET", "/instances/in-default")).status).toBe(202);
    await send("default", "POST", "/instances/in-default/terminate");
    await send("default", "DELETE", "/instances/in-default");
  });

  test("replaces what is finished when its id is started again", async () => {
    const hub = newHub();
    await start(hub, "echo/a?timeout=5", 1);
    await start(hub, "echo/a?timeout=5", 2);
    expect(await statusOf(hub, "a")).toMatchObject({ input: 2, output: 2 });
  });

  test("purges one, or many by their time and status", async () => {
    const hub = newHub();
    for (const id of ["a", "b", "c"]) await start(hub, `echo/${id}?timeout=5`);
    await start(hub, "waitForGo/d");
    const one = await send(hub, "DELETE", "/instances/a");
    expect([one.status, await one.json()]).toEqual([200, { instancesDeleted: 1 }]);
    expect((await send(hub, "GET", "/instances/a")).status).toBe(404);
    const failed = await send(hub, "DELETE", "/instances?createdTimeFrom=2020-01-01&runtimeStatus=Failed,Running");
    expect([failed.status, await failed.json()]).toEqual([404, { instancesDeleted: 0 }]);
    const many = await send(hub, "DELETE", "/instances?createdTimeFrom=2020-01-01");
    expect([many.status, await many.json()]).toEqual([200, { instancesDeleted: 2 }]);
    expect((await send(hub, "GET", "/instances/d")).status).toBe(202);
  });

  test("lists its instances page by page, in the order of their creation", async () => {
    const hub = newHub();
    for (const id of ["c", "a", "b"]) await start(hub, `echo/${id}?timeout=5`);
    await start(hub, "waitForGo/w");
    const ids: string[] = [];
    const headers: Record<string, string> = {};
    for (;;) {
      const response = await send(hub, "GET", "/instances?top=3&showInput=false", { headers });
      ids.push(...((await response.json()) as { instanceId: string }[]).map(({ instanceId }) => instanceId));
      const token = response.headers.get("x-ms-continuation-token");
      if (token === null) break;
      headers["x-ms-continuation-token"] = token;
    }
    expect(ids.slice().sort()).toEqual(["a", "b", "c", "w"]);
    const only = async (query: string) =>
      ((await (await send(hub, "GET", `/instances?${query}`)).json()) as { instanceId: string }[]).map(
        (i) => i.instanceId,
      );
    expect(await only("runtimeStatus=running")).toEqual(["w"]);
    expect(await only("instanceIdPrefix=a")).toEqual(["a"]);
    expect(await only("createdTimeFrom=2099-01-01")).toEqual([]);
  });

  test("lists children beside their parents", async () => {
    const hub = newHub();
    await start(hub, "callEcho/parent?timeout=5", "child");
    const listed = (await (await send(hub, "GET", "/instances")).json()) as { instanceId: string }[];
    expect(listed.map(({ instanceId }) => instanceId).sort()).toEqual(["child", "parent"]);
  });

  test("takes the bounds of a time as part of it", async () => {
    const hub = newHub();
    await start(hub, "echo/a?timeout=5");
    const headers = { Accept: "application/vnd.holdfast+json" };
    const { createdAt } = (await (await send(hub, "GET", "/instances/a", { headers })).json()) as { createdAt: string };
    const before = new Date(Date.parse(createdAt) - 1).toISOString();
    const after = new Date(Date.parse(createdAt) + 1).toISOString();
    const count = async (from: string, to: string): Promise<number> => {
      const query = `createdTimeFrom=${from}&createdTimeTo=${to}`;
      return ((await (await send(hub, "GET", `/instances?${query}`)).json()) as unknown[]).length;
    };
    expect([await count(createdAt, createdAt), await count(after, after), await count(before, before)]).toEqual([
      1, 0, 0,
    ]);
    const purged = await send(hub, "DELETE", `/instances?createdTimeFrom=${createdAt}&createdTimeTo=${createdAt}`);
    expect(await purged.json()).toEqual({ instancesDeleted: 1 });
  });

  test("restarts what is finished, under a new id or its own", async () => {
    const hub = newHub();
    await start(hub, "echo/a?timeout=5", 7);
    const renewed = await send(hub, "POST", "/instances/a/restart?timeout=5");
    expect([renewed.status, await renewed.json()]).toEqual([200, 7]);
    const listed = await send(hub, "GET", "/instances");
    expect(await listed.json()).toMatchObject([{ input: 7 }, { input: 7 }]);
    const again = await send(hub, "POST", "/instances/a/restart?restartWithNewInstanceId=false");
    expect([again.status, await again.json()]).toMatchObject([202, { id: "a" }]);
    await start(hub, "waitForGo/w");
    expect((await send(hub, "POST", "/instances/w/restart?restartWithNewInstanceId=false")).status).toBe(409);
    expect((await send(hub, "POST", "/instances/missing/restart")).status).toBe(400);
  });

  test("rewinds what failed, and nothing else", async () => {
    const hub = newHub();
    await start(hub, "failing/a?timeout=5", "no such city");
    expect((await send(hub, "POST", "/instances/a/rewind?reason=fixed")).status).toBe(202);
    await start(hub, "echo/done?timeout=5");
    expect((await send(hub, "POST", "/instances/done/rewind")).status).toBe(410);
    await start(hub, "waitForGo/w");
    expect((await send(hub, "POST", "/instances/w/rewind")).status).toBe(409);
    expect((await send(hub, "POST", "/instances/missing/rewind")).status).toBe(404);
  });

  test("serves its entities", async () => {
    const hub = newHub();
    const headers = { "Content-Type": "application/json" };
    expect((await send(hub, "GET", "/entities/counter/k")).status).toBe(404);
    const signaled = await send(hub, "POST", "/entities/Counter/k?op=add", { body: "5", headers });
    expect(signaled.status).toBe(202);
    await vi.waitFor(async () => expect((await send(hub, "GET", "/entities/counter/k")).status).toBe(200), SOON);
    expect(await (await send(hub, "GET", "/entities/COUNTER/k")).json()).toBe(5);
    expect(await (await send(hub, "GET", "/entities/counter?fetchState=true")).json()).toMatchObject([
      { entityId: { name: "counter", key: "k" }, state: 5 },
    ]);
    expect(await (await send(hub, "GET", "/entities/other")).json()).toEqual([]);
    expect(await (await send(hub, "GET", "/instances")).json()).toEqual([]);
    expect((await send(hub, "DELETE", "/entities/counter/k")).status).toBe(202);
    await vi.waitFor(async () => expect((await send(hub, "GET", "/entities/counter/k")).status).toBe(404), SOON);
    expect((await send(hub, "POST", "/entities/nope/k?op=add")).status).toBe(400);
  });

  test("has the key in its addresses when there is one, however it was shown", async () => {
    keyInUse.key = "k 1";
    const hub = newHub();
    const refused = await start(hub, "waitForGo");
    expect(refused.status).toBe(401);
    const headers = { Authorization: "Bearer k" };
    keyInUse.key = "k";
    const started = await send(hub, "POST", "/orchestrators/waitForGo", { headers });
    const { statusQueryGetUri } = (await started.json()) as { statusQueryGetUri: string };
    expect(statusQueryGetUri).toMatch(new RegExp(`[?]taskHub=${hub}&code=k$`));
    expect((await exports.default.fetch(statusQueryGetUri)).status).toBe(202);
    expect((await exports.default.fetch(statusQueryGetUri.replace("code=k", "code=x"))).status).toBe(401);
  });

  test("answers many requests at once", async () => {
    const hub = newHub();
    const ids = Array.from({ length: 50 }, (_, i) => `n${i}`);
    const answers = await Promise.all(ids.map(async (id) => (await start(hub, `echo/${id}?timeout=10`, id)).json()));
    expect(answers).toEqual(ids);
  });
});

describe("a hub that was taken over", () => {
  /** Opens the hub a second time over the storage of its object, and writes: from then on the object's own hub is fenced. */
  const takeOver = (hub: string): Promise<void> =>
    runInDurableObject(stubOf(hub), async (_object, state) => {
      const other = await TaskHub.open({ name: hub, functions, store: new DurableObjectStore(state.storage) });
      await other.scheduleNewOrchestration("echo", 1, { instanceId: `other-${Math.random()}` });
      await other.close();
    });

  test("is unavailable once, and opened anew for the next request", async () => {
    const hub = newHub();
    await start(hub, "waitForGo/a");
    await takeOver(hub);
    const refused = await start(hub, "waitForGo/b");
    expect([refused.status, refused.headers.has("Retry-After")]).toEqual([503, true]);
    expect(await refused.json()).toMatchObject({ error: { code: "hubFenced", name: "HubFencedError" } });
    expect(logged).toEqual(["A task hub has stopped; it is opened again."]);
    expect((await start(hub, "waitForGo/b")).status).toBe(202);
    expect((await statusOf(hub, "a")).runtimeStatus).toBe("Running");
  });

  test("is opened anew by the alarm", async () => {
    const hub = newHub();
    await start(hub, "waitForGo/a");
    await takeOver(hub);
    await runDurableObjectAlarm(stubOf(hub));
    expect((await start(hub, "waitForGo/b")).status).toBe(202);
  });
});

describe("time in an object", () => {
  test("wakes a sleeping orchestration", async () => {
    const response = await start(newHub(), "sleep?timeout=10", 30);
    expect([response.status, await response.json()]).toEqual([200, "slept"]);
  });

  test("is an alarm at the instant of the next timer", async () => {
    const hub = newHub();
    const before = Date.now();
    await start(hub, "sleep/late", 7_200_000);
    await start(hub, "sleep/early", 3_600_000);
    // The watchdog comes first: it covers the turns that started them.
    await runDurableObjectAlarm(stubOf(hub));
    const due = (await alarmOf(hub))! - before;
    expect(due).toBeGreaterThanOrEqual(3_600_000);
    expect(due).toBeLessThan(3_605_000);
    expect((await statusOf(hub, "early")).runtimeStatus).toBe("Running");
  });

  test("goes on after a crash, without any request", async () => {
    const hub = newHub();
    await start(hub, "sleepAndTell/told", 100);
    await crash(hub);
    await vi.waitFor(() => expect(told.has("told")).toBe(true), SOON);
  });

  test("goes on after an eviction, without any request", async () => {
    const hub = newHub();
    const started = await start(hub, "sleepAndTell/told-later", 10_100);
    await started.text();
    await evict(hub);
    // Earlier than its time: the alarm is moved to the object that is asked, not waited for.
    await runDurableObjectAlarm(stubOf(hub));
    expect(told.has("told-later")).toBe(false);
    expect(await alarmOf(hub)).toBeGreaterThan(Date.now());
  });

  test("finds what is overdue with the next request", async () => {
    const hub = newHub();
    await start(hub, "sleep/a", 20);
    await runInDurableObject(stubOf(hub), (_object, state) => state.storage.deleteAlarm());
    await crash(hub);
    await until(hub, "a", "Completed");
  });
});

describe("work in an object that is lost", () => {
  test("is taken up by the watchdog, without any request", async () => {
    const hub = newHub();
    await start(hub, "callSlow/lost-1");
    await vi.waitFor(() => expect(slowStarts.get("lost-1")).toBe(1), SOON);
    expect(await alarmOf(hub)).not.toBeNull();
    await crash(hub);
    await runDurableObjectAlarm(stubOf(hub));
    await vi.waitFor(() => expect(slowStarts.get("lost-1")).toBe(2), SOON);
    slowEnds.add("lost-1");
    expect((await until(hub, "lost-1", "Completed")).output).toBe("attempt 2");
  });

  test("is taken up by a request", async () => {
    const hub = newHub();
    await start(hub, "callSlow/lost-2");
    await vi.waitFor(() => expect(slowStarts.get("lost-2")).toBe(1), SOON);
    await crash(hub);
    expect((await statusOf(hub, "lost-2")).runtimeStatus).toBe("Running");
    await vi.waitFor(() => expect(slowStarts.get("lost-2")).toBe(2), SOON);
  });

  test("keeps its watchdog for as long as an activity runs, and no longer", async () => {
    const hub = newHub();
    await start(hub, "callSlow/lost-3");
    await vi.waitFor(() => expect(slowStarts.get("lost-3")).toBe(1), SOON);
    await runDurableObjectAlarm(stubOf(hub));
    expect(await alarmOf(hub)).not.toBeNull();
    slowEnds.add("lost-3");
    await until(hub, "lost-3", "Completed");
    await runDurableObjectAlarm(stubOf(hub));
    expect(await alarmOf(hub)).toBeNull();
    expect(slowStarts.get("lost-3")).toBe(1);
  });

  test("loses nothing that was acknowledged", async () => {
    const hub = newHub();
    for (let i = 0; i < 10; i++) {
      const started = await start(hub, `waitForGo/i${i}`, i);
      expect(await started.json()).toMatchObject({ id: `i${i}` });
      await evict(hub);
    }
    const listed = (await (await send(hub, "GET", "/instances")).json()) as { input: number }[];
    expect(listed.map(({ input }) => input).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const headers = { "Content-Type": "application/json" };
    await send(hub, "POST", "/instances/i3/raiseEvent/go", { body: '"on"', headers });
    await evict(hub);
    expect((await until(hub, "i3", "Completed")).output).toBe("on");
  });
});
