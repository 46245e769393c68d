/** Listings from another tab: page by page, each asked for when the one before has been read. */
import type { Page, Pageable } from "../../../core/client/client.ts";

interface Positioned {
  readonly continuationToken?: string;
}

/** A listing over single pages. */
export function listing<TQuery extends Positioned, W, T>(
  query: TQuery,
  fetch: (query: TQuery) => Promise<Page<W>>,
  read: (value: W) => T,
): Pageable<T> {
  async function* pages(): AsyncGenerator<Page<T>, void, undefined> {
    for (let position: TQuery | undefined = query; position; ) {
      const { values, continuationToken }: Page<W> = await fetch(position);
      position = continuationToken === undefined ? undefined : { ...query, continuationToken };
      yield { values: values.map(read), ...(continuationToken !== undefined && { continuationToken }) };
    }
  }
  async function* values(): AsyncGenerator<T, void, undefined> {
    for await (const page of pages()) yield* page.values;
  }
  return { pages, [Symbol.asyncIterator]: values };
}
