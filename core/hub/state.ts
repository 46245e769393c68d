/** What clients see of an instance, made from its record. */
import type { OrchestrationState } from "../client/client.ts";
import { failureDetails } from "../failure.ts";
import type { InstanceRecord } from "../store/contract.ts";

export function stateOf(
  record: InstanceRecord,
  lastUpdatedAtMs: number,
  decode: ((text: string) => unknown) | undefined,
): OrchestrationState {
  const payload = (
    text: string | undefined,
    field: "input" | "output" | "customStatus",
  ): Partial<OrchestrationState> => (text === undefined || !decode ? {} : { [field]: decode(text) });
  return {
    instanceId: record.instanceId,
    name: record.name,
    version: record.version,
    runtimeStatus: record.status,
    createdAt: new Date(record.createdAtMs),
    lastUpdatedAt: new Date(lastUpdatedAtMs),
    ...(record.completedAtMs !== undefined && { completedAt: new Date(record.completedAtMs) }),
    ...payload(record.input, "input"),
    ...payload(record.output, "output"),
    ...payload(record.customStatus, "customStatus"),
    ...(record.warning !== undefined && { warning: record.warning }),
    ...(record.failure && { failure: failureDetails(record.failure) }),
    tags: { ...record.tags },
    ...(record.parent && { parentInstanceId: record.parent.instanceId }),
  };
}
