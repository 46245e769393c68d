/** Tabs that call at random while others crash, freeze, leave, return, close and open. What they were told must be what happened, once. */
import type { OrchestrationState } from "holdfast";
import { expect } from "vitest";
import type { TabHub } from "../../adapters/indexeddb/tabs/tab-hub.ts";
import { collect, functions, greet } from "./functions.ts";
import type { SimulatedTab } from "./simulated-tab.ts";
import { World } from "./world.ts";

const COLLECTOR = "collector";
const CALLS_PER_TAB = 25;
const CHAOS_STEPS = 30;

/** One call and what became of it. */
interface Deed {
  readonly tab: string;
  readonly kind: Kind;
  readonly key: string;
  outcome: "open" | "told" | "closed";
}
type Kind = "signal" | "event" | "start" | "restart" | "purge" | "hold" | "schedule";
const KINDS: readonly Kind[] = ["signal", "event", "start", "restart", "purge", "hold", "schedule"];

interface Member {
  readonly tab: SimulatedTab;
  readonly hub: TabHub;
  isClosed: boolean;
}

export class Chaos {
  readonly world: World;
  readonly deeds: Deed[] = [];
  readonly #members: Member[] = [];
  /** Calls whose outcome the test must hear of, unless their tab is gone. */
  readonly #open = new Set<{ readonly member: Member; readonly done: Promise<void> }>();
  readonly #failures: unknown[] = [];
  /** True when no more calls are made. */
  #isOver = false;

  constructor(seed: number) {
    this.world = new World(seed);
  }

  async run(): Promise<void> {
    const { world } = this;
    const count = 2 + world.below(3);
    for (let index = 0; index < count; index++) this.#openTab();
    await world.until(this.#members[0]!.hub.scheduleNewOrchestration(collect, undefined, { instanceId: COLLECTOR }));
    world.faults = { loss: world.random() * 0.2, duplication: world.random() * 0.2, delayMs: world.below(40) };
    for (let step = 0; step < CHAOS_STEPS; step++) {
      await world.advance(world.below(300));
      this.#disturb();
    }
    world.faults = { loss: 0, duplication: 0, delayMs: 0 };
    this.#isOver = true;
    for (const { tab } of this.#members) {
      tab.thaw();
      if (tab.isRunning) tab.tell("returned");
    }
    this.#openTab();
    for (const { member, done } of this.#open) if (member.tab.isRunning) await world.until(done);
    expect(this.#failures).toEqual([]);
    await this.#check();
  }

  #openTab(): void {
    const tab = this.world.openTab();
    const member: Member = { tab, hub: tab.hub(functions), isClosed: false };
    this.#members.push(member);
    void member.hub.join().catch((error) => {
      if (!member.isClosed) this.#failures.push(["join", error]);
    });
    this.#act(member, 0);
  }

  /** The tab makes its next call after a while, or when the one before has been answered. */
  #act(member: Member, number: number): void {
    if (number === CALLS_PER_TAB || member.isClosed || this.#isOver) return;
    const { world } = this;
    world.clock.delay(world.below(200), () =>
      member.tab.task(() => {
        if (member.isClosed || this.#isOver) return;
        const done = this.#call(member, number);
        if (world.random() < 0.5) this.#act(member, number + 1);
        else void done.then(() => this.#act(member, number + 1));
      }),
    );
  }

  #call(member: Member, number: number): Promise<void> {
    const { tab, hub } = member;
    const kind = KINDS[this.world.below(KINDS.length)]!;
    const deed: Deed = { tab: tab.name, kind, key: `${tab.name}/${number}`, outcome: "open" };
    this.deeds.push(deed);
    const id = `${kind}-${tab.name}-${number}`;
    const done = this.#perform(hub, kind, deed.key, id).then(
      () => {
        deed.outcome = "told";
      },
      (error: { code?: string }) => {
        deed.outcome = "closed";
        if (!(member.isClosed && error.code === "hubClosed")) this.#failures.push([deed, error]);
      },
    );
    this.#open.add({ member, done });
    return done;
  }

  async #perform(hub: TabHub, kind: Kind, key: string, id: string): Promise<void> {
    switch (kind) {
      case "signal":
        return hub.signalEntity("@log@all", "add", key);
      case "event":
        return hub.raiseOrchestrationEvent(COLLECTOR, "said", key);
      case "start": {
        const started = await hub.scheduleNewOrchestration(greet, key, { tags: { key } });
        const seen: string[] = [];
        for await (const { runtimeStatus, lastUpdatedAt } of hub.watchOrchestration(started))
          seen.push(`${runtimeStatus} ${lastUpdatedAt.getTime()}`);
        expect(seen.at(-1)).toMatch(/^Completed/);
        expect(new Set(seen).size, seen.join(", ")).toBe(seen.length);
        return;
      }
      case "restart": {
        await hub.scheduleNewOrchestration(greet, key, { instanceId: id, tags: { key } });
        await hub.waitForOrchestrationCompletion(id);
        const other = await hub.restartOrchestration(id, { newInstanceId: true });
        expect(await hub.restartOrchestration(id)).toBe(id);
        expect(other).not.toBe(id);
        return;
      }
      case "purge": {
        await hub.scheduleNewOrchestration(greet, key, { instanceId: id });
        await hub.waitForOrchestrationCompletion(id);
        expect(await hub.purgeOrchestration(id)).toEqual({ deletedInstanceCount: 1, isComplete: true });
        return;
      }
      case "hold": {
        const calls = [
          hub.scheduleNewOrchestration(collect, undefined, { instanceId: id }),
          hub.suspendOrchestration(id, "wait"),
          hub.raiseOrchestrationEvent(id, "said", key),
          hub.resumeOrchestration(id),
          hub.raiseOrchestrationEvent(id, "said", "stop"),
        ];
        await Promise.all(calls);
        expect((await hub.waitForOrchestrationCompletion(id)).output).toEqual([key]);
        return;
      }
      case "schedule":
        await hub.schedules.create({ id, interval: { days: 1 }, fn: greet, input: key });
        expect((await hub.schedules.pause(id)).status).toBe("Paused");
        await hub.schedules.delete(id);
        return;
    }
  }

  /** Something happens to a tab. */
  #disturb(): void {
    const { world } = this;
    const member = this.#members[world.below(this.#members.length)]!;
    const leader = this.#members.find(({ tab, hub }) => tab.isRunning && hub.role === "executing");
    const target = world.random() < 0.6 ? (leader ?? member) : member;
    switch (world.below(7)) {
      case 0:
        target.tab.crash();
        this.#openTab();
        break;
      case 1:
      case 2:
        target.tab.freeze();
        break;
      case 3:
        member.tab.thaw();
        break;
      case 4:
        if (target.tab.isRunning) target.tab.tell("left");
        world.clock.delay(world.below(1_000), () => target.tab.task(() => target.tab.tell("returned")));
        break;
      case 5:
        if (!member.tab.isRunning || member.isClosed) break;
        member.isClosed = true;
        void member.hub.close();
        this.#openTab();
        break;
      default:
        break;
    }
  }

