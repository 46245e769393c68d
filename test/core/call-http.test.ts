/** `callHttp`: requests and answers, the 202 pattern, redirects, retries, timeouts, and what each of them leaves in the history. */
import {
  type CancelableTask,
  type DurableHttpRequest,
  type DurableHttpResponse,
  defineActivity,
  defineEntity,
  defineOrchestrator,
  type Fetch,
  type FunctionDefinition,
  MemoryStore,
  type OrchestrationContext,
  whenAll,
  whenAny,
} from "holdfast";
import { replayHistory } from "holdfast/testing";
import { describe, expect, expectTypeOf, it } from "vitest";
import { type Answer, accepted, broken, empty, type FakeWeb, fakeWeb, silence, text } from "./fake-web.ts";
import { errorOf, eventsOf, failureOf, glance, keepingLogger, openHub, outputOf, run, stateOf } from "./running.ts";
import { inEveryShape } from "./shapes.ts";

const API = "https://api.example/v1/jobs";
const get: DurableHttpRequest = { method: "GET", url: API };

const ask = defineOrchestrator("ask", async (ctx: OrchestrationContext, request: DurableHttpRequest) =>
  ctx.callHttp(request),
);

/** A hub whose web gives these answers. */
async function hubWith(
  answers: Readonly<Record<string, Answer | readonly Answer[]>>,
  functions: readonly FunctionDefinition[] = [ask],
) {
  const times: number[] = [];
  const web: FakeWeb = fakeWeb(answers, () => times.push(hub.now.getTime() - start));
  const hub = await openHub(functions, { fetch: web.fetch });
  const start = hub.now.getTime();
  return { hub, web, times };
}

/** What one call comes to. */
async function answerTo(
  request: DurableHttpRequest,
  answers: Readonly<Record<string, Answer | readonly Answer[]>>,
  advance: number | { days: number } = 0,
) {
  const { hub, web, times } = await hubWith(answers);
  const answer = await outputOf(hub, ask, request, { advance });
  if (answer === undefined) throw new Error("There is no answer.");
  return { answer, web, times };
}

describe("callHttp", () => {
  it("gives status, headers in lower case, and content", async () => {
    const { answer } = await answerTo(get, {
      [API]: text("hello", 200, { "X-Request-Id": "7", "Content-Type": "text/x" }),
    });
    expect(answer).toEqual({
      statusCode: 200,
      headers: { "x-request-id": "7", "content-type": "text/x" },
      content: "hello",
    });
  });

  it("gives an empty content where there is none", async () => {
    expect((await answerTo(get, { [API]: empty(204) })).answer).toEqual({ statusCode: 204, headers: {}, content: "" });
  });

  it("joins several values of one header", async () => {
    const cookies: Answer = () => {
      const response = new Response("x");
      response.headers.append("set-cookie", "a=1");
      response.headers.append("set-cookie", "b=2");
      return response;
    };
    expect((await answerTo(get, { [API]: cookies })).answer.headers["set-cookie"]).toBe("a=1, b=2");
  });

  it("reads UTF-8 that is split between two chunks", async () => {
    const bytes = new TextEncoder().encode("grüße 🎈");
    const chunked: Answer = () =>
      new Response(
        new ReadableStream({
          start(controller) {
            for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
            controller.close();
          },
        }),
      );
    expect((await answerTo(get, { [API]: chunked })).answer.content).toBe("grüße 🎈");
  });

  it("takes a fetch whose answers have no stream", async () => {
    const fetch: Fetch = async () => ({ status: 200, headers: new Headers({ A: "b" }), text: async () => "plain" });
    const hub = await openHub([ask], { fetch });
    expect(await outputOf(hub, ask, get)).toEqual({ statusCode: 200, headers: { a: "b" }, content: "plain" });
  });

  it.for([400, 401, 404, 409, 418, 429, 500, 502, 503])("takes a status %i for an answer", async (status) => {
    const { answer, web } = await answerTo(
      { ...get, retry: { maxAttempts: 3, firstRetryInterval: 1_000 } },
      { [API]: text("no", status) },
      { days: 1 },
    );
    expect(answer).toMatchObject({ statusCode: status, content: "no" });
    expect(web.asked).toHaveLength(1);
  });

  it("upper-cases the method and leaves the fragment out", async () => {
    const { web } = await answerTo({ method: "delete", url: `${API}?a=1#part` }, { [`${API}?a=1`]: empty(204) });
    expect(web.lines()).toEqual([`DELETE ${API}?a=1`]);
  });

  const BODIES: readonly (readonly [string, unknown, string])[] = [
    ["an object", { a: [1, null, "x"] }, '{"a":[1,null,"x"]}'],
    ["an array", [1, 2], "[1,2]"],
    ["a number", 0, "0"],
    ["false", false, "false"],
    ["null", null, "null"],
    ["a date", new Date(0), '"1970-01-01T00:00:00.000Z"'],
    ["an object with an absent member", { a: undefined, b: 1 }, '{"b":1}'],
  ];
  it.for(BODIES)("sends %s as JSON", async ([, body, sent]) => {
    const { web } = await answerTo({ method: "POST", url: API, body }, { [API]: text("ok") });
    expect(web.asked[0]).toMatchObject({ body: sent, headers: { "content-type": "application/json" } });
  });

  it("sends a string as it is, without a content type of its own", async () => {
    const { web } = await answerTo({ method: "PUT", url: API, body: "a=1&b=2" }, { [API]: text("ok") });
    expect(web.asked[0]).toMatchObject({ body: "a=1&b=2", headers: {} });
  });

  it("sends an empty string as a body", async () => {
    const { web } = await answerTo({ method: "POST", url: API, body: "" }, { [API]: text("ok") });
    expect(web.asked[0]?.body).toBe("");
  });

  it("keeps a content type that is given", async () => {
    const request = { method: "POST", url: API, headers: { "Content-Type": "application/merge-patch+json" }, body: {} };
    const { web } = await answerTo(request, { [API]: text("ok") });
    expect(web.asked[0]?.headers).toEqual({ "content-type": "application/merge-patch+json" });
  });

  it("is typed", () => {
    defineOrchestrator("typed", function* (ctx: OrchestrationContext) {
      expectTypeOf(ctx.callHttp(get)).toEqualTypeOf<CancelableTask<DurableHttpResponse>>();
      // @ts-expect-error a request has an address
      ctx.callHttp({ method: "GET" });
      // @ts-expect-error headers are texts
      ctx.callHttp({ ...get, headers: { a: 1 } });
      const answer = yield* ctx.callHttp(get);
      expectTypeOf(answer.content).toEqualTypeOf<string>();
    });
    expectTypeOf(globalThis.fetch).toExtend<Fetch>();
  });
});

