/**
 * Runs programs live, in an environment as random as they are: activities end, events are raised, time passes, instances are suspended, resumed
 * and terminated, in bursts that land in one turn. The same seed makes the same environment, whatever happens to instances in memory:
 *
 * - `kept`: every orchestrator stays live from its first turn to its last.
 * - `dropped`: between bursts instances are dropped from memory, or the hub is closed and opened again, so that they are replayed all the time.
 * - `crashing`: the hub is also closed in the middle of its work. What the environment does then hits other turns than in the other modes.
 */
import { type HistoryEvent, HoldfastError, MemoryStore, type OrchestrationState, type TaskHub } from "holdfast";
import { Activities } from "./activities.ts";
import type { HostedHub, OpenHub } from "./hosted.ts";
import { definitionsOf } from "./interpret.ts";
import { EVENT_NAMES, type Program } from "./program.ts";
import { awaitNull } from "./promises.ts";
import { Random } from "./random.ts";
import { type ProgramInput, Recorder } from "./recorder.ts";

export type Mode = "kept" | "dropped" | "crashing";

/** The history of one generation as it stood when the hub was at rest, and how long the logs were then. */
export interface Generation {
  readonly name: string;
  readonly history: readonly HistoryEvent[];
  /** Number of events → entries in the log of each execution key, at each rest. */
  readonly rests: Map<number, ReadonlyMap<number, number>>;
}

/** What a live run leaves behind. */
export interface Recording {
  readonly mode: Mode;
  readonly recorder: Recorder;
  /** By execution id. */
  readonly generations: ReadonlyMap<string, Generation>;
  readonly states: readonly OrchestrationState[];
  /** What the environment did, in words. */
  readonly journal: readonly string[];
}

const BURSTS_MAX = 12;
const WIND_DOWN_ROUNDS = 8;
/** Id of the instance that the test starts, and its place in the tree. */
export const MAIN = "m";

/**
 * A third of the seeds are solitary: one instance that calls neither children nor entities nor activities that take a while by themselves, and whose
 * environment never lets activities end while messages are on their way. Nothing then depends on how long a turn takes, so that it is the same
 * in a hub that keeps instances and in one that drops them.
 */
export function isSolitary(seed: string): boolean {
  return new Random(seed).fork("solitary").chance(0.35);
}

/** Runs programs once from their start until they have ended, or wait for something that never comes. */
export function runLive(programs: readonly Program[], seed: string, mode: Mode, open: OpenHub): Promise<Recording> {
  return new LiveRun(programs, seed, mode, open).run();
}

class LiveRun {
  readonly #mode: Mode;
  readonly #isSolitary: boolean;
  readonly #open: OpenHub;
  readonly #random: Random;
  /** Draws what only some modes do, so that the rest of the environment stays the same. */
  readonly #mishaps: Random;
  readonly #ids: Random;
  readonly #store = new MemoryStore();
  readonly #activities = new Activities();
  readonly #recorder = new Recorder();
  readonly #functions;
  readonly #generations = new Map<string, Generation>();
  readonly #journal: string[] = [];
  /** What the last suspension or resumption that was acknowledged should have made of the instance the test started. */
  #wish: "Suspended" | "Running" | undefined;
  #hosted: HostedHub | undefined;

  constructor(programs: readonly Program[], seed: string, mode: Mode, open: OpenHub) {
    this.#mode = mode;
    this.#isSolitary = isSolitary(seed);
    this.#open = open;
    this.#ids = new Random(seed).fork("ids");
    this.#random = new Random(seed).fork("environment");
    this.#mishaps = new Random(seed).fork(mode);
    this.#functions = [...definitionsOf(programs, this.#recorder), ...this.#activities.definitions];
  }

  async run(): Promise<Recording> {
    await this.#reopen(new Date("2026-01-01T00:00:00Z"));
    const input: ProgramInput = { path: MAIN, generation: 0 };
    this.#ask(this.#hub.scheduleNewOrchestration("p0", input, { instanceId: MAIN }));
    await this.#rest();
    for (let left = BURSTS_MAX; left > 0 && (await this.#isRunning()); left--) await this.#step();
    await this.#windDown();
    const states = await this.#states();
    await this.#hub.close();
    return {
      mode: this.#mode,
      recorder: this.#recorder,
      generations: this.#generations,
      states,
      journal: this.#journal,
    };
  }

  get #here(): HostedHub {
    return this.#hosted as HostedHub;
  }
  get #hub(): TaskHub {
    return this.#here.hub;
  }

