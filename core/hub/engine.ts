/**
 * The single writer of a hub: takes messages, runs turns, commits them in groups, and only then lets their effects happen.
 *
 * N1. Decide, commit, deliver: no effect of a turn (activity, timer, answer to a client) before its commit.
 * N2. Turns that are ready together, and turns that follow from their messages within a few rounds, share one commit.
 * N3. An instance has one turn at a time; its messages are taken in the order in which they came.
 * N4. A commit that failed leaves memory as the store is: everything live is forgotten (or the only instance it was of, see `isolation.ts`), its
 *     callers are told, open work is taken up again.
 * N5. With a synchronous store and synchronous code no promise is made on the way.
 */
import { HubClosedError, HubFencedError, StorageLostError } from "../errors.ts";
import { isEntityInstanceId } from "../identity.ts";
import { COMMITS_PER_YIELD, GROUP_ROUNDS_MAX, GROUP_TURNS_MAX } from "../limits.ts";
import { ActivityRunner } from "./activities.ts";
import { admit } from "./admission.ts";
import { Commits } from "./commits.ts";
import { type DeliveryPorts, deliverGroup, deliverReread } from "./delivery.ts";
import type { ClientPorts, EngineOptions, EnginePorts } from "./engine-ports.ts";
import { admitEntity, keepWaiting } from "./entity-admission.ts";
import { EntityRuns } from "./entity-runs.ts";
import { Group } from "./group.ts";
import { changesOf } from "./group-changes.ts";
import { saveHeartbeats } from "./heartbeats.ts";
import { timeOrderedId } from "./host.ts";
import { Instances } from "./instances.ts";
import { Isolation } from "./isolation.ts";
import type { LiveInstance } from "./live-instance.ts";
import { type Message, timerMessage } from "./message.ts";
import { Recovery } from "./recovery.ts";
import { commitTurn } from "./staging.ts";
import { TimerWatch } from "./timer-watch.ts";
import type { Turn } from "./turn.ts";
import { TurnSteps } from "./turn-steps.ts";
import { Waiters } from "./waiters.ts";