describe("a request that makes no sense", () => {
  const REFUSED: readonly (readonly [string, unknown])[] = [
    ["no request", undefined],
    ["null", null],
    ["no method", { url: API }],
    ["an empty method", { method: "", url: API }],
    ["a method with a space", { method: "GET /", url: API }],
    ["CONNECT", { method: "connect", url: API }],
    ["TRACE", { method: "TRACE", url: API }],
    ["no address", { method: "GET" }],
    ["a relative address", { method: "GET", url: "/v1/jobs" }],
    ["an address without a host", { method: "GET", url: "http://" }],
    ["an address with a space in its host", { method: "GET", url: "http://a b.example/" }],
    ["an ftp address", { method: "GET", url: "ftp://files.example/a" }],
    ["a file", { method: "GET", url: "file:///etc/passwd" }],
    ["a data address", { method: "GET", url: "data:text/plain,hello" }],
    ["a blob address", { method: "GET", url: "blob:https://a.example/1" }],
    ["a script", { method: "GET", url: "javascript:alert(1)" }],
    ["a GET with a body", { ...get, body: "x" }],
    ["a GET with an empty body", { ...get, body: "" }],
    ["a HEAD with a body", { method: "head", url: API, body: { a: 1 } }],
    ["a timeout of 0", { ...get, timeoutMs: 0 }],
    ["a negative timeout", { ...get, timeoutMs: -1 }],
    ["a timeout that is no number", { ...get, timeoutMs: "5000" }],
    ["an infinite timeout", { ...get, timeoutMs: Number.POSITIVE_INFINITY }],
    ["NaN as timeout", { ...get, timeoutMs: Number.NaN }],
    ["polling that is neither on nor off", { ...get, enablePolling: "yes" }],
    ["a retry of no attempts", { ...get, retry: { maxAttempts: 0, firstRetryInterval: 1 } }],
    ["headers that are a list", { ...get, headers: [["a", "b"]] }],
    ["a header name with a space", { ...get, headers: { "a b": "c" } }],
    ["a header with a line break", { ...get, headers: { a: "b\r\nc: d" } }],
    ["a header beyond Latin-1", { ...get, headers: { a: "✓" } }],
    ["a header that is a number", { ...get, headers: { a: 1 } }],
    ["a header twice", { ...get, headers: { Accept: "a", accept: "b" } }],
    ["the header Host", { ...get, headers: { Host: "inside.example" } }],
    ["the header Transfer-Encoding", { ...get, headers: { "Transfer-Encoding": "chunked" } }],
    ["a function as body", { method: "POST", url: API, body: () => 1 }],
    ["a symbol in a body", { method: "POST", url: API, body: { a: Symbol("a") } }],
    ["a bigint in a body", { method: "POST", url: API, body: { a: 1n } }],
    ["NaN in a body", { method: "POST", url: API, body: { a: Number.NaN } }],
    ["a Map as body", { method: "POST", url: API, body: new Map([["a", 1]]) }],
    ["bytes as body", { method: "POST", url: API, body: new Uint8Array(2) }],
    ["a promise as body", { method: "POST", url: API, body: Promise.resolve(1) }],
  ];

  it.for(REFUSED)("is refused at the call: %s", async ([, request]) => {
    const caller = defineOrchestrator("caller", function* (ctx: OrchestrationContext) {
      try {
        ctx.callHttp(request as DurableHttpRequest);
      } catch (error) {
        return [(error as Error).name, (error as Error & { code: string }).code];
      }
      yield ctx.createTimer(0);
      return "not refused";
    });
    const { hub, web } = await hubWith({}, [caller]);
    const state = await run(hub, caller);
    expect(state.output).toEqual(["InvalidArgumentError", "invalidArgument"]);
    expect(web.asked).toEqual([]);
    expect(eventsOf(await hub.getOrchestrationHistory(state.instanceId), "TaskScheduled")).toEqual([]);
  });

  it("is a circular body", async () => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    const caller = defineOrchestrator("caller", async (ctx: OrchestrationContext) =>
      ctx.callHttp({ method: "POST", url: API, body: circular }),
    );
    const { hub } = await hubWith({}, [caller]);
    expect(await failureOf(hub, caller)).toMatchObject({ errorType: "InvalidArgumentError" });
  });

  it("is a body too large to be kept", async () => {
    const caller = defineOrchestrator("caller", async (ctx: OrchestrationContext) =>
      ctx.callHttp({ method: "POST", url: API, body: "x".repeat(2_000) }),
    );
    const hub = await openHub([caller], { limits: { payloadBytesMax: 1_000 } });
    expect(await failureOf(hub, caller)).toMatchObject({ errorType: "PayloadError" });
  });
});

