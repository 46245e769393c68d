/** The status of an instance as the management API tells it. Source: `DurableOrchestrationStatus` of Durable Functions. */
import type { OrchestrationState } from "../../core/client/client.ts";
import { toJsonForm } from "../../core/codec/codec.ts";
import type { HistoryEntryJson } from "./history-json.ts";

/** Every field is there, `null` when it is empty; `historyEvents` only when it was asked for. */
export interface StatusJson {
  readonly name: string;
  readonly instanceId: string;
  readonly runtimeStatus: string;
  readonly input: unknown;
  readonly customStatus: unknown;
  /** The result; of a failed instance the error's message, of a terminated one the reason. */
  readonly output: unknown;
  /** `yyyy-MM-ddTHH:mm:ssZ` */
  readonly createdTime: string;
  /** `yyyy-MM-ddTHH:mm:ssZ` */
  readonly lastUpdatedTime: string;
  readonly historyEvents?: readonly HistoryEntryJson[];
}

/** The status of an instance, with its payloads in their JSON form. */
export function statusJson(state: OrchestrationState, showInput: boolean): StatusJson {
  return {
    name: state.name,
    instanceId: state.instanceId,
    runtimeStatus: state.runtimeStatus,
    input: showInput ? toJsonForm(state.input) : null,
    customStatus: toJsonForm(state.customStatus),
    output: state.runtimeStatus === "Failed" ? (state.failure?.errorMessage ?? null) : toJsonForm(state.output),
    createdTime: toSeconds(state.createdAt),
    lastUpdatedTime: toSeconds(state.lastUpdatedAt),
  };
}

function toSeconds(instant: Date): string {
  return instant.toISOString().replace(/\.\d+Z$/, "Z");
}

/** True when nothing more happens to an instance in this status. */
export function isFinal(status: OrchestrationState["runtimeStatus"]): boolean {
  return status === "Completed" || status === "Failed" || status === "Terminated" || status === "Canceled";
}
