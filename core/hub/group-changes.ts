/** What a finished group commit writes. */
import type { InstanceChange } from "../store/contract.ts";
import type { EnginePorts } from "./engine-ports.ts";
import { keepUntilDue } from "./entity-admission.ts";
import type { Group } from "./group.ts";
import { stored } from "./parking.ts";

/**
 * The changes of a group: those of its turns, promised messages that no turn of it has taken, and the receipts of the requests it answers.
 * Empty when nothing is left to write; answers without an effect get no receipt.
 */
export function changesOf(group: Group, engine: EnginePorts): InstanceChange[] {
  const nowMs = engine.options.host.now();
  for (const { live, message } of group.promised) {
    if (message.isTaken || message.sequence !== undefined) continue;
    message.sequence = engine.nextSequence();
    if (message.kind !== "event" && message.kind !== "start") continue;
    keepUntilDue(group.draft(live, nowMs), stored(message, message.sequence));
  }
  const changes = group.changes();
  const { receipts } = engine.options;
  return changes.length > 0 && receipts ? [...changes, ...receipts.changes(group.acks, nowMs)] : changes;
}
