/**
 * Instances whose changes the store may be refusing. Their turns are committed apart from all others, so that a change it will never take, one that
 * is too large for it, say, holds up nobody but its own instance.
 *
 * F1. Whatever had a part in a commit that failed has its next turn in a commit of its own; the others go first, and share theirs.
 * F2. A change is refused for good, as far as anybody can tell, when it has failed alone `REFUSALS_MIN` times while the store takes something else.
 *     Its instance shows why (`Suspended`, with the store's error), and is tried again after a time that doubles up to `REFUSED_DELAY_MS_MAX`.
 * F3. A result of an activity that was part of such a change fails its call, instead of being made again and again.
 * F4. A store that takes nothing at all is no instance's fault: everything waits, and is taken up again as one. Nor is one that is full, busy or
 *     read-only, although it may still take what is small: what it refuses waits at most `PASSING_DELAY_MS_MAX`, is never shown, and fails no call.
 */
import { StoreError, type StoreErrorCode } from "../errors.ts";
import { failureFrom } from "../failure.ts";
import { isEntityInstanceId } from "../identity.ts";
import {
  COMMIT_RETRY_DELAY_MS,
  PASSING_DELAY_MS_MAX,
  REFUSALS_MIN,
  REFUSED_DELAY_MS_MAX,
  SUSPECTS_MAX,
} from "../limits.ts";
import { type ActivityJob, attemptKey } from "./activity-attempt.ts";
import type { Group } from "./group.ts";
import type { LiveInstance } from "./live-instance.ts";
import type { Message } from "./message.ts";

interface Suspect {
  /** Commits of its own that failed, in a row. */
  refusals: number;
  /** Commits there had been when the last one it had a part in failed. */
  writtenBefore: number;
  /** Why its last commit was refused, and the calls whose results were in it, until that has been shown. */
  toShow: { readonly error: Error; readonly calls: readonly string[] } | undefined;
  /** Why results were refused, by call. */
  readonly results: Map<string, Error>;
}

export class Isolation {
  readonly #suspects = new Map<string, Suspect>();
  /** Commits that succeeded. */
  #written = 0;
  /** True when a suspect had the last turn for which the group was free. */
  #wasSuspect = false;

  /** True when the next turn of the instance must have a commit of its own. */
  isSuspect(instanceId: string): boolean {
    return this.#suspects.size > 0 && this.#suspects.has(instanceId);
  }

