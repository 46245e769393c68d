/** What clients ask of a hub, at random, and what an answer must be. */
import { HoldfastError, type TaskHub } from "holdfast";
import type { Ledger } from "../model/ledger.ts";
import { decode, isFinal } from "../model/records.ts";
import { ENTITY_KEYS, EVENT_NAMES, INSTANCE_IDS, type ProgramInput } from "../programs/program.ts";
import type { Random } from "../replay/random.ts";
import { Looks, recentOf, wasReset } from "./looks.ts";
import { PAYLOAD_BYTES_MAX } from "./process.ts";
import { GONE, type Request, type RequestPorts } from "./request.ts";
import { VERSIONS } from "./settings.ts";

/** A suspension or a resume. */
interface Hold {
  readonly id: string;
  readonly what: "suspend" | "resume";
  /** True once the other was asked for while this one was under way. */
  isDisputed: boolean;
}

const NOT_RUNNING = [...GONE, "instanceNotRunning"];

export class Requests {
  readonly #ports: RequestPorts;
  readonly #random: Random;
  readonly #looks: Looks;
  #count = 0;
  /** Suspensions and resumes under way. */
  readonly #holds = new Set<{ readonly hold: Hold }>();

  constructor(ports: RequestPorts, random: Random) {
    this.#ports = ports;
    this.#random = random;
    this.#looks = new Looks(ports, random);
  }

  /** Anything, about a given instance or any. */
  invent(about?: string): Request {
    const random = this.#random;
    const id = about ?? this.instance();
    const failed = about ?? this.#failed();
    const { choices } = this.#ports.world;
    if (choices.fault("F33")) return this.#misdirected();
    const like = (what: string): number => this.#ports.world.choices.liking(`client ${what}`);
    return random.weighted<() => Request>([
      [12 * like("start"), () => this.#start()],
      [
        10 * like("raise"),
        () => this.raise(id, random.pick(EVENT_NAMES), random.chance(0.5) ? `e${++this.#count}` : undefined),
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
      [1.5 * like("hold"), () => this.hold(id, "suspend")],
      [1.5 * like("hold"), () => this.hold(id, "resume")],
      [(failed ? 4 : 0.5) * like("rewind"), () => this.#rewind(failed ?? id)],
      [0.7 * like("restart"), () => this.#restart(id)],
      [1 * like("purge"), () => this.#purge(id)],
      [4 * like("look"), () => this.#looks.look(id)],
      [2 * like("list"), () => this.#looks.list()],
      [2 * like("wait"), () => this.#looks.wait(id)],
      [1 * like("watch"), () => this.#looks.watch(id)],
      [1 * like("ids"), () => this.#looks.ids()],
      [0.5 * like("purgeAll"), () => this.#purgeAll()],
      [1 * like("history"), () => this.#looks.history(id)],
      [1 * like("entity"), () => this.#looks.entity(random.pick(ENTITY_KEYS))],
      [0.5 * like("clean"), () => this.#clean()],
    ])();
  }

  /** Mostly one that clients start; at times any that there is, children among them. */
  instance(): string {
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
        if (!isDurable && !wasReset(ledger, instanceId, askedAt))
          this.#ports.violate("I22", `the start of ${run} was acknowledged and is not durable`);
      },
    };
  }

  raise(id: string, name: string, eventId: string | undefined): Request {
    const data = eventId ?? `d${++this.#count}`;
    return {
      about: id,
      says: `raise ${name} (${data}) for ${id}`,
      isRepeatable: eventId !== undefined,
      refusals: NOT_RUNNING,
      make: (hub) => hub.raiseOrchestrationEvent(id, name, data, eventId === undefined ? {} : { eventId }),
      answered: (_value, ledger, askedAt) => {
        const isSeen = ledger.record(id)?.seenEventIds?.includes(data);
        if (!ledger.received.has(data) && !isSeen && !wasReset(ledger, id, askedAt))
          this.#ports.violate("I22", `the event ${data} for '${id}' was acknowledged and is not durable`);
        const run = runOf(ledger, id);
        if (run !== undefined && !wasReset(ledger, id, askedAt))
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
        if (record && !isFinal(record) && !wasReset(ledger, id, askedAt))
          this.#ports.violate("I22", `'${id}' was terminated, and is ${record.status}`);
      },
    };
  }

  hold(id: string, what: "suspend" | "resume"): Request {
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
      this.raise("nobody", "x", undefined),
      this.raise(this.instance(), "unheard", undefined),
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

  /** A refusal rests on what is durable. */
  checkRefusal({ about: id, says }: Request, error: unknown, ledger: Ledger, askedAt: number): void {
    if (id === undefined || !(error instanceof HoldfastError) || wasReset(ledger, id, askedAt)) return;
    const { records, isFirst } = recentOf(ledger, id, askedAt);
    const isFounded = {
      orchestrationAlreadyExists: () => records.some((record) => record !== undefined),
      instanceNotRunning: () => records.some((record) => record && isFinal(record)),
      instanceNotFound: () => isFirst || records.includes(undefined),
    }[error.code as string];
    if (isFounded && !isFounded())
      this.#ports.violate("I28", `'${says}' was refused (${error.code}), and nothing that is durable says so`);
  }
}

/** The run that an instance is in. */
function runOf(ledger: Ledger, instanceId: string): string | undefined {
  return (decode(ledger.record(instanceId)?.input) as ProgramInput | undefined)?.run;
}
