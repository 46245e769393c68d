/** A process with a task hub over a SQLite file in it, to be killed: `node … FILE SYNCHRONOUS`. Prints the origin it serves the management API at. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { DEFAULT_LIMITS, defaultCodec, TaskHub } from "holdfast";
import { SqliteStore } from "holdfast/sqlite";
import demoFunctions from "../../web-demo/functions/index.ts";
import { managementApi } from "../../worker/api/management-api.ts";
import { functions } from "./functions.ts";

const [path = "", synchronous = ""] = process.argv.slice(2);
const hub = await TaskHub.open({
  store: new SqliteStore({ path, synchronous: synchronous as "FULL" | "NORMAL" }),
  functions: [...functions, ...demoFunctions],
});
const api = managementApi({ codec: defaultCodec, logger: console, bodyBytesMax: DEFAULT_LIMITS.payloadBytesMax });

async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const { method = "GET", url = "/", headers } = incoming;
  const body = method === "GET" ? undefined : new Uint8Array(await buffer(incoming));
  const request = new Request(new URL(url, "http://127.0.0.1"), {
    method,
    headers: { "content-type": headers["content-type"] ?? "" },
    ...(body && { body }),
  });
  const response = await api.fetch(request, { client: hub, taskHub: hub.name });
  outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text());
}

const server = createServer((incoming, outgoing) => {
  serve(incoming, outgoing).catch(() => outgoing.destroy());
}).listen(0, "127.0.0.1");
await once(server, "listening");
console.log(`origin http://127.0.0.1:${(server.address() as AddressInfo).port}`);
