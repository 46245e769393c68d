/** Everything that was ever committed to one hub, and the checks that each commit must pass before and after it is applied. */
import type {
  HistoryEvent,
  SubOrchestrationInstanceFailedEvent,
  TaskFailedEvent,
  TaskScheduledEvent,
} from "../../../core/history/events.ts";
import type { InboxMessage, InstanceChange, InstanceRecord } from "../../../core/store/contract.ts";
import type { ModelInstance } from "../../conformance/hub-model.ts";
import type { ProgramInput } from "../programs/program.ts";
import type { Settings } from "../world/settings.ts";
import type { Violate } from "./invariants.ts";
import { Journals } from "./journals.ts";
import { type Committer, Lifecycle } from "./lifecycle.ts";
import { decode, isFinal } from "./records.ts";
import { StoreModel } from "./store-model.ts";

/** One generation of an instance, as its last commit left it. */
export interface Generation {
  readonly instanceId: string;
  readonly executionId: string;
  readonly run: string | undefined;
  history: readonly HistoryEvent[];
  record: InstanceRecord;
  /** True for one that a rewind took back: its history is no longer what its program made. */
  isRewound: boolean;
}

/** A state that clients may have been shown, from a step on. */
interface Version {
  /** When the hub heard of its commit; infinite until then. */
  step: number;
  readonly record: InstanceRecord | undefined;
}

/** Attempts of one call that one commit may hide: as many as handlers grant, and those of policies that wait for nothing. */
const HIDDEN_ATTEMPTS_MAX = 3;

export class Ledger {
  readonly hub: string;
  readonly model: StoreModel = new StoreModel();
  readonly generations: Map<string, Generation> = new Map();
  readonly journals: Journals;
  readonly lifecycle: Lifecycle;
  /** The processes that have opened the hub, by epoch. */
  readonly committers: Map<number, Committer> = new Map();
  readonly versions: Map<string, Version[]> = new Map();
  /** Every event that was ever seen in an inbox or a history, by the id the sender gave it. */
  readonly received: Set<string> = new Set();
  /** How many times a run may take place: once, and once more for every time it is asked for again. */
  readonly copies: Map<string, number> = new Map();
  /** Events that were acknowledged, for the run that the instance was in. */
  readonly promisedEvents: { readonly instanceId: string; readonly run: string; readonly id: string }[] = [];
  readonly #repetitions = new Map<string, number>();
  /** Instances in which a run that a client asked for took place, and its children with it. */
  readonly #instancesOf = new Map<string, Set<string>>();
  /** Calls of each child, by its run. */
  readonly #attempts = new Map<string, Set<string>>();
  /** When each attempt of an activity was called, and in which session. */
  readonly called: Map<string, { readonly epoch: number; readonly commit: number }> = new Map();
  /** Activities of instances that run which have no outcome yet. */
  readonly openCalls: Map<string, { readonly executionId: string; readonly calls: readonly TaskScheduledEvent[] }> =
    new Map();
  /** Heartbeat details that executions of each attempt have said. */
  readonly details: Map<string, Set<unknown>> = new Map();
  readonly terminatedRuns: Set<string> = new Set();
  /** Steps at which the hub heard that the history of an instance was taken away; infinite until then. */
  readonly resets: Map<string, number> = new Map();
  newestEpoch = 0;
  /** The epoch of the last commit. */
  committedEpoch = 0;
  /** Told of every commit: questions to the store that are not answered yet. */
  readonly questions: Set<{ changed(): void }> = new Set();
  /** True once a clock has jumped: instants of changes may then go back, and stores need not agree on which is the last. */
  hasOddInstants = false;
  commitCount = 0;
  readonly #violate: Violate;
  readonly #step: () => number;

