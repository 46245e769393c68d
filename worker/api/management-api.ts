/**
 * The HTTP management API of a task hub, over any `TaskHubClient`: routes, validation, and errors as answers. It knows neither keys nor
 * Durable Objects; whoever calls it has let the request in and brings the client (`ManagementCall`).
 *
 * Source: the HTTP API of Durable Functions, under the same path.
 */
import { Hono } from "hono";
import type { ManagementEnv, ManagementSettings } from "./call.ts";
import { entityRoutes } from "./entity-routes.ts";
import { commandRoutes, startRoutes, stateRoutes } from "./instance-routes.ts";
import { listingRoutes } from "./listing-routes.ts";
import { MANAGEMENT_PATH } from "./management-uris.ts";
import { problemResponse } from "./problem.ts";
import { RequestError } from "./request-error.ts";

/** The API as a hono app: `api.fetch(request, call)`. */
export function managementApi(settings: ManagementSettings): Hono<ManagementEnv> {
  const api = new Hono<ManagementEnv>();
  api.onError((error) => problemResponse(error, settings.logger));
  api.notFound((c) => problemResponse(noRoute(c.req.method), settings.logger));
  return api
    .route(MANAGEMENT_PATH, startRoutes(settings))
    .route(MANAGEMENT_PATH, stateRoutes(settings))
    .route(MANAGEMENT_PATH, commandRoutes(settings))
    .route(MANAGEMENT_PATH, listingRoutes(settings))
    .route(MANAGEMENT_PATH, entityRoutes(settings));
}

/** What a request with an unknown path or method is told. */
export function noRoute(method: string): RequestError {
  const message = `There is nothing at this address for ${method}. The management API is under ${MANAGEMENT_PATH}.`;
  return new RequestError("routeNotFound", message);
}
