/** An instance in memory: its record, its messages, and while it runs its live orchestrator. */
import type { HistoryEvent } from "../history/events.ts";
import type { OrchestratorRun } from "../replay/run.ts";
import { SparseMap } from "../sparse-map.ts";
import type { EntityRecord, InstanceRecord, StoredInstance } from "../store/contract.ts";
import type { ActivityJob } from "./activity-attempt.ts";
import { type EventMessage, type Message, messageOf } from "./message.ts";

export class LiveInstance {
  readonly instanceId: string;
  /** As of the last turn, committed or not; `undefined` when there is no such instance. */
  record: InstanceRecord | undefined;
  /** As of the last commit: what clients may see. */
  visible: InstanceRecord | undefined;
  visibleAtMs = 0;
  updatedAtMs = 0;
  turnCount = 0;
  eventCount = 0;
  /** The store's answer when it was read; `undefined` while it has not been, and when there was nothing. */
  asRead: StoredInstance | undefined;
  /** The live orchestrator, when it is kept. */
  run: OrchestratorRun | undefined;
  /** The recorded history, between its loading and the replay that uses it. */
  past: readonly HistoryEvent[] | undefined;
  /** The history so far, kept only for the development check. */
  recorded: HistoryEvent[] = [];
  /** Where in user code its steps were taken, by sequence id; filled only for the development check. */
  readonly callSites: SparseMap<number, string> = new SparseMap();
  inbox: Message[] = [];
  /** Messages kept until it goes on: for a scheduled start, for code or a hub that fits, or for a rewind of what has failed; `undefined` when it waits for none. */
  held: Message[] | undefined;
  /** Sequence ids of activities whose outcome is not recorded yet; known while the run is live. */
  readonly openTasks: Set<number> = new Set();
  /** Children whose outcome is not recorded yet: sequence id → instance id. */
  readonly openChildren: SparseMap<number, string> = new SparseMap();
  /** Timers that have not fired, by sequence id → due instant in ms. May hold cancelled ones after a replay. */
  readonly openTimers: SparseMap<number, number> = new SparseMap();
  /** Entity locks requested and not released: critical section → entities. */
  readonly openLocks: SparseMap<string, Set<string>> = new SparseMap();
  /** The entity, when the id is one: as of the last turn, committed or not. */
  entity: EntityRecord | undefined;
  /** An entity's messages that wait for its lock to be released. */
  waiting: EventMessage[] = [];
  /** Signals for later, by their place in the stored inbox. */
  readonly scheduled: SparseMap<number, EventMessage> = new SparseMap();
  /** True while the store is being read for it, or is to be read again. */
  isLoading = false;
  /** What the store knows of it has been taken over; before that `record` says nothing. */
  isKnown = false;
  /** Why the store could not be read for it, until it is read again. */
  unread: { readonly error: Error; again(): void } | undefined;
  /** True while what waits for it needs its history, and turns of that are on their way to the store. */
  awaitsCommit = false;
  isQueued = false;
  isInTurn = false;
  /** An entity's operations that are done, until the group can take their outcome. */
  staged: { readonly messages: readonly Message[]; readonly stage: () => void } | undefined;
  /** Commits that it has a part in and that are not done. */
  pendingCommits = 0;
  /** Recoveries that are about to take it up, and must hear of all that happens to it meanwhile. */
  recoveryCount = 0;

  constructor(instanceId: string) {
    this.instanceId = instanceId;
  }

  /** True when nothing would be lost by forgetting it. */
  get isIdle(): boolean {
    return (
      !this.isLoading &&
      !this.isQueued &&
      !this.isInTurn &&
      this.recoveryCount === 0 &&
      this.pendingCommits === 0 &&
      this.inbox.length === 0 &&
      this.waiting.length === 0
    );
  }

  /** True when nothing more is to be expected of it. */
  get isDone(): boolean {
    return this.isIdle && !this.run && !this.entity && (!this.record || this.record.completedAtMs !== undefined);
  }

