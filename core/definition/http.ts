import type { Retry } from "./retry.ts";

/** A request that an orchestrator makes with `callHttp`. It is kept in the history as it is given, headers included. */
export interface DurableHttpRequest {
  /** Any method but CONNECT, TRACE and TRACK; upper-cased. */
  readonly method: string;
  /** An absolute `http:` or `https:` address that the hub's egress policy allows. */
  readonly url: string;
  /** One value per name. `Host` and the headers of the connection and of the body's framing are set by the platform. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A string is sent as it is; any other JSON value as JSON, with `content-type: application/json` unless `headers` has one. Not for GET and HEAD. */
  readonly body?: unknown;
  /** Whether a 202 with a `Location` is followed up until the final answer; true unless given. */
  readonly enablePolling?: boolean;
  /** What to do when a request fails: no connection, no answer in time. Each request of a poll counts its own attempts. */
  readonly retry?: Retry;
  /** Longest time of one request in ms, its redirects and its content included; more than 0, five minutes unless given. */
  readonly timeoutMs?: number;
}

/** An answer, whatever its status. */
export interface DurableHttpResponse {
  readonly statusCode: number;
  /** Names are in lower case; several values of one name are joined with `", "`. */
  readonly headers: Readonly<Record<string, string>>;
  /** The content as text (UTF-8); `""` when there is none. */
  readonly content: string;
}
