/** Why instances go, wait and fail without any doing of their own: deletion, code that does not fit, versions that are for other hubs. */
import type { HistoryEvent } from "../../../core/history/events.ts";
import type { InstanceChange, InstanceRecord, OrchestrationStatus } from "../../../core/store/contract.ts";
import type { ModelInstance } from "../../conformance/hub-model.ts";
import type { ProgramInput } from "../programs/program.ts";
import { type Deployment, isFor, keptMs, type Settings } from "../world/settings.ts";
import type { Violate } from "./invariants.ts";
import { decode, isFinal } from "./records.ts";
import { differences } from "./reference.ts";

/** What is known of the process that commits. */
export interface Committer {
  readonly deployment: Deployment;
  /** False for code from before patches. */
  readonly isUpgraded: boolean;
  /** The latest its clock has ever shown, in ms. */
  readonly latestMs: number;
}

/** What a client wants deleted: an instance, or whatever has ended like this. */
export interface PurgeRequest {
  readonly instanceId?: string;
  readonly statuses?: readonly OrchestrationStatus[];
  readonly isRecursive: boolean;
}

/** The parts of a ledger that are looked at here. */
interface Instances {
  record(instanceId: string): InstanceRecord | undefined;
  readonly model: { readonly instances: ReadonlyMap<string, ModelInstance> };
}

/** How long a commit may be on its way, in ms. */
const COMMIT_MS_MAX = 1_000;

export class Lifecycle {
  readonly #settings: Settings;
  readonly #ledger: Instances;
  readonly #violate: Violate;
  /** What clients have asked to delete and have heard nothing of. */
  readonly #asked = new Set<PurgeRequest>();
  /** Versions that runs were started with. */
  readonly #versions = new Map<string, string>();

  constructor(settings: Settings, ledger: Instances, violate: Violate) {
    this.#settings = settings;
    this.#ledger = ledger;
    this.#violate = violate;
  }

  /** A client wants something deleted. */
  async asking<T>(request: PurgeRequest, answer: () => Promise<T>): Promise<T> {
    this.#asked.add(request);
    try {
      return await answer();
    } finally {
      this.#asked.delete(request);
    }
  }
  /** Notes the version that a client starts a run with. */
  askFor(run: string, version: string): void {
    this.#versions.set(run, version);
  }

  /** A change of an orchestration has been committed. */
  check(change: InstanceChange, before: ModelInstance, after: ModelInstance, by: Committer): void {
    if (change.isPurge) this.#checkPurge(change, before.record, by);
    const { record } = after;
    if (!record) return;
    const history = after.turns.flat();
    if (isParked(record) && !isParked(before.record)) this.#checkMismatch(record, history, by);
    else if (change.turns) this.#checkTurns(change.turns, record, history, by);
    this.#checkVersion(record);
  }

  /** Instances that are kept longer than they should be. */
  overdue(nowMs: number): string[] {
    return [...this.#ledger.model.instances].flatMap(([id, { record }]) =>
      record && isFinal(record) && this.#dueAtMs(record) < nowMs ? id : [],
    );
  }

