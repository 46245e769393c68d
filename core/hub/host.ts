/**
 * The host of a hub: its clock, its randomness and its event loop, as a port, so that the same hub runs in Node, a page, a Worker,
 * and in tests on virtual time.
 *
 * P1. `afterMicrotasks` calls back only when no microtask is left, whatever number of them the running code chains (see run.ts, R1).
 * P2. `wakeAt` never wakes early; it may wake late or more than once. It goes by the clock: within `ALARM_LOOK_MS` of one that has jumped. `delay` may be early, by a part of a millisecond or after a part of a
 *     very long delay; what must not be uses `callAt`.
 */
import { ALARM_LOOK_MS, HOST_TIMER_MS_MAX } from "../limits.ts";

export interface Host {
  /** Milliseconds since 1970. */
  now(): number;
  /** A random UUID (version 4). */
  randomId(): string;
  /** Calls back when the microtask queue has run empty. */
  afterMicrotasks(callback: () => void): void;
  /** Calls back after other work of the host (I/O, timers, requests) has had its turn. */
  afterIo(callback: () => void): void;
  /** Calls back once after `delayMs`; gives what cancels it. */
  delay(delayMs: number, callback: () => void): () => void;
  /** Calls `wake` at or after `dueAtMs`, even after a restart where the host can. A later call replaces an earlier one; `undefined` clears it. */
  wakeAt(dueAtMs: number | undefined, wake: () => void): void;
  /** Whether the network can be reached; absent where it always can. Activities with `requires: "network"` wait for it. */
  readonly online?: Connectivity;
  /** Told when activities begin to run and when none is left: some hosts must be kept awake meanwhile. */
  working?(isWorking: boolean): void;
}

/** Knows whether the network can be reached. */
export interface Connectivity {
  isOnline(): boolean;
  /** Calls back after every change; gives what ends that. */
  onChange(callback: () => void): () => void;
}

/**
 * A new UUID that begins with the time (version 7): what is made together lies together in a store that keeps ids in order, which makes
 * writing many instances several times cheaper.
 */
export function timeOrderedId(host: Pick<Host, "now" | "randomId">): string {
  const time = Math.trunc(host.now()).toString(16).padStart(TIME_DIGITS, "0");
  return `${time.slice(0, 8)}-${time.slice(8, TIME_DIGITS)}-7${host.randomId().slice(15)}`;
}

/** Hexadecimal digits of the milliseconds since 1970 in a UUID. */
const TIME_DIGITS = 12;

/** What of the platform the system host uses; all of it is looked for at run time. */
interface Platform {
  readonly navigator?: { readonly userAgent?: string };
  readonly process?: { readonly release?: { readonly name?: string }; readonly nextTick?: Schedule };
  readonly Bun?: unknown;
  readonly Deno?: unknown;
  readonly crypto?: { getRandomValues(bytes: Uint8Array): Uint8Array; randomUUID?: () => string };
  readonly setImmediate?: (callback: () => void) => unknown;
  readonly scheduler?: { readonly postTask?: (callback: () => void) => Promise<void> };
  readonly MessageChannel?: new () => { readonly port1: Port; readonly port2: Port };
  readonly Response?: new (body: string) => { text(): Promise<string> };
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
}
interface Port {
  onmessage: (() => void) | null;
  postMessage(message: null): void;
}
type Schedule = (callback: () => void) => void;

/** The host a hub has unless it is given another: the platform's own clock and timers. */
export function systemHost(): Host {
  const platform = globalThis as unknown as Platform;
  const delay = (delayMs: number, callback: () => void): (() => void) => {
    const timer = platform.setTimeout(callback, Math.min(delayMs, HOST_TIMER_MS_MAX));
    return () => platform.clearTimeout(timer);
  };
  return {
    now: () => Date.now(),
    randomId: () => randomUuid(platform),
    ...eventLoop(platform),
    delay,
    wakeAt: oneAlarm(attentive(delay)),
  };
}

/**
 * The cheapest way out of the microtask queue on each platform. Node: a tick (0.3 µs). workerd: reading a body goes through the event loop (10 µs), while its
 * message channels and immediates do not wait for microtasks or are as slow as timers. Browsers: a posted task or a message channel (5–10 µs).
 */
function eventLoop(platform: Platform): { afterMicrotasks: Schedule; afterIo: Schedule } {
  const timer: Schedule = (callback) => void platform.setTimeout(callback, 0);
  const { Response, scheduler, setImmediate } = platform;
  if (platform.navigator?.userAgent === "Cloudflare-Workers" && Response) {
    return { afterMicrotasks: (callback) => void new Response("x").text().then(callback), afterIo: timer };
  }
  if (setImmediate) return { afterMicrotasks: nextTicks(platform) ?? setImmediate, afterIo: setImmediate };
  const task: Schedule = scheduler?.postTask
    ? (callback) => void scheduler.postTask?.(callback)
    : platform.MessageChannel
      ? messages(platform.MessageChannel)
      : timer;
  return { afterMicrotasks: task, afterIo: task };
}

/**
 * In Node a tick that is queued from a microtask runs when the microtask queue is empty. (Queued from elsewhere it would run before, hence the hop.)
 * Ticks keep I/O waiting; the engine yields to it between commits. Other platforms that offer `nextTick` order it differently.
 */
function nextTicks({ process, Bun, Deno }: Platform): Schedule | undefined {
  const nextTick = process?.nextTick;
  if (process?.release?.name !== "node" || !nextTick || Bun || Deno) return undefined;
  return (callback) => void Promise.resolve().then(() => nextTick(callback));
}

/** Macrotasks by way of one message channel, which is not slowed down as nested timers are. */
function messages(MessageChannel: NonNullable<Platform["MessageChannel"]>): Schedule {
  const { port1, port2 } = new MessageChannel();
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()?.();
  return (callback) => {
    waiting.push(callback);
    port2.postMessage(null);
  };
}

/** Calls back once, at or after an instant and never before it, however far away it is. Gives what cancels it. */
export function callAt(host: Pick<Host, "delay" | "now">, dueAtMs: number, callback: () => void): () => void {
  let cancel = (): void => {};
  const wait = (): void => {
    const waitMs = Math.max(0, dueAtMs - host.now());
    cancel = host.delay(waitMs, () => (host.now() >= dueAtMs ? callback() : wait()));
  };
  wait();
  return () => cancel();
}

/** Delays after which an alarm looks at the clock: it may have gone on by more, or by less, than the platform's timers know. */
export function attentive(delay: Host["delay"]): Host["delay"] {
  return (delayMs, callback) => delay(Math.min(delayMs, ALARM_LOOK_MS), callback);
}

/** One alarm over one-shot timers, which may end before their time. */
export function oneAlarm(delay: Host["delay"], now: () => number = () => Date.now()): Host["wakeAt"] {
  let cancel: (() => void) | undefined;
  return (dueAtMs, wake) => {
    cancel?.();
    cancel = dueAtMs === undefined ? undefined : callAt({ delay, now }, dueAtMs, wake);
  };
}

function randomUuid(platform: Platform): string {
  if (platform.crypto?.randomUUID) return platform.crypto.randomUUID();
  const bytes = platform.crypto?.getRandomValues(new Uint8Array(16)) ?? new Uint8Array(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
