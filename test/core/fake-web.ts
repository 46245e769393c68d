/** A web without a network: answers by address, and a record of what was asked. */
import type { Fetch, FetchInit } from "holdfast";

/** One request, as it would have left. */
export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** What an address answers: the same each time, one after the other (the last one stays), or as it decides. */
export type Answer = () => Response | Promise<Response>;

export interface FakeWeb {
  readonly fetch: Fetch;
  readonly asked: Asked[];
  /** Method and address of each request, in order. */
  lines(): string[];
}

/** Requests of addresses that are not listed fail as those of names that do not exist. */
export function fakeWeb(
  answers: Readonly<Record<string, Answer | readonly Answer[]>>,
  onAsked: (asked: Asked, init: FetchInit) => void = () => {},
): FakeWeb {
  const asked: Asked[] = [];
  const counts = new Map<string, number>();
  return {
    asked,
    lines: () => asked.map(({ method, url }) => `${method} ${url}`),
    fetch: async (url, init) => {
      const one = { method: init.method, url, headers: init.headers, body: init.body };
      asked.push(one);
      onAsked(one, init);
      const count = counts.get(url) ?? 0;
      counts.set(url, count + 1);
      const answer = answers[url];
      if (answer === undefined)
        throw new TypeError("fetch failed", { cause: new Error(`getaddrinfo ENOTFOUND ${url}`) });
      return typeof answer === "function" ? answer() : (answer[Math.min(count, answer.length - 1)] as Answer)();
    },
  };
}

/** An answer with a text. */
export function text(content: string, status = 200, headers: Record<string, string> = {}): Answer {
  return () => new Response(content, { status, headers });
}

/** An answer without content. */
export function empty(status: number, headers: Record<string, string> = {}): Answer {
  return () => new Response(null, { status, headers });
}

/** A 202 that says where to ask again, and perhaps when. */
export function accepted(location: string, retryAfter?: string): Answer {
  return empty(202, { location, ...(retryAfter !== undefined && { "retry-after": retryAfter }) });
}

/** A request that is broken off. */
export function broken(message = "fetch failed"): Answer {
  return () => Promise.reject(new TypeError(message));
}

/** Never answers. */
export function silence(): Answer {
  return () => new Promise(() => {});
}
