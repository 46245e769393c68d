/** What leaves a Durable Object waits for the disk: the hub counts on it, because its commits there are written at the end of a turn of the event loop. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { bundleWorker } from "../../web-demo/build.ts";

const BASE = "http://localhost/runtime/webhooks/durabletask";

let script = "";
/** What the world outside has been asked for. */
const heard: string[] = [];
const outside = createServer((request, response) => {
  heard.push(request.url ?? "");
  response.end();
});

beforeAll(async () => {
  script = await bundleWorker(join(import.meta.dirname, "../worker/spoiled-worker.ts"));
  await once(outside.listen(0, "127.0.0.1"), "listening");
});
afterAll(() => void outside.close());

function start(): Miniflare {
  const options = convertV4MiniflareOptions({
    name: "holdfast-test",
    modules: [{ type: "ESModule", path: "worker.js", contents: script }],
    compatibilityDate: "2026-10-15",
    durableObjects: { TASK_HUBS: { className: "TaskHubObject", useSQLite: true } },
    cf: false,
    telemetry: { enabled: false },
    // The runtime tells of every failed commit.
    handleStructuredLogs: () => {},
  });
  return new Miniflare(options);
}

describe.for(["awaiting", "yielding"])(
  "an orchestrator that is %s, whose commit fails after its activity has run",
  (name) => {
    test("has neither sent the activity's request nor answered the client, and does both when it is written", async () => {
      heard.length = 0;
      const runtime = start();
      onTestFinished(() => runtime.dispose());
      const url = `http://127.0.0.1:${(outside.address() as AddressInfo).port}/${name}`;
      const request = async (path: string, init?: { method: string; body: string }) =>
        runtime.dispatchFetch(`${BASE}${path}`, init);
      const begin = async (): Promise<number> => {
        try {
          const response = await request(`/orchestrators/${name}/one`, { method: "POST", body: JSON.stringify(url) });
          return response.status;
        } catch {
          return 0; // The object was reset under the request.
        }
      };
      expect(await begin()).not.toBe(202);
      expect((await request("/instances/one")).status).toBe(404);
      expect(heard).toEqual([]);
      expect(await begin()).toBe(202);
      await expect.poll(() => heard).toEqual([`/${name}/attempt-2`]);
      await expect
        .poll(async () => (await (await request("/instances/one")).json()) as unknown)
        .toMatchObject({ runtimeStatus: "Completed", output: 2 });
    });
  },
);