inEveryShape("polling", (define) => {
  const poll = define("poll", function* (ctx, request: DurableHttpRequest) {
    return yield* ctx.callHttp(request);
  });
  const post: DurableHttpRequest = { method: "POST", url: API, body: { n: 1 } };
  const STATUS = `${API}/7`;

  it("asks the Location again, after what Retry-After says, until the answer is no 202", async () => {
    const { hub, web, times } = await hubWith(
      {
        [API]: accepted(STATUS, "10"),
        [STATUS]: [accepted(STATUS, "20"), accepted(STATUS), text("done", 200, { a: "b" })],
      },
      [poll],
    );
    const answer = await outputOf(hub, poll, post, { advance: { hours: 1 } });
    expect(answer).toMatchObject({ statusCode: 200, content: "done" });
    expect(web.lines()).toEqual([`POST ${API}`, `GET ${STATUS}`, `GET ${STATUS}`, `GET ${STATUS}`]);
    expect(times).toEqual([0, 10_000, 30_000, 60_000]);
  });

  it("takes an error as the final answer too", async () => {
    const { hub } = await hubWith({ [API]: accepted(STATUS, "1"), [STATUS]: text("boom", 500) }, [poll]);
    expect(await outputOf(hub, poll, post, { advance: { hours: 1 } })).toMatchObject({
      statusCode: 500,
      content: "boom",
    });
  });

  it("leaves requests and timers in the history, each with an id of its own", async () => {
    const { hub } = await hubWith({ [API]: accepted(STATUS, "5"), [STATUS]: text("done") }, [poll]);
    const { instanceId } = await run(hub, poll, post, { advance: { minutes: 1 } });
    expect(glance(await hub.getOrchestrationHistory(instanceId))).toEqual([
      "OrchestratorStarted",
      "ExecutionStarted#0",
      "TaskScheduled#1",
      "OrchestratorStarted",
      "TaskCompleted",
      "TimerCreated#2",
      "OrchestratorStarted",
      "TimerFired",
      "TaskScheduled#3",
      "OrchestratorStarted",
      "TaskCompleted",
      "ExecutionCompleted#4",
    ]);
  });

  it("replays to the same", async () => {
    const logger = keepingLogger();
    const { hub } = await hubWith(
      { [API]: accepted(STATUS, "5"), [STATUS]: [accepted(STATUS), broken(), text("done")] },
      [poll],
    );
    const { instanceId } = await run(
      hub,
      poll,
      { ...post, retry: { maxAttempts: 2, firstRetryInterval: 3 } },
      { advance: { hours: 1 } },
    );
    await replayHistory(poll, await hub.getOrchestrationHistory(instanceId), { logger });
    expect(logger.messages()).toEqual([]);
  });

  it.for([
    ["before the first answer", 0],
    ["while it waits", 7_000],
    ["between two waits", 15_000],
  ] as const)("goes on after its hub was closed and opened again: %s", async ([, closesAtMs]) => {
    const store = new MemoryStore();
    const state = { isDown: closesAtMs === 0 };
    const first = fakeWeb({
      [API]: () => (state.isDown ? silence()() : accepted(STATUS, "10")()),
      [STATUS]: [accepted(STATUS, "10"), text("done")],
    });
    const before = await openHub([poll], { store, fetch: first.fetch });
    const id = await before.scheduleNewOrchestration(poll, post);
    await before.advance(closesAtMs);
    const closedAt = before.now;
    await before.close();
    state.isDown = false;
    const after = await openHub([poll], { store, fetch: first.fetch, startAt: closedAt });
    await after.advance({ minutes: 1 });
    expect(await stateOf(after, id)).toMatchObject({ runtimeStatus: "Completed", output: { content: "done" } });
    const asked = first.lines();
    expect(asked).toEqual([
      ...(closesAtMs === 0 ? [`POST ${API}`] : []),
      `POST ${API}`,
      `GET ${STATUS}`,
      `GET ${STATUS}`,
    ]);
  });

  it("stands the determinism check", async () => {
    const web = fakeWeb({ [API]: accepted(STATUS, "5"), [STATUS]: text("done") });
    const hub = await openHub([poll], { fetch: web.fetch, checkDeterminism: true });
    expect(await outputOf(hub, poll, post, { advance: { minutes: 1 } })).toMatchObject({ content: "done" });
    expect(web.asked).toHaveLength(2);
  });

  it("runs beside other tasks, in any order", async () => {
    const wait = defineActivity("wait", () => "waited");
    const both = define("both", function* (ctx) {
      const slow = ctx.callHttp(post);
      const quick = ctx.callHttp({ method: "GET", url: "https://quick.example/" });
      const first = yield* whenAny([slow, quick, ctx.createTimer({ seconds: 3 })]);
      const [a, b, c] = yield* whenAll([slow, quick, ctx.callActivity(wait)]);
      return [first.index, a.content, b.content, c];
    });
    const { hub } = await hubWith(
      { [API]: accepted(STATUS, "5"), [STATUS]: text("slow"), "https://quick.example/": text("quick") },
      [both, wait],
    );
    expect(await outputOf(hub, both, undefined, { advance: { minutes: 1 } })).toEqual([1, "slow", "quick", "waited"]);
  });

  it("can be given up: what it waits for is withdrawn", async () => {
    const patient = define("patient", function* (ctx) {
      const call = ctx.callHttp(post);
      const limit = ctx.createTimer({ minutes: 1 });
      const { index } = yield* whenAny([call, limit]);
      call.cancel();
      yield ctx.createTimer({ hours: 2 });
      return [index, call.isCanceled, call.error?.message];
    });
    const { hub, web } = await hubWith({ [API]: accepted(STATUS, "3600") }, [patient]);
    const state = await run(hub, patient, undefined, { advance: { days: 1 } });
    expect(state.output).toEqual([1, true, `The HTTP call GET ${STATUS} was cancelled by the orchestrator.`]);
    expect(web.asked).toHaveLength(1);
    expect(eventsOf(await hub.getOrchestrationHistory(state.instanceId), "TimerFired")).toHaveLength(2);
  });

  it("is permitted inside a critical section", async () => {
    const account = defineEntity("account", { initialState: () => 0, operations: { get: (ctx) => ctx.state } });
    const locked = define("locked", function* (ctx) {
      const lock = yield* ctx.lockEntities({ name: "account", key: "a" });
      const { content } = yield* ctx.callHttp(post);
      lock.release();
      return content;
    });
    const { hub } = await hubWith({ [API]: accepted(STATUS, "5"), [STATUS]: text("done") }, [locked, account]);
    expect(await outputOf(hub, locked, undefined, { advance: { minutes: 1 } })).toBe("done");
  });
});

