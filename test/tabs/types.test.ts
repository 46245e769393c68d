import { defineOrchestrator, type OrchestrationState, type TaskHubClient } from "holdfast";
import type { BrowserTaskHub, BrowserTaskHubOptions, StorageStatus, TabRole } from "holdfast/indexeddb";
import { openBrowserTaskHub } from "holdfast/indexeddb";
import { expectTypeOf, it } from "vitest";

const double = defineOrchestrator("double", async (_ctx, value: number) => value * 2);

it("the hub of a tab is typed as every client is", () => {
  expectTypeOf<BrowserTaskHub>().toExtend<TaskHubClient>();
  expectTypeOf(openBrowserTaskHub).parameter(0).toEqualTypeOf<BrowserTaskHubOptions>();
  expectTypeOf(openBrowserTaskHub).returns.toEqualTypeOf<Promise<BrowserTaskHub>>();
  expectTypeOf<BrowserTaskHub["role"]>().toEqualTypeOf<TabRole>();
  expectTypeOf<TabRole>().toEqualTypeOf<"executing" | "client">();
  expectTypeOf<ReturnType<BrowserTaskHub["storage"]["status"]>>().toEqualTypeOf<Promise<StorageStatus>>();
  expectTypeOf<ReturnType<BrowserTaskHub["storage"]["persist"]>>().toEqualTypeOf<Promise<boolean>>();
});

it("inputs and outputs are those of the definition", () => {
  const calls = async (hub: BrowserTaskHub): Promise<void> => {
    const id = await hub.scheduleNewOrchestration(double, 1);
    expectTypeOf(await hub.waitForOrchestrationCompletion(id)).toEqualTypeOf<OrchestrationState<number>>();
    for await (const state of hub.watchOrchestration(id))
      expectTypeOf(state.output).toEqualTypeOf<number | undefined>();
    // @ts-expect-error a wrong input
    await hub.scheduleNewOrchestration(double, "1");
  };
  expectTypeOf(calls).toBeFunction();
});

it("a tab can choose neither store nor host", () => {
  expectTypeOf<BrowserTaskHubOptions>().not.toHaveProperty("store");
  expectTypeOf<BrowserTaskHubOptions>().not.toHaveProperty("host");
  // @ts-expect-error functions are needed
  const options: BrowserTaskHubOptions = { name: "x" };
  expectTypeOf(options.databaseName).toEqualTypeOf<string | undefined>();
});
