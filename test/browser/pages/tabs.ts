/**
 * A page with a tab of a hub that many tabs share, as ../tab-page.ts drives it: `/tabs?name=…`. With `&place=…` the hub is in a worker of the page.
 * With `&deaf` nothing in the page hears that it is about to be frozen.
 */
import { say } from "./say.ts";
import { Tab } from "./tab.ts";
import type { Answer, Question } from "./tab-worker.ts";

/** Where a hub can be opened. */
export type Place = "page" | "dedicated" | "shared" | "service";

const SCRIPT = "/tab-worker.js";

async function openIn(place: Place, name: string): Promise<Tab> {
  switch (place) {
    case "page":
      return Tab.open(name);
    case "dedicated": {
      const worker = new Worker(SCRIPT, { type: "module" });
      return remoteTab(name, (question, port) => worker.postMessage(question, [port]));
    }
    case "shared": {
      const { port } = new SharedWorker(SCRIPT, { type: "module" });
      port.start();
      return remoteTab(name, (question, answers) => port.postMessage(question, [answers]));
    }
    case "service": {
      await navigator.serviceWorker.register(SCRIPT, { type: "module" });
      const { active } = await navigator.serviceWorker.ready;
      return remoteTab(name, (question, port) => active?.postMessage(question, [port]));
    }
  }
}

/** The tab of a worker: each call goes there with a port for its answer. */
async function remoteTab(name: string, ask: (question: Question, port: MessagePort) => void): Promise<Tab> {
  const call = (method: string, args: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = ({ data }: MessageEvent<Answer>) => {
        if (data.kind === "value") resolve(data.value);
        else reject(new Error(data.error));
        port1.close();
      };
      ask({ name, method, args, port: port2 }, port2);
    });
  await call("role", []);
  return new Proxy({} as Tab, {
    // A promise that gives the tab must not take it for another promise.
    get: (_, method) => (method === "then" ? undefined : (...args: unknown[]) => call(String(method), args)),
  });
}

const parameters = new URLSearchParams(location.search);
const name = parameters.get("name") ?? "";
if (parameters.has("deaf"))
  document.addEventListener("freeze", (event) => event.stopImmediatePropagation(), { capture: true });
addEventListener("pageshow", ({ persisted }) => void (persisted && say({ type: "restored", name })));

declare global {
  var tab: Tab;
}
globalThis.tab = await openIn((parameters.get("place") ?? "page") as Place, name);
