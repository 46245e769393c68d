/**
 * The store without a disk, and the reference for all others: what it holds lives as long as the `MemoryStore` object.
 * Events, records and messages are immutable, so they are kept and given back as they are.
 */
import { HubClosedError, HubFencedError } from "../errors.ts";
import type { HistoryEvent } from "../history/events.ts";
import type {
  EntityFilter,
  EntityRecord,
  HubStore,
  InboxMessage,
  InstanceChange,
  InstanceFilter,
  InstanceQuery,
  InstanceRecord,
  ListedEntity,
  ListedInstance,
  PageCursor,
  StoredInstance,
  StoredTimer,
  SyncStoreSession,
} from "./contract.ts";
import { compareText, type Place, RecordOrder } from "./record-order.ts";
import { TimerHeap } from "./timer-heap.ts";

interface Row {
  record: InstanceRecord | undefined;
  entity: EntityRecord | undefined;
  lastUpdatedAtMs: number;
  turnCount: number;
  history: HistoryEvent[];
  readonly inbox: Inbox;
  /** Its places in the orders of creation and completion, as long as it has a record and has finished. */
  created: Place<Row> | undefined;
  completed: Place<Row> | undefined;
}

/** The messages of one instance by sequence. Adding, taking and counting cost the same however many there are. */
class Inbox {
  readonly #bySequence = new Map<number, InboxMessage>();
  #lastSequence = Number.NEGATIVE_INFINITY;
  #isSorted = true;

