/** A process with the Workers runtime in it, to be killed: `node runtime-process.ts SCRIPT FOLDER`. Prints the origin it serves. */
import { readFileSync } from "node:fs";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";

const [script = "", folder = ""] = process.argv.slice(2);
const runtime = new Miniflare(
  convertV4MiniflareOptions({
    name: "holdfast-test",
    modules: [{ type: "ESModule", path: "worker.js", contents: readFileSync(script, "utf8") }],
    compatibilityDate: "2026-10-15",
    durableObjects: { TASK_HUBS: { className: "TaskHubObject", useSQLite: true } },
    resourcePersistencePath: folder,
    host: "127.0.0.1",
    port: 0,
    cf: false,
    telemetry: { enabled: false },
    handleStructuredLogs: ({ level, message }) => {
      if (level === "error") console.error(message);
    },
  }),
);
console.log(`origin ${(await runtime.ready).origin}`);
