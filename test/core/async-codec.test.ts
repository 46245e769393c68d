/** A codec that encrypts, through WebCrypto: the store never sees what was said in confidence. The scenarios are played behind it, too. */
import {
  type Codec,
  defaultCodec,
  defineActivity,
  defineEntity,
  defineOrchestrator,
  type HubStore,
  MemoryStore,
  type OrchestrationContext,
  type StoreSession,
} from "holdfast";
import { describe, expect, it, vi } from "vitest";
import { aesGcm } from "./aes-gcm.ts";
import { openHub, outputOf, run, stateOf } from "./running.ts";

/** A memory store that remembers, as text, everything it was ever given. */
class RememberingStore implements HubStore {
  readonly #inner = new MemoryStore();
  readonly written: string[] = [];

  async open(hub: string): Promise<StoreSession> {
    const session: StoreSession = this.#inner.open(hub);
    const commit = session.commit.bind(session);
    session.commit = (changes) => {
      this.written.push(JSON.stringify(changes));
      return commit(changes);
    };
    return session;
  }
}

const SECRET = "the launch code";

describe("an encrypting codec", () => {
  let attempts = 0;
  const work = defineActivity("work", (ctx, input: { secret: string }) => {
    ctx.heartbeat({ details: `${SECRET} beats` });
    if (attempts++ === 0)
      throw Object.assign(new Error(`${SECRET} fails`, { cause: new Error(`${SECRET} within`) }), { hint: SECRET });
    return [input.secret, ctx.lastHeartbeat];
  });
  const slow = defineActivity("slow", (ctx) => {
    ctx.heartbeat(`${SECRET} still beats`);
    return new Promise<string>((_, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason)));
  });
  const vault = defineEntity("vault", {
    initialState: (): string[] => [],
    operations: {
      keep(ctx, secret: string) {
        ctx.state.push(secret);
        return ctx.state;
      },
      fail() {
        throw new Error(`${SECRET} is refused`);
      },
    },
  });
  const child = defineOrchestrator("child", async (_ctx, input: string) => `${input} of the child`);
  const everything = defineOrchestrator("everything", async (ctx: OrchestrationContext, input: string) => {
    ctx.setCustomStatus({ doing: input });
    const worked = await ctx.callActivity(
      work,
      { secret: input },
      { retry: { maxAttempts: 2, firstRetryInterval: 10 } },
    );
    const nested = await ctx.callSubOrchestrator(child, input);
    ctx.signalEntity("@vault@v", "keep", `${input} signalled`, { signalTime: { seconds: 1 } });
    const kept = await ctx.entity(vault, "v").keep(input);
    const refused = await ctx.callEntity("@vault@v", "fail").catch((error: unknown) => (error as Error).message);
    ctx.sendEvent("waiting", "told", `${input} as an event`);
    return { worked, nested, kept, refused, event: await ctx.waitForExternalEvent("go") };
  });
  const waiting = defineOrchestrator("waiting", async (ctx, round: number) => {
    if (round === 0) return ctx.continueAsNew(1);
    await ctx.createTimer({ hours: 1 });
    return await ctx.waitForExternalEvent("told");
  });
  const failing = defineOrchestrator("failing", async (_ctx, message: string) => {
    throw new TypeError(`${message} thrown`);
  });
  const FUNCTIONS = [work, slow, vault, child, everything, waiting, failing];

  it("shows the store nothing of inputs, results, events, statuses, failures, states or heartbeats", async () => {
    const store = new RememberingStore();
    const slowly = defineOrchestrator("slowly", async (ctx) => await ctx.callActivity(slow));
    const hub = await openHub([...FUNCTIONS, slowly], { store, codec: aesGcm });
    await run(hub, waiting, 0, { instanceId: "waiting" });
    await run(hub, everything, SECRET, { instanceId: "all", advance: { minutes: 1 } });
    expect((await stateOf(hub, "all")).customStatus).toEqual({ doing: SECRET });
    await hub.raiseOrchestrationEvent("all", "go", { with: SECRET });
    await hub.advance({ hours: 2 });
    expect((await stateOf(hub, "all")).output).toMatchObject({
      worked: [SECRET, { details: `${SECRET} beats` }],
      nested: `${SECRET} of the child`,
      kept: [SECRET],
      refused: expect.stringContaining(`${SECRET} is refused`),
      event: { with: SECRET },
    });
    expect((await stateOf(hub, "waiting")).output).toBe(`${SECRET} as an event`);
    expect((await run(hub, failing, SECRET, { instanceId: "failing" })).failure?.errorMessage).toBe(`${SECRET} thrown`);
    await hub.rewindOrchestration("failing", `${SECRET} once more`);
    await run(hub, slowly, undefined, { instanceId: "slowly" });
    await run(hub, waiting, 1, { instanceId: "stopped" });
    await hub.raiseOrchestrationEvent("stopped", "later", `${SECRET} unread`);
    await hub.advance({ minutes: 1 });
    await hub.suspendOrchestration("stopped", `${SECRET} is why`);
    await hub.resumeOrchestration("stopped", `${SECRET} again`);
    await hub.terminateOrchestration("stopped", { output: `${SECRET} at the end` });
    expect((await stateOf(hub, "stopped")).output).toBe(`${SECRET} at the end`);
    expect((await hub.getEntity("@vault@v"))?.state).toEqual([SECRET, `${SECRET} signalled`]);
    const [suspended, resumed] = (await hub.getOrchestrationHistory("stopped")).filter(
      ({ type }) => type === "ExecutionSuspended" || type === "ExecutionResumed",
    );
    expect(suspended).toMatchObject({ input: `${SECRET} is why` });
    expect(resumed).toMatchObject({ input: `${SECRET} again` });
    const rewound = (await hub.getOrchestrationHistory("failing")).find(({ type }) => type === "ExecutionRewound");
    expect(rewound).toMatchObject({ reason: `${SECRET} once more` });
    await hub.close();
    const leaks = store.written.filter((text) => text.includes("launch"));
    expect(leaks.map((text) => text.slice(0, 2_000))).toEqual([]);
    expect(store.written.length).toBeGreaterThan(10);
  });

  it("gives back after a restart what it was given, heartbeats included", async () => {
    const store = new MemoryStore();
    let seen: unknown;
    const beats = defineActivity("beats", (ctx) => {
      seen = ctx.lastHeartbeat;
      if (seen !== undefined) return "done";
      ctx.heartbeat({ at: new Date(5), note: SECRET });
      return new Promise<string>((_, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason)));
    });
    const calls = defineOrchestrator("calls", async (ctx) => await ctx.callActivity(beats));
    const first = await openHub([beats, calls], { store, codec: aesGcm });
    await run(first, calls, undefined, { instanceId: "i" });
    await first.close();
    const hub = await openHub([beats, calls], { store, codec: aesGcm });
    await hub.runUntilIdle();
    expect((await stateOf(hub, "i")).output).toBe("done");
    expect(seen).toEqual({ at: new Date(5), note: SECRET });
  });

  it("with another key cannot be read, and says so", async () => {
    const store = new MemoryStore();
    const first = await openHub([child], { store, codec: aesGcm });
    await run(first, child, SECRET, { instanceId: "i" });
    await first.close();
    const wrong: Codec = { encode: aesGcm.encode, decode: () => Promise.reject(new Error("cannot decrypt")) };
    const hub = await openHub([child], { store, codec: wrong });
    await expect(hub.getOrchestrationState("i")).rejects.toThrow();
  });

  it("keeps the order of calls that nobody awaits, however long each value takes", async () => {
    const release: (() => void)[] = [];
    const slow: Codec = {
      // The first values take longest.
      encode: async (value) => {
        await new Promise<void>((resolve) => release.unshift(resolve));
        return defaultCodec.encode(value);
      },
      decode: async (text) => defaultCodec.decode(text),
    };
    const takes = defineOrchestrator("takes", async (ctx) => {
      const taken: unknown[] = [];
      for (let n = 0; n < 5; n++) taken.push(await ctx.waitForExternalEvent("x"));
      return taken;
    });
    const log = defineEntity("log", {
      operations: {
        add(ctx, n: number) {
          ctx.state = [...((ctx.state as number[] | undefined) ?? []), n];
        },
      },
    });
    const opening = openHub([takes, log], { store: new MemoryStore(), codec: slow });
    const pump = setInterval(() => {
      for (const go of release.splice(0)) go();
    });
    try {
      const hub = await opening;
      await hub.scheduleNewOrchestration(takes, undefined, { instanceId: "i" });
      const raised = [0, 1, 2, 3, 4].map((n) => hub.raiseOrchestrationEvent("i", "x", n));
      const signalled = [0, 1, 2, 3, 4].map((n) => hub.signalEntity("@log@l", "add", n));
      await Promise.all([...raised, ...signalled]);
      expect((await hub.waitForOrchestrationCompletion("i")).output).toEqual([0, 1, 2, 3, 4]);
      await vi.waitFor(async () => expect((await hub.getEntity("@log@l"))?.state).toEqual([0, 1, 2, 3, 4]));
    } finally {
      clearInterval(pump);
    }
  });

  it("keeps rich values", async () => {
    const value = {
      at: new Date(9),
      ids: new Map([[1n, new Set(["a"])]]),
      bytes: new Uint8Array([1, 2]),
      no: undefined,
    };
    const echo = defineOrchestrator("echo", async (_ctx, input: unknown) => input);
    const hub = await openHub([echo], { codec: aesGcm });
    expect(await outputOf(hub, echo, value)).toEqual(value);
  });

  it("that gives bytes works too", async () => {
    const bytes: Codec = {
      encode: async (value) => new TextEncoder().encode(defaultCodec.encode(value)),
      decode: async (text) => defaultCodec.decode(Buffer.from(text, "base64").toString()),
    };
    const store = new RememberingStore();
    const hub = await openHub([child], { store, codec: bytes });
    expect(await outputOf(hub, child, SECRET)).toBe(`${SECRET} of the child`);
    expect(store.written.filter((text) => text.includes("launch"))).toEqual([]);
  });
});
