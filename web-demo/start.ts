/**
 * Runs the demo on this machine: the Worker of `wrangler.toml` on the embedded Workers runtime, with its data in `.holdfast/`.
 * No account, no container, no network.
 *
 * From the environment: `PORT` (8787 unless given; 0 takes any free one) and `TASK_HUB_KEY` (no key unless given).
 *
 * S1. Data outlives this process and the runtime, however either of them ends: orders under way go on with the next start.
 * S2. A runtime that is killed is started again.
 * S3. One runtime uses the data at a time: `runtime-claim.ts`.
 * S4. Only the loopback address is served.
 */
import { join } from "node:path";
import type { Miniflare } from "miniflare";
import { buildPage, bundleWorker, ROOT } from "./build.ts";
import { API_PATH, commandsToTry } from "./commands-to-try.ts";
import { RuntimeClaim, StartRefusedError } from "./runtime-claim.ts";

const HOST = "127.0.0.1";
const PORT_DEFAULT = 8787;
const DATA_FOLDER = ".holdfast";

// The tools look at these when they are loaded: no sample data is fetched, nothing is reported.
process.env.CLOUDFLARE_CF_FETCH_ENABLED = "false";
process.env.WRANGLER_SEND_METRICS = "false";
process.env.WRANGLER_HIDE_BANNER = "true";
process.env.DO_NOT_TRACK = "1";

const key = process.env.TASK_HUB_KEY || undefined;
let claim: RuntimeClaim | undefined;
let runtime: Miniflare | undefined;
let isEnding = false;

try {
  console.log(greeting(await start(portFromEnvironment())));
} catch (error) {
  console.error(error instanceof StartRefusedError ? error.message : error);
  await end(1);
}

/** What `wrangler.toml` says about the Worker, in the form the runtime takes it. */
interface WorkerSettings {
  readonly bindings: Record<string, string>;
  readonly [setting: string]: unknown;
}

/** Builds page and Worker, starts the runtime, and gives the origin it serves. */
async function start(port: number): Promise<string> {
  const page = buildPage();
  const [{ Miniflare, Log, LogLevel, convertV4MiniflareOptions }, { unstable_getMiniflareWorkerOptions: settingsOf }] =
    await Promise.all([import("miniflare"), import("wrangler")]);
  const { workerOptions, main } = settingsOf(join(ROOT, "wrangler.toml"));
  if (main === undefined) throw new Error("wrangler.toml names no main.");
  claim = new RuntimeClaim(join(ROOT, DATA_FOLDER));
  const [script] = await Promise.all([bundleWorker(main), page]);
  const { bindings, ...settings } = workerOptions as WorkerSettings;
  const options = convertV4MiniflareOptions({
    ...settings,
    name: "holdfast-demo",
    modules: [{ type: "ESModule", path: "worker.js", contents: script }],
    bindings: { ...bindings, ...(key !== undefined && { TASK_HUB_KEY: key }) },
    host: HOST,
    port,
    resourcePersistencePath: join(ROOT, DATA_FOLDER),
    cf: false,
    telemetry: { enabled: false },
    log: new Log(LogLevel.WARN),
    handleStructuredLogs: ({ level, message }) => {
      if (level === "error") console.error(message);
      else if (level === "warn") console.warn(message);
    },
    unsafeHandleRuntimeRestart: () => {
      if (!isEnding) console.warn("The Workers runtime was started again. Orders under way go on.");
    },
  });
  runtime = new Miniflare(options);
  endOnSignals();
  try {
    return (await runtime.ready).origin;
  } catch (error) {
    const isTaken = error instanceof Error && "code" in error && error.code === "ERR_ADDRESS_IN_USE";
    if (!isTaken) throw error;
    throw new StartRefusedError(
      `Port ${port} is taken by another program. Choose another one: PORT=${port + 1} npm start`,
    );
  }
}

/** Ends cleanly on Ctrl-C and its like. The runtime's own listeners, which would cut the end short, give way. */
function endOnSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.removeAllListeners(signal);
    process.on(signal, () => void end(0));
  }
}

/** Ends the runtime, then this process. A second call waits for nothing. */
async function end(exitCode: number): Promise<void> {
  if (isEnding) process.exit(exitCode);
  isEnding = true;
  await runtime?.dispose().catch(() => {});
  claim?.release();
  process.exit(exitCode);
}

function greeting(origin: string): string {
  const [startOrder, approve] = commandsToTry(origin, key);
  const page = key === undefined ? `${origin}/` : `${origin}/#key=${encodeURIComponent(key)}`;
  return `
Holdfast demo

  Page   ${page}
  API    ${origin}${API_PATH}
  Spec   ${origin}/openapi.json
  Data   ${DATA_FOLDER}/ (delete it to begin anew)
${
  key === undefined
    ? `
!! NO KEY IS CONFIGURED. Whoever can reach this port can read and change everything: for local development only.
!! To ask for a key: TASK_HUB_KEY=… npm start
`
    : ""
}
Start an order that waits for an approval, then approve it:

${startOrder}

${approve}

Ctrl-C stops the demo. Orders under way go on with the next start.
`;
}

/**
 * The port to serve.
 * @throws StartRefusedError when `PORT` is no port.
 */
function portFromEnvironment(): number {
  const given = process.env.PORT;
  if (given === undefined || given === "") return PORT_DEFAULT;
  const number = Number(given);
  if (Number.isInteger(number) && number >= 0 && number <= 65_535) return number;
  throw new StartRefusedError(`PORT must be a number from 0 to 65535; got "${given}".`);
}
