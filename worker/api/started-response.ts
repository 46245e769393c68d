/** The answer to a start: the addresses of the instance at once, or its result if that comes in time. */
import type { Context } from "hono";
import type { OrchestrationState } from "../../core/client/client.ts";
import { toJsonForm } from "../../core/codec/codec.ts";
import { HoldfastError } from "../../core/errors.ts";
import { addressOf, instanceResponse, type ManagementEnv, type ManagementSettings } from "./call.ts";
import { wantsCodecForm } from "./codec-form.ts";
import { managementPayload } from "./management-uris.ts";
import type { QueryParameters } from "./query-parameters.ts";
import { RequestError } from "./request-error.ts";

/** Seconds after which it makes sense to ask for the status of what has just been started. */
const RETRY_AFTER_SECONDS = 10;

/** How long the caller wants to wait for the result. */
export interface Wait {
  readonly timeoutMs: number;
  readonly failureIsServerError: boolean;
}

/**
 * Reads `timeout`, `pollingInterval` and `returnInternalServerErrorOnFailure`; `undefined` when the caller does not wait. The result is
 * told as soon as it is there: nothing is polled, whatever the interval.
 * @throws RequestError `invalidRequest`, for an interval longer than the timeout too.
 */
export function waitOf(query: QueryParameters): Wait | undefined {
  const timeoutMs = query.secondsMs("timeout");
  const pollingIntervalMs = query.secondsMs("pollingInterval");
  const failureIsServerError = query.flag("returnInternalServerErrorOnFailure", false);
  if (timeoutMs === undefined) return undefined;
  if (pollingIntervalMs !== undefined && pollingIntervalMs > timeoutMs) {
    const message = "The parameter 'pollingInterval' is longer than 'timeout'. Give a shorter interval, or none.";
    throw new RequestError("invalidRequest", message);
  }
  return { timeoutMs, failureIsServerError };
}

/** Answers with what came of the instance if that is known in time, and with its addresses otherwise. */
export async function startedResponse(
  c: Context<ManagementEnv>,
  settings: ManagementSettings,
  id: string,
  wait: Wait | undefined,
): Promise<Response> {
  const state = wait && (await completionWithin(c, id, wait.timeoutMs));
  if (!state) return addressesResponse(c, settings, id);
  if (state.runtimeStatus === "Completed" && !wantsCodecForm(c.req.raw)) {
    return c.body(JSON.stringify(toJsonForm(state.output)), 200, { "Content-Type": "application/json" });
  }
  const isServerError = wait?.failureIsServerError && state.runtimeStatus === "Failed";
  return instanceResponse(c, settings, state, { status: isServerError ? 500 : 200 });
}

async function completionWithin(
  c: Context<ManagementEnv>,
  id: string,
  timeoutMs: number,
): Promise<OrchestrationState | undefined> {
  try {
    return await c.env.client.waitForOrchestrationCompletion(id, { timeoutMs });
  } catch (error) {
    if (error instanceof HoldfastError && error.code === "timeout") return undefined;
    throw error;
  }
}

function addressesResponse(c: Context<ManagementEnv>, settings: ManagementSettings, id: string): Response {
  const payload = managementPayload(id, addressOf(c, settings));
  return c.json(payload, 202, { Location: payload.statusQueryGetUri, "Retry-After": String(RETRY_AFTER_SECONDS) });
}