  #dueAtMs({ status, completedAtMs = 0 }: InstanceRecord): number {
    return completedAtMs + (keptMs(status, this.#settings.retention) ?? Number.POSITIVE_INFINITY);
  }

  #checkPurge({ instanceId, atMs }: InstanceChange, record: InstanceRecord | undefined, { latestMs }: Committer): void {
    if (!record || this.#isAsked(instanceId, record)) return;
    const isDue = isFinal(record) && this.#dueAtMs(record) <= Math.max(atMs, latestMs);
    // What has ended and is deleted in one commit, as it may be while the commit before takes its time, was never seen to end.
    const spanMs = isFinal(record) ? 0 : COMMIT_MS_MAX;
    const goesSoon = Object.values(this.#settings.retention).some((ms) => ms <= spanMs);
    if (!isDue && !goesSoon) this.#violate("I41", `'${instanceId}' is deleted, it is ${record.status}`);
  }

  #isAsked(instanceId: string, record: InstanceRecord): boolean {
    const { status, parent } = record;
    if (this.#isWanted((one) => one.instanceId === instanceId || (one.statuses?.includes(status) ?? false)))
      return true;
    if (!parent) return false;
    const parentRecord = this.#ledger.record(parent.instanceId);
    const withChildren = (one: PurgeRequest): boolean => one.isRecursive && one.instanceId === parent.instanceId;
    return (
      this.#isWanted(withChildren) || (parentRecord !== undefined && this.#isAsked(parent.instanceId, parentRecord))
    );
  }

  #isWanted(isIt: (request: PurgeRequest) => boolean): boolean {
    return [...this.#asked].some(isIt);
  }

  /** Whoever is told that code and history do not fit must be right. */
  #checkMismatch({ instanceId, name }: InstanceRecord, history: readonly HistoryEvent[], by: Committer): void {
    // Code from before patches, which takes over late, does not fit what has met one.
    const isOlder = !by.isUpgraded && history.some(({ type }) => type === "GenericEvent");
    if (name.startsWith("p") && !isOlder && !isRewound(history) && fits(history, instanceId, by))
      this.#violate("I43", `'${instanceId}' is parked, although its code fits its history`);
  }

  #checkTurns(
    turns: InstanceChange["turns"] & object,
    record: InstanceRecord,
    history: readonly HistoryEvent[],
    by: Committer,
  ): void {
    const { instanceId, name, version, failure } = record;
    if (!name.startsWith("p") || history.some(({ type }) => type === "ExecutionTerminated")) return;
    const { deployment } = by;
    const isRefused = failure?.errorType === "VersionMismatchError";
    if (isRefused === isFor(version, deployment.versioning))
      this.#violate("I44", `'${instanceId}' of version '${version}' is ${isRefused ? "refused" : "run"}, wrongly`);
    // A child that was rewound with its parent does not wait: its parent hears of it.
    if (isRefused && deployment.versioning.onMismatch !== "fail" && !(record.parent && isRewound(history)))
      this.#violate("I44", `'${instanceId}' fails because of its version, it should wait`);
    if (isRefused) return;
    if (failure?.errorType === "NonDeterminismError") {
      this.#checkMismatch(record, history.slice(0, history.length - (turns.at(-1)?.length ?? 0)), by);
      if (this.#settings.onNonDeterminism === "suspend" && !isRewound(history))
        this.#violate("I43", `'${instanceId}' has failed because its code does not fit, it should be parked`);
    } else if (this.#hasChanged(name) && !isRewound(history) && !fits(history, instanceId, by))
      this.#violate("I43", `'${instanceId}' has a turn of code that does not fit its history`);
  }

  /** True for a program that is not the same in every deployment. */
  #hasChanged(name: string): boolean {
    const index = Number(name.slice(1));
    const [first, ...others] = this.#settings.deployments;
    return others.some((programs) => programs[index] !== first[index]);
  }

  #checkVersion({ instanceId, name, version, input }: InstanceRecord): void {
    const { run, generation = 0 } = (decode(input) ?? {}) as Partial<ProgramInput>;
    if (run === undefined || !name.startsWith("p")) return;
    const [programs] = this.#settings.deployments;
    const next = programs?.[Number(name.slice(1))]?.nextVersion;
    const wanted = (generation > 0 ? next : undefined) ?? this.#versions.get(run) ?? "";
    if (version !== wanted)
      this.#violate("I44", `'${instanceId}' (run ${run}) has the version '${version}', it should be '${wanted}'`);
  }
}

/** True for an instance that waits for code that fits its history. */
export function isParked(record: InstanceRecord | undefined): boolean {
  return record?.status === "Suspended" && record.failure?.errorType === "NonDeterminismError";
}

/** True for a generation that ended because a hub's code or version did not fit it. */
export function isMisfit({ failure }: InstanceRecord): boolean {
  return failure?.errorType === "NonDeterminismError" || failure?.errorType === "VersionMismatchError";
}

function isRewound(history: readonly HistoryEvent[]): boolean {
  return history.some(({ type }) => type === "ExecutionRewound");
}

function fits(history: readonly HistoryEvent[], instanceId: string, { deployment }: Committer): boolean {
  return differences(deployment.programs, history, instanceId, decode).length === 0;
}
