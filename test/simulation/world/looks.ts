/** What clients ask that changes nothing, and what they may be shown. */
import type { OrchestrationState } from "holdfast";
import type { InstanceRecord } from "../../../core/store/contract.ts";
import type { Ledger } from "../model/ledger.ts";
import { decode, isFinal } from "../model/records.ts";
import type { Random } from "../replay/random.ts";
import { GONE, type Request, type RequestPorts } from "./request.ts";

export class Looks {
  readonly #ports: RequestPorts;
  readonly #random: Random;

  constructor(ports: RequestPorts, random: Random) {
    this.#ports = ports;
    this.#random = random;
  }

  look(id: string): Request {
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
  watch(id: string): Request {
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
        if (!isFinalState && !wasReset(ledger, id, askedAt))
          this.#ports.violate("I27", `a watch of '${id}' ended with ${last}`);
      },
    };
  }

  ids(): Request {
    const random = this.#random;
    const query = { pageSize: random.integer(1, 3), ...(random.chance(0.5) && { statuses: ["Completed" as const] }) };
    return {
      says: "list the ids of what is finished",
      isRepeatable: true,
      refusals: [],
      make: (hub) => hub.listInstanceIds(query),
    };
  }

  list(): Request {
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

  wait(id: string): Request {
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

  history(id: string): Request {
    return {
      says: `read the history of ${id}`,
      isRepeatable: true,
      refusals: [],
      make: (hub) => hub.getOrchestrationHistory(id),
    };
  }

  entity(key: string): Request {
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
}

/** True when the history of an instance was taken away since a question. */
export function wasReset(ledger: Ledger, instanceId: string, askedAt: number): boolean {
  return (ledger.resets.get(instanceId) ?? -1) >= askedAt;
}

/** What an instance has been since a question, beginning with what it was then; `isFirst` when it was nothing yet. */
export function recentOf(
  ledger: Ledger,
  id: string,
  askedAt: number,
): { readonly records: readonly (InstanceRecord | undefined)[]; readonly isFirst: boolean } {
  const versions = ledger.versions.get(id) ?? [];
  const current = versions.findLastIndex(({ step }) => step < askedAt);
  return { records: versions.slice(Math.max(0, current)).map(({ record }) => record), isFirst: current < 0 };
}
