/**
 * Takes up what is outstanding: when the hub is opened, and again after a commit that failed.
 *
 * V1. Nothing runs before every stored inbox has been read once: what is stored from then on gets a place after all there is.
 * V2. A commit that fails may have taken effect all the same: what had a part in it is read anew, and whoever waits for it is told what it is.
 * V3. Whatever fails is tried again after a while, once, however much fails meanwhile. Only the first run, which opens the hub, may fail for good.
 */
import { COMMIT_RETRY_DELAY_MS } from "../limits.ts";
import type { StoreSession } from "../store/contract.ts";
import type { ActivityJob } from "./activity-attempt.ts";
import type { Host } from "./host.ts";
import { type LiveInstance, outstandingJobs } from "./live-instance.ts";

export interface RecoveryPorts {
  readonly host: Host;
  readonly session: StoreSession;
  acquire(instanceId: string): LiveInstance;
  /** False once it has been forgotten, or another is in memory in its place. */
  isKept(live: LiveInstance): boolean;
  enqueue(live: LiveInstance): void;
  /** It has been read anew after a commit that failed. */
  reread(live: LiveInstance): void;
  resume(job: ActivityJob): void;
  /** Timers of the instance that were handed out are handed out again. */
  timersAgain(instanceId: string): void;
  /** @throws HubClosedError, HubFencedError once the hub takes nothing more. */
  checkOpen(): void;
  /** A recovery that was put off begins. */
  beginning(): void;
  /** The store could not be read; it is tried again. */
  failed(error: Error): void;
}

export class Recovery {
  readonly #ports: RecoveryPorts;
  /** True from a failure until the recovery that follows it begins. */
  #isDue = false;
  #runningCount = 0;
  #hasRead = false;
  /** Instances that are taken up at a time of their own. */
  readonly #aside = new Set<string>();
  /** Instances that had a part in a commit that failed, and were not read since. */
  readonly #doubtful = new Set<string>();

  constructor(ports: RecoveryPorts) {
    this.#ports = ports;
  }

  get isRunning(): boolean {
    return this.#runningCount > 0;
  }
  /** True once every stored inbox has been read. */
  get hasRead(): boolean {
    return this.#hasRead;
  }

  /** They had a part in a commit that failed. */
  doubt(instanceIds: Iterable<string>): void {
    for (const instanceId of instanceIds) this.#doubtful.add(instanceId);
  }

  /** Rejects when the store cannot be read, or the hub stops meanwhile. */
  async run(): Promise<void> {
    const { session, acquire } = this.#ports;
    this.#runningCount++;
    try {
      const open = (await session.openInstances()).filter((instanceId) => !this.#aside.has(instanceId)).map(acquire);
      for (const live of open) await this.#loaded(live);
      this.#hasRead = true;
      for (const instanceId of this.#doubtful)
        if (!this.#aside.has(instanceId)) await this.#loaded(acquire(instanceId));
      // Those that were forgotten for want of room are read anew: much may have happened to them meanwhile.
      for (const { instanceId } of open) await this.#takeUp(instanceId);
    } finally {
      this.#runningCount--;
    }
  }

  /** Recovers after a while. */
  putOff(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#ports.host.delay(COMMIT_RETRY_DELAY_MS, () => {
      this.#isDue = false;
      void this.#attempt(
        () => {
          this.#ports.beginning();
          return this.run();
        },
        () => this.putOff(),
      );
    });
  }

  /** Takes up one instance after a while of its own. */
  takeUpLater(instanceId: string, delayMs: number): void {
    if (this.#aside.has(instanceId)) return;
    this.#aside.add(instanceId);
    this.#ports.host.delay(delayMs, () => {
      this.#aside.delete(instanceId);
      void this.#attempt(
        () => {
          this.#ports.timersAgain(instanceId);
          return this.#takeUp(instanceId);
        },
        () => this.takeUpLater(instanceId, delayMs),
      );
    });
  }

  /** Does something unless the hub has stopped; when it fails, `retry` sees to it that it is done again. */
  async #attempt(action: () => Promise<void>, retry: () => void): Promise<void> {
    const { checkOpen, failed } = this.#ports;
    try {
      checkOpen();
    } catch {
      return;
    }
    try {
      await action();
    } catch (error) {
      failed(error as Error);
      retry();
    }
  }

  async #loaded(live: LiveInstance): Promise<void> {
    const { host, checkOpen, isKept, reread } = this.#ports;
    for (; live.isLoading; checkOpen()) {
      if (live.unread) throw live.unread.error;
      await new Promise<void>((resolve) => host.afterIo(resolve));
    }
    if (isKept(live) && this.#doubtful.delete(live.instanceId)) reread(live);
  }

  async #takeUp(instanceId: string): Promise<void> {
    const live = this.#ports.acquire(instanceId);
    live.recoveryCount++;
    try {
      await this.#loaded(live);
      await this.#resume(live);
    } finally {
      live.recoveryCount--;
    }
  }

  async #resume(live: LiveInstance): Promise<void> {
    const { session, checkOpen, isKept, enqueue, resume } = this.#ports;
    checkOpen();
    const { instanceId, asRead } = live;
    if (asRead?.record?.isBusy) {
      const { record, eventCount, turnCount } = asRead;
      // Turns may have come since it was read: what they have called has been started, what they have ended is not taken up.
      const history = (await session.history(instanceId)).slice(0, eventCount);
      // The answer may tell that the hub has been taken over.
      checkOpen();
      // Forgotten meanwhile because of a commit that failed: the recovery after this one takes it up.
      if (!isKept(live)) return;
      for (const job of outstandingJobs(record, history)) {
        const isUntouched = live.turnCount === turnCount && !live.run && !live.past;
        const isOpen = isUntouched || live.openTasks.has(job.event.eventId);
        const isOfThis = job.executionId === record.executionId && job.executionId === live.record?.executionId;
        const isOver = live.record?.completedAtMs !== undefined;
        if (isOpen && isOfThis && !isOver && !hasOutcome(live, job)) resume(job);
      }
    }
    if (isKept(live)) enqueue(live);
  }
}

/** True when what has come of a call waits to be recorded: it was stored while its instance could not run. */
function hasOutcome({ inbox, held = [] }: LiveInstance, { executionId, event: { eventId } }: ActivityJob): boolean {
  return [...inbox, ...held].some(
    (message) =>
      message.kind === "event" &&
      (message.event.type === "TaskCompleted" || message.event.type === "TaskFailed") &&
      message.event.taskScheduledId === eventId &&
      message.executionId === executionId,
  );
}