describe("a 202", () => {
  const STATUS = "https://api.example/v1/status?id=7";

  it.for([
    ["relative to the root", "/v1/status?id=7"],
    ["relative to the address", "status?id=7"],
    ["without a scheme", "//api.example/v1/status?id=7"],
    ["absolute", STATUS],
    ["with a fragment", `${STATUS}#now`],
  ] as const)("is followed to a Location %s", async ([, location]) => {
    const { answer } = await answerTo(get, { [API]: accepted(location), [STATUS]: text("done") }, { days: 1 });
    expect(answer.content).toBe("done");
  });

  it("has its Location resolved against the address that answered, after redirects", async () => {
    const { web } = await answerTo(
      get,
      {
        [API]: empty(307, { location: "https://eu.example/a/b" }),
        "https://eu.example/a/b": accepted("c"),
        "https://eu.example/a/c": text("done"),
      },
      { days: 1 },
    );
    expect(web.lines().at(-1)).toBe("GET https://eu.example/a/c");
  });

  it.for([
    ["has no Location", {}],
    ["has an empty Location", { location: "" }],
    ["has a Location that is no address", { location: "http://[" }],
    ["has a Location of another scheme", { location: "ftp://files.example/7" }],
    ["has a script as Location", { location: "javascript:alert(1)" }],
  ] as const)("is the answer when it %s", async ([, headers]) => {
    const { answer, web } = await answerTo(get, { [API]: empty(202, headers) }, { days: 1 });
    expect(answer).toEqual({ statusCode: 202, headers, content: "" });
    expect(web.asked).toHaveLength(1);
  });

  it("is the answer when polling is off", async () => {
    const { answer, times } = await answerTo(
      { ...get, enablePolling: false },
      { [API]: accepted(STATUS) },
      { days: 1 },
    );
    expect(answer.statusCode).toBe(202);
    expect(times).toEqual([0]);
  });

  it("is followed only when it is a 202", async () => {
    const { answer } = await answerTo(get, { [API]: text("made", 201, { location: STATUS }) }, { days: 1 });
    expect(answer).toMatchObject({ statusCode: 201, content: "made" });
  });

  const AT = "2026-01-01T00:00:00Z";
  const RETRY_AFTER: readonly (readonly [string, string | undefined, number])[] = [
    ["no Retry-After", undefined, 30_000],
    ["seconds", "7", 7_000],
    ["seconds with spaces around", "  7  ", 7_000],
    ["0 seconds", "0", 0],
    ["many seconds", "86400", 86_400_000],
    ["an HTTP date", "Thu, 01 Jan 2026 00:00:42 GMT", 42_000],
    ["an HTTP date as of RFC 850", "Thursday, 01-Jan-26 00:00:42 GMT", 42_000],
    ["an HTTP date as C writes it", "Thu Jan  1 00:00:42 2026", 42_000],
    ["an HTTP date that is past", "Wed, 31 Dec 2025 00:00:00 GMT", 0],
    ["an old HTTP date of two digits", "Sunday, 06-Nov-94 08:49:37 GMT", 0],
    ["a negative number", "-5", 30_000],
    ["a fraction", "1.5", 30_000],
    ["words", "soon", 30_000],
    ["nothing", "", 30_000],
    ["two values", "5, 6", 30_000],
    ["a number with a unit", "5s", 30_000],
    ["a number beyond all dates", "9".repeat(40), 30_000],
    ["a number beyond the last date", "8640000000000", 30_000],
    ["a date that does not exist", "Mon, 31 Feb 2026 00:00:00 GMT", 30_000],
    ["an hour that does not exist", "Thu, 01 Jan 2026 25:00:00 GMT", 30_000],
    ["a month that does not exist", "Thu, 01 Foo 2026 00:00:00 GMT", 30_000],
    ["an ISO date", "2026-01-01T00:10:00Z", 30_000],
    ["a date in another zone", "Thu, 01 Jan 2026 00:00:42 PST", 30_000],
  ];
  it.for(RETRY_AFTER)("with %s is asked again in time", async ([, retryAfter, delayMs]) => {
    const { times } = await answerTo(get, { [API]: accepted(STATUS, retryAfter), [STATUS]: text("done") }, { days: 2 });
    expect(times).toEqual([0, delayMs]);
  });

  it("with a date between two seconds is asked again after whole ones, rounded up", async () => {
    const web = fakeWeb({ [API]: accepted(STATUS, "Thu, 01 Jan 2026 00:00:42 GMT"), [STATUS]: text("done") }, () =>
      times.push(hub.now.toISOString()),
    );
    const times: string[] = [];
    const hub = await openHub([ask], { fetch: web.fetch, startAt: new Date(Date.parse(AT) + 400) });
    await outputOf(hub, ask, get, { advance: { hours: 1 } });
    expect(times).toEqual(["2026-01-01T00:00:00.400Z", "2026-01-01T00:00:42.400Z"]);
  });
});