  get size(): number {
    return this.#bySequence.size;
  }
  /** A message of a sequence that is there takes the other's place. */
  add(message: InboxMessage): void {
    const { sequence } = message;
    if (sequence < this.#lastSequence) this.#isSorted = false;
    else this.#lastSequence = sequence;
    this.#bySequence.set(sequence, message);
  }
  remove(sequence: number): void {
    this.#bySequence.delete(sequence);
  }
  clear(): void {
    this.#bySequence.clear();
  }
  /** In order of sequence. Messages nearly always come in that order. */
  list(): InboxMessage[] {
    const messages = [...this.#bySequence.values()];
    return this.#isSorted ? messages : messages.sort((a, b) => a.sequence - b.sequence);
  }
}

/** All data of one hub. */
class HubData {
  epoch = 0;
  readonly rows = new Map<string, Row>();
  readonly open = new Set<string>();
  readonly timers = new TimerHeap();
  readonly byCreation = new RecordOrder<Row>();
  readonly byCompletion = new RecordOrder<Row>();
}

/** Keeps task hubs in memory. Any number of hubs; it outlives the hubs opened over it. */
export class MemoryStore implements HubStore {
  readonly #hubs = new Map<string, HubData>();

  open(hub: string): SyncStoreSession {
    const data = this.#hubs.get(hub) ?? new HubData();
    this.#hubs.set(hub, data);
    return new MemorySession(hub, data);
  }
}

class MemorySession implements SyncStoreSession {
  readonly epoch: number;
  readonly #hub: string;
  readonly #hubData: HubData;
  #isClosed = false;

  constructor(hub: string, data: HubData) {
    this.#hub = hub;
    this.#hubData = data;
    this.epoch = ++data.epoch;
  }

  get isFenced(): boolean {
    return this.#hubData.epoch !== this.epoch;
  }

  /** The hub's data. @throws HubClosedError after `close` */
  get #data(): HubData {
    if (this.#isClosed) throw new HubClosedError(this.#hub);
    return this.#hubData;
  }

  commit(changes: readonly InstanceChange[]): void {
    if (this.#isClosed) throw new HubClosedError(this.#hub);
    if (this.isFenced) throw new HubFencedError(this.#hub);
    for (const change of changes) this.#apply(change);
  }

  load(instanceId: string): StoredInstance | undefined {
    const row = this.#data.rows.get(instanceId);
    return (
      row && {
        record: row.record,
        ...(row.entity && { entity: row.entity }),
        lastUpdatedAtMs: row.lastUpdatedAtMs,
        turnCount: row.turnCount,
        eventCount: row.history.length,
        inbox: row.inbox.list(),
      }
    );
  }

  history(instanceId: string): readonly HistoryEvent[] {
    return this.#data.rows.get(instanceId)?.history.slice() ?? [];
  }

  openInstances(): readonly string[] {
    return [...this.#data.open];
  }

  dueTimers(dueAtMs: number, limit: number): readonly StoredTimer[] {
    return this.#data.timers.due(dueAtMs, limit);
  }

  nextTimerAtMs(): number | undefined {
    return this.#data.timers.first()?.dueAtMs;
  }

  query({ filter, orderBy, after, limit }: InstanceQuery): readonly ListedInstance[] {
    const found: ListedInstance[] = [];
    const { byCreation, byCompletion } = this.#data;
    const [order, fromMs, toMs] =
      orderBy === "created"
        ? [byCreation, filter.createdFromMs, filter.createdToMs]
        : [byCompletion, filter.completedFromMs, filter.completedToMs];
    for (const { record, lastUpdatedAtMs } of order.from(Math.max(fromMs ?? 0, after?.atMs ?? 0))) {
      if (!record || found.length === limit || instantOf(record, orderBy) > (toMs ?? Number.POSITIVE_INFINITY)) break;
      if (after && !isAfter(record, orderBy, after)) continue;
      if (matches(record, filter)) found.push({ record, lastUpdatedAtMs });
    }
    return found;
  }

  queryEntities(filter: EntityFilter): readonly ListedEntity[] {
    const found: ListedEntity[] = [];
    for (const { entity, inbox } of this.#data.rows.values()) {
      if (entity && matchesEntity(entity, filter)) found.push({ entity, backlogSize: inbox.size });
    }
    return found.sort((a, b) => compareText(a.entity.instanceId, b.entity.instanceId)).slice(0, filter.limit);
  }

  close(): void {
    this.#isClosed = true;
  }

  #apply(change: InstanceChange): void {
    const { rows, timers } = this.#data;
    const row: Row = rows.get(change.instanceId) ?? {
      record: undefined,
      entity: undefined,
      lastUpdatedAtMs: 0,
      turnCount: 0,
      history: [],
      inbox: new Inbox(),
      created: undefined,
      completed: undefined,
    };
    row.lastUpdatedAtMs = Math.max(row.lastUpdatedAtMs, change.atMs);
    if (change.isReset || change.isPurge) {
      row.history = [];
      row.turnCount = 0;
      timers.removeInstance(change.instanceId);
    }
    if (change.isPurge) {
      this.#setRecord(row, undefined);
      row.entity = undefined;
      row.inbox.clear();
    }
    if (change.record) this.#setRecord(row, change.record);
    if (change.entity !== undefined) row.entity = change.entity ?? undefined;
    if (change.turns) {
      for (const events of change.turns) for (const event of events) row.history.push(event);
      row.turnCount += change.turns.length;
    }
    if (change.timersRemoved) for (const timer of change.timersRemoved) timers.remove(timer);
    if (change.timersAdded) for (const timer of change.timersAdded) timers.add(timer);
    if (change.inboxRemoved) for (const sequence of change.inboxRemoved) row.inbox.remove(sequence);
    if (change.inboxAdded) for (const message of change.inboxAdded) row.inbox.add(message);
    if (row.record || row.entity || row.inbox.size > 0) rows.set(change.instanceId, row);
    else rows.delete(change.instanceId);
    if (row.record?.isBusy || row.inbox.size > 0) this.#data.open.add(change.instanceId);
    else this.#data.open.delete(change.instanceId);
  }

  #setRecord(row: Row, record: InstanceRecord | undefined): void {
    const { byCreation, byCompletion } = this.#data;
    row.record = record;
    row.created = moved(byCreation, row, row.created, record?.createdAtMs);
    row.completed = moved(byCompletion, row, row.completed, record?.completedAtMs);
  }
}

/** The place of a row in an order whose instant is this one now. */
function moved(
  order: RecordOrder<Row>,
  row: Row,
  place: Place<Row> | undefined,
  atMs: number | undefined,
): Place<Row> | undefined {
  if (place?.atMs === atMs) return place;
  if (place) order.remove(place);
  return atMs === undefined || !row.record ? undefined : order.add(atMs, row.record.instanceId, row);
}

/** Whether an entity fits a filter, its `limit` aside. */
export function matchesEntity(entity: EntityRecord, filter: EntityFilter): boolean {
  const { instanceIdPrefix, lastModifiedFromMs, lastModifiedToMs, includesTransient, after } = filter;
  if (after !== undefined && compareText(entity.instanceId, after) <= 0) return false;
  if (instanceIdPrefix !== undefined && !entity.instanceId.startsWith(instanceIdPrefix)) return false;
  if (lastModifiedFromMs !== undefined && entity.lastModifiedAtMs < lastModifiedFromMs) return false;
  if (lastModifiedToMs !== undefined && entity.lastModifiedAtMs > lastModifiedToMs) return false;
  return includesTransient || entity.state !== undefined;
}

function instantOf(record: InstanceRecord, orderBy: InstanceQuery["orderBy"]): number {
  return (orderBy === "created" ? record.createdAtMs : record.completedAtMs) ?? 0;
}

function isAfter(record: InstanceRecord, orderBy: InstanceQuery["orderBy"], after: PageCursor): boolean {
  const atMs = instantOf(record, orderBy);
  return atMs > after.atMs || (atMs === after.atMs && compareText(record.instanceId, after.instanceId) > 0);
}

/** Whether an instance fits a filter; stores that cannot express a part of a filter in their own language use it. */
export function matches(record: InstanceRecord, filter: InstanceFilter): boolean {
  const { statuses, names, createdFromMs, createdToMs, completedFromMs, completedToMs, instanceIdPrefix, tags } =
    filter;
  if (statuses && !statuses.includes(record.status)) return false;
  if (names && !names.includes(record.name)) return false;
  if (createdFromMs !== undefined && record.createdAtMs < createdFromMs) return false;
  if (createdToMs !== undefined && record.createdAtMs > createdToMs) return false;
  if (completedFromMs !== undefined && !(record.completedAtMs !== undefined && record.completedAtMs >= completedFromMs))
    return false;
  if (completedToMs !== undefined && !(record.completedAtMs !== undefined && record.completedAtMs <= completedToMs))
    return false;
  if (instanceIdPrefix !== undefined && !record.instanceId.startsWith(instanceIdPrefix)) return false;
  return !tags || Object.keys(tags).every((key) => Object.hasOwn(record.tags, key) && record.tags[key] === tags[key]);
}
