/**
 * One simulation: the production hub in a small world in which everything that can go wrong does, from one seed. First with faults; then without, and
 * everything must finish. The same seed and selection make the same run.
 */
import { HoldfastError } from "holdfast";
import type { FaultCounts } from "./faults/faults.ts";
import { finalChecks } from "./model/final-checks.ts";
import type { InvariantId, Violation } from "./model/invariants.ts";
import { Ledger } from "./model/ledger.ts";
import { isParked } from "./model/lifecycle.ts";
import { isFinal } from "./model/records.ts";
import { generatePrograms } from "./programs/generate.ts";
import { type Program, WITHOUT_EFFECT } from "./programs/program.ts";
import { prune } from "./programs/prune.ts";
import type { Random } from "./replay/random.ts";
import { Activities } from "./world/activities.ts";
import { Choices, type Selection } from "./world/choices.ts";
import { Clients } from "./world/clients.ts";
import { type OpenDatabase, openDatabase } from "./world/databases.ts";
import { Network, Process, type ProcessOptions } from "./world/process.ts";
import { type Deployment, type Settings, settingsOf, versioningOf } from "./world/settings.ts";
import { isStoreTrouble, storeOf } from "./world/store.ts";
import { World } from "./world/world.ts";

/** What came of one seed. */
export interface Outcome {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly trace: readonly string[];
  readonly faultCounts: FaultCounts;
  /** Occasions taken or left, for a selection of them. */
  readonly faultCount: number;
  readonly requestCount: number;
  /** Parts of programs, for a selection of them. */
  readonly partCount: number;
  readonly steps: number;
}

/** Hubs of every world; they share one store, and the ids of their instances. */
const HUBS = ["main", "other"] as const;
const WIND_DOWN_ROUNDS = 400;
const STEPS_MAX = 20_000;
/** How late a timer may fire when nothing goes wrong: later than the latest alarm, also after a jump of the clock, and the time after which a hub tries again. */
const OVERDUE_MAX_MS = 60_000;

/** Ends a run at its first violation. */
class Stop extends Error {}

/** Runs one seed. */
export async function simulate(seed: number, selection: Selection = {}): Promise<Outcome> {
  const simulation = new Simulation(seed, selection);
  const escaped = (error: unknown): void => simulation.escaped(error);
  process.on("unhandledRejection", escaped);
  process.on("uncaughtException", escaped);
  // Stacks are stored with failures, and are of other lengths elsewhere.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return await simulation.run();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    process.off("unhandledRejection", escaped);
    process.off("uncaughtException", escaped);
  }
}

class Simulation {
  readonly #seed: number;
  readonly #choices: Choices;
  readonly #world: World;
  readonly #violations: Violation[] = [];
  readonly #ledgers = new Map<string, Ledger>();
  readonly #processes: Process[] = [];
  readonly #activities: Activities;
  readonly #clients: Clients;
  readonly #programs: readonly Program[];
  readonly #partCount: number;
  readonly #settings: Settings;
  /** Which of the deployments processes get that start now. */
  #deployed = 0;
  readonly #network = new Network();
  readonly #database: OpenDatabase;
  readonly #steps: number;
  #isUpgraded = false;
  #fullUntilMs = 0;
  /** From then on timers must fire in time. */
  #timelyFromMs = Number.POSITIVE_INFINITY;
  #processCount = 0;

