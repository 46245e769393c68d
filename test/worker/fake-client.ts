/** A client that keeps what it was asked, and answers what the test gave it. */
import type { HistoryEvent, OrchestrationState, Pageable, TaskHubClient } from "../../core/index.ts";
import { InstanceNotFoundError } from "../../core/index.ts";
import type { ManagementCall } from "../../worker/api/call.ts";

export interface Answers {
  readonly states?: readonly OrchestrationState[];
  readonly history?: readonly HistoryEvent[];
  /** Tokens given with pages: every page but the last has one. */
  readonly continuationToken?: string;
  /** What a purge reports. */
  readonly purged?: number;
  /** What every call that changes something, and every wait, fails with. */
  readonly failure?: unknown;
  /** Methods in place of the fake ones. */
  readonly methods?: Record<string, (...args: never[]) => unknown>;
}

export interface FakeCall extends ManagementCall {
  /** Every call, as method and arguments. */
  readonly asked: unknown[][];
}

/** A call of the management API over a client that gives these answers. */
export function fakeCall(answers: Answers = {}): FakeCall {
  const asked: unknown[][] = [];
  const states = new Map((answers.states ?? []).map((state) => [state.instanceId, state]));
  const note =
    <Result>(method: string, result: (...args: never[]) => Result) =>
    async (...args: unknown[]): Promise<Result> => {
      asked.push([method, ...args]);
      if (answers.failure !== undefined) throw answers.failure;
      return result(...(args as never[]));
    };
  const finished = (id: string): OrchestrationState => {
    const state = states.get(id);
    if (state) return state;
    throw new InstanceNotFoundError(id);
  };
  const client = {
    scheduleNewOrchestration: note(
      "scheduleNewOrchestration",
      (_name, _input, options?: { instanceId?: string }) => options?.instanceId ?? "generated",
    ),
    getOrchestrationState: async (id: string) => states.get(id),
    waitForOrchestrationStart: note("waitForOrchestrationStart", finished),
    waitForOrchestrationCompletion: note("waitForOrchestrationCompletion", finished),
    raiseOrchestrationEvent: note("raiseOrchestrationEvent", () => undefined),
    terminateOrchestration: note("terminateOrchestration", () => undefined),
    suspendOrchestration: note("suspendOrchestration", () => undefined),
    resumeOrchestration: note("resumeOrchestration", () => undefined),
    purgeOrchestration: note("purgeOrchestration", () => ({
      deletedInstanceCount: answers.purged ?? 0,
      isComplete: true,
    })),
    queryOrchestrations: (query: unknown): Pageable<OrchestrationState> => {
      asked.push(["queryOrchestrations", query]);
      return onePage([...states.values()], answers.continuationToken);
    },
    getOrchestrationHistory: async () => answers.history ?? [],
    ...answers.methods,
  };
  return { client: client as unknown as TaskHubClient, taskHub: "default", asked };
}

/** A listing of one page. */
export function onePage<T>(values: readonly T[], continuationToken?: string): Pageable<T> {
  return {
    async *pages() {
      yield { values, ...(continuationToken !== undefined && { continuationToken }) };
    },
    async *[Symbol.asyncIterator]() {
      yield* values;
    },
  };
}

/** An instance with the fields that a test does not care about filled in. */
export function stateOf(state: Partial<OrchestrationState> = {}): OrchestrationState {
  return {
    instanceId: "i",
    name: "helloCities",
    version: "",
    runtimeStatus: "Running",
    createdAt: new Date("2026-01-31T10:20:30.999Z"),
    lastUpdatedAt: new Date("2026-01-31T10:20:31.001Z"),
    tags: {},
    ...state,
  };
}