describe("credentials", () => {
  const secret = {
    Authorization: "Bearer t",
    Cookie: "s=1",
    "Proxy-Authorization": "Basic p",
    "X-Functions-Key": "k",
    "X-Trace": "7",
    "Content-Type": "text/plain",
  };
  const all = ["authorization", "content-type", "cookie", "proxy-authorization", "x-functions-key", "x-trace"];
  const post: DurableHttpRequest = { method: "POST", url: API, headers: secret, body: "b" };

  /** Names of the headers, and the bodies, of every request. */
  async function sent(request: DurableHttpRequest, answers: Readonly<Record<string, Answer | readonly Answer[]>>) {
    const { web } = await answerTo(request, answers, { days: 1 });
    return web.asked.map(({ headers, body }) => [Object.keys(headers).sort(), body]);
  }

  it("go with a poll of the same origin, without the function key, the body and its headers", async () => {
    expect(await sent(post, { [API]: accepted("/s"), "https://api.example/s": text("done") })).toEqual([
      [all, "b"],
      [["authorization", "cookie", "proxy-authorization", "x-trace"], undefined],
    ]);
  });

  it.for([
    ["another host", "https://other.example/s"],
    ["a subdomain", "https://eu.api.example/s"],
    ["another port", "https://api.example:8443/s"],
    ["another scheme", "http://api.example/s"],
  ] as const)("stay at home when a poll goes to %s", async ([, location]) => {
    expect(await sent(post, { [API]: accepted(location), [location]: text("done") })).toEqual([
      [all, "b"],
      [["x-trace"], undefined],
    ]);
  });

  it("come back with a poll that comes back to the origin of the call", async () => {
    const answers = {
      [API]: accepted("https://other.example/s"),
      "https://other.example/s": accepted(`${API}/7`),
      [`${API}/7`]: text("done"),
    };
    expect((await sent(post, answers)).at(-1)).toEqual([
      ["authorization", "cookie", "proxy-authorization", "x-trace"],
      undefined,
    ]);
  });

  it("are judged by the address that was called, not by the one it redirected to", async () => {
    const answers = {
      [API]: empty(307, { location: "https://other.example/a" }),
      "https://other.example/a": accepted("/s"),
      "https://other.example/s": text("done"),
    };
    expect((await sent(post, answers)).at(-1)).toEqual([["x-trace"], undefined]);
  });

  it("go with a redirect within the origin, without the function key", async () => {
    expect(await sent(post, { [API]: empty(308, { location: "/b" }), "https://api.example/b": text("x") })).toEqual([
      [all, "b"],
      [all.filter((name) => name !== "x-functions-key"), "b"],
    ]);
  });

  it("stay at home when a redirect leaves the origin, also when it comes back", async () => {
    const answers = {
      [API]: empty(307, { location: "https://other.example/a" }),
      "https://other.example/a": empty(307, { location: `${API}/b` }),
      [`${API}/b`]: text("x"),
    };
    expect((await sent(post, answers)).slice(1)).toEqual([
      [["content-type", "x-trace"], "b"],
      [["content-type", "x-trace"], "b"],
    ]);
  });
});

