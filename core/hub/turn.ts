/** One turn of an orchestrator: the waiting events of an instance, run over its live or replayed code. */
import type { TurnDecision } from "../history/actions.ts";
import type { ExecutionTerminatedEvent, HistoryEvent } from "../history/events.ts";
import type { OrchestratorRun } from "../replay/run.ts";
import type { LiveInstance } from "./live-instance.ts";
import type { Message } from "./message.ts";

export class Turn {
  readonly live: LiveInstance;
  readonly messages: readonly Message[];
  /** The turn's own events, `OrchestratorStarted` first. */
  readonly fresh: readonly HistoryEvent[];
  readonly now: Date;
  readonly termination: ExecutionTerminatedEvent | undefined;

  constructor(live: LiveInstance, messages: readonly Message[], events: readonly HistoryEvent[], now: Date) {
    this.live = live;
    this.messages = messages;
    this.now = now;
    this.fresh = [{ type: "OrchestratorStarted", eventId: -1, timestamp: now }, ...events];
    this.termination = events.find((event) => event.type === "ExecutionTerminated");
  }

  begin(newRun: () => OrchestratorRun): void {
    if (this.termination) return;
    const { live } = this;
    const past = live.past ?? [];
    live.past = undefined;
    if (live.run) live.run.begin([], this.fresh);
    else {
      live.run = newRun();
      live.run.begin(past, this.fresh);
    }
  }

  /** Goes on; true when the microtask queue must run empty first. A terminated instance runs no code. */
  step(): boolean {
    return this.termination ? false : (this.live.run?.step() ?? false);
  }

  finish(): TurnDecision {
    if (this.termination) return this.#terminated(this.termination);
    return (this.live.run as OrchestratorRun).finish();
  }

  #terminated(termination: ExecutionTerminatedEvent): TurnDecision {
    const lastId =
      this.live.run?.sequence ?? (this.live.past ?? []).reduce((max, event) => Math.max(max, event.eventId), 0);
    return {
      actions: [
        {
          kind: "completeOrchestration",
          id: lastId + 1,
          status: "ORCHESTRATION_STATUS_TERMINATED",
          ...(termination.input !== undefined && { result: termination.input }),
        },
      ],
      notes: [],
      canceledTimers: [],
      canceledTasks: [],
      customStatus: this.live.record?.customStatus,
    };
  }
}
