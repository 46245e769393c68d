/** What activities do: answer, fail, take long or hang, as the world decides anew at every execution; and what every execution must find. */
import { type ActivityContext, type ActivityTimeoutError, NonRetriableError } from "holdfast";
import type { FailureData } from "../../../core/failure.ts";
import type { TaskScheduledEvent } from "../../../core/history/events.ts";
import type { Violate } from "../model/invariants.ts";
import type { Ledger } from "../model/ledger.ts";
import { decode, isFinal } from "../model/records.ts";
import { traitsOf } from "../programs/activities.ts";
import type { ActivityInput } from "../programs/interpret.ts";
import { awaitNull } from "../replay/promises.ts";
import { Execution, type Instant } from "./execution.ts";
import { type Network, PAYLOAD_BYTES_MAX, type Process } from "./process.ts";
import type { World } from "./world.ts";

/** Failures that a hub makes itself, whatever the activity does. */
const HUB_FAILURES = /^(The call was cancelled|.*timed? ?out|.*Timeout|.*payload)/i;
/** What stores of a world say. A result that they refuse again and again, while they take other things, fails its call with it. */
const STORE_FAILURES = /^(a statement failed|refused|applied, and then refused)$/;

export class Activities {
  readonly #world: World;
  readonly #violate: Violate;
  readonly #network: Network;
  readonly #keys = new Map<string, string>();
  readonly #calls = new Map<string, string>();
  /** What each attempt has answered so far, by hub, instance, generation and sequence id. */
  readonly #answers = new Map<string, Set<string>>();
  /** Which processes have executed an attempt. */
  readonly #executions = new Map<string, Set<Process>>();
  readonly #hanging = new Set<() => void>();
  /** Details of the heartbeats of every call. */
  readonly #beats = new Map<string, Set<unknown>>();
  #count = 0;

  constructor(world: World, network: Network, violate: Violate) {
    this.#network = network;
    this.#world = world;
    this.#violate = violate;
  }

