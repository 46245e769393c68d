/** Clients of a hub: they start, signal, ask, wait and interfere at random, ask again when they hear nothing, and remember what they were promised. */
import { HoldfastError, type OrchestrationState, type TaskHub } from "holdfast";
import type { InstanceRecord } from "../../../core/store/contract.ts";
import type { Violate } from "../model/invariants.ts";
import type { Ledger } from "../model/ledger.ts";
import { decode, isFinal } from "../model/records.ts";
import { ENTITY_KEYS, EVENT_NAMES, INSTANCE_IDS, type ProgramInput } from "../programs/program.ts";
import type { Random } from "../replay/random.ts";
import { PAYLOAD_BYTES_MAX, type Process } from "./process.ts";
import { VERSIONS } from "./settings.ts";
import { isStoreTrouble } from "./store.ts";
import type { World } from "./world.ts";

/** What clients need of the world around them. */
export interface ClientPorts {
  readonly world: World;
  readonly programCount: number;
  /** Whether instances are started with versions. */
  readonly hasVersions: boolean;
  readonly violate: Violate;
  readonly ledger: (hub: string) => Ledger;
  /** A process that takes requests for a hub, if there is one. */
  pick(random: Random): Process | undefined;
}

/** One request, as often as it is made. */
interface Request {
  readonly says: string;
  /** The instance it is for. */
  readonly about?: string;
  make(hub: TaskHub, ledger: Ledger, attempt: number): Promise<unknown>;
  /** Checks an answer. `askedAt` is the step of the question. */
  answered?(value: unknown, ledger: Ledger, askedAt: number): void;
  /** Codes of refusals that may be right. */
  readonly refusals: readonly string[];
  /** Whether asking again is harmless. */
  readonly isRepeatable: boolean;
}

/** A suspension or a resume. */
interface Hold {
  readonly id: string;
  readonly what: "suspend" | "resume";
  /** True once the other was asked for while this one was under way. */
  isDisputed: boolean;
}

const GONE = ["instanceNotFound"];
const NOT_RUNNING = [...GONE, "instanceNotRunning"];

export class Clients {
  readonly #ports: ClientPorts;
  readonly #random: Random;
  #count = 0;
  /** Requests that nobody has answered. */
  readonly #open = new Set<{ readonly says: string; readonly process: Process }>();
  /** Suspensions and resumes under way. */
  readonly #holds = new Set<{ readonly hold: Hold }>();

  constructor(ports: ClientPorts) {
    this.#ports = ports;
    this.#random = ports.world.choices.about("clients");
  }

  /** Some client asks for something. */
  act(): void {
    const request = this.#invent();
    const { world } = this.#ports;
    if (!world.choices.request()) return;
    const delayMs = world.choices.fault("F29") ? 300 : 0;
    this.#send(request, delayMs, 0);
    if (request.isRepeatable && world.choices.fault("F28")) this.#send(request, 0, 1);
  }

