/** Tabs opened, used, and taken away at random for as long as wanted: what they acknowledged must come to its end exactly once. */
import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { JourneyOutput } from "../end-to-end/functions.ts";
import { numbers } from "../end-to-end/numbers.ts";
import type { BackEnd } from "./chromium.ts";
import { TabGone, type TabPage } from "./tab-page.ts";
import { TabsGround } from "./tabs-ground.ts";

const TABS_MAX = 10;
const PARALLEL = 12;
/** Longest time for which a tab hangs or is frozen, in ms: enough for another one to take over. */
const STILL_MS_MAX = 6_000;
/** How long everything may take to come to its end once no tab is taken away any more, in ms. */
const END_MS_MAX = 120_000;

/** What happened to tabs last, told with a fault. */
const STORY_LENGTH = 20;

const DEPARTURES = ["close", "crash", "leave", "hang", "freeze"] as const;
type Departure = (typeof DEPARTURES)[number];

export interface TabsRoundOptions {
  readonly backEnd: BackEnd;
  readonly seed: number;
  readonly ms: number;
}

export interface TabsOutcome {
  /** What went wrong, in words; nothing should have. */
  readonly faults: readonly string[];
  readonly journeyCount: number;
  readonly tabsOpened: number;
  readonly departures: Readonly<Record<Departure, number>>;
  /** How often a tab came back from the back/forward cache. */
  readonly restored: number;
  /** How often another tab began to execute. */
  readonly handovers: number;
}

/** Plays one round in a new browser. */
export async function tabsRound({ backEnd, seed, ms }: TabsRoundOptions): Promise<TabsOutcome> {
  await using ground = await TabsGround.make(backEnd);
  const round = new Round(ground, numbers(seed));
  await round.play(ms);
  return round.outcome();
}

class Round {
  readonly #ground: TabsGround;
  readonly #random: (max: number) => number;
  readonly #tabs = new Set<TabPage>();
  /** Tabs that are on another page, and may come back. */
  readonly #away = new Set<TabPage>();
  /** Tabs that hang or are frozen. */
  readonly #still = new Set<TabPage>();
  readonly #outputs: (JourneyOutput | undefined)[] = [];
  /** What has been asked and not answered, with the name of the tab. */
  readonly #underWay = new Map<string, string>();
  readonly #faults: string[] = [];
  readonly #departures: Record<Departure, number> = { close: 0, crash: 0, leave: 0, hang: 0, freeze: 0 };
  readonly #events: { readonly atMs: number; readonly what: string }[] = [];
  #tabsOpened = 0;
  #openingCount = 0;
  #isEnding = false;

  constructor(ground: TabsGround, random: (max: number) => number) {
    this.#ground = ground;
    this.#random = random;
  }