export class Engine implements EnginePorts, ClientPorts {
  readonly options: EngineOptions;
  readonly waiters: Waiters = new Waiters();
  readonly #instances: Instances;
  readonly #activities: ActivityRunner;
  readonly #timers: TimerWatch;
  #ready: LiveInstance[] = [];
  readonly #turns: TurnSteps;
  #group: Group = new Group();
  #isPumping = false;
  #isWaiting = false;
  #isScheduled = false;
  #lastSequence = 0;
  #stopped: Error | undefined;
  readonly #recovery: Recovery;
  readonly #isolation = new Isolation();
  readonly #commits: Commits;
  readonly #delivery: DeliveryPorts;
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
      isStopped: () => this.stopped !== undefined,
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
    this.#turns = new TurnSteps({
      options,
      nudge: ({ instanceId }) => this.post(instanceId, { kind: "nudge" }),
      finish: (turn) => this.#finish(turn),
    });
    this.#commits = new Commits({
      session,
      written: (group) => this.#written(group),
      failed: (group, error) => this.#commitFailed(group, error),
      goOn: () => this.#pump(),
    });
    this.#delivery = {
      retention,
      waiters: this.waiters,
      instances: this.#instances,
      timers: this.#timers,
      activities: this.#activities,
      enqueue: (live) => this.enqueue(live),
      isStopped: () => this.stopped !== undefined,
    };
    this.#recovery = new Recovery({
      host,
      session,
      acquire: (instanceId) => this.acquire(instanceId),
      isKept: (live) => this.#instances.isKept(live),
      enqueue: (live) => this.enqueue(live),
      reread: (live) => deliverReread(live, this.#delivery),
      resume: (job) => this.#activities.resume(job, this.#isolation.refusedResult(job)),
      timersAgain: (instanceId) => this.#timers.again(instanceId),
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
    if (this.stopped) throw this.stopped;
  }

  /** True when nothing can happen before a timer fires, an activity ends or a client calls. */
  get isIdle(): boolean {
    return (
      !this.#isScheduled &&
      !this.#isPumping &&
      !this.#isWaiting &&
      !this.#commits.writing &&
      !this.#recovery.isRunning &&
      this.#instances.loadingCount === 0 &&
      this.#ready.length === 0 &&
      this.#turns.count === 0 &&
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
    const live = this.#instances.acquire(instanceId, message.kind === "start" && message.hasNewId);
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
    if (live.isQueued || live.isInTurn || live.isLoading || live.awaitsCommit) return;
    if (live.inbox.length === 0 && !this.#isolation.isToShow(live.instanceId)) return;
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
      live.staged = { messages, stage };
      if (this.#group.apart || this.#isolation.isSuspect(live.instanceId)) this.#ready.push(live);
      else this.#stage(live);
      this.#schedule();
    });
  }

  #stage(live: LiveInstance): void {
    live.isInTurn = false;
    live.staged?.stage();
    live.staged = undefined;
    this.enqueue(live);
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
    await this.#commits.done;
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
    const mustDrain = this.#turns.step();
    if (!group.isEmpty) group.roundCount++;
    // What a turn has taken is part of the group: the group stays open until the turn has ended, however many rounds it needs.
    if (mustDrain) return this.#pause((resume) => this.options.host.afterMicrotasks(resume));
    if (group.isEmpty && group.apart) group.apart = undefined;
    if (!this.#isFull && this.#admissible.length > 0) return true;
    if (group.isEmpty || this.#commits.writing || !this.#commit(group)) return false;
    if (this.#commits.count % COMMITS_PER_YIELD === 0)
      return this.#pause((resume) => this.options.host.afterIo(resume));
    return this.#ready.length > 0;
  }

  /** Those that may have a turn in the group as it is. */
  get #admissible(): readonly LiveInstance[] {
    const isFree = this.#group.isEmpty && this.#turns.count === 0 && !this.#commits.writing;
    return this.#isolation.admissible(this.#ready, isFree);
  }

  /** True when the group takes no more turns. While another is being written it may as well go on for more rounds. */
  get #isFull(): boolean {
    const { turnCount, roundCount } = this.#group;
    if (this.#group.apart || this.#commits.writing?.apart) return true;
    return turnCount >= GROUP_TURNS_MAX || (roundCount >= GROUP_ROUNDS_MAX && !this.#commits.writing);
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
    if (this.#ready.length === 0) return;
    const chosen = this.#admissible;
    this.#ready = this.#isolation.admitted(this.#ready, chosen);
    for (const live of chosen) {
      live.isQueued = false;
      if (this.#isolation.isSuspect(live.instanceId)) this.#group.apart = { live, messages: [] };
      if (live.staged) {
        this.#stage(live);
        continue;
      }
      // It was lined up before it began to read; it is lined up again when that is done.
      if (live.isLoading || live.isInTurn || this.#isolation.show(live, this.#group, this.options.host.now())) continue;
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
      if (this.#group.apart) this.#group.apart.messages = turn.messages;
      this.#turns.begin(turn);
    }
  }

  #finish(turn: Turn): void {
    const { live } = turn;
    live.isInTurn = false;
    this.#group.turnCount++;
    commitTurn(turn, this);
    this.enqueue(live);
  }

  // ---- commit and delivery

  #commit(group: Group): boolean {
    if (group === this.#group) this.#group = new Group();
    return this.#commits.write(group, changesOf(group, this));
  }

  #written(group: Group): void {
    const { apart } = group;
    const delayMs = this.#isolation.taken(group);
    deliverGroup(group, this.#delivery);
    if (!apart || delayMs === undefined) return;
    // A client that asks is answered by what comes of it now.
    if (group.notice && !apart.live.inbox.some(({ ack }) => ack)) this.#forget(apart.live, group.notice);
    this.#recovery.takeUpLater(apart.live.instanceId, delayMs);
  }

  /** True when others may go on. */
  #commitFailed(group: Group, error: Error): boolean {
    for (const { message } of group.acks) message.ack?.reject(error);
    if (error instanceof HubFencedError || error instanceof StorageLostError) {
      this.stop(error);
      return false;
    }
    const live = group.apart?.live;
    this.options.logger.error(
      `A commit of the task hub '${this.options.hubName}' failed; nothing of it took effect. Open work is taken up again.`,
      { error: error.message, ...(live && { instanceId: live.instanceId }) },
    );
    this.#recovery.doubt(group.drafts.keys());
    this.#timers.doubt();
    const delayMs = this.#isolation.failed(group, error);
    if (live && delayMs !== undefined) this.#recovery.takeUpLater(live.instanceId, delayMs);
    // The commit may have taken effect although it failed: whatever had a part in it is read anew.
    if (live && delayMs !== undefined && group.drafts.size === 1) {
      this.#forget(live, error);
      return true;
    }
    this.#rejectAll(error);
    this.#recovery.putOff();
    return false;
  }

  #forget(live: LiveInstance, error: Error): void {
    live.rejectClients(error);
    for (const { ack } of [...this.#entityRuns.forget(live), ...(live.staged?.messages ?? [])]) ack?.reject(error);
    this.#ready = this.#ready.filter((ready) => ready !== live);
    this.#instances.forget(live);
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
    for (const message of [...this.#turns.forget(), ...this.#entityRuns.forget()]) message.ack?.reject(error);
    for (const live of this.#instances.clear()) {
      for (const message of [...live.inbox, ...(live.held ?? []), ...(live.staged?.messages ?? [])])
        message.ack?.reject(error);
    }
    this.#group = new Group();
    this.#ready = [];
  }
}
