/**
 * Instances that must not run for now: their code no longer fits their history, or their version is not for this hub.
 * They keep what is sent to them in the stored inbox, and are tried again when the hub is opened anew or the instance is resumed.
 */
import { type NonDeterminismError, VersionMismatchError } from "../errors.ts";
import { failureFrom } from "../failure.ts";
import { compareVersions } from "../replay/versions.ts";
import type { InstanceRecord } from "../store/contract.ts";
import type { Engine } from "./engine.ts";
import type { Turn } from "./turn.ts";

/** Which instances a hub runs, by version. */
export interface VersioningOptions {
  /** The hub's own version; `""` unless given. */
  readonly version?: string;
  /** `none` (unless given): all; `strict`: those of the hub's version; `currentOrOlder`: those not newer than it. */
  readonly match?: "none" | "strict" | "currentOrOlder";
  /** `reject` (unless given): leave the instance for a hub that fits; `fail`: fail it. */
  readonly onMismatch?: "reject" | "fail";
}

/** Why a hub does not run an instance of a version; `undefined` when it does. */
export function versionMismatch(version: string, versioning: VersioningOptions): VersionMismatchError | undefined {
  const { version: own = "", match = "none" } = versioning;
  const order = compareVersions(version, own);
  const isFit = match === "none" || (match === "strict" ? order === 0 : order <= 0);
  return isFit ? undefined : new VersionMismatchError(version, own, match);
}

/** Puts a turn's messages back: nothing of the turn is recorded, and the instance shows why it is held. */
export function park(turn: Turn, mismatch: NonDeterminismError, engine: Engine): void {
  const { live } = turn;
  const draft = engine.group.draft(live, turn.now.getTime());
  for (const message of turn.messages) {
    if (message.kind !== "event" && message.kind !== "start") continue;
    if (message.sequence !== undefined) draft.putBack(message);
    else {
      message.sequence = engine.nextSequence();
      const executionId = message.kind === "event" ? message.executionId : undefined;
      draft.keep({
        sequence: message.sequence,
        event: message.event,
        ...(executionId !== undefined && { executionId }),
      });
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
