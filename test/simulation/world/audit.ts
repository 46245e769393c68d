/** Questions that show whether what was committed is what a store holds: everything that the contract lets a hub ask, in every combination. */
import type {
  EntityFilter,
  InstanceChange,
  InstanceFilter,
  InstanceQuery,
  InstanceRecord,
} from "../../../core/store/contract.ts";
import { ORCHESTRATION_STATUSES } from "../../../core/store/contract.ts";
import type { Asked } from "../model/questions.ts";
import type { StoreModel } from "../model/store-model.ts";
import type { Random } from "../replay/random.ts";
import type { Choices } from "./choices.ts";

/** Later than any timer. */
const END_OF_TIME_MS = 8.64e15;
const LIMITS = [1, 2, 3, 1_000] as const;
const PREFIXES = ["", "i", "i0", "c", "@", "@journal@", "spawned", "zz", "\u{10ffff}"] as const;

/** After a commit: some of what it changed, and now and then anything. */
export function afterCommit(choices: Choices, model: StoreModel, changes: readonly InstanceChange[]): Asked[] {
  const random = choices.about("audits");
  const changed = changes.flatMap(({ instanceId, isReset }): Asked[] =>
    isReset || random.chance(0.25) ? both(instanceId) : [],
  );
  return random.chance(0.1 * choices.liking("audits")) ? [...changed, ...someOf(random, model)] : changed;
}

/** Of a store that was opened anew: all there is. */
export function ofAll(random: Random, model: StoreModel): Asked[] {
  return [
    ["openInstances"],
    ["nextTimerAtMs"],
    ["dueTimers", END_OF_TIME_MS, 1_000],
    ["query", { filter: {}, orderBy: "created", limit: 1_000 }],
    ["query", { filter: {}, orderBy: "completed", limit: 1_000 }],
    ["queryEntities", { includesTransient: true, limit: 1_000 }],
    ...[...model.instances.keys()].flatMap(both),
    ...both("nobody"),
    ...someOf(random, model),
  ];
}

/** A few questions at random. */
function someOf(random: Random, model: StoreModel): Asked[] {
  const timers = model.timers();
  const dueAtMs = random.chance(0.5) ? END_OF_TIME_MS : (random.pick([...timers, undefined])?.dueAtMs ?? 0);
  const id = random.pick([...model.instances.keys(), "nobody"]);
  return [
    ["openInstances"],
    ["nextTimerAtMs"],
    ["dueTimers", dueAtMs, random.pick(LIMITS)],
    ["query", instanceQuery(random, model)],
    ["queryEntities", entityFilter(random, model)],
    ...both(id),
  ];
}

function both(instanceId: string): Asked[] {
  return [
    ["load", instanceId],
    ["history", instanceId],
  ];
}

function instanceQuery(random: Random, model: StoreModel): InstanceQuery {
  const records = [...model.instances.values()].flatMap(({ record }) => record ?? []);
  const orderBy = random.pick(["created", "completed"] as const);
  const one = random.pick([...records, undefined]);
  const atMs = (orderBy === "created" ? one?.createdAtMs : one?.completedAtMs) ?? 0;
  const after = { atMs, instanceId: one?.instanceId ?? "" };
  return {
    filter: instanceFilter(random, records),
    orderBy,
    limit: random.pick(LIMITS),
    ...(random.chance(0.3) && { after }),
  };
}

function instanceFilter(random: Random, records: readonly InstanceRecord[]): InstanceFilter {
  const some = (): boolean => random.chance(0.2);
  const record = (): InstanceRecord | undefined => random.pick([...records, undefined]);
  const createdMs = (): number => record()?.createdAtMs ?? 0;
  const completedMs = (): number => record()?.completedAtMs ?? 0;
  return {
    ...(some() && { statuses: [random.pick(ORCHESTRATION_STATUSES), random.pick(ORCHESTRATION_STATUSES)] }),
    ...(some() && { names: [random.pick(["p0", "p1", "p2", record()?.name ?? "none"])] }),
    ...(some() && { createdFromMs: createdMs() }),
    ...(some() && { createdToMs: createdMs() }),
    ...(some() && { completedFromMs: completedMs() }),
    ...(some() && { completedToMs: completedMs() }),
    ...(some() && { instanceIdPrefix: random.pick([...PREFIXES, record()?.instanceId ?? ""]) }),
    ...(some() && { tags: random.pick([{}, record()?.tags ?? {}, { nothing: "like it" }]) }),
  };
}

function entityFilter(random: Random, model: StoreModel): EntityFilter {
  const entities = [...model.instances.values()].flatMap(({ entity }) => entity ?? []);
  const some = (): boolean => random.chance(0.25);
  const modifiedMs = (): number => random.pick([...entities, undefined])?.lastModifiedAtMs ?? 0;
  return {
    ...(some() && { instanceIdPrefix: random.pick(PREFIXES) }),
    ...(some() && { lastModifiedFromMs: modifiedMs() }),
    ...(some() && { lastModifiedToMs: modifiedMs() }),
    ...(some() && { after: random.pick([...entities, undefined])?.instanceId ?? "@journal@a" }),
    includesTransient: random.chance(0.5),
    limit: random.pick(LIMITS),
  };
}
