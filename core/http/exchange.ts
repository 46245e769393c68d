/**
 * The activity behind `callHttp`: one request with its redirects, and whether its answer is final.
 *
 * V1. No request leaves before the egress policy has passed its address; redirects are followed by hand for that.
 * V2. Credentials go to the origin that the orchestrator called, and to no other.
 * V3. An answer of any status is a result. A failure means that there is no answer.
 */
import { type ActivityDefinition, defineActivity } from "../definition/definitions.ts";
import { EgressDeniedError, HttpRequestError, InvalidArgumentError, PayloadError } from "../errors.ts";
import { HTTP_REDIRECTS_MAX, HTTP_TIMEOUT_MS } from "../limits.ts";
import { forwardedHeaders, HTTP_REQUEST, type HttpReceipt, type HttpSending } from "../replay/http-task.ts";
import type { EgressPolicy } from "./egress.ts";
import type { ContentStream, Fetch, FetchResponse } from "./fetch.ts";
import { pollOf } from "./poll.ts";
import { parseUrl } from "./request.ts";

/** What the activity needs of its hub. */
export interface HttpPorts {
  readonly fetch: Fetch;
  readonly egress: EgressPolicy;
  /** Largest content of an answer, in bytes. */
  readonly contentBytesMax: number;
  now(): number;
}

/** One request on the way to the answer. */
interface Hop {
  readonly method: string;
  readonly url: URL;
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
}

/** The activity that `callHttp` schedules. @throws InvalidArgumentError when `fetch` is no function */
export function httpRequestActivity(ports: HttpPorts): ActivityDefinition<HttpSending, HttpReceipt> {
  if (typeof ports.fetch !== "function")
    throw new InvalidArgumentError(`\`fetch\` must be a function; got ${typeof ports.fetch}.`);
  return defineActivity({
    name: HTTP_REQUEST,
    requires: "network",
    timeoutMs: HTTP_TIMEOUT_MS,
    run: (ctx, sending: HttpSending) => exchange(sending, ports, ctx.signal),
  });
}

async function exchange(sending: HttpSending, ports: HttpPorts, signal: AbortSignal): Promise<HttpReceipt> {
  let hop: Hop = { ...sending, url: new URL(sending.url), headers: { ...sending.headers }, body: sending.body };
  for (let redirects = 0; redirects <= HTTP_REDIRECTS_MAX; redirects++) {
    const { response, url } = await send(hop, ports, signal);
    const headers = headersOf(response);
    const next = redirectOf({ ...hop, url }, sending.origin, response.status, headers.location);
    if (!next) {
      const content = await readText(hop, response, ports.contentBytesMax);
      const answer = { statusCode: response.status, headers, content };
      const poll = sending.isPolling ? pollOf(answer, url, ports.now()) : undefined;
      return poll ? { response: answer, poll } : { response: answer };
    }
    await response.body?.cancel().catch(() => {});
    hop = next;
  }
  throw new HttpRequestError(
    `${called(sending.method, new URL(sending.url))} was redirected more than ${HTTP_REDIRECTS_MAX} times; the last address was ${hop.url.origin}${hop.url.pathname}.`,
  );
}

/** The answer to one hop, and the address that gave it: another one only when `fetch` followed redirects after all. */
async function send(
  hop: Hop,
  { egress, fetch }: HttpPorts,
  signal: AbortSignal,
): Promise<{ readonly response: FetchResponse; readonly url: URL }> {
  const { method, url, headers, body } = hop;
  try {
    await egress.check(url);
    signal.throwIfAborted();
    const response = await fetch(url.href, {
      method,
      headers,
      redirect: "manual",
      signal,
      ...(body !== undefined && { body }),
    });
    const answeredBy = response.redirected ? new URL(response.url ?? "") : url;
    if (response.redirected) await egress.check(answeredBy);
    if (response.type !== "opaqueredirect") return { response, url: answeredBy };
  } catch (error) {
    throw error instanceof EgressDeniedError ? error : noAnswer(hop, error);
  }
  throw new EgressDeniedError(
    url.hostname,
    `${called(method, url)} was redirected, and this platform hides where to, so that the egress policy cannot check it. Call the final address, or open the hub with a \`fetch\` that follows redirects.`,
  );
}

/** The request that a redirect asks for (Fetch standard, HTTP-redirect fetch); `undefined` when the answer is none. */
function redirectOf(hop: Hop, origin: string, status: number, location: string | undefined): Hop | undefined {
  if (location === undefined || ![301, 302, 303, 307, 308].includes(status)) return undefined;
  const url = parseUrl(location, hop.url);
  if (!url) return undefined;
  url.hash = "";
  const becomesGet = status === 303 ? hop.method !== "HEAD" : status < 303 && hop.method === "POST";
  const headers = forwardedHeaders(hop.headers, { isSameOrigin: url.origin === origin, hasBody: !becomesGet });
  return becomesGet ? { method: "GET", url, headers, body: undefined } : { ...hop, url, headers };
}

function headersOf(response: FetchResponse): Record<string, string> {
  const values = new Map<string, string>();
  response.headers.forEach((value, given) => {
    const name = given.toLowerCase();
    const before = values.get(name);
    values.set(name, before === undefined ? value : `${before}, ${value}`);
  });
  return Object.fromEntries(values);
}

/** The content as text. @throws PayloadError when it is larger than `bytesMax`, HttpRequestError when it ends too early. */
async function readText(hop: Hop, response: FetchResponse, bytesMax: number): Promise<string> {
  try {
    if (response.body === null) return "";
    const text = response.body ? await readStream(response.body, bytesMax) : await response.text();
    if (text !== undefined && text.length <= bytesMax) return text;
  } catch (error) {
    throw noAnswer(hop, error);
  }
  throw Object.assign(
    new PayloadError(
      `${called(hop.method, hop.url)} was answered with more than the ${bytesMax} bytes allowed here. Ask for less, fetch it in an activity that stores it elsewhere, or raise limits.payloadBytesMax.`,
      { path: "$.content" },
    ),
    { isNonRetriable: true },
  );
}

/** `undefined` when it is too large. */
async function readStream(stream: ContentStream, bytesMax: number): Promise<string | undefined> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let byteCount = 0;
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    byteCount += chunk.value?.byteLength ?? 0;
    if (byteCount > bytesMax) {
      reader.cancel().catch(() => {});
      return undefined;
    }
    text += decoder.decode(chunk.value, { stream: true });
  }
  return text + decoder.decode();
}

function noAnswer({ method, url }: Hop, error: unknown): HttpRequestError {
  const cause = (error as { readonly cause?: unknown } | null)?.cause;
  const reasons = [error, cause].flatMap((one) => (one instanceof Error && one.message !== "" ? [one.message] : []));
  return new HttpRequestError(
    `${called(method, url)} failed: ${reasons.length > 0 ? reasons.join(": ") : String(error)}`,
    { cause: error },
  );
}

/** A request in words, without what may be secret in its address. */
function called(method: string, { origin, pathname }: URL): string {
  return `${method} ${origin}${pathname}`;
}
