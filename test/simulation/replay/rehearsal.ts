/** Runs one orchestrator live, and replays its history in one go. For cases that are written by hand. */
import {
  defineActivity,
  defineOrchestrator,
  type FunctionDefinition,
  type HistoryEvent,
  type OrchestrationContext,
  type OrchestrationState,
  type OrchestratorDefinition,
} from "holdfast";
import { replayHistory } from "holdfast/testing";
import { type HostedHub, openHostedHub } from "./hosted.ts";
import { Random } from "./random.ts";

/** Code of an orchestrator that says what it sees. */
export type SayingCode = (ctx: OrchestrationContext, say: (text: string) => void) => unknown;

/** What came of a rehearsal. */
export interface Rehearsal {
  readonly state: OrchestrationState;
  readonly history: readonly HistoryEvent[];
  /** What the live run said. */
  readonly live: readonly string[];
  /** What a replay of the history in one go says. */
  replay(): Promise<readonly string[]>;
}

/** Activities that end when they are told to. */
export class Stage {
  readonly #ends = new Map<string, (fails: boolean) => void>();
  readonly #hosted: () => HostedHub;

  constructor(hosted: () => HostedHub) {
    this.#hosted = hosted;
  }

  readonly activity: FunctionDefinition = defineActivity("act", async (_ctx, name: string) => {
    const fails = await new Promise<boolean>((resolve) => this.#ends.set(name, resolve));
    if (fails) throw new Error(`${name} failed`);
    return name;
  });

  get hosted(): HostedHub {
    return this.#hosted();
  }
  /** Ends calls by name, so that their results land in one turn. */
  async end(...names: string[]): Promise<void> {
    for (const name of names) this.#ends.get(name)?.(false);
    await this.hosted.settle();
  }
  async fail(name: string): Promise<void> {
    this.#ends.get(name)?.(true);
    await this.hosted.settle();
  }
}

/** Runs code as the instance `it`, and lets `act` do what happens to it. */
export async function rehearse(
  code: SayingCode,
  act: (stage: Stage) => Promise<void> = async () => {},
  others: readonly FunctionDefinition[] = [],
): Promise<Rehearsal> {
  let hosted: HostedHub | undefined;
  const stage = new Stage(() => hosted as HostedHub);
  const live: string[] = [];
  const definition = (log: string[]): OrchestratorDefinition =>
    defineOrchestrator("it", (ctx) => code(ctx, (text) => log.push(text))) as OrchestratorDefinition;
  const functions = [stage.activity, ...others];
  hosted = await openHostedHub({
    functions: [definition(live), ...functions],
    startAt: new Date("2026-01-01T00:00:00Z"),
    ids: new Random("rehearsal"),
  });
  await hosted.hub.scheduleNewOrchestration("it", undefined, { instanceId: "it" });
  await hosted.settle();
  await act(stage);
  await hosted.settle();
  const state = (await hosted.hub.getOrchestrationState("it")) as OrchestrationState;
  const history = await hosted.hub.getOrchestrationHistory("it");
  await hosted.hub.close();
  const replay = async (): Promise<readonly string[]> => {
    const replayed: string[] = [];
    await replayHistory(definition(replayed), history, { functions });
    return replayed;
  };
  return { state, history, live, replay };
}

/** Fails unless two values are the same as JSON. */
export function mustBe(actual: unknown, expected: unknown, what: string): void {
  const [is, should] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (is !== should) throw new Error(`${what} should be ${should}; it is ${is}.`);
}

/** Fails unless the replay says what the live run said. */
export async function mustReplay({ live, replay }: Rehearsal, expected: readonly string[]): Promise<void> {
  mustBe(live, expected, "What the live run said");
  mustBe(await replay(), expected, "What the replay said");
}
