/** Options of the edge worker, and what front and object make of them. */
import { type Codec, defaultCodec, type SyncCodec } from "../core/codec/codec.ts";
import { InvalidArgumentError } from "../core/errors.ts";
import { Registry } from "../core/hub/registry.ts";
import type { TaskHubOptions } from "../core/index.ts";
import { limitsOf } from "../core/limits.ts";
import type { Logger } from "../core/logger.ts";
import { isPromise } from "../core/store/contract.ts";
import type { ManagementSettings } from "./api/call.ts";

/** Options of `defineTaskHubWorker`: those of a hub, and those of the HTTP edge. */
export interface TaskHubWorkerOptions<Env = unknown> extends Omit<TaskHubOptions, "name" | "store" | "env" | "host"> {
  /**
   * The key that callers must show, as `code` in the query or as `Authorization: Bearer`; the secret binding `TASK_HUB_KEY` unless given.
   * Without a key only requests to a loopback host are served.
   */
  readonly key?: string | ((env: Env) => string | undefined);
  /** What the addresses in answers begin with, when the worker is reached under another origin than it sees itself. */
  readonly publicUrl?: string;
  /** Origins whose pages may call the worker from a browser (CORS); none unless given. `"*"` is every origin. */
  readonly corsOrigins?: readonly string[];
}

/** The options, checked. */
export interface WorkerSettings<Env> extends ManagementSettings {
  readonly hub: Omit<TaskHubOptions, "name" | "store" | "env" | "host">;
  readonly corsOrigins: readonly string[];
  /** The key in use; `undefined` when there is none. */
  keyOf(env: Env): string | undefined;
}

/** Checks everything that can be wrong before the first request. @throws InvalidArgumentError */
export function settingsOf<Env>(options: TaskHubWorkerOptions<Env>): WorkerSettings<Env> {
  const { key, publicUrl, corsOrigins, ...hub } = options;
  if (key === "") {
    throw new InvalidArgumentError("`key` must not be empty. Leave it out to use the binding TASK_HUB_KEY.");
  }
  // Refuses functions that no hub could be opened with.
  new Registry(options.functions);
  const logger: Logger = options.logger ?? console;
  return {
    hub: { ...hub, logger },
    get codec() {
      return textCodecOf(options.codec);
    },
    logger,
    publicUrl: publicUrl === undefined ? undefined : baseOf(publicUrl),
    bodyBytesMax: limitsOf(options.limits).payloadBytesMax,
    corsOrigins: corsOrigins ?? [],
    keyOf: (env) => (typeof key === "function" ? key(env) : (key ?? boundKey(env))) || undefined,
  };
}

/**
 * The codec of the texts that a hub gives out in histories: its own when that answers at once with text; any other one works on the
 * store's side, below the default one. Not to be asked while the Worker is being loaded: a codec may need what is forbidden then.
 */
function textCodecOf(codec: Codec = defaultCodec): SyncCodec {
  const text = codec.encode(null);
  if (isPromise(text)) text.catch(() => {});
  return typeof text === "string" ? (codec as SyncCodec) : defaultCodec;
}

function boundKey(env: unknown): string | undefined {
  return (env as { readonly TASK_HUB_KEY?: string } | undefined)?.TASK_HUB_KEY;
}

function baseOf(publicUrl: string): string {
  const url = URL.canParse(publicUrl) ? new URL(publicUrl) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "") {
    return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
  }
  throw new InvalidArgumentError(
    `\`publicUrl\` must be an http or https address without query and fragment; got '${publicUrl}'.`,
  );
}