describe("a redirect", () => {
  const NEXT = "https://api.example/next";

  const METHODS: readonly (readonly [number, string, string])[] = [
    [301, "GET", "GET"],
    [301, "POST", "GET"],
    [301, "PUT", "PUT"],
    [302, "POST", "GET"],
    [302, "HEAD", "HEAD"],
    [302, "PATCH", "PATCH"],
    [303, "POST", "GET"],
    [303, "PUT", "GET"],
    [303, "DELETE", "GET"],
    [303, "HEAD", "HEAD"],
    [307, "POST", "POST"],
    [307, "GET", "GET"],
    [308, "PUT", "PUT"],
  ];
  it.for(METHODS)("%i turns %s into %s", async ([status, method, next]) => {
    const hasBody = method !== "GET" && method !== "HEAD";
    const request = { method, url: API, ...(hasBody && { body: { a: 1 } }) };
    const { web } = await answerTo(request, { [API]: empty(status, { location: "/next" }), [NEXT]: text("x") });
    expect(web.asked[1]).toMatchObject({ method: next, url: NEXT });
    const keepsBody = hasBody && next === method;
    expect(web.asked[1]?.body).toBe(keepsBody ? '{"a":1}' : undefined);
    expect(web.asked[1]?.headers["content-type"]).toBe(keepsBody ? "application/json" : undefined);
  });

  it.for([300, 304, 305, 306])("is not made of a %i", async (status) => {
    const { answer, web } = await answerTo(get, { [API]: empty(status, { location: "/next" }) });
    expect(answer.statusCode).toBe(status);
    expect(web.asked).toHaveLength(1);
  });

  it("without a Location, or with one that is no address, is the answer", async () => {
    expect((await answerTo(get, { [API]: empty(302) })).answer.statusCode).toBe(302);
    expect((await answerTo(get, { [API]: empty(302, { location: "http://[" }) })).answer.statusCode).toBe(302);
  });

  it("may follow ten others", async () => {
    const hops = Object.fromEntries(
      Array.from({ length: 10 }, (_, n) => [`${API}/${n}`, empty(302, { location: `${API}/${n + 1}` })]),
    );
    const { answer, web } = await answerTo(
      { method: "GET", url: `${API}/0` },
      { ...hops, [`${API}/10`]: text("there") },
    );
    expect(answer.content).toBe("there");
    expect(web.asked).toHaveLength(11);
  });

  it("that goes round in circles fails the task", async () => {
    const { hub, web } = await hubWith({ [API]: empty(302, { location: API }) });
    const failure = await failureOf(hub, ask, get);
    expect(failure.innerFailure).toMatchObject({
      errorType: "HttpRequestError",
      errorMessage: `GET ${API} was redirected more than 10 times; the last address was ${API}.`,
    });
    expect(web.asked).toHaveLength(11);
  });

  it("that the platform hides is refused: nobody could check where it leads", async () => {
    const hidden: Fetch = async () => ({
      status: 0,
      type: "opaqueredirect",
      headers: new Headers(),
      text: async () => "",
    });
    const hub = await openHub([ask], { fetch: hidden });
    expect((await failureOf(hub, ask, get)).innerFailure).toMatchObject({
      errorType: "EgressDeniedError",
      isNonRetriable: true,
    });
  });

  it("is asked of fetch not to be followed", async () => {
    const asked: string[] = [];
    const web = fakeWeb({ [API]: text("x") }, (_asked, { redirect }) => asked.push(redirect));
    const hub = await openHub([ask], { fetch: web.fetch });
    await outputOf(hub, ask, get);
    expect(asked).toEqual(["manual"]);
  });

  it("that fetch follows all the same is judged by where it led", async () => {
    const follows =
      (url: string): Fetch =>
      async () => ({
        status: 202,
        redirected: true,
        url,
        headers: new Headers({ location: "s" }),
        text: async () => "",
      });
    const inside = await openHub([ask], { fetch: follows("http://10.0.0.7/") });
    expect((await failureOf(inside, ask, get)).innerFailure?.errorType).toBe("EgressDeniedError");
    const outside = await openHub([ask], { fetch: follows("https://eu.example/a/b") });
    const { instanceId } = await run(outside, ask, get);
    const [completed] = eventsOf(await outside.getOrchestrationHistory(instanceId), "TaskCompleted");
    expect(completed?.result).toContain('"url":"https://eu.example/a/s"');
  });
});