  constructor(hub: string, settings: Settings, violate: Violate, step: () => number) {
    this.hub = hub;
    this.#violate = (invariant, details) => violate(invariant, `hub ${hub}: ${details}`);
    this.#step = step;
    this.journals = new Journals(this, this.#violate);
    this.lifecycle = new Lifecycle(settings, this, this.#violate);
  }

  /** Notes that a run was asked for (again). */
  ask(run: string, instanceId: string): void {
    this.#place(run, instanceId);
    this.copies.set(run, (this.copies.get(run) ?? 0) + 1);
  }
  /** Notes that an instance was told to take place again, whatever its run is by then. */
  askAgain(instanceId: string): void {
    this.#repetitions.set(instanceId, (this.#repetitions.get(instanceId) ?? 0) + 1);
  }
  copiesOf(run: string): number {
    // A child, or what an entity has started, is asked for as often as whoever asks.
    const root = rootOf(run);
    let count = this.copies.get(root) ?? 1;
    for (const instanceId of this.#instancesOf.get(root) ?? []) count += this.#repetitions.get(instanceId) ?? 0;
    // A child is tried again under the same run.
    for (const { index, 0: place } of run.matchAll(/#\d+/g))
      count *= this.#attempts.get(run.slice(0, index + place.length))?.size ?? 1;
    return count;
  }
  #place(run: string, instanceId: string): void {
    const known = this.#instancesOf.get(rootOf(run));
    if (known) known.add(instanceId);
    else this.#instancesOf.set(rootOf(run), new Set([instanceId]));
  }

  /** A commit has been applied by the session of an epoch. */
  applied(epoch: number, changes: readonly InstanceChange[]): void {
    this.commitCount++;
    this.committedEpoch = epoch;
    this.isTold = false;
    if (epoch !== this.newestEpoch) this.#violate("I01", `epoch ${epoch} committed, ${this.newestEpoch} is the newest`);
    const before = new Map<string, ModelInstance>();
    for (const change of changes) {
      before.set(change.instanceId, this.model.get(change.instanceId));
      this.#checkBefore(change);
      this.model.apply(change);
    }
    for (const change of changes) this.#noteCalls(change, epoch);
    const by = this.committers.get(epoch);
    for (const change of changes) {
      const old = before.get(change.instanceId) as ModelInstance;
      this.#checkAfter(change, old);
      if (by && !change.instanceId.startsWith("@"))
        this.lifecycle.check(change, old, this.model.get(change.instanceId), by);
    }
    for (const change of changes) {
      this.journals.checkAnswers(change);
      this.journals.checkGrants(change);
    }
    for (const question of this.questions) question.changed();
  }

  #noteCalls({ instanceId, turns, isReset }: InstanceChange, epoch: number): void {
    const executionId = this.record(instanceId)?.executionId;
    for (const event of turns?.flat() ?? []) {
      const key = `${instanceId} ${executionId} ${event.eventId}`;
      if (event.type === "TaskScheduled") this.called.set(key, { epoch, commit: this.commitCount });
      if (event.type === "SubOrchestrationInstanceCreated") this.#noteAttempt(event.input, key);
      // A parent that is replaced by the same commit leaves no other trace of its call.
      if (event.type === "ExecutionStarted" && event.parentInstance) {
        const { instanceId: parentId, executionId: parentExecutionId, taskScheduledId } = event.parentInstance;
        const call = `${parentId} ${parentExecutionId} ${taskScheduledId}`;
        this.#noteAttempt(event.input, call);
        // One that failed before it in the same commit leaves no trace at all when its parent is replaced by that commit, too.
        for (let hidden = isReset ? HIDDEN_ATTEMPTS_MAX : 0; hidden > 0; hidden--)
          if ((decode(event.input) as ProgramInput).isRetried)
            this.#noteAttempt(event.input, `${call} before ${hidden}`);
      }
    }
  }

  #noteAttempt(input: string | undefined, call: string): void {
    const { run } = decode(input) as ProgramInput;
    this.#attempts.set(run, (this.#attempts.get(run) ?? new Set()).add(call));
  }

  /** True when the hub has heard of all that is committed. */
  isTold = true;

  /** The session of an epoch has heard of its commit, or takes over and reads all. What an older one hears says nothing of what the newest knows. */
  told(epoch: number): void {
    if (epoch !== this.newestEpoch) return;
    this.isTold = true;
    for (const [instanceId, step] of this.resets)
      if (step === Number.POSITIVE_INFINITY) this.resets.set(instanceId, this.#step());
    for (const versions of this.versions.values())
      for (let index = versions.length - 1; versions[index]?.step === Number.POSITIVE_INFINITY; index--)
        (versions[index] as Version).step = this.#step();
  }

  /** True for an instance whose last command by a person is to hold. The command may wait for a hub or code that fits. */
  isHeld(instanceId: string): boolean {
    const { turns, inbox } = this.model.get(instanceId);
    const last = [...turns.flat(), ...inbox.map(({ event }) => event)].findLast(
      ({ type }) => type === "ExecutionSuspended" || type === "ExecutionResumed",
    );
    return last?.type === "ExecutionSuspended";
  }

  /** The record of an instance. */
  record(instanceId: string): InstanceRecord | undefined {
    return this.model.instances.get(instanceId)?.record;
  }
  history(instanceId: string): readonly HistoryEvent[] {
    return this.model.get(instanceId).turns.flat();
  }

  #checkBefore(change: InstanceChange): void {
    const { instanceId, turns, firstTurn, isReset, isPurge } = change;
    const before = this.model.get(instanceId);
    const turnCount = isReset || isPurge ? 0 : before.turns.length;
    if (turns && firstTurn !== turnCount)
      this.#violate("I03", `'${instanceId}' has ${turnCount} turns, the next one was given the number ${firstTurn}`);
    for (const { sequence, event } of change.inboxAdded ?? []) {
      const isThere = before.inbox.some((one) => one.sequence === sequence);
      if (isThere && !isPurge && !change.inboxRemoved?.includes(sequence))
        this.#violate("I12", `'${instanceId}' has the message ${sequence} already`);
      this.#note(event);
    }
    for (const turn of turns ?? []) for (const event of turn) this.#note(event);
    const events = turns?.flat() ?? [];
    for (const event of events) if (event.type === "TaskFailed") this.#checkHandedOn(event, before);
    const history = isReset ? events : [...before.turns.flat(), ...events];
    for (const event of events)
      if (event.type === "SubOrchestrationInstanceFailed")
        this.#checkRefusal(event, change.record ?? before.record, history);
    this.#checkRemovals(change, before);
  }

  /** What a failed attempt has said is there for the next one, whichever process it was said in. */
  #checkHandedOn(failed: TaskFailedEvent, { record, turns }: ModelInstance): void {
    const { taskScheduledId, lastHeartbeat, failureDetails } = failed;
    const call = turns.flat().find(({ eventId }) => eventId === taskScheduledId);
    const stored = record?.heartbeats?.[taskScheduledId];
    const isLast = failureDetails.isNonRetriable || failureDetails.errorType === "TaskCanceledError";
    if (isLast || call?.type !== "TaskScheduled" || stored === call.lastHeartbeat) return;
    if (stored !== undefined && lastHeartbeat === undefined)
      this.#violate("I54", `${taskScheduledId} of '${record?.instanceId}' has failed without the details ${stored}`);
  }

  /** A child that is there for this very call is not in its own way. */
  #checkRefusal(
    { taskScheduledId, failureDetails: { properties } }: SubOrchestrationInstanceFailedEvent,
    parent: InstanceRecord | undefined,
    history: readonly HistoryEvent[],
  ): void {
    const call = history.find(({ eventId }) => eventId === taskScheduledId);
    if (properties?.code !== "orchestrationAlreadyExists" || call?.type !== "SubOrchestrationInstanceCreated") return;
    const { executionId, taskScheduledId: calledBy } = this.record(call.instanceId)?.parent ?? {};
    if (executionId === parent?.executionId && calledBy === taskScheduledId)
      this.#violate("I31", `'${parent?.instanceId}' was refused its own child '${call.instanceId}'`);
  }

