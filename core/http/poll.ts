/** Whether an answer asks to be asked again: 202 with a `Location`, and when by its `Retry-After` (RFC 9110, sections 10.2.2 and 10.2.3). */
import type { DurableHttpResponse } from "../definition/http.ts";
import { INSTANT_MS_MAX } from "../duration.ts";
import { HTTP_POLL_MS } from "../limits.ts";
import type { HttpReceipt } from "../replay/http-task.ts";
import { isHttp, parseUrl } from "./request.ts";

/** The next request of a poll; `undefined` when the answer is final. A 202 without an http or https `Location` is. */
export function pollOf(
  { statusCode, headers }: DurableHttpResponse,
  effectiveUrl: URL,
  nowMs: number,
): HttpReceipt["poll"] {
  const url = statusCode === 202 && headers.location ? parseUrl(headers.location, effectiveUrl) : undefined;
  if (!url || !isHttp(url)) return undefined;
  url.hash = "";
  return { url: url.href, origin: url.origin, delayMs: retryAfterMs(headers["retry-after"], nowMs) };
}

/** The delay that a `Retry-After` asks for, in whole seconds rounded up; the default for one that is absent, malformed or beyond all dates. */
export function retryAfterMs(value: string | undefined, nowMs: number): number {
  const text = value?.trim() ?? "";
  const delayMs = /^\d+$/.test(text)
    ? Number(text) * 1_000
    : Math.max(0, Math.ceil((httpDateMs(text, nowMs) - nowMs) / 1_000) * 1_000);
  return delayMs <= INSTANT_MS_MAX - nowMs ? delayMs : HTTP_POLL_MS;
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
/** `Sun, 06 Nov 1994 08:49:37 GMT`, and `Sunday, 06-Nov-94 08:49:37 GMT` as older servers write it. */
const DATE = /^[a-z]+, (\d\d)[ -]([a-z]{3})[ -](\d{4}|\d\d) (\d\d):(\d\d):(\d\d) GMT$/i;
/** `Sun Nov  6 08:49:37 1994`, as C writes it. */
const C_DATE = /^[a-z]{3} ([a-z]{3}) ([ \d]\d) (\d\d):(\d\d):(\d\d) (\d{4})$/i;

/** The instant of an HTTP date in its three forms; `NaN` for anything else. */
function httpDateMs(text: string, nowMs: number): number {
  const [, day, month, year, ...time] = DATE.exec(text) ?? cDateParts(text);
  const monthIndex = MONTHS.indexOf(month?.toLowerCase() ?? "");
  const [hour = Number.NaN, minute = Number.NaN, second = Number.NaN] = time.map(Number);
  if (monthIndex < 0 || hour > 23 || minute > 59 || second > 60) return Number.NaN;
  const dateMs = Date.UTC(fullYear(year ?? "", nowMs), monthIndex, Number(day), hour, minute, second);
  return new Date(dateMs).getUTCMonth() === monthIndex ? dateMs : Number.NaN;
}

function cDateParts(text: string): (string | undefined)[] {
  const [, month, day, hour, minute, second, year] = C_DATE.exec(text) ?? [];
  return [text, day, month, year, hour, minute, second];
}

/** A year of two digits is at most 50 years ahead. */
function fullYear(digits: string, nowMs: number): number {
  if (digits.length > 2) return Number(digits);
  const year = 2_000 + Number(digits);
  return year > new Date(nowMs).getUTCFullYear() + 50 ? year - 100 : year;
}
