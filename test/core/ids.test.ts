/** Ids that a hub makes itself. */
import { defineOrchestrator } from "holdfast";
import { expect, it } from "vitest";
import { systemHost, timeOrderedId } from "../../core/hub/host.ts";
import { openHub } from "./running.ts";

it("a generated id is a UUID that begins with the time, and is never given twice", () => {
  const { randomId } = systemHost();
  const instants = [0, 1, 1_767_225_600_000, 1_767_225_600_001, 2 ** 47];
  const ids = instants.map((nowMs) => timeOrderedId({ now: () => nowMs, randomId }));
  for (const [at, id] of ids.entries()) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(Number.parseInt(id.replace("-", "").slice(0, 12), 16)).toBe(instants[at]);
  }
  expect([...ids].sort()).toEqual(ids);
  const many = Array.from({ length: 1_000 }, () => timeOrderedId({ now: () => 5, randomId }));
  expect(new Set(many).size).toBe(1_000);
});

it("instances that are started later have greater ids", async () => {
  const quick = defineOrchestrator("quick", () => {});
  const hub = await openHub([quick]);
  const ids: string[] = [];
  for (let round = 0; round < 5; round++) {
    ids.push(await hub.scheduleNewOrchestration(quick));
    await hub.advance(1);
  }
  expect([...ids].sort()).toEqual(ids);
});
