/** A server on this machine, outside of workerd, for requests that really leave it: its `host:port` is `inject("loopback")`. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  export interface ProvidedContext {
    loopback: string;
  }
}

export default async function setup(project: TestProject): Promise<() => void> {
  let polls = 0;
  /** How often each path under `/count/` has been asked for. */
  const counts = new Map<string, number>();
  const server = createServer((request, response) => {
    const { authorization = "none" } = request.headers;
    const [path = "", query] = request.url?.split("?") ?? [];
    if (path.startsWith("/count/")) {
      const count = counts.get(path) ?? 0;
      if (query === undefined) counts.set(path, count + 1);
      response.end(String(count));
      return;
    }
    if (request.url === "/start") response.writeHead(307, { location: "/jobs" }).end("moved");
    else if (request.url === "/jobs") response.writeHead(202, { location: "/jobs/1", "retry-after": "0" }).end();
    else if (polls++ % 2 === 0) response.writeHead(202, { "Retry-After": "0", Location: "1" }).end();
    else response.writeHead(200, { "Content-Type": "text/plain; charset=utf-8" }).end(`grüße, ${authorization}`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  project.provide("loopback", `127.0.0.1:${(server.address() as AddressInfo).port}`);
  return () => {
    server.closeAllConnections();
    server.close();
  };
}
