/** The state of an instance as a client gets it. */
import { describe, expect } from "vitest";
import { errorOf, ILLEGAL_IDS, run, stateOf } from "../core/running.ts";
import { EACH, FUNCTIONS, oneOfEach, quick, waiting } from "./every-status.ts";
import { each, type Scenario } from "./place.ts";

export function stateScenarios(it: Scenario): void {
  describe("the state of an instance", () => {
    it("is undefined when there is none", async (place) => {
      const hub = await place.open(FUNCTIONS);
      expect(await hub.getOrchestrationState("nobody")).toBeUndefined();
    });

    each(it, ILLEGAL_IDS)("is refused for an id %s", async (place, _rule, id) => {
      const hub = await place.open(FUNCTIONS);
      expect(await errorOf(() => hub.getOrchestrationState(id))).toMatchObject({ code: "invalidInstanceId" });
    });

    each(it, EACH)("says %s where that is so, and when it ended where it has", async (place, status) => {
      const hub = await oneOfEach(place);
      const state = await stateOf(hub, status);
      expect(state.runtimeStatus).toBe(status);
      expect(state.completedAt !== undefined).toBe(["Completed", "Failed", "Terminated"].includes(status));
      expect(state.failure !== undefined).toBe(status === "Failed");
    });

    it("says when it was made, changed and finished", async (place) => {
      const hub = await place.open(FUNCTIONS);
      const createdAt = hub.now;
      await run(hub, waiting, 1, { instanceId: "i", advance: 1_000 });
      expect(await stateOf(hub, "i")).toMatchObject({ createdAt, lastUpdatedAt: createdAt });
      await hub.raiseOrchestrationEvent("i", "other");
      await hub.runUntilIdle();
      expect(await stateOf(hub, "i")).toMatchObject({ createdAt, lastUpdatedAt: hub.now });
      await hub.advance(1_000);
      await hub.raiseOrchestrationEvent("i", "go");
      await hub.advance(1_000);
      const end = new Date(createdAt.getTime() + 2_000);
      expect(await stateOf(hub, "i")).toMatchObject({ createdAt, lastUpdatedAt: end, completedAt: end });
    });

    it("comes without payloads when they are not asked for", async (place) => {
      const hub = await oneOfEach(place);
      const state = await hub.getOrchestrationState("Completed", { fetchPayloads: false });
      expect(state).toMatchObject({ instanceId: "Completed", runtimeStatus: "Completed", name: "quick" });
      expect([state?.input, state?.output, state?.customStatus]).toEqual([undefined, undefined, undefined]);
      expect((await hub.getOrchestrationState("Failed", { fetchPayloads: false }))?.failure?.errorMessage).toBe("no");
    });

    it("is a value of its own: changing it changes nothing", async (place) => {
      const hub = await place.open(FUNCTIONS);
      await run(hub, quick, { list: [1] }, { instanceId: "i", tags: { a: "b" } });
      const state = await stateOf<{ input: { list: number[] } }>(hub, "i");
      state.output?.input.list.push(2);
      (state.tags as Record<string, string>).a = "changed";
      state.createdAt.setTime(0);
      expect(await stateOf(hub, "i")).toMatchObject({
        output: { input: { list: [1] } },
        tags: { a: "b" },
        createdAt: hub.now,
      });
    });
  });
}
