/**
 * What tabs say to each other. Everything here is structured-cloneable; payloads are text of the hub's codec.
 *
 * The tab that executes is the leader; the others follow. Each time in office has a number, its term: the epoch of the hub's session in the store,
 * so that a later leader has a higher one.
 *
 * L1. A request is for one term: a leader takes none of another. So what is delayed past its leader is never applied; it is sent again.
 * L2. An answer or sign of life of an earlier term than the highest one heard counts for nothing.
 * L3. Tabs of different builds meet: a page stays open while a new build is deployed. A sign of life tells which protocol the leader speaks; a tab
 *     sends requests only to a leader that speaks its own. Of two protocols the newer leads: a tab that hears an older one takes the lead, a tab that
 *     hears a newer one refuses its calls until it leads itself. So this is understood by every build for ever: the name of the lock, the question
 *     `ask`, the farewell `bye`, the sign of life, and that a `term` is a term. All else may change with `PROTOCOL`.
 */
import type {
  CleanEntityStorageRequest,
  CleanEntityStorageResult,
  EntityQuery,
  ListInstanceIdsQuery,
  OrchestrationQuery,
  Page,
  PurgeCriteria,
  PurgeResult,
  StartOrchestrationOptions,
} from "../../../core/client/client.ts";
import type { NewSchedule, ScheduleChanges, ScheduleQuery } from "../../../core/client/schedules.ts";
import type { ErrorData } from "../../../core/error-data.ts";
import type { HistoryEvent } from "../../../core/history/events.ts";
import type { WireEntity, WireSchedule, WireState } from "./wire.ts";

/** Number of what tabs say to each other here; it grows when a tab of an earlier build would not understand a request or an answer. */
export const PROTOCOL = 1;

/** A payload as text; absent for `undefined`. */
export type PayloadText = string | undefined;
/** A function by its name, or a definition by its name and version. */
export type FunctionName = string | { readonly name: string; readonly version: string };

/** Calls that change something: numbered, made in order, and noted in receipts. */
export interface Changes {
  start: [
    { fn: FunctionName; input: PayloadText; options: StartOrchestrationOptions & { readonly instanceId: string } },
    string,
  ];
  raiseEvent: [{ id: string; name: string; data: PayloadText; eventId?: string | undefined }, void];
  terminate: [{ id: string; output: PayloadText; recursive: boolean }, void];
  suspend: [{ id: string; reason: string | undefined }, void];
  resume: [{ id: string; reason: string | undefined }, void];
  rewind: [{ id: string; reason: string | undefined }, void];
  restart: [{ id: string; newInstanceId: string | undefined }, string];
  purge: [{ target: string | PurgeCriteria; recursive: boolean }, PurgeResult];
  signalEntity: [{ id: string; operation: string; input: PayloadText; signalTime: Date | undefined }, void];
  cleanEntityStorage: [CleanEntityStorageRequest, CleanEntityStorageResult];
  createSchedule: [{ schedule: NewSchedule; fn: FunctionName; input: PayloadText }, WireSchedule];
  updateSchedule: [
    {
      id: string;
      changes: Omit<ScheduleChanges, "fn" | "input">;
      fn?: FunctionName | undefined;
      input?: { readonly text: PayloadText } | undefined;
    },
    WireSchedule,
  ];
  pauseSchedule: [{ id: string }, WireSchedule];
  resumeSchedule: [{ id: string }, WireSchedule];
  deleteSchedule: [{ id: string }, void];
}

/** Calls that change nothing, and may be made as often as need be. */
export interface Reads {
  getState: [{ id: string; fetchPayloads: boolean | undefined }, WireState | undefined];
  waitForStart: [{ id: string; timeoutMs: number | undefined }, WireState];
  waitForCompletion: [{ id: string; timeoutMs: number | undefined }, WireState];
  pageOfStates: [OrchestrationQuery, Page<WireState>];
  pageOfIds: [ListInstanceIdsQuery, Page<string>];
  getHistory: [{ id: string }, readonly HistoryEvent[]];
  getEntity: [{ id: string; includeState: boolean | undefined }, WireEntity | undefined];
  pageOfEntities: [EntityQuery, Page<WireEntity>];
  getSchedule: [{ id: string }, WireSchedule | undefined];
  pageOfSchedules: [ScheduleQuery, Page<WireSchedule>];
  /** The next states of a watch: see `watch-feed.ts`. */
  watchNext: [{ watch: string; target: WatchTarget; received: number }, WatchBatch];
  unwatch: [{ watch: string }, void];
}

/** One instance, or all that fit. */
export type WatchTarget =
  | { readonly kind: "one"; readonly id: string }
  | { readonly kind: "many"; readonly query: OrchestrationQuery };
/** `restart`: the leader has no such watch (any more); ask again from its beginning. */
export type WatchBatch =
  | { readonly kind: "states"; readonly states: readonly WireState[]; readonly isEnd: boolean }
  | { readonly kind: "restart" };

export interface Calls extends Changes, Reads {}
export type CallName = keyof Calls;
export type ChangeName = keyof Changes;
export type ReadName = keyof Reads;
export type Args<M extends CallName> = Calls[M][0];
export type Result<M extends CallName> = Calls[M][1];
/** A call with its arguments. */
export type Call<M extends CallName = CallName> = { [K in M]: { readonly name: K; readonly args: Args<K> } }[M];

/** What followers send to the leader. */
export type ToLeader =
  | {
      readonly kind: "change";
      readonly tab: string;
      readonly term: number;
      readonly id: number;
      /** Its number among the changes of the tab. */
      readonly place: number;
      /** The tab has the answers of all changes before this one. */
      readonly answeredBelow: number;
      readonly call: Call<ChangeName>;
    }
  | {
      readonly kind: "read";
      readonly tab: string;
      readonly term: number;
      readonly id: number;
      readonly call: Call<ReadName>;
    }
  /** Is anybody there? */
  | { readonly kind: "ask" }
  /** The tab has closed its hub: it sends nothing again. */
  | { readonly kind: "bye"; readonly tab: string };
export type Request = Extract<ToLeader, { kind: "change" | "read" }>;

/** How a call ended. */
export type Outcome =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "error"; readonly error: ErrorData };

/** What the leader sends to one tab. */
export interface Answer {
  readonly term: number;
  readonly id: number;
  readonly outcome: Outcome;
}

/** What the leader sends to all tabs. */
export interface SignOfLife {
  /** The `PROTOCOL` of its build. */
  readonly protocol: number;
  /** Absent while it opens the hub. */
  readonly term?: number;
  readonly codeVersion?: number;
}
