/** Routes of one instance: start it, ask for it, send it something, end it. Source: the HTTP API of Durable Functions. */
import { Hono } from "hono";
import { type HoldfastError, InstanceNotFoundError, InstanceNotRunningError } from "../../core/errors.ts";
import { checkInstanceId } from "../../core/identity.ts";
import { payloadOf, readBody, refuseOtherThanJson } from "./body.ts";
import {
  existing,
  instanceIdOf,
  instanceResponse,
  type ManagementCall,
  type ManagementEnv,
  type ManagementSettings,
  requestUri,
} from "./call.ts";
import { historyJson } from "./history-json.ts";
import { QueryParameters } from "./query-parameters.ts";
import { RequestError } from "./request-error.ts";
import { startedResponse, waitOf } from "./started-response.ts";
import { isFinal } from "./status-json.ts";

/** Seconds after which it makes sense to ask again for the status of what still runs. */
const RETRY_AFTER_SECONDS = 5;

/** `POST /orchestrators/{name}/{instanceId?}` and `POST /instances/{id}/restart`: what begins an instance. */
export function startRoutes(settings: ManagementSettings): Hono<ManagementEnv> {
  return new Hono<ManagementEnv>()
    .post("/orchestrators/:name/:instanceId?", async (c) => {
      const wait = waitOf(new QueryParameters(c.req.url));
      const instanceId = c.req.param("instanceId");
      if (instanceId !== undefined) checkInstanceId(instanceId);
      const input = payloadOf(await readBody(c.req.raw, settings.bodyBytesMax), settings.codec);
      const options = instanceId === undefined ? {} : { instanceId };
      const id = await c.env.client.scheduleNewOrchestration(c.req.param("name"), input, options);
      return startedResponse(c, settings, id, wait);
    })
    .post("/instances/:id/restart", async (c) => {
      const query = new QueryParameters(c.req.url);
      const wait = waitOf(query);
      const isNewInstance = query.flag("restartWithNewInstanceId", true);
      const id = instanceIdOf(c);
      if (!(await c.env.client.getOrchestrationState(id, { fetchPayloads: false }))) {
        throw new RequestError("invalidRequest", "InstanceId does not match a valid orchestration instance.");
      }
      const newId = await c.env.client.restartOrchestration(id, isNewInstance ? { newInstanceId: true } : {});
      return startedResponse(c, settings, newId, wait);
    });
}

/** `GET /instances/{id}` and `DELETE /instances/{id}`. */
export function stateRoutes(settings: ManagementSettings): Hono<ManagementEnv> {
  return new Hono<ManagementEnv>()
    .get("/instances/:id", async (c) => {
      const query = new QueryParameters(c.req.url);
      const showInput = query.flag("showInput", true);
      const showHistory = query.flag("showHistory", false);
      const detail = { showInput, showOutput: query.flag("showHistoryOutput", false) };
      const failureIsServerError = query.flag("returnInternalServerErrorOnFailure", false);
      const id = instanceIdOf(c);
      const state = await existing(c.env.client, id);
      const history = showHistory && (await c.env.client.getOrchestrationHistory(id));
      const more = history ? { historyEvents: historyJson(history, detail, settings.codec) } : {};
      if (isFinal(state.runtimeStatus)) {
        const isServerError = failureIsServerError && state.runtimeStatus === "Failed";
        return instanceResponse(c, settings, state, { status: isServerError ? 500 : 200, showInput, more });
      }
      const headers = { Location: requestUri(c, settings), "Retry-After": String(RETRY_AFTER_SECONDS) };
      return instanceResponse(c, settings, state, { status: 202, showInput, more, headers });
    })
    .delete("/instances/:id", async (c) => {
      const recursive = new QueryParameters(c.req.url).flag("recursive", false);
      const id = instanceIdOf(c);
      const { deletedInstanceCount } = await c.env.client.purgeOrchestration(id, { recursive });
      if (deletedInstanceCount === 0) throw await notPurged(c.env, id);
      return c.json({ instancesDeleted: deletedInstanceCount });
    });
}

/** Why nothing was purged. */
async function notPurged({ client }: ManagementCall, id: string): Promise<HoldfastError> {
  const state = await client.getOrchestrationState(id, { fetchPayloads: false });
  if (!state) return new InstanceNotFoundError(id);
  const message = `The instance '${id}' is ${state.runtimeStatus}. Only finished instances can be purged: terminate it first.`;
  return new RequestError("instanceStillRunning", message);
}

/** `POST /instances/{id}/…`: events and commands. Each answers 202 once it is durable. */
export function commandRoutes(settings: ManagementSettings): Hono<ManagementEnv> {
  return new Hono<ManagementEnv>()
    .post("/instances/:id/raiseEvent/:eventName", async (c) => {
      const eventId = new QueryParameters(c.req.url).text("eventId");
      const id = instanceIdOf(c);
      const body = await readBody(c.req.raw, settings.bodyBytesMax);
      const { runtimeStatus } = await existing(c.env.client, id, { fetchPayloads: false });
      if (isFinal(runtimeStatus)) throw new InstanceNotRunningError(id, runtimeStatus);
      refuseOtherThanJson(body);
      const data = payloadOf(body, settings.codec);
      const options = eventId === undefined ? {} : { eventId };
      await c.env.client.raiseOrchestrationEvent(id, c.req.param("eventName"), data, options);
      return c.body(null, 202);
    })
    .post("/instances/:id/terminate", async (c) => {
      const query = new QueryParameters(c.req.url);
      const reason = query.text("reason");
      const recursive = query.flag("recursive", false);
      const options = { recursive, ...(reason !== undefined && { output: reason }) };
      await c.env.client.terminateOrchestration(instanceIdOf(c), options);
      return c.body(null, 202);
    })
    .post("/instances/:id/suspend", async (c) => {
      await c.env.client.suspendOrchestration(instanceIdOf(c), new QueryParameters(c.req.url).text("reason"));
      return c.body(null, 202);
    })
    .post("/instances/:id/resume", async (c) => {
      await c.env.client.resumeOrchestration(instanceIdOf(c), new QueryParameters(c.req.url).text("reason"));
      return c.body(null, 202);
    })
    .post("/instances/:id/rewind", async (c) => {
      const id = instanceIdOf(c);
      const { runtimeStatus } = await existing(c.env.client, id, { fetchPayloads: false });
      const cannotBeRewound = isFinal(runtimeStatus) && runtimeStatus !== "Failed";
      if (cannotBeRewound) throw new InstanceNotRunningError(id, runtimeStatus);
      await c.env.client.rewindOrchestration(id, new QueryParameters(c.req.url).text("reason"));
      return c.body(null, 202);
    });
}
