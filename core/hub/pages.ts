/** Listings by page, with tokens that stay valid when the hub is opened again. */
import type { OrchestrationQuery, Page, Pageable } from "../client/client.ts";
import { InvalidArgumentError } from "../errors.ts";
import { PAGE_SIZE, PAGE_SIZE_MAX } from "../limits.ts";
import {
  type InstanceFilter,
  ORCHESTRATION_STATUSES,
  type OrchestrationStatus,
  type PageCursor,
} from "../store/contract.ts";

/**
 * A listing over `fetch`, which gives up to `limit` rows after a cursor.
 * @throws InvalidArgumentError for a page size that is not a positive integer, or a token that was not given by a page.
 */
export function pageable<TRow, T>(
  options: { readonly pageSize?: number | undefined; readonly continuationToken?: string | undefined },
  fetch: (after: PageCursor | undefined, limit: number) => Promise<readonly TRow[]>,
  cursorOf: (row: TRow) => PageCursor,
  shown: (row: TRow) => T,
): Pageable<T> {
  const size = options.pageSize ?? PAGE_SIZE;
  if (!Number.isInteger(size) || size < 1 || size > PAGE_SIZE_MAX) {
    throw new InvalidArgumentError(
      `pageSize must be an integer from 1 to ${PAGE_SIZE_MAX}; got ${String(options.pageSize)}.`,
    );
  }
  const start = options.continuationToken === undefined ? undefined : readToken(options.continuationToken);
  async function* pages(): AsyncGenerator<Page<T>, void, undefined> {
    for (let after = start; ; ) {
      const rows = await fetch(after, size + 1);
      const last = rows[size - 1];
      const isLast = rows.length <= size || !last;
      const values = rows.slice(0, size).map(shown);
      if (isLast) {
        yield { values };
        return;
      }
      after = cursorOf(last);
      yield { values, continuationToken: writeToken(after) };
    }
  }
  async function* values(): AsyncGenerator<T, void, undefined> {
    for await (const page of pages()) yield* page.values;
  }
  return { pages, [Symbol.asyncIterator]: values };
}

/** Checks a query and turns it into a store's filter. @throws InvalidArgumentError */
export function filterOf(query: OrchestrationQuery): InstanceFilter {
  const { statuses, names, createdFrom, createdTo, instanceIdPrefix, tags } = query;
  for (const status of statuses ?? []) checkStatus(status);
  return {
    ...(statuses && { statuses }),
    ...(names && { names }),
    ...(createdFrom && { createdFromMs: instant(createdFrom, "createdFrom") }),
    ...(createdTo && { createdToMs: instant(createdTo, "createdTo") }),
    ...(instanceIdPrefix !== undefined && { instanceIdPrefix }),
    ...(tags && { tags }),
  };
}

/** @throws InvalidArgumentError for a text that is no status. */
export function checkStatus(status: unknown): asserts status is OrchestrationStatus {
  if (!ORCHESTRATION_STATUSES.includes(status as OrchestrationStatus))
    throw new InvalidArgumentError(
      `'${String(status)}' is not a status of an orchestration. Known: ${ORCHESTRATION_STATUSES.join(", ")}.`,
    );
}

/** Milliseconds of a date. @throws InvalidArgumentError for an invalid one. */
export function instant(date: Date, what: string): number {
  const ms = Object.prototype.toString.call(date) === "[object Date]" ? date.getTime() : Number.NaN;
  if (Number.isNaN(ms)) throw new InvalidArgumentError(`${what} must be a valid Date.`);
  return ms;
}

const TOKEN = /^v1\.(-?\d{1,16})\.(.{1,400})$/s;

function writeToken(cursor: PageCursor): string {
  return `v1.${cursor.atMs}.${encodeURIComponent(cursor.instanceId)}`;
}

function readToken(token: string): PageCursor {
  const [, atMs, id] = (typeof token === "string" && TOKEN.exec(token)) || [];
  if (atMs !== undefined && id !== undefined) {
    try {
      return { atMs: Number(atMs), instanceId: decodeURIComponent(id) };
    } catch {
      // Falls through to the refusal below.
    }
  }
  throw new InvalidArgumentError(
    `'${String(token).slice(0, 60)}' is not a continuation token. Pass on what the page before gave, unchanged.`,
  );
}
