/** A process that runs the hub: the production code over a host whose clock, alarms and event loop the world plays. When it dies nothing of it is heard any more. */
import type { Connectivity, Host } from "holdfast";
import { type HubStore, type Logger, TaskHub } from "holdfast";
import { ALARM_LOOK_MS } from "../../../core/limits.ts";
import type { Committer } from "../model/lifecycle.ts";
import { type FunctionPorts, functionsOf } from "../programs/functions.ts";
import { awaitNull } from "../replay/promises.ts";
import type { Execution } from "./execution.ts";
import type { Deployment, Settings } from "./settings.ts";
import type { Owner, World } from "./world.ts";

/** What a process is started with. */
export interface ProcessOptions {
  readonly name: string;
  readonly hubName: string;
  readonly deployment: Deployment;
  readonly settings: Settings;
  readonly ports: FunctionPorts;
  readonly store: (process: Process) => HubStore;
  readonly network: Network;
  readonly maxLiveInstances: number;
  readonly maxConcurrentActivities: number;
  /** Told when an error of the process is nobody's to handle. */
  readonly logger: Logger;
}

/** Payloads a hub of the simulation takes, in bytes; activities and clients exceed it now and then. */
export const PAYLOAD_BYTES_MAX = 20_000;

/** A network that comes and goes. */
export class Network implements Connectivity {
  readonly #watchers = new Set<() => void>();
  #isThere = true;

  isOnline(): boolean {
    return this.#isThere;
  }
  onChange(callback: () => void): () => void {
    this.#watchers.add(callback);
    return () => this.#watchers.delete(callback);
  }
  set(isThere: boolean): void {
    this.#isThere = isThere;
    for (const watcher of this.#watchers) watcher();
  }
}

export class Process implements Owner, Committer {
  readonly name: string;
  readonly hubName: string;
  isAlive = true;
  isFrozen = false;
  /** True once its hub has said that it is closed or fenced. */
  isStopped = false;
  /** True once its hub has been closed, to the end. */
  isClosed = false;
  /** True while the store has a commit of it to decide about. */
  isCommitting = false;
  epoch = 0;
  /** True once it was told that a commit had failed which had not: it does not know then what to stop. */
  isMisled = false;
  /** True once it waits for something that never comes: an answer of the store, or an alarm. */
  isStuck = false;
  hub: TaskHub | undefined;
  /** How far its clock is off, in ms. */
  skewMs = 0;
  /** The latest that its clock has ever shown, in ms. */
  latestMs = 0;
  readonly deployment: Deployment;
  /** False for code from before patches. */
  isUpgraded = false;
  /** Attempts of activities that may run at once. */
  placesMax = 0;
  /** Executions of activities under way, by attempt. */
  readonly running: Map<string, Execution> = new Map();
  /** Attempts that it has ever started, and how many commits there had been when it last did. */
  readonly begun: Map<string, number> = new Map();
  /** The place in the order of calls of the last attempt that it has started, by activity. */
  readonly lastCalled: Map<string, number> = new Map();
  readonly #deaths: (() => void)[] = [];
  readonly #world: World;
  #alarm: (() => void) | undefined;
  #armed: { readonly dueAtMs: number; readonly wake: () => void } | undefined;

  constructor(world: World, { name, hubName, deployment }: Pick<ProcessOptions, "name" | "hubName" | "deployment">) {
    this.#world = world;
    this.name = name;
    this.hubName = hubName;
    this.deployment = deployment;
  }

  /** Opens the hub; `undefined` when that fails, as it may when the store does. */
  async open({ settings, ports, store, network, hubName, ...options }: ProcessOptions): Promise<TaskHub> {
    const { programs, versioning } = this.deployment;
    this.isUpgraded = ports.isUpgraded;
    const { retention, onNonDeterminism } = settings;
    this.placesMax = options.maxConcurrentActivities;
    const hub = await TaskHub.open({
      name: hubName,
      store: store(this),
      functions: functionsOf(programs, ports),
      versioning,
      retention,
      onNonDeterminism,
      host: this.#host(network),
      maxLiveInstances: options.maxLiveInstances,
      maxConcurrentActivities: options.maxConcurrentActivities,
      logger: options.logger,
      limits: { payloadBytesMax: PAYLOAD_BYTES_MAX },
    });
    this.hub = hub;
    return hub;
  }