  async #check(): Promise<void> {
    const { world } = this;
    const { hub } = this.#members.at(-1)!;
    await world.until(hub.raiseOrchestrationEvent(COLLECTOR, "said", "stop"));
    const collected = (await world.until(hub.waitForOrchestrationCompletion(COLLECTOR))).output as string[];
    this.#checkOrder("event", collected);
    const logged = (await world.until(hub.getEntity<string[]>("@log@all")))?.state ?? [];
    this.#checkOrder("signal", logged);
    const states = await world.until(all(hub));
    const count = (key: string): number => states.filter(({ tags }) => tags.key === key).length;
    for (const { kind, key, outcome } of this.deeds) {
      if (kind === "start" && outcome === "told") expect(count(key), key).toBe(1);
      if (kind === "start") expect(count(key), key).toBeLessThanOrEqual(1);
      if (kind === "restart" && outcome === "told") expect(count(key), key).toBe(2);
      if (kind === "restart") expect(count(key), key).toBeLessThanOrEqual(2);
    }
  }

  /** What was told is there, nothing is there twice, and what a tab said first comes first. */
  #checkOrder(kind: Kind, found: readonly string[]): void {
    expect(new Set(found).size, `${kind}: ${found.join(" ")}`).toBe(found.length);
    for (const deed of this.deeds)
      if (deed.kind === kind && deed.outcome === "told") expect(found, deed.key).toContain(deed.key);
    const last = new Map<string, number>();
    for (const [tab, number] of found.map((key) => key.split("/") as [string, string])) {
      expect(Number(number), `${kind} of tab ${tab}: ${found.join(" ")}`).toBeGreaterThan(last.get(tab) ?? -1);
      last.set(tab, Number(number));
    }
  }
}

async function all(hub: TabHub): Promise<OrchestrationState[]> {
  const states: OrchestrationState[] = [];
  for await (const state of hub.queryOrchestrations()) states.push(state);
  return states;
}
