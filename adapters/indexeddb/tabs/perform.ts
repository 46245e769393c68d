/** Carries out the calls of tabs on the leader's hub. */
import type { Page, Pageable, TaskHubClient } from "../../../core/client/client.ts";
import type { NewSchedule, ScheduledCallByName, ScheduleState } from "../../../core/client/schedules.ts";
import type { OrchestratorDefinition } from "../../../core/definition/definitions.ts";
import { unreachable } from "../../../core/unreachable.ts";
import type { Args, Call, CallName, ChangeName, FunctionName, ReadName, Result } from "./protocol.ts";
import type { Wire } from "./wire.ts";

type Performed = Exclude<CallName, "watchNext" | "unwatch">;
type Table = {
  readonly [M in Performed]: (hub: TaskHubClient, args: Args<M>, wire: Wire) => Promise<Result<M>>;
};

const CALLS: Table = {
  start: (hub, { fn, input, options }, wire) =>
    hub.scheduleNewOrchestration(definition(fn), wire.decode(input) as never, options),
  raiseEvent: (hub, { id, name, data, eventId }, wire) =>
    hub.raiseOrchestrationEvent(id, name, wire.decode(data), eventId === undefined ? {} : { eventId }),
  terminate: (hub, { id, output, recursive }, wire) =>
    hub.terminateOrchestration(id, { output: wire.decode(output), recursive }),
  suspend: (hub, { id, reason }) => hub.suspendOrchestration(id, reason),
  resume: (hub, { id, reason }) => hub.resumeOrchestration(id, reason),
  rewind: (hub, { id, reason }) => hub.rewindOrchestration(id, reason),
  restart: (hub, { id, newInstanceId }) =>
    hub.restartOrchestration(id, newInstanceId === undefined ? {} : { newInstanceId }),
  purge: (hub, { target, recursive }) => hub.purgeOrchestration(target, { recursive }),
  signalEntity: (hub, { id, operation, input, signalTime }, wire) =>
    hub.signalEntity(id, operation, wire.decode(input), signalTime ? { signalTime } : {}),
  cleanEntityStorage: (hub, request) => hub.cleanEntityStorage(request),
  createSchedule: async (hub, { schedule, fn, input }, wire) => {
    const options = { ...schedule, fn: definition(fn), input: wire.decode(input) };
    return wire.writeSchedule(await hub.schedules.create(options as unknown as NewSchedule & ScheduledCallByName));
  },
  updateSchedule: async (hub, { id, changes, fn, input }, wire) =>
    wire.writeSchedule(
      await hub.schedules.update(id, {
        ...changes,
        ...(fn !== undefined && { fn: definition(fn) }),
        ...(input && { input: wire.decode(input.text) }),
      }),
    ),
  pauseSchedule: async (hub, { id }, wire) => wire.writeSchedule(await hub.schedules.pause(id)),
  resumeSchedule: async (hub, { id }, wire) => wire.writeSchedule(await hub.schedules.resume(id)),
  deleteSchedule: (hub, { id }) => hub.schedules.delete(id),
  getState: async (hub, { id, fetchPayloads }, wire) => {
    const state = await hub.getOrchestrationState(id, fetchPayloads === undefined ? {} : { fetchPayloads });
    return state && wire.writeState(state);
  },
  waitForStart: async (hub, { id, timeoutMs }, wire) =>
    wire.writeState(await hub.waitForOrchestrationStart(id, timeoutMs === undefined ? {} : { timeoutMs })),
  waitForCompletion: async (hub, { id, timeoutMs }, wire) =>
    wire.writeState(await hub.waitForOrchestrationCompletion(id, timeoutMs === undefined ? {} : { timeoutMs })),
  pageOfStates: (hub, query, wire) => page(hub.queryOrchestrations(query), (state) => wire.writeState(state)),
  pageOfIds: (hub, query) => hub.listInstanceIds(query),
  getHistory: (hub, { id }) => hub.getOrchestrationHistory(id),
  getEntity: async (hub, { id, includeState }, wire) => {
    const entity = await hub.getEntity(id, includeState === undefined ? {} : { includeState });
    return entity && wire.writeEntity(entity);
  },
  pageOfEntities: (hub, query, wire) => page(hub.queryEntities(query), (entity) => wire.writeEntity(entity)),
  getSchedule: async (hub, { id }, wire) => {
    const schedule = await hub.schedules.get(id);
    return schedule && wire.writeSchedule(schedule);
  },
  pageOfSchedules: (hub, query, wire) =>
    page(hub.schedules.list(query), (schedule: ScheduleState) => wire.writeSchedule(schedule)),
};

/** Makes a call. */
export function perform<M extends Performed>(hub: TaskHubClient, call: Call<M>, wire: Wire): Promise<Result<M>> {
  const { name, args } = call as { name: M; args: Args<M> };
  return CALLS[name](hub, args, wire);
}

/**
 * The result of a change that took effect under an earlier leader, from the answer in its receipt. `undefined` for those that are made again to find
 * out: purges of many, which go on where they were, and changes of schedules, which meet the receipt at the place where they would be applied.
 */
export function settled(call: Call<ChangeName>, answer: unknown): { readonly value: unknown } | undefined {
  switch (call.name) {
    case "purge":
      return typeof call.args.target === "string" && !call.args.recursive
        ? { value: { deletedInstanceCount: answer, isComplete: true } }
        : undefined;
    case "start":
      return { value: call.args.options.instanceId };
    case "restart":
      return { value: call.args.newInstanceId ?? call.args.id };
    case "raiseEvent":
    case "terminate":
    case "suspend":
    case "resume":
    case "rewind":
    case "signalEntity":
      return { value: undefined };
    case "cleanEntityStorage":
    case "createSchedule":
    case "updateSchedule":
    case "pauseSchedule":
    case "resumeSchedule":
    case "deleteSchedule":
      return undefined;
    default:
      return unreachable(call);
  }
}

/** The names of the calls that change nothing; all others are changes. */
const READS: ReadonlySet<CallName> = new Set<ReadName>([
  "getState",
  "waitForStart",
  "waitForCompletion",
  "pageOfStates",
  "pageOfIds",
  "getHistory",
  "getEntity",
  "pageOfEntities",
  "getSchedule",
  "pageOfSchedules",
  "watchNext",
  "unwatch",
]);
export function isRead(call: Call): call is Call<ReadName> {
  return READS.has(call.name);
}

/** The hub finds definitions by name and version; nothing else of one is looked at. */
function definition(fn: FunctionName): OrchestratorDefinition<never, unknown> & string {
  return fn as unknown as OrchestratorDefinition<never, unknown> & string;
}

/** The first page of a listing, which begins where its continuation token says. */
async function page<T, W>(listing: Pageable<T>, write: (value: T) => W): Promise<Page<W>> {
  for await (const { values, ...rest } of listing.pages()) return { ...rest, values: values.map(write) };
  return { values: [] };
}
