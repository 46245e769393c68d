/** The Worker that the end-to-end tests run and kill: task hubs with journeys and the demo's orders, and a route that replays a posted history in this runtime. */

import type { HistoryEvent } from "holdfast";
import { replayHistory } from "holdfast/testing";
import { defineTaskHubWorker } from "holdfast/worker";
import demoFunctions from "../../web-demo/functions/index.ts";
import { functions, journey } from "../end-to-end/functions.ts";

const taskHubs = defineTaskHubWorker({ functions: [...functions, ...demoFunctions] });
export const TaskHubObject = taskHubs.TaskHubObject;

async function replay(request: Request): Promise<Response> {
  try {
    await replayHistory(journey, (await request.json()) as HistoryEvent[], { functions });
    return new Response("replayed");
  } catch (error) {
    return new Response(String(error), { status: 409 });
  }
}

export default {
  fetch: (request: Request, env: object, ctx: unknown): Promise<Response> =>
    new URL(request.url).pathname === "/replay" ? replay(request) : taskHubs.fetch(request, env, ctx as never),
};
