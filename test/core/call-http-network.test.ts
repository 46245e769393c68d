/** `callHttp` over a real connection: the platform's own fetch against a server on this machine. */
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type DurableHttpRequest,
  defineOrchestrator,
  type OrchestrationContext,
  TaskHub,
  type TaskHubOptions,
} from "holdfast";
import { describe, expect, it, onTestFinished } from "vitest";

const ask = defineOrchestrator("ask", async (ctx: OrchestrationContext, request: DurableHttpRequest) =>
  ctx.callHttp(request),
);

/** A server for one test: its `host:port`, and the requests it saw. */
async function serve(answer: RequestListener) {
  const seen: { readonly line: string; readonly headers: IncomingMessage["headers"]; readonly body: string }[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => {
      body += chunk;
    });
    request.on("end", () => {
      seen.push({ line: `${request.method} ${request.url}`, headers: request.headers, body });
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

/** A port that was free a moment ago. */
async function unusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What a request comes to in a hub on real time. */
async function call(request: DurableHttpRequest, options: Omit<TaskHubOptions, "functions"> = {}) {
  const hub = await TaskHub.open({ functions: [ask], ...options });
  onTestFinished(() => hub.close());
  const id = await hub.scheduleNewOrchestration(ask, request);
  return hub.waitForOrchestrationCompletion(id, { timeoutMs: 20_000 });
}

describe("over a real connection", () => {
  it("a job is started, redirected, polled and fetched", async () => {
    let polls = 0;
    const { host, seen } = await serve((request, response) => {
      if (request.url === "/start") response.writeHead(307, { location: "/jobs" }).end("moved");
      else if (request.url === "/jobs") response.writeHead(202, { location: "/jobs/1", "retry-after": "0" }).end();
      else if (polls++ === 0) response.writeHead(202, { location: "1", "Retry-After": "0" }).end();
      else response.writeHead(200, { "Content-Type": "text/plain; charset=utf-8", "X-Job": "1" }).end("grüße");
    });
    const state = await call(
      { method: "POST", url: `http://${host}/start`, headers: { Authorization: "Bearer t" }, body: { n: 1 } },
      { egress: { allowHosts: [host] } },
    );
    expect(state.output).toMatchObject({
      statusCode: 200,
      headers: { "content-type": "text/plain; charset=utf-8", "x-job": "1" },
      content: "grüße",
    });
    expect(seen.map(({ line, body }) => `${line} ${body}`.trim())).toEqual([
      'POST /start {"n":1}',
      'POST /jobs {"n":1}',
      "GET /jobs/1",
      "GET /jobs/1",
    ]);
    expect(seen.map(({ headers }) => [headers["content-type"], headers.authorization])).toEqual([
      ["application/json", "Bearer t"],
      ["application/json", "Bearer t"],
      [undefined, "Bearer t"],
      [undefined, "Bearer t"],
    ]);
  });

  it("nothing of this machine is reached unless it is listed", async () => {
    const { host, seen } = await serve((_request, response) => void response.end("inside"));
    for (const url of [
      `http://${host}/`,
      `http://localhost:${host.split(":")[1]}/`,
      `http://2130706433:${host.split(":")[1]}/`,
    ]) {
      const state = await call({ method: "GET", url });
      expect(state.failure?.innerFailure?.errorType, url).toBe("EgressDeniedError");
    }
    expect(seen).toEqual([]);
  });

  it("a redirect out of the list is not followed", async () => {
    const inside = await serve((_request, response) => void response.end("inside"));
    const { host } = await serve((_request, response) => {
      response.writeHead(302, { location: `http://${inside.host}/` }).end();
    });
    const state = await call({ method: "GET", url: `http://${host}/` }, { egress: { allowHosts: [host] } });
    expect(state.failure?.innerFailure?.errorType).toBe("EgressDeniedError");
    expect(inside.seen).toEqual([]);
  });

  it("a port where nobody listens is a failed request, tried again by a policy", async () => {
    const unused = await unusedPort();
    const state = await call(
      { method: "GET", url: `http://127.0.0.1:${unused}/`, retry: { maxAttempts: 2, firstRetryInterval: 1 } },
      { egress: { allowHosts: ["127.0.0.1"] } },
    );
    expect(state.failure?.innerFailure).toMatchObject({ errorType: "HttpRequestError" });
    expect(state.failure?.errorMessage).toContain("ECONNREFUSED");
  });

  it("a server that does not answer in time is let go", async () => {
    const closed = Promise.withResolvers<void>();
    const { host } = await serve((request) => request.socket.on("close", () => closed.resolve()));
    const state = await call(
      { method: "GET", url: `http://${host}/`, timeoutMs: 50 },
      { egress: { allowHosts: [host] } },
    );
    expect(state.failure?.innerFailure?.errorType).toBe("TimeoutError");
    await closed.promise;
  });

  it("a content that grows beyond the limit is broken off", async () => {
    const { host } = await serve((_request, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write("x".repeat(16_384)));
      };
      response.on("drain", more);
      more();
    });
    const state = await call(
      { method: "GET", url: `http://${host}/` },
      { egress: { allowHosts: [host] }, limits: { payloadBytesMax: 100_000 } },
    );
    expect(state.failure?.innerFailure).toMatchObject({ errorType: "PayloadError", isNonRetriable: true });
  });

  it("HEAD has headers and no content", async () => {
    const { host } = await serve((_request, response) => void response.writeHead(200, { "content-length": 99 }).end());
    const state = await call({ method: "HEAD", url: `http://${host}/` }, { egress: { allowHosts: [host] } });
    expect(state.output).toMatchObject({ statusCode: 200, headers: { "content-length": "99" }, content: "" });
  });
});