  #note(event: HistoryEvent): void {
    if (event.type === "EventRaised") this.received.add(String(decode(event.input)));
  }

  #checkRemovals(change: InstanceChange, before: ModelInstance): void {
    const { instanceId, record, turns, isReset, isPurge } = change;
    if (isReset || isPurge || instanceId.startsWith("@")) return;
    const current = record ?? before.record;
    // What came before the start may be judged before it, and both in one commit.
    const isOver = !before.record || isFinal(before.record) || !current || isFinal(current);
    for (const sequence of change.inboxRemoved ?? []) {
      const message = before.inbox.find((one) => one.sequence === sequence);
      if (!message) continue;
      const { event, executionId, parentExecutionId } = message;
      const isStale = executionId !== undefined && executionId !== before.record?.executionId;
      // The end of a parent is not the business of an instance that was in the way of its child.
      const isForAnother = parentExecutionId !== undefined && parentExecutionId !== current?.parent?.executionId;
      const isHold = event.type === "ExecutionSuspended" || event.type === "ExecutionResumed";
      const isTaken = turns?.some((turn) => turn.some((taken) => sameEvent(taken, event)));
      const isKnown = this.#isSettled(before, message, change);
      const mayGo = isOver || isStale || isForAnother || isHold || isKnown || event.type === "ExecutionStarted";
      if (!isTaken && !mayGo)
        this.#violate("I11", `'${instanceId}' dropped ${event.type} (message ${sequence}) without taking it`);
    }
  }

  /** True for the outcome of what has an outcome already, gets another one now, or keeps another one that waits. */
  #isSettled(before: ModelInstance, { event, executionId }: InboxMessage, change: InstanceChange): boolean {
    if (!("taskScheduledId" in event)) return false;
    const { turns = [], inboxRemoved = [] } = change;
    const kept = before.inbox.filter((one) => one.executionId === executionId && !inboxRemoved.includes(one.sequence));
    return [...before.turns.flat(), ...turns.flat(), ...kept.map((message) => message.event)].some(
      (old) => "taskScheduledId" in old && old.taskScheduledId === event.taskScheduledId,
    );
  }

  #checkAfter(change: InstanceChange, before: ModelInstance): void {
    const { instanceId } = change;
    const after = this.model.get(instanceId);
    if (instanceId.startsWith("@")) {
      this.journals.changed(instanceId, before, after);
      return;
    }
    this.openCalls.delete(instanceId);
    if (change.isReset || change.isPurge) this.resets.set(instanceId, Number.POSITIVE_INFINITY);
    const versions = this.versions.get(instanceId) ?? [];
    versions.push({ step: Number.POSITIVE_INFINITY, record: after.record });
    this.versions.set(instanceId, versions);
    if (!after.record) return;
    const history = after.turns.flat();
    checkHistory(instanceId, after, this.hasOddInstants, this.#violate);
    this.#checkRecord(after.record, history, after);
    this.#checkEvents(instanceId, history);
    this.#remember(after.record, history);
  }

  #checkEvents(instanceId: string, history: readonly HistoryEvent[]): void {
    const counts = new Map<string, number>();
    for (const event of history) {
      if (event.type !== "EventRaised") continue;
      const id = String(decode(event.input));
      const count = (counts.get(id) ?? 0) + 1;
      counts.set(id, count);
      if (count > this.copiesOf(id)) this.#violate("I13", `'${instanceId}' received the event ${id} ${count} times`);
    }
  }

  #checkRecord(record: InstanceRecord, history: readonly HistoryEvent[], after: ModelInstance): void {
    const { instanceId, status } = record;
    const end = history.findLast((event) => event.type === "ExecutionCompleted");
    if (isFinal(record) !== (end !== undefined))
      this.#violate("I07", `'${instanceId}' is ${status}, and its history ${end ? "has ended" : "goes on"}`);
    const open = openCalls(history);
    if (!isFinal(record)) this.openCalls.set(instanceId, { executionId: record.executionId, calls: open });
    if (!isFinal(record) && record.isBusy !== open.length > 0)
      this.#violate(
        "I10",
        `'${instanceId}' is ${record.isBusy ? "" : "not "}marked as busy with ${open.length} open activities`,
      );
    // Those of a call that has ended may stay until the record is written for another reason.
    for (const [taskId, details] of Object.entries(record.heartbeats ?? {}))
      if (!this.details.get(`${instanceId} ${record.executionId} ${taskId}`)?.has(decode(details)))
        this.#violate("I54", `'${instanceId}' keeps the details ${details} of ${taskId}, which has not said them`);
    if (isFinal(record) !== (record.completedAtMs !== undefined))
      this.#violate("I07", `'${instanceId}' is ${status}, and has completed at ${record.completedAtMs}`);
    if (isFinal(record) && record.isBusy) this.#violate("I10", `'${instanceId}' is ${status} and marked as busy`);
    if (end && (end.result !== record.output || end.failureDetails?.errorMessage !== record.failure?.errorMessage))
      this.#violate("I30", `'${instanceId}' shows another outcome than its history`);
    const created = new Map(
      history.flatMap((event) => (event.type === "TimerCreated" ? [[event.eventId, event.fireAt.getTime()]] : [])),
    );
    const fired = new Set(history.flatMap((event) => (event.type === "TimerFired" ? [event.timerId] : [])));
    for (const { kind, timerId, dueAtMs } of after.timers) {
      if (kind !== "timer") continue;
      if (isFinal(record)) this.#violate("I09", `'${instanceId}' is ${status} and has the timer ${timerId}`);
      else if (created.get(timerId) !== dueAtMs || fired.has(timerId))
        this.#violate("I09", `the timer ${timerId} of '${instanceId}' is none of its open timers`);
    }
  }

  #remember(record: InstanceRecord, history: readonly HistoryEvent[]): void {
    const { instanceId, executionId } = record;
    const key = `${instanceId} ${executionId}`;
    const isRewound = history.some(({ type }) => type === "ExecutionRewound");
    const input = decode(record.input) as ProgramInput | undefined;
    if (input?.run !== undefined) this.#place(input.run, instanceId);
    const known = this.generations.get(key);
    if (known) Object.assign(known, { history, record, isRewound: known.isRewound || isRewound });
    else this.generations.set(key, { instanceId, executionId, run: input?.run, history, record, isRewound });
    if (
      record.status === "Terminated" &&
      input?.run !== undefined &&
      !input.isRetried &&
      this.copiesOf(input.run) === 1
    )
      this.terminatedRuns.add(`${instanceId} ${input.run}`);
  }
}

