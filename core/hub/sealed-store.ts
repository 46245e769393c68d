/**
 * Any codec in front of any store: what the hub keeps as text goes through the codec on its way to the store, and back again.
 * With it an encrypting codec works everywhere, asynchronous as it is: the hub sees an asynchronous store, the store sees no plaintext.
 *
 * K1. Every payload and every failure of a record, event, message or entity state is sealed, and every reason a person gave; names, ids, instants and tags are not.
 * K2. What is read again is what was written: `open(seal(x))` equals `x`.
 */
import { base64From } from "../codec/binary.ts";
import { type Codec, defaultCodec } from "../codec/codec.ts";
import type { FailureData } from "../failure.ts";
import type { HistoryEvent } from "../history/events.ts";
import type {
  Awaitable,
  EntityFilter,
  EntityRecord,
  HubStore,
  InboxMessage,
  InstanceChange,
  InstanceQuery,
  InstanceRecord,
  ListedEntity,
  ListedInstance,
  StoredInstance,
  StoredTimer,
  StoreSession,
} from "../store/contract.ts";

/** The error type under which a sealed failure is stored. */
const SEALED = "Sealed";

/** One way through the codec: to the store, or back from it. */
interface Passage {
  /** A payload's text. */
  payload(text: string): Promise<string>;
  /** A text that a person wrote. */
  words(text: string): Promise<string>;
  failure(failure: FailureData): Promise<FailureData>;
}

function sealing(codec: Codec): Passage {
  const payload = async (text: string): Promise<string> => asText(await codec.encode(defaultCodec.decode(text)));
  return {
    payload,
    words: (text) => payload(JSON.stringify(text)),
    failure: async (failure) => ({ errorType: SEALED, errorMessage: await payload(JSON.stringify(failure)) }),
  };
}

function opening(codec: Codec): Passage {
  const payload = async (text: string): Promise<string> => defaultCodec.encode(await codec.decode(text));
  return {
    payload,
    words: async (text) => JSON.parse(await payload(text)) as string,
    failure: async (failure) =>
      failure.errorType === SEALED ? (JSON.parse(await payload(failure.errorMessage)) as FailureData) : failure,
  };
}

/** A store whose payloads go through a codec. */
export class SealedStore implements HubStore {
  readonly #store: HubStore;
  readonly #codec: Codec;

  constructor(store: HubStore, codec: Codec) {
    this.#store = store;
    this.#codec = codec;
  }

  async open(hub: string): Promise<StoreSession> {
    return new SealedSession(await this.#store.open(hub), sealing(this.#codec), opening(this.#codec));
  }
}

class SealedSession implements StoreSession {
  readonly #inner: StoreSession;
  readonly #in: Passage;
  readonly #out: Passage;

