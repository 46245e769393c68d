/**
 * The single writer of a hub: takes messages, runs turns, commits them in groups, and only then lets their effects happen.
 *
 * N1. Decide, commit, deliver: no effect of a turn (activity, timer, answer to a client) before its commit.
 * N2. Turns that are ready together, and turns that follow from their messages within a few rounds, share one commit.
 * N3. An instance has one turn at a time; its messages are taken in the order in which they came.
 * N4. A commit that failed leaves memory as the store is: everything live is forgotten, its callers are told, open work is taken up again.
 * N5. With a synchronous store and synchronous code no promise is made on the way.
 */
import { HubClosedError, HubFencedError, StorageLostError } from "../errors.ts";
import { isEntityInstanceId } from "../identity.ts";
import { COMMITS_PER_YIELD, GROUP_ROUNDS_MAX, GROUP_TURNS_MAX } from "../limits.ts";
import type { OrchestratorRun } from "../replay/run.ts";
import { isPromise } from "../store/contract.ts";
import { ActivityRunner } from "./activities.ts";
import { admit } from "./admission.ts";
import type { ClientPorts, EngineOptions, EnginePorts } from "./engine-ports.ts";
import { admitEntity, keepWaiting } from "./entity-admission.ts";
import { EntityRuns } from "./entity-runs.ts";
import { Group } from "./group.ts";
import { changesOf } from "./group-changes.ts";
import { saveHeartbeats } from "./heartbeats.ts";
import { timeOrderedId } from "./host.ts";
import { Instances } from "./instances.ts";
import type { LiveInstance } from "./live-instance.ts";
import { type Message, timerMessage } from "./message.ts";
import { Recovery } from "./recovery.ts";
import { commitTurn } from "./staging.ts";
import { TimerWatch } from "./timer-watch.ts";
import type { Turn } from "./turn.ts";
import { Waiters } from "./waiters.ts";

