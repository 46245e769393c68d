/** A task hub on virtual time: weeks pass in milliseconds, and nothing happens that the test did not ask for. */
import type { ActivityContext } from "../definition/activity-context.ts";
import { type ActivityDefinition, defineActivity } from "../definition/definitions.ts";
import { type Duration, durationMs } from "../duration.ts";
import type { Engine } from "../hub/engine.ts";
import { openEngine, type TaskHubOptions } from "../hub/open-engine.ts";
import { TaskHub } from "../hub/task-hub.ts";
import { VirtualHost } from "./virtual-host.ts";

/** How a test hub is opened: everything a task hub takes, and the instant its clock starts at. */
export interface TestTaskHubOptions extends Omit<TaskHubOptions, "host"> {
  /** 2026-01-01T00:00:00Z unless given. */
  readonly startAt?: Date;
}

/** Turns of the event loop that a running activity is given before time moves on without it. */
const ACTIVITY_PATIENCE_TURNS = 100;

/**
 * A `TaskHub` whose clock only `advance` moves. Activities run for real unless they are mocked; time does not wait for one that needs more than
 * about a hundred turns of the event loop, so mock what does real I/O.
 */
export class TestTaskHub extends TaskHub {
  readonly #host: VirtualHost;
  readonly #engine: Engine;

  protected constructor(engine: Engine, host: VirtualHost) {
    super(engine);
    this.#engine = engine;
    this.#host = host;
  }

  static override async open(options: TestTaskHubOptions): Promise<TestTaskHub> {
    const host = new VirtualHost((options.startAt ?? new Date("2026-01-01T00:00:00Z")).getTime());
    const hub = new TestTaskHub(await openEngine({ ...options, host }), host);
    await hub.recover();
    return hub;
  }

  /** The instant it is in this hub. */
  get now(): Date {
    return new Date(this.#host.now());
  }

  /**
   * Moves the clock. Everything that falls due on the way happens in order, each at its own instant, with all that follows from it.
   * @throws InvalidArgumentError for a negative or non-finite duration.
   */
  async advance(duration: Duration): Promise<void> {
    const untilMs = this.#host.now() + durationMs(duration, "The argument of advance");
    await this.runUntilIdle();
    for (
      let nextMs = this.#host.nextAtMs();
      nextMs !== undefined && nextMs <= untilMs;
      nextMs = this.#host.nextAtMs()
    ) {
      this.#host.moveTo(nextMs);
      await this.runUntilIdle();
    }
    this.#host.moveTo(untilMs);
    await this.runUntilIdle();
  }

  /** Resolves when nothing more happens without the clock moving, an activity ending, or a call from outside. */
  async runUntilIdle(): Promise<void> {
    for (let patience = ACTIVITY_PATIENCE_TURNS; patience > 0; ) {
      await new Promise<void>((resolve) => this.#host.afterIo(resolve));
      if (!this.#engine.isIdle || this.#host.fireOne()) patience = ACTIVITY_PATIENCE_TURNS;
      else if (this.#engine.openActivityCount === 0) return;
      else patience--;
    }
  }

  /** Takes the network away, or gives it back: activities with `requires: "network"` wait without it. */
  setOnline(isOnline: boolean): void {
    this.#host.online.set(isOnline);
  }

  /** Replaces what an activity does, from its next attempt on. Its options (retries, timeouts) stay. */
  mockActivity<TInput, TOutput>(
    activity: ActivityDefinition<TInput, TOutput> | string,
    handler: (ctx: ActivityContext, input: TInput) => TOutput | Promise<TOutput>,
  ): void {
    const { registry } = this.#engine.options;
    const definition =
      typeof activity === "string"
        ? (registry.activity(activity, "") ?? defineActivity(activity, () => undefined))
        : activity;
    registry.replaceActivity({ ...definition, run: handler as ActivityDefinition["run"] } as ActivityDefinition);
  }
}
