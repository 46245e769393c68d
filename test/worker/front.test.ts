/** The front: who is let in, which hub is asked, and what every answer carries. The object behind it is a stand-in. */
import { describe, expect, test } from "vitest";
import { InvalidArgumentError } from "../../core/errors.ts";
import { createCodec, defaultCodec, defineActivity } from "../../core/index.ts";
import { silentLogger } from "../../core/logger.ts";
import { createFront } from "../../worker/front.ts";
import { defineTaskHubWorker, type TaskHubWorkerOptions } from "../../worker/index.ts";
import { settingsOf } from "../../worker/options.ts";

const BASE = "/runtime/webhooks/durabletask";

/** A worker whose objects answer with what reached them. */
function worker(options: Partial<TaskHubWorkerOptions<object>> = {}) {
  const reached: string[] = [];
  const front = createFront(settingsOf<object>({ functions: [], logger: silentLogger, ...options }));
  const env = {
    TASK_HUBS: {
      getByName: (name: string) => ({
        fetch: async (request: Request) => {
          reached.push(name);
          return Response.json({ method: request.method, url: request.url, body: await request.text() });
        },
      }),
    },
  };
  const fetch = (url: string, init: RequestInit = {}, more: object = {}) =>
    Promise.resolve(front.fetch(new Request(url, init), { ...env, ...more }));
  return { fetch, reached };
}

async function codeOf(response: Response): Promise<string> {
  return ((await response.json()) as { error: { code: string } }).error.code;
}

describe("with a key", () => {
  const KEY = "s3cret/+= key";
  const instances = `https://hubs.example${BASE}/instances`;
  const code = encodeURIComponent(KEY);
  const bearer = (token: string) => ({ headers: { Authorization: token } });

  test.for([
    ["the right code", `${instances}?code=${code}`, {}],
    ["the right code beside a wrong token", `${instances}?code=${code}`, bearer("Bearer wrong")],
  ] as const)("%s is let in", async ([, url, init]) => {
    const { fetch, reached } = worker({ key: KEY });
    expect([(await fetch(url, init)).status, reached]).toEqual([200, ["default"]]);
  });

  test.for(["Bearer token-1", "bearer token-1", "BEARER  token-1 "])("the right token is let in: %s", async (token) => {
    const { fetch } = worker({ key: "token-1" });
    expect((await fetch(instances, bearer(token))).status).toBe(200);
    expect((await fetch(`${instances}?code=wrong`, bearer(token))).status).toBe(200);
  });

  test.for([
    ["no key", instances, {}],
    ["an empty code", `${instances}?code=`, {}],
    ["a wrong code", `${instances}?code=wrong`, {}],
    ["the beginning of the key", `${instances}?code=s3cret`, {}],
    ["the key in other letters", `${instances}?code=${code.toUpperCase()}`, {}],
    ["the key and more", `${instances}?code=${code}x`, {}],
    ["a second code that is right", `${instances}?code=wrong&code=${code}`, {}],
    ["the code under another name", `${instances}?key=${code}`, {}],
    ["the code in the fragment", `${instances}#code=${code}`, {}],
    ["a wrong token", instances, bearer("Bearer wrong")],
    ["an empty token", instances, bearer("Bearer ")],
    ["the bare key as authorization", instances, bearer("token-1")],
    ["another scheme", instances, bearer("Basic token-1")],
    ["two tokens", instances, bearer("Bearer token-1 token-1")],
    ["a cookie", instances, { headers: { Cookie: "code=token-1" } }],
    ["a local host", `http://localhost${BASE}/instances`, {}],
    ["an unknown path", `https://hubs.example${BASE}/nothing`, {}],
    ["a path outside the API", "https://hubs.example/", {}],
    ["a wrong method", instances, { method: "PUT" }],
    ["a bad hub name", `${instances}?taskHub=a%20b`, {}],
    ["a huge body", instances, { method: "POST", headers: { "Content-Length": "99999999" } }],
  ] as const)("%s is 401, before anything else", async ([, url, init]) => {
    for (const key of [KEY, "token-1"]) {
      if (key === "token-1" && url.includes("code=s3cret")) continue;
      const { fetch, reached } = worker({ key });
      const response = await fetch(url, init);
      expect([response.status, response.headers.get("WWW-Authenticate"), reached]).toEqual([401, "Bearer", []]);
      expect(await codeOf(response)).toBe("unauthorized");
    }
  });

  test("the key can come from the environment", async () => {
    const { fetch } = worker();
    const bound = { TASK_HUB_KEY: "k" };
    expect((await fetch(instances, {}, bound)).status).toBe(401);
    expect((await fetch(`${instances}?code=k`, {}, bound)).status).toBe(200);
    const own = worker({ key: (env) => (env as { MINE: string }).MINE });
    expect((await own.fetch(`${instances}?code=k`, {}, { MINE: "m", ...bound })).status).toBe(401);
    expect((await own.fetch(`${instances}?code=m`, {}, { MINE: "m", ...bound })).status).toBe(200);
  });
});

