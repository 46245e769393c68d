/**
 * Details of heartbeats on their way to the store, where they survive a restart.
 *
 * B1. They are kept in the record of their instance; writing them costs one row for each instance that has new ones.
 * B2. New details are written at the next turn of the event loop, then every `HEARTBEAT_WRITE_INTERVAL_MS` at most, whatever the number of
 *     activities; those of an activity that has ended meanwhile are not written. A closing hub writes all that is left.
 * B3. What failed attempts hand on to the next one is in the history instead (`TaskFailed.lastHeartbeat`).
 */
import { HEARTBEAT_WRITE_INTERVAL_MS } from "../limits.ts";
import type { Logger } from "../logger.ts";
import type { InstanceChange, InstanceRecord, StoreSession } from "../store/contract.ts";
import type { ActivityJob } from "./activity-attempt.ts";
import type { EnginePorts } from "./engine-ports.ts";
import type { Host } from "./host.ts";
import type { LiveInstance } from "./live-instance.ts";
import { type HeartbeatsMessage, isFinal } from "./message.ts";

/** New details of one generation of an instance: stored text by sequence id of the attempt. */
export interface InstanceHeartbeats {
  readonly instanceId: string;
  readonly executionId: string;
  readonly details: Readonly<Record<number, string>>;
}

/** Collects new details and hands them on in time. */
export class HeartbeatJournal {
  readonly #host: Host;
  readonly #write: (heartbeats: InstanceHeartbeats) => void;
  readonly #unwritten = new Map<ActivityJob, string>();
  #cancelWrite: (() => void) | undefined;
  #writtenAtMs = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(host: Host, write: (heartbeats: InstanceHeartbeats) => void) {
    this.#host = host;
    this.#write = write;
  }

  note(job: ActivityJob, details: string): void {
    this.#unwritten.set(job, details);
    if (this.#cancelWrite || this.#isClosed) return;
    const waitMs = Math.max(0, this.#writtenAtMs + HEARTBEAT_WRITE_INTERVAL_MS - this.#host.now());
    this.#cancelWrite = this.#host.delay(waitMs, () => {
      this.#cancelWrite = undefined;
      this.#writtenAtMs = this.#host.now();
      for (const heartbeats of this.take()) this.#write(heartbeats);
    });
  }

  /** The attempt has ended: nobody will go on from there. */
  forget(job: ActivityJob): void {
    if (this.#unwritten.delete(job) && this.#unwritten.size === 0) this.#stop();
  }

  /** Hands out what has not been written. */
  take(): InstanceHeartbeats[] {
    const byGeneration = new Map<string, InstanceHeartbeats & { readonly details: Record<number, string> }>();
    for (const [{ instanceId, executionId, event }, details] of this.#unwritten) {
      const key = `${instanceId} ${executionId}`;
      const heartbeats = byGeneration.get(key) ?? { instanceId, executionId, details: {} };
      byGeneration.set(key, heartbeats);
      heartbeats.details[event.eventId] = details;
    }
    this.#unwritten.clear();
    return [...byGeneration.values()];
  }

  /** Writes nothing by itself any more; what is noted from now on waits for `take`. */
  close(): void {
    this.#isClosed = true;
    this.#stop();
  }

  #stop(): void {
    this.#cancelWrite?.();
    this.#cancelWrite = undefined;
  }
}

/** The record with new details. */
function withHeartbeats(record: InstanceRecord, details: Readonly<Record<number, string>>): InstanceRecord {
  return { ...record, heartbeats: { ...record.heartbeats, ...details } };
}

/** Writes down how far running activities are; the instance itself does not change by it. */
export function keepHeartbeats(
  live: LiveInstance,
  { executionId, details }: HeartbeatsMessage,
  now: Date,
  ports: EnginePorts,
): void {
  const { record } = live;
  if (record?.executionId !== executionId || isFinal(record.status)) return;
  live.record = withHeartbeats(record, details);
  ports.group.draft(live, now.getTime()).setHeartbeats(live.record);
}

/** The record with the details of outstanding activities only; the same record when it has no others. */
export function withoutEndedHeartbeats(
  record: InstanceRecord,
  openTasks: ReadonlySet<number>,
  canceledTasks: readonly number[],
): InstanceRecord {
  if (!record.heartbeats) return record;
  const all = Object.entries(record.heartbeats);
  const open = all.filter(([id]) => openTasks.has(Number(id)) && !canceledTasks.includes(Number(id)));
  if (open.length === all.length) return record;
  const { heartbeats: _ended, ...rest } = record;
  return open.length === 0 ? rest : { ...rest, heartbeats: Object.fromEntries(open) };
}

/** Writes details into the records as they are stored: for a hub that takes no more turns. Never rejects: they are worth less than the closing. */
export async function saveHeartbeats(
  session: StoreSession,
  unwritten: readonly InstanceHeartbeats[],
  logger: Logger,
): Promise<void> {
  try {
    const changes: InstanceChange[] = [];
    for (const { instanceId, executionId, details } of unwritten) {
      const stored = await session.load(instanceId);
      if (!stored?.record || stored.record.executionId !== executionId || isFinal(stored.record.status)) continue;
      changes.push({ instanceId, atMs: stored.lastUpdatedAtMs, record: withHeartbeats(stored.record, details) });
    }
    if (changes.length > 0) await session.commit(changes);
  } catch (error) {
    logger.warn("The last heartbeat details could not be written as the hub closed.", { error: String(error) });
  }
}
