/** The encrypting codec over a Durable Object's storage: the scenarios run, and no row holds what was said in confidence. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { defineActivity, defineEntity, defineOrchestrator } from "holdfast";
import { describe, expect, it } from "vitest";
import { DurableObjectStore } from "../../adapters/durable-objects/index.ts";
import { aesGcm } from "../core/aes-gcm.ts";
import { run, stateOf } from "../core/running.ts";
import { allScenarios } from "../scenarios/all.ts";
import { type Place, playIn, type Scenario } from "../scenarios/place.ts";

let objectCount = 0;

function inObject(play: (place: Place, storage: DurableObjectStorage) => Promise<void>): Promise<void> {
  return runInDurableObject(env.TASK_HUBS.getByName(`sealed-${++objectCount}`), (_, { storage }) =>
    playIn(
      () => new DurableObjectStore(storage),
      (place) => play(place, storage),
      { codec: aesGcm },
    ),
  );
}

/** Everything a Durable Object has stored, as text. */
function rowsOf(storage: DurableObjectStorage): string {
  const tables = storage.sql.exec<{ name: string }>(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'holdfast%'",
  );
  return JSON.stringify(tables.toArray().map(({ name }) => storage.sql.exec(`SELECT * FROM ${name}`).toArray()));
}

const SECRET = "the launch code";

describe("an encrypting codec in a Durable Object", () => {
  it("leaves no plaintext in any row, and gives all of it back after a restart", () =>
    inObject(async (place, storage) => {
      const echo = defineActivity("echo", (_ctx, input: string) => input);
      const failing = defineActivity("failing", (_ctx, input: string) => {
        throw Object.assign(new Error(`${input} fails`), { hint: input });
      });
      const vault = defineEntity("vault", {
        operations: {
          keep(ctx, secret: string) {
            ctx.state = secret;
          },
        },
      });
      const keeps = defineOrchestrator("keeps", async (ctx, input: string) => {
        ctx.setCustomStatus(input);
        await ctx.entity(vault, "v").keep(await ctx.callActivity(echo, input));
        const message = await ctx.callActivity(failing, input).catch((error: unknown) => (error as Error).message);
        return [message, await ctx.waitForExternalEvent("go")];
      });
      const functions = [echo, failing, vault, keeps];
      let hub = await place.open(functions);
      await run(hub, keeps, SECRET, { instanceId: "i" });
      expect(rowsOf(storage)).toContain("keeps");
      expect(rowsOf(storage)).not.toContain("launch");
      hub = await place.open(functions);
      await hub.raiseOrchestrationEvent("i", "go", SECRET);
      await hub.runUntilIdle();
      expect(await stateOf(hub, "i")).toMatchObject({
        output: [expect.stringContaining(`${SECRET} fails`), SECRET],
        input: SECRET,
        customStatus: SECRET,
      });
      expect((await hub.getEntity("@vault@v"))?.state).toBe(SECRET);
      expect(rowsOf(storage)).not.toContain("launch");
    }));

  const sealed: Scenario = (title, play) => it(title, () => inObject(play));
  allScenarios(sealed, "later");
});
