/** The script of a worker of any kind: runs a journey when it is asked to, and answers on the port that came with the question. */
import { runJourney } from "./run-journey.ts";

interface Question extends MessageEvent<{ readonly index: number; readonly port: MessagePort }> {
  /** In a service worker: keeps it alive meanwhile. */
  waitUntil?(work: Promise<void>): void;
}

function asked(event: Event): void {
  const { data, waitUntil } = event as Question;
  if (!data?.port) return;
  const work = runJourney(data.index).then(
    (run) => data.port.postMessage(run),
    (error: unknown) => data.port.postMessage({ error: String((error as Error)?.stack ?? error) }),
  );
  waitUntil?.call(event, work);
}

addEventListener("message", asked);
addEventListener("connect", (event) => {
  const [port] = (event as MessageEvent).ports;
  port?.addEventListener("message", asked);
  port?.start();
});