export class Engine implements EnginePorts, ClientPorts {
  readonly options: EngineOptions;
  readonly waiters: Waiters = new Waiters();
  readonly #instances: Instances;
  readonly #activities: ActivityRunner;
  readonly #timers: TimerWatch;
  #ready: LiveInstance[] = [];
  #turns: Turn[] = [];
  #group: Group = new Group();
  #committing: Group | undefined;
  /** Settles when the last commit of an asynchronous store is done, one way or the other. */
  #commitDone: Promise<void> | undefined;
  #isPumping = false;
  #isWaiting = false;
  #isScheduled = false;
  #commitCount = 0;
  #lastSequence = 0;
  #stopped: Error | undefined;
  readonly #recovery: Recovery;
  readonly #entityRuns = new EntityRuns((instanceId) => {
    const live = this.find(instanceId);
    if (live) this.enqueue(live);
  });

  constructor(options: EngineOptions) {
    this.options = options;
    const { host, session, registry, payloads, logger, env, limits, retention } = options;
    this.#activities = new ActivityRunner({
      registry,
      payloads,
      logger,
      env,
      host,
      concurrentMax: limits.concurrentActivitiesMax,
      report: (job, event) => this.post(job.instanceId, { kind: "event", event, executionId: job.executionId }),
      keepHeartbeats: ({ instanceId, ...heartbeats }) => this.post(instanceId, { kind: "heartbeats", ...heartbeats }),
    });
    this.#instances = new Instances({
      host,
      session,
      liveInstancesMax: limits.liveInstancesMax,
      loaded: (live) => this.enqueue(live),
      sequenceSeen: (sequence) => {
        this.#lastSequence = Math.max(this.#lastSequence, sequence);
      },
      failed: (error) => this.#readFailed(error),
    });
    this.#timers = new TimerWatch({
      host,
      dueTimers: (dueAtMs, limit) => retention.dueTimers(dueAtMs, limit),
      nextTimerAtMs: () => retention.nextTimerAtMs(),
      fire: (timer) => {
        const live = this.acquire(timer.instanceId);
        this.deliver(live, timerMessage(timer, live.record, host.now()));
      },
      failed: (error) => this.#readFailed(error),
    });
    this.#recovery = new Recovery({
      host,
      session,
      acquire: (instanceId) => this.acquire(instanceId),
      find: (instanceId) => this.find(instanceId),
      enqueue: (live) => this.enqueue(live),
      resume: (job) => this.#activities.resume(job),
      checkOpen: () => this.checkOpen(),
      beginning: () => this.#timers.restart(),
      failed: (error) => this.#readFailed(error),
    });
  }

  /** Why the engine takes nothing more: closed or fenced. */
  get stopped(): Error | undefined {
    if (!this.#stopped && this.options.session.isFenced) this.stop(new HubFencedError(this.options.hubName));
    return this.#stopped;
  }

  /** @throws HubClosedError, HubFencedError once the engine takes nothing more. */
  checkOpen(): void {
    const { stopped } = this;
    if (stopped) throw stopped;
  }

  /** True when nothing can happen before a timer fires, an activity ends or a client calls. */
  get isIdle(): boolean {
    return (
      !this.#isScheduled &&
      !this.#isPumping &&
      !this.#isWaiting &&
      !this.#committing &&
      !this.#recovery.isRunning &&
      this.#instances.loadingCount === 0 &&
      this.#ready.length === 0 &&
      this.#turns.length === 0 &&
      this.#group.isEmpty &&
      !this.#timers.isAsking
    );
  }
  /** Activities and entity operations that are running. */
  get openActivityCount(): number {
    return this.#activities.runningCount + this.#entityRuns.count;
  }
  /** Takes up what was outstanding when the hub was last open. Rejects when the store cannot be read. */
  async recover(): Promise<void> {
    await this.#recovery.run();
    this.#schedule();
    this.#timers.look();
  }

  /** Sends an instance a message. */
  post(instanceId: string, message: Message): void {
    const { stopped } = this;
    if (stopped) {
      message.ack?.reject(stopped);
      return;
    }
    const live = this.acquire(instanceId);
    if (message.ack && live.unread) message.ack.reject(live.unread.error);
    else this.deliver(live, message);
  }

  /** Sends an instance a message and waits until it is committed. */
  send(instanceId: string, message: Message): Promise<unknown> {
    return new Promise((resolve, reject) => this.post(instanceId, { ...message, ack: { resolve, reject } }));
  }

  deliver(live: LiveInstance, message: Message): void {
    live.inbox.push(message);
    if (live.isInTurn && message.ack && isEntityInstanceId(live.instanceId)) {
      keepWaiting(live, message, this);
      this.#schedule();
    }
    this.enqueue(live);
  }

  /** What clients may see of an instance that is in memory. */
  find(instanceId: string): LiveInstance | undefined {
    return this.#instances.find(instanceId);
  }

  acquire(instanceId: string): LiveInstance {
    return this.#instances.acquire(instanceId);
  }

  /** Lines an instance up for a turn. */
  enqueue(live: LiveInstance): void {
    if (live.isQueued || live.isInTurn || live.isLoading || live.awaitsCommit || live.inbox.length === 0) return;
    live.isQueued = true;
    this.#ready.push(live);
    this.#schedule();
  }

  /** Reads the history that a replay needs; true when it is there already. */
  ensurePast(live: LiveInstance): boolean {
    if (live.run || live.past) return true;
    if (live.turnCount === 0) return true;
    // The store does not hold the last turns yet.
    live.awaitsCommit = live.pendingCommits > 0;
    if (live.awaitsCommit) return false;
    return this.#instances.read(
      live,
      () => this.options.session.history(live.instanceId),
      (history) => {
        live.past = history;
        if (this.options.checksDeterminism) live.recorded = [...history];
        live.track(history);
      },
    );
  }

  get group(): Group {
    return this.#group;
  }
  nextSequence(): number {
    this.#lastSequence = Math.max(this.#lastSequence + 1, this.options.host.now() * 1_000);
    return this.#lastSequence;
  }
  newExecutionId(): string {
    return timeOrderedId(this.options.host).replaceAll("-", "");
  }

  /** Sends a message that the current group's commit promises. */
  promise(instanceId: string, message: Message): void {
    const live = this.acquire(instanceId);
    this.#group.promised.push({ live, message });
    this.deliver(live, message);
  }

  /** An entity's operations are asynchronous: its outcome is staged when they are done, unless the hub has stopped or forgotten it by then. */
  awaitEntity(live: LiveInstance, messages: readonly Message[], done: Promise<void>, stage: () => void): void {
    live.isInTurn = true;
    this.#entityRuns.follow(live, messages, done, () => {
      live.isInTurn = false;
      stage();
      this.enqueue(live);
      this.#schedule();
    });
  }

  /** Ends everything: callers and waiters are told, activities get their signal, nothing is delivered any more. */
  stop(error: Error): void {
    if (this.#stopped) return;
    this.#stopped = error;
    this.#activities.close(error);
    this.#timers.close();
    this.#rejectAll(error);
    this.waiters.close(error);
  }

  /** Stops, and writes down how far the interrupted activities were. Those that heed their signal get a moment to say so. */
  async close(): Promise<void> {
    if (this.stopped) return;
    const { hubName, session, host, logger } = this.options;
    const isWorking = this.#activities.runningCount > 0;
    this.stop(new HubClosedError(hubName));
    if (isWorking) await new Promise<void>((resolve) => host.afterIo(resolve));
    await this.#commitDone;
    await saveHeartbeats(session, this.#activities.takeHeartbeats(), logger);
  }

  // ---- the loop

  #schedule(): void {
    if (this.#isScheduled || this.#isPumping || this.#isWaiting) return;
    this.#isScheduled = true;
    void Promise.resolve().then(() => {
      this.#isScheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#isPumping || this.#isWaiting || !this.#recovery.hasRead) return;
    this.#isPumping = true;
    try {
      while (!this.stopped && this.#advance());
    } finally {
      this.#isPumping = false;
    }
  }

  /** One round; false when the loop must stop, because all is done or something must happen first. */
  #advance(): boolean {
    const group = this.#group;
    if (!this.#isFull) this.#admitReady();
    const mustDrain = this.#stepTurns();
    if (!group.isEmpty) group.roundCount++;
    // What a turn has taken is part of the group: the group stays open until the turn has ended, however many rounds it needs.
    if (mustDrain) return this.#pause((resume) => this.options.host.afterMicrotasks(resume));
    if (!this.#isFull && this.#ready.length > 0) return true;
    if (group.isEmpty || this.#committing || !this.#commit()) return false;
    if (this.#commitCount % COMMITS_PER_YIELD === 0) return this.#pause((resume) => this.options.host.afterIo(resume));
    return this.#ready.length > 0;
  }

  /** True when the group takes no more turns. While another is being written it may as well go on for more rounds. */
  get #isFull(): boolean {
    const { turnCount, roundCount } = this.#group;
    return turnCount >= GROUP_TURNS_MAX || (roundCount >= GROUP_ROUNDS_MAX && !this.#committing);
  }

  #pause(wait: (resume: () => void) => void): false {
    this.#isWaiting = true;
    wait(() => {
      this.#isWaiting = false;
      this.#pump();
    });
    return false;
  }

  #admitReady(): void {
    const ready = this.#ready;
    if (ready.length === 0) return;
    this.#ready = [];
    for (const live of ready) {
      live.isQueued = false;
      // It was lined up before it began to read; it is lined up again when that is done.
      if (live.isLoading || live.isInTurn) continue;
      if (isEntityInstanceId(live.instanceId)) {
        if (!this.#entityRuns.isBusy(live.instanceId)) admitEntity(live, this);
        continue;
      }
      const turn = admit(live, this);
      if (live.unread) live.rejectClients(live.unread.error);
      if (!turn) {
        if (live.inbox.length > 0) this.enqueue(live);
        continue;
      }
      live.isInTurn = true;
      this.#turns.push(turn);
      turn.begin(() => this.#newRun(live));
    }
  }

  /** Lets every turn go on; true when some wait for the microtask queue. */
  #stepTurns(): boolean {
    if (this.#turns.length === 0) return false;
    const turns = this.#turns;
    this.#turns = [];
    for (const turn of turns) {
      if (turn.step() || turn.tryNextPast(() => this.#newRun(turn.live)) || this.#mustCheck(turn))
        this.#turns.push(turn);
      else this.#finish(turn);
    }
    return this.#turns.length > 0;
  }

  #newRun(live: LiveInstance): OrchestratorRun {
    return this.options.newRun(live, () => this.post(live.instanceId, { kind: "nudge" }));
  }

  /** Begins the development check of a turn that has run; false when it is not asked for, or done. */
  #mustCheck(turn: Turn): boolean {
    if (!this.options.checksDeterminism) return false;
    const { live } = turn;
    return turn.beginCheck(live.recorded, () => this.options.newRun(live, () => {}, true));
  }

  #finish(turn: Turn): void {
    const { live } = turn;
    live.isInTurn = false;
    this.#group.turnCount++;
    commitTurn(turn, this);
    this.enqueue(live);
  }

  // ---- commit and delivery

  /** Writes the group; true when it is durable and delivered, false when a promise must be awaited first or nothing may go on. */
  #commit(): boolean {
    const group = this.#group;
    this.#group = new Group();
    const changes = changesOf(group, this);
    this.#commitCount++;
    try {
      const done = changes.length > 0 ? this.options.session.commit(changes) : undefined;
      if (isPromise(done)) {
        this.#committing = group;
        this.#commitDone = done.then(
          () => {
            this.#committing = undefined;
            this.#deliverGroup(group);
            this.#pump();
          },
          (error) => {
            this.#committing = undefined;
            this.#commitFailed(group, error as Error);
          },
        );
        return false;
      }
    } catch (error) {
      this.#commitFailed(group, error as Error);
      return false;
    }
    this.#deliverGroup(group);
    return true;
  }

  #deliverGroup(group: Group): void {
    const { retention } = this.options;
    for (const draft of group.drafts.values()) {
      const { live } = draft;
      if (--live.pendingCommits === 0) live.awaitsCommit = false;
      this.enqueue(live);
      if (draft.isOfKnown) {
        live.visible = draft.visible;
        live.visibleAtMs = draft.atMs;
      }
      const deletion = live.visible && retention.finished(live.visible);
      if (draft.timersAdded.length > 0 || deletion) this.#timers.added([...draft.timersAdded, ...(deletion ?? [])]);
      if (draft.isNews && draft.isOfKnown) this.waiters.changed(live.instanceId, live.visible, draft.atMs);
      if (live.isIdle && !live.run && !live.entity && (!live.record || live.record.completedAtMs !== undefined))
        this.#instances.forget(live);
    }
    group.tell();
    if (this.stopped) return; // What follows is the newer hub's by now.
    this.#activities.cancel(group.cancellations);
    for (const job of group.jobs) this.#activities.start(job);
    for (const draft of group.drafts.values()) if (draft.timersDone.length > 0) this.#timers.removed(draft.timersDone);
  }

  #commitFailed(group: Group, error: Error): void {
    for (const { message } of group.acks) message.ack?.reject(error);
    if (error instanceof HubFencedError || error instanceof StorageLostError) {
      this.stop(error);
      return;
    }
    this.options.logger.error(
      `A commit of the task hub '${this.options.hubName}' failed; nothing of it took effect. Open work is taken up again.`,
      { error: error.message },
    );
    this.#rejectAll(error);
    this.#recovery.putOff();
  }

  /** A read of the hub's own failed: who asked tries again after a while. */
  #readFailed(error: Error): void {
    if (error instanceof HubFencedError || error instanceof StorageLostError) this.stop(error);
    if (this.#stopped) return;
    this.options.logger.error(
      `The store of the task hub '${this.options.hubName}' could not be read. What needs it waits, and it is tried again.`,
      { error: error.message },
    );
  }

  /** Tells every caller whose message has not been committed. */
  #rejectAll(error: Error): void {
    for (const { message } of this.#group.acks) message.ack?.reject(error);
    for (const turn of this.#turns) for (const message of turn.messages) message.ack?.reject(error);
    for (const message of this.#entityRuns.forget()) message.ack?.reject(error);
    for (const live of this.#instances.clear()) {
      for (const message of [...live.inbox, ...(live.held ?? [])]) message.ack?.reject(error);
    }
    this.#group = new Group();
    this.#turns = [];
    this.#ready = [];
  }
}