describe("without a key", () => {
  test.for([
    "http://localhost",
    "http://localhost:8787",
    "http://LOCALHOST",
    "http://127.0.0.1:8787",
    "http://127.1.2.3",
    "http://[::1]:8787",
    "http://hubs.localhost",
  ])("%s is served", async (origin) => {
    const { fetch, reached } = worker();
    expect([(await fetch(`${origin}${BASE}/instances`)).status, reached]).toEqual([200, ["default"]]);
  });

  test.for([
    "https://hubs.example",
    "http://10.0.0.1",
    "http://192.168.1.1",
    "http://0.0.0.0",
    "http://localhost.example",
    "http://127.0.0.1.example",
    "http://notlocalhost",
    "http://[::2]",
  ])("%s is 403", async (origin) => {
    const { fetch, reached } = worker();
    for (const path of ["/instances", "/nothing", "/instances?taskHub=a%20b", "/instances?code=k"]) {
      const response = await fetch(`${origin}${BASE}${path}`);
      expect([response.status, await codeOf(response), reached]).toEqual([403, "keyNotConfigured", []]);
    }
  });

  test("a Host header that is not local is refused, whatever the address", async () => {
    const { fetch } = worker();
    const ask = (Host: string) => fetch(`http://localhost${BASE}/instances`, { headers: { Host } });
    expect((await ask("hubs.example")).status).toBe(403);
    expect((await ask("localhost:8787")).status).toBe(200);
  });

  test("pages of other origins are refused, unless they are listed", async () => {
    const ask = async (Origin: string, options = {}) =>
      (await worker(options).fetch(`http://localhost${BASE}/instances`, { headers: { Origin } })).status;
    expect(await ask("https://evil.example")).toBe(403);
    expect(await ask("null")).toBe(403);
    expect(await ask("http://localhost:5173")).toBe(200);
    expect(await ask("https://app.example", { corsOrigins: ["https://app.example"] })).toBe(200);
    expect(await ask("https://evil.example", { corsOrigins: ["https://app.example"] })).toBe(403);
  });

  test("an empty key in the environment is no key", async () => {
    const { fetch } = worker();
    expect((await fetch(`http://localhost${BASE}/instances`, {}, { TASK_HUB_KEY: "" })).status).toBe(200);
    expect((await fetch(`https://hubs.example${BASE}/instances?code=`, {}, { TASK_HUB_KEY: "" })).status).toBe(403);
  });

  test("the log says so, once for each worker", async () => {
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
    const { fetch } = worker({ logger });
    await fetch(`http://localhost${BASE}/instances`);
    await fetch(`https://hubs.example${BASE}/instances`);
    expect(warnings).toEqual([expect.stringMatching(/NO KEY IS CONFIGURED.*TASK_HUB_KEY/)]);
  });
});

describe("the hub", () => {
  test.for([
    ["", "default"],
    ["?taskHub=default", "default"],
    ["?taskHub=Orders_2-b", "Orders_2-b"],
    [`?taskHub=${"x".repeat(64)}`, "x".repeat(64)],
    ["?taskHub=constructor", "constructor"],
  ])("of a request with %s is %s", async ([query, name]) => {
    const { fetch, reached } = worker();
    expect([(await fetch(`http://localhost${BASE}/instances${query}`)).status, reached]).toEqual([200, [name]]);
  });

  test.for(["", "a%20b", "a.b", "a/b", "..", "caf%C3%A9", "a%00", "%0A", "x".repeat(65), "a,b", "@a", "%F0%9F%99%82"])(
    "cannot be named '%s'",
    async (name) => {
      const { fetch, reached } = worker();
      for (const path of ["/instances", "/instances/a", "/nothing"]) {
        const response = await fetch(`http://localhost${BASE}${path}?taskHub=${name}`);
        expect([response.status, await codeOf(response), reached]).toEqual([400, "invalidTaskHubName", []]);
      }
    },
  );
});

describe("a request", () => {
  test("reaches the object as it came", async () => {
    const { fetch } = worker();
    const url = `http://localhost${BASE}/orchestrators/a%2520b/c?taskHub=x&timeout=1`;
    const response = await fetch(url, { method: "POST", body: "[1]" });
    expect(await response.json()).toEqual({ method: "POST", url, body: "[1]" });
  });

  test("with a body that says it is too large is 413", async () => {
    const { fetch, reached } = worker({ limits: { payloadBytesMax: 100 } });
    const response = await fetch(`http://localhost${BASE}/orchestrators/a`, {
      method: "POST",
      body: "x",
      headers: { "Content-Length": "101" },
    });
    expect([response.status, await codeOf(response), reached]).toEqual([413, "bodyTooLarge", []]);
  });

  test("to a path outside the API is 404", async () => {
    const { fetch, reached } = worker();
    for (const path of ["/", "/instances", "/runtime/webhooks/durabletasks", "/runtime/webhooks"]) {
      const response = await fetch(`http://localhost${path}`);
      expect([response.status, await codeOf(response), reached]).toEqual([404, "routeNotFound", []]);
    }
  });

  test("without the binding is 500, and the log says what to bind", async () => {
    const logged: unknown[] = [];
    const { fetch } = worker({ logger: { ...silentLogger, error: (...entry: unknown[]) => void logged.push(entry) } });
    const response = await fetch(`http://localhost${BASE}/instances`, {}, { TASK_HUBS: undefined });
    expect([response.status, await codeOf(response)]).toEqual([500, "internal"]);
    expect(JSON.stringify(logged)).toContain("Bind the class TaskHubObject as TASK_HUBS");
  });
});