/** The run that a client asked for, of it or of what came of it. */
function rootOf(run: string): string {
  return run.split(".")[0] ?? run;
}

/** Calls of activities whose outcome a history does not hold. */
function openCalls(history: readonly HistoryEvent[]): readonly TaskScheduledEvent[] {
  const open = new Map<number, TaskScheduledEvent>();
  for (const event of history) {
    if (event.type === "TaskScheduled") open.set(event.eventId, event);
    else if (event.type === "TaskCompleted" || event.type === "TaskFailed") open.delete(event.taskScheduledId);
  }
  return [...open.values()];
}

function sameEvent(one: HistoryEvent, other: HistoryEvent): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

/** The shape of a history: order, ids, and one outcome for each action. */
function checkHistory(instanceId: string, { turns }: ModelInstance, hasOddInstants: boolean, violate: Violate): void {
  const open = new Map<number, HistoryEvent>();
  const requests = new Set<string>();
  let lastId = 0;
  let nowMs = 0;
  let hasEnded = false;
  const isRewound = turns.some((turn) => turn.some(({ type }) => type === "ExecutionRewound"));
  for (const [index, turn] of turns.entries()) {
    if (hasEnded) violate("I07", `'${instanceId}' has a turn after its end`);
    if (turn[0]?.type !== "OrchestratorStarted")
      violate("I04", `turn ${index} of '${instanceId}' begins with ${turn[0]?.type}`);
    const startCount = turn.filter(({ type }) => type === "ExecutionStarted").length;
    if (startCount !== (index === 0 ? 1 : 0))
      violate("I04", `turn ${index} of '${instanceId}' starts it ${startCount} times`);
    if (!hasOddInstants && startsEarly(turn)) violate("I08", `'${instanceId}' was started before its time`);
    for (const event of turn) {
      if (event.type === "OrchestratorStarted") {
        if (event.timestamp.getTime() < nowMs)
          violate(
            "I04",
            `time runs backwards in turn ${index} of '${instanceId}', from ${nowMs} to ${event.timestamp.getTime()}`,
          );
        nowMs = event.timestamp.getTime();
      }
      if (event.eventId > 0) {
        if (event.eventId <= lastId && !isRewound)
          violate("I05", `'${instanceId}' has the id ${event.eventId} after ${lastId}`);
        if (open.has(event.eventId)) violate("I05", `'${instanceId}' has the id ${event.eventId} twice`);
        lastId = event.eventId;
        open.set(event.eventId, event);
      }
      if (event.type === "EntityOperationCalled") requests.add(event.requestId);
      else if (event.type === "EntityLockRequested") requests.add(event.criticalSectionId);
      const atMs = hasOddInstants ? event.timestamp.getTime() : nowMs;
      checkOutcome(instanceId, event, atMs, open, requests, violate);
      if (event.type === "ExecutionCompleted") hasEnded = true;
    }
    if (turn.some(({ type }) => type === "ExecutionTerminated") && !hasEnded)
      violate("I24", `'${instanceId}' goes on after having been terminated`);
  }
}

