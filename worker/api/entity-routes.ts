/** Routes of entities: read one, signal one, list them. Source: the HTTP API of Durable Functions. */
import { type Context, Hono } from "hono";
import type { EntityMetadata, EntityQuery } from "../../core/client/client.ts";
import { toJsonForm } from "../../core/codec/codec.ts";
import { InstanceNotFoundError } from "../../core/errors.ts";
import { EntityId } from "../../core/identity.ts";
import { CODEC_MEDIA_TYPE, payloadOf, type RequestBody, readBody } from "./body.ts";
import type { ManagementEnv, ManagementSettings } from "./call.ts";
import { CONTINUATION_HEADER, firstPage, pagingOf } from "./listing-routes.ts";
import { QueryParameters } from "./query-parameters.ts";

/** What stands for an empty key in a path. */
const EMPTY_KEY = "$";

/** `GET`, `POST` and `DELETE /entities/{name}/{key}`, and `GET /entities/{name?}`. */
export function entityRoutes(settings: ManagementSettings): Hono<ManagementEnv> {
  return new Hono<ManagementEnv>()
    .get("/entities/:name/:key", async (c) => {
      const id = entityIdOf(c);
      const entity = await c.env.client.getEntity(id, { includeState: true });
      if (entity?.state === undefined) throw new InstanceNotFoundError(id.toString());
      return c.body(JSON.stringify(toJsonForm(entity.state)), 200, { "Content-Type": "application/json" });
    })
    .post("/entities/:name/:key", async (c) => {
      const id = entityIdOf(c);
      const missing = "Please provide value for 'op' parameter: the name of the operation.";
      const operation = new QueryParameters(c.req.url).requiredText("op", missing);
      const body = await readBody(c.req.raw, settings.bodyBytesMax);
      await c.env.client.signalEntity(id, operation, isJson(body) ? payloadOf(body, settings.codec) : body.text);
      return c.body(null, 202);
    })
    .delete("/entities/:name/:key", async (c) => {
      await c.env.client.signalEntity(entityIdOf(c), "delete");
      return c.body(null, 202);
    })
    .get("/entities/:name?", async (c) => {
      const query = new QueryParameters(c.req.url);
      query.allowOnly("lastOperationTimeFrom", "lastOperationTimeTo", "fetchState", "top");
      const includeState = query.flag("fetchState", false);
      const listing = { ...filterOf(query, c.req.param("name")), ...pagingOf(c, query), includeState };
      const page = await firstPage(c.env.client.queryEntities(listing).pages());
      const headers = page.continuationToken === undefined ? {} : { [CONTINUATION_HEADER]: page.continuationToken };
      const entities = page.values.map((entity) => entityJson(entity, includeState));
      return c.body(JSON.stringify(entities), 200, { "Content-Type": "application/json", ...headers });
    });
}

/** @throws InvalidInstanceIdError */
function entityIdOf(c: Context<ManagementEnv, "/entities/:name/:key">): EntityId {
  const key = c.req.param("key");
  return new EntityId(c.req.param("name"), key === EMPTY_KEY ? "" : key);
}

/** A body of any other type is a text. */
function isJson({ mediaType, text }: RequestBody): boolean {
  return mediaType === "application/json" || mediaType === CODEC_MEDIA_TYPE || text === "";
}

function filterOf(query: QueryParameters, name: string | undefined): EntityQuery {
  const lastModifiedFrom = query.instant("lastOperationTimeFrom");
  const lastModifiedTo = query.instant("lastOperationTimeTo");
  return {
    ...(lastModifiedFrom && { lastModifiedFrom }),
    ...(lastModifiedTo && { lastModifiedTo }),
    ...(name !== undefined && { instanceIdPrefix: `@${name.toLowerCase()}@` }),
  };
}

function entityJson({ id, state, lastModifiedAt }: EntityMetadata, includeState: boolean): object {
  return {
    entityId: { name: id.name, key: id.key },
    lastOperationTime: lastModifiedAt.toISOString(),
    state: includeState ? toJsonForm(state) : null,
  };
}
