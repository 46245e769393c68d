/** Puts a hub's parts together over a store. */
import { type Codec, defaultCodec, type SyncCodec } from "../codec/codec.ts";
import type { FunctionDefinition } from "../definition/definitions.ts";
import { InvalidArgumentError } from "../errors.ts";
import { type EgressOptions, EgressPolicy } from "../http/egress.ts";
import { httpRequestActivity } from "../http/exchange.ts";
import { type Fetch, platformFetch } from "../http/fetch.ts";
import { checkHttpRequest } from "../http/request.ts";
import { isTaskHubName } from "../identity.ts";
import { type Limits, limitsOf } from "../limits.ts";
import { harmlessLogger, type Logger, silentLogger } from "../logger.ts";
import type { RunPorts } from "../replay/ports.ts";
import { OrchestratorRun } from "../replay/run.ts";
import { scheduleEntity } from "../schedules/entity.ts";
import { type HubStore, isPromise } from "../store/contract.ts";
import { MemoryStore } from "../store/memory.ts";
import { Engine } from "./engine.ts";
import type { EngineOptions } from "./engine-ports.ts";
import { type Host, systemHost } from "./host.ts";
import { Payloads } from "./payloads.ts";
import type { ReceiptBooks } from "./receipts.ts";
import { Registry } from "./registry.ts";
import { Retention, type RetentionOptions, retentionPeriods } from "./retention.ts";
import { SealedStore } from "./sealed-store.ts";
import type { VersioningOptions } from "./versioning.ts";

/** How a hub is opened. */
export interface TaskHubOptions {
  /** 1–64 letters, digits, `-`, `_`; `"default"` unless given. Hubs of one store are kept apart by it. */
  readonly name?: string;
  /** Where the hub is kept; a new `MemoryStore` unless given. */
  readonly store?: HubStore;
  readonly functions: readonly FunctionDefinition[];
  /** How payloads are stored; `defaultCodec` unless given. One that answers with promises (an encrypting one, say) works too. */
  readonly codec?: Codec;
  readonly logger?: Logger;
  /** Activities that run at once in this hub. */
  readonly maxConcurrentActivities?: number;
  /** Orchestrators kept live in memory. */
  readonly maxLiveInstances?: number;
  readonly limits?: Partial<Limits>;
  /** What becomes of an instance whose history its code no longer fits: it fails (unless given), or is suspended until it fits again. */
  readonly onNonDeterminism?: "fail" | "suspend";
  /** For development: every turn is run again from scratch, with another clock and other random numbers, and compared. A difference is reported with the places of both steps. */
  readonly checkDeterminism?: boolean;
  readonly versioning?: VersioningOptions;
  /** How long finished instances are kept; for ever unless given. They are deleted by the hub itself then. */
  readonly retention?: RetentionOptions;
  /** Host resources that activities and entities see as `ctx.env`. */
  readonly env?: unknown;
  /** What `callHttp` may reach: public addresses unless given. */
  readonly egress?: EgressOptions;
  /** Makes the requests of `callHttp`; the platform's own `fetch` unless given. */
  readonly fetch?: Fetch;
  /** Clock and event loop; the platform's own unless given. */
  readonly host?: Host;
}

/**
 * Opens the store and claims the hub; nothing runs before `recover`.
 * @throws InvalidArgumentError for options that make no sense.
 */
export async function openEngine(options: TaskHubOptions, receipts?: ReceiptBooks): Promise<Engine> {
  const hubName = options.name ?? "default";
  if (!isTaskHubName(hubName)) {
    throw new InvalidArgumentError(`'${String(hubName)}' is not a task hub name: 1–64 letters, digits, '-' or '_'.`);
  }
  const logger = options.logger ? harmlessLogger(options.logger) : silentLogger;
  const onNonDeterminism = oneOf(options.onNonDeterminism, ["fail", "suspend"], "onNonDeterminism");
  const versioning = checkVersioning(options.versioning ?? {});
  const periods = retentionPeriods(options.retention ?? {});
  const limits = limitsOf({
    ...options.limits,
    ...(options.maxConcurrentActivities !== undefined && { concurrentActivitiesMax: options.maxConcurrentActivities }),
    ...(options.maxLiveInstances !== undefined && { liveInstancesMax: options.maxLiveInstances }),
  });
  const codec = options.codec ?? defaultCodec;
  const isDirect = isSyncCodec(codec);
  const payloads = new Payloads(isDirect ? codec : defaultCodec, limits);
  const store = options.store ?? new MemoryStore();
  const host = options.host ?? systemHost();
  const http = httpRequestActivity({
    fetch: options.fetch ?? platformFetch,
    egress: new EgressPolicy(options.egress),
    contentBytesMax: limits.payloadBytesMax,
    now: () => host.now(),
  });
  const registry = new Registry(options.functions, [http, scheduleEntity(() => engine)]);
  const session = await (isDirect ? store : new SealedStore(store, codec)).open(hubName);
  const checksDeterminism = options.checkDeterminism ?? false;
  const ports = runPorts(registry, payloads, logger);
  const newRun: EngineOptions["newRun"] = ({ instanceId, callSites }, onViolation, isStrict = false) => {
    const noted = checksDeterminism ? callSites : undefined;
    return new OrchestratorRun(ports, { instanceId, isStrict, callSites: noted, onViolation });
  };
  const engine: Engine = new Engine({
    hubName,
    session,
    host,
    registry,
    payloads,
    limits,
    logger,
    env: options.env,
    onNonDeterminism,
    checksDeterminism,
    versioning,
    retention: new Retention(session, periods),
    ...(receipts && { receipts }),
    newRun,
  });
  return engine;
}

/** True for a codec that gives text at once; it then works on the hub's side, and values never wait for it. */
export function isSyncCodec(codec: Codec): codec is SyncCodec {
  const text = codec.encode(null);
  if (isPromise(text)) text.catch(() => {});
  return typeof text === "string" && !isPromise(codec.decode(text));
}

function checkVersioning(versioning: VersioningOptions): VersioningOptions {
  oneOf(versioning.match, ["none", "strict", "currentOrOlder"], "versioning.match");
  oneOf(versioning.onMismatch, ["reject", "fail"], "versioning.onMismatch");
  return versioning;
}

/** The value, or the first choice when it was not given. @throws InvalidArgumentError for anything else */
function oneOf<const T extends string>(value: T | undefined, choices: readonly [T, ...T[]], what: string): T {
  if (value === undefined) return choices[0];
  if (choices.includes(value)) return value;
  throw new InvalidArgumentError(`${what} must be one of ${choices.join(", ")}; got '${String(value)}'.`);
}

/** What replay sees of a hub. */
export function runPorts(registry: Registry, payloads: Payloads, logger: Logger): RunPorts {
  return {
    logger,
    orchestrator: (name, version) => registry.orchestrator(name, version),
    activity: (name, version) => registry.activity(name, version),
    encode: (value) => payloads.encode(value),
    decode: (text) => payloads.decode(text),
    encodeStatus: (value) => payloads.encodeStatus(value),
    checkInput: (definition, input) => payloads.checkInputNow(definition, input),
    httpRequest: checkHttpRequest,
    encodeOutput: (definition, value) => {
      const checked = payloads.checkOutput(definition, value);
      return isPromise(checked)
        ? checked.then((result) => payloads.encodeOptional(result))
        : payloads.encodeOptional(checked);
    },
  };
}
