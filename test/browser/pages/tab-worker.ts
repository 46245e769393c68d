/** The script of a worker of any kind: opens the hub when it is first asked something, and answers each question on the port that came with it. */
import { Tab } from "./tab.ts";

export interface Question {
  /** Of the tab, as the test knows it. */
  readonly name: string;
  readonly method: string;
  readonly args: readonly unknown[];
  readonly port: MessagePort;
}
export type Answer =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "error"; readonly error: string };

let tab: Promise<Tab> | undefined;

async function answer({ name, method, args }: Question): Promise<Answer> {
  try {
    tab ??= Tab.open(name);
    const asked = (await tab) as unknown as Record<string, (...args: readonly unknown[]) => unknown>;
    return { kind: "value", value: await asked[method]?.(...args) };
  } catch (error) {
    return { kind: "error", error: String((error as Error)?.stack ?? error) };
  }
}

function asked(event: Event): void {
  // In a service worker `waitUntil` keeps it alive meanwhile.
  const { data, waitUntil } = event as MessageEvent<Question> & { waitUntil?(work: Promise<void>): void };
  if (!data?.port) return;
  const work = answer(data).then((given) => data.port.postMessage(given));
  waitUntil?.call(event, work);
}

addEventListener("message", asked);
addEventListener("connect", (event) => {
  const [port] = (event as MessageEvent).ports;
  port?.addEventListener("message", asked);
  port?.start();
});
