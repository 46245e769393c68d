/**
 * The object of a hub: a Durable Object that holds one task hub over its own storage, and answers the management API for it.
 *
 * O1. The hub is opened by the first request or alarm and taken up where it stood; opening it writes nothing.
 * O2. Nothing is lost with the object's memory: whatever it held, a request or the alarm takes it up again from the storage.
 */
import { DurableObject } from "cloudflare:workers";
import type { Hono } from "hono";
import { DurableObjectStore } from "../adapters/durable-objects/index.ts";
import { systemHost, TaskHub } from "../core/index.ts";
import type { Logger } from "../core/logger.ts";
import type { ManagementEnv } from "./api/call.ts";
import { managementApi } from "./api/management-api.ts";
import { problemResponse } from "./api/problem.ts";
import { type AlarmPorts, ObjectAlarm } from "./object-alarm.ts";
import { objectHost } from "./object-host.ts";
import type { WorkerSettings } from "./options.ts";

/** The class of hub objects, as a Worker's entry exports it under the name `TaskHubObject`. */
export type TaskHubObjectClass<Env> = new (ctx: DurableObjectState, env: Env) => DurableObject<Env>;

/** An id that no instance is likely to have: asked for to see whether a hub still answers. */
const PROBE_ID = "holdfast:probe";

/** The class, for one set of functions. */
export function taskHubObjectClass<Env>(settings: WorkerSettings<Env>): TaskHubObjectClass<Env> {
  const api = managementApi(settings);
  return class TaskHubObject extends HubObject<Env> {
    constructor(ctx: DurableObjectState, env: Env) {
      super(ctx, env, settings, api);
    }
  };
}

class HubObject<Env> extends DurableObject<Env> {
  readonly #settings: WorkerSettings<Env>;
  readonly #api: Hono<ManagementEnv>;
  readonly #alarm: ObjectAlarm;
  #opening: Promise<TaskHub> | undefined;

  constructor(ctx: DurableObjectState, env: Env, settings: WorkerSettings<Env>, api: Hono<ManagementEnv>) {
    super(ctx, env);
    this.#settings = settings;
    this.#api = api;
    this.#alarm = new ObjectAlarm(alarmPorts(ctx, settings.logger));
  }

  /** Answers one request of the management API. The front has let it in. */
  override async fetch(request: Request): Promise<Response> {
    try {
      const hub = await this.#hub();
      const call = { client: hub, taskHub: hub.name, code: this.#settings.keyOf(this.env) };
      const response = await this.#api.fetch(request, call);
      if (response.status >= 500) await this.#forgetStopped(hub);
      return response;
    } catch (error) {
      return problemResponse(error, this.#settings.logger);
    }
  }

  /** Takes up what is due or outstanding. Never throws. */
  override async alarm(info?: AlarmInvocationInfo): Promise<void> {
    await this.#alarm.goOff(info?.scheduledTime ?? Date.now(), async () => {
      await this.#forgetStopped(await this.#hub());
      await this.#hub();
    });
  }

  /** The hub, opened if need be. A failed opening is tried again by the next caller. */
  #hub(): Promise<TaskHub> {
    this.#opening ??= this.#open().catch((error) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #open(): Promise<TaskHub> {
    const { name } = this.ctx.id;
    if (name === undefined) throw new Error("A task hub object is reached by name: its id has none.");
    await this.#alarm.prepare();
    return TaskHub.open({
      ...this.#settings.hub,
      name,
      store: new DurableObjectStore(this.ctx.storage),
      env: this.env,
      host: objectHost(this.#alarm),
    });
  }

  /** Lets the next caller open the hub anew when this one takes nothing more: then it rejects every call with the reason. */
  async #forgetStopped(hub: TaskHub): Promise<void> {
    try {
      await hub.getOrchestrationState(PROBE_ID, { fetchPayloads: false });
    } catch (error) {
      this.#settings.logger.error("A task hub has stopped; it is opened again.", {
        reason: String(error),
      });
      this.#opening = undefined;
    }
  }
}

function alarmPorts(ctx: DurableObjectState, logger: Logger): AlarmPorts {
  return {
    now: () => Date.now(),
    getAlarm: () => ctx.storage.getAlarm(),
    setAlarm: (atMs) => ctx.storage.setAlarm(atMs),
    delay: systemHost().delay,
    waitUntil: (promise) => ctx.waitUntil(promise),
    failed: (what, error) => logger.error(what, { error: String(error) }),
  };
}
