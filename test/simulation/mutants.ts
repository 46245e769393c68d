/** Planted bugs: each a change of one place of the production code that the simulation must find. */
import { FURTHER_MUTANTS } from "./mutants-further.ts";
import { LIFECYCLE_MUTANTS } from "./mutants-lifecycle.ts";
import type { Edit } from "./sources.ts";

export interface Mutant extends Edit {
  /** What is wrong with it. */
  readonly says: string;
}

const ENGINE = "core/hub/engine.ts";
const ADMISSION = "core/hub/admission.ts";
const STAGING = "core/hub/staging.ts";
const OUTCOME = "core/hub/outcome.ts";
const GROUP = "core/hub/group.ts";
const ENTITY_TURN = "core/hub/entity-turn.ts";
const ENTITY_ADMISSION = "core/hub/entity-admission.ts";
const TIMER_WATCH = "core/hub/timer-watch.ts";
const RUN = "core/replay/run.ts";
const MEMORY = "core/store/memory.ts";
const WRITE = "adapters/sql/write.ts";
const IDB_SESSION = "adapters/indexeddb/session.ts";

export const MUTANTS: readonly Mutant[] = [
  {
    says: "activities start before the commit",
    file: ENGINE,
    find: "    if (group === this.#group) this.#group = new Group();\n",
    replace:
      "    if (group === this.#group) this.#group = new Group();\n    for (const job of group.jobs) this.#activities.start(job);\n",
  },
  {
    says: "clients are answered before the commit",
    file: GROUP,
    find: "    if (message.ack) this.acks.push({ message, value });",
    replace: "    message.ack?.resolve(value);",
  },
  {
    says: "a failed commit is delivered all the same",
    file: "core/hub/commits.ts",
    find: "            if (failed(group, error as Error)) goOn();",
    replace: "            written(group);\n            if (failed(group, error as Error)) goOn();",
  },
  {
    says: "the memory store does not check the epoch",
    file: MEMORY,
    find: "    if (this.isFenced) throw new HubFencedError(this.#hub);\n",
    replace: "",
  },
  {
    says: "the SQL store does not check the epoch of a single turn",
    file: "adapters/sql/turns.ts",
    find: "AND epoch = ?6)",
    replace: "AND ?6 > 0)",
  },
  {
    says: "messages that were taken stay in the SQL inbox",
    file: WRITE,
    find: "  if (inboxRemoved) for (const sequence of inboxRemoved) dropMessage(target, sequence);\n",
    replace: "",
  },
  {
    says: "timers that fired stay in the SQL store",
    file: WRITE,
    find: "  if (timersRemoved) for (const timer of timersRemoved) dropTimer(target, timer);\n",
    replace: "",
  },
  {
    says: "a reset leaves the timers in the memory store",
    file: MEMORY,
    find: "      timers.removeInstance(change.instanceId);\n",
    replace: "",
  },
  {
    says: "the memory store gives its inbox back newest first",
    file: MEMORY,
    find: "    return this.#isSorted ? messages : messages.sort((a, b) => a.sequence - b.sequence);",
    replace: "    return messages.reverse();",
  },
  {
    says: "messages that were taken stay in the memory inbox",
    file: MEMORY,
    find: "    if (change.inboxRemoved) for (const sequence of change.inboxRemoved) row.inbox.remove(sequence);\n",
    replace: "",
  },
  {
    says: "the memory store forgets that instances are busy",
    file: MEMORY,
    find: "    if (row.record?.isBusy || row.inbox.size > 0) this.#data.open.add(change.instanceId);",
    replace: "    if (row.inbox.size > 0) this.#data.open.add(change.instanceId);",
  },
  {
    says: "an instance is not busy while its first activity runs",
    file: OUTCOME,
    find: "const isBusy = facts.openTasks.size > canceledTasks.length || activities.length > 0;",
    replace: "const isBusy = facts.openTasks.size > canceledTasks.length + 1 || activities.length > 1;",
  },
  {
    says: "timers that were committed do not set the alarm",
    file: TIMER_WATCH,
    find: "    if (earliest < (this.#armedAtMs ?? Number.POSITIVE_INFINITY)) this.#arm(earliest);",
    replace: "    if (earliest < (this.#armedAtMs ?? 0)) this.#arm(earliest);",
  },
  {
    says: "locks stay when their holder ends",
    file: STAGING,
    find: "  if (isFinal(outcome.record.status) || outcome.continuation) releaseLocks(live, record.executionId, engine);\n",
    replace: "",
  },
  {
    says: "locks stay when their holder is terminated",
    file: STAGING,
    find: "  if (isFinal(outcome.record.status) || outcome.continuation) releaseLocks(",
    replace: "  if ((isFinal(outcome.record.status) && !turn.termination) || outcome.continuation) releaseLocks(",
  },
  {
    says: "locks stay when their holder is replaced",
    file: ADMISSION,
    find: "    releaseLocks(live, record.executionId, ports);\n",
    replace: "",
  },
  {
    says: "ids of events are not remembered",
    file: ADMISSION,
    find: "    seenEventIds: [...(record.seenEventIds ?? []), event.dedupeId].slice(-SEEN_EVENT_IDS_MAX),",
    replace: "    seenEventIds: record.seenEventIds ?? [],",
  },
  {
    says: "an outcome of an earlier generation is taken",
    file: "core/hub/repetition.ts",
    find: "  return executionId !== undefined && record.executionId !== executionId;",
    replace: '  return executionId === "" && record.executionId !== executionId;',
  },
  {
    says: "an outcome that is recorded already is recorded again",
    file: "core/hub/repetition.ts",
    find: "      return !openTasks.has(event.taskScheduledId);",
    replace: '      return event.type === "TaskFailed" && !openTasks.has(event.taskScheduledId);',
  },
  {
    says: "messages are taken newest first",
    file: ENTITY_TURN,
    find: "    const index = lockedBy ? this.#queue.findIndex((message) => isForOwner(message.event, lockedBy)) : 0;",
    replace:
      "    const index = lockedBy ? this.#queue.findIndex((message) => isForOwner(message.event, lockedBy)) : this.#queue.length - 1;",
  },
  {
    says: "a locked entity serves everybody",
    file: ENTITY_TURN,
    find: "    const index = lockedBy ? this.#queue.findIndex((message) => isForOwner(message.event, lockedBy)) : 0;",
    replace:
      '    const index = this.#queue.findIndex((message) => !this.lockedBy || message.event.type !== "EntityLockRequested");',
  },
  {
    says: "an operation is answered twice",
    file: ENTITY_TURN,
    find: "      if (!isPromise(outcome)) this.#succeed(event, outcome);",
    replace:
      "      if (!isPromise(outcome)) { this.#succeed(event, outcome); if (this.#queue.length > 1) this.#succeed(event, outcome); }",
  },
  {
    says: "a signal for later has no timer",
    file: ENTITY_ADMISSION,
    find: '  draft.addTimer({ instanceId: draft.live.instanceId, kind: "signal", timerId: sequence, dueAtMs });\n',
    replace: "",
  },
  {
    says: "an answer of an entity goes to any generation",
    file: ENTITY_TURN,
    find: "      ...(parentExecutionId !== undefined && { executionId: parentExecutionId }),\n",
    replace: "",
  },
  {
    says: "activities of a generation that ended go on",
    file: STAGING,
    find: "  if (isOver && before.isBusy)",
    replace: "  if (isOver && before.isBusy && before.tags === undefined)",
  },
  {
    says: "timers of a finished instance stay",
    file: STAGING,
    find: "    for (const timer of timersOf(live, [...live.openTimers.keys()])) draft.removeTimer(timer);\n",
    replace: "",
  },
  {
    says: "a message that no turn of the group took is not stored",
    file: "core/hub/group-changes.ts",
    find: "    keepUntilDue(group.draft(live, nowMs), stored(message, message.sequence));\n",
    replace: "",
  },
  {
    says: "memory is kept after a failed commit",
    file: ENGINE,
    find: "    for (const live of this.#instances.clear()) {",
    replace: "    for (const live of [] as LiveInstance[]) {",
  },
  {
    says: "events that came while suspended are delivered in reverse",
    file: RUN,
    find: "        this.#released.push(...this.#held.splice(0));",
    replace: "        this.#released.push(...this.#held.splice(0).reverse());",
  },
  {
    says: "a suspended orchestration takes events",
    file: RUN,
    find: '    if (this.#isSuspended && event.type !== "ExecutionSuspended" && event.type !== "ExecutionResumed") {',
    replace: '    if (this.#isSuspended && event.type === "TimerFired") {',
  },
  {
    says: "the oldest waiter is served last",
    file: "core/replay/mailbox.ts",
    find: "    const kept = this.#buffered.get(key)?.shift();",
    replace:
      "    const kept = this.#buffered.get(key)?.items().at(-1); this.#buffered.get(key)?.drop((one) => one === kept);",
  },
  {
    says: "a retry starts one attempt too many",
    file: "core/replay/retry-decision.ts",
    find: "  if (failed.attempt >= policy.maxAttempts) return undefined;",
    replace: "  if (failed.attempt > policy.maxAttempts) return undefined;",
  },
  {
    says: "attempts of one call have keys of their own",
    file: "core/hub/activity-attempt.ts",
    find: "this.job.event.firstAttemptId ?? this.job.event.eventId",
    replace: "this.job.event.eventId",
  },
  {
    says: "the outcome of a child is reported to any generation of its parent",
    file: OUTCOME,
    find: "          instanceId: parent.instanceId,\n          executionId: parent.executionId,",
    replace: "          instanceId: parent.instanceId,",
  },
  {
    says: "SQL histories are read newest turn first",
    file: "adapters/sql/read.ts",
    find: "ORDER BY t.id`,",
    replace: "ORDER BY t.id DESC`,",
  },
  {
    says: "timers fire a little early",
    file: TIMER_WATCH,
    find: "dueTimers(host.now(), ",
    replace: "dueTimers(host.now() + 20, ",
  },
  {
    says: "the oldest unprocessed event is lost by continueAsNew",
    file: STAGING,
    find: '    ...carryover.map((event): Message => ({ kind: "event", event, isPromised: true })),',
    replace: '    ...carryover.slice(1).map((event): Message => ({ kind: "event", event, isPromised: true })),',
  },
  {
    says: "timers that were cancelled stay",
    file: STAGING,
    find: "  for (const timer of timersOf(live, decision.canceledTimers)) draft.removeTimer(timer);\n",
    replace: "",
  },
  {
    says: "a terminated orchestration goes on",
    file: "core/hub/turn.ts",
    find: '    this.termination = fresh.find((event) => event.type === "ExecutionTerminated");',
    replace: "    this.termination = undefined;",
  },
  {
    says: "a start that is replaced stays in the inbox",
    file: ADMISSION,
    find: "    for (const waiting of live.held ?? []) draft.take(waiting);\n",
    replace: "",
  },
  {
    says: "an unlock is for any generation",
    file: ENTITY_TURN,
    find: "(parentExecutionId === undefined || parentExecutionId === executionId)",
    replace: "parentExecutionId !== executionId + 1",
  },
  {
    says: "the IndexedDB store forgets messages that were taken only in memory",
    file: "adapters/indexeddb/pending.ts",
    find: "inboxRemoved ? inbox.filter(({ sequence }) => !inboxRemoved.includes(sequence)) : inbox;",
    replace: "inbox;",
  },
  {
    says: "the IndexedDB store keeps the timers of a generation that is over",
    file: "adapters/indexeddb/pending.ts",
    find: "    folded.timers.clear();\n",
    replace: "",
  },
  {
    says: "an earlier timer does not move the alarm",
    file: "core/hub/timer-watch.ts",
    find: "if (earliest < (this.#armedAtMs ?? Number.POSITIVE_INFINITY)) this.#arm(earliest);",
    replace: "if (earliest > (this.#armedAtMs ?? Number.NEGATIVE_INFINITY)) this.#arm(earliest);",
  },
  {
    says: "a retry policy forgets its timeout",
    file: "core/replay/retry-decision.ts",
    find: "  return delayMs > timeoutMs - failed.elapsedMs ? undefined : delayMs;",
    replace: "  return delayMs;",
  },
  {
    says: "the delay between attempts grows one attempt too early",
    file: "core/replay/retry-decision.ts",
    find: "** (failed.attempt - 1)",
    replace: "** failed.attempt",
  },
  {
    says: "a retry handler is asked about failures for good too",
    file: "core/replay/call-task.ts",
    find: "    if (failure.isNonRetriable) {\n      this.#giveUp(failure);\n      return;\n    }\n    let answer",
    replace: "    let answer",
  },
  {
    says: "a delay between attempts reaches beyond the deadline of the call",
    file: "core/replay/call-task.ts",
    find: "Math.min(this.#host.nowMs + delayMs, this.#deadlineMs)",
    replace: "this.#host.nowMs + delayMs",
  },
  {
    says: "every attempt has the whole time of the call",
    file: "core/replay/call-task.ts",
    find: "      remainingMs: Number.isFinite(remainingMs) ? remainingMs : undefined,\n",
    replace: "      remainingMs: undefined,\n",
  },
  {
    says: "an attempt does not hear how far the one before it was",
    file: "core/replay/call-task.ts",
    find: "    this.#lastHeartbeat = lastHeartbeat ?? this.#lastHeartbeat;\n",
    replace: "",
  },
  {
    says: "a further attempt of a child has an id of its own",
    file: "core/replay/context.ts",
    find: "firstId.toString(16)",
    replace: "id.toString(16)",
  },
  {
    says: "a commit of the IndexedDB store that was lost with its connection is done again",
    file: IDB_SESSION,
    find: "      if (isConnectionLost(error)) this.#uncertain = attempt;\n",
    replace: "",
  },
  {
    says: "commits that the IndexedDB store takes while it folds are not pending",
    file: IDB_SESSION,
    find: "    this.#pending = this.#pending.after(through);",
    replace: "    this.#pending = this.#pending.after(this.#position);",
  },
  {
    says: "a claim in IndexedDB leaves a place that an older session can take",
    file: "adapters/indexeddb/claim.ts",
    find: "const last = taken.at(-1) ?? row.folded;",
    replace: "const last = (taken.at(-1) ?? row.folded) + 1;",
  },
  {
    says: "the SQL store does not ask the database whose the hub is",
    file: "adapters/sql/session.ts",
    find: "    if (this.#port.isOwner()) return",
    replace: "    if (!this.#isFenced) return",
  },
  {
    says: "the SQL store still knows rows of a transaction that was undone",
    file: "adapters/sql/session.ts",
    find: "      this.#rows.clear();\n",
    replace: "",
  },
  {
    says: "the SQL store lists instances after the page's end",
    file: "adapters/sql/query.ts",
    find: ", instanceId) > (?, ?)",
    replace: ", instanceId) >= (?, ?)",
  },
  {
    says: "one more attempt runs at once than its activity allows",
    file: "core/hub/activity-queue.ts",
    find: "return this.runningCount < this.#runningMax &&",
    replace: "return this.runningCount <= this.#runningMax &&",
  },
  {
    says: "activities that need the network start without it",
    file: "core/hub/activity-queue.ts",
    find: "(isOnline || !this.#needsNetwork)",
    replace: "(isOnline || this.#needsNetwork)",
  },
  {
    says: "the place of an activity that had to wait is never free again",
    file: "core/hub/activities.ts",
    find: "if (isRunning) this.#runningCount--;",
    replace: "if (isRunning && !attempt.lane) this.#runningCount--;",
  },
  {
    says: "an attempt that timed out lets no other in",
    file: "core/hub/activities.ts",
    find: "    attempt.abort(error);\n    this.#goOn();",
    replace: "    attempt.abort(error);",
  },
  {
    says: "a rewind does not start the activities that are outstanding",
    file: STAGING,
    find: "  for (const job of jobs) engine.group.start(draft, job);\n",
    replace: "",
  },
  {
    says: "a child that has failed can report once more",
    file: "core/hub/live-instance.ts",
    find: '        case "SubOrchestrationInstanceCompleted":\n        case "SubOrchestrationInstanceFailed":\n          this.openChildren.delete(',
    replace: '        case "SubOrchestrationInstanceCompleted":\n          this.openChildren.delete(',
  },
  {
    says: "heartbeat details do not survive a restart",
    file: "core/hub/live-instance.ts",
    find: "const lastHeartbeat = heartbeats?.[event.eventId];",
    replace: "const lastHeartbeat = event.lastHeartbeat;",
  },
  {
    says: "the tags of the parent win over those of the call",
    file: OUTCOME,
    find: "tags: { ...parent.tags, ...call.tags },",
    replace: "tags: { ...call.tags, ...parent.tags },",
  },
  {
    says: "a state is not written when the next operation leaves it",
    file: ENTITY_TURN,
    find: "if (outcome.state !== this.state) this.hasStateChanged = true;",
    replace: "this.hasStateChanged = outcome.state !== this.state;",
  },
  {
    says: "a lock counts as a change of the state",
    file: ENTITY_ADMISSION,
    find: "turn.hasStateChanged ? nowMs : (before?.lastModifiedAtMs ?? nowMs);",
    replace: "nowMs;",
  },
  {
    says: "locks stay held when a generation continues as new",
    file: STAGING,
    find: "if (isFinal(outcome.record.status) || outcome.continuation) releaseLocks(",
    replace: "if (isFinal(outcome.record.status)) releaseLocks(",
  },
  {
    says: "a page shows the row after it too",
    file: "core/hub/pages.ts",
    find: "rows.slice(0, size).map(shown)",
    replace: "rows.map(shown)",
  },
  {
    says: "a rewound instance keeps the instant of its end",
    file: STAGING,
    find: "output: _output, completedAtMs: _completed, ...record }",
    replace: "output: _output, ...record }",
  },
  ...LIFECYCLE_MUTANTS,
  ...FURTHER_MUTANTS,
];
