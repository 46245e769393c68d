/** Serves a page's script, and hears what the page says: what it has said is known here, whatever becomes of the page. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { Rolldown } from "tsdown";

const ROOT = join(import.meta.dirname, "../..");

/** Scripts by name: many servers of one process serve the same. */
const bundles = new Map<string, Promise<string>>();

/** What is answered to a page that says or asks something; a failure answers with status 500. */
export type Listener = (said: unknown) => unknown;

export class PageServer implements AsyncDisposable {
  readonly #server: Server;
  readonly origin: string;

  private constructor(server: Server) {
    this.#server = server;
    this.origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  }

  /**
   * Bundles the scripts, with the library in them from its sources, and serves each at its own name: `pages/kills.ts` is `/kills.js`, and
   * `/kills` is a page that loads it. What pages post to `/say` goes to the listener.
   */
  static async start(scripts: readonly string[], listener: Listener): Promise<PageServer> {
    const served = new Map<string, { type: string; body: string }>();
    for (const script of scripts) {
      const body = await bundled(script);
      served.set(`/${script}.js`, { type: "text/javascript", body });
      const html = `<!doctype html><title>${script}</title><script type="module" src="/${script}.js"></script>`;
      served.set(`/${script}`, { type: "text/html", body: html });
    }
    served.set("/empty", { type: "text/html", body: "<!doctype html><title>empty</title>" });
    const server = createServer((request, response) => {
      const path = new URL(request.url ?? "/", "http://localhost").pathname;
      const found = served.get(path);
      if (request.method === "POST" && path === "/say") void hear(request, response, listener);
      else if (found) response.setHeader("content-type", found.type).end(found.body);
      else response.writeHead(404).end();
    });
    // A frozen or dead page may hold its connection; pages open and close all the time.
    server.keepAliveTimeout = 60_000;
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new PageServer(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

async function hear(request: IncomingMessage, response: ServerResponse, listener: Listener): Promise<void> {
  try {
    const answer = await listener(JSON.parse(await text(request)));
    response.setHeader("content-type", "application/json").end(JSON.stringify(answer ?? null));
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
}

function bundled(script: string): Promise<string> {
  const found = bundles.get(script) ?? bundle(script);
  bundles.set(script, found);
  return found;
}

/** One module: what the library loads on demand comes along. */
async function bundle(script: string): Promise<string> {
  const { output } = await Rolldown.build({
    input: join(import.meta.dirname, "pages", `${script}.ts`),
    platform: "browser",
    tsconfig: join(ROOT, "tsconfig.json"),
    output: { format: "esm", sourcemap: "inline", codeSplitting: false },
    logLevel: "warn",
    write: false,
  });
  return output[0].code;
}