/** True for a turn that starts an instance before the time it is scheduled for. One that is terminated by then never runs. */
function startsEarly(turn: readonly HistoryEvent[]): boolean {
  const atMs = turn[0]?.timestamp.getTime() ?? 0;
  const startMs = turn.map((event) =>
    event.type === "ExecutionStarted" ? event.scheduledStartTimestamp?.getTime() : 0,
  );
  return startMs.some((ms = 0) => ms > atMs) && !turn.some(({ type }) => type === "ExecutionTerminated");
}

const ACTIONS: Readonly<Record<string, string>> = {
  TaskCompleted: "TaskScheduled",
  TaskFailed: "TaskScheduled",
  SubOrchestrationInstanceCompleted: "SubOrchestrationInstanceCreated",
  SubOrchestrationInstanceFailed: "SubOrchestrationInstanceCreated",
};

function checkOutcome(
  instanceId: string,
  event: HistoryEvent,
  atMs: number,
  open: Map<number, HistoryEvent>,
  requests: Set<string>,
  violate: Violate,
): void {
  if ("taskScheduledId" in event) {
    if (open.get(event.taskScheduledId)?.type !== ACTIONS[event.type])
      violate("I06", `'${instanceId}' has ${event.type} for ${event.taskScheduledId}, which is not open`);
    open.delete(event.taskScheduledId);
  } else if (event.type === "TimerFired") {
    const created = open.get(event.timerId);
    if (created?.type !== "TimerCreated")
      violate("I06", `'${instanceId}' has the timer ${event.timerId} fired, which is not open`);
    else if (created.fireAt.getTime() !== event.fireAt.getTime() || atMs < event.fireAt.getTime())
      violate("I08", `the timer ${event.timerId} of '${instanceId}' fired early`);
    open.delete(event.timerId);
  } else if (event.type === "EntityOperationCompleted" || event.type === "EntityOperationFailed") {
    if (!requests.delete(event.requestId))
      violate("I06", `'${instanceId}' has two answers of an entity, or one to no call`);
  } else if (event.type === "EntityLockGranted") {
    if (!requests.delete(event.criticalSectionId))
      violate("I06", `'${instanceId}' was granted a lock twice, or one it did not ask for`);
  }
}
