/** What `callHttp` is given, checked at the call and brought into one form. Pure: replay calls it too. */
import type { DurableHttpRequest } from "../definition/http.ts";
import { checkRetry } from "../definition/retry.ts";
import { InvalidArgumentError } from "../errors.ts";
import type { HttpSending } from "../replay/http-task.ts";

/** The characters that methods and header names are made of (RFC 9110, token). */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Methods that `fetch` refuses. */
const FORBIDDEN_METHODS: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"]);
/** Headers that belong to the connection or to the framing of the body. */
const PLATFORM_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
/** What JSON can write as it is, by its tag. */
const JSON_OBJECTS: ReadonlySet<string> = new Set(["[object Object]", "[object Array]"]);

/** @throws InvalidArgumentError for a request that makes no sense. */
export function checkHttpRequest(request: DurableHttpRequest): HttpSending {
  if (typeof request !== "object" || request === null)
    throw new InvalidArgumentError(
      `callHttp takes { method, url, … }; got ${request === null ? "null" : typeof request}.`,
    );
  const method = methodOf(request.method);
  const url = urlOf(request.url);
  const headers = headersOf(request.headers);
  const { body, enablePolling, timeoutMs } = request;
  if (enablePolling !== undefined && typeof enablePolling !== "boolean")
    throw new InvalidArgumentError(`callHttp: enablePolling must be true or false; got ${String(enablePolling)}.`);
  if (timeoutMs !== undefined && !(typeof timeoutMs === "number" && timeoutMs > 0 && Number.isFinite(timeoutMs)))
    throw new InvalidArgumentError(
      `callHttp: timeoutMs must be a finite number of more than 0; got ${String(timeoutMs)}.`,
    );
  checkRetry(request.retry, "callHttp");
  if (body !== undefined && (method === "GET" || method === "HEAD"))
    throw new InvalidArgumentError(`callHttp: a ${method} request has no body. Leave it out, or use another method.`);
  const text = body === undefined ? undefined : textOf(body);
  if (typeof body !== "string" && text !== undefined) headers["content-type"] ??= "application/json";
  return {
    method,
    url: url.href,
    origin: url.origin,
    headers,
    isPolling: enablePolling ?? true,
    ...(text !== undefined && { body: text }),
  };
}

function methodOf(method: unknown): string {
  if (typeof method !== "string" || !TOKEN.test(method) || FORBIDDEN_METHODS.has(method.toUpperCase()))
    throw new InvalidArgumentError(
      `callHttp: method must be an HTTP method such as "GET" or "POST" (not CONNECT, TRACE or TRACK); got ${JSON.stringify(method)}.`,
    );
  return method.toUpperCase();
}

function urlOf(text: unknown): URL {
  const url = typeof text === "string" ? parseUrl(text) : undefined;
  if (!url || !isHttp(url))
    throw new InvalidArgumentError(
      `callHttp: url must be an absolute address that begins with http:// or https://; got ${JSON.stringify(text)}.`,
    );
  url.hash = "";
  return url;
}

/** An address, resolved against another; `undefined` when it is none. */
export function parseUrl(text: string, base?: URL): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}

export function isHttp(url: URL): boolean {
  return url.protocol === "http:" || url.protocol === "https:";
}

function headersOf(headers: unknown): Record<string, string> {
  if (headers !== undefined && (typeof headers !== "object" || headers === null || Array.isArray(headers)))
    throw new InvalidArgumentError("callHttp: headers must be an object of names and values.");
  const checked: Record<string, string> = {};
  for (const [given, value] of Object.entries((headers ?? {}) as Record<string, unknown>)) {
    const name = given.toLowerCase();
    if (!TOKEN.test(name)) throw new InvalidArgumentError(`callHttp: '${given}' is not the name of a header.`);
    if (PLATFORM_HEADERS.has(name))
      throw new InvalidArgumentError(`callHttp: the header '${given}' is set by the platform. Leave it out.`);
    if (typeof value !== "string" || !isHeaderValue(value))
      throw new InvalidArgumentError(
        `callHttp: the value of the header '${given}' must be a text of characters up to U+00FF, without line breaks.`,
      );
    if (Object.hasOwn(checked, name))
      throw new InvalidArgumentError(`callHttp: the header '${name}' is given twice, in different cases.`);
    Object.defineProperty(checked, name, { value, enumerable: true, writable: true, configurable: true });
  }
  return checked;
}

function isHeaderValue(value: string): boolean {
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index);
    if (code > 0xff || code === 0 || code === 10 || code === 13) return false;
  }
  return true;
}

/** A body as it is sent. */
function textOf(body: unknown): string {
  if (typeof body === "string") return body;
  const refuse = (what: string): never => {
    throw new InvalidArgumentError(
      `callHttp: the body holds ${what}, which JSON cannot keep. Give a string, or a value of plain objects, arrays, strings, finite numbers, booleans and null.`,
    );
  };
  let text: string | undefined;
  try {
    text = JSON.stringify(body, (_key, value: unknown) => {
      if (typeof value === "number" && !Number.isFinite(value)) return refuse(String(value));
      if (typeof value === "function" || typeof value === "symbol") return refuse(`a ${typeof value}`);
      if (typeof value !== "object" || value === null) return value;
      const tag = Object.prototype.toString.call(value);
      return JSON_OBJECTS.has(tag) ? value : refuse(tag);
    });
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw error;
    refuse(error instanceof Error ? `something else (${error.message})` : "something else");
  }
  return text ?? refuse("nothing");
}
