/** What `callHttp` may reach: public addresses and names, what is listed, and nothing else, in whatever disguise. */
import {
  type DurableHttpRequest,
  defineOrchestrator,
  EgressDeniedError,
  type EgressOptions,
  MemoryStore,
  type OrchestrationContext,
} from "holdfast";
import { describe, expect, it } from "vitest";
import { REACHED, REFUSED } from "./addresses.ts";
import { type Answer, accepted, empty, type FakeWeb, fakeWeb, text } from "./fake-web.ts";
import { errorOf, eventsOf, openHub, run, stateOf } from "./running.ts";
import { inEveryShape } from "./shapes.ts";

const ask = defineOrchestrator("ask", async (ctx: OrchestrationContext, request: DurableHttpRequest) =>
  ctx.callHttp(request),
);

/** What becomes of a GET: the error type of its task, or the status of the answer. Every address that is reached answers 200. */
async function reach(url: string, egress?: EgressOptions, answers: Readonly<Record<string, Answer>> = {}) {
  const web: FakeWeb = fakeWeb(answers);
  const asked: string[] = [];
  const hub = await openHub([ask], {
    ...(egress && { egress }),
    fetch: (address, init) => {
      asked.push(address);
      return address in answers ? web.fetch(address, init) : Promise.resolve(new Response("reached"));
    },
  });
  const state = await run(hub, ask, { method: "GET", url }, { advance: { hours: 1 } });
  const failure = state.failure?.innerFailure;
  return { outcome: failure?.errorType ?? state.output?.statusCode, failure, asked };
}

describe("without an egress option", () => {
  it.for(REFUSED)("nobody reaches %s: %s", async ([, url]) => {
    const { outcome, failure, asked } = await reach(url);
    expect([outcome, asked]).toEqual(["EgressDeniedError", []]);
    expect(failure).toMatchObject({ isNonRetriable: true, properties: { code: "egressDenied" } });
  });

  it.for(REACHED)("anybody reaches %s: %s", async ([, url]) => {
    expect((await reach(url)).outcome).toBe(200);
  });

  it("a user name or password in an address is refused on public hosts too", async () => {
    expect((await reach("https://user:secret@api.example.com/")).failure?.errorMessage).toBe(
      "callHttp may not reach 'https://api.example.com': it holds a user name or password; send credentials in a header.",
    );
  });

  it("the refusal says why, and what would allow it", async () => {
    const { failure } = await reach("http://0x7f.1:8080/secret?key=1");
    expect(failure?.errorMessage).toBe(
      "callHttp may not reach 'http://127.0.0.1:8080': it is a loopback address. If it is meant to be reached, add '127.0.0.1' or '127.0.0.1:8080' to egress.allowHosts.",
    );
    expect(failure?.properties?.host).toBe("127.0.0.1");
  });
});

describe("egress.allowHosts", () => {
  const ALLOWED: readonly (readonly [string, string, boolean])[] = [
    ["localhost", "http://localhost/", true],
    ["localhost", "http://localhost:9999/", true],
    ["localhost", "http://LOCALHOST./", true],
    ["LocalHost.", "http://localhost/", true],
    ["localhost", "http://api.localhost/", false],
    ["localhost", "http://127.0.0.1/", false],
    ["localhost:3000", "http://localhost:3000/", true],
    ["localhost:3000", "http://localhost:3001/", false],
    ["localhost:3000", "http://localhost/", false],
    ["localhost:80", "http://localhost/", true],
    ["localhost:80", "https://localhost/", false],
    ["localhost:443", "https://localhost/", true],
    ["127.0.0.1:8080", "http://127.0.0.1:8080/", true],
    ["127.0.0.1:8080", "http://127.1:8080/", true],
    ["127.1", "http://127.0.0.1:1234/", true],
    ["127.0.0.1", "http://127.0.0.2/", false],
    ["[::1]:8080", "http://[::1]:8080/", true],
    ["[::1]", "http://[0:0:0:0:0:0:0:1]:9/", true],
    ["::1", "http://[::1]/", true],
    ["fd00:0:0:0:0:0:0:7", "http://[fd00::7]/", true],
    ["::1", "http://[::2]/", false],
    ["redis", "http://redis:6379/", true],
    ["*.internal", "http://a.internal/", true],
    ["*.internal", "http://a.b.internal./", true],
    ["*.internal", "http://internal/", false],
    ["*.svc.local:8080", "http://a.svc.local:8080/", true],
    ["*.svc.local:8080", "http://a.svc.local/", false],
    ["*.ample.internal", "http://example.internal/", false],
    ["bücher.local", "http://xn--bcher-kva.local/", true],
  ];
  it.for(ALLOWED)("%s and %s: %s", async ([entry, url, isReached]) => {
    expect((await reach(url, { allowHosts: [entry] })).outcome).toBe(isReached ? 200 : "EgressDeniedError");
  });

  it("leaves what is public alone", async () => {
    expect((await reach("https://api.example.com/", { allowHosts: ["localhost"] })).outcome).toBe(200);
  });

  it("does not allow a user name or password", async () => {
    expect((await reach("http://a:b@localhost/", { allowHosts: ["localhost"] })).outcome).toBe("EgressDeniedError");
  });
});