  constructor(seed: number, selection: Selection) {
    this.#seed = seed;
    this.#choices = new Choices(seed, selection);
    this.#world = new World(this.#choices);
    const invented = generatePrograms(this.#choices.about("programs"), (what) => this.#choices.liking(what));
    const { programs, partCount } = prune(invented, selection.parts);
    this.#partCount = partCount;
    this.#settings = settingsOf(this.#choices, programs);
    this.#programs = this.#settings.deployments[0];
    const violate = (invariant: InvariantId, details: string): void => this.#violate(invariant, details);
    for (const hub of HUBS)
      this.#ledgers.set(hub, new Ledger(hub, this.#settings, violate, () => this.#world.stepCount));
    this.#activities = new Activities(this.#world, this.#network, violate);
    this.#database = openDatabase({
      world: this.#world,
      isFull: () => this.#isFull,
      forgetEpochs: () => {
        for (const ledger of this.#ledgers.values()) ledger.newestEpoch = ledger.committedEpoch;
      },
    });
    // A store that does not answer at once takes up steps for every question and every answer.
    this.#steps = this.#choices.stepsOf(this.#database.isSynchronous ? 1 : 2.5);
    this.#clients = new Clients({
      world: this.#world,
      programCount: this.#programs.length,
      hasVersions: this.#settings.hasVersions,
      violate,
      ledger: (hub) => this.#ledger(hub),
      pick: (random) => this.#pickProcess(random),
    });
  }

  async run(): Promise<Outcome> {
    this.#world.trace.say(`seed ${this.#seed}, over ${this.#database.name}`);
    for (const [index, program] of this.#programs.entries())
      this.#world.trace.say(`p${index}: ${JSON.stringify(program)}`);
    try {
      for (const hub of HUBS) this.#start(hub);
      await this.#world.settle();
      for (let step = 0; step < this.#steps; step++) await this.#step();
      await this.#windDown();
    } catch (error) {
      if (!(error instanceof Stop))
        this.#note("I38", `the simulation itself was thrown out: ${(error as Error).stack}`);
    }
    for (const one of this.#processes) one.isAlive = false;
    this.#database.dispose();
    return {
      seed: this.#seed,
      violations: this.#violations,
      trace: this.#world.trace.lines,
      faultCounts: this.#choices.faultCounts,
      faultCount: this.#choices.faultCount,
      requestCount: this.#choices.requestCount,
      partCount: this.#partCount,
      steps: this.#steps,
    };
  }

  /** An error that nobody has handled. What is left of dead processes may say anything. */
  escaped(error: unknown): void {
    if (isStoreTrouble(error)) return;
    this.#note("I38", `unhandled: ${String((error as Error)?.stack ?? error)}`);
  }

  #note(invariant: InvariantId, details: string): void {
    this.#violations.push({ invariant, details });
    this.#world.trace.say(`  VIOLATION ${invariant}: ${details}`);
  }
  #violate(invariant: InvariantId, details: string): void {
    this.#note(invariant, details);
  }
  get #isFull(): boolean {
    return this.#choices.hasFaults && this.#world.nowMs < this.#fullUntilMs;
  }
  #ledger(hub: string): Ledger {
    return this.#ledgers.get(hub) as Ledger;
  }

  // ---- with faults

  async #step(): Promise<void> {
    const random = this.#choices.about("steps");
    for (let left = 4; left > 0 && random.chance(Math.min(0.7, 0.3 * this.#choices.liking("clients"))); left--)
      this.#clients.act();
    if (random.chance(0.06 * this.#choices.liking("crowds"))) this.#clients.crowd();
    this.#mishap(random);
    for (const hub of HUBS) if (!this.#leader(hub)) this.#start(hub);
    // Requests must not outnumber what the hub does with them.
    for (let left = random.integer(1, 6); left > 0 && this.#violations.length === 0; left--) {
      await this.#world.step();
      this.#checkActivities();
    }
    if (this.#violations.length > 0) throw new Stop();
  }

  /** What befalls processes as a whole. */
  #mishap(random: Random): void {
    const choices = this.#choices;
    const one = this.#pickProcess(choices.about("mishaps"));
    if (!one) return;
    if (choices.fault("F01")) one.die("between two events");
    if (choices.fault("F02")) one.dieSoon(choices.about("hops").integer(1, 40), "in the middle of its work");
    if (choices.fault("F13")) this.#start(one.hubName);
    if (choices.fault("F15")) this.#fullUntilMs = this.#world.nowMs + 3_000;
    if (choices.fault("F22")) this.#jump(one, random.pick([50, 5_000, 7_200_000]));
    if (choices.fault("F23")) this.#jump(one, -random.pick([50, 5_000, 7_200_000]));
    if (choices.fault("F34")) this.#close(one);
    if (choices.fault("F35")) this.#loseNetwork();
    if (this.#settings.deployments.length > 1 && choices.fault("F40")) {
      this.#deploy();
      one.die("for another deployment of its code");
    }
    if (choices.fault("F36")) {
      one.isFrozen = true;
      this.#world.trace.say(`  ${one.name} freezes`);
      this.#world.after(2_000, `${one.name} thaws`, () => {
        one.isFrozen = false;
      });
    }
    if (!this.#isUpgraded && this.#world.stepCount > this.#steps / 2) {
      this.#isUpgraded = true;
      if (choices.fault("F32")) one.die("for an upgrade of its code");
    }
  }

  #jump(one: Process, ms: number): void {
    for (const ledger of this.#ledgers.values()) ledger.hasOddInstants = true;
    one.jump(ms);
  }

  #close(one: Process): void {
    if (!one.hub || one.isStopped) return;
    this.#world.trace.say(`  ${one.name} is closed`);
    one.isStopped = true;
    void one.hub.close().then(
      () => {
        one.isClosed = true;
        // What one that was taken over has under way changes nothing.
        const isNewest = one.epoch === this.#ledger(one.hubName).newestEpoch;
        if (one.isAlive && one.isCommitting && isNewest)
          this.#violate("I60", `${one.name} is closed, and a commit of it is under way`);
        one.die("after having been closed");
      },
      () => one.die("while it was closed"),
    );
  }

  #loseNetwork(): void {
    this.#network.set(false);
    this.#world.trace.say("  the network is gone");
    this.#world.after(1_000, "the network is back", () => this.#network.set(true));
  }

  // ---- processes

  /** The process that has opened a hub last. */
  #leader(hub: string): Process | undefined {
    return this.#processes.findLast((one) => one.hubName === hub && one.isAlive && !one.isFrozen && !one.isStopped);
  }

  /** Mostly the leader of the main hub; at times the other hub's, or one that does not know that it leads no more. */
  #pickProcess(random: Random): Process | undefined {
    const hub = random.chance(0.85) ? "main" : "other";
    const leader = this.#leader(hub);
    if (random.chance(0.9)) return leader;
    return random.pick([leader, ...this.#processes.filter((one) => one.isAlive && one.hub && !one.isStopped)]);
  }

  #start(hubName: string): Process {
    const name = `${hubName}${++this.#processCount}`;
    const deployment = this.#deployment();
    const one = new Process(this.#world, { name, hubName, deployment });
    this.#processes.push(one);
    const isTiny = this.#choices.fault("F31");
    this.#world.trace.say(`  ${name} starts${isTiny ? ", and keeps one orchestrator in memory" : ""}`);
    const options: ProcessOptions = {
      name,
      hubName,
      deployment,
      settings: this.#settings,
      network: this.#network,
      maxLiveInstances: isTiny ? 1 : 1_000,
      maxConcurrentActivities: this.#choices.about("places").pick([2, 100, 100]),
      logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      ports: this.#functionPorts(one),
      store: (process) =>
        storeOf(process, {
          world: this.#world,
          database: this.#database,
          ledger: (hub) => this.#ledger(hub),
          violate: (invariant, details) => this.#violate(invariant, details),
          isFull: () => this.#isFull,
          takeOver: async () => {
            this.#start(hubName);
          },
          writing: (process, instanceId) => {
            if (this.#choices.hasFaults) this.#clients.interject(process, instanceId);
          },
        }),
    };
    one.open(options).catch((error: unknown) => {
      if (!one.isAlive) return;
      const isExpected = isStoreTrouble(error) || isStopped(error);
      if (!isExpected) this.#violate("I38", `${name} could not be opened: ${String((error as Error).stack)}`);
      one.die("because it could not open the hub");
    });
    return one;
  }

  /** What a process that starts now runs. When the faults end hubs are for every version. */
  #deployment(): Deployment {
    const programs = this.#settings.deployments[this.#deployed] as readonly Program[];
    const { hasVersions } = this.#settings;
    const isChoosy = hasVersions && this.#choices.hasFaults;
    return { programs, versioning: isChoosy ? versioningOf(this.#choices.about("versions")) : {} };
  }

  #deploy(): void {
    this.#deployed = (this.#deployed + 1) % this.#settings.deployments.length;
    this.#world.trace.say(`  deployment ${this.#deployed} is in place`);
  }

  #functionPorts(one: Process): ProcessOptions["ports"] {
    const ledger = this.#ledger(one.hubName);
    return {
      isUpgraded: this.#isUpgraded,
      pause: () => this.#pause(one),
      runActivity: (ctx, input) => this.#activities.run(one, ledger, ctx, input),
      entered: ({ instanceId }, run) => {
        const isCurrent = one.isAlive && one.epoch === ledger.newestEpoch;
        if (isCurrent && ledger.terminatedRuns.has(`${instanceId} ${run}`) && ledger.copiesOf(run) === 1)
          this.#violate("I24", `code of '${instanceId}' (run ${run}) is executed, which is terminated`);
      },
      sent: (id, operation, isOrdered) => {
        ledger.journals.noteSent(id, !WITHOUT_EFFECT.has(operation), isOrdered);
      },
    };
  }

  /** Some operations of entities take time; what happens meanwhile overtakes what they have before them. */
  #pause(one: Process): Promise<void> {
    const random = this.#choices.about("pauses");
    if (random.chance(0.5)) return Promise.resolve();
    return new Promise((resolve) => {
      this.#world.after(random.pick([0, 1, 50]), `${one.name} has done a slow operation`, resolve, one);
    });
  }

  // ---- without faults

  /** Nothing goes wrong any more: whatever was started must end. */
  async #windDown(): Promise<void> {
    this.#choices.hasFaults = false;
    // Who is about to die does so first.
    await this.#world.settle();
    this.#world.trace.say("the faults end");
    this.#network.set(true);
    this.#fullUntilMs = 0;
    for (const one of this.#processes)
      if (one.isFrozen || one.isStopped || !one.hub) one.die("it is of no use any more");
    for (const hub of HUBS) {
      const one = this.#leader(hub);
      // What hangs in a process hangs for ever: a new one takes over. One that is sound must get along by itself, at least at times.
      const isCurrent = one?.epoch === this.#ledger(hub).newestEpoch && !this.#settings.hasVersions;
      const isSound = one && isCurrent && !one.isStuck && one.skewMs === 0;
      if (!isSound || this.#choices.about("wind-down").chance(0.5)) this.#start(hub);
    }
    this.#timelyFromMs = this.#world.nowMs + OVERDUE_MAX_MS;
    for (let round = 0; round < WIND_DOWN_ROUNDS; round++) {
      this.#activities.release();
      await this.#run(this.#world.nowMs + 30 * 86_400_000);
      if (HUBS.every((hub) => this.#open(hub).length === 0)) break;
      // Who is parked waits for the other code.
      const mustDeploy = round % 2 === 1 && this.#settings.deployments.length > 1;
      if (mustDeploy) this.#deploy();
      for (const hub of mustDeploy ? HUBS : []) {
        this.#checkAnswered(hub);
        this.#start(hub);
      }
      if (mustDeploy) await this.#run(this.#world.nowMs);
      for (const hub of HUBS)
        for (const id of this.#open(hub)) {
          this.#clients.nudge(this.#leader(hub), id);
        }
    }
    // What is due some time after the last event is done without one.
    this.#world.after(3_600_000, "an hour later", () => {});
    await this.#run(this.#world.nowMs + 30 * 86_400_000);
    const problems = HUBS.map((hub) => ({ hub, leader: this.#leader(hub), ledger: this.#ledger(hub) }));
    for (const { hub, leader, ledger } of problems) {
      if (!leader?.hub) this.#violate("I33", `hub ${hub} is not open`);
      else
        await finalChecks({
          hub: leader.hub,
          ledger,
          deployments: this.#settings.deployments,
          activities: this.#activities,
          unanswered: this.#clients.unanswered(leader),
          run: () => this.#run(this.#world.nowMs),
          violate: (invariant, details) => this.#violate(invariant, details),
        });
    }
    await this.#checkLeftovers();
  }

  async #checkLeftovers(): Promise<void> {
    let found: readonly string[] | undefined;
    void this.#database.leftovers().then((leftovers) => {
      found = leftovers;
    });
    await this.#run(this.#world.nowMs);
    if (found?.length !== 0) this.#violate("I62", `the store still has ${found?.join(", ")}`);
  }

  /** Until nothing is about to happen before an instant. */
  async #run(untilMs: number): Promise<void> {
    await this.#world.settle();
    for (let left = STEPS_MAX; await this.#world.step(untilMs); left--) {
      this.#checkTimers();
      this.#checkActivities();
      if (this.#violations.length > 0) throw new Stop();
      if (left > 0) continue;
      this.#violate("I33", "there is no end to it");
      throw new Stop();
    }
  }

  /** A timer fires when its time has come: not only when something else wakes the hub. */
  #checkTimers(): void {
    const { nowMs } = this.#world;
    if (nowMs < this.#timelyFromMs) return;
    // A signal waits for the entity to be released, and who holds it may be suspended.
    for (const hub of HUBS)
      for (const [id, { record, timers, entity }] of this.#ledger(hub).model.instances)
        for (const { kind, timerId, dueAtMs } of timers)
          if (dueAtMs + OVERDUE_MAX_MS < nowMs && !isParked(record) && !(kind === "signal" && entity?.lockedBy))
            this.#violate("I40", `the timer ${kind} ${timerId} of '${id}' is due since ${nowMs - dueAtMs} ms`);
    for (const hub of HUBS)
      for (const id of this.#ledger(hub).lifecycle.overdue(nowMs - OVERDUE_MAX_MS))
        this.#violate("I42", `'${id}' of hub ${hub} should be gone`);
  }

  /** Whoever asked for something that is done at once has heard of it by now. */
  #checkAnswered(hub: string): void {
    const leader = this.#leader(hub);
    for (const says of leader ? this.#clients.unanswered(leader) : [])
      if (!/^(wait|watch)/.test(says)) this.#violate("I33", `nobody has answered '${says}'`);
  }

  #checkActivities(): void {
    for (const hub of HUBS) {
      const leader = this.#leader(hub);
      if (!leader) continue;
      this.#activities.checkWaiting(leader, this.#ledger(hub));
      this.#activities.checkRunning(leader, this.#ledger(hub));
    }
  }

  /** Instances that have not ended. */
  #open(hub: string): string[] {
    const { model } = this.#ledger(hub);
    return [...model.instances].filter(([, { record }]) => record && !isFinal(record)).map(([id]) => id);
  }
}

function isStopped(error: unknown): boolean {
  return error instanceof HoldfastError && (error.code === "hubFenced" || error.code === "hubClosed");
}
