/** Clients of a hub: they start, signal, ask, wait and interfere at random, ask again when they hear nothing, and remember what they were promised. */
import { HoldfastError, type TaskHub } from "holdfast";
import { EVENT_NAMES } from "../programs/program.ts";
import type { Random } from "../replay/random.ts";
import type { Process } from "./process.ts";
import type { Request, RequestPorts } from "./request.ts";
import { Requests } from "./requests.ts";
import { isStoreTrouble } from "./store.ts";

/** What clients need of the world around them. */
export interface ClientPorts extends RequestPorts {
  /** A process that takes requests for a hub, if there is one. */
  pick(random: Random): Process | undefined;
}

export class Clients {
  readonly #ports: ClientPorts;
  readonly #random: Random;
  readonly #requests: Requests;
  /** Requests that nobody has answered. */
  readonly #open = new Set<{ readonly says: string; readonly process: Process }>();

  constructor(ports: ClientPorts) {
    this.#ports = ports;
    this.#random = ports.world.choices.about("clients");
    this.#requests = new Requests(ports, this.#random);
  }

  /** Some client asks for something. */
  act(): void {
    const request = this.#requests.invent();
    const { world } = this.#ports;
    if (!world.choices.request()) return;
    const delayMs = world.choices.fault("F29") ? 300 : 0;
    this.#send(request, delayMs, 0);
    if (request.isRepeatable && world.choices.fault("F28")) this.#send(request, 0, 1);
  }

  /** Some clients ask for several things about one instance at once: a turn finds them together. */
  crowd(): void {
    const id = this.#requests.instance();
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
        [2, () => this.#requests.invent(instanceId)],
        [2, () => this.#requests.raise(instanceId, random.pick(EVENT_NAMES), undefined)],
        [1, () => this.#requests.hold(instanceId, random.pick(["suspend", "resume"]))],
      ])();
      if (hub && this.#ports.world.choices.request()) this.#ask(request, process, hub, 0);
    }
  }

  /** Lets an instance go on, whatever it waits for: resumes it, and raises an event of every name. */
  nudge(process: Process | undefined, instanceId: string): void {
    if (!process?.hub) return;
    const requests = [
      this.#requests.hold(instanceId, "resume"),
      ...EVENT_NAMES.map((name) => this.#requests.raise(instanceId, name, undefined)),
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
        if (process.epoch === ledger.newestEpoch) this.#requests.checkRefusal(request, error, ledger, askedAt);
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
}