  run(process: Process, ledger: Ledger, ctx: ActivityContext, input: ActivityInput): unknown {
    const attempt = `${ledger.hub} ${ctx.instanceId} ${ctx.executionId} ${ctx.taskId}`;
    if (process.isAlive) this.#check(process, ledger, ctx, attempt);
    const { choices } = this.#world;
    const nonce = `r${++this.#count}`;
    this.#world.trace.say(
      `  ${process.name} runs ${ctx.name}#${ctx.taskId} of ${ctx.instanceId} (${input.call}): ${nonce}`,
    );
    if (process.isAlive) this.#checkDetails(process, ledger, ctx, attempt);
    this.#executions.set(attempt, (this.#executions.get(attempt) ?? new Set()).add(process));
    const execution = executionOf(ledger, ctx, instantOf(process, this.#world));
    const beat = (text: string): void => this.#beat(process, ledger, ctx, execution, text);
    this.#checkLast(ctx, ledger.hub);
    beat(nonce);
    process.running.set(attempt, execution);
    const ended = (): void => {
      if (process.running.get(attempt) === execution) process.running.delete(attempt);
    };
    // From then on the hub does not count it as running, whatever it does.
    ctx.signal.addEventListener("abort", () => {
      const { timeoutType } = ctx.signal.reason as Partial<ActivityTimeoutError>;
      if (timeoutType && process.isAlive && !execution.mayEnd(timeoutType, process.now()))
        this.#violate("I61", `${attempt} was ended before its time (${timeoutType})`);
      ended();
    });
    const end = (): string => {
      ended();
      if (choices.fault("F18")) throw this.#failure(attempt, new Error(`failed ${nonce}`));
      if (choices.fault("F19")) throw this.#failure(attempt, new NonRetriableError(`failed for good ${nonce}`));
      const answer = choices.fault("F16") ? nonce.padEnd(PAYLOAD_BYTES_MAX + 1, "-") : nonce;
      this.#answersOf(attempt).add(answer);
      return answer;
    };
    const manner = choices.about("activities");
    const hangs = choices.fault("F20");
    const isSlow = choices.fault("F17");
    if (hangs || isSlow) {
      const laterMs = choices.about("heartbeats").pick([10, 90, 1_000, 20_000]);
      this.#world.after(laterMs, `${attempt} goes on`, () => beat(`${nonce}+`), process);
    }
    if (hangs) return this.#hang(process, ctx, attempt, end);
    if (isSlow) return this.#later(process, ctx, manner.pick([5, 200, 30_000]), attempt, end);
    if (manner.chance(0.3)) return end();
    if (manner.chance(0.4)) return awaitNull(manner.integer(1, 6), false).then(end);
    return this.#later(process, ctx, manner.pick([0, 0, 1, 20]), attempt, end);
  }

  /** Nothing hangs any more. */
  release(): void {
    for (const resume of [...this.#hanging]) resume();
  }

  /** Checks that what a history says of an attempt's outcome is what an execution of it gave. */
  checkOutcome(attempt: string, answer: string): void {
    if (this.#answers.get(attempt)?.has(answer)) return;
    this.#violate("I21", `${attempt} is recorded with ${answer.slice(0, 100)}, which no execution of it gave`);
  }
  checkFailure(attempt: string, { errorMessage, properties }: FailureData): void {
    const ranOut = properties?.timeoutType === "startToClose" || properties?.timeoutType === "heartbeat";
    const isRefused = STORE_FAILURES.test(errorMessage);
    if ((ranOut || isRefused) && !this.#executions.has(attempt))
      this.#violate("I21", `${attempt} is recorded with '${errorMessage}', and was never executed`);
    if (!isRefused && !HUB_FAILURES.test(errorMessage)) this.checkOutcome(attempt, `!${errorMessage}`);
  }

  /** An attempt that a process takes up from the store goes on from what is stored of it. */
  #checkDetails(process: Process, ledger: Ledger, ctx: ActivityContext, attempt: string): void {
    if (process.epoch !== ledger.newestEpoch || this.#executions.get(attempt)?.has(process)) return;
    const record = ledger.record(ctx.instanceId);
    const stored = record?.executionId === ctx.executionId ? record.heartbeats?.[ctx.taskId] : undefined;
    if (stored !== undefined && decode(stored) !== ctx.lastHeartbeat)
      this.#violate("I54", `${attempt} goes on from ${String(ctx.lastHeartbeat)}, stored is ${stored}`);
  }

  /** What it hears of executions before it, one of them must have said. */
  #checkLast(ctx: ActivityContext, hub: string): void {
    const last = ctx.lastHeartbeat;
    if (last !== undefined && !this.#beatsOf(ctx, hub).has(last))
      this.#violate(
        "I21",
        `${hub} ${ctx.idempotencyKey} goes on from ${String(last)}, which no execution of it has said`,
      );
  }

  /** Says how far it is, or not. */
  #beat(process: Process, ledger: Ledger, ctx: ActivityContext, execution: Execution, details: string): void {
    if (ctx.signal.aborted || !this.#world.choices.about("heartbeats").chance(0.3)) return;
    this.#beatsOf(ctx, ledger.hub).add(details);
    const attempt = `${ctx.instanceId} ${ctx.executionId} ${ctx.taskId}`;
    ledger.details.set(attempt, (ledger.details.get(attempt) ?? new Set()).add(details));
    execution.beat(details, instantOf(process, this.#world));
    ctx.heartbeat(details);
  }

  #beatsOf({ idempotencyKey }: ActivityContext, hub: string): Set<unknown> {
    const call = `${hub} ${idempotencyKey}`;
    const known = this.#beats.get(call) ?? new Set();
    this.#beats.set(call, known);
    return known;
  }

  #failure(attempt: string, error: Error): Error {
    this.#answersOf(attempt).add(`!${error.message}`);
    return error;
  }

  #answersOf(attempt: string): Set<string> {
    const known = this.#answers.get(attempt) ?? new Set();
    this.#answers.set(attempt, known);
    return known;
  }

  #later(process: Process, ctx: ActivityContext, delayMs: number, attempt: string, end: () => string): Promise<string> {
    return new Promise((resolve, reject) => {
      const cancel = this.#world.after(delayMs, `${attempt} ends`, () => settle(end, resolve, reject), process);
      if (this.#world.choices.fault("F21")) return;
      ctx.signal.addEventListener("abort", () => {
        cancel();
        reject(ctx.signal.reason as Error);
      });
    });
  }

  #hang(process: Process, ctx: ActivityContext, attempt: string, end: () => string): Promise<string> {
    return new Promise((resolve, reject) => {
      const resume = (): void => {
        this.#hanging.delete(resume);
        this.#world.after(0, `${attempt} ends after all`, () => settle(end, resolve, reject), process);
      };
      this.#hanging.add(resume);
      ctx.signal.addEventListener("abort", () => {
        this.#hanging.delete(resume);
        reject(ctx.signal.reason as Error);
      });
    });
  }

  #check(process: Process, ledger: Ledger, ctx: ActivityContext, attempt: string): void {
    const { instanceId, executionId, taskId, idempotencyKey } = ctx;
    if (process.isStopped) this.#violate("I23", `${process.name} started an activity after its hub had stopped`);
    if (process.running.has(attempt)) this.#violate("I20", `${process.name} runs ${attempt} twice at the same time`);
    this.#checkPlace(process, ledger, ctx, attempt);
    if (process.epoch === ledger.newestEpoch) this.#checkDurable(process, ledger, ctx, attempt);
    const first = callOf(ledger, ctx)?.firstAttemptId ?? taskId;
    const call = `${ledger.hub} ${instanceId} ${executionId} ${first}`;
    const key = `${ledger.hub} ${idempotencyKey}`;
    if ((this.#keys.get(call) ?? key) !== key || (this.#calls.get(key) ?? call) !== call)
      this.#violate("I19", `${call} has the key ${key}, another time it was ${this.#keys.get(call)}`);
    this.#keys.set(call, key);
    this.#calls.set(key, call);
  }

  /** What may hold an attempt up holds it up. */
  #checkPlace(
    process: Process,
    ledger: Ledger,
    { name, instanceId, executionId, taskId }: ActivityContext,
    attempt: string,
  ): void {
    const { maxConcurrency = Number.POSITIVE_INFINITY, requires } = traitsOf(name) ?? {};
    const runningCount = runningOf(process, name);
    if (runningCount >= maxConcurrency)
      this.#violate("I51", `${attempt} started while ${runningCount} of '${name}' were running`);
    if (requires && !this.#network.isOnline()) this.#violate("I52", `${attempt} started without the network`);
    const isRepetition = process.begun.has(attempt);
    process.begun.set(attempt, ledger.commitCount);
    if (isRepetition || maxConcurrency === Number.POSITIVE_INFINITY) return;
    const called = ledger.called.get(`${instanceId} ${executionId} ${taskId}`);
    // Calls of earlier sessions are taken up in any order, and so is what a hub is misled about.
    if (called?.epoch !== process.epoch || process.isMisled) return;
    const last = process.lastCalled.get(name) ?? 0;
    if (called.commit < last) this.#violate("I53", `${attempt} started after one that was called later`);
    process.lastCalled.set(name, called.commit);
  }

  /** What runs does so no longer than it may, and what it says is written. */
  checkRunning(process: Process, ledger: Ledger): void {
    const { isStopped, isStuck, isMisled, epoch, running } = process;
    if (isStopped || isStuck || isMisled || epoch !== ledger.newestEpoch) return;
    const { nowMs } = this.#world;
    for (const [attempt, execution] of running) {
      const [, instanceId = "", executionId = "", taskId = ""] = attempt.split(" ");
      const open = ledger.openCalls.get(instanceId);
      const isOpen = open?.executionId === executionId && open.calls.some(({ eventId }) => eventId === Number(taskId));
      if (!isOpen) {
        if (ledger.isTold) this.#violate("I63", `${attempt} goes on, and nobody waits for it`);
        continue;
      }
      if (ledger.hasOddInstants) continue;
      if (execution.isOverdue(nowMs)) this.#violate("I61", `${attempt} goes on although its time is over`);
      const said = execution.detailsDue(nowMs);
      const stored = decode(ledger.record(instanceId)?.heartbeats?.[Number(taskId)]);
      if (said !== undefined && stored !== said)
        this.#violate("I54", `${attempt} has said ${said} long ago, stored is ${String(stored)}`);
    }
  }

  /** What a hub has called, and has heard to be durable, is under way unless something holds it up. */
  checkWaiting(process: Process, ledger: Ledger): void {
    const { hub, isAlive, isStopped, isStuck, isMisled, epoch, running, placesMax } = process;
    const isNewest = epoch === ledger.newestEpoch && ledger.isTold;
    // One that is not open yet may be about to close, because it could not be opened.
    const isSound = hub && isAlive && !isStopped && !isStuck && !isMisled && isNewest;
    if (!isSound || running.size >= placesMax) return;
    for (const [instanceId, { executionId, calls }] of ledger.openCalls)
      for (const { eventId, name, options, timestamp } of calls) {
        const call = `${instanceId} ${executionId} ${eventId}`;
        const called = ledger.called.get(call);
        const attempt = `${ledger.hub} ${call}`;
        if (called?.epoch !== epoch || (process.begun.get(attempt) ?? -1) >= called.commit) continue;
        const { limits = {}, maxConcurrency = Number.POSITIVE_INFINITY, requires } = traitsOf(name) ?? {};
        const { scheduleToCloseTimeoutMs: timeoutMs } = { ...limits, ...options };
        // It is not begun once its time is over, whatever the clock says later.
        const isLate =
          timeoutMs !== undefined && (ledger.hasOddInstants || timestamp.getTime() + timeoutMs <= process.now());
        const hasRoom = runningOf(process, name) < maxConcurrency && (!requires || this.#network.isOnline());
        if (hasRoom && !isLate) this.#violate("I57", `${attempt} waits while there is room for it`);
      }
  }

  #checkDurable(
    { isMisled }: Process,
    ledger: Ledger,
    { instanceId, executionId, taskId }: ActivityContext,
    attempt: string,
  ): void {
    const called = ledger.generations.get(`${instanceId} ${executionId}`)?.history ?? [];
    if (!called.some((event) => event.type === "TaskScheduled" && event.eventId === taskId))
      this.#violate("I18", `${attempt} started before its call was durable`);
    // An end that is durable may be news to the hub, or have been told to it as a failure.
    if (!ledger.isTold || isMisled) return;
    const record = ledger.record(instanceId);
    if (record?.executionId !== executionId || isFinal(record)) {
      this.#violate("I18", `${attempt} started, but its generation is not the one that runs`);
      return;
    }
    const history = ledger.history(instanceId);
    if (history.some((event) => "taskScheduledId" in event && event.taskScheduledId === taskId))
      this.#violate("I18", `${attempt} started although its outcome is recorded`);
  }
}

/** The call of an attempt, as the history has it. */
function callOf(ledger: Ledger, { instanceId, executionId, taskId }: ActivityContext): TaskScheduledEvent | undefined {
  const generation = ledger.generations.get(`${instanceId} ${executionId}`);
  const call = generation?.history.find(({ eventId }) => eventId === taskId);
  return call?.type === "TaskScheduled" ? call : undefined;
}

function executionOf(ledger: Ledger, ctx: ActivityContext, nowMs: Instant): Execution {
  const call = callOf(ledger, ctx);
  const limits = { ...traitsOf(ctx.name)?.limits, ...call?.options };
  return new Execution(ctx.name, limits, call?.timestamp.getTime() ?? 0, nowMs);
}

function instantOf(process: Process, { nowMs }: World): Instant {
  return { process: process.now(), world: nowMs };
}

/** How many attempts of an activity a process runs. */
function runningOf({ running }: Process, name: string): number {
  return [...running.values()].filter(({ activity }) => activity === name).length;
}

function settle(end: () => string, resolve: (value: string) => void, reject: (error: Error) => void): void {
  try {
    resolve(end());
  } catch (error) {
    reject(error as Error);
  }
}
