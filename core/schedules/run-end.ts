/** Tells a schedule that a run of it has ended, with the commit that ends it. */
import type { EnginePorts } from "../hub/engine-ports.ts";
import { signalEvent } from "../hub/entity-operation.ts";
import type { InstanceRecord } from "../store/contract.ts";
import { entityIdOfSchedule, SCHEDULE_ID_LENGTH_MAX, SCHEDULE_TAG } from "./schedule.ts";

export function reportRunEnd({ instanceId, parent, tags }: InstanceRecord, now: Date, engine: EnginePorts): void {
  const id = tags[SCHEDULE_TAG];
  // Children have the tags of the run, and anybody may set a tag: runs are known by their ids.
  if (id === undefined || parent || id.length > SCHEDULE_ID_LENGTH_MAX || !instanceId.startsWith(`${id}@`)) return;
  const { payloads, host } = engine.options;
  const target = entityIdOfSchedule(id);
  const event = signalEvent(target, "ended", payloads.encode(instanceId), undefined, host.randomId(), now.getTime());
  engine.promise(target, { kind: "event", event, isPromised: true });
}
