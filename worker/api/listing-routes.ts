/** Routes of many instances: list them, purge what is finished. Source: the HTTP API of Durable Functions. */
import { type Context, Hono } from "hono";
import type { OrchestrationQuery, PurgeCriteria } from "../../core/client/client.ts";
import { instanceResponse, type ManagementEnv, type ManagementSettings } from "./call.ts";
import { QueryParameters } from "./query-parameters.ts";
import { RequestError } from "./request-error.ts";

/** Carries the position in a listing, from an answer to the request for the next page. */
export const CONTINUATION_HEADER = "x-ms-continuation-token";

/** `GET /instances` and `DELETE /instances`. */
export function listingRoutes(settings: ManagementSettings): Hono<ManagementEnv> {
  return new Hono<ManagementEnv>()
    .get("/instances", async (c) => {
      const query = new QueryParameters(c.req.url);
      query.allowOnly("runtimeStatus", "createdTimeFrom", "createdTimeTo", "instanceIdPrefix", "showInput", "top");
      const showInput = query.flag("showInput", true);
      const page = await firstPage(c.env.client.queryOrchestrations(listingOf(c, query)).pages());
      const headers = page.continuationToken === undefined ? {} : { [CONTINUATION_HEADER]: page.continuationToken };
      return instanceResponse(c, settings, page.values, { showInput, headers });
    })
    .delete("/instances", async (c) => {
      const query = new QueryParameters(c.req.url);
      query.allowOnly("runtimeStatus", "createdTimeFrom", "createdTimeTo");
      const { deletedInstanceCount } = await c.env.client.purgeOrchestration(criteriaOf(query));
      return c.json({ instancesDeleted: deletedInstanceCount }, deletedInstanceCount === 0 ? 404 : 200);
    });
}

function listingOf(c: Context<ManagementEnv>, query: QueryParameters): OrchestrationQuery {
  const statuses = query.statuses("runtimeStatus");
  const createdFrom = query.instant("createdTimeFrom");
  const createdTo = query.instant("createdTimeTo");
  const instanceIdPrefix = query.text("instanceIdPrefix");
  return {
    ...(statuses && { statuses }),
    ...(createdFrom && { createdFrom }),
    ...(createdTo && { createdTo }),
    ...(instanceIdPrefix !== undefined && { instanceIdPrefix }),
    ...pagingOf(c, query),
  };
}

/** Page size and position, as every listing takes them. */
export function pagingOf(
  c: Context<ManagementEnv>,
  query: QueryParameters,
): { readonly pageSize?: number; readonly continuationToken?: string } {
  const pageSize = query.count("top");
  const continuationToken = c.req.header(CONTINUATION_HEADER);
  return {
    ...(pageSize !== undefined && { pageSize }),
    ...(continuationToken !== undefined && continuationToken !== "" && { continuationToken }),
  };
}

/** The first page of a listing; without values when there is none. */
export async function firstPage<
  Page extends { readonly values: readonly unknown[]; readonly continuationToken?: string },
>(
  pages: AsyncIterable<Page>,
): Promise<Page | { readonly values: readonly never[]; readonly continuationToken?: undefined }> {
  for await (const page of pages) return page;
  return { values: [] };
}

function criteriaOf(query: QueryParameters): PurgeCriteria {
  const createdFrom = query.instant("createdTimeFrom");
  if (!createdFrom) {
    throw new RequestError("invalidRequest", "Please provide value for 'createdTimeFrom' parameter.");
  }
  const createdTo = query.instant("createdTimeTo");
  const statuses = query.statuses("runtimeStatus");
  return { createdFrom, ...(createdTo && { createdTo }), ...(statuses && { statuses }) };
}
