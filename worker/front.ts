/** The front of the worker: lets requests in, and hands each to the object of its hub. It reads no body and keeps no state. */
import { type Context, Hono, type MiddlewareHandler, type Next } from "hono";
import { cors } from "hono/cors";
import { secureHeaders } from "hono/secure-headers";
import { checkAccess, NO_KEY_WARNING } from "./access.ts";
import { refuseLargeBody } from "./api/body.ts";
import { CONTINUATION_HEADER } from "./api/listing-routes.ts";
import { noRoute } from "./api/management-api.ts";
import { MANAGEMENT_PATH } from "./api/management-uris.ts";
import { OPENAPI_PATH, openApiDocument } from "./api/openapi.ts";
import { problemResponse } from "./api/problem.ts";
import type { WorkerSettings } from "./options.ts";
import { askObject, namespaceOf, taskHubOf } from "./reach.ts";

/** The front as a hono app: `front.fetch(request, env)`. */
export function createFront<Env extends object>(settings: WorkerSettings<Env>): Hono<{ Bindings: Env }> {
  const front = new Hono<{ Bindings: Env }>();
  front.onError((error) => problemResponse(error, settings.logger));
  front.notFound((c) => problemResponse(noRoute(c.req.method), settings.logger));
  front.use(secureHeaders());
  if (settings.corsOrigins.length > 0) front.use(crossOrigin(settings.corsOrigins));
  // What the API looks like is no secret; everything below this line is let in by a key.
  front.get(OPENAPI_PATH, (c) => c.json(openApiDocument));
  front.use(noStore);
  front.use(access(settings));
  return front.all(`${MANAGEMENT_PATH}/*`, (c) => forward(c, settings.bodyBytesMax));
}

/** Answers hold addresses with keys in them: nobody on the way may keep them. */
async function noStore(c: Context, next: Next): Promise<void> {
  await next();
  c.header("Cache-Control", "no-store");
}

/** Lets in who may come in, and warns once when that is anybody. */
function access<Env extends object>(settings: WorkerSettings<Env>): MiddlewareHandler<{ Bindings: Env }> {
  let isWarned = false;
  return async (c, next) => {
    const key = settings.keyOf(c.env);
    if (key === undefined && !isWarned) {
      isWarned = true;
      settings.logger.warn(NO_KEY_WARNING);
    }
    await checkAccess(c.req.raw, { key, corsOrigins: settings.corsOrigins });
    await next();
  };
}

async function forward(c: Context, bodyBytesMax: number): Promise<Response> {
  const taskHub = taskHubOf(c.req.raw);
  refuseLargeBody(c.req.raw, bodyBytesMax);
  return askObject(namespaceOf(c.env), taskHub, c.req.raw);
}

function crossOrigin(origins: readonly string[]): ReturnType<typeof cors> {
  return cors({
    origin: origins.includes("*") ? "*" : [...origins],
    allowMethods: ["GET", "HEAD", "POST", "DELETE"],
    allowHeaders: ["Authorization", "Content-Type", "Accept", CONTINUATION_HEADER],
    exposeHeaders: ["Location", "Retry-After", CONTINUATION_HEADER],
    maxAge: 600,
  });
}
