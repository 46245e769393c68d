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

/** Addresses that are not public, each with what it is. */
const REFUSED: readonly (readonly [string, string])[] = [
  // Loopback, and its spellings.
  ["loopback", "http://127.0.0.1/"],
  ["loopback with a port", "https://127.0.0.1:8443/x"],
  ["the rest of loopback", "http://127.255.255.254/"],
  ["octal", "http://0177.0.0.1/"],
  ["octal with more zeros", "http://00000177.0.0.01/"],
  ["octal in one number", "http://017700000001/"],
  ["hexadecimal", "http://0x7f.0x0.0x0.0x1/"],
  ["hexadecimal in one number", "http://0x7f000001/"],
  ["hexadecimal in capitals", "http://0X7F000001/"],
  ["decimal in one number", "http://2130706433/"],
  ["two parts", "http://127.1/"],
  ["three parts", "http://127.0.1/"],
  ["two parts, mixed", "http://0x7f.1/"],
  ["a trailing dot", "http://127.0.0.1./"],
  ["percent encoding", "http://%31%32%37.0.0.1/"],
  ["circled digits", "http://①②⑦.⓪.⓪.①/"],
  ["full-width digits", "http://１２７.０.０.１/"],
  ["ideographic full stops", "http://127。0。0。1/"],
  ["a tab inside", "http://127.0.\t0.1/"],
  ["a line break inside", "http://127.0.0\n.1/"],
  ["no slashes", "http:127.0.0.1/"],
  ["too many slashes", "http:////127.0.0.1/"],
  ["backslashes", "http:\\\\127.0.0.1\\"],
  ["spaces around", "  http://127.0.0.1/  "],
  ["a user name that looks like a host", "http://public.example@127.0.0.1/"],
  ["a user name and password", "http://public.example:80@127.0.0.1:80/"],
  ["a backslash before an @", "http://127.0.0.1\\@public.example/"],
  ["a fragment before an @", "http://127.0.0.1#@public.example/"],
  ["a query before an @", "http://127.0.0.1?@public.example/"],
  // Names of this host and this network.
  ["localhost", "http://localhost/"],
  ["localhost with a port", "http://localhost:3000/"],
  ["localhost in capitals", "http://LocalHost/"],
  ["localhost with a trailing dot", "http://localhost./"],
  ["localhost percent encoded", "http://loc%61lhost/"],
  ["localhost in full width", "http://ｌｏｃａｌｈｏｓｔ/"],
  ["a name below localhost", "http://api.localhost/"],
  ["a name below localhost with a dot", "http://api.localhost./"],
  ["localhost.localdomain", "http://localhost.localdomain/"],
  ["a name without a dot", "http://redis:6379/"],
  ["mDNS", "http://printer.local/"],
  ["a router", "http://router.home.arpa/"],
  ["a cluster's service", "http://kubernetes.default.svc/"],
  ["a cluster's service in full", "http://a.b.svc.cluster.local/"],
  // Private, carrier's and special IPv4.
  ["private 10/8", "http://10.0.0.5/"],
  ["private 10/8 in one number", "http://167772165/"],
  ["private 172.16/12, first", "http://172.16.0.1/"],
  ["private 172.16/12, last", "http://172.31.255.255/"],
  ["private 192.168/16", "http://192.168.1.1/"],
  ["private 192.168/16, two parts", "http://192.11010305/"],
  ["a carrier's network", "http://100.64.0.1/"],
  ["a carrier's network, last", "http://100.127.255.255/"],
  ["unspecified", "http://0.0.0.0/"],
  ["unspecified, as 0", "http://0/"],
  ["this network", "http://0.1.2.3/"],
  ["protocol assignments", "http://192.0.0.192/"],
  ["benchmarks", "http://198.19.255.255/"],
  ["documentation", "http://203.0.113.9/"],
  ["6to4 relays", "http://192.88.99.1/"],
  ["multicast", "http://224.0.0.1/"],
  ["the last multicast", "http://239.255.255.255/"],
  ["reserved", "http://240.0.0.1/"],
  ["broadcast", "http://255.255.255.255/"],
  ["broadcast in hexadecimal", "http://0xffffffff/"],
  // Metadata.
  ["link-local", "http://169.254.0.1/"],
  ["metadata", "http://169.254.169.254/latest/meta-data/"],
  ["metadata in one number", "http://2852039166/"],
  ["metadata in octal", "http://0251.0376.0251.0376/"],
  ["metadata in hexadecimal", "http://0xa9.0xfe.0xa9.0xfe/"],
  ["metadata with two parts", "http://169.16689662/"],
  ["task metadata", "http://169.254.170.2/"],
  ["metadata inside a carrier's network", "http://100.100.100.200/"],
  ["a platform's wire server", "http://168.63.129.16/"],
  ["metadata by name", "http://metadata.google.internal/computeMetadata/v1/"],
  ["metadata by name with a dot", "http://metadata.google.internal./"],
  ["metadata by short name", "http://metadata/"],
  ["metadata by another name", "http://METADATA.goog/"],
  ["instance data by name", "http://instance-data.ec2.internal/"],
  // IPv6.
  ["IPv6 loopback", "http://[::1]/"],
  ["IPv6 loopback in full", "http://[0000:0000:0000:0000:0000:0000:0000:0001]/"],
  ["IPv6 unspecified", "http://[::]:80/"],
  ["unique local", "http://[fc00::1]/"],
  ["unique local, the other half", "http://[fdff:ffff::1]/"],
  ["metadata over IPv6", "http://[fd00:ec2::254]/"],
  ["metadata over IPv6, elsewhere", "http://[fd20:ce::254]/"],
  ["IPv6 link-local", "http://[fe80::1]/"],
  ["IPv6 link-local, the end", "http://[febf::1]/"],
  ["site-local", "http://[fec0::1]/"],
  ["IPv6 multicast", "http://[ff02::1]/"],
  ["IPv6 documentation", "http://[2001:db8::1]/"],
  ["the newer IPv6 documentation", "http://[3fff:fff::1]/"],
  ["the discard prefix", "http://[100::1]/"],
  ["not assigned", "http://[4000::1]/"],
  ["mapped loopback", "http://[::ffff:127.0.0.1]/"],
  ["mapped loopback in hexadecimal", "http://[::ffff:7f00:1]/"],
  ["mapped loopback in full", "http://[0:0:0:0:0:ffff:7f00:0001]/"],
  ["mapped metadata", "http://[::ffff:a9fe:a9fe]/"],
  ["mapped private", "http://[::FFFF:10.0.0.1]/"],
  ["compatible loopback", "http://[::127.0.0.1]/"],
  ["compatible public", "http://[::8.8.8.8]/"],
  ["translated loopback", "http://[::ffff:0:127.0.0.1]/"],
  ["NAT64 loopback", "http://[64:ff9b::127.0.0.1]/"],
  ["NAT64 metadata", "http://[64:ff9b::a9fe:a9fe]/"],
  ["local NAT64", "http://[64:ff9b:1::8.8.8.8]/"],
  ["6to4 loopback", "http://[2002:7f00:1::]/"],
  ["6to4 private", "http://[2002:a00:1::1]/"],
  ["6to4 metadata", "http://[2002:a9fe:a9fe::]/"],
  ["Teredo", "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/"],
  ["ISATAP to loopback", "http://[2a00::5efe:127.0.0.1]/"],
  ["ISATAP to a private address", "http://[2a00::200:5efe:10.0.0.1]/"],
];

