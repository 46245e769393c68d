/** Random steps: commits, openings, and what to look at afterwards. Drafts of changes are fitted to what the hub holds. */
import fc from "fast-check";
import type {
  EntityRecord,
  InstanceChange,
  InstanceFilter,
  InstanceRecord,
  OrchestrationStatus,
  StoredTimer,
  TimerKind,
} from "../../core/store/contract.ts";
import { type HubModel, timerKey } from "./hub-model.ts";
import { entity, message, record, turn } from "./samples.ts";

export const HUBS: readonly string[] = ["left", "right"];
/** Few, so that changes meet; one sorts differently by code points than by UTF-16 units. */
export const IDS: readonly string[] = ["a", "aa", "B", "\u{1f600}", "\uffff"];
export const ENTITY_IDS: readonly string[] = ["@c@k", "@c@\u{1f600}", "@d@\uffff"];
const NAMES: readonly string[] = ["hello", "Hello", "trip"];
const STATUSES: readonly OrchestrationStatus[] = ["Pending", "Running", "Completed", "Failed"];

/** Numbers that pick: from a list by their remainder. What they pick from is known only when the step is taken. */
const pick: fc.Arbitrary<number> = fc.nat({ max: 999 });
const instant: fc.Arbitrary<number> = fc.integer({ min: 0, max: 6 });

/** A change before it is fitted to what the hub holds. */
const draft = fc.record({
  id: fc.constantFrom(...IDS, ...ENTITY_IDS),
  dropped: fc.constantFrom("nothing", "nothing", "nothing", "nothing", "generation", "everything"),
  record: fc.option(
    fc.record({
      status: fc.constantFrom(...STATUSES),
      name: fc.constantFrom(...NAMES),
      createdAtMs: instant,
      completedAtMs: fc.option(instant, { nil: undefined }),
      customStatus: fc.option(fc.constantFrom("1", "2"), { nil: undefined }),
      isBusy: fc.boolean(),
      tags: fc.dictionary(fc.constantFrom("team", "rank"), fc.constantFrom("1", "2")),
    }),
    { nil: undefined },
  ),
  entity: fc.option(
    fc.record({
      state: fc.option(fc.constantFrom("1", "2"), { nil: undefined }),
      lastModifiedAtMs: instant,
      isLocked: fc.boolean(),
    }),
    { freq: 2 },
  ),
  turnSizes: fc.array(fc.nat({ max: 2 }), { maxLength: 3 }),
  timersRemoved: fc.array(pick, { maxLength: 2 }),
  timersAdded: fc.array(
    fc.record({ kind: fc.constantFrom<TimerKind>("timer", "start"), timerId: fc.nat({ max: 3 }), dueAtMs: instant }),
    { maxLength: 2 },
  ),
  inboxRemoved: fc.array(pick, { maxLength: 2 }),
  inboxAdded: fc.nat({ max: 2 }),
});
export type Draft = typeof draft extends fc.Arbitrary<infer T> ? T : never;

const filter: fc.Arbitrary<InstanceFilter> = fc.record(
  {
    statuses: fc.subarray([...STATUSES]),
    names: fc.subarray([...NAMES]),
    createdFromMs: instant,
    createdToMs: instant,
    completedFromMs: instant,
    completedToMs: instant,
    instanceIdPrefix: fc.constantFrom("", "a", "aa", "\ud83d"),
    tags: fc.dictionary(fc.constantFrom("team", "rank"), fc.constantFrom("1", "2")),
  },
  { requiredKeys: [] },
);

