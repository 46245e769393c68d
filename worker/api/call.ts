/** One call of the management API: what it is about, and how routes look at it. */
import type { Context } from "hono";
import type { OrchestrationState, TaskHubClient } from "../../core/client/client.ts";
import type { SyncCodec } from "../../core/codec/codec.ts";
import { InstanceNotFoundError } from "../../core/errors.ts";
import { checkInstanceId } from "../../core/identity.ts";
import type { Logger } from "../../core/logger.ts";
import { CODEC_MEDIA_TYPE } from "./body.ts";
import { stateInCodecForm, wantsCodecForm } from "./codec-form.ts";
import type { Address } from "./management-uris.ts";
import { statusJson } from "./status-json.ts";

/** What the routes need to know, whatever the call. */
export interface ManagementSettings {
  /** Of the texts that the hub gives and takes as payloads. */
  readonly codec: SyncCodec;
  readonly logger: Logger;
  /** Origin in the addresses that are handed out; the request's own unless given. */
  readonly publicUrl?: string | undefined;
  /** Largest body, in bytes. */
  readonly bodyBytesMax: number;
}

/** What a call brings along. */
export interface ManagementCall {
  /** The hub it is about. */
  readonly client: TaskHubClient;
  readonly taskHub: string;
  /** The key, for the addresses that are handed out; `undefined` when there is none. */
  readonly code?: string | undefined;
}

/** The environment of the routes, as hono types it. */
export interface ManagementEnv {
  Bindings: ManagementCall;
}
type CallContext<Path extends string> = Context<ManagementEnv, Path>;

/**
 * The instance id in the path.
 * @throws InvalidInstanceIdError
 */
export function instanceIdOf(c: CallContext<"/instances/:id">): string {
  const id = c.req.param("id");
  checkInstanceId(id);
  return id;
}

/**
 * The instance as it is now.
 * @throws InstanceNotFoundError
 */
export async function existing(
  client: TaskHubClient,
  id: string,
  options?: { readonly fetchPayloads: boolean },
): Promise<OrchestrationState> {
  const state = await client.getOrchestrationState(id, options);
  if (state) return state;
  throw new InstanceNotFoundError(id);
}

/** What the addresses in the answer to a call are made of. */
export function addressOf(c: CallContext<string>, settings: ManagementSettings): Address {
  return { origin: originOf(c.req.url, settings), taskHub: c.env.taskHub, code: c.env.code };
}

/** The address that was asked for, as the outside world knows it. */
export function requestUri(c: CallContext<string>, settings: ManagementSettings): string {
  const { pathname, search } = new URL(c.req.url);
  return `${originOf(c.req.url, settings)}${pathname}${search}`;
}

function originOf(url: string, { publicUrl }: ManagementSettings): string {
  return publicUrl ?? new URL(url).origin;
}

/** An instance in the form that the caller accepts: plain JSON, or with payloads as the codec's own text. */
export function instanceResponse(
  c: CallContext<string>,
  settings: ManagementSettings,
  states: OrchestrationState | readonly OrchestrationState[],
  answer: {
    readonly status?: 200 | 202 | 500;
    readonly showInput?: boolean;
    readonly more?: object;
    readonly headers?: Record<string, string>;
  } = {},
): Response {
  const isCodecForm = wantsCodecForm(c.req.raw);
  const form = (state: OrchestrationState): object => ({
    ...(isCodecForm ? stateInCodecForm(state, settings.codec) : statusJson(state, answer.showInput ?? true)),
    ...answer.more,
  });
  const body = Array.isArray(states) ? states.map(form) : form(states as OrchestrationState);
  const headers = { ...answer.headers, "Content-Type": isCodecForm ? CODEC_MEDIA_TYPE : "application/json" };
  return c.body(JSON.stringify(body), answer.status ?? 200, headers);
}
