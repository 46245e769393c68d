/** What clients see of orchestrations: states, listings, waits. Always as committed, never as decided. */
import type { ListInstanceIdsQuery, OrchestrationQuery, OrchestrationState, Page, Pageable } from "../client/client.ts";
import { checkTimeout } from "../duration.ts";
import { InstanceNotFoundError, TimeoutError } from "../errors.ts";
import { checkInstanceId } from "../identity.ts";
import {
  type Awaitable,
  type InstanceRecord,
  isPromise,
  type ListedInstance,
  type PageCursor,
  type StoredInstance,
} from "../store/contract.ts";
import type { ClientPorts } from "./engine-ports.ts";
import { checkStatus, filterOf, instant, pageable } from "./pages.ts";
import { stateOf } from "./state.ts";
import type { Waiter } from "./waiters.ts";

/** The last committed record of an instance. */
export function findInstance(engine: ClientPorts, id: string): Awaitable<ListedInstance | undefined> {
  const live = engine.find(id);
  if (live) return live.visible && { record: live.visible, lastUpdatedAtMs: live.visibleAtMs };
  const listed = (stored: StoredInstance | undefined): ListedInstance | undefined =>
    stored?.record && { record: stored.record, lastUpdatedAtMs: stored.lastUpdatedAtMs };
  const stored = engine.options.session.load(id);
  return isPromise(stored) ? stored.then(listed) : listed(stored);
}

export function viewOf<TOutput>(
  engine: ClientPorts,
  record: InstanceRecord,
  atMs: number,
  fetchPayloads = true,
): OrchestrationState<TOutput> {
  const { payloads } = engine.options;
  return stateOf(
    record,
    atMs,
    fetchPayloads ? (text) => payloads.decode(text) : undefined,
  ) as OrchestrationState<TOutput>;
}

const createdCursor = ({ record }: ListedInstance): PageCursor => ({
  atMs: record.createdAtMs,
  instanceId: record.instanceId,
});

/** Instances that fit, in order of creation. */
export function listInstances(engine: ClientPorts, query: OrchestrationQuery): Pageable<ListedInstance> {
  return listing(engine, query, (listed) => listed);
}

export function queryOrchestrations(engine: ClientPorts, query: OrchestrationQuery): Pageable<OrchestrationState> {
  return listing(engine, query, ({ record, lastUpdatedAtMs }) =>
    viewOf(engine, record, lastUpdatedAtMs, query.fetchPayloads),
  );
}

function listing<T>(engine: ClientPorts, query: OrchestrationQuery, shown: (listed: ListedInstance) => T): Pageable<T> {
  const filter = filterOf(query);
  return pageable(
    query,
    async (after, limit) => {
      engine.checkOpen();
      return engine.options.session.query({ filter, orderBy: "created", limit, ...(after && { after }) });
    },
    createdCursor,
    shown,
  );
}

/** One page of ids of finished instances, in order of completion. */
export async function listInstanceIds(engine: ClientPorts, query: ListInstanceIdsQuery): Promise<Page<string>> {
  const { statuses, completedFrom, completedTo } = query;
  for (const status of statuses ?? []) checkStatus(status);
  const filter = {
    ...(statuses && { statuses }),
    ...(completedFrom && { completedFromMs: instant(completedFrom, "completedFrom") }),
    ...(completedTo && { completedToMs: instant(completedTo, "completedTo") }),
  };
  const pages = pageable(
    query,
    async (after, limit) =>
      engine.options.session.query({ filter, orderBy: "completed", limit, ...(after && { after }) }),
    ({ record }: ListedInstance) => ({ atMs: record.completedAtMs ?? 0, instanceId: record.instanceId }),
    ({ record }) => record.instanceId,
  );
  for await (const page of pages.pages()) return page;
  return { values: [] };
}

/** What a wait waits for. */
export interface Goal {
  readonly name: "start" | "completion";
  isReached(record: InstanceRecord): boolean;
}

/** Waits for an instance. Listens first and looks afterwards, so that no change falls between the two. */
export async function waitFor<TOutput>(
  engine: ClientPorts,
  id: string,
  goal: Goal,
  timeoutMs: number | undefined,
): Promise<OrchestrationState<TOutput>> {
  checkInstanceId(id);
  if (timeoutMs !== undefined) checkTimeout(timeoutMs);
  const { waiters } = engine;
  return new Promise((resolve, reject) => {
    let cancelTimeout = (): void => {};
    const waiter: Waiter = {
      changed: (record, atMs) => {
        if (record && !goal.isReached(record)) return false;
        cancelTimeout();
        if (record) resolve(viewOf<TOutput>(engine, record, atMs));
        else reject(new InstanceNotFoundError(id));
        return true;
      },
      closed: (error) => {
        cancelTimeout();
        reject(error);
      },
    };
    const look = (found: ListedInstance | undefined): void => {
      if (waiter.changed(found?.record, found?.lastUpdatedAtMs ?? 0)) waiters.remove(id, waiter);
    };
    waiters.add(id, waiter);
    if (timeoutMs !== undefined && Number.isFinite(timeoutMs)) {
      cancelTimeout = engine.options.host.delay(timeoutMs, () => {
        waiters.remove(id, waiter);
        reject(
          new TimeoutError(
            `The ${goal.name} of '${id}' was not reached within ${timeoutMs} ms. The orchestration goes on; wait again, or look at its state.`,
          ),
        );
      });
    }
    const failed = (error: Error): void => {
      waiters.remove(id, waiter);
      waiter.closed(error);
    };
    try {
      const found = findInstance(engine, id);
      if (isPromise(found)) found.then(look, failed);
      else look(found);
    } catch (error) {
      failed(error as Error);
    }
  });
}
