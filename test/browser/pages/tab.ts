/** The hub as one tab or worker has it, and what a test can ask of it. */
import { defineActivity, type FunctionDefinition, type OrchestrationState } from "holdfast";
import { type BrowserTaskHub, openBrowserTaskHub } from "holdfast/indexeddb";
import { replayHistory } from "holdfast/testing";
import { finished, inner, journey, type Mark } from "../../end-to-end/functions.ts";
import { say } from "./say.ts";

const ALL_STATUSES = ["Pending", "Running", "Completed", "Failed", "Terminated", "Canceled", "Suspended"] as const;

/** The journeys' functions, except that each execution of the activity is told before it can be recorded, and takes no time of timers: hidden pages have few. */
function functionsOf(name: string): readonly FunctionDefinition[] {
  const toldMark = defineActivity("mark", async (_ctx, step: number): Promise<Mark> => {
    const nonce = crypto.randomUUID();
    await say({ type: "executed", name, nonce });
    return { step, nonce };
  });
  return [toldMark, finished, inner, journey];
}

const idOf = (index: number): string => `journey-${index}`;
const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;

/** What a test can ask of a tab. */
export class Tab {
  readonly #hub: BrowserTaskHub;
  readonly #functions: readonly FunctionDefinition[];
  readonly #waits = new Map<number, Promise<OrchestrationState>>();

  private constructor(hub: BrowserTaskHub, functions: readonly FunctionDefinition[]) {
    this.#hub = hub;
    this.#functions = functions;
  }

  /** Opens the hub where this runs, and tells the test of every change of its role. */
  static async open(name: string): Promise<Tab> {
    const functions = functionsOf(name);
    const hub = await openBrowserTaskHub({ name: "tabs", functions });
    const roleTold = (): Promise<unknown> => say({ type: "role", name, role: hub.role });
    // What a page says while it is being frozen may be lost.
    hub.onRoleChange(() => void roleTold().catch(() => {}));
    await roleTold();
    return new Tab(hub, functions);
  }

  /** The kind of place it runs in, as the place itself sees it. */
  place(): string {
    return globalThis.constructor.name;
  }

  role(): string {
    return this.#hub.role;
  }

  /** Starts a journey unless it was started: the tab that was asked before may have died after doing so. */
  async start(index: number): Promise<void> {
    const options = { instanceId: idOf(index), dedupeStatuses: ALL_STATUSES };
    try {
      await this.#hub.scheduleNewOrchestration(journey, `trip ${index}`, options);
    } catch (error) {
      if (codeOf(error) !== "orchestrationAlreadyExists") throw error;
    }
  }

  async approve(index: number): Promise<void> {
    try {
      await this.#hub.raiseOrchestrationEvent(idOf(index), "Approval", `yes ${index}`, {
        eventId: `approval-${index}`,
      });
    } catch (error) {
      // Raised already by a tab that died, and the journey has come to its end.
      if (codeOf(error) !== "instanceNotRunning") throw error;
    }
  }

  async wait(index: number): Promise<OrchestrationState> {
    return await this.#hub.waitForOrchestrationCompletion(idOf(index));
  }

  /** Waits for a journey without an answer yet: `endWait` gives it. */
  beginWait(index: number): void {
    this.#waits.set(index, this.wait(index));
  }
  async endWait(index: number): Promise<OrchestrationState> {
    const waited = await this.#waits.get(index);
    if (!waited) throw new Error(`Nothing waits for journey ${index} in this page.`);
    return waited;
  }

  /** Resolves once a journey has nothing to do until it is approved, and all it did is written. */
  async rested(index: number): Promise<void> {
    for await (const { customStatus } of this.#hub.watchOrchestration(idOf(index)))
      if (customStatus === "waiting") return;
  }

  /** The custom statuses of a journey as they change, to its end. */
  async watch(index: number): Promise<unknown[]> {
    const seen: unknown[] = [];
    for await (const { customStatus, runtimeStatus } of this.#hub.watchOrchestration(idOf(index)))
      seen.push(runtimeStatus === "Completed" ? "completed" : customStatus);
    return seen;
  }

  /** Ids of the journeys there are. */
  async query(): Promise<string[]> {
    const ids: string[] = [];
    for await (const { instanceId } of this.#hub.queryOrchestrations({ names: ["journey"] })) ids.push(instanceId);
    return ids;
  }

  /** Holds every stored history against its code; gives the names that the entity was signalled. */
  async audit(count: number): Promise<string[]> {
    for (let index = 0; index < count; index++) {
      const history = await this.#hub.getOrchestrationHistory(idOf(index));
      const recorded = history.flatMap((event) => (event.type === "TaskCompleted" ? [event.taskScheduledId] : []));
      if (new Set(recorded).size !== recorded.length) throw new Error(`${idOf(index)} has a result twice: ${recorded}`);
      await replayHistory(journey, history, { functions: this.#functions });
    }
    return ((await this.#hub.getEntity("@finished@all"))?.state ?? []) as string[];
  }

  /** Keeps the tab's only thread for itself: to the other tabs it looks as if it were frozen without a word. */
  hang(ms: number): void {
    setTimeout(() => {
      for (const endMs = performance.now() + ms; performance.now() < endMs; );
    });
  }
}