  /** Takes over what the store knows; messages that came meanwhile go after the stored ones. */
  load(stored: StoredInstance | undefined): void {
    this.isLoading = false;
    this.isKnown = true;
    this.asRead = stored;
    if (!stored) return;
    this.record = stored.record;
    this.entity = stored.entity;
    this.visible = stored.record;
    this.visibleAtMs = stored.lastUpdatedAtMs;
    this.updatedAtMs = stored.lastUpdatedAtMs;
    this.turnCount = stored.turnCount;
    this.eventCount = stored.eventCount;
    // A message that came while the store was being read may have been committed by then: it is the same one.
    const known = new Set(this.inbox.map(({ sequence }) => sequence));
    const inbox = stored.inbox.filter(({ sequence }) => !known.has(sequence));
    const messages = inbox.map(messageOf);
    if (this.record?.scheduledStartAtMs !== undefined || this.#isSuspendedStart(messages)) this.#hold(messages);
    else this.inbox.unshift(...startFirst(messages, this.record));
  }

  /** Answers the clients whose messages nothing has taken or kept; their messages go. */
  rejectClients(error: Error): void {
    const isTold = ({ ack, sequence }: Message): boolean => ack !== undefined && sequence === undefined;
    for (const message of this.inbox) if (isTold(message)) message.ack?.reject(error);
    this.inbox = this.inbox.filter((message) => !isTold(message));
  }

  /** Keeps the start, with the suspension before it. What else is stored has yet to be judged: it may be for an instance that the start has replaced. */
  #hold(messages: Message[]): void {
    const at = startOf(messages, this.record);
    const before = messages[at - 1];
    const from = before?.kind === "event" && before.event.type === "ExecutionSuspended" ? at - 1 : at;
    this.held = messages.splice(from, at + 1 - from);
    this.inbox.unshift(...messages);
  }

  /** True for a start whose time came in a hub that it was not for, while it was suspended: it waits for its resume. */
  #isSuspendedStart(messages: readonly Message[]): boolean {
    const commands = messages.flatMap((message) => (message.kind === "event" ? [message.event.type] : []));
    return (
      this.record?.status === "Suspended" &&
      this.turnCount === 0 &&
      messages[0]?.kind === "event" &&
      commands[0] === "ExecutionSuspended" &&
      !commands.includes("ExecutionResumed")
    );
  }

  /** Starts over for a new generation. */
  reset(): void {
    this.turnCount = 0;
    this.eventCount = 0;
    this.retire();
  }

  /** Drops what only a running orchestrator needs. */
  retire(): void {
    this.run = undefined;
    this.past = undefined;
    this.recorded = [];
    this.callSites.clear();
    if (this.openTasks.size > 0) this.openTasks.clear();
    this.openChildren.clear();
    this.openTimers.clear();
    this.openLocks.clear();
  }

  /** Notes which activities and children are outstanding, from events of its history, those before `from` left out. */
  track(events: readonly HistoryEvent[], from = 0): void {
    for (let index = from; index < events.length; index++) {
      const event = events[index] as HistoryEvent;
      switch (event.type) {
        case "TaskScheduled":
          this.openTasks.add(event.eventId);
          break;
        case "TaskCompleted":
        case "TaskFailed":
          this.openTasks.delete(event.taskScheduledId);
          break;
        case "SubOrchestrationInstanceCreated":
          this.openChildren.set(event.eventId, event.instanceId);
          break;
        case "SubOrchestrationInstanceCompleted":
        case "SubOrchestrationInstanceFailed":
          this.openChildren.delete(event.taskScheduledId);
          break;
        case "TimerCreated":
          this.openTimers.set(event.eventId, event.fireAt.getTime());
          break;
        case "EntityLockRequested":
          this.openLocks.set(event.criticalSectionId, new Set(event.lockSet));
          break;
        case "EntityUnlockSent": {
          const entities = this.openLocks.get(event.criticalSectionId);
          entities?.delete(event.targetInstanceId);
          if (entities?.size === 0) this.openLocks.delete(event.criticalSectionId);
          break;
        }
        case "TimerFired":
          this.openTimers.delete(event.timerId);
          break;
        default:
          break;
      }
    }
  }
}

/** Messages that an instance takes, the start of its generation before what an earlier one has left. */
function startFirst(messages: Message[], record: InstanceRecord | undefined): Message[] {
  const at = startOf(messages, record);
  return at > 0 ? [...messages.splice(at, 1), ...messages] : messages;
}

/** Where the start of the generation stands. */
function startOf(messages: readonly Message[], record: InstanceRecord | undefined): number {
  return messages.findIndex(
    (message) => message.kind === "start" && message.event.orchestrationInstance.executionId === record?.executionId,
  );
}

/** The activity calls of a history whose outcome it does not hold, as they are to be run again. */
export function outstandingJobs(record: InstanceRecord, history: readonly HistoryEvent[]): ActivityJob[] {
  const live = new LiveInstance("");
  live.track(history);
  const { instanceId, heartbeats } = record;
  // Record and history may have been read at different times: what counts is whose history it is.
  const started = history.find((event) => event.type === "ExecutionStarted");
  const executionId = started?.orchestrationInstance.executionId ?? record.executionId;
  return history.flatMap((event) => {
    if (event.type !== "TaskScheduled" || !live.openTasks.has(event.eventId)) return [];
    const lastHeartbeat = heartbeats?.[event.eventId];
    return [{ instanceId, executionId, event, ...(lastHeartbeat !== undefined && { lastHeartbeat }) }];
  });
}
