/** The turns under way, which go on side by side until each of them waits for nothing but durable outcomes. */
import type { OrchestratorRun } from "../replay/run.ts";
import type { EngineOptions } from "./engine-ports.ts";
import type { LiveInstance } from "./live-instance.ts";
import type { Message } from "./message.ts";
import type { Turn } from "./turn.ts";

export interface TurnStepsPorts {
  readonly options: Pick<EngineOptions, "newRun" | "checksDeterminism">;
  /** Sends an instance a turn without events, so that a broken rule fails it. */
  nudge(live: LiveInstance): void;
  /** The turn has ended. */
  finish(turn: Turn): void;
}

export class TurnSteps {
  readonly #ports: TurnStepsPorts;
  #turns: Turn[] = [];

  constructor(ports: TurnStepsPorts) {
    this.#ports = ports;
  }

  get count(): number {
    return this.#turns.length;
  }

  begin(turn: Turn): void {
    turn.live.isInTurn = true;
    this.#turns.push(turn);
    turn.begin(() => this.#newRun(turn.live));
  }

  /** Lets every turn go on; true when some wait for the microtask queue. */
  step(): boolean {
    if (this.#turns.length === 0) return false;
    const turns = this.#turns;
    this.#turns = [];
    for (const turn of turns) {
      if (turn.step() || turn.tryNextPast(() => this.#newRun(turn.live)) || this.#mustCheck(turn))
        this.#turns.push(turn);
      else this.#ports.finish(turn);
    }
    return this.#turns.length > 0;
  }

  /** Drops all; gives back the messages they have taken. */
  forget(): Message[] {
    const messages = this.#turns.flatMap((turn) => turn.messages);
    this.#turns = [];
    return messages;
  }

  #newRun(live: LiveInstance): OrchestratorRun {
    return this.#ports.options.newRun(live, () => this.#ports.nudge(live));
  }

  /** Begins the development check of a turn that has run; false when it is not asked for, or done. */
  #mustCheck(turn: Turn): boolean {
    const { newRun, checksDeterminism } = this.#ports.options;
    if (!checksDeterminism) return false;
    const { live } = turn;
    return turn.beginCheck(live.recorded, () => newRun(live, () => {}, true));
  }
}
