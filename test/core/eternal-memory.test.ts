/** What a tight loop of generations leaves in memory, counted by weak references: nothing but its last generation. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { defineActivity, MemoryStore } from "holdfast";
import { expect, it } from "vitest";
import { openHub, run, stateOf } from "./running.ts";
import { inEveryShape, type Script } from "./shapes.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const GENERATIONS = 400;

/** How many are still held by something. What a weak reference has just given stays until the job ends, hence the second look. */
async function heldOf(references: readonly WeakRef<object>[]): Promise<number> {
  for (let look = 0; look < 3; look++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    collect();
  }
  return references.filter((reference) => reference.deref() !== undefined).length;
}

/** What code and callers have to do with in one generation. */
class Witness {
  readonly generation: number;
  constructor(generation: number) {
    this.generation = generation;
  }
}

inEveryShape("a tight loop of generations", (define) => {
  const kinds: Readonly<Record<string, Script<void, void>>> = {
    "that waits for nothing": function* () {},
    "that calls an activity each time": function* (ctx) {
      yield ctx.callActivity("work");
    },
    "that leaves a timer, a wait and an unread event behind": function* (ctx) {
      ctx.createTimer({ hours: 1 });
      ctx.waitForExternalEvent("never");
      ctx.sendEvent(ctx.instanceId, "unread");
      yield ctx.callActivity("work");
    },
  };

  for (const [kind, body] of Object.entries(kinds)) {
    it(`${kind} holds on to no generation but the last`, async () => {
      const code: WeakRef<object>[] = [];
      const callers: WeakRef<object>[] = [];
      const work = defineActivity("work", (ctx) => void callers.push(new WeakRef(ctx)));
      const loop = define("loop", function* (ctx, n: number) {
        const witness = new Witness(n);
        code.push(new WeakRef(witness), new WeakRef(ctx));
        yield* body(ctx);
        if (n === GENERATIONS) yield ctx.waitForExternalEvent("go");
        ctx.continueAsNew(witness.generation + 1, { preserveUnprocessedEvents: false });
      });
      const hub = await openHub([loop, work], { store: new MemoryStore() });
      const { instanceId } = await run(hub, loop, 0);
      expect(code).toHaveLength(2 * (GENERATIONS + 1));
      expect(await heldOf(code)).toBe(2);
      expect(await heldOf(callers)).toBe(0);
      expect((await stateOf(hub, instanceId)).input).toBe(GENERATIONS);
      expect((await hub.getOrchestrationHistory(instanceId)).length).toBeLessThan(10);
    });
  }
});