  /** The process is gone: nothing it was about to do is done. */
  die(why: string): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.#world.trace.say(`  ${this.name} dies: ${why}`);
    for (const perish of this.#deaths) perish();
  }

  /** Calls back at the moment of its death: for what goes with it. */
  whenDead(callback: () => void): void {
    this.#deaths.push(callback);
  }

  /** It is gone as well, some microtasks from now: in the middle of whatever its code does. */
  dieSoon(hops: number, why: string): void {
    void awaitNull(hops, false).then(() => this.die(why));
  }

  /** Its clock is set. An alarm notices that when it looks at the clock. */
  jump(ms: number): void {
    this.skewMs += ms;
    this.#world.trace.say(`  the clock of ${this.name} jumps by ${ms} ms`);
    const armed = this.#armed;
    const look = (): void => {
      if (armed && armed === this.#armed && !this.isStuck) this.#wakeAt(armed.dueAtMs, armed.wake);
    };
    this.#world.after(ALARM_LOOK_MS, `${this.name} looks at its clock`, look, this);
  }

  /** Its clock, as it reads it. */
  now(): number {
    const nowMs = Math.floor(this.#world.nowMs) + this.skewMs;
    this.latestMs = Math.max(this.latestMs, nowMs);
    return nowMs;
  }

  #host(online: Connectivity): Host {
    const world = this.#world;
    const ids = world.choices.about(`ids of ${this.name}`);
    const hex = (length: number): string => Array.from({ length }, () => ids.integer(0, 15).toString(16)).join("");
    return {
      now: () => this.now(),
      randomId: () => [8, 4, 4, 4, 12].map(hex).join("-"),
      afterMicrotasks: (callback) => world.whenQuiet(this, callback),
      afterIo: (callback) => {
        // Never in no time: what waits for something else would otherwise wait for ever.
        world.after(world.choices.fault("F37") ? 50 : 0.1, `${this.name} goes on`, callback, this);
      },
      delay: (delayMs, callback) => this.#delay(delayMs, callback),
      wakeAt: (dueAtMs, wake) => this.#wakeAt(dueAtMs, wake),
      online,
    };
  }

  #delay(delayMs: number, callback: () => void): () => void {
    const isEarly = delayMs >= 1 && this.#world.choices.fault("F38");
    return this.#world.after(isEarly ? delayMs - 0.5 : delayMs, `${this.name} timer`, callback, this);
  }

  #wakeAt(dueAtMs: number | undefined, wake: () => void): void {
    const { choices } = this.#world;
    this.#alarm?.();
    this.#alarm = undefined;
    this.#armed = dueAtMs === undefined ? undefined : { dueAtMs, wake };
    if (dueAtMs === undefined) return;
    const waitMs = Math.max(0, dueAtMs - this.now());
    if (choices.fault("F26")) {
      this.isStuck = true;
      this.#setAlarm(Math.max(waitMs, 10 * 86_400_000), "rings after having been lost", wake);
      return;
    }
    const shiftMs = choices.fault("F25") ? choices.about("late").pick([1, 50, 5_000]) : 0;
    const aheadMs = waitMs > 0 && choices.fault("F24") ? choices.about("early").integer(1, Math.ceil(waitMs)) : 0;
    this.#setAlarm(waitMs + shiftMs - aheadMs, "rings", wake);
    if (choices.fault("F27")) this.#world.after(waitMs + shiftMs + 1, `${this.name} alarm rings again`, wake, this);
  }

  /** An alarm that rings early does so because a clock of somebody else is ahead; the hub must look at its own. */
  #setAlarm(waitMs: number, what: string, wake: () => void): void {
    this.#alarm = this.#world.after(waitMs, `${this.name} alarm ${what}`, wake, this);
  }
}