export const step = fc.record({
  hub: fc.constantFrom(...HUBS),
  action: fc.constantFrom("commit", "commit", "commit", "commit", "reopen", "takeOver"),
  changes: fc.array(draft, { maxLength: 4 }),
  filter,
  orderBy: fc.constantFrom("created" as const, "completed" as const),
  limit: fc.integer({ min: 1, max: 4 }),
  entityFilter: fc.record(
    {
      instanceIdPrefix: fc.constantFrom("", "@c", "@c@\ud83d"),
      lastModifiedFromMs: instant,
      lastModifiedToMs: instant,
      includesTransient: fc.boolean(),
      after: fc.constantFrom(...ENTITY_IDS),
      limit: fc.integer({ min: 1, max: 3 }),
    },
    { requiredKeys: ["includesTransient", "limit"] },
  ),
  after: fc.option(fc.record({ atMs: instant, instanceId: fc.constantFrom(...IDS) }), { nil: undefined }),
  dueAtMs: instant,
});
export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Makes a draft a change that a hub could ask for: it has a record before it has turns or timers, and no timer twice. */
export function changeOf(model: HubModel, { id, ...given }: Draft, atMs: number): InstanceChange {
  const before = model.get(id);
  const isPurge = given.dropped === "everything";
  const isFresh = isPurge || given.dropped === "generation";
  const isEntity = ENTITY_IDS.includes(id);
  const newRecord = isEntity ? undefined : given.record;
  const newEntity = isEntity ? entityOf(id, given.entity) : undefined;
  const hasRecord = newRecord !== undefined || (before.record !== undefined && !isPurge);
  const sizes = hasRecord ? given.turnSizes : [];
  const firstTurn = isFresh ? 0 : before.turns.length;
  const from = <T>(list: readonly T[], picks: readonly number[]): T[] => [
    ...new Set(list.length === 0 ? [] : picks.map((number) => list[number % list.length] as T)),
  ];
  const timersRemoved = from(before.timers, given.timersRemoved);
  const kept = isFresh ? [] : before.timers.filter((timer) => !timersRemoved.includes(timer));
  const timersAdded: StoredTimer[] = [];
  for (const timer of hasRecord ? given.timersAdded : []) {
    const isTaken = [...kept, ...timersAdded].some(
      (other) => timerKey(other) === timerKey({ instanceId: id, ...timer }),
    );
    if (!isTaken) timersAdded.push({ instanceId: id, ...timer });
  }
  const inboxAdded = isPurge && !hasRecord ? 0 : given.inboxAdded;
  return {
    instanceId: id,
    atMs,
    ...(isFresh && (isPurge ? { isPurge } : { isReset: true })),
    ...(newRecord && { record: record(id, definedOf(newRecord)) }),
    ...(newEntity !== undefined && { entity: newEntity }),
    ...(sizes.length > 0 && {
      firstTurn,
      turns: sizes.map((size, index) => turn(atMs, `${id} ${firstTurn + index}`).slice(0, size)),
    }),
    ...(timersRemoved.length > 0 && { timersRemoved }),
    ...(timersAdded.length > 0 && { timersAdded }),
    ...(given.inboxRemoved.length > 0 && {
      inboxRemoved: from(before.inbox, given.inboxRemoved).map((m) => m.sequence),
    }),
    ...(inboxAdded > 0 && { inboxAdded: Array.from({ length: inboxAdded }, () => message(++model.sequence, id)) }),
  };
}

/** The entity of a draft: null when it is to be dropped, undefined when it is to stay as it is. */
function entityOf(id: string, given: Draft["entity"]): EntityRecord | null | undefined {
  if (given === null) return undefined;
  const { state, lastModifiedAtMs, isLocked } = given;
  if (state === undefined && !isLocked) return null;
  const lockedBy = { instanceId: "a", executionId: "a-1", criticalSectionId: "s" };
  return entity(id, { lastModifiedAtMs, ...(state !== undefined && { state }), ...(isLocked && { lockedBy }) });
}

/** The draft of a record without the fields that it does not have. */
function definedOf({ completedAtMs, customStatus, ...rest }: NonNullable<Draft["record"]>): Partial<InstanceRecord> {
  return {
    ...rest,
    ...(completedAtMs !== undefined && { completedAtMs }),
    ...(customStatus !== undefined && { customStatus }),
  };
}