describe("every answer", () => {
  const requests: [what: string, url: string, init?: RequestInit][] = [
    ["of the object", `http://localhost${BASE}/instances`],
    ["to a refused caller", `https://hubs.example${BASE}/instances`],
    ["to a bad hub name", `http://localhost${BASE}/instances?taskHub=.`],
    ["to an unknown path", "http://localhost/nothing"],
  ];
  test.for(requests)("%s is neither stored, framed nor sniffed", async ([, url, init]) => {
    const { headers } = await worker().fetch(url, init);
    expect(headers.get("Cache-Control")).toBe("no-store");
    expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
    expect(headers.get("X-Frame-Options")).toBe("SAMEORIGIN");
    expect(headers.get("Referrer-Policy")).toBe("no-referrer");
    expect(headers.has("X-Powered-By")).toBe(false);
  });
});

describe("pages of other origins", () => {
  const origin = "https://app.example";
  const preflight = { method: "OPTIONS", headers: { Origin: origin, "Access-Control-Request-Method": "POST" } };
  const url = `https://hubs.example${BASE}/instances`;

  test("are told nothing unless origins are listed", async () => {
    const { fetch } = worker({ key: "k" });
    const response = await fetch(`${url}?code=k`, { headers: { Origin: origin } });
    expect([response.status, response.headers.has("Access-Control-Allow-Origin")]).toEqual([200, false]);
    expect((await fetch(url, preflight)).status).toBe(401);
  });

  test("that are listed may ask, send a key, and read what they need", async () => {
    const { fetch } = worker({ key: "k", corsOrigins: [origin] });
    const allowed = await fetch(url, preflight);
    expect([allowed.status, allowed.headers.get("Access-Control-Allow-Origin")]).toEqual([204, origin]);
    expect(allowed.headers.get("Access-Control-Allow-Methods")).toContain("DELETE");
    expect(allowed.headers.get("Access-Control-Allow-Headers")).toContain("Authorization");
    const response = await fetch(`${url}?code=k`, { headers: { Origin: origin } });
    expect(response.headers.get("Access-Control-Allow-Origin")).toBe(origin);
    expect(response.headers.get("Access-Control-Expose-Headers")).toContain("x-ms-continuation-token");
    expect(response.headers.get("Access-Control-Allow-Credentials")).toBeNull();
  });

  test("that are listed can read a refusal too", async () => {
    const response = await worker({ key: "k", corsOrigins: [origin] }).fetch(url, { headers: { Origin: origin } });
    expect([response.status, response.headers.get("Access-Control-Allow-Origin")]).toEqual([401, origin]);
  });

  test("that are not listed are told nothing", async () => {
    const { fetch } = worker({ key: "k", corsOrigins: ["https://other.example"] });
    const response = await fetch(`${url}?code=k`, { headers: { Origin: origin } });
    expect(response.headers.has("Access-Control-Allow-Origin")).toBe(false);
  });
});

describe("options that make no sense are refused when the worker is defined", () => {
  const twice = defineActivity("a", () => 1);
  test.for([
    ["an empty key", { key: "" }],
    ["a public address that is none", { publicUrl: "hubs.example" }],
    ["a public address of another scheme", { publicUrl: "ftp://hubs.example" }],
    ["a public address with a query", { publicUrl: "https://hubs.example/?a=b" }],
    ["two functions of one name", { functions: [twice, twice] }],
    ["something that is no function", { functions: [{}] }],
    ["a negative limit", { limits: { payloadBytesMax: -1 } }],
    ["an unknown limit", { limits: { nonsense: 1 } }],
  ] as const)("%s", ([, options]) => {
    const define = () => defineTaskHubWorker({ functions: [], ...(options as object) });
    expect(define).toThrow(InvalidArgumentError);
  });
});

describe("the codec of the worker", () => {
  const own = createCodec();

  test("is that of the hub when it answers with text", () => {
    expect(settingsOf({ functions: [] }).codec).toBe(defaultCodec);
    expect(settingsOf({ functions: [], codec: own }).codec).toBe(own);
  });

  test("is the default one beside one that works on the store's side, which is not asked while the worker is loaded", () => {
    let asked = 0;
    const encode = async (): Promise<string> => {
      asked++;
      throw new Error("not now");
    };
    const settings = settingsOf({ functions: [], codec: { encode, decode: (text) => text } });
    expect(asked).toBe(0);
    expect(settings.codec).toBe(defaultCodec);
    const bytes = settingsOf({ functions: [], codec: { encode: () => new Uint8Array(1), decode: (text) => text } });
    expect(bytes.codec).toBe(defaultCodec);
  });
});
