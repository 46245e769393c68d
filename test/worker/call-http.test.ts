/** `callHttp` over a real connection out of workerd, with the platform's own `fetch`. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import {
  type DurableHttpRequest,
  defineOrchestrator,
  type OrchestrationContext,
  type OrchestrationState,
  TaskHub,
  type TaskHubOptions,
} from "holdfast";
import { describe, expect, inject, it } from "vitest";
import { DurableObjectStore } from "../../adapters/durable-objects/index.ts";

const ask = defineOrchestrator("ask", async (ctx: OrchestrationContext, request: DurableHttpRequest) =>
  ctx.callHttp(request),
);

let objectCount = 0;

function call(request: DurableHttpRequest, egress: TaskHubOptions["egress"] = {}): Promise<OrchestrationState> {
  return runInDurableObject(env.TASK_HUBS.getByName(`call-${++objectCount}`), async (_, { storage }) => {
    const hub = await TaskHub.open({ functions: [ask], store: new DurableObjectStore(storage), egress });
    try {
      const id = await hub.scheduleNewOrchestration(ask, request);
      return await hub.waitForOrchestrationCompletion(id);
    } finally {
      await hub.close();
    }
  });
}

describe("over a real connection out of workerd", () => {
  const host = inject("loopback");

  it("a job is started, redirected, polled and fetched", async () => {
    const state = await call(
      { method: "POST", url: `http://${host}/start`, headers: { Authorization: "Bearer t" }, body: { n: 1 } },
      { allowHosts: [host] },
    );
    expect(state.failure?.errorMessage).toBeUndefined();
    expect(state.output).toMatchObject({
      statusCode: 200,
      headers: { "content-type": "text/plain; charset=utf-8" },
      content: "grüße, Bearer t",
    });
  });

  it("nothing of this machine is reached unless it is listed", async () => {
    const port = host.split(":")[1];
    for (const name of [host, `localhost:${port}`, `2130706433:${port}`, `[::ffff:127.0.0.1]:${port}`]) {
      const { failure } = await call({ method: "GET", url: `http://${name}/jobs/1` });
      expect(failure?.isCausedBy("EgressDeniedError"), name).toBe(true);
    }
  });
});
