/** Opens the hub in each kind of place that a browser runs scripts in, one at a time, as ../tabs.test.ts asks for it. */
import { runJourney, type WorkerRun } from "./run-journey.ts";

export type Kind = "page" | "dedicated" | "shared" | "service";

const SCRIPT = "/in-worker.js";

async function runInPlace(kind: Kind, index: number): Promise<WorkerRun> {
  switch (kind) {
    case "page":
      return runJourney(index);
    case "dedicated": {
      const worker = new Worker(SCRIPT, { type: "module" });
      return answerOf(index, (port) => worker.postMessage({ index, port }, [port]));
    }
    case "shared": {
      const worker = new SharedWorker(SCRIPT, { type: "module" });
      worker.port.start();
      return answerOf(index, (port) => worker.port.postMessage({ index, port }, [port]));
    }
    case "service": {
      await navigator.serviceWorker.register(SCRIPT, { type: "module" });
      const { active } = await navigator.serviceWorker.ready;
      return answerOf(index, (port) => active?.postMessage({ index, port }, [port]));
    }
  }
}

/** What the worker answers over a channel of its own. */
function answerOf(index: number, ask: (port: MessagePort) => void): Promise<WorkerRun> {
  return new Promise((resolve, reject) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }: MessageEvent<WorkerRun | { error: string }>) =>
      "error" in data ? reject(new Error(`journey ${index}: ${data.error}`)) : resolve(data);
    ask(port2);
  });
}

declare global {
  var runIn: (kind: Kind, index: number) => Promise<WorkerRun>;
}
globalThis.runIn = runInPlace;