describe("egress.deny", () => {
  it("refuses public hosts", async () => {
    const egress = { deny: ["evil.example", "*.ads.example", "9.9.9.9", "api.example:8080"] };
    for (const url of [
      "https://evil.example/",
      "https://EVIL.example./",
      "https://a.ads.example/",
      "http://151587081/",
      "http://api.example:8080/",
    ]) {
      expect((await reach(url, egress)).outcome, url).toBe("EgressDeniedError");
    }
    for (const url of ["https://a.evil.example/", "https://ads.example/", "http://9.9.9.8/", "http://api.example/"]) {
      expect((await reach(url, egress)).outcome, url).toBe(200);
    }
  });

  it("wins over allowHosts", async () => {
    const egress = { allowHosts: ["*.internal"], deny: ["vault.internal"] };
    expect((await reach("http://wiki.internal/", egress)).outcome).toBe(200);
    expect((await reach("http://vault.internal/", egress)).failure?.errorMessage).toBe(
      "callHttp may not reach 'http://vault.internal': it is listed in egress.deny.",
    );
  });

  it('of "*" leaves only what allowHosts names', async () => {
    const egress = { allowHosts: ["api.example", "*.cdn.example"], deny: ["*", "old.cdn.example"] };
    expect((await reach("https://api.example/", egress)).outcome).toBe(200);
    expect((await reach("https://a.cdn.example/", egress)).outcome).toBe(200);
    expect((await reach("https://old.cdn.example/", egress)).outcome).toBe("EgressDeniedError");
    expect((await reach("https://other.example/", egress)).outcome).toBe("EgressDeniedError");
    expect((await reach("http://8.8.8.8/", egress)).outcome).toBe("EgressDeniedError");
  });
});

describe("egress.lookup", () => {
  const names: Readonly<Record<string, readonly string[]>> = {
    "public.example": ["8.8.8.8", "2606:4700::1111"],
    "inside.example": ["10.0.0.7"],
    "both.example": ["8.8.8.8", "127.0.0.1"],
    "six.example": ["::1"],
    "mapped.example": ["::ffff:169.254.169.254"],
    "zone.example": ["fe80::1%eth0"],
    "odd.example": ["not an address"],
  };
  const asked: string[] = [];
  const lookup = async (name: string): Promise<readonly string[]> => {
    asked.push(name);
    const found = names[name];
    if (!found) throw new Error(`getaddrinfo ENOTFOUND ${name}`);
    return found;
  };

  it("lets names of public addresses pass", async () => {
    expect((await reach("https://public.example./", { lookup })).outcome).toBe(200);
  });

  it.for(["inside", "both", "six", "mapped", "zone", "odd"])(
    "refuses a public name of another address: %s",
    async (name) => {
      expect((await reach(`https://${name}.example/`, { lookup })).outcome).toBe("EgressDeniedError");
    },
  );

  it("says which address it was", async () => {
    expect((await reach("http://both.example/", { lookup })).failure?.errorMessage).toContain(
      "it is a name for '127.0.0.1', which is a loopback address.",
    );
  });

  it("is not asked about what is listed, and not about addresses", async () => {
    asked.length = 0;
    expect((await reach("https://inside.example/", { lookup, allowHosts: ["inside.example"] })).outcome).toBe(200);
    expect((await reach("http://8.8.8.8/", { lookup })).outcome).toBe(200);
    expect((await reach("http://10.0.0.1/", { lookup })).outcome).toBe("EgressDeniedError");
    expect(asked).toEqual([]);
  });

  it("that fails is a request that fails, not a refusal", async () => {
    expect((await reach("https://gone.example/", { lookup })).outcome).toBe("HttpRequestError");
  });
});