  /**
   * Which of those that are ready may have a turn now: all that nothing is known against. One that something is known against has its turn when the
   * group is free for it: every other time, so that neither kind waits for ever.
   */
  admissible(ready: readonly LiveInstance[], isFree: boolean): readonly LiveInstance[] {
    if (this.#suspects.size === 0) return ready;
    const others = ready.filter(({ instanceId }) => !this.#suspects.has(instanceId));
    if (!isFree || others.length === ready.length || (others.length > 0 && this.#wasSuspect)) return others;
    const refusalsOf = ({ instanceId }: LiveInstance): number =>
      this.#suspects.get(instanceId)?.refusals ?? Number.POSITIVE_INFINITY;
    return [ready.reduce((least, live) => (refusalsOf(live) < refusalsOf(least) ? live : least))];
  }

  /** These have their turn now: gives back the others that are ready. */
  admitted(ready: readonly LiveInstance[], chosen: readonly LiveInstance[]): LiveInstance[] {
    if (ready === chosen) return [];
    this.#wasSuspect = chosen.some(({ instanceId }) => this.#suspects.has(instanceId));
    const now = new Set(chosen);
    return ready.filter((live) => !now.has(live));
  }

  /**
   * A commit has been written. How long its instance waits before it is taken up again, in ms, when it has been refused before or has only shown why;
   * `undefined` when it need not be.
   */
  taken({ apart, notice }: Group): number | undefined {
    this.#written++;
    const suspect = apart && this.#suspects.get(apart.live.instanceId);
    if (!suspect) return undefined;
    if (notice) {
      for (const call of suspect.toShow?.calls ?? []) suspect.results.set(call, notice);
      suspect.toShow = undefined;
      return delayMsOf(suspect);
    }
    this.#suspects.delete(apart.live.instanceId);
    return suspect.refusals > 0 ? 0 : undefined;
  }

  /** A commit has failed. How long its only instance waits apart from all others, in ms; `undefined` when the store may be down. */
  failed({ apart, notice, drafts }: Group, error: Error): number | undefined {
    if (!apart) {
      for (const instanceId of drafts.keys()) this.#suspect(instanceId);
      return undefined;
    }
    const { live, messages } = apart;
    const suspect = this.#suspect(live.instanceId);
    const takesOthers = this.#written > suspect.writtenBefore;
    suspect.writtenBefore = this.#written;
    suspect.toShow = undefined;
    suspect.refusals = notice ? 0 : suspect.refusals + 1;
    if (isPassing(error)) {
      return takesOthers && !notice ? Math.min(delayMsOf(suspect), PASSING_DELAY_MS_MAX) : undefined;
    }
    if (suspect.refusals >= REFUSALS_MIN) {
      suspect.toShow = { error, calls: unstoredResults(live, messages) };
      return 0;
    }
    return takesOthers && !notice ? delayMsOf(suspect) : undefined;
  }

  /**
   * What is to be committed of the instance, just read, before it has its next turn: the record that shows why the last one was refused. An entity has
   * no status, and is written as it is. False when nothing is to be shown.
   */
  show(live: LiveInstance, group: Group, nowMs: number): boolean {
    const { record, entity, instanceId } = live;
    const suspect = this.#suspects.get(instanceId);
    if (!suspect?.toShow) return false;
    const { error } = suspect.toShow;
    if (!isEntityInstanceId(instanceId) && record?.status !== "Running" && record?.status !== "Suspended") {
      suspect.toShow = undefined;
      return false;
    }
    group.notice = error;
    if (record) {
      live.record = { ...record, status: "Suspended", failure: failureFrom(error) };
      group.draft(live, nowMs).setRecord(live.record);
    } else group.draft(live, nowMs).setEntity(entity ?? null);
    return true;
  }

  isToShow(instanceId: string): boolean {
    return this.#suspects.get(instanceId)?.toShow !== undefined;
  }

  /** Why the result of a call was refused; `undefined` when it was not. */
  refusedResult({ instanceId, executionId, event }: ActivityJob): Error | undefined {
    return this.#suspects.get(instanceId)?.results.get(attemptKey(instanceId, executionId, event.eventId));
  }

  #suspect(instanceId: string): Suspect {
    const known = this.#suspects.get(instanceId);
    if (known) return known;
    // The oldest is believed again: at worst it fails once more together with others.
    for (const oldest of this.#suspects.keys()) {
      if (this.#suspects.size < SUSPECTS_MAX) break;
      this.#suspects.delete(oldest);
    }
    const suspect: Suspect = { refusals: 0, writtenBefore: this.#written, toShow: undefined, results: new Map() };
    this.#suspects.set(instanceId, suspect);
    return suspect;
  }
}

/** True when the store says that it is not the change that it minds. */
function isPassing(error: Error): boolean {
  return error instanceof StoreError && PASSING.has(error.code);
}

const PASSING: ReadonlySet<string> = new Set<StoreErrorCode>(["storeBusy", "storeFull", "storeReadOnly"]);

function delayMsOf({ refusals }: Suspect): number {
  return Math.min(COMMIT_RETRY_DELAY_MS * 2 ** (refusals - 1), REFUSED_DELAY_MS_MAX);
}

/** Calls of which a turn has taken results that nothing had stored before. */
function unstoredResults({ instanceId }: LiveInstance, messages: readonly Message[]): string[] {
  return messages.flatMap((message) => {
    if (message.kind !== "event" || message.event.type !== "TaskCompleted" || message.sequence !== undefined) return [];
    return [attemptKey(instanceId, message.executionId ?? "", message.event.taskScheduledId)];
  });
}
