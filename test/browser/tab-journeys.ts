/** What tests expect of tabs and of the journeys that go through them. */
import { expect } from "vitest";
import type { JourneyOutput } from "../end-to-end/functions.ts";
import type { TabPage } from "./tab-page.ts";
import type { TabsGround } from "./tabs-ground.ts";

/** The tabs that execute: there should be one. */
export async function executing(tabs: readonly TabPage[]): Promise<TabPage[]> {
  const roles = await Promise.all(tabs.map((tab) => tab.ask("role")));
  return tabs.filter((_, index) => roles[index] === "executing");
}

export function expectJourney(ground: TabsGround, output: unknown, index: number): void {
  const { marks, ...rest } = output as JourneyOutput;
  expect(rest).toEqual({ name: `trip ${index}`, approval: `yes ${index}` });
  expect(marks.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(marks.filter(({ nonce }) => !ground.executed.has(nonce))).toEqual([]);
}

/** A whole journey: started, approved and waited for by these tabs. */
export async function travel(
  ground: TabsGround,
  index: number,
  by: readonly [TabPage, TabPage, TabPage],
): Promise<void> {
  const [starter, approver, waiter] = by;
  await starter.ask("start", index);
  await approver.ask("approve", index);
  expectJourney(ground, (await waiter.ask("wait", index)).output, index);
}

/** How long after an instant another tab than `left` begins to execute, in ms. */
export async function handoverMs(ground: TabsGround, left: TabPage, sinceMs: number): Promise<number> {
  const { atMs } = await ground.hears(
    "The handover",
    sinceMs,
    (said) => said.type === "role" && said.role === "executing" && said.name !== left.name,
  );
  return atMs - sinceMs;
}
