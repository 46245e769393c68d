/**
 * Instances that must not run for now: their code no longer fits their history, or their version is not for this hub.
 * They keep what is sent to them in the stored inbox, and are tried again when the hub is opened anew or the instance is resumed.
 */
import type { NonDeterminismError } from "../errors.ts";
import { failureFrom } from "../failure.ts";
import type { InboxMessage, InstanceRecord } from "../store/contract.ts";
import type { EnginePorts } from "./engine-ports.ts";
import type { Draft } from "./group.ts";
import type { LiveInstance } from "./live-instance.ts";
import { type EventMessage, isCommand, type StartMessage } from "./message.ts";
import type { Turn } from "./turn.ts";

/** Puts a turn's messages back: nothing of the turn is recorded, and the instance shows why it is held. */
export function park(turn: Turn, mismatch: NonDeterminismError, engine: EnginePorts): void {
  const { live } = turn;
  const draft = engine.group.draft(live, turn.now.getTime());
  for (const message of turn.messages) {
    if (message.kind !== "event" && message.kind !== "start") continue;
    if (message.sequence !== undefined) draft.putBack(stored(message, message.sequence));
    else {
      storeMessage(message, draft, engine);
      engine.group.answer(message);
    }
  }
  live.run = undefined;
  live.held = [...turn.messages];
  const record = live.record as InstanceRecord;
  if (record.status === "Suspended" && record.failure?.errorMessage === mismatch.message) return;
  live.record = { ...record, status: "Suspended", failure: failureFrom(mismatch) };
  live.updatedAtMs = turn.now.getTime();
  draft.setRecord(live.record);
  engine.options.logger.error(
    `The instance '${live.instanceId}' is suspended until its code fits its history again. ${mismatch.message}`,
    { instanceId: live.instanceId },
  );
}

/** Keeps a person's command to an instance that is parked: the last one counts once the code fits. A resume has it tried again at once. */
export function keepCommand(
  live: LiveInstance,
  message: EventMessage,
  now: Date,
  engine: EnginePorts,
): "wait" | "unhold" | "done" {
  const isResume = message.event.type === "ExecutionResumed";
  if (isResume && !engine.ensurePast(live)) return "wait";
  const draft = engine.group.draft(live, now.getTime());
  const held = live.held ?? [];
  for (const earlier of held) if (isCommand(earlier)) draft.take(earlier);
  storeMessage(message, draft, engine);
  live.held = [...held.filter((one) => !isCommand(one)), message];
  engine.group.answer(message);
  return isResume ? "unhold" : "done";
}

/** Gives a message that must wait a place in the stored inbox, unless it has one. The timer that sent it has done its work. */
export function storeMessage(message: EventMessage | StartMessage, draft: Draft, engine: EnginePorts): void {
  if (message.kind === "event" && message.timer) draft.removeTimer(message.timer);
  if (message.sequence !== undefined) return;
  message.sequence = engine.nextSequence();
  draft.keep(stored(message, message.sequence));
}

/** A message as the store keeps it. */
export function stored(message: EventMessage | StartMessage, sequence: number): InboxMessage {
  const { event } = message;
  if (message.kind === "start") return { sequence, event };
  const { executionId, parentExecutionId } = message;
  return {
    sequence,
    event,
    ...(executionId !== undefined && { executionId }),
    ...(parentExecutionId !== undefined && { parentExecutionId }),
  };
}