inEveryShape("a request that fails", (define) => {
  const attempt = define("attempt", function* (ctx, request: DurableHttpRequest) {
    return yield* ctx.callHttp({
      ...request,
      ...((request.retry as unknown) === "handler" && {
        retry: ({ lastAttemptNumber, lastFailure }) =>
          lastFailure.errorType === "HttpRequestError" && lastAttemptNumber < 3 && { seconds: lastAttemptNumber },
      }),
    });
  });

  async function attempts(request: DurableHttpRequest, answers: Readonly<Record<string, Answer | readonly Answer[]>>) {
    const { hub, web, times } = await hubWith(answers, [attempt]);
    const state = await run(hub, attempt, request, { advance: { days: 1 } });
    return { state, web, times };
  }

  it("fails the task, with the reason", async () => {
    const { state, times } = await attempts({ method: "GET", url: `${API}?token=t` }, {});
    expect(state.failure).toMatchObject({
      errorType: "TaskFailedError",
      innerFailure: {
        errorType: "HttpRequestError",
        properties: { code: "httpRequest" },
        innerFailure: { errorType: "TypeError", errorMessage: "fetch failed" },
      },
    });
    expect(state.failure?.errorMessage).toMatch(
      /^The HTTP call GET https:\/\/api\.example\/v1\/jobs failed: GET https:\/\/api\.example\/v1\/jobs failed: fetch failed: getaddrinfo ENOTFOUND/,
    );
    expect(times).toEqual([0]);
  });

  it("is tried again by a policy", async () => {
    const { state, times } = await attempts(
      { ...get, retry: { maxAttempts: 4, firstRetryInterval: 1_000, backoffCoefficient: 2 } },
      { [API]: [broken(), broken(), text("at last")] },
    );
    expect(state).toMatchObject({ runtimeStatus: "Completed", output: { content: "at last" } });
    expect(times).toEqual([0, 1_000, 3_000]);
  });

  it("is tried again by a handler", async () => {
    const { state, times } = await attempts({ ...get, retry: "handler" as never }, { [API]: broken() });
    expect(state).toMatchObject({
      runtimeStatus: "Failed",
      failure: { innerFailure: { errorType: "HttpRequestError" } },
    });
    expect(times).toEqual([0, 1_000, 3_000]);
  });

  it("counts its attempts anew for every request of a poll", async () => {
    const { state, times } = await attempts(
      { ...get, retry: { maxAttempts: 2, firstRetryInterval: 1_000 } },
      { [API]: [broken(), accepted("/s", "10")], "https://api.example/s": [broken(), text("done")] },
    );
    expect(state.output).toMatchObject({ content: "done" });
    expect(times).toEqual([0, 1_000, 11_000, 12_000]);
  });

  it("is one whose answer breaks off", async () => {
    const breaksOff: Answer = () =>
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(new Uint8Array(3)),
          pull: (controller) => controller.error(new TypeError("terminated")),
        }),
      );
    const { state } = await attempts(
      { ...get, retry: { maxAttempts: 2, firstRetryInterval: 1_000 } },
      { [API]: [breaksOff, text("whole")] },
    );
    expect(state.output).toMatchObject({ content: "whole" });
  });

  it("is one that is not answered in time", async () => {
    const { state, times } = await attempts({ ...get, timeoutMs: 5_000 }, { [API]: silence() });
    expect(state.failure?.innerFailure).toMatchObject({ errorType: "TimeoutError", properties: { code: "timeout" } });
    expect(times).toEqual([0]);
  });

  it("is tried again after a timeout too", async () => {
    const { state, times } = await attempts(
      { ...get, timeoutMs: 5_000, retry: { maxAttempts: 3, firstRetryInterval: 1_000 } },
      { [API]: [silence(), silence(), text("at last")] },
    );
    expect(state.output).toMatchObject({ content: "at last" });
    expect(times).toEqual([0, 6_000, 12_000]);
  });
});

describe("a rewind", () => {
  it("makes the request that failed once more, and no other", async () => {
    const { hub, web } = await hubWith({
      [API]: accepted("/s", "10"),
      "https://api.example/s": [broken(), accepted("/s", "10"), text("done")],
    });
    const failed = await run(hub, ask, get, { advance: { minutes: 1 } });
    expect(failed.runtimeStatus).toBe("Failed");
    await hub.rewindOrchestration(failed.instanceId);
    await hub.advance({ minutes: 1 });
    expect(await stateOf(hub, failed.instanceId)).toMatchObject({
      runtimeStatus: "Completed",
      output: { content: "done" },
    });
    expect(web.lines().filter((line) => line === `GET ${API}`)).toHaveLength(1);
    expect(web.asked).toHaveLength(4);
  });
});

