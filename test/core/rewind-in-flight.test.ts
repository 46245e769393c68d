/** A rewind that comes while the turn that failed is still being written. */
import { defineEntity, defineOrchestrator, MemoryStore } from "holdfast";
import { TestTaskHub } from "holdfast/testing";
import { expect, it, vi } from "vitest";
import { GatedStore } from "./gated-store.ts";
import { openHub, stateOf, typesOf } from "./running.ts";

it("goes on from the whole history, the last turn included", async () => {
  let fails = true;
  const failing = defineOrchestrator("failing", async (ctx) => {
    const value = await ctx.waitForExternalEvent<string>("go");
    if (fails) throw new Error("not yet");
    return value;
  });
  const store = new GatedStore();
  const hub = await openHub([failing], { store });
  await hub.scheduleNewOrchestration(failing, undefined, { instanceId: "i" });
  store.hold("commit");
  const raised = hub.raiseOrchestrationEvent("i", "go", "gone");
  await vi.waitFor(() => expect(store.heldCount("commit")).toBe(1));
  fails = false;
  const rewound = hub.rewindOrchestration("i");
  await new Promise<void>((resolve) => setImmediate(resolve));
  store.release("commit");
  await Promise.all([raised, rewound]);
  await hub.advance(0);
  expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: "gone" });
  expect(typesOf(await hub.getOrchestrationHistory("i"))).toContain("EventRaised");
});

it("takes a child along that is purged while it is read", async () => {
  let fails = true;
  const child = defineOrchestrator("child", async () => {
    if (fails) throw new Error("not yet");
    return "well";
  });
  const parent = defineOrchestrator("parent", async (ctx) =>
    ctx.callSubOrchestrator(child, undefined, { instanceId: "c" }),
  );
  const inner = new MemoryStore();
  const first = await TestTaskHub.open({ store: inner, functions: [child, parent] });
  await first.scheduleNewOrchestration(parent, undefined, { instanceId: "p" });
  await first.runUntilIdle();
  await first.close();
  fails = false;
  const store = new GatedStore(inner);
  const hub = await openHub([child, parent], { store, startAt: first.now });
  store.hold("load");
  const rewound = hub.rewindOrchestration("p");
  await vi.waitFor(() => expect(store.heldCount("load")).toBe(1));
  store.letOne("load");
  await vi.waitFor(() => expect(store.heldCount("load")).toBe(1));
  const purged = hub.purgeOrchestration("c");
  await new Promise<void>((resolve) => setImmediate(resolve));
  store.release("load");
  await Promise.all([rewound, purged]);
  await hub.advance(0);
  expect(await stateOf(hub, "p")).toMatchObject({ runtimeStatus: "Completed", output: "well" });
});

it("fails again when its child cannot go on: one that failed inside a critical section holds its locks no more", async () => {
  const counter = defineEntity("counter", { initialState: () => 0, operations: {} });
  const child = defineOrchestrator("child", async (ctx) => {
    await ctx.lockEntities({ name: "counter", key: "a" });
    throw new Error("inside");
  });
  const parent = defineOrchestrator("parent", async (ctx) =>
    ctx.callSubOrchestrator(child, undefined, { instanceId: "c" }),
  );
  const hub = await openHub([child, parent, counter]);
  await hub.scheduleNewOrchestration(parent, undefined, { instanceId: "p" });
  await hub.advance(0);
  expect(await stateOf(hub, "p")).toMatchObject({ runtimeStatus: "Failed" });
  await hub.rewindOrchestration("p");
  await hub.advance(0);
  const { runtimeStatus, failure } = (await stateOf(hub, "p")) ?? {};
  expect(runtimeStatus).toBe("Failed");
  expect(failure?.errorMessage).toContain("does not allow a rewind");
  expect(await stateOf(hub, "c")).toMatchObject({ runtimeStatus: "Failed" });
});

it("takes the answer of an entity that came while no hub was open, and what is raised right after it", async () => {
  let fails = true;
  const counter = defineEntity("counter", {
    initialState: () => 0,
    operations: { add: (ctx, n: number) => (ctx.state += n) },
  });
  const asking = defineOrchestrator("asking", async (ctx) => {
    const call = ctx.callEntity<number>("@counter@c", "add", 1);
    if (fails) throw new Error("not yet");
    return [await call, await ctx.waitForExternalEvent("go")];
  });
  const store = new MemoryStore();
  const first = await openHub([asking, counter], { store });
  await first.scheduleNewOrchestration(asking, undefined, { instanceId: "i" });
  await first.runUntilIdle();
  await first.close();
  fails = false;
  const hub = await openHub([asking, counter], { store });
  await Promise.all([hub.rewindOrchestration("i"), hub.raiseOrchestrationEvent("i", "go", "now")]);
  await hub.runUntilIdle();
  expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Completed", output: [1, "now"] });
});

it("leaves nothing of late answers to what is started after a purge", async () => {
  const counter = defineEntity("counter", {
    initialState: () => 0,
    operations: { add: (ctx, n: number) => (ctx.state += n) },
  });
  const asking = defineOrchestrator("asking", async (ctx) => {
    void ctx.callEntity("@counter@c", "add", 1);
    throw new Error("always");
  });
  const store = new MemoryStore();
  const hub = await openHub([asking, counter], { store });
  const startAndFail = async (): Promise<void> => {
    await hub.scheduleNewOrchestration(asking, undefined, { instanceId: "i" });
    await hub.runUntilIdle();
    expect(await stateOf(hub, "i")).toMatchObject({ runtimeStatus: "Failed" });
  };
  await startAndFail();
  await hub.purgeOrchestration("i");
  await startAndFail();
  await startAndFail();
  await hub.close();
  expect(store.open("default").load("i")?.inbox).toHaveLength(1);
});
