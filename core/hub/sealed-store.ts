/**
 * Any codec in front of any store: what the hub keeps as text goes through the codec on its way to the store, and back again.
 * With it an encrypting codec works everywhere, asynchronous as it is: the hub sees an asynchronous store, the store sees no plaintext.
 *
 * K1. Every payload and every failure of a record, event, message or entity state is sealed; names, ids, instants, tags and reasons are not.
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

/** Turns a text into what is stored, or back. */
type Transform = (text: string) => Promise<string>;
/** The error type under which a sealed failure is stored. */
const SEALED = "Sealed";

/** A store whose payloads go through a codec. */
export class SealedStore implements HubStore {
  readonly #store: HubStore;
  readonly #codec: Codec;

  constructor(store: HubStore, codec: Codec) {
    this.#store = store;
    this.#codec = codec;
  }

  async open(hub: string): Promise<StoreSession> {
    const codec = this.#codec;
    const seal: Transform = async (text) => asText(await codec.encode(defaultCodec.decode(text)));
    const unseal: Transform = async (text) => defaultCodec.encode(await codec.decode(text));
    return new SealedSession(await this.#store.open(hub), seal, unseal);
  }
}

class SealedSession implements StoreSession {
  readonly #inner: StoreSession;
  readonly #seal: Transform;
  readonly #unseal: Transform;

  constructor(inner: StoreSession, seal: Transform, unseal: Transform) {
    this.#inner = inner;
    this.#seal = seal;
    this.#unseal = unseal;
  }
  get epoch(): number {
    return this.#inner.epoch;
  }
  get isFenced(): boolean {
    return this.#inner.isFenced;
  }
  async commit(changes: readonly InstanceChange[]): Promise<void> {
    await this.#inner.commit(await Promise.all(changes.map((change) => sealChange(change, this.#seal))));
  }
  async load(instanceId: string): Promise<StoredInstance | undefined> {
    const stored = await this.#inner.load(instanceId);
    if (!stored) return undefined;
    const record = stored.record && (await mapRecord(stored.record, this.#unseal, openFailure));
    const entity = stored.entity && (await mapEntity(stored.entity, this.#unseal));
    const inbox = await mapMessages(stored.inbox, this.#unseal, openFailure);
    return { ...stored, record, inbox, ...(entity && { entity }) };
  }
  async history(instanceId: string): Promise<readonly HistoryEvent[]> {
    return mapEvents(await this.#inner.history(instanceId), this.#unseal, openFailure);
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
    return Promise.all(
      found.map(async (listed) => ({ ...listed, record: await mapRecord(listed.record, this.#unseal, openFailure) })),
    );
  }
  async queryEntities(filter: EntityFilter): Promise<readonly ListedEntity[]> {
    const found = await this.#inner.queryEntities(filter);
    return Promise.all(
      found.map(async (listed) => ({ ...listed, entity: await mapEntity(listed.entity, this.#unseal) })),
    );
  }
  close(): Awaitable<void> {
    return this.#inner.close();
  }
}

type FailureMap = (failure: FailureData, transform: Transform) => Promise<FailureData>;

const sealFailure: FailureMap = async (failure, seal) => ({
  errorType: SEALED,
  errorMessage: await seal(JSON.stringify(failure)),
});
const openFailure: FailureMap = async (failure, unseal) =>
  failure.errorType === SEALED ? (JSON.parse(await unseal(failure.errorMessage)) as FailureData) : failure;

async function sealChange(change: InstanceChange, seal: Transform): Promise<InstanceChange> {
  const { record, entity, turns, inboxAdded } = change;
  return {
    ...change,
    ...(record && { record: await mapRecord(record, seal, sealFailure) }),
    ...(entity && { entity: await mapEntity(entity, seal) }),
    ...(turns && { turns: await Promise.all(turns.map((events) => mapEvents(events, seal, sealFailure))) }),
    ...(inboxAdded && { inboxAdded: await mapMessages(inboxAdded, seal, sealFailure) }),
  };
}

async function mapRecord(
  record: InstanceRecord,
  transform: Transform,
  mapFailure: FailureMap,
): Promise<InstanceRecord> {
  const { input, output, customStatus, failure, heartbeats } = record;
  return {
    ...record,
    ...(input !== undefined && { input: await transform(input) }),
    ...(output !== undefined && { output: await transform(output) }),
    ...(customStatus !== undefined && { customStatus: await transform(customStatus) }),
    ...(failure && { failure: await mapFailure(failure, transform) }),
    ...(heartbeats && { heartbeats: await mapTexts(heartbeats, transform) }),
  };
}

async function mapTexts(
  texts: Readonly<Record<string, string>>,
  transform: Transform,
): Promise<Record<string, string>> {
  const mapped = Object.entries(texts).map(async ([name, text]) => [name, await transform(text)] as const);
  return Object.fromEntries(await Promise.all(mapped));
}

async function mapEntity(entity: EntityRecord, transform: Transform): Promise<EntityRecord> {
  return entity.state === undefined ? entity : { ...entity, state: await transform(entity.state) };
}

function mapMessages(
  messages: readonly InboxMessage[],
  transform: Transform,
  mapFailure: FailureMap,
): Promise<InboxMessage[]> {
  return Promise.all(
    messages.map(async (message) => ({ ...message, event: await mapEvent(message.event, transform, mapFailure) })),
  );
}

function mapEvents(
  events: readonly HistoryEvent[],
  transform: Transform,
  mapFailure: FailureMap,
): Promise<HistoryEvent[]> {
  return Promise.all(events.map((event) => mapEvent(event, transform, mapFailure)));
}

async function mapEvent(event: HistoryEvent, transform: Transform, mapFailure: FailureMap): Promise<HistoryEvent> {
  const isReason = event.type === "ExecutionSuspended" || event.type === "ExecutionResumed";
  const mapped: Record<string, unknown> = { ...event };
  for (const field of isReason ? [] : ["input", "result", "output", "lastHeartbeat"]) {
    const text = mapped[field];
    if (typeof text === "string") mapped[field] = await transform(text);
  }
  if (mapped.failureDetails) mapped.failureDetails = await mapFailure(mapped.failureDetails as FailureData, transform);
  return mapped as unknown as HistoryEvent;
}

/** Bytes are kept as base64 text, which is what `decode` gets. */
function asText(encoded: string | Uint8Array): string {
  return typeof encoded === "string" ? encoded : base64From(encoded);
}