  constructor(inner: StoreSession, sealed: Passage, opened: Passage) {
    this.#inner = inner;
    this.#in = sealed;
    this.#out = opened;
  }
  get epoch(): number {
    return this.#inner.epoch;
  }
  get isFenced(): boolean {
    return this.#inner.isFenced;
  }
  checkFence(): Awaitable<void> {
    return this.#inner.checkFence?.();
  }
  async commit(changes: readonly InstanceChange[]): Promise<void> {
    await this.#inner.commit(await Promise.all(changes.map((change) => sealChange(change, this.#in))));
  }
  async load(instanceId: string): Promise<StoredInstance | undefined> {
    const stored = await this.#inner.load(instanceId);
    if (!stored) return undefined;
    const record = stored.record && (await mapRecord(stored.record, this.#out));
    const entity = stored.entity && (await mapEntity(stored.entity, this.#out));
    const inbox = await mapMessages(stored.inbox, this.#out);
    return { ...stored, record, inbox, ...(entity && { entity }) };
  }
  async history(instanceId: string): Promise<readonly HistoryEvent[]> {
    return mapEvents(await this.#inner.history(instanceId), this.#out);
  }
  openInstances(): Awaitable<readonly string[]> {
    return this.#inner.openInstances();
  }
  dueTimers(dueAtMs: number, limit: number): Awaitable<readonly StoredTimer[]> {
    return this.#inner.dueTimers(dueAtMs, limit);
  }
  nextTimerAtMs(): Awaitable<number | undefined> {
    return this.#inner.nextTimerAtMs();
  }
  async query(query: InstanceQuery): Promise<readonly ListedInstance[]> {
    const found = await this.#inner.query(query);
    return Promise.all(found.map(async (listed) => ({ ...listed, record: await mapRecord(listed.record, this.#out) })));
  }
  async queryEntities(filter: EntityFilter): Promise<readonly ListedEntity[]> {
    const found = await this.#inner.queryEntities(filter);
    return Promise.all(found.map(async (listed) => ({ ...listed, entity: await mapEntity(listed.entity, this.#out) })));
  }
  close(): Awaitable<void> {
    return this.#inner.close();
  }
}

async function sealChange(change: InstanceChange, passage: Passage): Promise<InstanceChange> {
  const { record, entity, turns, inboxAdded } = change;
  return {
    ...change,
    ...(record && { record: await mapRecord(record, passage) }),
    ...(entity && { entity: await mapEntity(entity, passage) }),
    ...(turns && { turns: await Promise.all(turns.map((events) => mapEvents(events, passage))) }),
    ...(inboxAdded && { inboxAdded: await mapMessages(inboxAdded, passage) }),
  };
}

async function mapRecord(record: InstanceRecord, passage: Passage): Promise<InstanceRecord> {
  const { input, output, customStatus, failure, heartbeats } = record;
  return {
    ...record,
    ...(input !== undefined && { input: await passage.payload(input) }),
    ...(output !== undefined && { output: await passage.payload(output) }),
    ...(customStatus !== undefined && { customStatus: await passage.payload(customStatus) }),
    ...(failure && { failure: await passage.failure(failure) }),
    ...(heartbeats && { heartbeats: await mapTexts(heartbeats, passage) }),
  };
}

async function mapTexts(texts: Readonly<Record<string, string>>, passage: Passage): Promise<Record<string, string>> {
  const mapped = Object.entries(texts).map(async ([name, text]) => [name, await passage.payload(text)] as const);
  return Object.fromEntries(await Promise.all(mapped));
}

async function mapEntity(entity: EntityRecord, passage: Passage): Promise<EntityRecord> {
  return entity.state === undefined ? entity : { ...entity, state: await passage.payload(entity.state) };
}

function mapMessages(messages: readonly InboxMessage[], passage: Passage): Promise<InboxMessage[]> {
  return Promise.all(messages.map(async (message) => ({ ...message, event: await mapEvent(message.event, passage) })));
}

function mapEvents(events: readonly HistoryEvent[], passage: Passage): Promise<HistoryEvent[]> {
  return Promise.all(events.map((event) => mapEvent(event, passage)));
}

async function mapEvent(event: HistoryEvent, passage: Passage): Promise<HistoryEvent> {
  const isHold = event.type === "ExecutionSuspended" || event.type === "ExecutionResumed";
  const mapped: Record<string, unknown> = { ...event };
  const map = async (field: string, through: (text: string) => Promise<string>): Promise<void> => {
    const text = mapped[field];
    if (typeof text === "string") mapped[field] = await through(text);
  };
  await map("input", isHold ? passage.words : passage.payload);
  for (const field of ["result", "output", "lastHeartbeat"]) await map(field, passage.payload);
  await map("reason", passage.words);
  if (mapped.failureDetails) mapped.failureDetails = await passage.failure(mapped.failureDetails as FailureData);
  return mapped as unknown as HistoryEvent;
}

/** Bytes are kept as base64 text, which is what `decode` gets. */
function asText(encoded: string | Uint8Array): string {
  return typeof encoded === "string" ? encoded : base64From(encoded);
}