describe("the time of a request", () => {
  it("is five minutes unless it is given", async () => {
    const { hub } = await hubWith({ [API]: silence() });
    const id = await hub.scheduleNewOrchestration(ask, get);
    await hub.advance({ minutes: 4, seconds: 59 });
    expect((await stateOf(hub, id)).runtimeStatus).toBe("Running");
    await hub.advance({ seconds: 1 });
    expect((await stateOf(hub, id)).failure?.innerFailure?.errorType).toBe("TimeoutError");
  });

  it("counts for each request of a poll, not for the waits between", async () => {
    const { hub } = await hubWith({ [API]: accepted("/s", "3600"), "https://api.example/s": text("done") });
    expect(await outputOf(hub, ask, { ...get, timeoutMs: 1_000 }, { advance: { days: 1 } })).toMatchObject({
      content: "done",
    });
  });

  it("includes its redirects", async () => {
    const { hub } = await hubWith({ [API]: empty(302, { location: "/b" }), "https://api.example/b": silence() });
    const failure = await failureOf(hub, ask, { ...get, timeoutMs: 1_000 }, { advance: { days: 1 } });
    expect(failure.innerFailure?.errorType).toBe("TimeoutError");
  });

  it("ends the request: fetch is told through its signal", async () => {
    const reasons: unknown[] = [];
    const web = fakeWeb({ [API]: silence() }, (_asked, { signal }) =>
      signal.addEventListener("abort", () => reasons.push((signal.reason as Error).name)),
    );
    const hub = await openHub([ask], { fetch: web.fetch });
    await run(hub, ask, { ...get, timeoutMs: 1_000 }, { advance: { days: 1 } });
    expect(reasons).toEqual(["TimeoutError"]);
  });

  it("ends with the orchestration", async () => {
    const aborted: string[] = [];
    const web = fakeWeb({ [API]: silence() }, ({ url }, { signal }) =>
      signal.addEventListener("abort", () => aborted.push(url)),
    );
    const hub = await openHub([ask], { fetch: web.fetch });
    const id = await hub.scheduleNewOrchestration(ask, get);
    await hub.advance(0);
    await hub.terminateOrchestration(id);
    await hub.advance(0);
    expect(aborted).toEqual([API]);
  });
});

describe("an answer that is too large", () => {
  const retry = { maxAttempts: 3, firstRetryInterval: 1_000 };

  it("fails the task without being read to its end, and is not asked for again", async () => {
    let chunks = 0;
    const endless: Answer = () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            chunks++;
            controller.enqueue(new Uint8Array(1_024));
          },
        }),
      );
    const web = fakeWeb({ [API]: endless });
    const hub = await openHub([ask], { fetch: web.fetch, limits: { payloadBytesMax: 10_000 } });
    const failure = await failureOf(hub, ask, { ...get, retry }, { advance: { days: 1 } });
    expect(failure.innerFailure).toMatchObject({ errorType: "PayloadError", isNonRetriable: true });
    expect(failure.innerFailure?.errorMessage).toContain("more than the 10000 bytes allowed here");
    expect(web.asked).toHaveLength(1);
    expect(chunks).toBeLessThan(20);
  });

  it("is measured too where it comes as a text", async () => {
    const fetch: Fetch = async () => ({ status: 200, headers: new Headers(), text: async () => "x".repeat(10_001) });
    const hub = await openHub([ask], { fetch, limits: { payloadBytesMax: 10_000 } });
    expect((await failureOf(hub, ask, get)).innerFailure?.errorType).toBe("PayloadError");
  });
});

describe("the activity behind callHttp", () => {
  it("has a name that no activity of the user may take", async () => {
    const taken = defineActivity("BuiltIn::HttpRequest", () => 1);
    expect((await errorOf(() => openHub([taken]))).name).toBe("InvalidArgumentError");
  });

  it("waits while there is no network", async () => {
    const { hub, web } = await hubWith({ [API]: text("x") });
    hub.setOnline(false);
    const id = await hub.scheduleNewOrchestration(ask, get);
    await hub.advance({ days: 1 });
    expect(web.asked).toEqual([]);
    hub.setOnline(true);
    await hub.advance(0);
    expect((await stateOf(hub, id)).runtimeStatus).toBe("Completed");
  });

  it("takes nothing but a function for its fetch", async () => {
    const fetch = "https://api.example" as unknown as Fetch;
    expect((await errorOf(() => openHub([ask], { fetch }))).name).toBe("InvalidArgumentError");
  });

  it("has no orchestrator beside it that could be started", async () => {
    const { hub } = await hubWith({});
    for (const name of ["BuiltIn::HttpRequest", "BuiltIn::HttpPoll", "BuiltIn__HttpPollOrchestrator"]) {
      expect((await errorOf(() => hub.scheduleNewOrchestration(name, get))).name).toBe("FunctionNotRegisteredError");
    }
  });
});