  async play(ms: number): Promise<void> {
    this.#open();
    this.#open();
    const travels = Promise.all(Array.from({ length: PARALLEL }, () => this.#travel()));
    for (const endMs = performance.now() + ms; performance.now() < endMs && this.#faults.length === 0; ) {
      await pause(50 + this.#random(400));
      await this.#disturb();
    }
    this.#isEnding = true;
    if (this.#tabCount === 0) this.#open();
    if (await Promise.race([travels.then(() => false), pause(END_MS_MAX, true, { ref: false })]))
      this.#faults.push(`not answered within ${END_MS_MAX} ms: ${this.#unanswered()}`);
    if (this.#faults.length === 0) await this.#audit();
  }

  outcome(): TabsOutcome {
    const { heard } = this.#ground;
    const handovers = heard.filter(({ said }) => said.type === "role" && said.role === "executing").length;
    const restored = heard.filter(({ said }) => said.type === "restored").length;
    return {
      faults: [...this.#faults, ...this.#ground.errors],
      journeyCount: this.#outputs.length,
      tabsOpened: this.#tabsOpened,
      departures: this.#departures,
      restored,
      handovers,
    };
  }

  // ---- use

  /** Journeys one after the other, each step in any tab. */
  async #travel(): Promise<void> {
    while (!this.#isEnding) {
      const index = this.#outputs.push(undefined) - 1;
      try {
        await this.#insist(`start ${index}`, (tab) => tab.ask("start", index));
        const watch =
          this.#random(4) === 0 ? this.#insist(`watch ${index}`, (tab) => tab.ask("watch", index)) : undefined;
        // It is awaited in the end; what comes before may fail first.
        watch?.catch(() => {});
        await this.#insist(`approve ${index}`, (tab) => tab.ask("approve", index));
        const { output } = await this.#insist(`wait ${index}`, (tab) => tab.ask("wait", index));
        this.#outputs[index] = output as JourneyOutput;
        const seen = await watch;
        if (seen && seen.at(-1) !== "completed")
          this.#faults.push(`journey ${index} was watched to ${seen.join(", ")}`);
        if (
          this.#random(10) === 0 &&
          !(await this.#insist("query", (tab) => tab.ask("query"))).includes(`journey-${index}`)
        )
          this.#faults.push(`journey ${index} is not among those that were listed`);
      } catch (error) {
        const { message, cause } = error as Error;
        this.#faults.push(`${message}: ${cause}\n${this.#story(index).join("\n")}`);
        return;
      }
    }
  }

  /** Asks any tab; when it goes away meanwhile, another one. */
  async #insist<T>(what: string, ask: (tab: TabPage) => Promise<T>): Promise<T> {
    for (;;) {
      const there = [...this.#tabs].filter(({ isThere }) => isThere);
      const tab = there[this.#random(there.length)];
      if (!tab) await pause(20);
      else
        try {
          this.#underWay.set(what, tab.name);
          this.#events.push({ atMs: performance.now(), what: `${what}: asked of tab ${tab.name}` });
          const answer = await ask(tab);
          this.#events.push({ atMs: performance.now(), what: `${what}: answered by tab ${tab.name}` });
          return answer;
        } catch (error) {
          if (!(error instanceof TabGone)) throw new Error(`${what} in tab ${tab.name} failed`, { cause: error });
        } finally {
          this.#underWay.delete(what);
        }
    }
  }

  // ---- disturbance

  /** Opens a tab or takes one away; in half of the cases the one that executes. */
  async #disturb(): Promise<void> {
    for (const tab of this.#tabs) if (!tab.isThere) this.#tabs.delete(tab);
    if (this.#tabCount < 2 || (this.#tabCount < TABS_MAX && this.#random(2) === 0)) return this.#open();
    const [back] = this.#away;
    if (back && this.#random(3) === 0) return this.#return(back);
    const candidates = [...this.#tabs].filter((tab) => !this.#still.has(tab));
    const executing = candidates.find(({ name }) => name === this.#executing());
    const victim = (this.#random(2) === 0 && executing) || candidates[this.#random(candidates.length)];
    if (!victim) return;
    const departure = DEPARTURES[this.#random(DEPARTURES.length)] ?? "close";
    this.#departures[departure]++;
    try {
      await this.#depart(victim, departure);
    } catch (error) {
      // It had gone before it could be sent away.
      if (victim.isThere) throw error;
    }
  }

  async #depart(victim: TabPage, departure: Departure): Promise<void> {
    const isStill = departure === "hang" || departure === "freeze";
    const ms = isStill ? this.#random(STILL_MS_MAX) : 0;
    this.#events.push({ atMs: performance.now(), what: `tab ${victim.name}: ${departure} ${ms || ""}` });
    if (isStill) {
      this.#still.add(victim);
      if (departure === "hang") await victim.ask("hang", ms);
      else await victim.freeze();
      void pause(ms, undefined, { ref: false })
        .then(() => (departure === "freeze" && victim.isThere ? victim.thaw() : undefined))
        .then(() => pause(1_000, undefined, { ref: false }))
        .catch(() => {})
        .finally(() => this.#still.delete(victim));
      return;
    }
    this.#tabs.delete(victim);
    if (departure === "close") await victim.close();
    else if (departure === "crash") await victim.crash();
    else {
      await victim.leave(this.#ground.origin);
      this.#away.add(victim);
    }
  }

  /** The name of the tab that said last that it executes. */
  #executing(): string | undefined {
    const last = this.#ground.heard.findLast(({ said }) => said.type === "role" && said.role === "executing");
    return last?.said.type === "role" ? last.said.name : undefined;
  }

  get #tabCount(): number {
    return this.#tabs.size + this.#openingCount;
  }

  #open(): void {
    const place = this.#random(4) === 0 ? "dedicated" : "page";
    const isDeaf = this.#random(4) === 0;
    this.#await(this.#ground.open(String(this.#tabsOpened++), { place, isDeaf }));
  }

  #return(tab: TabPage): void {
    this.#away.delete(tab);
    this.#await(tab.return());
  }

  /** Takes a tab in as soon as it is there. */
  #await(opening: Promise<TabPage>): void {
    this.#openingCount++;
    opening
      .then(
        (tab) => this.#tabs.add(tab),
        (error: Error) => this.#faults.push(`a tab did not open: ${error.stack}`),
      )
      .finally(() => this.#openingCount--);
  }

  /** The newest events of the round, and all of one journey, with their instants in ms. */
  #story(index: number): string[] {
    const roles = this.#ground.heard.flatMap(({ said, atMs }) =>
      said.type === "role" ? [{ atMs, what: `tab ${said.name} is ${said.role}` }] : [],
    );
    const isOfJourney = ({ what }: { what: string }): boolean => what.split(":")[0]?.endsWith(` ${index}`) ?? false;
    const happened = [...roles, ...this.#events.filter(({ what }) => what.startsWith("tab "))];
    const events = [
      ...happened.sort((a, b) => a.atMs - b.atMs).slice(-STORY_LENGTH),
      ...this.#events.filter(isOfJourney),
    ];
    return events.sort((a, b) => a.atMs - b.atMs).map(({ atMs, what }) => `${Math.round(atMs)}  ${what}`);
  }

  // ---- judgement

  #unanswered(): string {
    return Array.from(this.#underWay, ([what, name]) => `${what} in tab ${name}`).join(", ");
  }

  async #audit(): Promise<void> {
    for (const [index, output] of this.#outputs.entries()) {
      const steps = output?.marks.map(({ step }) => step);
      const isWhole = output?.name === `trip ${index}` && output.approval === `yes ${index}`;
      if (!isWhole || !isDeepStrictEqual(steps, [1, 2, 3, 4, 5, 6, 7]))
        this.#faults.push(`journey ${index} ended with ${JSON.stringify(output)}`);
      for (const { nonce } of output?.marks ?? [])
        if (!this.#ground.executed.has(nonce)) this.#faults.push(`journey ${index} has a result that nobody gave`);
    }
    const count = this.#outputs.length;
    const signalled = (await this.#insist("audit", (tab) => tab.ask("audit", count))).sort();
    const expected = this.#outputs.map((_, index) => `trip ${index}`).sort();
    if (!isDeepStrictEqual(signalled, expected))
      this.#faults.push(`the entity got the signals ${signalled.join(", ")}`);
  }
}
