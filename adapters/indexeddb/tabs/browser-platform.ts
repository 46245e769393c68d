/**
 * The browser as tabs see it: Web Locks, BroadcastChannel, the events of a page's life, and a clock that catches up after a sleep.
 * Everything is looked for at run time: pages and the three kinds of workers have different parts of it.
 */
import { HoldfastError } from "../../../core/errors.ts";
import { attentive, type Connectivity, type Host, oneAlarm, systemHost } from "../../../core/hub/host.ts";
import type { LifecycleEvent, TabPlatform } from "./platform.ts";

type Listen = (target: EventTarget | undefined, types: readonly string[], heard: () => void) => () => void;

const listen: Listen = (target, types, heard) => {
  for (const type of types) target?.addEventListener(type, heard);
  return () => {
    for (const type of types) target?.removeEventListener(type, heard);
  };
};

/** @throws HoldfastError with the code `platformUnsupported` where tabs cannot find each other. */
export function browserPlatform(): TabPlatform {
  const { navigator, BroadcastChannel } = globalThis;
  if (!navigator?.locks || !BroadcastChannel) {
    throw new HoldfastError(
      "platformUnsupported",
      `This browser has no ${navigator?.locks ? "BroadcastChannel" : "Web Locks (navigator.locks)"} here, by which tabs agree on who executes. Both need a secure context (https or localhost); browsers have had them since 2022. Serve the page securely, or open a TaskHub over an IndexedDbStore in one tab only.`,
    );
  }
  const { host, catchUp } = browserHost();
  return {
    host,
    locks: {
      request: (name, options, held) => navigator.locks.request(name, options, held),
    },
    openChannel: (name, heard) => {
      const channel = new BroadcastChannel(name);
      let isOpen = true;
      // Chromium hands messages to frozen pages too. What one begins there does not end: a read of the database would hold all tabs up.
      if (heard) channel.onmessage = ({ data }) => host.afterIo(() => isOpen && heard(data));
      return {
        post: (message) => channel.postMessage(message),
        close: () => {
          isOpen = false;
          channel.close();
        },
      };
    },
    onLifecycle: (heard) => onLifecycle(heard),
    catchUpTimers: catchUp,
  };
}

function onLifecycle(heard: (event: LifecycleEvent) => void): () => void {
  const page = globalThis.document as Document | undefined;
  const stops = [
    listen(page && globalThis, ["pagehide"], () => heard("left")),
    listen(page && globalThis, ["pageshow"], () => heard("returned")),
    listen(page, ["freeze"], () => heard("left")),
    listen(page, ["resume"], () => heard("returned")),
    listen(page, ["visibilitychange"], () => page?.visibilityState === "visible" && heard("woke")),
    listen(globalThis, ["online"], () => heard("woke")),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

/**
 * The host of a hub in a browser. Its timers are never early: they look at the clock. They may be late, in a hidden tab or after a sleep; `catchUp`
 * lets those that are overdue fire at once.
 */
export function browserHost(system: Host = systemHost()): { readonly host: Host; readonly catchUp: () => void } {
  const waiting = new Set<{ readonly dueAtMs: number; readonly fire: () => void }>();
  const delay: Host["delay"] = (delayMs, callback) => {
    const cancel = (): void => {
      waiting.delete(timer);
      cancelTimer();
    };
    const fire = (): void => {
      cancel();
      callback();
    };
    const timer = { dueAtMs: system.now() + delayMs, fire };
    const cancelTimer = system.delay(delayMs, fire);
    waiting.add(timer);
    return cancel;
  };
  const catchUp = (): void => {
    const nowMs = system.now();
    const due = [...waiting].filter(({ dueAtMs }) => dueAtMs <= nowMs).sort((a, b) => a.dueAtMs - b.dueAtMs);
    // One may cancel another.
    for (const timer of due) if (waiting.has(timer)) timer.fire();
  };
  const host: Host = {
    ...system,
    delay,
    wakeAt: oneAlarm(attentive(delay), () => system.now()),
    online: connectivity(),
  };
  return { host, catchUp };
}

/** The browser's word on the network. It may say that there is one when nothing can be reached; never the other way round. */
function connectivity(): Connectivity {
  return {
    isOnline: () => globalThis.navigator?.onLine !== false,
    onChange: (callback) => listen(globalThis, ["online", "offline"], callback),
  };
}
