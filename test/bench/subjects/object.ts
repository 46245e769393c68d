/** Durable Objects in the Workers runtime on this machine, with their data on disk: Holdfast, and the same rows without an engine. */
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { bundleWorker } from "../../../web-demo/build.ts";
import { processorMsOf } from "../processor.ts";
import type { Meter, Round, Subject } from "../subject.ts";
import { HOLDFAST_VERSION } from "./holdfast.ts";
import type { RoundAnswer, RoundRequest } from "./object-worker.ts";
import { newFolder } from "./sqlite-file.ts";

/** Name of the runtime's process. */
const RUNTIME = "workerd";
const WORKER = new URL("object-worker.ts", import.meta.url).pathname;

function subjectOf(engine: RoundRequest["engine"]): Subject {
  return {
    ...(engine === "holdfast" && { version: HOLDFAST_VERSION }),
    isElsewhere: true,
    bench(variant, meter) {
      const runtime = start();
      let objects = 0;
      return {
        async round(workload) {
          return roundOf(await runtime, `/${objects++}`, { engine, variant, workload }, meter);
        },
        ...(processorMsOf(RUNTIME) !== undefined && { processorMs: () => processorMsOf(RUNTIME) ?? 0 }),
        async end() {
          const { miniflare, discard } = await runtime;
          await miniflare.dispose();
          await discard();
        },
      };
    },
  };
}

export const holdfast: Subject = subjectOf("holdfast");
export const limit: Subject = subjectOf("none");

interface Runtime {
  readonly miniflare: Miniflare;
  discard(): Promise<void>;
}

async function start(): Promise<Runtime> {
  const { folder, discard } = newFolder();
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      name: "holdfast-bench",
      modules: [{ type: "ESModule", path: "worker.js", contents: await bundleWorker(WORKER) }],
      compatibilityDate: "2026-10-15",
      durableObjects: { OBJECTS: { className: "BenchObject", useSQLite: true } },
      resourcePersistencePath: folder,
      cf: false,
      telemetry: { enabled: false },
    }),
  );
  await miniflare.ready;
  return { miniflare, discard };
}

/** A round in an object that nothing was ever written to. */
function roundOf({ miniflare }: Runtime, path: string, request: RoundRequest, meter: Meter): Round {
  return {
    async run() {
      const url = `http://bench${path}`;
      const response = await miniflare.dispatchFetch(url, { method: "POST", body: JSON.stringify(request) });
      if (!response.ok) throw new Error(`The object answered ${response.status}: ${await response.text()}`);
      const { outputs, activityRuns } = (await response.json()) as RoundAnswer;
      for (let run = 0; run < activityRuns; run++) meter.tick();
      return outputs;
    },
    async end() {},
  };
}
