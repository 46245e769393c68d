/** The schedules of the hub, from any tab. */
import type { Pageable } from "../../../core/client/client.ts";
import type {
  NewSchedule,
  ScheduleChanges,
  ScheduleClient,
  ScheduledCall,
  ScheduledCallByName,
  ScheduleQuery,
  ScheduleState,
} from "../../../core/client/schedules.ts";
import { listing } from "./listing.ts";
import type { Outbox } from "./outbox.ts";
import type { FunctionName } from "./protocol.ts";
import type { Wire } from "./wire.ts";

export class TabSchedules implements ScheduleClient {
  readonly #outbox: Outbox;
  readonly #wire: Wire;

  constructor(outbox: Outbox, wire: Wire) {
    this.#outbox = outbox;
    this.#wire = wire;
  }

  async create<TInput>(options: NewSchedule & (ScheduledCall<TInput> | ScheduledCallByName)): Promise<ScheduleState> {
    const { fn, input, ...schedule } = options as NewSchedule & { fn: FunctionName; input?: unknown };
    const args = { schedule: schedule as NewSchedule, fn: functionName(fn), input: this.#wire.encode(input) };
    return this.#wire.readSchedule(await this.#outbox.call("createSchedule", args));
  }

  async get(id: string): Promise<ScheduleState | undefined> {
    const found = await this.#outbox.call("getSchedule", { id });
    return found && this.#wire.readSchedule(found);
  }

  list(query: ScheduleQuery = {}): Pageable<ScheduleState> {
    return listing(
      query,
      (position) => this.#outbox.call("pageOfSchedules", position),
      (schedule) => this.#wire.readSchedule(schedule),
    );
  }

  async update(id: string, { fn, ...given }: ScheduleChanges): Promise<ScheduleState> {
    const { input, ...changes } = given;
    const hasInput = Object.hasOwn(given, "input");
    const updated = await this.#outbox.call("updateSchedule", {
      id,
      changes,
      ...(fn !== undefined && { fn: functionName(fn) }),
      ...(hasInput && { input: { text: this.#wire.encode(input) } }),
    });
    return this.#wire.readSchedule(updated);
  }

  async pause(id: string): Promise<ScheduleState> {
    return this.#wire.readSchedule(await this.#outbox.call("pauseSchedule", { id }));
  }

  async resume(id: string): Promise<ScheduleState> {
    return this.#wire.readSchedule(await this.#outbox.call("resumeSchedule", { id }));
  }

  delete(id: string): Promise<void> {
    return this.#outbox.call("deleteSchedule", { id });
  }
}

/** A definition by its name and version; the code itself stays here. */
export function functionName(fn: FunctionName): FunctionName {
  return typeof fn === "object" && fn !== null ? { name: fn.name, version: fn.version } : fn;
}