inEveryShape("every request of a call", (define) => {
  const call = define("call", function* (ctx, request: DurableHttpRequest) {
    return yield* ctx.callHttp(request);
  });
  const START = "https://api.example/start";
  const INSIDE = "http://169.254.169.254/latest/meta-data/";

  async function refused(answers: Readonly<Record<string, Answer>>, request: Partial<DurableHttpRequest> = {}) {
    const web = fakeWeb({ [INSIDE]: text("secret"), ...answers });
    const hub = await openHub([call], { fetch: web.fetch });
    const retry = { maxAttempts: 5, firstRetryInterval: 1_000 };
    const state = await run(hub, call, { method: "POST", url: START, retry, ...request }, { advance: { days: 1 } });
    const history = await hub.getOrchestrationHistory(state.instanceId);
    return { state, lines: web.lines(), attempts: eventsOf(history, "TaskScheduled").length };
  }

  it("passes the policy: the first one, which is never tried again", async () => {
    const { state, lines, attempts } = await refused({}, { url: INSIDE });
    expect(state.failure?.innerFailure?.errorType).toBe("EgressDeniedError");
    expect([lines, attempts]).toEqual([[], 1]);
  });

  it.for([301, 302, 303, 307, 308])("passes the policy: a redirect by %i", async (status) => {
    const { state, lines } = await refused({ [START]: empty(status, { location: INSIDE }) });
    expect(state.failure?.innerFailure?.errorType).toBe("EgressDeniedError");
    expect(lines).toEqual([`POST ${START}`]);
  });

  it("passes the policy: a redirect after redirects", async () => {
    const { state, lines } = await refused({
      [START]: empty(307, { location: "/b" }),
      "https://api.example/b": empty(302, { location: "//127.1/" }),
    });
    expect(state.failure?.innerFailure?.errorType).toBe("EgressDeniedError");
    expect(lines).toHaveLength(2);
  });

  it.for(["file:///etc/passwd", "ftp://files.example/", "data:text/plain,x", "javascript:alert(1)"])(
    "passes the policy: a redirect to %s",
    async (location) => {
      const { state } = await refused({ [START]: empty(302, { location }) });
      expect(state.failure?.innerFailure?.errorType).toBe("EgressDeniedError");
    },
  );

  it("passes the policy: a poll", async () => {
    const { state, lines } = await refused({ [START]: accepted(INSIDE, "1") });
    expect(state.failure?.innerFailure?.errorType).toBe("EgressDeniedError");
    expect(lines).toEqual([`POST ${START}`]);
  });

  it("passes the policy: a redirect of a poll", async () => {
    const { state, lines } = await refused({
      [START]: accepted("/s", "1"),
      "https://api.example/s": empty(302, { location: INSIDE }),
    });
    expect(state.failure?.innerFailure?.errorType).toBe("EgressDeniedError");
    expect(lines).toHaveLength(2);
  });

  it("passes the policy of the hub that makes it, not of the one that took the call", async () => {
    const store = new MemoryStore();
    const web = fakeWeb({ "http://localhost/a": accepted("/b", "60"), "http://localhost/b": text("x") });
    const before = await openHub([call], { store, fetch: web.fetch, egress: { allowHosts: ["localhost"] } });
    const id = await before.scheduleNewOrchestration(call, { method: "GET", url: "http://localhost/a" });
    await before.advance(0);
    await before.close();
    const after = await openHub([call], { store, fetch: web.fetch });
    await after.advance({ hours: 1 });
    expect((await stateOf(after, id)).failure?.innerFailure?.errorType).toBe("EgressDeniedError");
    expect(web.lines()).toEqual(["GET http://localhost/a"]);
  });
});

describe("an egress option that makes no sense", () => {
  const SENSELESS: readonly (readonly [string, unknown])[] = [
    ["hosts that are no list", { allowHosts: "localhost" }],
    ["a host that is no text", { allowHosts: [7] }],
    ["an empty host", { allowHosts: [""] }],
    ["a star alone", { allowHosts: ["*"] }],
    ["a star in the middle", { allowHosts: ["a.*.example"] }],
    ["a star before an address", { allowHosts: ["*.0.0.1"] }],
    ["an address with a scheme", { allowHosts: ["http://localhost"] }],
    ["a host with a path", { allowHosts: ["localhost/api"] }],
    ["a host with a user", { allowHosts: ["a@localhost"] }],
    ["a host with a space", { allowHosts: ["local host"] }],
    ["a port beyond all ports", { allowHosts: ["localhost:99999"] }],
    ["a port that is no number", { allowHosts: ["localhost:http"] }],
    ["a broken IPv6 address", { allowHosts: ["[::1"] }],
    ["an address of too many parts", { allowHosts: ["1.2.3.4.5"] }],
    ["a denied scheme", { deny: ["https://a.example"] }],
    ["denied hosts that are no list", { deny: "*" }],
    ["a lookup that is no function", { lookup: "dns" }],
  ];
  it.for(SENSELESS)("is refused when the hub opens: %s", async ([, egress]) => {
    const error = await errorOf(() => openHub([ask], { egress: egress as EgressOptions }));
    expect(error).toMatchObject({ name: "InvalidArgumentError", code: "invalidArgument" });
  });
});

describe("EgressDeniedError", () => {
  it("is part of the catalogue, and stops retries wherever it is thrown", () => {
    expect(new EgressDeniedError("a", "no")).toMatchObject({
      name: "EgressDeniedError",
      code: "egressDenied",
      host: "a",
      isNonRetriable: true,
    });
  });
});
