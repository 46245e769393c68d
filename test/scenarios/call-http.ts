/** `callHttp` from call to answer, on a web of the test: polling, credentials, refusals and retries, also over restarts. */
import type { DurableHttpRequest, DurableHttpResponse } from "holdfast";
import { expect } from "vitest";
import { accepted, broken, empty, fakeWeb, text } from "../core/fake-web.ts";
import { eventsOf, outputOf, run, stateOf } from "../core/running.ts";
import { inEveryShape } from "../core/shapes.ts";
import type { Scenario } from "./place.ts";

const API = "https://api.example/v1/jobs";
const STATUS = "https://api.example/v1/status/7";
const ELSEWHERE = "https://elsewhere.example/7";
const CREDENTIALS = { Authorization: "Bearer t", Cookie: "c=1", "X-Functions-Key": "k", "X-Trace": "7" };

export function callHttpScenarios(it: Scenario): void {
  inEveryShape("callHttp", (define) => {
    const ask = define("ask", function* (ctx, request: DurableHttpRequest) {
      return yield* ctx.callHttp(request);
    });

    it("polls a 202 where and when its headers say, over a restart as well", async (place) => {
      const times: number[] = [];
      let nowMs = (): number => 0;
      const web = fakeWeb(
        {
          [API]: accepted("/v1/status/7", "60"),
          [STATUS]: [accepted("7"), text("done", 200, { "Content-Type": "text/plain" })],
        },
        () => times.push(nowMs()),
      );
      let hub = await place.open([ask], { fetch: web.fetch });
      const start = hub.now.getTime();
      nowMs = () => hub.now.getTime() - start;
      const request: DurableHttpRequest = { method: "POST", url: API, body: { n: 1 } };
      await run(hub, ask, request, { instanceId: "i", advance: { seconds: 59 } });
      hub = await place.open([ask], { fetch: web.fetch });
      await hub.advance({ minutes: 2 });
      expect((await stateOf<DurableHttpResponse>(hub, "i")).output).toEqual({
        statusCode: 200,
        headers: { "content-type": "text/plain" },
        content: "done",
      });
      expect(web.lines()).toEqual([`POST ${API}`, `GET ${STATUS}`, `GET ${STATUS}`]);
      // The second answer says nothing of a time: it is asked again after 30 seconds.
      expect(times).toEqual([0, 60_000, 90_000]);
      expect(eventsOf(await hub.getOrchestrationHistory("i"), "TimerFired")).toHaveLength(2);
    });

    it("keeps credentials within the origin, and the function key to the call itself", async (place) => {
      const web = fakeWeb({
        [API]: accepted(STATUS, "1"),
        [STATUS]: accepted(ELSEWHERE, "1"),
        [ELSEWHERE]: text("done"),
      });
      const hub = await place.open([ask], { fetch: web.fetch });
      const request: DurableHttpRequest = { method: "POST", url: API, headers: CREDENTIALS, body: "b" };
      await outputOf(hub, ask, request, { advance: { minutes: 1 } });
      const seen = web.asked.map(({ headers, body }) => [
        Object.keys(headers)
          .map((name) => name.toLowerCase())
          .sort(),
        body,
      ]);
      expect(seen).toEqual([
        [["authorization", "cookie", "x-functions-key", "x-trace"], "b"],
        [["authorization", "cookie", "x-trace"], undefined],
        [["x-trace"], undefined],
      ]);
    });

    it("reaches nothing that its hub's policy refuses, neither called nor redirected nor polled", async (place) => {
      const INSIDE = "http://169.254.169.254/latest";
      const web = fakeWeb({ [API]: empty(302, { location: INSIDE }), [STATUS]: accepted(INSIDE, "1") });
      const hub = await place.open([ask], { fetch: web.fetch });
      for (const url of [INSIDE, "http://0177.0.0.1/", "http://[::ffff:127.0.0.1]/", API, STATUS]) {
        const { failure } = await run(hub, ask, { method: "GET", url }, { advance: { minutes: 1 } });
        expect(failure?.isCausedBy("EgressDeniedError"), url).toBe(true);
      }
      expect(web.lines()).toEqual([`GET ${API}`, `GET ${STATUS}`]);
      const listed = await place.open([ask], {
        fetch: fakeWeb({ [INSIDE]: text("in") }).fetch,
        egress: { allowHosts: ["169.254.169.254"] },
      });
      expect(await outputOf(listed, ask, { method: "GET", url: INSIDE })).toMatchObject({ content: "in" });
    });

    it("is tried again by a policy when there is no answer, and takes a failed status for one", async (place) => {
      const web = fakeWeb({ [API]: [broken(), broken(), text("no", 500)] });
      const hub = await place.open([ask], { fetch: web.fetch });
      const retry = { maxAttempts: 3, firstRetryInterval: 1_000 };
      const answer = await outputOf(hub, ask, { method: "GET", url: API, retry }, { advance: { minutes: 1 } });
      expect(answer).toMatchObject({ statusCode: 500, content: "no" });
      expect(web.asked).toHaveLength(3);
    });
  });
}
