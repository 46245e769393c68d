/** What one hub of a store should hold, as plain maps and arrays. */
import type { HistoryEvent } from "../../core/history/events.ts";
import type {
  EntityFilter,
  EntityRecord,
  InboxMessage,
  InstanceChange,
  InstanceFilter,
  InstanceQuery,
  InstanceRecord,
  ListedEntity,
  ListedInstance,
  PageCursor,
  StoredTimer,
} from "../../core/store/contract.ts";

export interface ModelInstance {
  record: InstanceRecord | undefined;
  entity: EntityRecord | undefined;
  lastUpdatedAtMs: number;
  turns: (readonly HistoryEvent[])[];
  timers: StoredTimer[];
  inbox: InboxMessage[];
}

function nothing(): ModelInstance {
  return { record: undefined, entity: undefined, lastUpdatedAtMs: 0, turns: [], timers: [], inbox: [] };
}

/** What one hub should hold. */
export class HubModel {
  epoch = 1;
  sequence = 0;
  readonly instances = new Map<string, ModelInstance>();

  get(id: string): ModelInstance {
    return this.instances.get(id) ?? nothing();
  }

  /** Applies a change as the contract says. */
  apply(change: InstanceChange): void {
    const before = change.isPurge ? nothing() : this.get(change.instanceId);
    const isFresh = change.isPurge || change.isReset;
    const removed = new Set((change.timersRemoved ?? []).map(timerKey));
    const taken = new Set(change.inboxRemoved);
    const timers = isFresh ? [] : before.timers.filter((timer) => !removed.has(timerKey(timer)));
    const inbox = [...before.inbox.filter(({ sequence }) => !taken.has(sequence)), ...(change.inboxAdded ?? [])];
    const after: ModelInstance = {
      record: change.record ?? before.record,
      entity: change.entity === null ? undefined : (change.entity ?? before.entity),
      lastUpdatedAtMs: change.atMs,
      turns: [...(isFresh ? [] : before.turns), ...(change.turns ?? [])],
      timers: [...timers, ...(change.timersAdded ?? [])],
      inbox: inbox.sort((a, b) => a.sequence - b.sequence),
    };
    if (after.record || after.entity || inbox.length > 0) this.instances.set(change.instanceId, after);
    else this.instances.delete(change.instanceId);
  }

  listEntities(wanted: EntityFilter): ListedEntity[] {
    return [...this.instances.values()]
      .flatMap(({ entity: one, inbox }) => (one ? [{ entity: one, backlogSize: inbox.length }] : []))
      .filter(({ entity: one }) => fitsEntity(one, wanted))
      .sort((a, b) => compare(a.entity.instanceId, b.entity.instanceId))
      .slice(0, wanted.limit);
  }

  timers(): StoredTimer[] {
    return [...this.instances.values()].flatMap(({ timers }) => timers).sort(compareTimers);
  }

  list({ filter: wanted, orderBy, after, limit }: InstanceQuery): ListedInstance[] {
    const key = orderBy === "created" ? "createdAtMs" : "completedAtMs";
    const order = (a: PageCursor, b: PageCursor): number => a.atMs - b.atMs || compare(a.instanceId, b.instanceId);
    const place = ({ record: { [key]: atMs = 0, instanceId } }: ListedInstance): PageCursor => ({ atMs, instanceId });
    return [...this.instances.values()]
      .flatMap(({ record: one, lastUpdatedAtMs }) => (one ? [{ record: one, lastUpdatedAtMs }] : []))
      .filter(({ record: one }) => one[key] !== undefined && fits(one, wanted))
      .filter((listed) => !after || order(place(listed), after) > 0)
      .sort((a, b) => order(place(a), place(b)))
      .slice(0, limit);
  }
}

function within(atMs: number | undefined, fromMs: number | undefined, toMs: number | undefined): boolean {
  if (fromMs === undefined && toMs === undefined) return true;
  return atMs !== undefined && atMs >= (fromMs ?? atMs) && atMs <= (toMs ?? atMs);
}

function fitsEntity(one: EntityRecord, wanted: EntityFilter): boolean {
  return (
    one.instanceId.startsWith(wanted.instanceIdPrefix ?? "") &&
    within(one.lastModifiedAtMs, wanted.lastModifiedFromMs, wanted.lastModifiedToMs) &&
    (wanted.includesTransient || one.state !== undefined) &&
    (wanted.after === undefined || one.instanceId > wanted.after)
  );
}

function fits(one: InstanceRecord, wanted: InstanceFilter): boolean {
  return (
    (wanted.statuses?.includes(one.status) ?? true) &&
    (wanted.names?.includes(one.name) ?? true) &&
    within(one.createdAtMs, wanted.createdFromMs, wanted.createdToMs) &&
    within(one.completedAtMs, wanted.completedFromMs, wanted.completedToMs) &&
    one.instanceId.startsWith(wanted.instanceIdPrefix ?? "") &&
    Object.entries(wanted.tags ?? {}).every(([key, value]) => one.tags[key] === value)
  );
}

/** A timer without its instant. */
export function timerKey({ kind, timerId }: StoredTimer): string {
  return `${kind} ${timerId}`;
}

function compare<T extends string | number>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareTimers(a: StoredTimer, b: StoredTimer): number {
  return (
    a.dueAtMs - b.dueAtMs || compare(a.instanceId, b.instanceId) || compare(a.kind, b.kind) || a.timerId - b.timerId
  );
}