const REACHED: readonly (readonly [string, string])[] = [
  ["a name", "https://api.example.com/"],
  ["a name with a trailing dot", "https://api.example.com./"],
  ["a name with a port", "https://api.example.com:8443/"],
  ["a name that begins like a local one", "https://localhost.example.com/"],
  ["a name that ends like a local one", "https://notlocalhost.com/"],
  ["a name with a local word inside", "https://internal.example.com/"],
  ["an international name", "https://bücher.example/"],
  ["a public address", "http://8.8.8.8/"],
  ["a public address in one number", "http://134744072/"],
  ["before 10/8", "http://9.255.255.255/"],
  ["after 10/8", "http://11.0.0.0/"],
  ["before 172.16/12", "http://172.15.255.255/"],
  ["after 172.16/12", "http://172.32.0.0/"],
  ["before a carrier's network", "http://100.63.255.255/"],
  ["after a carrier's network", "http://100.128.0.0/"],
  ["beside 192.168/16", "http://192.169.0.1/"],
  ["beside link-local", "http://169.253.255.255/"],
  ["beside the wire server", "http://168.63.129.17/"],
  ["the last before multicast", "http://223.255.255.255/"],
  ["IPv6", "http://[2606:4700::1111]/"],
  ["IPv6 beside the protocol assignments", "http://[2001:200::1]/"],
  ["a mapped public address", "http://[::ffff:8.8.8.8]/"],
  ["NAT64 of a public address", "http://[64:ff9b::8.8.8.8]/"],
  ["6to4 of a public address", "http://[2002:808:808::1]/"],
];

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