  async #step(): Promise<void> {
    if (this.#random.chance(0.35)) {
      const ms = this.#random.pick([1, 10, 100, 1_000, 60_000]);
      this.#journal.push(`advance ${ms}`);
      await this.#here.advance(ms);
    } else {
      const length = this.#random.integer(1, this.#random.chance(0.1) ? 20 : 5);
      const kind = this.#isSolitary ? this.#random.pick(["ends", "messages"] as const) : "any";
      for (let left = length; left > 0; left--) this.#happen(kind);
    }
    await this.#mishap();
    await this.#rest();
  }

  /** One thing that happens; several in a row land in one turn. */
  #happen(kind: "any" | "ends" | "messages"): void {
    const open = kind === "messages" ? [] : this.#activities.open;
    if (kind === "ends" && open.length > 0) this.#activities.end(this.#say("end", this.#random.pick(open)));
    if (kind === "ends") return;
    const instanceId = this.#recorder.instanceAt(this.#random.chance(0.8) ? MAIN : this.#somePath()) ?? MAIN;
    const act = this.#random.weighted<() => void>([
      [open.length > 0 ? 12 : 0, () => this.#activities.end(this.#say("end", this.#random.pick(open)))],
      [10, () => this.#raise(instanceId, this.#random.pick(EVENT_NAMES))],
      [1, () => this.#suspend(instanceId)],
      [2, () => this.#resume(instanceId)],
      [0.1, () => this.#ask(this.#hub.terminateOrchestration(this.#say("terminate", instanceId)))],
    ]);
    act();
  }

  #suspend(instanceId: string): void {
    const done = this.#hub.suspendOrchestration(this.#say("suspend", instanceId));
    this.#ask(done.then(() => this.#wishFor(instanceId, "Suspended")));
  }

  #resume(instanceId: string): void {
    const done = this.#hub.resumeOrchestration(this.#say("resume", instanceId));
    this.#ask(done.then(() => this.#wishFor(instanceId, "Running")));
  }

  #wishFor(instanceId: string, status: "Suspended" | "Running"): void {
    if (instanceId === MAIN) this.#wish = status;
  }

  #say(what: string, about: string): string {
    this.#journal.push(`${what} ${about}`);
    return about;
  }

  #somePath(): string {
    const paths = new Set(this.#recorder.executions.map((execution) => execution.path));
    return this.#random.pick([MAIN, ...[...paths].sort()]);
  }

  #raise(instanceId: string, name: string): void {
    const value = this.#random.integer(1, 9);
    this.#say(`raise ${name} ${value} for`, instanceId);
    this.#ask(this.#hub.raiseOrchestrationEvent(instanceId, name, value));
  }

  /** Lets everything end that can: nothing is left suspended, every activity ends, every event comes, all timers fire. */
  async #windDown(): Promise<void> {
    for (let left = WIND_DOWN_ROUNDS; left > 0 && (await this.#isRunning()); left--) {
      this.#journal.push("wind down");
      const ids = (await this.#states()).map((state) => state.instanceId);
      for (const id of ids) this.#resume(id);
      if (this.#isSolitary) await this.#here.settle();
      for (const attempt of this.#activities.open) this.#activities.end(attempt);
      await this.#mishap();
      await this.#rest();
      for (const id of ids) for (const name of this.#random.shuffle(EVENT_NAMES)) this.#raise(id, name);
      await this.#here.advance(100_000);
      await this.#rest();
    }
  }

  async #mishap(): Promise<void> {
    if (this.#mode === "kept") return;
    if (this.#mode === "crashing" && this.#mishaps.chance(0.5)) {
      await awaitNull(this.#mishaps.integer(0, 80), false);
      this.#journal.push("crash");
      for (const execution of this.#recorder.executions) execution.isInterrupted = true;
    } else {
      await this.#here.settle();
      if (this.#mishaps.chance(0.6)) {
        this.#journal.push("drop");
        this.#ask(this.#hub.raiseOrchestrationEvent("nobody", "e0"));
        return;
      }
      this.#journal.push("reopen");
    }
    await this.#reopen(this.#here.now);
  }

  async #reopen(startAt: Date): Promise<void> {
    await this.#hosted?.hub.close();
    this.#hosted = await this.#open({
      store: this.#store,
      functions: this.#functions,
      startAt,
      ids: this.#ids,
      ...(this.#mode !== "kept" && { maxLiveInstances: 1 }),
    });
  }

  /** Makes a call to the hub without waiting for its answer; that it is refused because of the state of an instance is normal. */
  #ask(answer: Promise<unknown>): void {
    answer.catch((error: unknown) => {
      if (!(error instanceof HoldfastError)) this.#journal.push(`! ${String(error)}`);
    });
  }

  /** Waits until the hub is at rest, and takes down all histories. */
  async #rest(): Promise<void> {
    await this.#here.settle();
    const certain = this.#recorder.executions.filter((execution) => !execution.isInterrupted);
    const logged = new Map(certain.map(({ key, log }) => [key, log.length]));
    for (const { instanceId, name, runtimeStatus } of await this.#states()) {
      const isOpen = runtimeStatus === "Suspended" || runtimeStatus === "Running";
      if (instanceId === MAIN && this.#wish && isOpen && runtimeStatus !== this.#wish)
        this.#journal.push(`! '${MAIN}' is ${runtimeStatus} and should be ${this.#wish}`);
      const history = await this.#hub.getOrchestrationHistory(instanceId);
      const started = history.find((event) => event.type === "ExecutionStarted");
      if (!started) continue;
      const { executionId } = started.orchestrationInstance;
      const rests = this.#generations.get(executionId)?.rests ?? new Map();
      rests.set(history.length, logged);
      this.#generations.set(executionId, { name, history, rests });
    }
  }

  async #states(): Promise<OrchestrationState[]> {
    const states: OrchestrationState[] = [];
    for await (const state of this.#hub.queryOrchestrations()) states.push(state);
    return states;
  }

  async #isRunning(): Promise<boolean> {
    const main = await this.#hub.getOrchestrationState(MAIN);
    return main?.runtimeStatus === "Running" || main?.runtimeStatus === "Suspended" || main === undefined;
  }
}