  /** Some clients ask for several things about one instance at once: a turn finds them together. */
  crowd(): void {
    const id = this.#instance();
    this.#ports.world.after(0, `clients crowd round ${id}`, () => {
      const process = this.#ports.pick(this.#random);
      if (process) this.interject(process, id);
    });
  }

  /** Some clients ask a process for something about an instance: at the very moment that this is being written, say. */
  interject(process: Process, instanceId: string): void {
    const random = this.#random;
    const { hub } = process;
    for (let left = random.integer(1, 4); left > 0; left--) {
      const request = random.weighted<() => Request>([
        [2, () => this.#invent(instanceId)],
        [2, () => this.#raise(instanceId, random.pick(EVENT_NAMES), undefined)],
        [1, () => this.#hold(instanceId, random.pick(["suspend", "resume"]))],
      ])();
      if (hub && this.#ports.world.choices.request()) this.#ask(request, process, hub, 0);
    }
  }

  /** Lets an instance go on, whatever it waits for: resumes it, and raises an event of every name. */
  nudge(process: Process | undefined, instanceId: string): void {
    if (!process?.hub) return;
    const requests = [
      this.#hold(instanceId, "resume"),
      ...EVENT_NAMES.map((name) => this.#raise(instanceId, name, undefined)),
    ];
    for (const request of requests) this.#ask(request, process, process.hub, 0);
  }

  /** What a process was asked and has not answered. */
  unanswered(process: Process): readonly string[] {
    return [...this.#open].flatMap((one) => (one.process === process ? one.says : []));
  }

  #send(request: Request, delayMs: number, attempt: number): void {
    this.#ports.world.after(delayMs, `client: ${request.says}${attempt > 0 ? " (again)" : ""}`, () => {
      const process = this.#ports.pick(this.#random);
      if (process?.hub) this.#ask(request, process, process.hub, attempt);
    });
  }

  #ask(request: Request, process: Process, hub: TaskHub, attempt: number): void {
    const { world, violate } = this.#ports;
    const ledger = this.#ports.ledger(process.hubName);
    const askedAt = world.stepCount;
    const open = { says: request.says, process };
    this.#open.add(open);
    const again = (): void => {
      if (request.isRepeatable && attempt < 3 && world.choices.hasFaults) this.#send(request, 50, attempt + 1);
    };
    const wasStopped = process.isStopped;
    request.make(hub, ledger, attempt).then(
      (value) => {
        this.#open.delete(open);
        if (!process.isAlive) return;
        world.trace.say(`  answered: ${request.says}`);
        if (wasStopped) violate("I23", `${process.name} answered '${request.says}' after its hub had stopped`);
        if (world.choices.fault("F30")) again();
        else if (process.epoch === ledger.newestEpoch) request.answered?.(value, ledger, askedAt);
      },
      (error: unknown) => {
        this.#open.delete(open);
        if (!process.isAlive) return;
        this.#refused(request, process, error, again);
        if (process.epoch === ledger.newestEpoch) this.#checkRefusal(request, error, ledger, askedAt);
      },
    );
  }

  #refused(request: Request, process: Process, error: unknown, again: () => void): void {
    const { world, violate } = this.#ports;
    const code = error instanceof HoldfastError ? error.code : (error as Error).name;
    world.trace.say(`  refused (${code}): ${request.says}`);
    if (code === "hubFenced" || code === "hubClosed") {
      process.isStopped = true;
      again();
    } else if (isStoreTrouble(error)) again();
    else if (!request.refusals.includes(code)) violate("I28", `'${request.says}' was refused: ${String(error)}`);
  }

  /** A refusal rests on what is durable. */
  #checkRefusal({ about: id, says }: Request, error: unknown, ledger: Ledger, askedAt: number): void {
    if (id === undefined || !(error instanceof HoldfastError) || this.#wasReset(ledger, id, askedAt)) return;
    const { records, isFirst } = recentOf(ledger, id, askedAt);
    const isFounded = {
      orchestrationAlreadyExists: () => records.some((record) => record !== undefined),
      instanceNotRunning: () => records.some((record) => record && isFinal(record)),
      instanceNotFound: () => isFirst || records.includes(undefined),
    }[error.code as string];
    if (isFounded && !isFounded())
      this.#ports.violate("I28", `'${says}' was refused (${error.code}), and nothing that is durable says so`);
  }

  // ---- what is asked

  #invent(about?: string): Request {
    const random = this.#random;
    const id = about ?? this.#instance();
    const failed = about ?? this.#failed();
    const { choices } = this.#ports.world;
    if (choices.fault("F33")) return this.#misdirected();
    const like = (what: string): number => this.#ports.world.choices.liking(`client ${what}`);
    return random.weighted<() => Request>([
      [12 * like("start"), () => this.#start()],
      [
        10 * like("raise"),
        () => this.#raise(id, random.pick(EVENT_NAMES), random.chance(0.5) ? `e${++this.#count}` : undefined),
      ],
      [
        4 * like("signal"),
        () =>
          this.#signal(
            random.pick(ENTITY_KEYS),
            random.weighted([
              [6, "add"],
              [2, "slow"],
              [1, "fail"],
              [1, "relay"],
            ]),
          ),
      ],
      [1.5 * like("terminate"), () => this.#terminate(id)],
      [1.5 * like("hold"), () => this.#hold(id, "suspend")],
      [1.5 * like("hold"), () => this.#hold(id, "resume")],
      [(failed ? 4 : 0.5) * like("rewind"), () => this.#rewind(failed ?? id)],
      [0.7 * like("restart"), () => this.#restart(id)],
      [1 * like("purge"), () => this.#purge(id)],
      [4 * like("look"), () => this.#look(id)],
      [2 * like("list"), () => this.#list()],
      [2 * like("wait"), () => this.#wait(id)],
      [1 * like("watch"), () => this.#watch(id)],
      [1 * like("ids"), () => this.#ids()],
      [0.5 * like("purgeAll"), () => this.#purgeAll()],
      [1 * like("history"), () => this.#history(id)],
      [1 * like("entity"), () => this.#entity(random.pick(ENTITY_KEYS))],
      [0.5 * like("clean"), () => this.#clean()],
    ])();
  }

  /** Mostly one that clients start; at times any that there is, children among them. */
  #instance(): string {
    const random = this.#random;
    if (random.chance(0.75)) return this.#id();
    const known = [...this.#ports.ledger("main").model.instances.keys()].filter((id) => !id.startsWith("@"));
    return random.pick(["c1", "c2", ...known]);
  }

  /** Mostly one that has failed, if there is any. */
  #failed(): string | undefined {
    const { instances } = this.#ports.ledger("main").model;
    const failed = [...instances].flatMap(([id, { record }]) => (record?.status === "Failed" ? id : []));
    return failed.length > 0 && this.#random.chance(0.7) ? this.#random.pick(failed) : undefined;
  }

  /** In some worlds everything is about one instance. */
  #id(): string {
    const count = this.#ports.world.choices.liking("one instance") > 1 ? 1 : INSTANCE_IDS.length;
    return this.#random.pick(INSTANCE_IDS.slice(0, count));
  }

  #start(): Request {
    const random = this.#random;
    const { world, programCount } = this.#ports;
    const run = `s${++this.#count}`;
    const instanceId = this.#id();
    const program = random.integer(0, programCount - 1);
    const isLater = random.chance(0.15);
    const delayMs = random.pick([10, 5_000]);
    const replaces = random.chance(0.2);
    const version = this.#ports.hasVersions ? world.choices.about("versions").pick(VERSIONS) : "";
    const isTooLarge = world.choices.fault("F16");
    const log = isTooLarge ? ["-".repeat(PAYLOAD_BYTES_MAX)] : [];
    return {
      about: instanceId,
      says: `start ${instanceId} with p${program} as ${run}${isLater ? ` in ${delayMs} ms` : ""}${replaces ? ", replacing what runs" : ""}`,
      isRepeatable: true,
      refusals: ["orchestrationAlreadyExists", ...(isTooLarge ? ["payloadTooLarge", "payload"] : [])],
      make: (hub, ledger) => {
        ledger.ask(run, instanceId);
        ledger.lifecycle.askFor(run, version);
        const input: ProgramInput = { run, generation: 0, log, taken: [] };
        return hub.scheduleNewOrchestration(`p${program}`, input, {
          instanceId,
          tags: { of: run, by: "a client" },
          ...(version !== "" && { version }),
          ...(isLater && { startAt: new Date(world.nowMs + delayMs) }),
          ...(replaces && { dedupeStatuses: ["Completed" as const] }),
        });
      },
      answered: (_value, ledger, askedAt) => {
        const isDurable = [...ledger.generations.values()].some((one) => one.run === run);
        if (!isDurable && !this.#wasReset(ledger, instanceId, askedAt))
          this.#ports.violate("I22", `the start of ${run} was acknowledged and is not durable`);
      },
    };
  }

  #wasReset(ledger: Ledger, instanceId: string, askedAt: number): boolean {
    return (ledger.resets.get(instanceId) ?? -1) >= askedAt;
  }

  #raise(id: string, name: string, eventId: string | undefined): Request {
    const data = eventId ?? `d${++this.#count}`;
    return {
      about: id,
      says: `raise ${name} (${data}) for ${id}`,
      isRepeatable: eventId !== undefined,
      refusals: NOT_RUNNING,
      make: (hub) => hub.raiseOrchestrationEvent(id, name, data, eventId === undefined ? {} : { eventId }),
      answered: (_value, ledger, askedAt) => {
        const isSeen = ledger.record(id)?.seenEventIds?.includes(data);
        if (!ledger.received.has(data) && !isSeen && !this.#wasReset(ledger, id, askedAt))
          this.#ports.violate("I22", `the event ${data} for '${id}' was acknowledged and is not durable`);
        const run = runOf(ledger, id);
        if (run !== undefined && !this.#wasReset(ledger, id, askedAt))
          ledger.promisedEvents.push({ instanceId: id, run, id: data });
      },
    };
  }

  #signal(key: string, operation: "add" | "slow" | "fail" | "relay"): Request {
    const id = `k${++this.#count}`;
    const delayMs = this.#random.chance(0.2) ? this.#random.pick([5, 2_000]) : undefined;
    return {
      says: `signal ${operation} (${id}) to ${key}${delayMs === undefined ? "" : ` in ${delayMs} ms`}`,
      isRepeatable: false,
      refusals: [],
      make: (hub, ledger) => {
        ledger.journals.sent.set(id, { takesEffect: operation !== "fail", isOrdered: false });
        const options = delayMs === undefined ? {} : { signalTime: delayMs };
        return hub.signalEntity({ name: "journal", key }, operation, id, options);
      },
      answered: (_value, ledger) => {
        if (operation === "fail") return;
        const entity = `@journal@${key}`;
        const isStored = ledger.model
          .get(entity)
          .inbox.some(({ event }) => "input" in event && decode(event.input) === id);
        if (!isStored && !ledger.journals.entries(entity).includes(id))
          this.#ports.violate("I22", `the signal ${id} to '${key}' was acknowledged and is not durable`);
        ledger.journals.promised.add(`${entity} ${id}`);
      },
    };
  }

  #terminate(id: string): Request {
    const recursive = this.#random.chance(0.5);
    return {
      about: id,
      says: `terminate ${id}${recursive ? " and its children" : ""}`,
      isRepeatable: true,
      refusals: NOT_RUNNING,
      make: (hub) => hub.terminateOrchestration(id, { output: "enough", recursive }),
      answered: (_value, ledger, askedAt) => {
        const record = ledger.record(id);
        if (record && !isFinal(record) && !this.#wasReset(ledger, id, askedAt))
          this.#ports.violate("I22", `'${id}' was terminated, and is ${record.status}`);
      },
    };
  }

  #hold(id: string, what: "suspend" | "resume"): Request {
    const hold: Hold = { id, what, isDisputed: false };
    let run: string | undefined;
    return {
      about: id,
      says: `${what} ${id}`,
      isRepeatable: true,
      refusals: NOT_RUNNING,
      make: (hub, ledger) => {
        run = runOf(ledger, id);
        for (const { hold: other } of this.#holds)
          if (other.id === id && other.what !== what) other.isDisputed = hold.isDisputed = true;
        // It may be asked for again while it is under way.
        const asked = { hold };
        this.#holds.add(asked);
        const done = what === "suspend" ? hub.suspendOrchestration(id) : hub.resumeOrchestration(id);
        return done.finally(() => this.#holds.delete(asked));
      },
      answered: (_value, ledger) => {
        const record = ledger.record(id);
        const isOther = !record || run === undefined || runOf(ledger, id) !== run || ledger.copiesOf(run) > 1;
        if (isOther || isFinal(record) || hold.isDisputed) return;
        if (ledger.isHeld(id) !== (what === "suspend"))
          this.#ports.violate("I22", `${what} of '${id}' was acknowledged, and it is ${record.status}`);
      },
    };
  }

  #rewind(id: string): Request {
    return {
      about: id,
      says: `rewind ${id}`,
      isRepeatable: true,
      refusals: [...GONE, "invalidInstanceState"],
      make: (hub, ledger) => {
        ledger.askAgain(id);
        return hub.rewindOrchestration(id);
      },
    };
  }

  #restart(id: string): Request {
    return {
      about: id,
      says: `restart ${id}`,
      isRepeatable: true,
      refusals: [...GONE, "invalidInstanceState", "orchestrationAlreadyExists"],
      make: (hub, ledger) => {
        ledger.askAgain(id);
        return hub.restartOrchestration(id);
      },
    };
  }

  #purge(id: string): Request {
    const recursive = this.#random.chance(0.5);
    return {
      says: `purge ${id}${recursive ? " and its children" : ""}`,
      isRepeatable: true,
      refusals: [],
      make: (hub, ledger) =>
        ledger.lifecycle.asking({ instanceId: id, isRecursive: recursive }, () =>
          hub.purgeOrchestration(id, { recursive }),
        ),
    };
  }

  #look(id: string): Request {
    return {
      says: `look at ${id}`,
      isRepeatable: true,
      refusals: [],
      make: (hub) => hub.getOrchestrationState(id),
      answered: (value, ledger, askedAt) =>
        this.#checkShown(id, value as OrchestrationState | undefined, ledger, askedAt),
    };
  }

  /** What is shown was committed, and was not out of date when the question was asked. */
  #checkShown(id: string, state: OrchestrationState | undefined, ledger: Ledger, askedAt: number): void {
    const { records, isFirst } = recentOf(ledger, id, askedAt);
    if (state === undefined && (isFirst || records.includes(undefined))) return;
    const isKnown = records.some(
      (record) =>
        record?.status === state?.runtimeStatus &&
        record?.createdAtMs === state?.createdAt.getTime() &&
        record?.completedAtMs === state?.completedAt?.getTime() &&
        JSON.stringify(record?.tags) === JSON.stringify(state?.tags) &&
        JSON.stringify(decode(record?.output)) === JSON.stringify(state?.output) &&
        JSON.stringify(decode(record?.customStatus)) === JSON.stringify(state?.customStatus),
    );
    if (!isKnown)
      this.#ports.violate(
        "I26",
        `'${id}' was shown as ${state?.runtimeStatus}, it was ${records.map((record) => record?.status).join(", ")}`,
      );
  }

  /** The states of an instance to its end: each was committed, and the last is final. */
  #watch(id: string): Request {
    return {
      about: id,
      says: `watch ${id}`,
      isRepeatable: false,
      refusals: GONE,
      make: async (hub) => {
        const states: OrchestrationState[] = [];
        for await (const state of hub.watchOrchestration(id)) states.push(state);
        return states;
      },
      answered: (value, ledger, askedAt) => {
        const states = value as OrchestrationState[];
        const versions = ledger.versions.get(id) ?? [];
        const odd = states.find(
          ({ runtimeStatus }) => !versions.some(({ record }) => record?.status === runtimeStatus),
        );
        if (odd) this.#ports.violate("I26", `a watch of '${id}' showed ${odd.runtimeStatus}, which it never was`);
        const last = states.at(-1)?.runtimeStatus ?? "nothing";
        const isFinalState = versions.some(({ record }) => record && isFinal(record) && record.status === last);
        if (!isFinalState && !this.#wasReset(ledger, id, askedAt))
          this.#ports.violate("I27", `a watch of '${id}' ended with ${last}`);
      },
    };
  }

  #ids(): Request {
    const random = this.#random;
    const query = { pageSize: random.integer(1, 3), ...(random.chance(0.5) && { statuses: ["Completed" as const] }) };
    return {
      says: "list the ids of what is finished",
      isRepeatable: true,
      refusals: [],
      make: (hub) => hub.listInstanceIds(query),
    };
  }

  #purgeAll(): Request {
    const statuses = [this.#random.pick(["Failed", "Terminated"] as const)];
    return {
      says: `purge all that is ${statuses.join()}`,
      isRepeatable: true,
      refusals: [],
      make: (hub, ledger) =>
        ledger.lifecycle.asking({ statuses, isRecursive: false }, () => hub.purgeOrchestration({ statuses })),
    };
  }

  #list(): Request {
    const random = this.#random;
    const query = {
      ...(random.chance(0.3) && { pageSize: random.integer(1, 3) }),
      ...(random.chance(0.2) && { statuses: ["Completed" as const, "Running" as const] }),
      ...(random.chance(0.2) && { names: ["p0"] }),
      ...(random.chance(0.2) && { instanceIdPrefix: "i" }),
    };
    return {
      says: `list ${JSON.stringify(query)}`,
      isRepeatable: true,
      refusals: [],
      make: async (hub) => {
        const states: OrchestrationState[] = [];
        for await (const state of hub.queryOrchestrations(query)) states.push(state);
        return states;
      },
      answered: (value, ledger, askedAt) => {
        for (const state of value as OrchestrationState[]) this.#checkShown(state.instanceId, state, ledger, askedAt);
      },
    };
  }

  #wait(id: string): Request {
    const isForStart = this.#random.chance(0.3);
    // In the end nobody waits any more, so a wait that nothing limits must have been answered.
    const options = this.#random.chance(0.5) ? { timeoutMs: 100_000 } : {};
    return {
      about: id,
      says: `wait for the ${isForStart ? "start" : "end"} of ${id}`,
      isRepeatable: false,
      refusals: [...GONE, "timeout"],
      make: (hub) =>
        isForStart ? hub.waitForOrchestrationStart(id, options) : hub.waitForOrchestrationCompletion(id, options),
      answered: (value, ledger, askedAt) => {
        const state = value as OrchestrationState;
        const isReached = (record: InstanceRecord): boolean =>
          isForStart ? record.status !== "Pending" : isFinal(record);
        const wasSo = ledger.versions
          .get(id)
          ?.some(({ record }) => record && isReached(record) && record.status === state.runtimeStatus);
        if (!wasSo)
          this.#ports.violate("I27", `the wait for '${id}' ended with ${state.runtimeStatus} (asked at ${askedAt})`);
      },
    };
  }

  #history(id: string): Request {
    return {
      says: `read the history of ${id}`,
      isRepeatable: true,
      refusals: [],
      make: (hub) => hub.getOrchestrationHistory(id),
    };
  }

  #entity(key: string): Request {
    return {
      says: `look at the journal ${key}`,
      isRepeatable: true,
      refusals: [],
      make: (hub) => hub.getEntity<readonly string[]>({ name: "journal", key }),
      answered: (value, ledger) => {
        const state = (value as { state?: readonly string[] } | undefined)?.state ?? [];
        const entries = ledger.journals.entries(`@journal@${key}`);
        if (state.some((entry, index) => entries[index] !== entry))
          this.#ports.violate("I26", `the journal ${key} was shown as ${state.join()}, it is ${entries.join()}`);
      },
    };
  }

  #clean(): Request {
    return {
      says: "clean the storage of entities",
      isRepeatable: true,
      refusals: [],
      make: (hub) => hub.cleanEntityStorage(),
    };
  }

  /** Something for nobody. */
  #misdirected(): Request {
    return this.#random.pick([
      this.#raise("nobody", "x", undefined),
      this.#raise(this.#instance(), "unheard", undefined),
      this.#signal("elsewhere", "fail"),
      {
        says: "start what is not there",
        isRepeatable: false,
        refusals: ["functionNotRegistered"],
        make: (hub: TaskHub) => hub.scheduleNewOrchestration("missing"),
      },
      {
        says: "use an illegal id",
        isRepeatable: false,
        refusals: ["invalidInstanceId"],
        make: (hub: TaskHub) => hub.raiseOrchestrationEvent("a/b", "x"),
      },
    ]);
  }
}

/** What an instance has been since a question, beginning with what it was then; `isFirst` when it was nothing yet. */
function recentOf(
  ledger: Ledger,
  id: string,
  askedAt: number,
): { readonly records: readonly (InstanceRecord | undefined)[]; readonly isFirst: boolean } {
  const versions = ledger.versions.get(id) ?? [];
  const current = versions.findLastIndex(({ step }) => step < askedAt);
  return { records: versions.slice(Math.max(0, current)).map(({ record }) => record), isFirst: current < 0 };
}

/** The run that an instance is in. */
function runOf(ledger: Ledger, instanceId: string): string | undefined {
  return (decode(ledger.record(instanceId)?.input) as ProgramInput | undefined)?.run;
}
